# SPDX-License-Identifier: MIT
"""New code for activities in children, while they work: SIGHUP."""

import os
import shutil
import signal

import pytest
from harness import processes
from harness.control import Control
from harness.scrape import Scraper
from harness.waiting import wait_until
from harness.worker import BUILD, module

TAKEN = "reloaded: new tasks go to the modules as they are now"
DRAINED = "the children from before the reload are gone"
REFUSED = "the reload is refused, and tasks go on to the code that was there: "


class ModuleFile:
    """One path, whatever build lies there."""

    def __init__(self, folder):
        self.path = folder / "libreloading.so"
        self.put("1")

    def put(self, build):
        beside = self.path.with_suffix(".new")
        shutil.copy(module(f"reloading_{build}"), beside)
        beside.rename(self.path)

    def remove(self):
        self.path.unlink()

    def __str__(self):
        return str(self.path)


@pytest.fixture
def file(tmp_path):
    return ModuleFile(tmp_path)


def reload(worker):
    """Until new tasks go to what was put there."""
    known = len(worker.logged(TAKEN))
    worker.signal(signal.SIGHUP)
    return wait_until("the reload is through", lambda: worker.logged(TAKEN)[known:])[0]


def refused(worker):
    """Why."""
    def sentences():
        with worker.news:
            return [e for e in worker.events if e.get("message", "").startswith(REFUSED)]

    known = len(sentences())
    worker.signal(signal.SIGHUP)
    line = wait_until("the reload is refused", lambda: sentences()[known:])[0]
    assert line["level"] == "error"
    return line["message"].removeprefix(REFUSED), line


def children(worker):
    """By their pids, the parents of which are zygotes."""
    return {pid for pid in worker.processes() if processes.parent(pid) not in (None, worker.pid)}


def zygotes(worker):
    return {pid for pid in worker.processes() if processes.parent(pid) == worker.pid}


@pytest.mark.alone
def test_AX31_a_reload_with_1000_activities_in_flight_loses_none(server, start, queue, folder, file):
    worker = start("workflows", str(file), "--children", "8", "--max-cached-workflows", "2000",
                   "--max-concurrent-workflow-tasks", "50")
    held = [server.call("build_when_released", str(folder), queue=queue, how={"start_to_close_ms": 600_000}) for _ in range(8)]
    wait_until("all children are at work", lambda: len(list(folder.iterdir())) == 8)
    load = server.start_in_background(1_000, "Call", "build_after", {"start_to_close_ms": 60_000}, 50, queue=queue,
                                      at_a_time=1_000)
    wait_until("1,000 more are scheduled", lambda: worker.state()["cached_workflows"] >= 1_008, seconds=300)
    old = worker.processes()
    assert len(old) == 9

    file.put("2")
    line = reload(worker)
    assert line["still_running"] == 8
    assert line["build"] != line["last_build"]
    assert old <= worker.processes(), "somebody was not waited for"
    (folder / "release").touch()
    assert [run.result() for run in held] == [1] * 8
    worker.wait_for(DRAINED)
    wait_until("the old processes are gone", lambda: not old & worker.processes())

    # And back, while they are run as fast as they come.
    wait_until("some have run", lambda: len(worker.logged("an activity runs in a child")) > 100)
    old = worker.processes()
    file.put("1")
    reload(worker)
    assert not load.done()
    results = load.result(300)
    assert len(results) == 1_000
    assert set(results) == {1, 2}
    wait_until("these are gone too", lambda: not old & worker.processes())
    assert len(children(worker)) == 8
    assert len(zygotes(worker)) == 1
    assert server.call("build", queue=queue).result() == 1
    assert not worker.logged("an activity failed")
    assert not worker.logged("a child died")
    assert not worker.errors()


def test_LC10_an_operator_reloads_and_hears_what_came_of_it(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "1")
    control = Control(worker)
    file.put("2")
    assert "new tasks go to the modules as they are now" in control.say("reload")
    assert server.call("build", queue=queue).result() == 2
    file.put("less")
    assert "activity 'build'" in control.refused("reload")
    assert server.call("build", queue=queue).result() == 2


def test_AX31_a_module_that_does_not_load_or_lacks_a_type_leaves_the_old_one_serving(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "2")
    family = worker.processes()
    file.put("less")
    why, line = refused(worker)
    assert "activity 'build'" in why
    assert "(build " in why
    assert line["build"]
    assert server.call("build", queue=queue).result() == 1
    file.remove()
    assert "No such file or directory" in refused(worker)[0]
    file.path.write_text("no shared object")
    assert "cannot load module" in refused(worker)[0]
    assert server.call("build", queue=queue).result() == 1
    wait_until("the others are gone", lambda: worker.processes() == family)
    file.put("2")
    reload(worker)
    assert server.call("build", queue=queue).result() == 2


def test_AX31_many_hang_ups_at_once_end_in_the_code_that_is_there(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "2")
    file.put("2")
    for _ in range(20):
        worker.signal(signal.SIGHUP)
    worker.wait_for(TAKEN)
    assert server.call("build", queue=queue).result() == 2
    wait_until("one zygote with two children", lambda: len(zygotes(worker)) == 1 and len(children(worker)) == 2)
    assert not worker.errors()


def test_what_a_coroutine_hands_over_is_the_new_code_and_the_coroutine_the_old(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "1", "--offload-children", "1")
    assert server.call("both_builds", queue=queue).result() == "1 asked 1"
    file.put("2")
    reload(worker)
    assert server.call("both_builds", queue=queue).result() == "1 asked 2"


def test_a_crash_of_code_that_was_reloaded_is_not_named_by_other_code(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "1")

    def crash():
        run = server.call("crash_once", queue=queue)
        assert run.result() == "survived"
        failure = run.events("ActivityTaskStarted")[0].last_failure
        assert failure.application_failure_info.type == "ActivityProcessCrashed"
        return failure.message + failure.stack_trace

    assert "abort_in_this_build" in crash()
    file.put("2")
    reload(worker)
    told = crash()
    assert "SIGABRT" in told
    assert "reloading.cpp" not in told


def test_a_program_with_its_own_main_has_nothing_to_reload_and_says_so(server, start, queue):
    worker = start("--children", "1", program=BUILD / "tests/examples/own_worker")
    family = worker.processes()
    worker.signal(signal.SIGHUP)
    worker.wait_for("nothing is reloaded: the modules are part of this program; to load them anew, restart it")
    assert server.start("SayHello", "you", queue=queue).result() == "Hello, you!"
    assert worker.processes() == family


def test_a_zygote_whose_module_is_gone_makes_the_worker_unready_until_it_is_back(server, start, queue, file):
    worker = start("workflows", str(file), "--children", "2", "--metrics", "127.0.0.1:0")
    scraper = Scraper(worker)
    scraper.wait_for_status(200, "/readyz")
    file.remove()
    [zygote] = zygotes(worker)
    os.kill(zygote, signal.SIGKILL)
    assert "child" in scraper.wait_for_status(503, "/readyz")
    worker.wait_for("children die as fast as they are replaced: no more tasks are taken until one stays")
    waiting = [server.call("build", queue=queue) for _ in range(5)]
    for run in waiting:
        run.wait_for_event("ActivityTaskScheduled")
    # Polls that were open may have brought one for each child; no other is taken.
    taken = [run for run in waiting if any(p.HasField("last_started_time") for p in run.pending())]
    assert len(taken) <= 2
    assert scraper.get("/readyz")[0] == 503
    file.put("2")
    scraper.wait_for_status(200, "/readyz")
    assert [run.result() for run in waiting] == [2] * 5
    assert [run.events("ActivityTaskStarted")[0].attempt for run in waiting] == [1] * 5
    assert not worker.logged("an activity failed")
