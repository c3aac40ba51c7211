# SPDX-License-Identifier: MIT
"""E013: an activity of each home is completed by somebody else, who knows its token or its ids."""

import pytest
from harness.waiting import wait_until
from temporalio.client import AsyncActivityCancelledError
from temporalio.exceptions import ApplicationError


@pytest.fixture(params=["token", "ids"])
def handle_of(request, server, cases, worker, folder):
    """What a client completes an activity with, once nobody runs it any more."""
    def handle(run):
        def token():
            return (folder / "token").read_bytes() if (folder / "token").exists() else None

        task_token = wait_until("the activity has left its token", token)
        worker.wait_for("an activity is left for others to complete", workflow_id=run.id)
        if request.param == "token":
            return server.client.get_async_activity_handle(task_token=task_token)
        pending, = run.pending()
        return server.client.get_async_activity_handle(
            workflow_id=run.id, run_id=run.handle.result_run_id, activity_id=pending.activity_id)

    return handle


def test_E013_it_is_completed(server, cases, folder, handle_of):
    run = cases.call("complete_elsewhere", str(folder))
    server.run(handle_of(run).complete("by hand"))
    assert run.result() == "by hand"


def test_E013_it_is_completed_without_a_result(server, cases, folder, handle_of):
    run = cases.call("complete_elsewhere", str(folder))
    server.run(handle_of(run).complete())
    assert run.result() is None


def test_E013_it_beats_fails_and_is_tried_again(server, cases, folder, handle_of):
    run = cases.call("complete_elsewhere", str(folder))
    handle = handle_of(run)
    server.run(handle.heartbeat(7))
    server.run(handle.fail(ApplicationError("no", type="Elsewhere")))
    assert run.wait_for_attempt_failure().last_failure.application_failure_info.type == "Elsewhere"
    assert run.result() == "after 7"


def test_E013_its_cancellation_is_reported(server, cases, folder, handle_of):
    run = cases.cancellable("complete_elsewhere", str(folder), {"heartbeat_ms": 60_000})
    handle = handle_of(run)
    run.signal("cancel_it")
    run.wait_for_event("ActivityTaskCancelRequested")
    with pytest.raises(AsyncActivityCancelledError):
        server.run(handle.heartbeat(1))
    server.run(handle.report_cancellation("half"))
    assert run.result() == "cancelled: half"
