# SPDX-License-Identifier: MIT
"""The codec of tests/e2e/modules/coded.cpp, and an interceptor that attaches a trace id, for Python's client."""

import dataclasses

from temporalio.api.common.v1 import Payload
from temporalio.client import Client, Interceptor, OutboundInterceptor
from temporalio.converter import DataConverter, PayloadCodec, default

ENCODING = b"binary/backwards"


class Backwards(PayloadCodec):
    async def encode(self, payloads):
        return [encoded(p) for p in payloads]

    async def decode(self, payloads):
        return [decoded(p) for p in payloads]


def encoded(payload):
    return Payload(data=payload.data[::-1],
                   metadata={**payload.metadata, "was": payload.metadata["encoding"], "encoding": ENCODING})


def decoded(payload):
    if payload.metadata.get("encoding") != ENCODING:
        return payload
    metadata = {**payload.metadata, "encoding": payload.metadata["was"]}
    del metadata["was"]
    return Payload(data=payload.data[::-1], metadata=metadata)


class Tracing(Interceptor):
    """Attaches `trace` to all that is sent."""

    def __init__(self, trace, through_codec):
        payload = default().payload_converter.to_payload(trace)
        self.headers = {"trace-id": encoded(payload) if through_codec else payload}

    def intercept_client(self, next):
        headers = self.headers

        class Outbound(OutboundInterceptor):
            async def start_workflow(self, input):
                return await super().start_workflow(dataclasses.replace(input, headers=headers))

            async def signal_workflow(self, input):
                return await super().signal_workflow(dataclasses.replace(input, headers=headers))

            async def query_workflow(self, input):
                return await super().query_workflow(dataclasses.replace(input, headers=headers))

            async def start_workflow_update(self, input):
                return await super().start_workflow_update(dataclasses.replace(input, headers=headers))

        return Outbound(next)


async def connect(address, interceptors=()):
    """A client whose payloads are stored backwards."""
    return await Client.connect(
        address, data_converter=dataclasses.replace(DataConverter.default, payload_codec=Backwards()),
        interceptors=list(interceptors))
