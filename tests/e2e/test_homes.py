# SPDX-License-Identifier: MIT
"""What is particular to a home: its objects and hooks, what coroutines hand over, how it goes down."""

import errno
import os
import signal

import pytest
from harness import python_worker
from harness.cases import beaten
from harness.waiting import wait_until

HOMES = ["children", "threads"]


@pytest.fixture(params=HOMES)
def home(request):
    """Where plain functions run."""
    return request.param


@pytest.fixture
def worker(start, home):
    return start("homes", "activities", "workflows", "--children", "2", "--activity-executor", home)


def test_F017_a_plain_function_runs_where_the_worker_puts_it(server, worker, home, queue):
    pid = server.call("own_pid", queue=queue).result()
    assert (pid == worker.pid) == (home == "threads")


def test_a_method_is_called_on_the_object_of_its_process(server, worker, queue):
    for number in (1, 2):
        assert server.call("greet_on_a_thread", "Ada", queue=queue).result() == f"Welcome, Ada, number {number}"
    assert server.call("greet", "Ada", queue=queue).result().startswith("Welcome, Ada, number ")
    assert server.call("greet_later", "Ada", queue=queue).result().startswith("Welcome, Ada, number ")


def test_hooks_run_in_the_zygote_and_in_each_child(server, start, queue):
    start("homes", "workflows", "--children", "1")
    assert server.call("where_hooks_ran", queue=queue).result() == "as promised"


@pytest.mark.parametrize("activity", ["shield_a_section", "shield_a_section_later"])
def test_F020_a_section_that_is_shielded_ends_before_the_cancellation_is_seen(server, worker, queue, activity):
    run = server.start("CancelActivity", activity, "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: 10 steps after it"


def test_E019_a_coroutine_has_the_workers_client(server, worker, queue):
    assert server.call("ask_the_mailbox", queue=queue).result() == ["a letter"]


def test_E019_elsewhere_there_is_no_client_and_it_says_why(server, worker, queue):
    run = server.call("start_in_child", queue=queue, how={"attempts": 1})
    run.failure()
    message = run.events("ActivityTaskFailed")[0].failure.message
    assert "activity::client() is for coroutine activities" in message and "no connection to the server" in message


@pytest.mark.parametrize("activity", ["trace_id", "trace_id_later"])
def test_E018_an_interceptor_hands_on_what_the_caller_attached(server, worker, queue, activity):
    assert server.call(activity, queue=queue).result() == "none"
    with python_worker.serving(server, f"{queue}-python"):
        run = server.start("CallTraceId", activity, queue, queue=f"{queue}-python")
        assert run.result() == "abc-123"


def test_a_stop_token_calls_back_when_it_is_cancelled(server, worker, queue):
    run = server.start("CancelActivity", "until_stopped", "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: called back"


def test_a_stop_token_calls_back_though_a_callable_blocks_its_thread(server, start, queue):
    start("homes", "blocking", "workflows", "--activity-executor", "threads", "--activity-threads", "1", "--grace", "0s")
    blocked = server.call("wait_on_a_thread", 20_000, queue=queue)
    run = server.start("CancelActivity", "until_stopped", "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: called back"
    assert blocked.pending()
    blocked.terminate()


def test_a_crash_in_a_child_costs_an_attempt(server, start, queue):
    worker = start("homes", "workflows", "--children", "1")
    run = server.call("crash_here", "", queue=queue, how={"attempts": 1})
    run.failure()
    failure = run.events("ActivityTaskFailed")[0].failure
    assert failure.application_failure_info.type == "ActivityProcessCrashed"
    assert worker.process.poll() is None


@pytest.mark.parametrize("activity", ["crash_here", "crash_here_later"])
def test_a_crash_in_the_worker_ends_it_and_is_named(server, start, queue, activity):
    worker = start("homes", "workflows", "--activity-executor", "threads")
    run = server.call(activity, "", queue=queue)
    assert worker.ended() == -signal.SIGSEGV
    crash, = [e for e in worker.events if e.get("level") == "error" and e.get("activity_type") == activity]
    assert crash["workflow_id"] == run.id
    assert "crash_here" in str(crash["stack"])
    run.terminate()


def test_what_is_handed_over_runs_in_a_child_as_the_same_attempt(server, worker, queue):
    pid, name = server.call("handed_over", queue=queue).result().split()
    assert int(pid) != worker.pid
    assert name == "handed_over"


def test_the_example_reads_on_a_thread_and_decodes_in_a_child(server, start, queue, folder):
    start("images", "workflows", "--children", "1")
    (folder / "image").write_bytes(b"\xff\x07\x07")
    assert server.call("brightest", str(folder / "image"), queue=queue).result() == 7


def test_a_coroutine_survives_what_it_handed_over(server, worker, queue):
    assert server.call("survive", queue=queue).result() == "ActivityProcessKilled"


def test_a_cancellation_reaches_what_was_handed_over(server, worker, queue):
    run = server.start("CancelActivity", "handed_over_for_ever", "", queue=queue)
    run.wait_for_event("ActivityTaskScheduled")
    run.signal("cancel_it")
    assert run.result() == "cancelled: in the child"


def test_AX29_what_was_handed_over_without_a_context_is_killed_and_reported_too(server, start, queue):
    worker = start("homes", "workflows", "--children", "1", "--grace", "0s", "--term-grace", "200ms")
    run = server.call("decode_what_never_ends", queue=queue)
    worker.wait_for("an activity runs in a child", activity_type="decode_for_ever")
    worker.stop()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


def test_AX29_AC16_what_was_handed_over_without_a_context_ends_with_its_attempts_timeout(server, start, queue):
    worker = start("homes", "workflows", "--children", "1", "--offload-children", "1", "--local-timeout-buffer", "0s",
                   "--timeout-grace", "0s", "--term-grace", "200ms")
    run = server.call("decode_what_never_ends", queue=queue, how={"attempts": 1, "start_to_close_ms": 500})
    run.failure()
    worker.wait_for("the server has given this activity up: nothing is reported", workflow_id=run.id)
    assert server.call("survive", queue=queue).result() == "ActivityProcessKilled"  # the only place is free again


@pytest.mark.parametrize("activity", ["beat_and_hang", "beat_and_hang_later"])
def test_AC9_what_never_ends_in_the_worker_itself_is_reported_when_the_worker_leaves(server, start, queue, activity):
    worker = start("homes", "workflows", "--activity-executor", "threads", "--grace", "0s", "--term-grace", "0s")
    run = server.call(activity, queue=queue)
    heard = beaten(run)
    worker.stop()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    assert run.wait_for_attempt_failure().last_failure.application_failure_info.type == "WorkerShutdown"
    assert beaten(run) > heard  # what it said last goes with the failure
    run.terminate()


def test_what_a_callable_on_a_thread_throws_is_the_activitys_failure(server, worker, queue):
    run = server.call("throw_on_thread", queue=queue, how={"attempts": 1})
    run.failure()
    failure = run.events("ActivityTaskFailed")[0].failure
    assert (failure.application_failure_info.type, failure.message) == ("std::out_of_range", "no such line")


def test_children_0_without_another_home_is_refused_and_names_the_activities(start):
    worker = start("homes", "--children", "0", wait=False)
    assert worker.ended() == 2
    assert "crash_here" in worker.errors()[0] and "--activity-executor threads" in worker.errors()[0]


def test_a_worker_of_threads_and_loops_starts_no_child(server, start, queue):
    worker = start("activities", "workflows", "--activity-executor", "threads")
    assert not worker.processes()
    assert server.call("say_hello", "World", queue=queue).result() == "Hello, World!"


def test_LC12_the_state_tells_of_each_home_what_runs_in_it(server, start, queue):
    worker = start("homes", "workflows", "--children", "2", "--activity-threads", "3", "--grace", "0s")
    runs = [server.start("CancelActivity", activity, "", queue=queue)
            for activity in ("until_stopped", "until_stopped_on_a_thread", "handed_over_for_ever")]
    for run in runs:
        wait_until("it beats", lambda: [p for p in run.pending() if p.HasField("last_heartbeat_time")])
    assert worker.state()["homes"] == {
        "children": {"running": 1, "places": 2}, "threads": {"running": 1, "places": 3},
        "loops": {"running": 1, "places": 100}}
    for run in runs:
        run.signal("cancel_it")
    assert {run.result() for run in runs} == {"cancelled: called back", "cancelled: in the child"}


@pytest.mark.parametrize("flags, supervisor", [([], 0), (["--debug"], 1)], ids=["", "debug"])
def test_a_supervisor_keeps_its_children_out_of_its_memory_and_a_debugger_lets_them_in(
        server, start, queue, flags, supervisor):
    worker = start("homes", "workflows", "--children", "1", *flags)
    assert server.call("dumpable_on_a_thread", queue=queue).result() == supervisor
    assert server.call("dumpable", queue=queue).result() == 1, "a child's core is its user's to have"
    if not flags:
        # Root may have rights beside the one that children give up, which show it an environment, but no memory.
        for file in ("mem", "fd/0") if os.getuid() == 0 else ("mem", "fd/0", "maps", "environ"):
            path = f"/proc/{worker.pid}/{file}"
            assert server.call("open_file", path, queue=queue).result() == errno.EACCES, path


def test_two_workers_each_do_their_half(server, start, queue):
    workflows = start("activities", "workflows", "--workflows-only")
    activities = start("activities", "workflows", "--activities-only")
    assert not workflows.processes() and activities.processes()
    run = server.call("say_hello", "World", queue=queue)
    assert run.result() == "Hello, World!"
    assert {e.identity for e in run.events("WorkflowTaskCompleted")} == {f"{workflows.pid}@{host()}"}
    assert {e.identity for e in run.events("ActivityTaskCompleted")} == {f"{activities.pid}@{host()}"}


def host():
    import socket
    return socket.gethostname()
