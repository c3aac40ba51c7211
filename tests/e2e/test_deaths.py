# SPDX-License-Identifier: MIT
"""A child's death costs the attempt it held, and nothing else."""

import json
import os
import random
import signal
import time
from collections import Counter

import pytest
from harness import processes
from harness.waiting import wait_until

pytestmark = pytest.mark.alone


def signed_in(folder):
    return {int(name) for name in os.listdir(folder) if name.isdigit()}


def details_of(failure):
    return json.loads(failure.application_failure_info.details.payloads[0].data)


def test_F007_a_killed_child_fails_its_attempt_at_once_and_nobody_elses(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "21")
    how = {"heartbeat_ms": 60_000}
    runs = [server.call("hold", str(folder), queue=queue, how=how) for _ in range(21)]
    wait_until("all activities run", lambda: len(signed_in(folder)) == 21)
    pid_of = {run.id: worker.wait_for("an activity runs in a child", workflow_id=run.id)["pid"] for run in runs}
    victim, *others = runs
    killed_at = time.time()
    os.kill(pid_of[victim.id], signal.SIGKILL)
    worker.wait_for("an activity failed", workflow_id=victim.id, type="ActivityProcessKilled")
    pending = victim.wait_for_attempt_failure()
    assert time.time() - killed_at < 5  # the bound of 1 s is on the server's own clock, below
    failure = pending.last_failure
    assert failure.application_failure_info.type == "ActivityProcessKilled"
    assert not failure.application_failure_info.non_retryable
    details = details_of(failure)
    assert details["pid"] == pid_of[victim.id]
    assert details["signal"] in (9, "SIGKILL")
    assert details["uptime_ms"] > 0
    assert pending.last_attempt_complete_time.ToDatetime().timestamp() - killed_at < 1
    (folder / "release").touch()
    assert victim.result() == "released in attempt 2"
    assert [run.result() for run in others] == ["released in attempt 1"] * 20
    assert server.call("say_hello", "next", queue=queue).result() == "Hello, next!"


@pytest.mark.parametrize("how, kind", [
    ("segv", "ActivityProcessCrashed"), ("abort", "ActivityProcessCrashed"),
    ("exit", "ActivityProcessExited"), ("exec", "ActivityProcessExited"), ("kill", "ActivityProcessKilled")])
def test_F008_each_way_to_die_has_its_name(server, start, queue, how, kind):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("die_once", how, queue=queue)
    assert run.result() == "attempt 2"
    worker.wait_for("an activity failed", workflow_id=run.id, type=kind)
    assert run.events("ActivityTaskStarted")[0].last_failure.application_failure_info.type == kind


def test_F008_what_crashes_again_and_again_holds_up_nobody_for_long(server, start, queue):
    """The pool is degraded by it, and takes one task at a time on trial: the first that is completed ends that."""
    worker = start("activities", "workflows", "--children", "2")
    poison = [server.call("crash_always", queue=queue, how={"attempts": 1000, "retry_ms": 1}) for _ in range(3)]
    worker.wait_for("children die as fast as they are replaced: no more tasks are taken until one stays")
    healthy = server.call("say_hello", "World", queue=queue)
    assert healthy.result() == "Hello, World!"
    taken = worker.wait_for("an activity runs in a child", workflow_id=healthy.id)
    assert taken["time_ms"] <= worker.wait_for("children stay alive again")["time_ms"]  # not by the time that passed
    for run in poison:
        run.terminate()


def test_AX17_a_worker_may_leave_when_its_children_die_as_fast_as_they_are_replaced(server, start, queue):
    worker = start("activities", "workflows", "--children", "1", "--exit-when-degraded")
    run = server.call("crash_always", queue=queue, how={"attempts": 1000, "retry_ms": 1})
    assert worker.ended() == 1
    assert "--exit-when-degraded" in worker.errors()[-1]
    start("activities", "workflows", "--children", "1")  # the task is the next worker's
    run.wait_for_attempt_failure()
    run.terminate()


@pytest.mark.parametrize("how, where, why", [
    ("null", "store_nowhere() at activities.cpp:", ""),
    ("overflow", "recurse(char volatile*) at activities.cpp:", "stack overflow"),
    ("thread", "activities.cpp:", "std::runtime_error: out of paper")])
def test_a_crash_is_told_with_its_stack(server, start, queue, how, where, why):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("die_once", how, queue=queue)
    assert run.result() == "attempt 2"
    failure = run.events("ActivityTaskStarted")[0].last_failure
    assert failure.application_failure_info.type == "ActivityProcessCrashed"
    assert where in failure.message
    assert why in failure.message
    assert "activities.cpp:" in failure.stack_trace
    assert "temporal::child" not in failure.stack_trace
    assert details_of(failure)["stack_overflow"] == (how == "overflow")
    assert server.call("say_hello", "next", queue=queue).result() == "Hello, next!"
    assert worker.logged("a child died")


def test_F003_the_last_heartbeat_of_a_killed_child_reaches_the_next_attempt(server, start, queue):
    start("activities", "workflows", "--children", "1")
    assert server.call("resume", queue=queue).result() == 41


def test_F015_a_killed_supervisor_leaves_no_process_and_its_runs_are_finished_by_the_next(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "4")
    retried = {"start_to_close_ms": 5_000, "heartbeat_ms": 2_000}
    sleeping = [server.start("SleepThenCall", 3_000, "say_hello", {}, str(i), queue=queue) for i in range(16)]
    holding = [server.call("hold", str(folder), queue=queue, how=retried) for _ in range(4)]
    wait_until("four activities run", lambda: len(signed_in(folder)) == 4)
    for run in sleeping:
        run.wait_for_event("TimerStarted")
    family = worker.processes()
    assert len(family) == 5
    worker.signal(signal.SIGKILL)
    begun = time.monotonic()
    wait_until("its children and zygote are gone", lambda: not any(map(processes.alive, family)))
    assert time.monotonic() - begun < 1
    (folder / "release").touch()
    start("activities", "workflows", "--children", "4")
    assert [run.result() for run in sleeping] == [f"Hello, {i}!" for i in range(16)]
    assert all(run.result().startswith("released in attempt ") for run in holding)


def test_F016_under_a_storm_of_kills_every_workflow_completes(server, start, queue):
    worker = start("hello", "--children", "4")
    load = server.start_in_background(60, "SayHello", "World", queue=queue, at_a_time=20)
    chance = random.Random(42)
    while not load.done():
        children = [pid for pid in worker.processes() if processes.parent(pid) not in (None, worker.pid)]
        if children:
            processes.kill(chance.choice(children))
        wait_until("the next of them dies", lambda: load.done() or len(worker.processes()) == 5)
    assert load.result() == ["Hello, World!"] * 60
    assert worker.logged("a child died")
    wait_until("a zygote and four children are there again", lambda: len(worker.processes()) == 5)


def test_F021_children_are_recycled_and_no_task_notices(server, start, queue):
    worker = start("activities", "workflows", "--children", "2", "--child-max-tasks", "10")
    pids = server.start_in_background(100, "Call", "own_pid", {}, queue=queue, at_a_time=10).result()
    assert max(Counter(pids).values()) <= 10
    assert not worker.logged("an activity failed")
    assert not worker.logged("a child died")
    wait_until("a zygote and two children are there", lambda: len(worker.processes()) == 3)


def test_a_killed_zygote_costs_the_running_attempts_and_a_new_generation_takes_over(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "2")
    run = server.call("hold", str(folder), queue=queue)
    pid = worker.wait_for("an activity runs in a child", workflow_id=run.id)["pid"]
    wait_until("it has begun: a task that was not taken yet fails no attempt", lambda: signed_in(folder))
    os.kill(processes.parent(pid), signal.SIGKILL)
    assert run.wait_for_attempt_failure().last_failure.application_failure_info.type == "ActivityProcessKilled"
    (folder / "release").touch()
    assert run.result() == "released in attempt 2"
