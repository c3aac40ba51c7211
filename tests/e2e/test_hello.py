# SPDX-License-Identifier: MIT
import os
import subprocess
import uuid

from harness import processes
from harness.worker import BUILD
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker as PythonWorker


def test_V001_B001_hello_returns_its_greeting_and_its_activity_ran_in_a_child(server, start, queue):
    worker = start("hello", "--children", "2")
    run = server.start("SayHello", "World", queue=queue)
    assert run.result() == "Hello, World!"
    pid = worker.wait_for("an activity runs in a child", workflow_id=run.id)["pid"]
    assert pid != worker.pid
    assert pid in worker.processes()


def test_our_client_starts_workflows(server, start):
    start("hello", "--children", "1", queue="hello")
    said = subprocess.run(
        [BUILD / "tests/examples/greet", "Ada"], env={**os.environ, "TEMPORAL_ADDRESS": server.address},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (0, "Hello, Ada!\n"), said.stderr


def test_a_workflow_calls_an_activity_of_a_python_worker(server, start, queue):
    @activity.defn
    async def shout(text: str) -> str:
        return text.upper()

    start("workflows", "--children", "0")

    async def beside_python():
        async with PythonWorker(server.client, task_queue=f"{queue}-python", activities=[shout]):
            return await server.client.execute_workflow(
                "Call", args=["shout", {"task_queue": f"{queue}-python"}, "hello"], id=queue, task_queue=queue)

    assert server.run(beside_python()) == "HELLO"


@workflow.defn
class PythonCaller:
    @workflow.run
    async def run(self, queue: str) -> str:
        from datetime import timedelta
        return await workflow.execute_activity(
            "say_hello", "Python", task_queue=queue, start_to_close_timeout=timedelta(seconds=20))


def test_a_python_workflow_calls_an_activity_of_ours(server, start, queue):
    start("activities", "--children", "1")

    async def beside_python():
        async with PythonWorker(server.client, task_queue=f"{queue}-python", workflows=[PythonCaller],
                                workflow_runner=UnsandboxedWorkflowRunner()):
            return await server.client.execute_workflow(
                PythonCaller.run, queue, id=str(uuid.uuid4()), task_queue=f"{queue}-python")

    assert server.run(beside_python()) == "Hello, Python!"


def test_a_killed_worker_is_seen_as_dead(start):
    """The means by which these tests look for processes are not blind."""
    worker = start("hello", "--children", "2")
    assert len(worker.processes()) == 3  # a zygote and two children
    assert all(processes.alive(pid) for pid in worker.processes())
