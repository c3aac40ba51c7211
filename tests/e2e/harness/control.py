# SPDX-License-Identifier: MIT
"""An operator at the shell: the subcommands that talk to a worker which runs."""

import contextlib
import json
import os
import socket
import subprocess

from .waiting import PATIENCE, wait_until
from .worker import SUPERVISOR


def operator(*words, home, **environment):
    """temporal-supervisor WORDS, as somebody whose session's folder is `home`."""
    return subprocess.run(
        [str(word) for word in (SUPERVISOR, *words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), **environment})


class Control:
    """The only worker in its home."""

    def __init__(self, worker):
        self.home = worker.home
        self.socket = self.home / f"temporal-supervisor/{worker.pid}.sock"

    def run(self, *words):
        return operator(*words, home=self.home)

    def say(self, *words):
        """What it prints, when all is well."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def refused(self, *words, code=1):
        """Why not."""
        done = self.run(*words)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert done.stderr.startswith("temporal-supervisor: ")
        return done.stderr

    def view(self, verb="ps"):
        """Of its only task queue, and all of it."""
        view = json.loads(self.say(verb, "--json"))
        [queue] = view["queues"]
        return queue, view

    def children(self, state=None):
        return [c for c in self.view()[0]["children"] if state in (None, c["state"])]

    def wait_for_children(self, count, state=None):
        return wait_until(f"there are {count} children",
                          lambda: len(found := self.children(state)) == count and (found or True))

    def raw(self, line):
        """Whatever `line` is, in bytes: the reply to it."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(self.socket))
            with contextlib.suppress(BrokenPipeError):  # it has heard enough
                peer.sendall(line)
            reply = b""
            while not reply.endswith(b"\n"):
                some = peer.recv(65536)
                if not some:
                    break
                reply += some
            return reply
