# SPDX-License-Identifier: MIT
"""`top` on a terminal."""

import os
import pty
import select
import signal
import subprocess
import time

import pytest
from harness.control import Control
from harness.waiting import PATIENCE, wait_until
from harness.worker import SUPERVISOR


@pytest.fixture
def worker(start):
    return start("activities", "workflows", "--children", "2")


@pytest.fixture
def top(worker):
    """Reads what `top` shows on a terminal, until there is what is wanted, so often."""
    control = Control(worker)
    terminal, of_program = pty.openpty()
    program = subprocess.Popen(
        [SUPERVISOR, "top"], stdin=of_program, stdout=of_program, stderr=of_program,
        env={**os.environ, "XDG_RUNTIME_DIR": str(control.home), "TMPDIR": str(control.home)})
    os.close(of_program)

    def read_until(wanted, times=1):
        seen = b""
        deadline = time.monotonic() + PATIENCE
        while seen.count(wanted) < times:
            assert select.select([terminal], [], [], deadline - time.monotonic())[0], seen
            seen += os.read(terminal, 65536)
        return seen

    yield read_until
    program.send_signal(signal.SIGINT)
    program.wait(PATIENCE)
    os.close(terminal)


def test_OB9_on_a_terminal_top_shows_itself_again_and_again(top):
    assert top(b"temporal-supervisor 0.1.0", times=2).startswith(b"\033[2J\033[H")


def test_OB9_top_goes_on_while_the_worker_does_not_answer(worker, top):
    top(b"temporal-supervisor 0.1.0")
    worker.signal(signal.SIGSTOP)
    top(b"no answer for", times=2)
    worker.signal(signal.SIGCONT)
    wait_until("it answers again", lambda: b"no answer for" not in top(b"temporal-supervisor 0.1.0", times=2))
