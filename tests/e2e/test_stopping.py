# SPDX-License-Identifier: MIT
import signal

from harness.server import free_port
from harness.waiting import wait_until


def test_a_running_activity_is_finished_within_the_grace(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1")
    run = server.call("until_notice", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.stop()
    start("workflows", "--children", "0")
    assert run.result() == "noticed"
    assert run.events("ActivityTaskStarted")[0].attempt == 1


def test_after_the_grace_an_activity_is_cancelled_and_tried_again_elsewhere(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1", "--grace", "300ms")
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.stop()
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    (folder / "release").touch()
    start("activities", "workflows", "--children", "1")
    assert run.result() == "released in attempt 2"


def test_a_deaf_activity_is_killed_and_reported(server, start, queue, folder):
    worker = start("activities", "workflows", "--children", "1", "--grace", "0s", "--term-grace", "200ms")
    run = server.call("ignore_everything", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    assert worker.stop() < 25
    assert worker.logged("an activity failed", type="WorkerShutdown", workflow_id=run.id)
    run.terminate()


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
