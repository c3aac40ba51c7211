# SPDX-License-Identifier: MIT
"""run_worker: the supervisor, and its zygote, in a program of the user's own."""

from harness.worker import BUILD


def test_a_program_with_its_own_main_serves_its_modules(server, start, queue):
    worker = start("--children", "2", program=BUILD / "tests/examples/own_worker")
    run = server.start("SayHello", "own main", queue=queue)
    assert run.result() == "Hello, own main!"
    pid = worker.wait_for("an activity runs in a child", workflow_id=run.id)["pid"]
    assert pid != worker.pid
    assert len(worker.processes()) == 3  # a zygote, which is the same program, and two children
