# SPDX-License-Identifier: MIT
"""Workers that are versions of one deployment: who gets which runs?"""

import pytest
from harness.replaying import replays
from harness.waiting import wait_until
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.service import RPCError


@pytest.fixture
def version(start, queue):
    """Starts the worker of that build."""
    def begin(build, *flags, **more):
        return start("versions", "--deployment-name", queue, "--build-id", build, "--use-versioning", *flags, **more)

    return begin


def make_current(server, deployment, build):
    """The server knows a version once it has polled."""
    def made():
        try:
            server.run(server.client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace="default", deployment_name=deployment, build_id=build, identity="a test",
                    ignore_missing_task_queues=True)))
        except RPCError:
            return False
        return True

    wait_until(f"{build} is the current version of {deployment}", made)


def test_N010_N018_a_pinned_run_ends_on_its_version_and_the_others_move_on(server, version, queue):
    version("1.0", "--default-versioning-behavior", "pinned")
    make_current(server, queue, "1.0")
    runs = {workflow: server.start(workflow, queue=queue) for workflow in ("Pinned", "Upgraded", "Undecided")}
    moves_on = server.start("MovesOn", "", queue=queue)
    moves_on.wait_for_event("WorkflowTaskCompleted")
    for run in runs.values():
        run.wait_for_event("WorkflowTaskCompleted")
    version("2.0", "--default-versioning-behavior", "pinned")
    make_current(server, queue, "2.0")

    def new_runs_begin_there():
        run = server.start("Upgraded", queue=queue)
        run.signal("go")
        return run.result().startswith("2.0 ")

    # Who hands out tasks hears of it a moment later.
    wait_until("new runs begin on 2.0", new_runs_begin_there)
    for run in runs.values():
        run.signal("go")
    ends = {workflow: run.result() for workflow, run in runs.items()}
    assert ends == {"Pinned": "1.0 1.0", "Upgraded": "1.0 2.0", "Undecided": "1.0 1.0"}
    assert replays("versions", *runs.values())
    moves_on.signal("go")
    assert moves_on.result() == "1.0 2.0"
    late = server.start("Pinned", queue=queue)
    late.signal("go")
    assert late.result() == "2.0 2.0"


def test_N018_versions_without_a_behavior_for_each_workflow_do_not_start(version):
    worker = version("1.0", wait=False)
    assert worker.ended() == 2
    line = wait_until("it says why", lambda: [e for e in worker.events if "versioning" in e["message"]])[0]
    assert "Undecided" in line["message"] and "--default-versioning-behavior" in line["message"]
