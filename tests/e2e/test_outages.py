# SPDX-License-Identifier: MIT
"""The server goes away, and comes back."""

import os
import signal
import time

import pytest
from harness.server import DevServer, free_port
from harness.waiting import wait_until


def test_a_worker_outlives_its_server_and_serves_the_next(start, queue):
    port = free_port()
    with DevServer(port) as first:
        worker = start("hello", "--children", "1", address=first.address)
        assert first.start("SayHello", "first", queue=queue).result() == "Hello, first!"
    worker.wait_for("calls to the server fail, they are tried again")
    with DevServer(port) as second:
        assert second.start("SayHello", "second", queue=queue).result() == "Hello, second!"
    worker.stop()  # without a server


@pytest.mark.parametrize("server_is", ["gone", "silent"])
def test_a_stop_without_a_server_is_bounded_though_activities_run_and_nobody_takes_their_answers(
        start, queue, folder, server_is):
    with DevServer(free_port()) as server:
        worker = start("activities", "workflows", "--children", "2", "--grace", "1s", address=server.address)
        server.call("hold", str(folder), queue=queue)
        server.call("ignore_everything", str(folder), queue=queue)
        wait_until("both run", lambda: len(list(folder.iterdir())) == 2)
        if server_is == "silent":
            server.process.send_signal(signal.SIGSTOP)
            try:
                assert worker.stop() < 1 + 3 + 2 + 30
            finally:
                server.process.send_signal(signal.SIGCONT)
            return
    worker.wait_for("calls to the server fail, they are tried again")
    assert worker.stop() < 1 + 3 + 2 + 30


@pytest.mark.parametrize("seconds", [60 if os.environ.get("TORTURE_FULL") else 8])
def test_a_worker_that_stood_still_beats_and_polls_again(server, start, queue, folder, seconds):
    worker = start("activities", "homes", "workflows", "--children", "1", "--loop-stall", "6s")
    once = {"start_to_close_ms": 1000 * (seconds + 30), "attempts": 1}
    run = server.call("hold", str(folder), queue=queue, how={**once, "heartbeat_ms": 1000 * (seconds + 30)})
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    children = worker.processes()
    burning = server.call("burn_on_the_loop", 2_000, str(folder / "half"), queue=queue, how=once)
    wait_until("a coroutine is at work", (folder / "half").exists)
    worker.signal(signal.SIGSTOP)
    time.sleep(seconds)  # nothing to wait for: the point is that nothing happens
    worker.signal(signal.SIGCONT)
    assert worker.processes() == children
    (folder / "release").touch()
    assert run.result() == "released in attempt 1"
    burning.result()
    assert not worker.stalls(), "time in which everything stood still is nobody's fault"
    assert server.call("say_hello", "next", queue=queue).result() == "Hello, next!"


def test_a_worker_that_waits_for_its_server_can_be_stopped(start):
    worker = start("hello", address=f"127.0.0.1:{free_port()}", wait=False)
    wait_until("its children are there", lambda: worker.processes())
    worker.stop()
