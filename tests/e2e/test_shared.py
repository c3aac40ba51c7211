# SPDX-License-Identifier: MIT
"""Several activities in one child (--tasks-per-child): what one does to the process is told to the others by its own name."""

import signal

from harness.control import Control
from harness.waiting import wait_until


def held(server, queue, folder, count):
    """So many activities that run, and the process of each."""
    runs, pids = [], []
    for i in range(count):
        own = folder / str(i)
        own.mkdir()
        runs.append(server.call("hold", str(own), queue=queue, how={"retry_ms": 1}))
        wait_until("it runs", lambda: [f for f in own.iterdir() if f.name.isdigit()])
        pids += [int(f.name) for f in own.iterdir() if f.name.isdigit()]
    return runs, pids


def release(folder, count):
    for i in range(count):
        (folder / str(i) / "release").touch()


def last_failure(run):
    return run.events("ActivityTaskStarted")[0].last_failure


def test_four_share_a_process_and_one_is_killed_by_its_name(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1", "--tasks-per-child", "4")
    control = Control(worker)
    runs, pids = held(server, queue, folder, 4)
    assert len(set(pids)) == 1
    rows = [line.split() for line in control.say("ps").splitlines() if " busy " in line]
    assert [row[0] for row in rows] == [str(pids[0])] * 4
    assert {row[11].split("/")[0] for row in rows} == {run.id for run in runs}
    assert len({row[4] for row in rows}) == 1  # their memory is the process's
    [task] = [row[11] for row in rows if row[11].startswith(runs[2].id)]
    control.say("kill", task)
    for run in runs:
        run.wait_for_attempt_failure()
    release(folder, 4)
    assert [run.result() for run in runs] == ["released in attempt 2"] * 4
    failures = [last_failure(run) for run in runs]
    types = [failure.application_failure_info.type for failure in failures]
    assert types == ["ActivityBystander", "ActivityBystander", "ActivityProcessKilled", "ActivityBystander"]
    assert "activity hold, which ran in it too (operator)" in failures[0].message
    assert len(worker.logged("a child ended")) + len(worker.logged("a child died")) <= 1  # one process, one death
    assert control.view()[0]["slots"]["activity"] == 4


def test_who_only_stood_beside_a_crash_is_not_given_up_for_it(server, start, queue, folder):
    start("activities", "workflows", "--children", "1", "--tasks-per-child", "2", "--crash-non-retryable-after", "1")
    [beside], _ = held(server, queue, folder, 1)
    culprit = server.call("crash_always", queue=queue)
    cause = culprit.failure().cause
    assert cause.type == "ActivityProcessCrashed" and cause.non_retryable
    assert "store_nowhere()" in cause.message
    release(folder, 1)
    assert beside.result() == "released in attempt 2"
    assert last_failure(beside).application_failure_info.type == "ActivityBystander"


def test_a_shared_child_takes_new_code_without_losing_what_runs(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1", "--tasks-per-child", "3")
    runs, pids = held(server, queue, folder, 2)
    worker.signal(signal.SIGHUP)
    worker.wait_for("reloaded: new tasks go to the modules as they are now")
    assert server.call("own_pid", queue=queue).result() != pids[0]
    release(folder, 2)
    assert [run.result() for run in runs] == ["released in attempt 1"] * 2


def test_limits_of_a_whole_process_are_refused_where_it_is_shared(start):
    worker = start("limited", "--children", "1", "--tasks-per-child", "2", wait=False)
    assert worker.ended() == 2
    error = worker.errors()[0]
    assert "--tasks-per-child 2" in error and "burn_cpu, share_memory, take_memory" in error
    assert "hear_nothing" not in error  # a grace is its own
    worker = start("activities", "--tasks-per-child", "2", "--cancel-grace", "5s", wait=False)
    assert worker.ended() == 2
    assert "--cancel-grace" in worker.errors()[0]
