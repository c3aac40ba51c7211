# SPDX-License-Identifier: MIT
"""What an activity is registered with holds for it, and for nobody else."""

from temporalio.exceptions import ApplicationError, TimeoutError, TimeoutType


def test_AX16_two_GiB_under_a_limit_of_one_fail_that_attempt_and_no_other(server, start, queue):
    start("limited", "workflows", "--children", "1")
    over = server.call("take_memory", 2048, queue=queue, how={"attempts": 1}).failure().cause
    assert isinstance(over, ApplicationError) and over.type == "std::bad_alloc"
    assert server.call("take_memory", 100, queue=queue).result() == 100 << 20


def test_AX16_cpu_time_is_a_failure_of_its_own_with_the_place_where_it_went(server, start, queue):
    start("limited", "workflows", "--children", "1")
    over = server.call("burn_cpu", queue=queue, how={"attempts": 1}).failure().cause
    assert isinstance(over, ApplicationError) and over.type == "ActivityCpuLimit"
    assert "burn_cpu()" in over.message


def test_AX9_a_grace_of_its_own_gives_the_slot_back(server, start, queue):
    worker = start("limited", "workflows", "--children", "1", "--timeout-grace", "never", "--local-timeout-buffer", "0s")
    run = server.call("hear_nothing", queue=queue, how={"attempts": 1, "start_to_close_ms": 500})
    cause = run.failure().cause
    assert isinstance(cause, TimeoutError) and cause.type == TimeoutType.START_TO_CLOSE
    assert server.call("take_memory", 1, queue=queue).result() == 1 << 20
    worker.wait_for("an activity overran its timeout; the server has given it up, so it is stopped", workflow_id=run.id)


def test_AC26_an_activity_that_always_crashes_is_not_tried_for_ever(server, start, queue):
    start("activities", "workflows", "--children", "1", "--crash-non-retryable-after", "3")
    run = server.call("crash_always", queue=queue)
    cause = run.failure().cause
    assert isinstance(cause, ApplicationError) and cause.type == "ActivityProcessCrashed" and cause.non_retryable
    assert "its process has died 3 times here" in cause.message
    assert run.events("ActivityTaskStarted")[0].attempt == 3


def test_AX38_what_gets_on_outlives_its_heartbeat_timeout_and_what_does_not_is_found(server, start, queue):
    start("limited", "workflows", "--children", "2")
    seen = server.call("work_seen", 8000, queue=queue, how={"attempts": 1, "heartbeat_ms": 4000})
    unseen = server.call("work_unseen", 30_000, queue=queue, how={"attempts": 1, "heartbeat_ms": 4000})
    cause = unseen.failure().cause
    assert isinstance(cause, TimeoutError) and cause.type == TimeoutType.HEARTBEAT
    assert seen.result() == 1
