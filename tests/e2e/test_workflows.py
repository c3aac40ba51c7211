# SPDX-License-Identifier: MIT
"""What every workflow author expects. The history of each run replays."""

from datetime import timedelta

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import RequestCancelWorkflowExecutionRequest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutError, TimeoutType

from harness.replaying import replays
from harness.waiting import wait_until


@pytest.fixture
def worker(start):
    return start("basics", "--children", "1")


@pytest.fixture
def begin(server, queue, worker):
    """Starts a workflow. When the test is over, the histories of all that were started replay."""
    runs = []

    def begin_one(*words, **more):
        runs.append(server.start(*words, queue=queue, **more))
        return runs[-1]

    yield begin_one
    replays("basics", *runs)


def test_B004_B005_arguments_arrive_in_order_and_the_last_may_be_left_out(begin):
    assert begin("Several", "a", 2, True).result() == "a 2 yes"
    assert begin("Several", "a", 2).result() == "a 2 not said"


def test_B006_too_few_arguments_fail_the_task_and_the_worker_lives(begin):
    run = begin("Several", "a")
    message = run.wait_for_event("WorkflowTaskFailed").failure.message
    assert "argument 2 of 3 is missing" in message
    run.terminate()
    assert begin("Several", "a", 1).result() == "a 1 not said"


def test_B007_info_says_what_the_server_says(begin, queue):
    run = begin("Informed", run_timeout=timedelta(seconds=30))
    info = run.result()
    run_id = run.handle.first_execution_run_id
    assert info == {
        "workflow_id": run.id, "run_id": run_id, "first_run_id": run_id, "original_run_id": run_id,
        "type": "Informed", "namespace": "default", "task_queue": queue, "attempt": 1, "run_timeout": 30.0,
        "history_length": 3,
    }


def test_B011_ids_are_drawn_by_the_run_and_version_7_sorts_by_time(begin):
    one, two, early, late = begin("Ids").result()
    assert one != two and one[14] == two[14] == "4" and early[14] == late[14] == "7"
    assert early < late


def test_B016_B033_a_workflow_that_does_nothing_returns_null_in_one_task(begin):
    run = begin("Nothing")
    assert run.result() is None
    assert run.events("WorkflowExecutionCompleted")[0].result.payloads[0].metadata["encoding"] == b"binary/null"
    assert run.answered_tasks() == 1


def test_B018_R013_a_bug_fails_its_task_until_it_is_mended(server, start, queue):
    broken = start("basics", "--children", "1")
    run = server.start("Broken", queue=queue, task_timeout=timedelta(seconds=2))
    assert run.wait_for_event("WorkflowTaskFailed").failure.message == "a bug"
    broken.stop()
    start("basics_mended", "--children", "1")
    assert run.result() == "mended"
    assert len(run.events("WorkflowTaskFailed")) == 1


def test_B021_a_workflow_is_retried_by_its_policy(begin):
    run = begin("FailsOnce", retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)))
    assert run.result() == 2


def test_B022_a_run_that_takes_too_long_times_out(begin):
    failure = begin("Sleeps", 60_000, run_timeout=timedelta(seconds=1)).failure()
    assert isinstance(failure, TimeoutError) and failure.type == TimeoutType.START_TO_CLOSE


def test_T001_B025_a_timer_fires_and_shows_its_summary(begin):
    run = begin("Sleeps", 10)
    assert run.result() == "slept"
    [started] = run.whole_events("TimerStarted")
    assert started.user_metadata.summary.data == b'"a nap"'


def test_T005_L026_timers_fire_in_the_order_of_their_times(begin):
    assert begin("SleepsInOrder").result() == [1, 2, 3]


def test_T007_a_timer_survives_its_worker(server, start, queue):
    worker = start("basics", "--children", "1")
    run = server.start("Sleeps", 3_000, queue=queue)
    run.wait_for_event("TimerStarted")
    worker.stop()
    start("basics", "--children", "1")
    assert run.result() == "slept"


def test_V001_V002_V027_activities_by_function_by_name_and_by_method(begin):
    run = begin("Calls")
    assert run.result() == ["describe_me 1", "describe_me 2", "Hola, Ana", "describe_me mine"]
    assert run.whole_events("ActivityTaskScheduled")[3].user_metadata.summary.data == b'"who am I"'


def test_V004_V007_an_activitys_error_says_which_and_why(begin):
    assert begin("Explains", "broken").result() == "fail_always: Broken attempt 1"
    assert begin("Explains", "twice").result() == "fail_always: Broken attempt 2"
    assert begin("Explains", "listed").result() == "fail_always: Broken attempt 1"


def test_V008_an_error_may_say_when_it_is_to_be_tried_again(begin):
    assert begin("Explains", "delay").result() == "no error"


def test_V009_an_unknown_activity_is_named_with_those_that_are_known(begin):
    said = begin("Explains", "unknown").result()
    assert said.startswith("no_such_activity: NotFoundError") and "describe_me" in said


@pytest.mark.parametrize("how, what", [("start_to_close", "start_to_close"), ("nobody", "schedule_to_start")])
def test_V005_V018_a_timeout_has_its_kind(begin, how, what):
    assert begin("Explains", how).result().split(": ")[1].startswith(what)


def test_V006_a_heartbeat_timeout_carries_the_last_details(begin):
    assert begin("Explains", "heartbeat").result() == 'beat_and_hang: heartbeat after "half way"'


def test_V016_N003_an_uncaught_cancellation_ends_the_run_cancelled_after_its_clean_up(begin):
    run = begin("CleansUp")
    run.wait_for_event("TimerStarted")
    run.cancel()
    assert type(run.failure()).__name__ == "CancelledError"
    assert len(run.events("ActivityTaskCompleted")) == 1


@pytest.mark.parametrize("reason", ["", "too expensive"])
def test_N002_N004_the_reason_of_a_cancellation_is_known_and_the_run_may_complete(server, begin, reason):
    run = begin("CancelledFor")
    run.wait_for_event("TimerStarted")
    server.run(server.client.workflow_service.request_cancel_workflow_execution(
        RequestCancelWorkflowExecutionRequest(
            namespace="default", workflow_execution=WorkflowExecution(workflow_id=run.id), reason=reason)))
    assert run.result() == f"because: {reason}"


def test_N007_N009_a_run_continues_as_new_with_work_outstanding_and_from_a_handler(begin):
    run = begin("Counts", 1)
    for signal, number in (("add", 2), ("go_on", 40)):
        before = run.current_run_id()
        run.signal(signal, number)
        wait_until("it continues as new", lambda: run.current_run_id() != before)
    run.signal("stop")
    assert run.result() == 40


def test_V004_a_failure_that_leaves_run_keeps_its_chain(begin):
    failure = begin("FailsOnce").failure()
    assert failure.message == "not yet" and not isinstance(failure, ActivityError)
