# SPDX-License-Identifier: MIT
"""Workflows of another SDK, for what only their side can attach."""

import contextlib
import datetime

from temporalio import workflow
from temporalio.converter import default
from temporalio.worker import (
    Interceptor,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)


@workflow.defn(name="CallTraceId")
class CallTraceId:
    @workflow.run
    async def run(self, activity: str, queue: str) -> str:
        return await workflow.execute_activity(
            activity, task_queue=queue, result_type=str, start_to_close_timeout=datetime.timedelta(seconds=30))


class Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input):
        payload = default().payload_converter.to_payload("abc-123")
        input.headers = {**input.headers, "trace-id": payload}
        return super().start_activity(input)


class Inbound(WorkflowInboundInterceptor):
    def init(self, outbound):
        super().init(Outbound(outbound))


class Tracing(Interceptor):
    """Attaches the trace id abc-123 to every activity."""

    def workflow_interceptor_class(self, input):
        return Inbound


@contextlib.contextmanager
def serving(server, queue):
    async def begin():
        worker = Worker(server.client, task_queue=queue, workflows=[CallTraceId], interceptors=[Tracing()],
                        workflow_runner=UnsandboxedWorkflowRunner())
        await worker.__aenter__()
        return worker

    worker = server.run(begin())
    try:
        yield
    finally:
        server.run(worker.__aexit__(None, None, None))
