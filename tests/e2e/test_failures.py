# SPDX-License-Identifier: MIT
"""What Temporal users know of failures, seen in histories."""

import random

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause as Cause


@pytest.fixture(params=["children", "threads"])
def worker(start, request):
    return start("activities", "workflows", "--children", "2", "--activity-executor", request.param)


ONCE = {"attempts": 1}


def failure_of(run):
    run.failure()
    return run.events("ActivityTaskFailed")[0].failure


def test_an_exception_keeps_its_class_and_message(server, worker, queue):
    failure = failure_of(server.call("throw_error", "out of tea", queue=queue, how=ONCE))
    assert failure.message == "out of tea"
    assert failure.application_failure_info.type == "std::runtime_error"
    assert not failure.application_failure_info.non_retryable


def test_nested_exceptions_are_causes(server, worker, queue):
    failure = failure_of(server.call("throw_nested", queue=queue, how=ONCE))
    chain = []
    while True:
        chain.append((failure.application_failure_info.type, failure.message))
        if not failure.HasField("cause"):
            break
        failure = failure.cause
    assert chain == [
        ("std::runtime_error", "the order cannot be packed"),
        ("std::invalid_argument", "no such item"),
        ("std::out_of_range", "the shelf is empty")]


def test_something_that_is_no_exception_has_a_type_too(server, worker, queue):
    failure = failure_of(server.call("throw_int", queue=queue, how=ONCE))
    assert failure.application_failure_info.type == "UnknownException"


def test_a_cancellation_that_nobody_asked_for_is_a_failure(server, worker, queue):
    failure = failure_of(server.call("throw_cancelled_unasked", queue=queue, how=ONCE))
    assert failure.application_failure_info.type == "temporal::Cancelled"


def test_a_non_retryable_error_is_not_tried_again(server, worker, queue):
    run = server.call("refuse_card", "4242", queue=queue)
    failure = failure_of(run)
    assert failure.application_failure_info.type == "CardDeclined"
    assert failure.application_failure_info.details.payloads[0].data == b'"4242"'
    assert run.events("ActivityTaskStarted")[0].attempt == 1


def test_a_result_that_does_not_decode_fails_the_task_not_the_workflow(server, worker, queue):
    run = server.start("ExpectNumber", queue=queue)
    failed = run.wait_for_event("WorkflowTaskFailed")
    assert "does not decode" in failed.failure.message
    run.terminate()


def test_an_argument_that_does_not_fit_fails_the_activity(server, worker, queue):
    failure = failure_of(server.call("say_hello", 42, queue=queue, how=ONCE))
    assert "argument 1 of 1" in failure.message and "string" in failure.message


def test_an_unknown_activity_is_refused_with_the_names_that_are_known(server, worker, queue):
    failure = failure_of(server.call("no_such_thing", queue=queue, how=ONCE))
    assert failure.application_failure_info.type == "NotFoundError"
    assert "say_hello" in failure.message


def test_an_unknown_workflow_fails_its_task_with_the_names_that_are_known(server, worker, queue):
    run = server.start("NoSuchWorkflow", queue=queue)
    assert "Mailbox" in run.wait_for_event("WorkflowTaskFailed").failure.message
    run.terminate()


def test_a_heartbeat_brings_the_cancellation(server, worker, queue, folder):
    run = server.start("CancelActivity", "beat_until_cancelled", str(folder), queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: cleaned up"
    assert len(run.events("ActivityTaskCanceled")) == 1


def test_a_failure_fails_the_workflow_and_a_bug_only_its_task(server, worker, queue):
    sold_out = server.start("ThrowFailure", queue=queue)
    assert sold_out.failure().type == "SoldOut"
    bug = server.start("ThrowError", queue=queue)
    failed = bug.wait_for_event("WorkflowTaskFailed")
    assert failed.failure.message == "a bug, to be corrected"
    assert failed.cause == Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE
    bug.terminate()


def test_a_cancelled_workflow_ends_cancelled(server, worker, queue):
    run = server.start("SleepLong", queue=queue)
    run.wait_for_event("TimerStarted")
    run.cancel()
    run.wait_for_event("WorkflowExecutionCanceled")
    assert len(run.events("TimerCanceled")) == 1


def test_an_endless_loop_fails_its_task_and_the_others_go_on(server, start, queue):
    worker = start("activities", "workflows", "--children", "1", "--workflow-threads", "2")
    spin = server.start("Spin", queue=queue)
    assert "[TMPRL1101]" in spin.wait_for_event("WorkflowTaskFailed").failure.message
    assert server.call("say_hello", "others", queue=queue).result() == "Hello, others!"
    spin.terminate()
    worker.stop()


@pytest.mark.parametrize("size", [0, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 300_000, 1_900_000])
def test_payloads_of_every_size_pass_through_a_child(server, worker, queue, size):
    text = "x" * size
    assert server.call("echo", text, queue=queue).result() == text


@pytest.mark.parametrize("size", [0, 1, 70_000, 1_900_000])
def test_bytes_pass_through_a_child_untouched(server, worker, queue, size):
    noise = random.Random(size).randbytes(size)
    assert server.call("echo_bytes", noise, queue=queue).result() == noise


def test_a_result_over_the_servers_limit_is_a_failure_not_a_silence(server, worker, queue):
    failure = failure_of(server.call("repeat_x", 3_000_000, queue=queue))
    assert failure.application_failure_info.type == "PayloadTooLarge"
    assert failure.application_failure_info.non_retryable
