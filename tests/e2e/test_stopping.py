# SPDX-License-Identifier: MIT
import os
import signal

import pytest
from harness.server import free_port
from harness.waiting import wait_until


def test_F006_a_deaf_activity_is_killed_and_reported(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1", "--grace", "0s", "--term-grace", "200ms")
    run = server.call("ignore_everything", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    assert worker.stop() < 25
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


def test_F006_notice_grace_cancellation_SIGTERM_and_SIGKILL_come_in_this_order(server, start, queue, tmp_path):
    worker = start("activities", "workflows", "--children", "1", "--grace", "2s", "--term-grace", "1s")
    file = tmp_path / "notes"
    run = server.call("note_each_step", str(file), queue=queue)
    wait_until("the activity runs", file.exists)
    worker.stop()
    steps = dict(line.split() for line in file.read_text().splitlines())
    assert list(steps) == ["notice", "cancel", "SIGTERM"]
    notice, cancel, sigterm = map(int, steps.values())
    died = worker.logged("a child ended")[0]
    assert "SIGKILL" in died["how"]
    # Each begins a moment after the worker's own clock says so, and is noted a moment later.
    assert cancel - notice > 1_900
    assert sigterm - cancel > 2_900
    assert died["time_ms"] - sigterm > 900
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


def test_a_stop_under_load_answers_for_all_it_has_taken_and_takes_no_more(server, start, queue):
    worker = start("activities", "workflows", "--children", "4", "--max-cached-workflows", "0")
    load = server.start_in_background(200, "Call", "say_hello", {}, "World", queue=queue, at_a_time=40)
    wait_until("the load is under way", lambda: worker.logged("an activity runs in a child"))
    worker.stop()
    assert not worker.logged("an activity failed")
    start("activities", "workflows", "--children", "4")
    # Nobody's timeout was needed: what was taken was answered for.
    assert load.result(30) == ["Hello, World!"] * 200


def test_a_second_signal_skips_the_grace(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.signal()
    worker.wait_for("waiting for activities to end")
    worker.signal(signal.SIGINT)
    assert worker.ended(15) == 0
    worker.left_nothing()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


@pytest.mark.parametrize("signals", [("SIGTERM", "SIGTERM"), ("SIGTERM", "SIGINT"), ("SIGQUIT",)])
def test_whoever_is_in_a_hurry_waits_for_no_grace_and_every_task_is_still_answered(server, start, queue, folder, signals):
    worker = start("activities", "workflows", "--children", "2", "--grace", "600s", "--term-grace", "600s")
    runs = [server.call("ignore_everything", str(folder), queue=queue) for _ in range(2)]
    wait_until("both run", lambda: len(list(folder.iterdir())) == 2)
    *first, last = [getattr(signal, name) for name in signals]
    for number in first:
        worker.signal(number)
        worker.wait_for("waiting for activities to end")
    worker.signal(last)
    assert worker.ended(15) == 0
    worker.left_nothing()
    for run in runs:
        assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
        assert run.pending()[0].last_failure.application_failure_info.type == "WorkerShutdown"
        run.terminate()
    assert {died["how"] for died in worker.logged("a child ended")} == {"killed by SIGKILL"}


def test_a_hurry_that_comes_late_cuts_what_is_left_of_the_stop(server, start, queue, folder):
    """While what was cancelled has its 3 s, and its --term-grace."""
    worker = start("activities", "workflows", "--children", "1", "--grace", "0s", "--term-grace", "600s")
    run = server.call("ignore_everything", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.signal()
    worker.wait_for("cancelling the activities that are left")
    worker.signal()
    assert worker.ended(15) == 0
    worker.left_nothing()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


def test_F022_ctrl_c_at_the_terminal_leaves_children_their_grace(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    os.killpg(worker.pid, signal.SIGINT)  # what the terminal does: to all of its foreground group
    worker.wait_for("waiting for activities to end")
    (folder / "release").touch()
    assert worker.ended() == 0
    worker.left_nothing()
    completed = run.wait_for_event("ActivityTaskCompleted")
    assert completed.result.payloads[0].data == b'"released in attempt 1"'
    assert not worker.logged("a child died")


def test_LC12_SIGUSR1_writes_the_state_and_the_worker_serves_on(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.signal(signal.SIGUSR1)
    [state] = worker.wait_for("state; free memory was given back")["workers"]
    assert state["activities"] == 1
    assert [str(pid) for pid in state["children"]] == [f.name for f in folder.iterdir()]
    (folder / "release").touch()
    assert run.result() == "released in attempt 1"


def test_a_killed_supervisor_takes_its_dev_server_along(start, queue):
    worker = start("hello", "--children", "1", "--dev", address=f"127.0.0.1:{free_port()}")
    assert len(worker.processes()) == 3  # the server, a zygote and a child
    worker.signal(signal.SIGKILL)
    wait_until("none of its processes is left", lambda: not worker.processes())
