# SPDX-License-Identifier: MIT
"""What an operator asks a worker that runs, and tells it: ps, top, kill, pause, resume, drain, set, stack."""

import errno
import json
import os
import re
import signal
import socket
import stat

import pytest
from harness.control import Control, operator
from harness.scrape import Scraper
from harness.waiting import wait_until

VERBS = ("ps", "top", "kill", "drain", "pause", "resume", "reload", "set", "stack")


@pytest.fixture
def worker(start):
    return start("activities", "workflows", "--children", "2", "--term-grace", "300ms")


@pytest.fixture
def control(worker):
    return Control(worker)


def begun(folder):
    """The process ids of activities that have begun."""
    return [int(f.name) for f in folder.iterdir() if f.name.isdigit()]


def held(server, queue, folder, activity="hold", **how):
    run = server.call(activity, str(folder), queue=queue, how=how)
    wait_until("the activity runs", lambda: begun(folder))
    return run


def test_OB9_LC10_ps_shows_what_each_child_runs(server, queue, folder, worker, control):
    run = held(server, queue, folder)
    text = control.say("ps")
    header, *rows = text.splitlines()
    assert header.split() == ["PID", "STATE", "GEN", "AGE", "RSS", "CPU", "TASKS", "ACTIVITY", "ATTEMPT", "FOR",
                              "BEATS", "TASK"]
    [busy] = [row.split() for row in rows if " busy " in row]
    [idle] = [row.split() for row in rows if " idle " in row]
    [pid] = begun(folder)
    assert busy[0] == str(pid)
    assert (busy[7], busy[8]) == ("hold", "1")
    assert busy[11].startswith(run.id + "/")
    assert re.fullmatch(r"\d+(\.\d)?[KMG]", busy[4]) and re.fullmatch(r"\d+\.\d\ds", busy[5])
    assert idle[7:] == ["-"] * 5

    view, all_of_it = control.view()
    assert all_of_it["phase"] == "serving" and "metrics" not in all_of_it
    [task] = view["tasks"]
    assert (task["pid"], task["attempt"], task["home"], task["workflow_id"]) == (pid, 1, "children", run.id)
    [child] = [c for c in view["children"] if c["state"] == "busy"]
    assert child["heartbeats"] > 0 and child["rss_bytes"] > 100_000 and child["generation"] == 1
    (folder / "release").touch()
    run.result()


def test_OB9_top_shows_the_worker_and_its_last_crash(server, queue, worker, control):
    assert server.call("die_once", "segv", queue=queue).result() == "attempt 2"
    text = control.say("top")
    first, _, polls, pool, *_ = text.splitlines()
    assert first.startswith(f"temporal-supervisor 0.1.0, pid {worker.pid}, serving, up ")
    assert f"default/{queue}: polls " in polls and "/2 activities" in polls
    assert re.search(r"generation 1; children wanted 2; last crash \S+ ago: \d+ killed by SIGSEGV.* in die_once", pool)
    assert len([line for line in text.splitlines() if " idle " in line]) == 2
    assert "\033" not in text


def test_OB9_top_has_every_metric(server, start, queue):
    worker = start("activities", "workflows", "--children", "2", "--metrics", "127.0.0.1:0")
    assert server.call("say_hello", "World", queue=queue).result()
    served = Scraper(worker).series()
    shown = Control(worker).view("top")[1]["metrics"]
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in served}
    assert plain <= set(shown)
    states = {s["labels"]["state"]: s["value"] for s in shown["temporal_supervisor_children"]}
    assert states == {"starting": 0, "idle": 2, "busy": 0, "stopping": 0}


def test_AX4_three_homes_are_seen_in_top(start):
    control = Control(start("homes", "activities", "workflows", "--children", "1"))
    assert set(control.view("top")[0]["homes"]) == {"children", "threads", "loops"}


def test_LC10_a_task_that_is_killed_fails_and_says_who_did_it(server, queue, folder, worker, control):
    run = held(server, queue, folder, "ignore_everything", attempts=1)
    [pid] = begun(folder)
    [task] = control.view()[0]["tasks"]
    assert f"SIGTERM was sent to ignore_everything {run.id}/" in control.say("kill", task["activity_id"])
    run.failure()
    failure = run.events("ActivityTaskFailed")[0].failure
    assert failure.application_failure_info.type == "ActivityProcessKilled"
    assert "was killed by an operator of this worker" in failure.message
    details = json.loads(failure.application_failure_info.details.payloads[0].data)
    assert (details["pid"], details["signal"], details["cause"]) == (pid, signal.SIGKILL, "operator")
    control.wait_for_children(2, "idle")
    assert worker.logged("an operator ends a task")


@pytest.mark.parametrize("name", ["pid", "both"])
def test_LC10_a_cancelled_task_that_is_killed_is_canceled(server, queue, folder, control, name):
    run = server.start("CancelActivity", "hear_and_run_on", str(folder), queue=queue)
    wait_until("the activity runs", lambda: begun(folder))
    run.signal("cancel_it")
    wait_until("the activity has heard of it", (folder / "heard").exists)
    [task] = control.view()[0]["tasks"]
    assert task["reason"] == "requested"
    control.say("kill", task["pid"] if name == "pid" else f"{run.id}/{task['activity_id']}")
    assert run.result() == "cancelled: killed after grace"


def test_LC10_what_cannot_be_killed_is_said(server, queue, folder, control):
    assert "no task 'nobody' runs here" in control.refused("kill", "nobody")
    pid = control.children()[0]["pid"]
    assert f"process {pid} runs no task" in control.refused("kill", pid)
    runs = [server.call("meet", {"folder": str(folder), "count": 3}, queue=queue) for _ in range(2)]
    wait_until("both run", lambda: len(begun(folder)) == 2)
    ids = {task["activity_id"] for task in control.view()[0]["tasks"]}
    assert len(ids) == 1  # the workflows count alike
    refusal = control.refused("kill", *ids)
    for run in runs:
        assert f"{run.id}/" in refusal
    (folder / "1").touch()  # the third
    for run in runs:
        run.result()


def test_LC10_a_pause_lets_what_runs_go_on_and_asks_for_no_more(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "2", "--metrics", "127.0.0.1:0")
    control, scraper = Control(worker), Scraper(worker)
    run = held(server, queue, folder)
    assert "what runs goes on" in control.say("pause")
    wait_until("no poll is open", lambda: set(control.view()[0]["polls"].values()) == {0})
    assert control.view()[1]["phase"] == "paused"
    assert "paused" in scraper.wait_for_status(503, "/readyz")
    assert "already" in control.say("pause")
    later = server.call("own_pid", queue=queue)
    (folder / "release").touch()
    run.wait_for_event("ActivityTaskCompleted")
    assert not later.events("WorkflowTaskStarted")
    assert "tasks are asked for again" in control.say("resume")
    assert later.result() in [c["pid"] for c in control.children()]
    assert run.result() == "released in attempt 1"
    assert scraper.wait_for_status(200, "/readyz")
    assert "not paused" in control.say("resume")


def test_LC10_a_worker_that_is_paused_stops_as_others_do(worker, control):
    control.say("pause")
    assert worker.stop() < 20


def test_LC10_drain_is_what_SIGTERM_does(server, queue, folder, worker, control):
    run = held(server, queue, folder)
    assert "the worker ends when what runs has ended" in control.say("drain")
    worker.wait_for("waiting for activities to end")
    assert "stopping already" in control.say("drain")
    assert control.view()[1]["phase"] == "the worker is stopping"
    assert "it cannot be paused now" in control.refused("pause")
    (folder / "release").touch()
    assert worker.ended() == 0
    worker.left_nothing()
    assert run.wait_for_event("ActivityTaskCompleted")
    run.terminate()


def test_LC10_AX5_children_are_added_and_taken_away(server, queue, folder, worker, control):
    assert "children is 5, it was 2" in control.say("set", "children", 5)
    assert len(control.wait_for_children(5, "idle")) == 5
    runs = [server.call("meet", {"folder": str(folder), "count": 5}, queue=queue) for _ in range(4)]
    wait_until("four run", lambda: len(begun(folder)) == 4)
    assert "what is too many ends when it has done its work" in control.say("set", "children", 1)
    wait_until("the idle one leaves", lambda: len(control.children()) == 4)
    assert len(control.children("busy")) == 4
    (folder / "1").touch()  # the fifth
    for run in runs:
        run.result()
    [child] = control.wait_for_children(1, "idle")
    assert server.call("own_pid", queue=queue).result() == child["pid"]
    assert control.view()[0]["slots"]["activity"] == 1
    assert not worker.logged("a child died")


def test_AX5_children_are_added_while_activities_wait_and_taken_away_by_set(server, start, queue, folder):
    control = Control(start("activities", "workflows", "--children", "1", "--children-max", "3"))
    assert control.view()[0]["slots"]["activity"] == 3
    assert len(control.children("idle")) == 1
    meeting = [server.call("meet", {"folder": str(folder), "count": 3}, queue=queue) for _ in range(3)]
    for run in meeting:
        run.result()  # all three run at a time
    assert len(control.children()) == 3  # they stay for half a minute
    control.say("set", "children", 1)
    control.wait_for_children(1, "idle")
    assert control.view()[0]["slots"]["activity"] == 3


def test_LC10_fewer_children_never_leave_a_task_without_one(server, queue, folder, worker, control):
    """A poll that was sent while there were two may bring a second task, which must not wait behind the first."""
    run = held(server, queue, folder)
    control.say("set", "children", 1)
    wait_until("the place is gone", lambda: control.view()[0]["pool"]["wanted"] == 1)
    second = server.call("own_pid", queue=queue)
    second.wait_for_event("ActivityTaskScheduled")
    (folder / "release").touch()
    assert run.result() == "released in attempt 1"
    assert second.result() in begun(folder)


def test_LC10_SIGTTIN_and_SIGTTOU_add_and_remove_a_child(worker, control):
    worker.signal(signal.SIGTTIN)
    control.wait_for_children(3, "idle")
    for left in (2, 1):
        worker.signal(signal.SIGTTOU)
        control.wait_for_children(left, "idle")
    worker.signal(signal.SIGTTOU)
    assert control.view()[0]["pool"]["wanted"] == 1


def test_LC10_what_cannot_be_set_is_said(start, queue, control):
    for count in ("0", "1025", "many"):
        assert "write 1 to 1024" in control.refused("set", "children", count)
    assert "there are children, max-concurrent-activities, " in control.refused("set", "speed", "9")
    assert "there is no task queue 'other'" in control.refused("set", "children", "2", "--task-queue", "other")
    childless = Control(start("workflows", queue=queue + "-2"))
    assert "has a use for children" in childless.refused("set", "children", "2")


def test_LC10_places_and_polls_are_changed(server, queue, folder, control):
    run = held(server, queue, folder)
    for name, before in (("max-concurrent-activities", 100), ("max-concurrent-workflow-tasks", 100),
                         ("activity-pollers", 5), ("workflow-pollers", 5)):
        assert f"{name} is 2, it was {before}" in control.say("set", name, 2)
    queue_view = control.view()[0]
    assert (queue_view["slots"]["workflow"], queue_view["slots"]["activity"]) == (2, 2)
    wait_until("polls are given up", lambda: control.view()[0]["polls"]["workflow"] == 2)
    control.say("set", "max-concurrent-activities", 1)
    later = server.call("own_pid", queue=queue)
    later.wait_for_event("ActivityTaskScheduled")
    (folder / "release").touch()
    assert run.result() and later.result()


def test_LC10_the_log_is_made_to_say_less_and_more(server, queue, worker, control):
    quiet = "an activity runs in a child"
    assert server.call("own_pid", queue=queue).result()
    wait_until("it is logged", lambda: worker.logged(quiet))
    assert "lines from warn on are logged" in control.say("set", "log-level", "warn")
    known = len(worker.logged(quiet))
    assert server.call("own_pid", queue=queue).result()
    control.say("set", "log-level", "debug")
    assert server.call("own_pid", queue=queue).result()
    wait_until("it is logged again", lambda: len(worker.logged(quiet)) > known)
    assert len(worker.logged(quiet)) == known + 1
    assert "debug, info, warn or error" in control.refused("set", "log-level", "loud")


def test_LC10_the_stacks_of_a_workers_threads(worker, control):
    text = control.say("stack", worker.pid)
    threads = re.findall(r"^thread (\d+) (\S+)", text, re.MULTILINE)
    assert str(worker.pid) in [number for number, _ in threads] and len(threads) > 2
    core = text.split(f"thread {worker.pid} ")[1].split("\nthread ")[0]
    assert "Supervisor::run" in core
    another = next(number for number, _ in threads if number != str(worker.pid))
    assert control.say("stack", another).startswith(f"thread {another} ")
    pid = control.children()[0]["pid"]
    assert f"gdb -p {pid}" in control.refused("stack", pid)


def test_LC10_an_unknown_verb_lists_the_verbs(worker, control):
    said = control.refused("reboot", code=2)
    for verb in (*VERBS, "run", "replay", "lint"):
        assert re.search(rf"\b{verb}\b", said)
    told = json.loads(control.raw(b'{"verb":"reboot"}\n'))["error"]
    for verb in VERBS:
        assert re.search(rf"\b{verb}\b", told)


def test_LC10_OB9_without_a_worker_it_says_where_it_looked(tmp_path):
    done = operator("top", home=tmp_path)
    assert done.returncode == 1 and "no worker of this user runs" in done.stderr
    assert f"{tmp_path}/temporal-supervisor and {tmp_path}/temporal-supervisor-{os.geteuid()}" in done.stderr
    done = operator("ps", "--pid", 1, home=tmp_path)
    assert done.returncode == 1 and "no worker with process id 1 listens" in done.stderr
    done = operator("ps", "--control-socket", tmp_path / "none.sock", home=tmp_path)
    assert done.returncode == 1 and "there is no such socket" in done.stderr


def test_LC10_of_two_workers_one_must_be_named(start, queue, tmp_path):
    folder = tmp_path / "temporal-supervisor"
    folder.mkdir(mode=0o700)
    first, _ = [start("activities", "--children", "1", "--control-socket", folder / f"{pid}.sock") for pid in (1, 2)]
    done = operator("ps", home=tmp_path)
    assert done.returncode == 2 and "2 workers of this user run; say which one is meant:" in done.stderr
    for pid in (1, 2):
        assert f"--pid {pid}  ({folder}/{pid}.sock)" in done.stderr
        assert operator("ps", "--pid", pid, home=tmp_path).returncode == 0
    first.stop()
    assert operator("ps", home=tmp_path).returncode == 0


def test_LC10_the_socket_is_the_owners_alone_and_goes_with_the_worker(worker, control):
    assert stat.S_IMODE(control.socket.lstat().st_mode) == 0o600
    assert stat.S_IMODE(control.socket.parent.lstat().st_mode) == 0o700
    if os.geteuid() == 0:
        assert as_nobody_in(control.socket.parent, control.socket.name) == errno.EACCES
    worker.stop()
    assert not control.socket.parent.exists()


def as_nobody_in(folder, name):
    """Why user 65534 cannot connect; 0 when he can."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.setuid(65534)
        os._exit(socket.socket(socket.AF_UNIX).connect_ex(name))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_LC10_a_socket_can_be_put_elsewhere_or_left_out(start, queue, tmp_path):
    path = tmp_path / "my.sock"
    worker = start("activities", "--children", "1", "--control-socket", path)
    assert operator("ps", home=tmp_path, TEMPORAL_SUPERVISOR_CONTROL_SOCKET=str(path)).returncode == 0
    second = start("activities", "--children", "1", "--control-socket", path, wait=False)
    assert second.ended() == 2
    assert any("another worker listens at" in error for error in second.errors())
    worker.signal(signal.SIGKILL)
    worker.process.wait()
    wait_until("its children are gone", lambda: not worker.processes())
    assert path.exists()
    start("activities", "--children", "1", "--control-socket", path)  # what a dead one left is replaced
    assert operator("ps", "--control-socket", path, home=tmp_path).returncode == 0
    without = start("activities", "--children", "1", "--control-socket", "off")
    assert not (without.home / "temporal-supervisor").exists()


def test_LC10_a_path_too_long_for_a_socket_is_a_sentence(start, tmp_path):
    path = tmp_path / ("x" * 120)
    worker = start("activities", "--children", "1", "--control-socket", path, wait=False)
    assert worker.ended() == 2
    assert any("the path of a socket may have 107 bytes" in error for error in worker.errors())


def test_LC10_who_asks_nonsense_or_never_ends_harms_nobody(server, queue, worker, control):
    silent = []
    for _ in range(8):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(str(control.socket))
        silent.append(peer)
    for nonsense in (b"\0" * 100 + b"\n", b"[" * 100_000 + b"\n", b"GET / HTTP/1.1\r\n\r\n", b'{"verb":["ps"]}\n'):
        assert b"error" in control.raw(nonsense)
    assert server.call("say_hello", "World", queue=queue).result() == "Hello, World!"
    assert control.say("ps")
    for peer in silent:
        peer.close()
    assert not worker.logged("a loop is stuck")
