# SPDX-License-Identifier: MIT
"""Activities that are coroutines run in the supervisor, on a loop of their own."""

import pytest
from harness.waiting import wait_until


@pytest.fixture
def worker(start):
    return start("coroutines", "activities", "workflows", "--children", "1")


def test_a_coroutine_runs_in_the_supervisor_and_a_function_does_not(server, worker, queue):
    assert server.call("own_pid_later", queue=queue).result() == worker.pid
    assert server.call("own_pid", queue=queue).result() != worker.pid


def test_its_exception_is_the_activitys_failure(server, worker, queue):
    run = server.call("throw_later", "out of tea", queue=queue, how={"attempts": 1})
    run.failure()
    assert run.events("ActivityTaskFailed")[0].failure.message == "out of tea"


def test_its_heartbeat_reaches_the_next_attempt(server, worker, queue):
    assert server.call("resume_later", queue=queue).result() == 41


def test_a_heartbeat_brings_its_cancellation(server, worker, queue):
    run = server.start("CancelActivity", "beat_later", "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() in ("cancelled: cleaned up", "cancelled: woken")


def test_it_is_cancelled_where_it_waits_when_the_worker_stops(server, start, queue):
    worker = start("coroutines", "workflows", "--grace", "0s")
    run = server.call("wait_long", "", queue=queue)
    wait_until("the activity runs", lambda: [p for p in run.pending() if p.HasField("heartbeat_details")])
    worker.stop()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()
