# SPDX-License-Identifier: MIT
"""What the kernel knows of processes. A worker's are found by a variable in their environment, which a process keeps
whatever group, session or parent it has."""

import contextlib
import os
import pathlib
import signal

import pytest

MARK = "E2E_WORKER"


def marked(value):
    """Processes (zombies are none) of the worker with that mark."""
    wanted = f"{MARK}={value}".encode()
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if wanted in pathlib.Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                found.add(int(entry))
        except OSError:
            pass  # gone meanwhile
    return found


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@contextlib.contextmanager
def looking_into():
    """A supervisor with children keeps everybody out who has no CAP_SYS_PTRACE."""
    try:
        yield
    except PermissionError as error:
        pytest.skip(f"{error.filename} of a worker is for root only")


def descriptors(pid):
    with looking_into():
        return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def parent(pid):
    """None when it is gone."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def tcp_sockets(pid):
    """Its descriptors that are TCP sockets."""
    inodes = {line.split()[9] for table in ("tcp", "tcp6")
              for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]}
    with looking_into():
        targets = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    return [t for t in targets if t.startswith("socket:[") and t[8:-1] in inodes]


def kill(pid):
    """SIGKILL, unless it is gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
