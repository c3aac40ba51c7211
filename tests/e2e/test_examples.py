# SPDX-License-Identifier: MIT
"""The examples under tests/examples do what their comments say, with a real service beside the real server."""

import os
import subprocess
import urllib.request

import pytest
from harness.waiting import wait_until
from harness.worker import BUILD

FORMS = ["function", "method", "coroutine"]


class Service:
    def __init__(self, *flags, port="0"):
        self.process = subprocess.Popen([BUILD / "tests/examples/greeting_service", "--port", port, *flags],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = self.url.rpartition(":")[2]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
            self.process.stdout.close()


@pytest.fixture
def service():
    """service("--busy", "2") starts the greeting service."""
    running = []

    def start_service(*flags, **more):
        running.append(Service(*flags, **more))
        return running[-1]

    yield start_service
    for one in running:
        one.stop()


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def serve(start, form, service, *flags):
    return start(f"spanish_{form}", "--children", "1", *flags, environment={"GREETING_PORT": service.port})


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_what_is_sealed_is_stored_backwards_and_its_caller_is_in_a_header(start, server, queue):
    worker = start("sealed", "--children", "1")
    run = server.start("Greeting", "Ann", queue=queue)
    run.wait_for_event("WorkflowExecutionCompleted")
    scheduled, = run.events("ActivityTaskScheduled")
    assert scheduled.input.payloads[0].data == b'"nnA"'
    assert scheduled.header.fields["asked-by"].data == f'"{run.id}"'.encode()
    assert run.events("WorkflowExecutionCompleted")[0].result.payloads[0].data == b'"!nnA ,olleH"'
    assert worker.logged("calls", activity="greet")


def test_a_greeting_comes_from_the_service_whatever_the_name(server, start, queue, service, form):
    serve(start, form, service())
    for name in ("Ada", "Iñigo Montoya", "100 % & más = ?/#+"):
        assert server.start("GreetSomeone", name, queue=queue).result() == f"¡Hola, {name}!"


@pytest.mark.parametrize("form", ["function", "method"])
def test_a_plain_function_or_method_greets_from_a_thread_too(server, start, queue, service, form):
    worker = serve(start, form, service(), "--activity-executor", "threads")
    assert not worker.processes()
    assert server.start("GreetSomeone", "Ada", queue=queue).result() == "¡Hola, Ada!"


def test_a_service_in_trouble_is_asked_again_until_it_answers(server, start, queue, service, form):
    serve(start, form, service("--busy", "2"))
    run = server.start("GreetSomeone", "Ada", queue=queue)
    assert run.result() == "¡Hola, Ada!"
    begun = run.events("ActivityTaskStarted")[-1]
    assert begun.attempt == 3
    assert "503: not yet" in begun.last_failure.message
    assert begun.last_failure.application_failure_info.type == "HttpError"


def test_a_wrong_request_is_not_asked_again(server, start, queue, service, form):
    serve(start, form, service())
    run = server.start("GreetSomeone", "", queue=queue)
    run.failure()
    failed = run.events("ActivityTaskFailed")[0]
    assert "404" in failed.failure.message
    assert failed.failure.application_failure_info.non_retryable
    assert run.events("ActivityTaskStarted")[-1].attempt == 1


def test_a_service_that_is_away_is_asked_again_until_it_is_there(server, start, queue, service, form):
    first = service()
    serve(start, form, first)
    assert server.start("GreetSomeone", "Ada", queue=queue).result() == "¡Hola, Ada!"
    first.stop()
    run = server.start("GreetSomeone", "Eva", queue=queue)
    wait_until("it was refused once", lambda: [p for p in run.pending() if p.attempt > 1])
    service(port=first.port)
    assert run.result() == "¡Hola, Eva!"


def test_coroutines_share_connections(server, start, queue, service):
    shared = service()
    serve(start, "coroutine", shared, "--loop-threads", "2")
    greetings = server.start_many(60, "GreetSomeone", "Ada", queue=queue, at_a_time=20)
    assert greetings == ["¡Hola, Ada!"] * 60
    made = int(get(f"{shared.url}/connections")) - 1  # the last one is ours
    assert made < 60, "each call made a connection of its own"


def test_AC8_a_coroutine_cleans_up_after_its_cancellation(server, start, queue, tmp_path):
    start("tidy", "workflows", "--children", "1")
    lock = tmp_path / "lock"
    run = server.start("CancelActivity", "keep_the_lock", str(lock), queue=queue)
    wait_until("it keeps the lock", lock.exists)
    run.signal("cancel_it")
    assert run.result() == "cancelled: the lock is gone"
    assert not lock.exists()


def test_a_coroutine_that_blocks_is_named_while_it_blocks_and_its_mended_forms_are_not(server, start, queue):
    worker = start("blocking", "workflows", "--children", "1")
    assert server.call("block_the_loop", 1500, queue=queue).result() == 1500
    said = worker.wait_for_stall()
    assert said["activity_type"] == "block_the_loop"
    assert "ask_the_old_library" in str(said["stack"])
    for mended in ("wait_on_a_thread", "wait_in_a_child"):
        assert server.call(mended, 1500, queue=queue).result() == 1500
    assert {line.get("activity_type") for line in worker.stalls()} == {"block_the_loop"}


def test_a_farm_counts_right_with_all_its_children(server, start, queue):
    worker = start("farm", "--children", "3")

    def every_child_had_a_part():
        """Parts are short: two children may be done with all of them before a third is asked."""
        run = server.start("CountPrimes", 300_000, 12, queue=queue)
        assert run.result() == 25_997
        return len({line["pid"] for line in worker.logged("an activity runs in a child")}) == 3

    wait_until("every child had a part", every_child_had_a_part)


def test_a_receipt_is_written_by_a_local_activity_and_names_the_shop(server, start, queue):
    start("receipts", "--children", "1", environment={"SHOP": "Smith's"})
    run = server.start("Receipt", "tea", 250, queue=queue)
    assert run.result() == "Smith's, tea: 250 cents"
    assert [m.marker_name for m in run.events("MarkerRecorded")] == ["core_local_activity"] * 2
    assert run.answered_tasks() == 1


def test_a_cart_is_asked_told_and_updated_while_it_is_open(server, start, queue):
    start("shop", "--children", "1")
    cart = server.start("Cart", queue=queue, id=f"{queue}-1")
    assert cart.update("add", {"sku": "tea", "quantity": 2}) == 1
    assert cart.refused_update("add", {"sku": "tea", "quantity": 0}).message == "quantity must be positive"
    assert cart.query("total_items") == 1
    cart.signal("check_out")
    assert cart.result() == f"{queue}-1 paid for 1"


def test_C003_C004_C005_a_client_in_cpp_shops_by_the_methods_of_the_workflows_class(server, start, queue):
    start("shop", "--children", "1")
    shopper = subprocess.run([BUILD / "tests/examples/shopper", f"{queue}-1", queue], text=True, timeout=60,
                             capture_output=True, env={**os.environ, "TEMPORAL_ADDRESS": server.address})
    assert shopper.stderr == "" and shopper.returncode == 0
    assert shopper.stdout.splitlines() == [
        "no milk: quantity must be positive", "1 item, the cart says 1", f"{queue}-1 paid for 1"]
