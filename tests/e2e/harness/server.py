# SPDX-License-Identifier: MIT
import asyncio
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import uuid

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, TaskQueueKind
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from .waiting import PATIENCE, wait_until

ROOT = pathlib.Path(os.environ.get("TEMPORAL_ROOT", pathlib.Path(__file__).resolve().parents[3]))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def temporal_cli():
    return shutil.which("temporal") or str(ROOT / "build/venv/bin/temporal")


class Loop:
    """Python's client is asynchronous, tests are not."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def __call__(self, awaitable, seconds=PATIENCE):
        return self.begin(awaitable).result(seconds)

    def begin(self, awaitable):
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop)


class DevServer:
    """The Temporal dev server in memory, on a free port, and a client of it."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = subprocess.Popen(
            [temporal_cli(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port),
             "--log-level", "never"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
        self.run = Loop()
        wait_until("the dev server answers", self._answers)
        self.client = self.run(Client.connect(self.address))
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self):
        assert self.process.poll() is None, "the dev server ended before it answered"
        return subprocess.run(
            [temporal_cli(), "operator", "namespace", "describe", "-n", "default", "--address", self.address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def start(self, workflow, *args, queue, id=None, **more):
        handle = self.run(self.client.start_workflow(
            workflow, args=args, id=id or f"{queue}-{uuid.uuid4().hex[:8]}", task_queue=queue, **more))
        return Run(self, handle)

    def define_search_attributes(self, **types):
        """By name and type, as in Colour="Keyword". Those that are there already stay."""
        words = [word for name, kind in types.items() for word in ("--name", name, "--type", kind)]
        subprocess.run([temporal_cli(), "operator", "search-attribute", "create", *words, "--address", self.address],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_many(self, *args, **more):
        """Starts them, that many running at a time, and returns all results."""
        return self.start_in_background(*args, **more).result(300)

    def start_in_background(self, count, workflow, *args, queue, at_a_time):
        """The same as a future."""
        async def all_of_them():
            limit = asyncio.Semaphore(at_a_time)

            async def one():
                async with limit:
                    return await self.client.execute_workflow(
                        workflow, args=args, id=f"{queue}-{uuid.uuid4().hex[:8]}", task_queue=queue)

            return await asyncio.gather(*(one() for _ in range(count)))

        return self.run.begin(all_of_them())

    def call(self, activity, *argument, queue, how=None):
        """The workflow `Call` with that activity; `how` is its struct How."""
        return self.start("Call", activity, how or {}, *argument, queue=queue)


class Run:
    """One workflow execution."""

    def __init__(self, server, handle, run_id=""):
        """Without a run id: whichever run is the latest."""
        self.server = server
        self.handle = handle
        self.id = handle.id
        self.run_id = run_id

    def first(self):
        """The first run of a chain."""
        run_id = self.handle.first_execution_run_id
        return Run(self.server, self.server.client.get_workflow_handle(self.id, run_id=run_id), run_id)

    def reset(self, completed_event_id):
        """Begins again after that WorkflowTaskCompleted; returns the new run."""
        request = ResetWorkflowExecutionRequest(
            namespace="default", workflow_execution=WorkflowExecution(workflow_id=self.id), reason="a test",
            request_id=str(uuid.uuid4()), workflow_task_finish_event_id=completed_event_id)
        run_id = self.server.run(self.server.client.workflow_service.reset_workflow_execution(request)).run_id
        return Run(self.server, self.server.client.get_workflow_handle(self.id, run_id=run_id), run_id)

    def result(self, seconds=PATIENCE):
        return self.server.run(self.handle.result(), seconds)

    def failure(self):
        """The exception of a workflow that must not succeed."""
        from temporalio.client import WorkflowFailureError
        try:
            result = self.result()
        except WorkflowFailureError as error:
            return error.cause
        raise AssertionError(f"the workflow succeeded: {result}")

    def signal(self, name, *args):
        self.server.run(self.handle.signal(name, args=args))

    def query(self, name, *args, **more):
        return self.server.run(self.handle.query(name, args=args, **more))

    def update(self, name, *args, **more):
        """Waits for its outcome."""
        return self.server.run(self.handle.execute_update(name, args=args, **more))

    def refused_update(self, name, *args, **more):
        """Why an update failed, or was rejected."""
        from temporalio.client import WorkflowUpdateFailedError
        try:
            result = self.update(name, *args, **more)
        except WorkflowUpdateFailedError as error:
            return error.cause
        raise AssertionError(f"the update succeeded: {result}")

    def cancel(self):
        self.server.run(self.handle.cancel())

    def terminate(self):
        self.server.run(self.handle.terminate())

    def history(self):
        """Its events, as protobuf messages."""
        async def pages():
            events, token = [], b""
            while True:
                page = await self.server.client.workflow_service.get_workflow_execution_history(
                    GetWorkflowExecutionHistoryRequest(
                        namespace="default", execution=WorkflowExecution(workflow_id=self.id, run_id=self.run_id),
                        next_page_token=token))
                events += page.history.events
                token = page.next_page_token
                if not token:
                    return events

        # On a machine with much to do the library that asks here cancels a call of its own now and then.
        for last in (False, False, True):
            try:
                return self.server.run(pages())
            except RPCError as error:
                if last or error.status != RPCStatusCode.CANCELLED:
                    raise

    def whole_events(self, name):
        return [event for event in self.history()
                if EventType.Name(event.event_type).replace("EVENT_TYPE_", "").replace("_", "") == name.upper()]

    def events(self, name):
        """Attributes of the events of a type, named as in `ActivityTaskScheduled`."""
        return [getattr(event, event.WhichOneof("attributes")) for event in self.whole_events(name)]

    def time_of(self, name):
        """When the last event of that type was written, by the server's clock."""
        return self.whole_events(name)[-1].event_time.ToDatetime()

    def wait_for_event(self, name, seconds=PATIENCE):
        return wait_until(f"{name} in the history of {self.id}", lambda: self.events(name), seconds)[0]

    def pending(self):
        """Its pending activities as the server describes them."""
        return list(self.server.run(self.handle.describe()).raw_description.pending_activities)

    def wait_for_attempt_failure(self, seconds=PATIENCE):
        """The first pending activity, once an attempt of it has failed."""
        return wait_until(
            "an attempt fails", lambda: [p for p in self.pending() if p.HasField("last_failure")], seconds)[0]

    def current_run_id(self):
        return self.server.run(self.handle.describe()).run_id

    def task_queues(self):
        """Names of the queues its workflow tasks were put into, without the normal one's."""
        queues = [e.task_queue for e in self.events("WorkflowTaskScheduled")]
        return [q.name for q in queues if q.kind == TaskQueueKind.TASK_QUEUE_KIND_STICKY]

    def answered_tasks(self):
        return len(self.events("WorkflowTaskCompleted"))

    def fetched(self):
        """The history as Python's client writes it."""
        return self.server.run(self.handle.fetch_history()).to_json()

    def export(self):
        """The history as `temporal workflow show -o json` prints it."""
        return subprocess.run(
            [temporal_cli(), "workflow", "show", "-w", self.id, *(["-r", self.run_id] if self.run_id else []), "-o", "json",
             "--address", self.server.address],
            check=True, stdout=subprocess.PIPE, text=True).stdout
