# SPDX-License-Identifier: MIT
"""What a worker answers at its --metrics port."""

import re
import urllib.error
import urllib.request

from .waiting import PATIENCE, wait_until

SERIES = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Scraper:
    def __init__(self, worker):
        self.port = worker.wait_for("metrics are served")["port"]

    def get(self, path):
        """Status, body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def series(self):
        """Of each name its series, as pairs of labels and value."""
        status, body = self.get("/metrics")
        assert status == 200
        found = {}
        for line in body.splitlines():
            if not line.startswith("#"):
                name, labels, value = SERIES.fullmatch(line).groups()
                found.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))
        return found

    def value(self, name, **labels):
        """The sum of what has these labels; None when there is nothing."""
        values = [v for own, v in self.series().get(name, []) if labels.items() <= own.items()]
        return sum(values) if values else None

    def wait_for_value(self, value, name, **labels):
        wait_until(f"{name}{labels or ''} is {value}", lambda: self.value(name, **labels) == value)

    def wait_for_status(self, status, path, seconds=PATIENCE):
        """Its body."""
        return wait_until(f"{path} answers {status}",
                          lambda: (answer := self.get(path)) and answer[0] == status and (answer[1] or " "), seconds)
