# SPDX-License-Identifier: MIT
"""Several workers in one process."""

from harness.worker import module


def test_AX25_two_queues_are_served_by_one_process(server, start, queue, tmp_path):
    (tmp_path / "worker.toml").write_text(f"""
children = 1
[[worker]]
task_queue = "{queue}-hello"
module = "{module('hello')}"
[[worker]]
task_queue = "{queue}-homes"
modules = ["{module('workflows')}", "{module('activities')}"]
""")
    worker = start("--config", str(tmp_path / "worker.toml"), queue=None, wait=False)
    for name in ("hello", "homes"):
        worker.wait_for("polling", task_queue=f"{queue}-{name}")
    runs = [server.start("SayHello", "one", queue=f"{queue}-hello"),
            server.start("Call", "own_pid", {}, queue=f"{queue}-homes")]
    assert runs[0].result() == "Hello, one!"
    pids = {worker.wait_for("an activity runs in a child", workflow_id=run.id)["pid"] for run in runs}
    assert runs[1].result() in pids
    assert len(pids) == 2, "each queue has a pool of its own"
    assert len(worker.processes()) == 4
    worker.stop()
