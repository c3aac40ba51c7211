# SPDX-License-Identifier: MIT
"""Runs that stay in memory between their tasks, and what becomes of those that do not."""

import signal
import time

from harness.replaying import replays
from harness.scrape import Scraper
from harness.waiting import wait_until


def post(run, letter):
    """A signal that has a workflow task of its own."""
    before = run.answered_tasks()
    run.signal("post", letter)
    wait_until("the signal's task is answered", lambda: run.answered_tasks() > before)


def mailbox(server, queue):
    run = server.start("Mailbox", queue=queue)
    wait_until("its first task is answered", run.answered_tasks)
    return run


def test_R008_the_tasks_of_a_run_bring_the_news_only_and_replay_nothing(server, start, queue):
    worker = start("workflows", "--children", "0")
    run = mailbox(server, queue)
    for letter in "abc":
        post(run, letter)
    assert worker.state()["cached_workflows"] == 1
    run.signal("close")
    assert run.result() == ["a", "b", "c"]
    state = worker.state()
    assert (state["cache_hits"], state["cache_misses"], state["cache_evictions"]) == (4, 0, 0)
    assert state["cached_workflows"] == 0
    assert len(run.task_queues()) == 4 and len(set(run.task_queues())) == 1
    assert replays("workflows", run)


def test_T_09_each_start_has_a_sticky_queue_of_its_own(server, start, queue):
    names = set()
    for _ in range(2):
        worker = start("workflows", "--children", "0")
        run = mailbox(server, queue)
        post(run, "a")
        names |= set(run.task_queues())
        run.terminate()
        worker.stop()
    assert len(names) == 2


def test_R010_without_a_cache_every_task_replays_its_run(server, start, queue):
    worker = start("workflows", "--children", "0", "--max-cached-workflows", "0", "--max-concurrent-workflow-tasks", "1")
    run = mailbox(server, queue)
    for letter in "ab":
        post(run, letter)
    run.signal("close")
    assert run.result() == ["a", "b"]
    assert run.task_queues() == []
    state = worker.state()
    assert [state[k] for k in ("cached_workflows", "cache_hits", "cache_misses", "cache_evictions")] == [0] * 4
    assert replays("workflows", run)


def test_R010_with_room_for_one_run_two_take_turns_and_both_come_to_their_end(server, start, queue):
    worker = start("workflows", "--children", "0", "--max-cached-workflows", "1")
    runs = [mailbox(server, queue) for _ in range(2)]
    for letter in "abc":
        for run in runs:
            post(run, letter)
    assert worker.state()["cached_workflows"] == 1
    for run in runs:
        run.signal("close")
        assert run.result() == ["a", "b", "c"]
    state = worker.state()
    assert state["cache_misses"] >= 6 and state["cache_evictions"] >= 6
    assert not worker.errors()
    assert replays("workflows", *runs)


def test_R009_the_runs_of_a_killed_worker_are_taken_over_after_the_sticky_timeout(server, start, queue):
    killed = start("workflows", "--children", "0", "--sticky-timeout", "1s")
    runs = [mailbox(server, queue) for _ in range(20)]
    for run in runs:
        post(run, "a")
    killed.kill()
    heir = start("workflows", "--children", "0")
    for run in runs:
        run.signal("post", "b")
        run.signal("close")
    assert [run.result() for run in runs] == [["a", "b"]] * 20
    # They had waited for the one that had them in memory.
    assert any(run.events("WorkflowTaskTimedOut") for run in runs)
    assert not heir.errors()
    assert replays("workflows", *runs)


def test_K003_the_runs_of_a_stopped_worker_are_taken_over_at_once(server, start, queue):
    stopped = start("workflows", "--children", "0", "--sticky-timeout", "1h")
    runs = [mailbox(server, queue) for _ in range(20)]
    for run in runs:
        post(run, "a")
    assert stopped.state()["cached_workflows"] == 20
    stopped.stop()
    heir = start("workflows", "--children", "0")
    for run in runs:
        run.signal("close")
    assert [run.result() for run in runs] == [["a"]] * 20
    assert not any(run.events("WorkflowTaskTimedOut") for run in runs)
    assert not heir.errors()
    assert replays("workflows", *runs)


def test_Y002_300_workflows_with_room_for_10_all_complete_and_replay(server, start, queue):
    worker = start("activities", "workflows", "--children", "2", "--max-cached-workflows", "10")
    runs = [server.start("Mailbox", queue=queue) for _ in range(300)]
    for letter in ("post", "a"), ("close",):
        for run in runs:
            run.signal(*letter)
    assert [run.result() for run in runs] == [["a"]] * 300
    state = worker.state()
    assert state["cache_evictions"] > 0 and state["cached_workflows"] <= 10
    assert not worker.errors()
    assert replays("workflows", *runs)


def test_two_workers_of_one_queue_keep_their_runs_apart(server, start, queue):
    workers = [start("workflows", "--children", "0") for _ in range(2)]
    runs = [mailbox(server, queue) for _ in range(20)]
    for letter in "ab":
        for run in runs:
            run.signal("post", letter)
    for run in runs:
        run.signal("close")
    assert [run.result() for run in runs] == [["a", "b"]] * 20
    assert sum(w.state()["cache_misses"] for w in workers) == 0
    assert replays("workflows", *runs)


def test_R024_the_runs_kept_are_bounded_by_their_bytes_and_give_them_back(server, start, queue):
    worker = start("workflows", "--children", "0", "--max-cache-bytes", "256K", "--metrics", "127.0.0.1:0")
    runs = [server.start("Mailbox", queue=queue) for _ in range(100)]
    for run in runs:
        wait_until("its first task is answered", run.answered_tasks)
    state = worker.state()
    assert 0 < state["cached_workflows"] < 100
    assert state["cached_bytes"] <= 256 * 1024
    assert state["cache_evictions"] >= 100 - state["cached_workflows"]
    scraper = Scraper(worker)
    scraper.wait_for_value(state["cached_bytes"], "temporal_supervisor_cache_bytes")
    scraper.wait_for_value(state["cached_workflows"], "temporal_sticky_cache_size")
    scraper.wait_for_value(state["cache_evictions"], "temporal_sticky_cache_total_forced_eviction")
    for run in runs:
        run.signal("post", "a")
        run.signal("close")
    assert [run.result() for run in runs] == [["a"]] * 100
    state = worker.state()
    assert (state["cached_workflows"], state["cached_bytes"]) == (0, 0)
    assert scraper.value("temporal_sticky_cache_hit") == state["cache_hits"] > 0
    assert scraper.value("temporal_sticky_cache_miss") == state["cache_misses"] > 0
    assert not worker.errors()


def test_a_walk_of_200_steps_that_is_forgotten_at_every_await_ends_like_one_that_is_kept(server, start, queue):
    forgotten = start("eager", "--activity-executor", "threads", "--max-cached-workflows", "0")
    run = server.start("Walk", 200, queue=queue)
    assert run.result() == "200 steps"
    assert run.answered_tasks() >= 200
    assert forgotten.state()["cache_hits"] == 0
    assert not run.events("WorkflowTaskFailed")
    assert replays("eager", run)


def test_a_worker_that_stood_still_for_a_minute_goes_on_where_it_was(server, start, queue):
    worker = start("locals", "--children", "1")
    local = server.start("Long", 2_000, queue=queue)
    waits = server.start("Raced", 60_000, 3_000, queue=queue)
    worker.wait_for("a slow one begins")
    worker.signal(signal.SIGSTOP)
    time.sleep(60)  # nothing to wait for: the point is that nothing happens
    worker.signal(signal.SIGCONT)
    assert local.result() == "done, 0 pokes"
    assert waits.result() == "timer"
    for run in (local, waits):
        assert not run.events("WorkflowTaskFailed")  # nobody took the minute for a deadlock
        assert replays("locals", run)
