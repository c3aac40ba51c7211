# SPDX-License-Identifier: MIT
import pytest
from harness import processes
from harness.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.alone


def test_300_workflows_50_at_a_time_all_complete_and_nothing_grows(server, start, queue):
    worker = start("hello", "--children", "4")
    server.start_many(20, "SayHello", "warm-up", queue=queue, at_a_time=10)
    before = worker.counts()
    results = server.start_many(300, "SayHello", "World", queue=queue, at_a_time=50)
    assert results == ["Hello, World!"] * 300
    wait_until(f"descriptors, threads and processes are {before} again", lambda: worker.counts() == before)


def test_four_children_hold_four_tasks_at_the_same_time(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "4")
    meeting = {"folder": str(folder), "count": 4}
    runs = [server.call("meet", meeting, queue=queue) for _ in range(4)]
    pids = {run.result() for run in runs}
    assert len(pids) == 4
    assert pids <= worker.processes()


def test_F012_more_places_than_children_are_warned_of_once_and_no_task_is_taken_that_cannot_start(
        server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "2", "--max-concurrent-activities", "10")
    # An attempt that is taken and waits for a child would miss its heartbeats meanwhile.
    runs = [server.call("hold", str(folder), queue=queue, how={"heartbeat_ms": 1_000}) for _ in range(5)]
    wait_until("two run", lambda: len(list(folder.iterdir())) == 2)
    wait_until("all are asked for", lambda: all(run.pending() for run in runs))
    assert sum(run.pending()[0].HasField("last_started_time") for run in runs) == 2
    (folder / "release").touch()
    assert [run.result() for run in runs] == ["released in attempt 1"] * 5
    [warning] = worker.logged("--max-concurrent-activities asks for more than there are children: no task is taken that "
                              "could not start; raise --children, or --children-max, to run more at once")
    assert (warning["level"], warning["max_concurrent_activities"], warning["children"]) == ("warn", 10, 2)


def test_V021_parallel_activities_of_one_workflow_come_back_in_order(server, start, queue):
    start("activities", "workflows", "--children", "2")
    run = server.start("Fan", 20, queue=queue)
    assert run.result() == [f"Hello, {i}!" for i in range(20)]


def test_children_of_this_worker_hold_no_socket_to_the_server(server, start, queue):
    worker = start("hello", "--children", "2")
    server.start("SayHello", "World", queue=queue).result()
    assert processes.tcp_sockets(worker.pid)  # the means by which this looks are not blind
    assert not any(map(processes.tcp_sockets, worker.processes()))


def test_a_history_of_many_pages_is_read_to_its_end(server, start, queue):
    """The server hands out some hundred events at a time."""
    worker = start("activities", "workflows", "--children", "2")
    run = server.start("Fan", 200, queue=queue)
    assert run.result() == [f"Hello, {i}!" for i in range(200)]
    assert len(run.history()) > 600
    assert not worker.errors()


def test_G006_signals_are_kept_in_order_whatever_task_they_meet(server, start, queue):
    worker = start("workflows", "--children", "0")
    run = server.start("Mailbox", queue=queue)
    for i in range(1_000):
        run.signal("post", str(i))
    run.signal("close")
    assert run.result() == [str(i) for i in range(1_000)]
    assert not worker.errors()


def test_workers_that_come_and_go_under_load_lose_nothing(server, start, queue):
    stays = start("hello", "--children", "2")
    load = server.start_in_background(120, "SayHello", "World", queue=queue, at_a_time=10)
    for _ in range(2):
        goes = start("hello", "--children", "2")
        goes.wait_for("an activity runs in a child")
        goes.stop()
    assert load.result(PATIENCE) == ["Hello, World!"] * 120
    assert not stays.errors()
