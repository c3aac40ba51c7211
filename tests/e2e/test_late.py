# SPDX-License-Identifier: MIT
"""What arrives while something else is on its way."""

import pytest
from harness.replaying import replays
from harness.scrape import Scraper
from harness.server import Run
from temporalio.common import Priority


def test_G004_G008_a_signal_beside_the_ending_is_heard_before_the_workflow_ends(server, start, queue, folder):
    worker = start("late")
    run = server.start("Ends", str(folder / "until"), queue=queue)
    run.signal("go")
    worker.wait_for("ending")
    run.signal("poke")
    run.signal("late")
    (folder / "until").touch()
    assert run.result() == [1, 1]
    assert replays("late", run)


def test_B031_priority_goes_to_activity_child_and_next_run_and_can_be_chosen(server, start, queue):
    start("late")
    run = server.start("Ranked", 0, queue=queue, priority=Priority(priority_key=2))
    assert run.result()[1] == 5
    [own, chosen] = [scheduled.priority.priority_key for scheduled in run.events("ActivityTaskScheduled")]
    assert (own, chosen) == (0, 5)  # none of its own: the server takes the workflow's
    children = [Run(server, server.client.get_workflow_handle(initiated.workflow_id))
                for initiated in run.events("StartChildWorkflowExecutionInitiated")]
    begun = [child.events("WorkflowExecutionStarted")[0] for child in children]
    assert [start.priority.priority_key for start in begun] == [2, 4, 2]
    assert [bool(start.continued_execution_run_id) for start in begun] == [False, False, True]
    assert replays("late", run)


@pytest.mark.alone
def test_L019_more_stuck_runs_than_threads_leave_room_for_others_and_are_counted_until_they_return(server, start, queue):
    worker = start("late", "--workflow-threads", "1", "--deadlock-timeout", "300ms", "--metrics", "127.0.0.1:0")
    scraper = Scraper(worker)
    stuck = [server.start("Holds", queue=queue) for _ in range(3)]
    for run in stuck:
        run.wait_for_event("WorkflowTaskFailed")
        run.terminate()
    assert scraper.value("temporal_supervisor_leaked_workflow_threads") >= 3
    assert server.start("Ranked", 2, queue=queue).result() == [0]
    server.start("Frees", queue=queue).result()
    scraper.wait_for_value(0, "temporal_supervisor_leaked_workflow_threads")
    held = server.start("Holds", queue=queue)
    held.wait_for_event("WorkflowTaskFailed")
    held.terminate()
    worker.stop()
