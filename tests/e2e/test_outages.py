# SPDX-License-Identifier: MIT
"""The server goes away, and comes back."""

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


def test_a_worker_that_waits_for_its_server_can_be_stopped(start):
    worker = start("hello", address=f"127.0.0.1:{free_port()}", wait=False)
    wait_until("its children are there", lambda: worker.processes())
    worker.stop()
