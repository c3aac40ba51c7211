# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import uuid

from . import processes
from .server import temporal_cli
from .waiting import PATIENCE, wait_until

BUILD = pathlib.Path(os.environ.get("TEMPORAL_BUILD", "build/gcc")).resolve()
SUPERVISOR = BUILD / "supervisor/temporal-supervisor"
FOLDERS = ("tests/e2e", "tests/examples", "tests/histories", "tests/interop")


def module(name):
    """The path of libNAME.so."""
    return next((p for f in FOLDERS if (p := BUILD / f / f"lib{name}.so").exists()), BUILD / f"lib{name}.so")


def shared_memory():
    return set(os.listdir("/dev/shm"))


class Worker:
    """A temporal-supervisor with all of its processes, and what it logs."""

    def __init__(self, *words, home, address, queue, program=SUPERVISOR, environment=None):
        """`words`: names of modules, then flags. `program`: temporal-supervisor, or one that calls run_worker."""
        modules = [w for i, w in enumerate(words) if not any(f.startswith("--") for f in words[: i + 1])]
        command = [program, "--log-format", "json", "--log-level", "debug", "--address", address]
        command += ["--task-queue", queue] if queue else []
        for name in modules:
            command += ["--module", module(name) if "/" not in name else name]
        command += words[len(modules):]
        home.mkdir()
        self.home = home
        self.mark = str(uuid.uuid4())
        self.shared_memory = shared_memory()
        self.events = []
        self.news = threading.Condition()
        self.over = False
        self.process = subprocess.Popen(
            [str(c) for c in command], cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
            env={**os.environ, "TEMPORAL_CLI": temporal_cli(), **(environment or {}), processes.MARK: self.mark, "TMPDIR": str(home), "XDG_RUNTIME_DIR": str(home),
                 "XDG_STATE_HOME": str(home)})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @property
    def pid(self):
        return self.process.pid

    def _read(self):
        with (self.home / "log").open("w") as log:
            for line in self.process.stderr:
                log.write(line)
                log.flush()
                try:
                    event = json.loads(line)
                except ValueError:
                    event = {"message": line.strip(), "level": "unstructured"}
                with self.news:
                    self.events.append(event)
                    self.news.notify_all()
        with self.news:
            self.over = True
            self.news.notify_all()

    def logged(self, message, **fields):
        with self.news:
            return [e for e in self.events
                    if e.get("message") == message and all(e.get(k) == v for k, v in fields.items())]

    def wait_for(self, message, seconds=PATIENCE, **fields):
        """The first line with that message and those fields."""
        with self.news:
            self.news.wait_for(lambda: self.over or self.logged(message, **fields), timeout=seconds)
            found = self.logged(message, **fields)
            assert found, f"the worker {'ended' if self.over else 'went on'} without saying '{message}' {fields or ''}"
            return found[0]

    def stalls(self):
        """What the log says of user loops that are stuck, or do not keep up."""
        with self.news:
            return [e for e in self.events if str(e.get("loop", "")).startswith("loop-")]

    def wait_for_stall(self):
        wait_until("a loop is said to be stuck", lambda: self.over or self.stalls())
        return self.stalls()[0]

    def errors(self):
        with self.news:
            return [e["message"] for e in self.events if e.get("level") in ("error", "unstructured")]

    def state(self):
        """What it says of its (only) task queue when it gets SIGUSR1."""
        message = "state; free memory was given back"
        known = len(self.logged(message))
        self.signal(signal.SIGUSR1)
        line = wait_until("the worker tells its state", lambda: self.logged(message)[known:])[0]
        [queue] = line["workers"]
        return queue

    def processes(self):
        """Without the supervisor itself."""
        return processes.marked(self.mark) - {self.pid}

    def counts(self):
        """Descriptors, threads and processes."""
        return processes.descriptors(self.pid), processes.threads(self.pid), len(self.processes())

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self, seconds=PATIENCE):
        """Its exit code."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end within {seconds} s") from None
        self.reader.join(seconds)  # whoever still holds its stderr has outlived it
        assert not self.reader.is_alive(), f"left behind by the worker: {self.processes()}"
        return code

    def stop(self):
        """By SIGTERM. Returns how long it took."""
        begun = time.monotonic()
        self.signal()
        assert self.ended() == 0, f"the worker ended with {self.process.returncode}: {self.errors()}"
        took = time.monotonic() - begun
        self.left_nothing()
        return took

    def finish(self):
        if self.process.poll() is None:
            self.stop()

    def left_nothing(self):
        left = self.processes()
        assert not left, f"processes left behind: {left}"
        new = shared_memory() - self.shared_memory
        assert not new, f"left in /dev/shm: {new}"
        files = {p.name for p in self.home.rglob("*")} - {"log"}
        assert not files, f"files left behind: {files}"

    def kill(self):
        """Whatever became of it. Its own processes only, by their ids."""
        # The mark of the supervisor itself is for root only to see.
        for pid in processes.marked(self.mark) | ({self.pid} if self.process.poll() is None else set()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_until("the worker's processes are gone", lambda: not processes.marked(self.mark))
