# SPDX-License-Identifier: MIT
from harness import processes
from harness.waiting import wait_until


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


def test_parallel_activities_of_one_workflow_come_back_in_order(server, start, queue):
    start("activities", "workflows", "--children", "2")
    run = server.start("Fan", 20, queue=queue)
    assert run.result() == [f"Hello, {i}!" for i in range(20)]


def test_children_of_this_worker_hold_no_socket_to_the_server(server, start, queue):
    worker = start("hello", "--children", "2")
    server.start("SayHello", "World", queue=queue).result()
    assert processes.tcp_sockets(worker.pid)  # the means by which this looks are not blind
    assert not any(map(processes.tcp_sockets, worker.processes()))
