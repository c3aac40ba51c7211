# SPDX-License-Identifier: MIT
"""What Temporal users know of failures of workflows, seen in histories."""

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause as Cause


@pytest.fixture
def worker(start):
    return start("activities", "workflows", "--children", "2")


def test_a_result_that_does_not_decode_fails_the_task_not_the_workflow(server, worker, queue):
    run = server.start("ExpectNumber", queue=queue)
    failed = run.wait_for_event("WorkflowTaskFailed")
    assert "does not decode" in failed.failure.message
    run.terminate()


def test_B013_an_unknown_workflow_fails_its_task_with_the_names_that_are_known(server, worker, queue):
    run = server.start("NoSuchWorkflow", queue=queue)
    assert "Mailbox" in run.wait_for_event("WorkflowTaskFailed").failure.message
    run.terminate()


def test_B017_B018_a_failure_fails_the_workflow_and_a_bug_only_its_task(server, worker, queue):
    sold_out = server.start("ThrowFailure", queue=queue)
    assert sold_out.failure().type == "SoldOut"
    bug = server.start("ThrowError", queue=queue)
    failed = bug.wait_for_event("WorkflowTaskFailed")
    assert failed.failure.message == "a bug, to be corrected"
    assert failed.cause == Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE
    bug.terminate()


def test_T002_T011_a_cancelled_workflow_ends_cancelled(server, worker, queue):
    run = server.start("SleepLong", queue=queue)
    run.wait_for_event("TimerStarted")
    run.cancel()
    run.wait_for_event("WorkflowExecutionCanceled")
    assert len(run.events("TimerCanceled")) == 1


@pytest.mark.alone
def test_L017_an_endless_loop_fails_its_task_with_its_stack_and_the_others_go_on(server, start, queue):
    worker = start("activities", "workflows", "--children", "1", "--workflow-threads", "2")
    spin = server.start("Spin", queue=queue)
    failed = spin.wait_for_event("WorkflowTaskFailed")
    late = (spin.time_of("WorkflowTaskFailed") - spin.time_of("WorkflowTaskStarted")).total_seconds()
    assert late < 3 + 2  # of which 2 s are the deadlock timeout; a loaded machine has two more
    assert "[TMPRL1101]" in failed.failure.message
    # The stuck function, and the coroutines that wait for it.
    stack = failed.failure.stack_trace.splitlines()
    assert "Spin::spin_for_ever" in stack[0] and "workflows.cpp:" in stack[0]
    assert any("awaited by" in line and "Spin::run" in line for line in stack), stack
    assert server.call("say_hello", "others", queue=queue).result() == "Hello, others!"
    spin.terminate()
    worker.stop()
