# SPDX-License-Identifier: MIT
"""Groups of children: queues that do not wait for each other, served by one process."""

import contextlib
from collections import Counter

from temporalio.service import RPCError


def test_AX13_tasks_of_one_groups_queue_do_not_delay_anothers(server, start, queue):
    slow = f"{queue}-slow"
    worker = start("activities", "workflows", "--children", "2", "--group", f"slow=1,queue={slow}")
    naps = [server.call("nap", 1_000, queue=queue, how={"task_queue": slow}) for _ in range(20)]
    for run in naps:
        run.wait_for_event("ActivityTaskScheduled")
    pids = server.start_in_background(40, "Call", "own_pid", {}, queue=queue, at_a_time=10).result(30)
    assert len(Counter(pids)) <= 2
    # They would have had to wait for 20 s.
    assert any(run.events("ActivityTaskCompleted") == [] for run in naps)
    lines = {line["task_queue"]: line for line in worker.logged("polling")}
    assert lines[queue]["children"] == 2
    assert lines[slow]["children"] == 1
    assert lines[slow]["workflows"] == 0
    for run in naps:
        with contextlib.suppress(RPCError):  # the first are over
            run.terminate()


def test_AX13_a_group_without_a_queue_of_its_own_is_refused_at_the_start(start, queue):
    for group, why in [("gpu=2", "no task queue of its own"), (f"gpu=2,queue={queue}", "is served already")]:
        worker = start("activities", "workflows", "--group", group, wait=False)
        assert worker.ended() == 2
        assert any(why in line for line in worker.errors())
