# SPDX-License-Identifier: MIT
"""What its work costs a worker, against a peer that answers at once, in a process of its own.

A worker is a command of the peers' harness: told by its environment what to serve, ended by SIGTERM. CPU is that of its
process tree; what the peer takes is not in it, but of the same cores.
"""
import contextlib
import json
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys

# By name: the workflow, its argument, and how many of its runs are open (hello: as many as in that harness).
CASES = {"hello": ("hello", "World", 50), "without an activity": ("seq", 0, 50), "fanout of 100": ("fanout", 100, 5)}
QUEUE = "bench"
TICK = os.sysconf("SC_CLK_TCK")


def tree(root):
    """By process id, the fields of /proc/PID/stat that follow the name: of root and of all below it."""
    stats = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stats[int(pid)] = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    found, todo = {}, [root]
    while todo:
        pid = todo.pop()
        found[pid] = stats[pid]
        todo += [child for child, fields in stats.items() if int(fields[1]) == pid]
    return found


def cpu_seconds(root):
    """With that of children that are gone."""
    return sum(sum(map(int, fields[11:15])) for fields in tree(root).values()) / TICK


@contextlib.contextmanager
def load_peer(program, case, seconds):
    workflow, argument, open_runs = case
    with subprocess.Popen([program, QUEUE, workflow, json.dumps(argument), str(open_runs), str(seconds)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        try:
            yield peer
            peer.stdin.close()
            if peer.wait(10) != 0:
                sys.exit(f"tools/bench: the peer ended with exit code {peer.returncode}")
        finally:
            peer.kill()


@contextlib.contextmanager
def worker(command, port):
    """It has to end by itself, with all of its processes; unless something failed here, or somebody interrupts."""
    environment = {**os.environ, "TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "TEMPORAL_NAMESPACE": "default",
                   "TASK_QUEUE": QUEUE, "BENCH_MAX_CACHED": "10000"}
    with subprocess.Popen(shlex.split(command), env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr,
                          start_new_session=True) as process:
        try:
            yield process.pid
            processes = tree(process.pid)
            process.send_signal(signal.SIGTERM)
            if process.wait(20) != 0:
                sys.exit(f"tools/bench: the worker ended with exit code {process.returncode}")
            left = [pid for pid in processes if pathlib.Path(f"/proc/{pid}").exists()]
            if left:
                sys.exit(f"tools/bench: the worker left processes behind: {left}")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def one_round(program, command, case, seconds):
    with load_peer(program, case, seconds) as peer:
        def said(key):
            line = peer.stdout.readline()
            if not line:
                sys.exit("tools/bench: the peer ended; see above")
            return json.loads(line)[key]

        with worker(command, said("port")) as pid:
            said("measuring")
            before = cpu_seconds(pid)
            done = said("done")
            cpu = cpu_seconds(pid) - before
            said("idle")
    workflows, rpcs = done["workflows"], sum(done["rpcs"].values())
    return {
        "workflows_per_s": workflows / done["seconds"],
        "workflows_per_cpu_s": workflows / cpu,
        "cpu_ms_per_workflow": cpu * 1000 / workflows,
        "rpcs_per_workflow": rpcs / workflows,
        "cpu_us_per_rpc": cpu * 1e6 / rpcs,
        "cores": cpu / done["seconds"],
        "cores_of_peer": done["peer_cpu_s"] / done["seconds"],
        **{f"{name}_per_workflow": count / workflows for name, count in done["rpcs"].items()},
    }


def measure(program, rounds, seconds, commands):
    """By case and label of command: the medians of the rounds, each with a peer and a worker of its own."""
    result = {}
    for name, case in CASES.items():
        measured = {label: [] for label in commands}
        for number in range(rounds):
            print(f"{name}, round {number + 1} of {rounds}", file=sys.stderr)
            for label, command in commands.items():
                measured[label].append(one_round(program, command, case, seconds))
        result[name] = {label: {key: statistics.median(r.get(key, 0) for r in all_rounds) for key in all_rounds[0]}
                        for label, all_rounds in measured.items()}
    return result
