# SPDX-License-Identifier: MIT
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.fixtures import folder, queue, server, start  # noqa: E402, F401


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the workers had logged."""
    report = (yield).get_result()
    if report.failed:
        for log in sorted(pathlib.Path(item.funcargs.get("tmp_path", "/nonexistent")).glob("worker-*/log")):
            report.sections.append((f"log of {log.parent.name}", log.read_text(errors="replace")[-20_000:]))
