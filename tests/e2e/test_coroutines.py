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


def test_it_is_cancelled_where_it_waits_when_the_worker_stops(server, start, queue):
    worker = start("coroutines", "workflows", "--grace", "0s")
    run = server.call("wait_long", "", queue=queue)
    wait_until("the activity runs", lambda: [p for p in run.pending() if p.HasField("heartbeat_details")])
    worker.stop()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()
