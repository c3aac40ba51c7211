# SPDX-License-Identifier: MIT
"""CPython's ProcessPoolExecutor with no-op calls, one at a time for each worker: WORKERS SECONDS"""

import concurrent.futures
import json
import sys
import threading
import time


def no_op():
    pass


def throughput(pool, workers, seconds):
    """A finished call submits the next one from its own callback: nothing of this script waits in between."""
    counts, stop, idle = [0], threading.Event(), threading.Semaphore(0)

    def next_call(future=None):
        if future is not None:
            future.result()
            counts[0] += 1
        if stop.is_set():
            idle.release()
        else:
            pool.submit(no_op).add_done_callback(next_call)

    for _ in range(workers):
        next_call()
    time.sleep(0.3)
    before, start = counts[0], time.monotonic()
    time.sleep(seconds)
    rate = (counts[0] - before) / (time.monotonic() - start)
    stop.set()
    for _ in range(workers):
        idle.acquire()
    return rate


def round_trips(pool, count=3000):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        pool.submit(no_op).result()
        times.append((time.perf_counter() - start) * 1e6)
    return sorted(times)


def main():
    workers, seconds = int(sys.argv[1]), float(sys.argv[2])
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        rate = throughput(pool, workers, seconds)
        times = round_trips(pool)
    print(json.dumps({
        "per_second": rate,
        "round_trip_p50_us": times[len(times) // 2],
        "round_trip_p99_us": times[len(times) * 99 // 100],
    }))


if __name__ == "__main__":
    main()
