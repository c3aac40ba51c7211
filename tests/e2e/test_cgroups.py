# SPDX-License-Identifier: MIT
"""Where a cgroup (version 2) was handed down to the worker, each child has one of its own: by hand (--child-cgroup DIR), or by a
service manager. Few machines have one to give: tools/vm does."""

import os
import pathlib
import signal
import subprocess
import tempfile

import pytest
from harness import processes
from harness.waiting import wait_until
from harness.worker import SUPERVISOR

ROOT = pathlib.Path("/sys/fs/cgroup")


def hand_down_memory(folder):
    """Only where the file is there: not by write_text(), which makes one."""
    control = os.open(folder / "cgroup.subtree_control", os.O_WRONLY)
    try:
        os.write(control, b"+memory")
    finally:
        os.close(control)


@pytest.fixture
def cgroup():
    """A folder with the memory controller."""
    try:
        hand_down_memory(ROOT)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="temporal-e2e-", dir=ROOT))
    except OSError as why:
        pytest.skip(f"no cgroup (version 2) with the memory controller may be made here: {why}")
    yield folder
    for left in sorted(folder.rglob("*"), reverse=True):
        if left.is_dir():
            left.rmdir()
    folder.rmdir()


def cgroup_of(pid):
    line = next(line for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::/"))
    return ROOT / line.removeprefix("0::/")


def children_below(folder):
    return list(folder.glob("children-*"))


def as_service(folder, tmp_path):
    """A worker that finds itself in a cgroup of its own, as systemd with Delegate=yes has it."""
    service = folder / "worker.service"
    service.mkdir(exist_ok=True)
    hand_down_memory(folder)
    os.setxattr(service, "trusted.delegate", b"1")
    program = tmp_path / "service"
    program.write_text(f'#!/bin/sh\necho $$ >"{service}/cgroup.procs"\nexec "{SUPERVISOR}" "$@"\n')
    program.chmod(0o755)
    return service, program


def test_AX16_what_an_activity_starts_is_held_to_its_limit_with_it(server, cgroup, start, queue):
    worker = start("limited", "workflows", "--children", "2", "--child-cgroup", cgroup)
    worker.wait_for("each child has a cgroup of its own", below=str(cgroup))
    [own] = children_below(cgroup)
    assert len([f for f in own.iterdir() if f.is_dir()]) == 2
    over = server.call("share_memory", 90, 3, queue=queue, how={"attempts": 1}).failure().cause
    assert over.type == "ActivityProcessOutOfMemory"
    assert "it and what was started in it took more memory than the 209715200 bytes that this activity may" in over.message
    [details] = over.details
    assert details["signal"] == signal.SIGKILL and details["memory_peak_kb"] >= 200 * 1024
    assert server.call("share_memory", 30, 3, queue=queue).result() == 3
    assert server.call("share_memory_freely", 90, 3, queue=queue).result() == 3
    worker.stop()
    assert not children_below(cgroup)


def test_a_folder_that_is_no_cgroup_ends_the_start_with_what_to_name(start, tmp_path):
    worker = start("limited", "--child-cgroup", tmp_path, wait=False)
    assert worker.ended() == 2
    [sentence] = worker.errors()
    assert "--child-cgroup" in sentence and "it is no folder of the cgroup tree (version 2)" in sentence


def test_a_service_uses_what_is_delegated_to_it_and_off_does_not(server, cgroup, start, queue, tmp_path):
    service, program = as_service(cgroup, tmp_path)
    worker = start("limited", "workflows", "--children", "1", "--child-cgroup", "off", program=program)
    assert cgroup_of(worker.pid) == service and not children_below(service)
    worker.stop()
    worker = start("limited", "workflows", "--children", "1", program=program)
    worker.wait_for("each child has a cgroup of its own", below=str(service))
    assert cgroup_of(worker.pid) == service / "supervisor"
    over = server.call("share_memory", 90, 3, queue=queue, how={"attempts": 1}).failure().cause
    assert over.type == "ActivityProcessOutOfMemory"
    worker.stop()
    assert (service / "cgroup.procs").exists() and not list(service.glob("*/"))  # as it was found


def test_a_service_that_shares_its_cgroup_does_without_and_says_so(server, cgroup, start, queue, tmp_path):
    service, program = as_service(cgroup, tmp_path)
    other = subprocess.Popen(["sleep", "600"])
    try:
        (service / "cgroup.procs").write_text(str(other.pid))
        worker = start("limited", "workflows", "--children", "1", program=program)
        assert any("there are processes in it besides this worker" in event["message"] for event in worker.events)
        assert cgroup_of(worker.pid) == service
        assert server.call("share_memory", 1, 1, queue=queue).result() == 1
        worker.stop()
    finally:
        other.kill()
        other.wait()


def test_F015_what_outlives_supervisor_and_zygote_is_ended_by_the_next_worker(server, cgroup, start, queue, folder):
    words = ("activities", "limited", "workflows", "--children", "1", "--child-cgroup", cgroup)
    worker = start(*words)
    server.call("leave_daemon", str(folder), queue=queue)
    wait_until("its daemon runs", lambda: list(folder.iterdir()))
    daemon = int(next(folder.iterdir()).name)
    assert cgroup_of(daemon).parent in children_below(cgroup)
    [zygote] = [pid for pid in worker.processes() if processes.parent(pid) == worker.pid]
    # Neither is left to see the other die.
    for pid in (zygote, worker.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (zygote, worker.pid):
        os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    assert processes.alive(daemon)
    again = start(*words)
    again.wait_for("ended what workers that were killed had left in their cgroups")
    wait_until("it is ended", lambda: not processes.alive(daemon))
    assert len(children_below(cgroup)) == 1
