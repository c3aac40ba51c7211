# SPDX-License-Identifier: MIT
"""What an activity that always crashes costs those beside it, against the dev server.

poison.py ROUNDS CHILDREN: prints a JSON object. Each round runs 1,000 activities of 250 ms alone, then again while 20
workflows have theirs crash 5 times each: the dev server takes a second to try again, and all 100 are to fall beside the
1,000. The same worker, the same server.
"""
import json
import pathlib
import statistics
import sys
import tempfile
import time

from harness.server import DevServer
from harness.worker import Worker

# Long enough that the children set the pace: with shorter ones it is the dev server, which the crashes' reports cost as well.
HEALTHY, MILLISECONDS = 1_000, 250
POISON, ATTEMPTS = 20, 5


def seconds(server, queue, children):
    begun = time.monotonic()
    # Enough of them wait that no child does.
    load = server.start_in_background(HEALTHY, "Call", "nap", {}, MILLISECONDS, queue=queue, at_a_time=3 * children)
    assert load.result(600) == [MILLISECONDS] * HEALTHY
    return time.monotonic() - begun


def one_round(server, folder, number, children):
    queue = f"poison-{number}"
    worker = Worker("activities", "workflows", "--children", str(children), "--max-concurrent-activities", str(children),
                    home=folder / queue, address=server.address, queue=queue)
    worker.wait_for("polling")
    alone = seconds(server, queue, children)
    how = {"attempts": ATTEMPTS, "retry_ms": 1}
    poison = [server.call("crash_always", queue=queue, how=how) for _ in range(POISON)]
    beside = seconds(server, queue, children)
    crashes = len(worker.logged("a child died"))
    assert crashes == POISON * ATTEMPTS, f"only {crashes} crashes fell beside the load"
    for run in poison:
        run.failure()
    assert len(worker.logged("an activity failed")) == crashes  # nobody else's
    worker.stop()
    return {"alone_per_second": HEALTHY / alone, "beside_per_second": HEALTHY / beside, "share": alone / beside,
            "crashes_beside": crashes}


def main():
    rounds, children = int(sys.argv[1]), int(sys.argv[2])
    with DevServer() as server, tempfile.TemporaryDirectory() as folder:
        figures = [one_round(server, pathlib.Path(folder), number, children) for number in range(rounds)]
    print(json.dumps({name: round(statistics.median(r[name] for r in figures), 3) for name in figures[0]}))


if __name__ == "__main__":
    main()
