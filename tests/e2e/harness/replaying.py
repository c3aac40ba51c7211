# SPDX-License-Identifier: MIT
"""What a worker recorded must be what its code would do again."""

import subprocess
import tempfile

from .worker import SUPERVISOR, module


def replay(name, history):
    """`temporal-supervisor replay` of a history against libNAME.so."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(history)
        file.flush()
        return subprocess.run([SUPERVISOR, "replay", "--module", module(name), file.name],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def replays(run, name):
    """The run's history, which must fit its module."""
    done = replay(name, run.export())
    assert done.returncode == 0, done.stdout + done.stderr
    return True
