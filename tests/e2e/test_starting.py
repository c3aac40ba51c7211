# SPDX-License-Identifier: MIT
"""What is wrong at the start is said in one sentence, with an exit code that tells its kind."""

import subprocess

import pytest
from harness.scrape import Scraper
from harness.server import DevServer, free_port
from harness.waiting import wait_until
from harness.worker import SUPERVISOR, module


def refused(worker, code):
    assert worker.ended() == code, worker.errors()
    errors = worker.errors()
    assert len(errors) == 1, errors
    return errors[0]


def test_a_module_that_is_not_there(start):
    sentence = refused(start("/nowhere/libmissing.so", wait=False), 3)
    assert "/nowhere/libmissing.so" in sentence


def test_a_file_that_is_no_shared_object(start, tmp_path):
    text = tmp_path / "libtext.so"
    text.write_text("no shared object")
    assert "libtext.so" in refused(start(str(text), wait=False), 3)


def test_a_shared_object_that_is_no_module(start):
    sentence = refused(start("no_module", wait=False), 3)
    assert "TEMPORAL_EXPORT_MODULE" in sentence


@pytest.fixture
def slow(start, folder):
    """A worker whose object is being built, until there is a file `release`."""
    worker = start("slow_start", "workflows", "--metrics", "127.0.0.1:0", environment={"ARCHIVE": str(folder)}, wait=False)
    wait_until("the constructor runs", lambda: (folder / "opening").exists())
    return worker


def test_a_constructor_that_takes_its_time_keeps_nobody_else_waiting(server, slow, queue, folder):
    assert "homes of activities" in Scraper(slow).wait_for_status(503, "/readyz", 10)
    (folder / "release").touch()
    slow.wait_for("polling")
    assert server.call("look_up", queue=queue).result() == "found"
    assert not [e for e in slow.events if e.get("loop") == "core"], "it was taken for a stall of ours"


def test_a_constructor_that_never_ends_does_not_keep_the_worker_from_stopping(slow):
    assert slow.stop() < 20


def test_an_address_without_a_server(start):
    address = f"127.0.0.1:{free_port()}"
    sentence = refused(start("hello", "--connect-timeout", "1s", address=address, wait=False), 5)
    assert address in sentence


def test_a_server_that_comes_later_is_waited_for(start, queue):
    port = free_port()
    worker = start("hello", address=f"127.0.0.1:{port}", wait=False)
    worker.wait_for("waiting for the server")
    with DevServer(port) as late:
        worker.wait_for("polling", seconds=60)
        assert late.start("SayHello", "late", queue=queue).result() == "Hello, late!"
        worker.stop()


@pytest.mark.parametrize("flags, names", [
    (["--no-such-flag"], "--no-such-flag"), (["--children", "many"], "many"), (["--grace", "soon"], "soon")])
def test_a_flag_that_is_wrong(start, flags, names):
    assert names in refused(start("hello", *flags, wait=False), 2)


def test_no_task_queue(start):
    assert "--task-queue" in refused(start("hello", queue=None, wait=False), 2)


def test_a_namespace_that_does_not_exist(start):
    assert "no-such-namespace" in refused(start("hello", "--namespace", "no-such-namespace", wait=False), 2)


def test_no_children_for_activities_that_need_one(start):
    assert "say_hello" in refused(start("hello", "--children", "0", wait=False), 2)
    assert module("hello").exists()


def test_a_limit_of_descriptors_that_is_too_low_is_raised_or_said(server, start, queue, tmp_path):
    def limited(numbers):
        program = tmp_path / f"limited-{numbers.replace(' ', '-')}"
        program.write_text(f'#!/bin/bash\nulimit -S -n {numbers.split()[0]}; ulimit -H -n {numbers.split()[1]}\n'
                           f'exec "{SUPERVISOR}" "$@"\n')
        program.chmod(0o755)
        return program

    start("hello", "--children", "4", program=limited("40 4096"))
    assert server.start("SayHello", "World", queue=queue).result() == "Hello, World!"
    start("hello", "--children", "1000", "--workflows-only", program=limited("200 200"))
    start("hello", "--children", "1000", "--activity-executor", "threads", program=limited("200 200"))
    sentence = refused(start("hello", "--children", "4", program=limited("40 40"), wait=False), 2)
    assert "this process may open 40 descriptors" in sentence and "ulimit -n" in sentence


def test_lint_names_the_line_and_what_to_do(tmp_path):
    source = tmp_path / "charge.cpp"

    def lint():
        return subprocess.run([SUPERVISOR, "lint", source], capture_output=True, text=True, check=False)

    assert lint().returncode == 2
    source.write_text("Task<int> run(int n) {\n  co_return co_await charge(Item{n, \"tea\"});\n}\n")
    done = lint()
    assert done.returncode == 1
    assert done.stdout.startswith(f"{source}:2: `Item{{...}}` is destroyed twice by GCC 12 ")
    source.write_text("Task<int> run(int n) {\n  Item item{n, \"tea\"};\n  co_return co_await charge(item);\n}\n")
    done = lint()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
