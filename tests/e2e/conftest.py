# SPDX-License-Identifier: MIT
"""A real server, real workers: one dev server for all tests, one worker (or more) for each."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.server import DevServer  # noqa: E402
from harness.worker import Worker  # noqa: E402


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the workers had logged."""
    report = (yield).get_result()
    if report.failed:
        for log in sorted(pathlib.Path(item.funcargs.get("tmp_path", "/nonexistent")).glob("worker-*/log")):
            report.sections.append((f"log of {log.parent.name}", log.read_text(errors="replace")[-20_000:]))
