# SPDX-License-Identifier: MIT
"""A workflow that crashes the worker costs one crash, not one after the other. The test is the service manager: it starts
the worker again."""

import datetime
import signal

import pytest

from harness.waiting import wait_until

WORKFLOWS = ("--children", "0", "--workflows-only")


@pytest.fixture
def pages(tmp_path):
    return tmp_path / "state/pages"


def poison(server, queue, how, seconds=60):
    """`seconds`: of the task's timeout. The shorter it is, the sooner the server asks again; the longer, the more time has
    the next worker to fail the task that crashed this one."""
    return server.start("Poison", how, queue=queue, task_timeout=datetime.timedelta(seconds=seconds))


def failed(run):
    return run.wait_for_event("WorkflowTaskFailed").failure


def test_a_workflow_that_aborts_fails_with_its_stack_and_50_others_complete(server, start, queue, pages):
    flags = (*WORKFLOWS, "--crash-pages", str(pages))
    crashed = start("poison", *flags)
    healthy = [server.start("Healthy", number, queue=queue) for number in range(25)]
    run = poison(server, queue, "abort")
    assert crashed.ended() == -signal.SIGABRT
    healthy += [server.start("Healthy", number, queue=queue) for number in range(25, 50)]

    worker = start("poison", *flags)
    failure = failed(run)
    assert failure.application_failure_info.type == "WorkerCrashed"
    assert "crashed the worker 1 time, by SIGABRT" in failure.message
    assert "blow_up" in failure.stack_trace and "blow_up" in failure.message
    assert [h.result() for h in healthy] == list(range(50))
    assert worker.process.poll() is None
    assert not run.events("WorkflowExecutionCompleted")
    run.terminate()


@pytest.mark.parametrize("how, where", [("segv", "blow_up"), ("overflow", "dig")])
def test_other_ways_to_crash_are_told_as_well(server, start, queue, pages, how, where):
    flags = (*WORKFLOWS, "--crash-pages", str(pages))
    crashed = start("poison", *flags)
    run = poison(server, queue, how)
    assert crashed.ended() == -signal.SIGSEGV
    start("poison", *flags)
    failure = failed(run)
    assert ("(stack overflow)" in failure.message) == (how == "overflow")
    assert "SIGSEGV" in failure.message and where in failure.stack_trace
    run.terminate()


def test_it_is_tried_again_after_10_s_and_then_after_20(server, start, queue, pages):
    flags = (*WORKFLOWS, "--crash-pages", str(pages))
    crashed = start("poison", *flags)
    run = poison(server, queue, "abort", seconds=1)
    assert crashed.ended() == -signal.SIGABRT
    first, = pages.iterdir()
    again = start("poison", *flags)
    assert again.ended() == -signal.SIGABRT
    times = sorted(page.stat().st_mtime for page in pages.iterdir())
    assert len(times) == 2 and first in pages.iterdir()
    assert times[1] - times[0] > 9
    third = start("poison", *flags)
    line = third.wait_for("a workflow's code crashed this worker before; its task fails",
                          run_id=run.handle.first_execution_run_id)
    assert "crashed the worker 2 times" in line["failure"]
    run.terminate()


def test_corrected_code_is_tried_at_once(server, start, queue, pages):
    flags = (*WORKFLOWS, "--crash-pages", str(pages))
    crashed = start("poison", *flags)
    run = poison(server, queue, "abort", seconds=1)
    assert crashed.ended() == -signal.SIGABRT
    mended = start("poison_mended", *flags)
    assert run.result() == "abort survived"
    assert not run.events("WorkflowTaskFailed") and not mended.errors()


def test_without_pages_nothing_is_kept(server, start, queue, pages):
    crashed = start("poison", *WORKFLOWS, "--crash-pages", "off")
    run = poison(server, queue, "abort")
    assert crashed.ended() == -signal.SIGABRT
    run.terminate()
    assert not pages.exists()


def test_a_worker_of_another_queue_leaves_the_pages_alone(server, start, queue, pages):
    flags = (*WORKFLOWS, "--crash-pages", str(pages))
    crashed = start("poison", *flags)
    run = poison(server, queue, "abort")
    assert crashed.ended() == -signal.SIGABRT
    other = start("poison", *flags, queue=queue + " elsewhere")
    unharmed = server.start("Healthy", 1, queue=queue + " elsewhere")
    assert unharmed.result() == 1
    assert len(list(pages.iterdir())) == 1 and not other.errors()
    worker = start("poison", *flags)
    assert "blow_up" in failed(run).stack_trace
    wait_until("both go on", lambda: worker.process.poll() is None and other.process.poll() is None)
    run.terminate()
