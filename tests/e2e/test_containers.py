# SPDX-License-Identifier: MIT
"""As in a small container: process 1 of its own namespace, one core, 64 MB of /dev/shm, 64 processes and threads."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from harness import processes
from harness.waiting import wait_until
from harness.worker import SUPERVISOR

MOST_PROCESSES = 64


def pids_cgroup():
    """A new one, of version 1 or 2; None where none may be made."""
    for parent in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = pathlib.Path(parent, f"test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / "pids.max").write_text(str(MOST_PROCESSES))
            return group
        except OSError:
            group.rmdir()
    return None


@pytest.fixture
def container(tmp_path):
    """A program that runs temporal-supervisor so."""
    tools = [shutil.which(tool) for tool in ("unshare", "nsenter", "taskset")]
    if not all(tools) or subprocess.run([tools[0], "--fork", "--pid", "--mount-proc", "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespace of its own may be made here")
    group = pids_cgroup()
    join = f"echo $$ > {group}/cgroup.procs\n" if group else ""
    program = tmp_path / "container"
    core = min(os.sched_getaffinity(0))
    program.write_text(f"""#!/bin/sh
{join}exec unshare --fork --kill-child --pid --mount --mount-proc sh -c '
  mount -t tmpfs -o size=64m tmpfs /dev/shm && exec taskset -c {core} "$@"' sh {SUPERVISOR} "$@"
""")
    program.chmod(0o755)
    yield program
    if group:
        wait_until("nobody is in the cgroup", lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def children_of(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_process_1_of_a_small_container_serves_reaps_orphans_and_stops(server, start, queue, container):
    worker = start("activities", "workflows", program=container)
    [init] = children_of(worker.pid)
    runs = [server.call("say_hello", str(i), queue=queue) for i in range(20)]
    assert [run.result() for run in runs] == [f"Hello, {i}!" for i in range(20)]
    assert server.call("die_once", "kill", queue=queue).result() == "attempt 2"
    assert len(os.sched_getaffinity(init)) == 1

    # Somebody enters the container, and leaves a process behind that is nobody's.
    subprocess.run(["nsenter", "-t", str(init), "-p", "-m", "sh", "-c", "sleep 1000 & exit"], check=True)
    [orphan] = wait_until("it comes to process 1", lambda: [p for p in children_of(init) if name_of(p) == "sleep"])
    processes.kill(orphan)
    wait_until("nothing is left of it, not even a zombie", lambda: orphan not in children_of(init))

    assert server.call("say_hello", "next", queue=queue).result() == "Hello, next!"
    os.kill(init, signal.SIGTERM)
    assert worker.ended() == 0
    worker.left_nothing()
