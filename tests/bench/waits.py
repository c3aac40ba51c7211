# SPDX-License-Identifier: MIT
"""How long 1,000 coroutines and 42 threads of one second each take, and what a worker's other homes cost them.

waits.py ROUNDS: prints a JSON object, seconds by case, the median of the rounds. Children wait 5 s, one task each.
"""
import contextlib
import json
import pathlib
import statistics
import sys
import tempfile
import time

from harness.server import DevServer
from harness.waiting import wait_until
from harness.worker import BUILD, Worker

LOOPS, THREADS = ("WaitOnLoops", 1000), ("WaitOnThreads", 42)
PLACES = ("--max-concurrent-activities", "1000", "--activity-pollers", "20")


@contextlib.contextmanager
def worker(server, folder, queue, *modules):
    files = [str(BUILD / f"tests/bench/lib{name}.so") for name in modules]
    started = Worker(*files, *PLACES, "--children", "2", home=folder / queue, address=server.address, queue=queue)
    started.wait_for("polling")
    yield
    started.stop()


def seconds(server, queue, workflow, count):
    begun = time.monotonic()
    assert server.start(workflow, count, queue=queue).result() == count
    return time.monotonic() - begun


def beside_busy_children(server, queue, queue_of_children):
    """The coroutines begin when both children have begun their 5 s."""
    busy = server.start("WaitInChildren", 2, queue=queue_of_children)
    wait_until("both children are busy",
               lambda: sum(p.HasField("last_started_time") for p in busy.pending()) == 2)
    taken = seconds(server, queue, *LOOPS)
    busy.result()
    return taken


def one_round(server, folder):
    taken = {}
    with worker(server, folder, "alone", "waits"):
        seconds(server, "alone", *LOOPS)  # the first makes connections and threads
        taken["1,000 coroutines of 1 s"] = seconds(server, "alone", *LOOPS)
        taken["42 threads of 1 s"] = seconds(server, "alone", *THREADS)
    with worker(server, folder, "mixed", "waits", "waits_in_children"):
        seconds(server, "mixed", *LOOPS)
        taken["1,000 coroutines, 2 idle children on the same queue"] = seconds(server, "mixed", *LOOPS)
        taken["1,000 coroutines, 2 busy children on the same queue"] = beside_busy_children(server, "mixed", "mixed")
    with worker(server, folder, "loops", "waits"), worker(server, folder, "children", "waits_in_children"):
        seconds(server, "loops", *LOOPS)
        taken["1,000 coroutines, 2 busy children on another queue"] = beside_busy_children(server, "loops", "children")
    return taken


def main():
    rounds = []
    for _ in range(int(sys.argv[1])):
        with DevServer() as server, tempfile.TemporaryDirectory() as folder:
            rounds.append(one_round(server, pathlib.Path(folder)))
    print(json.dumps({case: round(statistics.median(r[case] for r in rounds), 2) for case in rounds[0]}))


if __name__ == "__main__":
    main()
