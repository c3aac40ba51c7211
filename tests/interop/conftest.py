# SPDX-License-Identifier: MIT
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.fixtures import queue, server, start  # noqa: E402, F401
from harness.server import ROOT  # noqa: E402
from harness.worker import SUPERVISOR, module  # noqa: E402

INTEROP = ROOT / "build/interop"


@pytest.fixture(scope="session")
def judge():
    """TypeScript's replayer: judge(files) gives its verdict on each."""
    twins = INTEROP / "twins"  # beside the packages that they import
    twins.mkdir(exist_ok=True)
    for script in HERE.glob("*.js"):
        shutil.copy(script, twins)

    def verdicts(files):
        said = subprocess.run(
            [INTEROP / "node", twins / "judge.js", *map(str, files)], check=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
        lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"file"')]
        assert len(lines) == len(files), said
        return lines

    return verdicts


@pytest.fixture(scope="session")
def replay():
    """Our own: replay(module, file) gives whether it accepted, and what it said."""
    def verdict(name, file):
        done = subprocess.run([SUPERVISOR, "replay", "--module", module(name), file], check=False,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0, done.stdout

    return verdict
