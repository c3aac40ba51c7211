# SPDX-License-Identifier: MIT
"""Waiting for a condition, with a bound and a sentence. Nothing sleeps for luck."""

import time

PATIENCE = 60  # seconds: for what hangs, not for what is slow


def wait_until(what, condition, seconds=PATIENCE):
    """What condition() returns, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
