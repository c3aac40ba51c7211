# SPDX-License-Identifier: MIT
"""Local activities: run by the worker of their workflow, known to history by their end alone."""

import re
import time
from datetime import timedelta

import pytest
from harness import processes
from harness.replaying import replays
from harness.scrape import Scraper
from harness.waiting import wait_until
from temporalio.exceptions import TimeoutType

RETRY_NON_RETRYABLE, RETRY_TIMEOUT, RETRY_MAXIMUM = 2, 3, 4


@pytest.fixture
def local(server, start, queue):
    """Starts a workflow of the module. The worker runs beside it."""
    def begin(workflow, *args, flags=(), **more):
        if not begin.worker:
            begin.worker = start("locals", "--children", "1", *flags)
        return server.start(workflow, *args, queue=queue, **more)

    begin.worker = None
    return begin


def markers(run):
    return [m for m in run.events("MarkerRecorded") if m.marker_name == "core_local_activity"]


def only_markers(run):
    assert not run.events("ActivityTaskScheduled")
    return len(markers(run))


def test_O001_O016_in_each_home_it_runs_as_a_local_one_and_leaves_one_marker(local):
    run = local("Homes")
    told = run.result()
    assert [re.sub(r"\d+$", "PID", line) for line in told] == ["local 1 of PID"] * 3
    child, thread, loop = (int(line.split()[-1]) for line in told)
    assert thread == loop == local.worker.pid != child
    assert only_markers(run) == 3
    assert run.answered_tasks() == 1
    assert replays("locals", run)


def test_O002_O020_void_null_side_by_side_and_a_side_effect_in_one_task(local):
    run = local("Kinds")
    assert run.result() == "side by side none4"
    assert only_markers(run) == 5
    assert run.answered_tasks() == 1
    assert replays("locals", run)


def test_O003_a_race_with_a_timer_has_either_winner_and_replays_to_the_same(local):
    quick, slow = local("Raced", 1, 60_000), local("Raced", 60_000, 1)
    assert quick.result() == "activity"
    assert slow.result() == "timer"
    local.worker.wait_for("a slow one was cancelled")
    assert replays("locals", quick, slow)


def test_O004_attempts_below_the_threshold_are_made_in_the_same_task(local):
    run = local("Flaky", 4, 60_000)
    assert run.result() == 4
    [marker] = markers(run)
    assert b'"attempt":4' in marker.details["data"].payloads[0].data
    assert not run.events("TimerStarted")
    assert replays("locals", run)


def test_O005_attempts_beyond_it_wait_for_a_timer_each_with_a_marker(local):
    run = local("Flaky", 3, 1)
    assert run.result() == 3
    assert len(run.events("TimerStarted")) == 2
    assert len(markers(run)) == 3
    assert all(m.HasField("failure") for m in markers(run)[:2])
    assert replays("locals", run)


@pytest.mark.alone
def test_O006_O007_Q014_its_task_is_renewed_and_signals_queries_and_updates_come_meanwhile(local):
    run = local("Long", 10_000, task_timeout=timedelta(seconds=3))
    local.worker.wait_for("a slow one begins")
    run.signal("poke")
    assert run.update("add", 10) == 11
    assert run.query("poked") == 11
    assert run.result() == "done, 11 pokes"
    assert run.answered_tasks() >= 4
    assert not run.events("WorkflowTaskTimedOut")
    assert only_markers(run) == 1
    assert len(local.worker.logged("a slow one begins")) == 1
    assert replays("locals", run)


@pytest.mark.alone
def test_O006_Q014_a_question_waits_for_one_renewal_and_not_for_the_next(local):
    """The task's timeout is the default, 10 s: it is renewed after 8, and brings the question."""
    run = local("Long", 60_000)
    local.worker.wait_for("a slow one begins")
    asked = time.monotonic()
    assert run.query("poked") == 0
    assert time.monotonic() - asked < 14
    run.terminate()


def test_O008_each_time_limit_ends_it_as_that_limit(local):
    def outcome(which):
        run = local("Fails", which)
        told = run.result()
        assert replays("locals", run)
        return told

    assert outcome("start_to_close") == f"retry state {RETRY_MAXIMUM}: timeout {int(TimeoutType.START_TO_CLOSE)}"
    assert outcome("schedule_to_close") == f"retry state {RETRY_TIMEOUT}: not yet"


def test_O008_who_finds_no_place_in_time_times_out_before_the_start(local):
    run = local("Crowded", flags=("--max-concurrent-local-activities", "1"))
    assert run.result() == f"timeout {int(TimeoutType.SCHEDULE_TO_START)}"
    assert replays("locals", run)


@pytest.mark.alone
@pytest.mark.parametrize("how", ["try", "wait", "abandon"])
def test_O009_cancelled_it_ends_in_its_way_with_a_marker(local, how):
    run = local("Cancels", how, task_timeout=timedelta(seconds=3))
    local.worker.wait_for("a slow one begins")
    run.signal("stop")
    assert run.result() == "cancelled"
    assert only_markers(run) == 1
    assert bool(local.worker.logged("a slow one was cancelled")) == (how != "abandon")
    assert replays("locals", run)


@pytest.mark.alone
def test_O010_a_failed_task_ends_what_runs_and_the_next_one_runs_it_again(local):
    run = local("Long", 8_000, task_timeout=timedelta(seconds=3))
    local.worker.wait_for("a slow one begins")
    run.signal("trip")
    local.worker.wait_for("a slow one was cancelled")
    assert run.result() == "done, 0 pokes"
    assert len(local.worker.logged("a slow one begins")) == 2
    assert run.events("WorkflowTaskFailed")


@pytest.mark.alone
def test_O011_a_worker_that_dies_meanwhile_costs_a_second_run_of_it(local, start):
    run = local("Long", 1_500, task_timeout=timedelta(seconds=2))
    local.worker.wait_for("a slow one begins")
    local.worker.kill()
    other = start("locals")
    assert run.result() == "done, 0 pokes"
    other.wait_for("a slow one begins")
    assert only_markers(run) == 1
    assert replays("locals", run)


@pytest.mark.alone
def test_O012_what_still_runs_when_its_workflow_ends_is_asked_to_stop_and_forgotten(local):
    run = local("Leaves", task_timeout=timedelta(seconds=3))
    local.worker.wait_for("a slow one begins")
    run.signal("stop")
    assert run.result() == "left"
    local.worker.wait_for("a slow one was cancelled")
    assert only_markers(run) == 0


def test_O013_an_unknown_name_is_answered_with_the_names_there_are(local):
    run = local("Fails", "unknown")
    told = run.result()
    assert told.startswith(f"retry state {RETRY_MAXIMUM}: this worker has no activity 'no_such_activity'; it has: ")
    assert "echo" in told
    assert replays("locals", run)


def test_O013_a_worker_without_activities_says_so(local):
    run = local("Fails", "refuses", flags=("--workflows-only",), task_timeout=timedelta(seconds=3))
    line = wait_until("the attempt fails", lambda: local.worker.logged("a local activity failed"))[0]
    assert "this one runs no activities" in line["failure"]
    run.terminate()


def test_O014_a_worker_that_asks_for_no_activity_tasks_runs_local_ones(local, server, queue):
    run = local("Homes", flags=("--no-remote-activities",))
    assert len(run.result()) == 3
    remote = server.start("Beside", queue=queue)
    remote.wait_for_event("ActivityTaskScheduled")
    remote.signal("go")
    assert remote.result() == "beside"
    assert local.worker.state()["activities"] == 0


def test_O018_what_is_not_to_be_tried_again_is_not(local):
    for which, told in (("refuses", f"retry state {RETRY_NON_RETRYABLE}: never"),
                        ("listed", f"retry state {RETRY_NON_RETRYABLE}: not yet"),
                        ("benign", f"retry state {RETRY_MAXIMUM}: as usual")):
        run = local("Fails", which)
        assert run.result() == told
        assert replays("locals", run)
    assert [line["failure"] for line in local.worker.logged("a local activity failed", level="warn")] == [
        "never", "not yet"]


def test_O019_a_stop_waits_for_it_within_the_grace(local):
    run = local("Long", 1_500)
    local.worker.wait_for("a slow one begins")
    local.worker.stop()
    assert run.result() == "done, 0 pokes"
    assert only_markers(run) == 1


def test_O019_within_the_grace_one_may_follow_another_though_the_worker_stops(local, server):
    run = local("Chain", 6, 300)
    local.worker.wait_for("a slow one begins")
    local.worker.stop()
    assert run.events("WorkflowExecutionCompleted")
    assert only_markers(run) == 6
    assert not local.worker.logged("a slow one was cancelled")


def test_O019_after_the_grace_it_is_cancelled_and_leaves_no_marker(local, start):
    run = local("Long", 60_000, flags=("--grace", "300ms"), task_timeout=timedelta(seconds=2))
    local.worker.wait_for("a slow one begins")
    local.worker.stop()
    assert local.worker.logged("a slow one was cancelled")
    assert only_markers(run) == 0
    run.terminate()


def test_O021_it_needs_none_of_the_places_of_remote_activities(local):
    run = local("Beside", flags=("--max-concurrent-activities", "1", "--activity-threads", "1"))
    local.worker.wait_for("a slow one begins")
    run.signal("go")
    assert run.result() == "beside"


def test_a_child_that_is_killed_costs_an_attempt_and_the_second_one_succeeds(local):
    run = local("Killed")
    victim = local.worker.wait_for("kill me")["pid"]
    processes.kill(victim)
    assert run.result() == "attempt 2"
    assert only_markers(run) == 1
    assert replays("locals", run)


def test_without_a_child_for_it_a_plain_function_says_which_flag_gives_one(local):
    run = local("Homes", flags=("--offload-children", "0"))
    failure = run.failure()
    assert "--offload-children" in failure.cause.message


def test_they_are_counted_under_the_names_of_other_sdks(local):
    local("Flaky", 3, 60_000, flags=("--metrics", "127.0.0.1:0")).result()
    scraper = Scraper(local.worker)
    labels = {"activity_type": "flaky", "workflow_type": "Flaky"}
    scraper.wait_for_value(1, "temporal_local_activity_total", **labels)
    scraper.wait_for_value(2, "temporal_local_activity_execution_failed", **labels)
