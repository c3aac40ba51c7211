# SPDX-License-Identifier: MIT
"""One set of activities (modules/cases.cpp) in each of the three homes."""

import json

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest, ResetActivityRequest, UnpauseActivityRequest)

from .waiting import wait_until
from .worker import Worker

MODULES = ("cases", "workflows")
HOMES = {
    "children": ["--children", "4"],
    "threads": ["--activity-executor", "threads"],
    # Plain functions have to be somewhere; none of them is called.
    "loop": ["--activity-executor", "threads"],
}
ONCE = {"attempts": 1}


class Cases:
    def __init__(self, server, start, queue, home):
        self.server, self.queue, self.home = server, queue, home
        self._start = start

    def worker(self, *flags, modules=MODULES):
        """One of its own, for a test that stops it or wants it otherwise."""
        return self._start(*modules, *HOMES[self.home], *flags)

    def name(self, activity):
        return f"{activity}_later" if self.home == "loop" else activity

    def call(self, activity, *arguments, how=None, **more):
        """A workflow that does nothing but call that activity."""
        return self.server.start("Call", self.name(activity), how or {}, *arguments, queue=self.queue, **more)

    def failure(self, activity, *arguments):
        """Of its only attempt, as the history has it."""
        run = self.call(activity, *arguments, how=ONCE)
        run.failure()
        return run.events("ActivityTaskFailed")[0].failure

    def cancellable(self, activity, *arguments):
        """A workflow that cancels that activity when it gets the signal `cancel_it`, and says how it ended."""
        return self.server.start("CancelActivity", self.name(activity), *arguments, queue=self.queue)

    # What an operator does to the only activity of a run.
    def pause(self, run):
        self._ask("pause_activity", PauseActivityRequest, run)

    def unpause(self, run):
        self._ask("unpause_activity", UnpauseActivityRequest, run)

    def reset(self, run):
        self._ask("reset_activity", ResetActivityRequest, run)

    def _ask(self, method, request, run):
        pending, = run.pending()
        self.server.run(getattr(self.server.client.workflow_service, method)(request(
            namespace="default", execution=WorkflowExecution(workflow_id=run.id), id=pending.activity_id)))


@pytest.fixture(params=HOMES)
def cases(request, server, start, queue):
    """Starts no worker yet."""
    return Cases(server, start, queue, request.param)


@pytest.fixture(scope="session")
def workers_of_homes(server, tmp_path_factory):
    """By home. What they were asked to do leaves nothing behind, so all tests may share them."""
    workers = {}
    yield workers
    for worker in workers.values():
        try:
            worker.finish()
        finally:
            worker.kill()


@pytest.fixture
def worker(cases, server, workers_of_homes, tmp_path_factory):
    """The one of this home that serves all tests which do not stop it."""
    cases.queue = f"cases in {cases.home}"
    if cases.home not in workers_of_homes:
        workers_of_homes[cases.home] = Worker(
            *MODULES, *HOMES[cases.home], "--grace", "1s", queue=cases.queue, address=server.address,
            home=tmp_path_factory.mktemp("cases") / "worker")
    worker = workers_of_homes[cases.home]
    worker.wait_for("polling")
    return worker


def details(failure):
    """Those of an application failure, decoded."""
    return [json.loads(p.data) for p in failure.application_failure_info.details.payloads]


def causes(failure):
    """Type and message of a failure and of its causes."""
    chain = [(failure.application_failure_info.type, failure.message)]
    return chain + (causes(failure.cause) if failure.HasField("cause") else [])


def beaten(run):
    """The details of the newest heartbeat the server knows, once there is one."""
    def details_there():
        return [p for p in run.pending() if p.HasField("heartbeat_details")]

    return json.loads(wait_until("a heartbeat is there", details_there)[0].heartbeat_details.payloads[0].data)
