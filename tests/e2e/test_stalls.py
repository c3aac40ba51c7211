# SPDX-License-Identifier: MIT
"""A coroutine that blocks its loop is named while it does; nothing else waits for it."""

import pytest
from harness.waiting import wait_until

pytestmark = pytest.mark.alone


def test_a_coroutine_that_blocks_its_loop_is_named_while_it_is_stuck_and_delays_nothing_else(server, start, queue):
    worker = start("homes", "activities", "workflows", "--children", "2")
    # A heartbeat that is late by 400 ms, or is lost, ends the attempt.
    beating = server.call("beat_in_child", queue=queue, how={"heartbeat_ms": 2_000})
    wait_until("it beats", lambda: [p for p in beating.pending() if p.HasField("last_heartbeat_time")])
    hog = server.call("hog_the_loop", 10_000, queue=queue)
    line = worker.wait_for_stall()
    assert hog.pending(), "it was named only when it was over"
    assert line["activity_type"] == "hog_the_loop" and line["workflow_id"] == hog.id
    assert "spin_for" in str(line["stack"]) or "hog_it" in str(line["stack"])
    assert "awaited by hog_the_loop" in str(line["stack"])
    runs, beats = [], set()
    while hog.pending():
        runs.append(server.call("say_hello", "World", queue=queue))
        assert runs[-1].result() == "Hello, World!"
        beats.add(beating.pending()[0].last_heartbeat_time.ToMicroseconds())
    assert hog.result() == 10_000
    ended = hog.time_of("ActivityTaskCompleted")
    meanwhile = [run for run in runs if run.time_of("WorkflowExecutionCompleted") < ended]
    assert len(meanwhile) >= len(runs) - 1 >= 2, "workflow tasks and children did not go on"
    assert len(beats) >= 2, "heartbeats did not go on"
    assert beating.pending()[0].attempt == 1, "a heartbeat was late"
    beating.terminate()


def test_with_two_loops_other_coroutines_go_on(server, start, queue):
    worker = start("homes", "workflows", "--children", "1", "--loop-threads", "2")
    hog = server.call("hog_the_loop", 5_000, queue=queue)
    worker.wait_for_stall()
    assert server.call("greet_later", "Ada", queue=queue).result() == "Welcome, Ada, number 1"
    assert hog.pending()
    assert hog.result() == 5_000


def test_what_is_put_on_a_thread_blocks_no_loop(server, start, queue):
    worker = start("homes", "workflows", "--children", "1")
    assert server.call("spare_the_loop", 500, queue=queue).result() == 500
    assert not worker.stalls()

