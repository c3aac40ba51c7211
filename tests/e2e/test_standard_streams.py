# SPDX-License-Identifier: MIT
"""A worker's work does not depend on who reads its log."""

import fcntl
import os

import pytest
from harness import processes
from harness.worker import SUPERVISOR


@pytest.fixture
def supervisor(tmp_path):
    """supervisor("2>&-") is the program with that redirection of the shell."""
    def redirected(to):
        program = tmp_path / "supervisor"
        program.write_text(f'#!/bin/bash\nexec "{SUPERVISOR}" "$@" {to}\n')
        program.chmod(0o755)
        return program

    return redirected


def greet(server, queue, count=1):
    assert server.start_many(count, "SayHello", "World", queue=queue, at_a_time=10) == ["Hello, World!"] * count


def test_standard_descriptors_that_are_closed_are_not_given_to_sockets(server, start, queue, supervisor):
    worker = start("hello", "--children", "1", program=supervisor("0<&- 1>&- 2>&-"), wait=False)
    greet(server, queue)
    with processes.looking_into():
        streams = [os.readlink(f"/proc/{worker.pid}/fd/{fd}") for fd in (0, 1, 2)]
    assert streams[2] == "/dev/null" and not any("socket" in stream for stream in streams), streams
    worker.stop()


def test_a_reader_of_the_log_who_goes_away_takes_nobody_along(server, start, queue, supervisor):
    worker = start("hello", "--children", "1", program=supervisor("2> >(exec true)"), wait=False)
    greet(server, queue, 3)
    worker.stop()


def test_a_reader_of_the_log_who_does_not_read_delays_nobody(server, start, queue, supervisor, tmp_path):
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    worker = start("hello", "--children", "1", program=supervisor(f'2> "{tmp_path}/log"'), wait=False)
    greet(server, queue, 60)
    unread = os.read(reader, 1 << 20)
    greet(server, queue)
    assert b"lines of this log were lost" in os.read(reader, 1 << 20)
    assert unread.endswith(b"\n")
    worker.stop()
    os.close(reader)
