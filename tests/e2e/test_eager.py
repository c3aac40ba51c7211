# SPDX-License-Identifier: MIT
"""Activities that come with the answer of a workflow task instead of a poll."""

import pytest
from harness.scrape import Scraper
from harness.server import Run


@pytest.fixture
def eager(server, start, queue):
    """Runs `Fan` with so many activities; returns how many came without a poll, and how many by one."""
    def run(count, *flags):
        worker = start("eager", "--activity-executor", "threads", "--metrics", "127.0.0.1:0", *flags)
        scraper = Scraper(worker)
        fan = server.start("Fan", count, queue=queue)
        assert fan.result() == count
        assert len(fan.events("ActivityTaskCompleted")) == count
        came = [int(scraper.value("temporal_activity_task_received", activity_type="one", eager=label) or 0)
                for label in ("true", "false")]
        assert sum(came) == count
        worker.stop()
        return came

    return run


def test_V019_as_many_start_at_once_as_there_are_free_places(eager):
    without_poll, by_poll = eager(30)
    assert without_poll == 30 and by_poll == 0


def test_V019_never_more_than_there_are_places(eager):
    without_poll, by_poll = eager(12, "--max-concurrent-activities", "8", "--activity-pollers", "2")
    assert without_poll <= 6 and by_poll >= 6


def test_V019_polls_leave_a_child_for_what_comes_without_one(server, start, queue):
    worker = start("eager", "--children", "2", "--metrics", "127.0.0.1:0")
    scraper = Scraper(worker)
    for _ in range(10):
        assert server.start("Fan", 1, queue=queue).result() == 1
    assert scraper.value("temporal_activity_task_received", activity_type="one", eager="true") == 10


def test_V019_a_number_bounds_them_and_zero_switches_them_off(eager):
    assert eager(9, "--max-eager-activities", "3")[0] == 3
    assert eager(9, "--max-eager-activities", "0")[0] == 0


def test_V019_a_call_or_a_limit_of_the_queue_switches_them_off(server, start, queue):
    worker = start("eager", "--activity-executor", "threads", "--metrics", "127.0.0.1:0")
    scraper = Scraper(worker)
    assert server.start("Patient", queue=queue).result() == 1
    assert not scraper.value("temporal_activity_task_received", eager="true")
    worker.stop()
    limited = start("eager", "--activity-executor", "threads", "--metrics", "127.0.0.1:0",
                    "--task-queue-activities-per-second", "1000")
    scraper = Scraper(limited)
    assert server.start("Fan", 5, queue=queue).result() == 5
    assert not scraper.value("temporal_activity_task_received", eager="true")


def test_V020_a_worker_without_remote_activities_asks_for_none(server, start, queue):
    start("eager", "--workflows-only")
    fan = server.start("Fan", 3, queue=queue)
    fan.wait_for_event("ActivityTaskScheduled")
    other = start("eager", "--activities-only", "--activity-executor", "threads", "--metrics", "127.0.0.1:0")
    scraper = Scraper(other)
    assert fan.result() == 3
    assert scraper.value("temporal_activity_task_received", eager="false") == 3


@pytest.fixture
def started(server, start, queue):
    """Has an activity start a workflow; how that was started."""
    def begin(into, *flags):
        start("eager", "--activity-executor", "threads", *flags)
        assert server.start("Starts", f"{queue}-started", into, queue=queue).result() == 1
        run = Run(server, server.client.get_workflow_handle(f"{queue}-started"))
        return run.events("WorkflowExecutionStarted")[0]

    return begin


def test_B002_who_starts_a_workflow_beside_its_worker_gets_the_first_task_with_the_answer(started, queue):
    assert started(queue).eager_execution_accepted


def test_B003_on_another_queue_it_is_an_ordinary_start(started, start, queue):
    start("eager", "--activity-executor", "threads", queue=f"{queue}-other")
    assert not started(f"{queue}-other").eager_execution_accepted
