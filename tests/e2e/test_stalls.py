# SPDX-License-Identifier: MIT
"""A coroutine that blocks its loop is named while it does; nothing else waits for it."""


def test_a_coroutine_that_blocks_its_loop_is_named_while_it_is_stuck(server, start, queue):
    worker = start("homes", "activities", "workflows", "--children", "2")
    hog = server.call("hog_the_loop", 5_000, queue=queue)
    line = wait_for_stall(worker)
    assert hog.pending(), "it was named only when it was over"
    assert line["activity_type"] == "hog_the_loop" and line["workflow_id"] == hog.id
    assert "spin_for" in str(line["stack"]) or "hog_the_loop" in str(line["stack"])
    # Polls, workflow tasks and children go on meanwhile.
    assert server.call("say_hello", "World", queue=queue).result() == "Hello, World!"
    assert hog.pending()
    assert hog.result() == 5_000


def test_with_two_loops_other_coroutines_go_on(server, start, queue):
    worker = start("homes", "workflows", "--children", "1", "--loop-threads", "2")
    hog = server.call("hog_the_loop", 5_000, queue=queue)
    wait_for_stall(worker)
    assert server.call("greet_later", "Ada", queue=queue).result() == "Welcome, Ada, number 1"
    assert hog.pending()
    assert hog.result() == 5_000


def test_what_is_put_on_a_thread_blocks_no_loop(server, start, queue):
    worker = start("homes", "workflows", "--children", "1")
    assert server.call("spare_the_loop", 500, queue=queue).result() == 500
    assert not [e for e in worker.events if e.get("loop") == "loop-0" and "stuck" in e.get("message", "")]


def wait_for_stall(worker):
    with worker.news:
        worker.news.wait_for(lambda: worker.over or stalls(worker), timeout=60)
        return stalls(worker)[0]


def stalls(worker):
    return [e for e in worker.events if e.get("loop") == "loop-0"]
