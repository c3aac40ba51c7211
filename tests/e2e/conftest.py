# SPDX-License-Identifier: MIT
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.cases import cases, worker, workers_of_homes  # noqa: E402, F401
from harness.fixtures import folder, queue, server, start  # noqa: E402, F401
from harness.worker import Worker  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: it measures, so no other test may run beside it")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the workers had logged."""
    report = (yield).get_result()
    if report.failed:
        logs = sorted(pathlib.Path(item.funcargs.get("tmp_path", "/nonexistent")).glob("worker-*/log"))
        shared = [w.home / "log" for w in item.funcargs.values() if isinstance(w, Worker)]
        for log in logs + [log for log in shared if log not in logs]:
            report.sections.append((f"log of {log.parent.name}", log.read_text(errors="replace")[-20_000:]))
