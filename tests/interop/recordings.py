# SPDX-License-Identifier: MIT
"""What this build records anew, on a real server, for both replayers."""

import pathlib
import tempfile
import uuid
from datetime import timedelta

from temporalio.client import WorkflowFailureError


def errand(server):
    run = server.start("Errand", "World", queue="errand")
    run.signal("visit", "TypeScript")
    assert run.result() == "Hello, World! Hello, TypeScript!"
    return run


def ledger(server):
    """Updates that answer at once, after an activity, after a timer; one that fails and one that is turned down."""
    run = server.start("Ledger", queue="talks")
    assert run.update("add_now", 1) == 1
    assert run.update("add", 10) == 11
    assert run.refused_update("add", -5).message == "no negative numbers"
    run.update("add_later", 100)
    assert run.refused_update("refuse").message == "not today"
    assert run.query("total") == 111
    run.signal("close")
    assert run.result() == 111
    return run


def shielded(server):
    """Its activity ends after the cancellation."""
    run = server.start("Shielded", queue="talks")
    with tempfile.TemporaryDirectory() as folder:
        paid = pathlib.Path(folder) / "paid"
        run.signal("pay", str(paid))
        run.wait_for_event("ActivityTaskScheduled")
        run.cancel()
        run.wait_for_event("TimerCanceled")
        paid.touch()
        assert run.result() == "paid"
    return run


def undisturbed(workflow, *arguments, result, queue):
    """Recorded from its start to its result, and nobody talks to it."""
    def record(server):
        run = server.start(workflow, *arguments, queue=queue)
        assert run.result() == result
        return run

    return record


def dropped(how):
    """Its remote activity is cancelled in that way."""
    def record(server):
        run = server.start("Drops", how, queue="talks")
        run.wait_for_event("ActivityTaskScheduled")
        run.signal("stop")
        assert run.result() == "dropped"
        return run

    return record


def cancelled_locally(how):
    """Its local activity is cancelled in that way, in a renewed task."""
    def record(server):
        run = server.start("Cancels", how, queue="locals", task_timeout=timedelta(seconds=1))
        run.wait_for_event("WorkflowTaskStarted")
        run.signal("stop")
        run.result()
        return run

    return record


def long(server):
    """A signal and an update come while its local activity runs and its task is renewed."""
    run = server.start("Long", 3_000, queue="locals", task_timeout=timedelta(seconds=1))
    run.wait_for_event("WorkflowTaskStarted")
    run.signal("poke")
    run.update("add", 10)
    assert run.result() == "done, 11 pokes"
    return run


def kid():
    return {"id": f"kid-{uuid.uuid4().hex[:8]}"}


def failing_kid(server):
    run = server.start("Execute", kid() | {"what": "fail"}, queue="families")
    try:
        run.result()
    except WorkflowFailureError:
        return run
    raise AssertionError("it did not fail")


def cancelled_kid(way, asked=True):
    def record(server):
        plan = kid() | {"what": "linger", "on_cancel": way, "parent_close": "abandon"}
        run = server.start("CancelKid", plan, False, queue="families")
        run.wait_for_event("ExternalWorkflowExecutionCancelRequested" if asked else "ChildWorkflowExecutionStarted")
        run.signal("leave")
        assert run.result() == ("lingered" if way == "wait_completed" else "cancelled")
        return run

    return record


def reaching_another(workflow, word, result):
    """The other one waits."""
    def record(server):
        other = server.start("Kid", "wait", queue="families")
        run = server.start(workflow, other.id, word, queue="families")
        assert run.result() == result
        return run

    return record


# What is recorded: by which module, which replays it, and how.
RECORDINGS = {
    "hello": ("hello", undisturbed("SayHello", "World", result="Hello, World!", queue="hello")),
    "errand": ("errand", errand),
    "ledger": ("talks", ledger),
    "in_time": ("talks", undisturbed("InTime", "World", result="Hello, World!", queue="talks")),
    "too_late": ("talks", undisturbed("TooLate", result="late", queue="talks")),
    "race": ("talks", undisturbed("Race", "World", result="Hello, World!", queue="talks")),
    "shielded": ("talks", shielded),
    "household": ("household", undisturbed(
        "Household", "smith", result="ate bread, none for the second, no third at all", queue="household")),
    "activity_try_cancel": ("talks", dropped("try")),
    "activity_wait_completed": ("talks", dropped("wait")),
    "activity_abandon": ("talks", dropped("abandon")),
    "local_kinds": ("locals", undisturbed("Kinds", result="side by side none4", queue="locals")),
    "local_before_timer": ("locals", undisturbed("Raced", 1, 60_000, result="activity", queue="locals")),
    "local_after_timer": ("locals", undisturbed("Raced", 60_000, 1, result="timer", queue="locals")),
    "local_retried": ("locals", undisturbed("Flaky", 3, 60_000, result=3, queue="locals")),
    "local_retried_by_timer": ("locals", undisturbed("Flaky", 3, 1, result=3, queue="locals")),
    "local_failure": ("locals", undisturbed("Fails", "refuses", result="retry state 2: never", queue="locals")),
    "local_renewed": ("locals", long),
    "local_try_cancel": ("locals", cancelled_locally("try")),
    "local_wait_completed": ("locals", cancelled_locally("wait")),
    "local_abandon": ("locals", cancelled_locally("abandon")),
    "child_executed": ("families", undisturbed("Execute", kid(), result="echo", queue="families")),
    "child_failure": ("families", failing_kid),
    "child_wait_completed": ("families", cancelled_kid("wait_completed")),
    "child_try_cancel": ("families", cancelled_kid("try_cancel")),
    "child_abandon": ("families", cancelled_kid("abandon", asked=False)),
    "child_signalled": ("families", undisturbed("SignalKid", kid(), result="early late", queue="families")),
    "other_signalled": ("families", reaching_another("SignalOther", "hello", "signalled")),
    "other_cancelled": ("families", reaching_another("CancelOther", "enough", "asked")),
}
MODULES = {name: module for name, (module, _) in RECORDINGS.items()}
