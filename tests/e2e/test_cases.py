# SPDX-License-Identifier: MIT
"""What an activity takes, returns and throws is the same in a child, on a thread and on a loop."""

import random

import pytest
from harness.cases import beaten, causes, details
from harness.waiting import wait_until
from temporalio.common import Priority


def test_E001_a_function_returns_its_result(cases, worker):
    assert cases.call("greet", "Ada").result() == "Hello, Ada"


def test_E001_several_arguments_arrive_in_order(cases, worker):
    assert cases.call("greet", "Ada", 2).result() == "Hello, Ada Hello, Ada"


def test_E001_a_method_is_called_on_its_object(cases, worker):
    assert cases.call("ask", "an umbrella?").result() == "lost and found: an umbrella?"


def test_a_function_that_returns_nothing_returns_null(cases, worker):
    run = cases.call("nothing")
    assert run.result() is None
    result = run.events("ActivityTaskCompleted")[0].result.payloads[0]
    assert (result.metadata["encoding"], result.data) == (b"binary/null", b"")


def test_E001_F009_the_catch_all_takes_what_has_no_function(cases):
    later = "_later" if cases.home == "loop" else ""
    cases.worker(modules=("cases", f"catch_all{later}", "workflows"))
    asked = cases.name("never_heard_of")
    assert cases.call("never_heard_of", "tea", 3).result() == f"{asked} with 2"
    assert cases.call("greet", "Ada").result() == "Hello, Ada"


def test_E001_two_catch_alls_are_refused(start):
    worker = start("catch_all", "catch_all_later", wait=False)
    assert worker.ended() != 0
    assert "catch-all" in worker.errors()[0]


def test_E003_an_argument_that_does_not_fit_is_named_with_its_type(cases, worker):
    failure = cases.failure("greet", "Ada", "twice")
    assert "argument 2 of 2" in failure.message and "int" in failure.message
    assert not failure.application_failure_info.non_retryable


def test_E003_a_missing_argument_is_named(cases, worker):
    failure = cases.failure("greet")
    assert "argument 1 of 2" in failure.message
    assert not failure.application_failure_info.non_retryable


def test_E003_an_unknown_activity_is_refused_with_the_names_that_are_known(cases, worker):
    failure = cases.failure("no_such_thing")
    assert failure.application_failure_info.type == "NotFoundError"
    assert "greet, greet_later" in failure.message
    assert not failure.application_failure_info.non_retryable


def test_E004_F002_an_exception_keeps_its_class_its_message_and_its_causes(cases, worker):
    failure = cases.failure("fail_nested")
    assert causes(failure) == [
        ("std::runtime_error", "the order cannot be packed"),
        ("std::invalid_argument", "no such item"),
        ("std::out_of_range", "the shelf is empty")]
    assert not failure.application_failure_info.non_retryable


def test_E004_F002_an_application_error_keeps_its_details_and_its_causes(cases, worker):
    failure = cases.failure("fail_with_causes")
    assert causes(failure) == [("CardDeclined", "declined"), ("Terminal", "no answer"), ("Power", "no power")]
    assert details(failure) == ["4242", 3]
    assert details(failure.cause) == [7]


def test_E004_F002_what_is_no_exception_has_a_type_too(cases, worker):
    assert cases.failure("fail_with_int").application_failure_info.type == "UnknownException"


def test_E004_a_result_that_cannot_be_encoded_is_a_failure(cases, worker):
    failure = cases.failure("not_text")
    assert "UTF-8" in failure.message


def test_E004_a_non_retryable_error_is_not_tried_again(cases, worker):
    run = cases.call("fail_for_good")
    run.failure()
    assert run.events("ActivityTaskFailed")[0].failure.application_failure_info.non_retryable
    assert run.events("ActivityTaskStarted")[0].attempt == 1


def test_E004_an_error_may_say_when_to_try_again(cases, worker):
    run = cases.call("fail_for_a_while", how={"retry_ms": 50})
    pending = run.wait_for_attempt_failure()
    assert pending.current_retry_interval.ToMilliseconds() == 1500
    assert run.result() == "attempt 2"


def test_a_cancellation_that_nobody_asked_for_is_a_failure(cases, worker):
    assert cases.failure("cancel_unasked").application_failure_info.type == "temporal::Cancelled"


def test_E016_an_expected_failure_is_a_line_at_debug(cases, worker):
    run = cases.call("fail_as_expected", how={"attempts": 1})
    run.failure()
    assert run.events("ActivityTaskFailed")[0].failure.application_failure_info.category == 1  # benign
    assert worker.wait_for("an activity failed", workflow_id=run.id)["level"] == "debug"
    other = cases.call("fail_for_good")
    other.failure()
    assert worker.wait_for("an activity failed", workflow_id=other.id)["level"] == "warn"


def test_E014_never_are_there_more_than_the_slots(cases, folder):
    cases.worker("--max-concurrent-activities", "2")
    runs = [cases.call("count_guests", str(folder)) for _ in range(6)]
    wait_until("two are here and all are asked for",
               lambda: len(list(folder.iterdir())) >= 2 and all(run.pending() for run in runs))
    (folder / "release").touch()
    assert max(run.result() for run in runs) == 2


@pytest.mark.parametrize("size", [0, 1, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 1_900_000])
def test_F013_bytes_of_every_size_pass_untouched(cases, worker, size):
    noise = random.Random(size).randbytes(size)
    assert cases.call("echo_bytes", noise).result() == noise


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 1_900_000])
def test_F013_bytes_that_are_only_viewed_are_the_same(cases, worker, size):
    noise = random.Random(size).randbytes(size)
    assert cases.call("copy_of_bytes", noise).result() == noise


@pytest.mark.parametrize("size", [2 * 1024 * 1024, 4 * 1024 * 1024])
def test_F013_a_result_over_the_servers_limit_is_a_failure_that_names_it(cases, worker, size):
    failure = cases.failure("make_bytes", size)
    assert failure.application_failure_info.type == "PayloadTooLarge"
    assert failure.application_failure_info.non_retryable
    assert "2097152 bytes" in failure.message


@pytest.mark.parametrize("size", [2 * 1024 * 1024, 5 * 1024 * 1024])
def test_F013_a_failure_with_details_over_the_servers_limit_is_told_without_them(cases, worker, size):
    failure = cases.failure("fail_with_bytes", size)
    assert failure.application_failure_info.type == "Declined"
    assert failure.message.startswith("too much (details of ") and "store them elsewhere" in failure.message


def test_F019_a_line_an_activity_logs_carries_its_ids(cases, worker):
    run = cases.call("log_a_line")
    activity_id = run.result()
    line = worker.wait_for("packing", workflow_id=run.id)
    assert (line["level"], line["item"], line["count"]) == ("info", "tea", 2)
    expected = {
        "activity_type": cases.name("log_a_line"), "activity_id": activity_id, "workflow_type": "Call",
        "workflow_id": run.id, "run_id": run.handle.result_run_id, "attempt": 1, "task_queue": cases.queue,
        "namespace": "default"}
    assert {key: line.get(key) for key in expected} == expected


def test_E002_F001_each_field_of_its_info_is_what_the_server_says(server, cases, worker, folder):
    urgent = Priority(priority_key=2, fairness_key="tea", fairness_weight=1.5)
    run = cases.call("tell_all", str(folder), priority=urgent, how={
        "start_to_close_ms": 40_000, "schedule_to_close_ms": 50_000, "heartbeat_ms": 30_000,
        "attempts": 3, "retry_ms": 70, "never_again": "Never"})
    info = beaten(run)
    pending, = run.pending()
    scheduled, = run.events("ActivityTaskScheduled")
    event, = [e for e in run.history() if e.HasField("activity_task_scheduled_event_attributes")]
    options = pending.activity_options
    retry = options.retry_policy
    priority = server.run(run.handle.describe()).raw_description.workflow_execution_info.priority
    started = pending.last_started_time.ToNanoseconds()
    first_scheduled = event.event_time.ToNanoseconds()
    told = {
        "activity_id": pending.activity_id, "activity_type": pending.activity_type.name, "workflow_id": run.id,
        "run_id": run.handle.result_run_id, "workflow_type": "Call", "workflow_namespace": "default",
        "task_queue": options.task_queue.name, "has_token": True, "attempt": pending.attempt,
        "scheduled_time": first_scheduled, "started_time": started,
        "deadline": min(started + 40 * 10**9, first_scheduled + 50 * 10**9),
        "schedule_to_close": options.schedule_to_close_timeout.ToMilliseconds() / 1000,
        "start_to_close": options.start_to_close_timeout.ToMilliseconds() / 1000,
        "heartbeat": options.heartbeat_timeout.ToMilliseconds() / 1000,
        "initial_interval": retry.initial_interval.ToMilliseconds() / 1000,
        "backoff_coefficient": retry.backoff_coefficient,
        "maximum_interval": retry.maximum_interval.ToMilliseconds() / 1000,
        "maximum_attempts": retry.maximum_attempts,
        "non_retryable": list(scheduled.retry_policy.non_retryable_error_types),
        "priority_key": priority.priority_key, "fairness_key": priority.fairness_key,
        "fairness_weight": priority.fairness_weight, "headers": {}, "is_local": False}
    assert (info.pop("pid") == worker.pid) == (cases.home != "children")
    again = info.pop("current_attempt_scheduled_time")
    assert info == told
    assert pending.last_attempt_complete_time.ToNanoseconds() < again <= started
    # Values of a test that are not the defaults.
    assert (pending.attempt, pending.maximum_attempts, options.schedule_to_close_timeout.seconds) == (2, 3, 50)
    assert told["non_retryable"] == ["Never"] and told["priority_key"] == 2 and told["fairness_key"] == "tea"
    assert scheduled.task_queue.name == cases.queue
    (folder / "release").touch()
    run.result()
