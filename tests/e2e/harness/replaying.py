# SPDX-License-Identifier: MIT
"""What a worker recorded must be what its code would do again."""

import pathlib
import subprocess
import tempfile

from .worker import SUPERVISOR, module


def replay(name, *words):
    """`temporal-supervisor replay` of files, or with flags, against libNAME.so."""
    return subprocess.run([SUPERVISOR, "replay", "--module", module(name), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def replays(name, *runs, flags=()):
    """The runs' histories, which must fit their module."""
    with tempfile.TemporaryDirectory() as folder:
        for number, run in enumerate(runs):
            (pathlib.Path(folder) / f"{number}.json").write_text(run.fetched())
        done = replay(name, folder, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    return True
