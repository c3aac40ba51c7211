# SPDX-License-Identifier: MIT
"""Two replayers, one verdict: ours is `temporal-supervisor replay`, the foreign one is TypeScript's with the twins of our
workflows (twin.ts)."""

import dataclasses
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from harness.server import ROOT, DevServer  # noqa: E402
from harness.worker import SUPERVISOR, Worker, module  # noqa: E402
from recordings import RECORDINGS  # noqa: E402

INTEROP = ROOT / "build/interop"


@dataclasses.dataclass
class Verdict:
    ok: bool
    reason: str = ""

    @property
    def event(self):
        """The event that the reason names; the foreign one does not name an event whose attributes differ."""
        found = re.search(r"(?:HistoryEvent\(id:|EventInfo \{ event_id:|\[TMPRL1100\] Nondeterminism at event) (\d+)", self.reason)
        return found and int(found[1])


class ForeignReplayer:
    """One process for all histories: it needs seconds to start."""

    def __init__(self, home):
        self.home = home
        self.count = 0
        self.answers = queue.Queue()
        self.errors = (home / "stderr").open("w+")
        self.process = subprocess.Popen(
            [INTEROP / "node", HERE / "replayer.mjs"], env={**os.environ, "TEMPORAL_INTEROP": str(INTEROP)}, cwd=home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def __call__(self, history):
        self.count += 1
        file = self.home / f"{self.count}.json"
        file.write_text(json.dumps(history))
        self.process.stdin.write(f"{file}\n")
        self.process.stdin.flush()
        answer = self.answers.get(timeout=600)  # the first one waits for the bundle of all twins
        assert answer, f"the foreign replayer ended: {self.said()}"
        return Verdict(**json.loads(answer))

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-5000:]

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0, self.said()


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    if not (INTEROP / "node").exists():
        pytest.skip("TypeScript's SDK is not installed: tools/bootstrap --interop")
    replayer = ForeignReplayer(tmp_path_factory.mktemp("foreign"))
    yield replayer
    replayer.stop()


@pytest.fixture
def ours(tmp_path):
    """ours(history, module) is the verdict of `temporal-supervisor replay`."""
    def judge(history, name):
        file = tmp_path / "history.json"
        file.write_text(json.dumps(history))
        done = subprocess.run([SUPERVISOR, "replay", "--module", module(name), file], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert done.stdout.startswith("replayed" if done.returncode == 0 else "MISMATCH"), done.stdout
        return Verdict(done.returncode == 0, done.stdout)

    return judge


class Fresh:
    """Histories that this build records on a real server, each when it is first asked for."""

    def __init__(self, server, new_home):
        self.server = server
        self.new_home = new_home
        self.workers = {}
        self.histories = {}

    def __getitem__(self, name):
        if name not in self.histories:
            module, record = RECORDINGS[name]
            if module not in self.workers:
                self.workers[module] = Worker(module, "--children", "2", home=self.new_home(module) / "worker",
                                              address=self.server.address, queue=module)
            self.histories[name] = json.loads(record(self.server).export())
        return self.histories[name]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    with DevServer() as server:
        server.define_search_attributes(HouseholdName="Keyword")
        histories = Fresh(server, tmp_path_factory.mktemp)
        try:
            yield histories
        finally:
            for worker in histories.workers.values():
                worker.kill()
