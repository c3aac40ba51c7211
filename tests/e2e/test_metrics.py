# SPDX-License-Identifier: MIT
"""/metrics, /healthz and /readyz of a worker that works."""

import os
import re
import signal
import socket

import pytest
from harness.scrape import Scraper
from harness.server import DevServer, free_port
from harness.waiting import wait_until
from harness.worker import module

METRICS = ("--metrics", "127.0.0.1:0")
ONCE = {"attempts": 1}

# Every name of the worker's own, and the labels it has beside those that all have.
ACTIVITY = {"activity_type", "workflow_type", "eager"}
NAMES = {
    "request": {"operation"},
    "request_failure": {"operation", "status_code"},
    "request_latency": {"operation"},
    "long_request": {"operation"},
    "long_request_latency": {"operation"},
    "workflow_completed": {"workflow_type"},
    "workflow_canceled": {"workflow_type"},
    "workflow_failed": {"workflow_type"},
    "workflow_continue_as_new": {"workflow_type"},
    "workflow_task_queue_poll_empty": set(),
    "workflow_task_queue_poll_succeed": set(),
    "workflow_task_schedule_to_start_latency": {"workflow_type"},
    "workflow_task_execution_latency": {"workflow_type"},
    "activity_poll_no_task": set(),
    "activity_task_received": ACTIVITY,
    "activity_execution_failed": ACTIVITY,
    "activity_execution_cancelled": ACTIVITY,
    "activity_schedule_to_start_latency": ACTIVITY,
    "activity_execution_latency": ACTIVITY,
    "activity_succeed_endtoend_latency": ACTIVITY,
    "unregistered_activity_invocation": ACTIVITY,
    "worker_start": set(),
    "num_pollers": {"poller_type"},
    "worker_task_slots_available": {"worker_type"},
    "worker_task_slots_used": {"worker_type"},
    "supervisor_children": {"state"},
    "supervisor_child_starts": set(),
    "supervisor_child_logs_dropped": set(),
    "supervisor_child_metrics_dropped": set(),
    "supervisor_kills": {"step"},
    "supervisor_zygote_generation": set(),
    "supervisor_loop_lag_latency": {"loop"},
    "supervisor_leaked_workflow_threads": set(),
    "sticky_cache_hit": set(),
    "sticky_cache_miss": set(),
    "sticky_cache_size": set(),
    "sticky_cache_total_forced_eviction": set(),
    "supervisor_cache_bytes": set(),
    "supervisor_user_metrics_refused": {"reason"},
}


@pytest.fixture
def worker(start):
    return start("activities", "workflows", "coroutines", "--children", "2", *METRICS)


@pytest.fixture
def scraper(worker):
    return Scraper(worker)


def test_what_a_worker_does_is_counted_under_the_usual_names(server, worker, scraper, queue):
    for _ in range(3):
        server.call("say_hello", "World", queue=queue).result()
    server.call("throw_error", "no", queue=queue, how=ONCE).failure()
    server.call("no_such_thing", queue=queue, how=ONCE).failure()
    scraper.wait_for_value(3, "temporal_workflow_completed", workflow_type="Call")
    scraper.wait_for_value(2, "temporal_workflow_failed", workflow_type="Call")
    series = scraper.series()

    def value(name, **labels):
        return sum(v for own, v in series[f"temporal_{name}"] if labels.items() <= own.items())

    hello = {"activity_type": "say_hello", "workflow_type": "Call", "eager": "true"}
    assert value("activity_task_received", **hello) == 3
    assert value("activity_execution_latency_count", **hello) == 3
    assert value("activity_schedule_to_start_latency_count", **hello) == 3
    assert value("activity_succeed_endtoend_latency_count", **hello) == 3
    assert value("activity_execution_failed", **hello) == 0
    assert value("activity_execution_failed", activity_type="throw_error") == 1
    assert value("unregistered_activity_invocation", activity_type="no_such_thing") == 1
    assert value("workflow_task_execution_latency_count", workflow_type="Call") == 10
    assert value("workflow_task_queue_poll_succeed") == 10
    assert value("worker_start") == 1
    assert value("num_pollers", poller_type="activity_task") == 1  # of two places one is left to what comes without a poll
    assert value("num_pollers", poller_type="workflow_task") == 5
    assert value("worker_task_slots_used", worker_type="WorkflowWorker") == 0
    assert value("worker_task_slots_available", worker_type="WorkflowWorker") == 100
    assert value("supervisor_children") == value("supervisor_children", state="idle") == 2
    assert value("supervisor_child_starts") == 2


def test_K019_every_metric_has_its_usual_name_and_labels(server, worker, scraper, queue):
    server.call("say_hello", "World", queue=queue).result()
    server.call("no_such_thing", queue=queue, how=ONCE).failure()
    scraper.wait_for_value(1, "temporal_workflow_failed", workflow_type="Call")
    everywhere = {"namespace": "default", "task_queue": queue, "service_name": "temporal-supervisor"}
    seen = {}
    for name, rows in scraper.series().items():
        for labels, _ in rows:
            assert everywhere.items() <= labels.items(), name
            family = re.sub("(?<=_latency)_(bucket|sum|count)$", "", name).removeprefix("temporal_")
            seen.setdefault(family, set()).update(labels.keys() - everywhere.keys() - {"le"})
    # Whether a poll was empty, or a call failed, is the server's choice.
    chance = {"request_failure"} - seen.keys()
    assert seen == {name: labels for name, labels in NAMES.items() if name not in chance}


def test_K019_calls_to_the_server_are_counted_and_failures_by_their_code(server, worker, scraper, queue, folder):
    calls = "temporal_request", "RespondActivityTaskCompleted"
    server.call("say_hello", "World", queue=queue).result()
    scraper.wait_for_value(1, calls[0], operation=calls[1])
    assert scraper.value(calls[0] + "_latency_count", operation=calls[1]) == 1
    assert scraper.value("temporal_request", operation="PollActivityTaskQueue") is None
    scraper.wait_for_value(1, "temporal_long_request", operation="PollActivityTaskQueue")
    # Nobody waits for the result of an activity whose workflow is gone.
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    run.terminate()
    (folder / "release").touch()
    scraper.wait_for_value(1, "temporal_request_failure", operation=calls[1], status_code="NOT_FOUND")


def test_OB2_prefix_unit_labels_and_buckets_are_as_asked_for(server, start, queue):
    worker = start("activities", "workflows", "--children", "1", *METRICS, "--metrics-prefix", "shop_",
                   "--metrics-unit", "s", "--metrics-label", "region=eu", "--metrics-buckets",
                   "shop_activity_execution_latency=0.000001,60")
    scraper = Scraper(worker)
    server.call("say_hello", "World", queue=queue).result()
    series = scraper.series()
    assert all(name.startswith("shop_") for name in series)
    assert all(labels["region"] == "eu" for rows in series.values() for labels, _ in rows)
    buckets = {labels["le"]: count for labels, count in series["shop_activity_execution_latency_bucket"]}
    assert buckets == {"1e-06": 0, "60": 1, "+Inf": 1}


def test_AX25_each_queue_has_its_own_metrics_in_one_process(server, start, queue, tmp_path):
    (tmp_path / "worker.toml").write_text(f"""
children = 1
metrics = "127.0.0.1:0"
metrics_label = ["region=eu", "zone=b"]
[[worker]]
task_queue = "{queue}-hello"
module = "{module('hello')}"
[[worker]]
task_queue = "{queue}-homes"
modules = ["{module('workflows')}", "{module('activities')}"]
""")
    worker = start("--config", str(tmp_path / "worker.toml"), queue=None, wait=False)
    scraper = Scraper(worker)
    scraper.wait_for_status(200, "/readyz")
    assert server.start("SayHello", "one", queue=f"{queue}-hello").result() == "Hello, one!"
    labels = {"region": "eu", "zone": "b", "namespace": "default"}
    for name, count in (("hello", 1), ("homes", 0)):
        scraper.wait_for_value(count, "temporal_workflow_completed" if count else "temporal_supervisor_kills",
                               task_queue=f"{queue}-{name}", **labels)
        assert scraper.value("temporal_supervisor_children", task_queue=f"{queue}-{name}", state="idle") == 1
    # The connection is shared.
    rows = scraper.series()["temporal_request"]
    assert all(labels.items() <= own.items() and "task_queue" not in own for own, _ in rows)
    worker.stop()


def test_AX27_a_coroutine_that_blocks_its_loop_is_counted_by_its_type(server, start, queue):
    worker = start("homes", "workflows", "--children", "1", *METRICS)
    scraper = Scraper(worker)
    hog = server.call("hog_the_loop", 5_000, queue=queue)
    scraper.wait_for_value(1, "temporal_supervisor_loop_stalls", activity_type="hog_the_loop")
    assert hog.pending(), "it was counted only when it was over"
    assert hog.result() == 5_000
    wait_until("the lag was seen", lambda: scraper.value("temporal_supervisor_loop_lag_latency_sum", loop="user") > 4_500)
    assert scraper.value("temporal_supervisor_loop_lag_latency_count", loop="core") > 0


def test_E016_a_benign_failure_is_logged_at_debug_and_not_counted(server, worker, scraper, queue):
    server.call("refuse_as_expected", queue=queue, how=ONCE).failure()
    server.call("throw_error", "no", queue=queue, how=ONCE).failure()
    scraper.wait_for_value(1, "temporal_activity_execution_failed", activity_type="throw_error")
    assert scraper.value("temporal_activity_execution_failed", activity_type="refuse_as_expected") == 0
    assert scraper.value("temporal_activity_execution_latency_count", activity_type="refuse_as_expected") == 1
    assert worker.logged("an activity failed", type="NothingToDo")[0]["level"] == "debug"


def test_F019_logs_and_metrics_from_a_child_carry_activity_fields(server, worker, scraper, queue, folder):
    run = server.call("render", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    own = {"activity_type": "render", "workflow_type": "Call", "task_queue": queue, "namespace": "default"}
    wait_until("what runs is seen", lambda: (scraper.value("test_pages", format="pdf", **own) or 0) > 0)
    assert scraper.value("temporal_worker_task_slots_used", worker_type="ActivityWorker") == 1
    assert scraper.value("temporal_worker_task_slots_available", worker_type="ActivityWorker") == 99
    assert scraper.value("temporal_supervisor_children", state="busy") == 1
    (folder / "release").touch()
    assert run.result() == "rendered"
    scraper.wait_for_value(1000, "test_pages", format="pdf", **own)
    assert scraper.value("test_queue_length", **own) == 7
    assert scraper.value("test_page_bytes_count", **own) == 1000
    assert scraper.value("test_page_bytes_sum", **own) == 499500
    assert scraper.value("test_page_bytes_bucket", le="100", **own) == 101

    # What it must not say is counted, and harms nobody.
    assert scraper.value("temporal_activity_task_received", activity_type="render") == 1
    assert scraper.value("test_bad_label") is None
    assert scraper.value("temporal_supervisor_user_metrics_refused", reason="bad_name") == 1
    assert scraper.value("temporal_supervisor_user_metrics_refused", reason="bad_label") == 1
    assert scraper.value("temporal_supervisor_child_exits", reason="corrupt") is None

    line = worker.wait_for("rendered \ufffd", pages=1000)
    assert line["workflow_id"] == run.id and line["activity_type"] == "render" and line["attempt"] == 1


def test_F019_metrics_of_a_coroutine_carry_activity_fields(server, worker, scraper, queue):
    server.call("measure_later", queue=queue).result()
    assert scraper.value("test_steps", activity_type="measure_later", workflow_type="Call") == 2


def test_F019_the_example_counts_as_the_page_says(server, start, queue):
    scraper = Scraper(start("pages", "workflows", "--children", "1", *METRICS))
    assert server.call("render", 3, queue=queue).result() == 3
    labels = {"activity_type": "render", "format": "pdf", "namespace": "default", "service_name": "temporal-supervisor",
              "task_queue": queue, "workflow_type": "Call"}
    assert scraper.series()["pages_rendered"] == [(labels, 3)]


def test_what_a_child_measured_before_it_died_counts(server, worker, scraper, queue):
    server.call("measure_and_die", queue=queue, how=ONCE).failure()
    scraper.wait_for_value(1, "test_last_words", activity_type="measure_and_die")
    scraper.wait_for_value(1, "temporal_supervisor_child_exits", reason="killed")
    scraper.wait_for_value(3, "temporal_supervisor_child_starts")
    scraper.wait_for_value(2, "temporal_supervisor_children", state="idle")


def test_a_worker_is_ready_until_it_stops_and_says_why_not(server, worker, scraper, queue, folder):
    assert scraper.wait_for_status(200, "/readyz") == "ok\n"
    run = server.call("hold", str(folder), queue=queue)
    wait_until("the activity runs", lambda: list(folder.iterdir()))
    worker.signal()
    assert "stopping" in scraper.wait_for_status(503, "/readyz")
    assert scraper.get("/healthz") == (200, "ok\n")
    assert scraper.value("temporal_worker_task_slots_used", worker_type="ActivityWorker") == 1
    (folder / "release").touch()
    assert worker.ended() == 0
    assert run.id
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", scraper.port)) != 0


def test_a_worker_that_waits_for_its_server_is_healthy_but_not_ready(start, queue):
    port = free_port()
    worker = start("workflows", *METRICS, address=f"127.0.0.1:{port}", wait=False)
    scraper = Scraper(worker)
    assert "waiting for the server" in scraper.wait_for_status(503, "/readyz")
    assert scraper.get("/healthz")[0] == 200
    with DevServer(port) as server:
        scraper.wait_for_status(200, "/readyz")
        server.process.send_signal(signal.SIGKILL)
        assert "no connection" in scraper.wait_for_status(503, "/readyz")
        worker.finish()


def test_F008_a_worker_whose_children_all_die_is_not_ready(server, worker, scraper, queue):
    for _ in range(6):
        server.call("die_once", "kill", queue=queue, how=ONCE)
    assert "child" in scraper.wait_for_status(503, "/readyz")
    # A poll that was open already may bring one for each of the two children; no other is opened.
    waiting = [server.call("no_op", queue=queue) for _ in range(3)]
    for run in waiting:
        run.wait_for_event("ActivityTaskScheduled")

    def untaken():
        return [run for run in waiting if any(not p.HasField("last_started_time") for p in run.pending())]

    while scraper.get("/readyz")[0] == 503:
        left = untaken()
        if scraper.get("/readyz")[0] == 503:
            assert left, "all were taken, though no child stays alive"
    # Five deaths in a minute are the budget: it is ready when they are that long ago, and a child has started since.
    assert [run.result() for run in waiting] == [None] * 3
    assert [run.events("ActivityTaskStarted")[0].attempt for run in waiting] == [1] * 3


def test_a_metrics_port_that_somebody_has_refuses_the_start(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        worker = start("workflows", "--metrics", address, wait=False)
        assert worker.ended() == 2
    assert worker.errors() == [
        f"cannot serve metrics at {address}: Address already in use; name another address or port with --metrics"]


@pytest.mark.parametrize("address", ["9464", "127.0.0.1", "example.com:9464", "127.0.0.1:70000"])
def test_a_metrics_address_that_is_none_is_a_usage_error(start, address):
    worker = start("workflows", "--metrics", address, wait=False)
    assert worker.ended() == 2
    assert "--metrics" in worker.errors()[0]


def test_without_the_flag_nothing_listens(start):
    assert not start("workflows").logged("metrics are served")


def test_the_zygote_and_the_children_do_not_hold_the_port(server, worker, scraper, queue):
    """Else it would stay taken when the worker is replaced."""
    inode = f"{scraper.port:04X}"
    with open("/proc/net/tcp") as table:
        sockets = {f"socket:[{line.split()[9]}]" for line in table
                   if line.split()[1].endswith(":" + inode) and line.split()[3] == "0A"}
    assert len(sockets) == 1
    for pid in worker.processes():
        held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert not held & sockets
