# SPDX-License-Identifier: MIT
"""Activities that are coroutines run in the supervisor, on a loop of their own."""

import pytest


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


@pytest.mark.parametrize("activity, left", [("beat_later", None), ("wait_long", "")])
def test_it_is_cancelled_where_it_waits(server, worker, queue, activity, left):
    run = server.start("CancelActivity", activity, "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    run.wait_for_event("ActivityTaskCanceled")
    run.terminate() if left == "" else run.result()
