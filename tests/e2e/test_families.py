# SPDX-License-Identifier: MIT
"""Children of all kinds, and workflows that reach others by their id."""

import pytest
from harness.replaying import replays
from harness.server import Run
from harness.waiting import wait_until
from temporalio.api.enums.v1 import ParentClosePolicy, WorkflowExecutionStatus, WorkflowIdReusePolicy
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError, ChildWorkflowError
from temporalio.service import RPCError, RPCStatusCode

Status = WorkflowExecutionStatus


@pytest.fixture
def family(server, start, queue):
    """Starts a workflow of the module. The worker runs beside it."""
    start("families")

    def begin(workflow, *args, **more):
        return server.start(workflow, *args, queue=queue, **more)

    return begin


def kid_of(server, id):
    return Run(server, server.client.get_workflow_handle(id))


def status(run):
    """None while there is no such run yet."""
    try:
        return describe(run)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


def describe(run):
    return run.server.run(run.handle.describe()).raw_description.workflow_execution_info.status


def wait_for_status(run, wanted):
    wait_until(f"{run.id} ends as {Status.Name(wanted)}", lambda: status(run) == wanted)


def test_X001_a_child_is_executed_or_started_and_then_awaited(server, family, queue):
    executed = family("Execute", {"id": f"{queue}-a"})
    assert executed.result() == "echo"
    started = family("Start", {"id": f"{queue}-b"})
    id, run_id, result = started.result()
    assert id == f"{queue}-b" and result == "echo"
    assert run_id == server.run(server.client.get_workflow_handle(id).describe()).run_id
    by_name = family("ExecuteByName", "Kid", {"id": f"{queue}-c", "what": "untyped"})
    assert by_name.result() == "untyped"
    for run in (executed, started, by_name, kid_of(server, id)):
        assert replays("families", run)


def test_X002_X019_a_child_whose_id_is_taken_is_a_typed_error(family, queue):
    first = family("Kid", "wait", id=f"{queue}-taken")
    first.wait_for_event("WorkflowTaskCompleted")
    told = family("Outcome", {"id": f"{queue}-taken"})
    assert told.result() == f"already started: {queue}-taken"
    not_caught = family("Execute", {"id": f"{queue}-taken"})
    assert isinstance(not_caught.failure(), ChildWorkflowError)
    assert replays("families", told) and replays("families", not_caught)


def test_X003_the_failure_of_a_child_keeps_its_cause(family, queue):
    run = family("Execute", {"id": f"{queue}-kid", "what": "fail"})
    failure = run.failure()
    assert isinstance(failure, ChildWorkflowError)
    assert (failure.workflow_id, failure.workflow_type) == (f"{queue}-kid", "Kid")
    assert isinstance(failure.cause, ApplicationError)
    assert (failure.cause.type, failure.cause.message) == ("Bad", "no bread")
    told = family("Outcome", {"what": "fail"})
    assert told.result() == "Bad: no bread"
    assert replays("families", run) and replays("families", told)


def test_X004_a_child_that_times_out_or_is_terminated_says_so(server, family, queue):
    late = family("Outcome", {"what": "wait", "run_timeout_ms": 1000})
    ended = family("Outcome", {"id": f"{queue}-ended", "what": "wait"})
    ended.wait_for_event("ChildWorkflowExecutionStarted")
    kid_of(server, f"{queue}-ended").terminate()
    assert ended.result() == "terminated"
    assert late.result() == "timed out"
    assert replays("families", late) and replays("families", ended)


def test_X005_signals_reach_a_child_that_has_not_started_yet_and_one_that_has(family, queue):
    run = family("SignalKid", {"id": f"{queue}-kid"})
    assert run.result() == "early late"
    assert len(run.events("SignalExternalWorkflowExecutionInitiated")) == 2
    assert replays("families", run)


@pytest.mark.parametrize("on_cancel", ["wait_completed", "wait_requested"])
def test_X006_X009_X012_a_started_child_is_cancelled_with_a_reason(server, family, queue, on_cancel):
    kid = f"{queue}-kid"
    run = family("CancelKid", {"id": kid, "what": "wait", "on_cancel": on_cancel, "reason": "enough"}, False)
    wait_for_status(kid_of(server, kid), Status.WORKFLOW_EXECUTION_STATUS_CANCELED)
    run.signal("leave")
    assert run.result() == "cancelled"
    [requested] = kid_of(server, kid).events("WorkflowExecutionCancelRequested")
    assert requested.cause == "enough"
    assert len(run.events("ExternalWorkflowExecutionCancelRequested")) == 1
    assert replays("families", run) and replays("families", kid_of(server, kid))


@pytest.mark.parametrize("on_cancel, asked, outcome", [
    ("wait_completed", True, "lingered"), ("wait_requested", True, "cancelled"), ("try_cancel", True, "cancelled"),
    ("abandon", False, "cancelled")])
def test_X009_what_a_parent_sees_of_a_child_that_takes_its_time(server, family, queue, on_cancel, asked, outcome):
    kid = f"{queue}-kid"
    run = family("CancelKid", {"id": kid, "what": "linger", "on_cancel": on_cancel, "parent_close": "abandon"}, False)
    if asked:
        run.wait_for_event("ExternalWorkflowExecutionCancelRequested")
    run.signal("leave")
    assert run.result() == outcome
    assert len(run.events("RequestCancelExternalWorkflowExecutionInitiated")) == asked
    if not asked:
        assert status(kid_of(server, kid)) == Status.WORKFLOW_EXECUTION_STATUS_RUNNING
        kid_of(server, kid).cancel()
    assert kid_of(server, kid).result() == "lingered"
    assert replays("families", run)


def test_X007_X008_a_child_that_is_started_and_cancelled_in_one_task_never_was(family, queue):
    run = family("CancelKid", {"id": f"{queue}-kid", "what": "wait"}, True)
    run.signal("leave")
    assert run.result() == "cancelled"
    assert not run.events("StartChildWorkflowExecutionInitiated")
    assert replays("families", run)


def test_X010_X012_the_cancellation_of_a_parent_reaches_its_child(server, family, queue):
    kid = f"{queue}-kid"
    run = family("Execute", {"id": kid, "what": "wait"})
    run.wait_for_event("ChildWorkflowExecutionStarted")
    run.cancel()
    with pytest.raises(WorkflowFailureError):
        run.result()
    assert status(run) == Status.WORKFLOW_EXECUTION_STATUS_CANCELED
    assert status(kid_of(server, kid)) == Status.WORKFLOW_EXECUTION_STATUS_CANCELED
    assert replays("families", run)


@pytest.mark.parametrize("policy, end", [
    ("terminate", Status.WORKFLOW_EXECUTION_STATUS_TERMINATED), ("request_cancel", Status.WORKFLOW_EXECUTION_STATUS_CANCELED),
    ("abandon", Status.WORKFLOW_EXECUTION_STATUS_COMPLETED)])
def test_X013_what_becomes_of_a_child_when_its_parent_is_over(server, family, queue, policy, end):
    kid = f"{queue}-kid"
    run = family("StartAndLeave", {"id": kid, "what": "wait", "parent_close": policy})
    run.result()
    if policy == "abandon":
        kid_of(server, kid).signal("go", "on")
    wait_for_status(kid_of(server, kid), end)
    assert replays("families", run)


def test_X015_a_signal_to_another_workflow_arrives_and_to_a_missing_one_fails(server, family, queue):
    other = family("Kid", "wait")
    run = family("SignalOther", other.id, "hello")
    assert run.result() == "signalled"
    assert other.result() == "hello"
    missing = family("SignalOther", f"{queue}-nobody", "hello")
    assert missing.result() == f"workflow '{queue}-nobody' could not be signalled: no such workflow runs"
    assert replays("families", run) and replays("families", missing)


def test_X012_X017_another_workflow_is_cancelled_with_a_reason_and_a_missing_one_is_an_error(family, queue):
    other = family("Kid", "wait")
    run = family("CancelOther", other.id, "no more")
    assert run.result() == "asked"
    wait_for_status(other, Status.WORKFLOW_EXECUTION_STATUS_CANCELED)
    assert other.events("WorkflowExecutionCancelRequested")[0].cause == "no more"
    missing = family("CancelOther", f"{queue}-nobody", "no more")
    assert missing.result() == f"workflow '{queue}-nobody' could not be cancelled: no such workflow runs"
    assert replays("families", run) and replays("families", missing)


def test_X020_a_child_gets_its_memo_attributes_retry_priority_and_summary(server, family, queue):
    server.define_search_attributes(FamilyName="Keyword")
    run = family("Described", f"{queue}-kid")
    assert run.result() == "echo"
    description = server.run(server.client.get_workflow_handle(f"{queue}-kid").describe())
    assert server.run(description.memo()) == {"note": "from the parent"}
    assert description.search_attributes["FamilyName"] == ["Lovelace"]
    assert description.raw_description.execution_config.user_metadata.summary.data == b'"a kid"'
    [initiated] = run.events("StartChildWorkflowExecutionInitiated")
    assert initiated.retry_policy.maximum_attempts == 2
    assert initiated.priority.priority_key == 1
    assert initiated.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE
    assert replays("families", run) and replays("families", kid_of(server, f"{queue}-kid"))


def test_X020_a_child_is_retried_and_runs_by_cron(server, family, queue):
    failing = family("Execute", {"id": f"{queue}-kid", "what": "fail", "attempts": 2})
    assert failing.failure().cause.type == "Bad"
    assert kid_of(server, f"{queue}-kid").events("WorkflowExecutionStarted")[0].attempt == 2
    planned = family("StartAndLeave", {"id": f"{queue}-cron", "cron": "@yearly", "parent_close": "abandon"})
    planned.result()
    started = kid_of(server, f"{queue}-cron")
    assert started.events("WorkflowExecutionStarted")[0].cron_schedule == "@yearly"
    started.terminate()
    assert replays("families", failing)


def test_X021_the_reuse_policy_says_whether_an_id_may_be_taken_again(family, queue):
    kid = f"{queue}-kid"
    Reuse = WorkflowIdReusePolicy
    assert family("Outcome", {"id": kid}).result() == "echo"
    again = family("Outcome", {"id": kid})
    assert again.result() == "echo"
    for policy in ("allow_duplicate_failed_only", "reject_duplicate"):
        refused = family("Outcome", {"id": kid, "id_reuse": policy})
        assert refused.result() == f"already started: {kid}"
        [initiated] = refused.events("StartChildWorkflowExecutionInitiated")
        assert initiated.workflow_id_reuse_policy == getattr(Reuse, f"WORKFLOW_ID_REUSE_POLICY_{policy.upper()}")
    assert family("Outcome", {"id": kid, "what": "fail"}).result() == "Bad: no bread"
    retried = family("Outcome", {"id": kid, "id_reuse": "allow_duplicate_failed_only"})
    assert retried.result() == "echo"
    assert replays("families", again) and replays("families", retried)


def test_X023_X025_a_hundred_children_in_one_task(family):
    run = family("ManyKids", 100)
    assert run.result() == sum(range(100))
    initiated = run.events("StartChildWorkflowExecutionInitiated")
    assert len({child.workflow_id for child in initiated}) == 100
    assert len({child.workflow_task_completed_event_id for child in initiated}) == 1
    assert replays("families", run)


def test_N012_a_reset_run_draws_anew_and_gets_its_child_back(server, family, queue):
    run = family("Resettable", f"{queue}-kid")
    run.wait_for_event("ChildWorkflowExecutionStarted")
    wait_until("the child's start was processed", lambda: run.answered_tasks() == 2)
    run.signal("go")
    run.wait_for_event("TimerFired")
    wait_until("the timer was processed", lambda: run.answered_tasks() == 4)
    after_start = run.whole_events("WorkflowTaskCompleted")[1].event_id
    again = run.reset(after_start)
    kid_of(server, f"{queue}-kid").signal("go", "home")
    first, second, result = again.result()
    assert result == "home"
    assert again.events("WorkflowTaskFailed")[0].new_run_id == again.run_id
    assert replays("families", again)
