# SPDX-License-Identifier: MIT
"""A real server, real workers: one dev server for all tests, one worker (or more) for each."""

import pytest

from .server import DevServer
from .worker import Worker


@pytest.fixture(scope="session")
def server():
    with DevServer() as server:
        yield server


@pytest.fixture
def queue(request):
    """A task queue that no other test has."""
    return request.node.name.replace("test_", "", 1)


@pytest.fixture
def folder(tmp_path):
    """Where activities leave a file for each process that they have begun in."""
    path = tmp_path / "signed-in"
    path.mkdir()
    return path


@pytest.fixture
def start(server, queue, tmp_path):
    """Starts workers: start("activities", "workflows", "--children", "2"). Each is stopped at the end of the test, if it
    still runs, and must have left nothing behind."""
    workers = []

    def start_worker(*words, wait=True, **more):
        more.setdefault("address", server.address)
        more.setdefault("queue", queue)
        worker = Worker(*words, home=tmp_path / f"worker-{len(workers)}", **more)
        workers.append(worker)
        if wait:
            worker.wait_for("polling")
        return worker

    yield start_worker
    problems = []
    for worker in reversed(workers):
        try:
            worker.finish()
        except AssertionError as problem:
            problems.append(str(problem))
        finally:
            worker.kill()
    assert not problems, "\n".join(problems)
