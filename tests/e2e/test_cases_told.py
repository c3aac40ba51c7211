# SPDX-License-Identifier: MIT
"""Heartbeats, and what comes back with them: an activity is told to stop, and why, in each of its homes."""

import json

import pytest
from harness.cases import beaten, causes
from harness.waiting import wait_until
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.exceptions import TimeoutError

BEATING = {"heartbeat_ms": 500}


def told(worker, run, why):
    """Waits until the activity says that it was told to stop, and for what reason."""
    line = worker.wait_for("told to stop", workflow_id=run.id)
    assert line["why"] == why
    return line


def test_E005_the_first_goes_out_at_once_then_the_newest_and_the_last_with_the_failure(cases, worker, folder):
    run = cases.call("beat_in_steps", str(folder), how={"heartbeat_ms": 2_000})
    assert beaten(run) == 1
    first, = run.pending()
    (folder / "go").touch()
    newest = wait_until("the next is there", lambda: beaten(run) != 1 and run.pending())
    assert beaten(run) == 3  # 2 was older than that when the throttle let it through
    apart = newest[0].last_heartbeat_time.ToMilliseconds() - first.last_heartbeat_time.ToMilliseconds()
    assert apart > 1_400
    (folder / "fail").touch()
    assert run.result() == 4


def test_E006_F003_a_counter_goes_on_from_the_attempt_before(cases, worker):
    run = cases.call("count_on")
    assert run.result() == 3
    assert run.events("ActivityTaskStarted")[0].attempt == 4


def test_E006_details_of_another_type_are_a_failure_that_is_not_tried_again(cases, worker):
    run = cases.call("misread_itself")
    run.failure()
    failure = run.events("ActivityTaskFailed")[0].failure
    assert failure.application_failure_info.type == "DecodeError"
    assert "details of the last heartbeat" in failure.message


def test_E007_F004_details_that_cannot_be_encoded_fail_that_attempt_only(cases, worker):
    run = cases.call("beat_what_is_no_text")
    failure = run.wait_for_attempt_failure().last_failure
    assert failure.application_failure_info.type == "EncodeError"
    assert "std::string" in failure.message or "basic_string" in failure.message
    assert run.result() == "attempt 2"


def test_E008_E010_F005_it_is_told_of_a_cancellation_and_lets_it_through(cases, worker):
    run = cases.cancellable("beat_until_told", "throw")
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: cleaned up"
    assert len(run.events("ActivityTaskCanceled")) == 1
    told(worker, run, "requested")


def test_F005_it_sees_that_it_was_cancelled_by_looking(cases, worker):
    run = cases.cancellable("look_until_told", "throw")
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: cleaned up"
    told(worker, run, "requested")


def test_E010_F005_a_result_is_kept_although_it_was_cancelled(cases, worker):
    run = cases.cancellable("beat_until_told", "keep")
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == 'completed: "kept"'
    assert run.events("ActivityTaskCancelRequested") and not run.events("ActivityTaskCanceled")
    told(worker, run, "requested")


def test_E008_it_is_told_of_a_pause_and_runs_again_after_it(cases, worker):
    run = cases.call("beat_until_told", "throw", how=BEATING)
    beaten(run)
    cases.pause(run)
    told(worker, run, "paused")
    paused = PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED
    pending = wait_until("it is paused", lambda: [p for p in run.pending() if p.state == paused])[0]
    assert causes(pending.last_failure)[0][0] == "ActivityPause"
    cases.unpause(run)
    assert run.result() == "attempt 2"


def test_E008_it_is_told_of_a_reset_and_begins_again(cases, worker):
    run = cases.call("beat_until_told", "throw", how=BEATING)
    beaten(run)
    cases.reset(run)
    told(worker, run, "reset")
    worker.wait_for("an activity failed", workflow_id=run.id, type="ActivityReset")
    assert run.result() == "attempt 2"


def test_E009_it_is_told_that_it_is_gone_and_nothing_is_reported(cases, worker):
    run = cases.call("beat_until_told", "throw", how=BEATING)
    beaten(run)
    run.terminate()
    told(worker, run, "gone")
    worker.wait_for("the server has given this activity up: nothing is reported", workflow_id=run.id)
    assert not worker.logged("an activity failed", workflow_id=run.id)


def test_E012_it_is_told_when_its_time_is_over_though_nobody_says_so(cases, worker):
    runs = [cases.call("wait_until_told", "throw", how={**how, "attempts": 1})
            for how in ({"start_to_close_ms": 500}, {"heartbeat_ms": 500})]
    for run in runs:
        assert isinstance(run.failure().cause, TimeoutError)
        told(worker, run, "timed_out")
        worker.wait_for("the server has given this activity up: nothing is reported", workflow_id=run.id)
        assert not worker.logged("an activity failed", workflow_id=run.id)


@pytest.mark.parametrize("how", ["poll", "wait"])
def test_F006_the_notice_of_a_stop_is_no_cancellation(cases, how):
    worker = cases.worker()
    run = cases.call("until_the_notice", how)
    beaten(run)
    worker.stop()
    assert json.loads(run.wait_for_event("ActivityTaskCompleted").result.payloads[0].data) == "finished early"


def test_F011_after_the_grace_it_is_told_of_the_stop_and_tried_again_elsewhere(cases):
    worker = cases.worker("--grace", "0s")
    run = cases.call("beat_until_told", "throw", how=BEATING)
    beaten(run)
    worker.stop()
    told(worker, run, "worker_shutdown")
    assert run.wait_for_attempt_failure().last_failure.application_failure_info.type == "WorkerShutdown"
    cases.worker()
    assert run.result() == "attempt 2"
    assert not run.events("ActivityTaskCanceled")


def test_F010_a_cancellation_that_comes_too_late_does_not_hurt_the_next_task(server, start, queue, tmp_path):
    start("cases", "workflows", "--children", "1")
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = server.start("CancelActivity", "beat_and_leave", str(folder), queue=queue)
        run.wait_for_event("ActivityTaskScheduled")
        wait_until("it runs", lambda: [p for p in run.pending() if p.HasField("last_started_time")])
        run.signal("cancel_it")
        run.wait_for_event("ActivityTaskCancelRequested")
        (folder / "release").touch()
        assert run.result() == "completed: "
        assert server.call("cancelled_within", 30, queue=queue).result() is False
