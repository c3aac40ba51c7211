# SPDX-License-Identifier: MIT
"""Signals, timers, and code that changed under a run."""

from datetime import timedelta

from harness.replaying import replay
from harness.waiting import wait_until
from temporalio.api.enums.v1 import WorkflowTaskFailedCause as Cause


def test_G005_G013_signals_before_the_first_task_are_there_when_the_workflow_begins(server, start, queue):
    run = server.start("Mailbox", queue=queue)
    for letter in ("one", "two"):
        run.signal("post", letter)
    start("activities", "workflows", "--children", "1")
    run.signal("post", "three")
    run.signal("close")
    assert run.result() == ["one", "two", "three"]


def test_L004_a_wait_with_a_timeout_tells_which_came_first(server, start, queue):
    start("activities", "workflows", "--children", "1")
    assert server.start("Patience", 50, queue=queue).result() is False
    come = server.start("Patience", 60_000, queue=queue)
    come.wait_for_event("TimerStarted")
    come.signal("come")
    assert come.result() is True
    assert len(come.events("TimerCanceled")) == 1


def test_a_workflow_continues_as_new(server, start, queue):
    start("activities", "workflows", "--children", "1")
    assert server.start("Countdown", 3, queue=queue).result() == "lift off"


def test_changed_code_fails_the_task_with_both_sides_and_the_old_code_carries_on(server, start, queue):
    old = start("steps", "--children", "1")
    # Only the first failure of a task is reported; the next try comes after the task's timeout.
    run = server.start("Steps", "World", queue=queue, task_timeout=timedelta(seconds=2))
    run.wait_for_event("TimerFired")
    old.stop()
    new = start("steps_changed", "--children", "1")
    run.signal("go")
    failed = run.wait_for_event("WorkflowTaskFailed")
    message = failed.failure.message
    assert failed.cause == Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
    assert "[TMPRL1100]" in message and "event 5" in message
    assert "say_hello" in message and "timer" in message.lower()
    new.stop()
    start("steps", "--children", "1")
    assert run.result() == "Hello, World!"


def test_the_replay_command_tells_what_fits(server, start, queue, tmp_path):
    start("steps", "--children", "1")
    run = server.start("Steps", "World", queue=queue)
    run.wait_for_event("TimerFired")  # a signal before the first step would stand before event 5
    run.signal("go")
    run.result()
    recorded = tmp_path / "run.json"
    recorded.write_text(run.export())
    assert replay("steps", recorded).returncode == 0
    changed = replay("steps_changed", recorded)
    assert changed.returncode == 1
    assert "[TMPRL1100]" in changed.stdout and "event 5" in changed.stdout
    broken = tmp_path / "broken.json"
    broken.write_text("{ no history")
    unreadable = replay("steps", broken)
    assert unreadable.returncode == 2 and "broken.json" in unreadable.stderr


def test_R001_histories_are_replayed_from_the_server_by_workflow_and_by_task_queue(server, start, queue):
    start("steps", "--children", "1")
    runs = [server.start("Steps", "World", queue=queue) for _ in range(3)]
    for run in runs[:2]:  # the third stays open
        run.wait_for_event("TimerFired")
        run.signal("go")
        run.result()
    where = ["--address", server.address]
    one = replay("steps", *where, "--workflow-id", runs[0].id)
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == f"replayed  {runs[0].id}  {len(runs[0].history())} events\n"
    named = [*where, "--workflow-id", runs[0].id, "--run-id", runs[0].current_run_id()]
    assert replay("steps", *named).stdout.split()[1] == f"{runs[0].id}/{runs[0].current_run_id()}"
    changed = replay("steps_changed", *named)
    assert changed.returncode == 1 and "[TMPRL1100]" in changed.stdout and "event 5" in changed.stdout

    of_queue = [*where, "--task-queue", queue]
    everything = wait_until(
        "the server lists all runs", lambda: (r := replay("steps", *of_queue)).stdout.count("\n") == 3 and r)
    assert everything.returncode == 0
    assert {line.split()[1].split("/")[0] for line in everything.stdout.splitlines()} == {run.id for run in runs}
    assert replay("steps", *of_queue, "--limit", "2").stdout.count("\n") == 2
    # A run may be open, and may not have come to where the code parts from it.
    assert replay("steps_changed", *of_queue).stdout.count("MISMATCH") >= 2


def test_what_the_server_does_not_have_is_a_sentence(server, start, queue):
    where = ["--address", server.address]
    missing = replay("steps", *where, "--workflow-id", queue)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert f"there is no workflow '{queue}' in namespace 'default'" in missing.stderr
    nothing = replay("steps", *where, "--task-queue", queue)
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert f"knows no workflow of task queue '{queue}'" in nothing.stderr


def test_R001_R002_a_folder_of_histories_is_replayed_and_every_mismatch_listed(server, start, queue, tmp_path):
    start("steps", "--children", "1")
    run = server.start("Steps", "World", queue=queue)
    run.wait_for_event("TimerFired")
    run.signal("go")
    run.result()
    folder = tmp_path / "recorded" / "deeper"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"run-{number}.json").write_text(run.export())
    (folder / "notes.txt").write_text("no history")
    good = replay("steps", "--stats", "--jobs", "3", folder.parent)
    lines = good.stdout.splitlines()
    assert good.returncode == 0 and [line.split()[1] for line in lines[:5]] == sorted(map(str, folder.glob("*.json")))
    assert lines[5].startswith(f"5 histories, 0 mismatches, {5 * len(run.history())} events, ")
    changed = replay("steps_changed", folder)
    assert changed.returncode == 1 and changed.stdout.count("MISMATCH") == 5
    assert replay("steps_changed", "--fail-fast", folder).stdout.count("MISMATCH") == 1
    empty = replay("steps", tmp_path / "recorded" / "nothing-here")
    assert empty.returncode == 2


def test_R005_two_files_of_one_run_are_replayed_each_for_itself(server, start, queue, tmp_path):
    start("workflows", "--children", "0")
    run = server.start("Patience", 50, queue=queue)
    run.result()
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text(run.fetched())
    done = replay("workflows", tmp_path, "--stats")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in ("one.json", "two.json")), done.stdout
