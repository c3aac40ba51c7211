# SPDX-License-Identifier: MIT
"""Workflow code that asks the world fails its task: a replay would have other answers."""

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause as Cause

from harness.scrape import Scraper
from harness.waiting import wait_until
from harness.worker import module

CALLS = {"time": "time()", "clock": "clock_gettime()", "rand": "rand()", "random_device": "std::random_device()",
         "sleep": "nanosleep()", "file": "fopen()", "thread": "pthread_create()"}
WORKFLOWS = ("--children", "0", "--workflows-only")


@pytest.mark.parametrize("what", CALLS)
def test_a_workflow_that_asks_the_world_fails_its_task_by_name_and_stack(server, start, queue, what):
    worker = start("impure", *WORKFLOWS, "--metrics", "127.0.0.1:0")
    run = server.start("Impure", what, queue=queue)
    failed = run.wait_for_event("WorkflowTaskFailed")
    assert failed.cause == Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
    assert f"called {CALLS[what]}" in failed.failure.message
    assert "ask_the_world" in failed.failure.stack_trace and "impure.cpp" in failed.failure.stack_trace
    # What it would have completed with is not sent.
    assert not run.events("WorkflowExecutionCompleted")
    # One for each attempt: there may have been a second meanwhile.
    assert Scraper(worker).value("temporal_supervisor_determinism_violations", call=CALLS[what][:-2]) >= 1
    run.terminate()


def test_what_is_allowed_passes_and_so_does_everything_when_the_guard_is_off(server, start, queue):
    start("impure", *WORKFLOWS)
    assert [server.start("Allowed", what, queue=queue).result() for what in CALLS] == [True] * len(CALLS)
    worker = start("impure", *WORKFLOWS, "--determinism-guard", "off", queue=queue + " off")
    for what in CALLS:
        server.start("Impure", what, queue=queue + " off").result()
    assert not worker.errors()


def test_the_guard_may_only_log(server, start, queue):
    worker = start("impure", *WORKFLOWS, "--determinism-guard", "log")
    run = server.start("Impure", "rand", queue=queue)
    run.result()
    # Written before the answer, and read by the harness in its own time.
    wait_until("the line is read", lambda: any(e.get("call") == "rand" for e in worker.events))
    line, = [e for e in worker.events if e.get("call") == "rand"]
    assert line["level"] == "warn" and line["workflow_id"] == run.id
    assert "ask_the_world" in str(line["stack"])


def test_what_the_worker_itself_does_meanwhile_is_not_the_workflows(server, start, queue):
    """It says that a metric was refused, and asks who may activate patches."""
    worker = start("impure", *WORKFLOWS)
    assert server.start("Mismeasures", queue=queue).result() is True
    assert any("metric of user code was refused" in str(e.get("message")) for e in worker.events)
    assert server.start("Patched", queue=queue).result() is True
    assert not worker.errors()


def test_an_allocator_that_looks_at_the_clock_is_not_the_workflows(server, start, queue):
    worker = start("impure", *WORKFLOWS, environment={"LD_PRELOAD": str(module("ticking_malloc"))})
    assert server.start("Allocates", queue=queue).result() is True
    run = server.start("Impure", "clock", queue=queue)
    assert "called clock_gettime()" in run.wait_for_event("WorkflowTaskFailed").failure.message
    assert len(worker.logged("polling")) == 1
    run.terminate()


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_L020_in_debug_mode_nobody_minds_a_workflow_that_stands_still_or_asks_the_clock(server, start, queue, how):
    flags = ["--debug"] if how == "flag" else []
    environment = {"TEMPORAL_DEBUG": "1"} if how == "variable" else {}
    worker = start("impure", *WORKFLOWS, "--deadlock-timeout", "300ms", *flags, environment=environment)
    assert any("debug mode" in str(e.get("message")) for e in worker.events)
    assert server.start("Holds", 1500, queue=queue).result()
    server.start("Impure", "time", queue=queue).result()
    assert not worker.errors()


def test_without_it_a_workflow_that_stands_still_is_given_up(server, start, queue):
    start("impure", *WORKFLOWS, "--deadlock-timeout", "300ms")
    run = server.start("Holds", 1500, queue=queue)
    assert "[TMPRL1101]" in run.wait_for_event("WorkflowTaskFailed").failure.message
    run.terminate()
