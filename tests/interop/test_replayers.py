# SPDX-License-Identifier: MIT
"""Our histories before another SDK's replayer, and altered ones before both."""

import copy
import json
import re

import pytest
from harness.server import ROOT

RECORDED = sorted((ROOT / "tests/interop/recorded").glob("*.json"))


@pytest.fixture(scope="module")
def fresh(server, tmp_path_factory):
    """hello and errand, recorded just now by this build."""
    from harness.worker import Worker
    folder = tmp_path_factory.mktemp("fresh")
    for name in ("hello", "errand"):
        worker = Worker(name, home=folder / name, address=server.address, queue=f"interop-{name}")
        worker.wait_for("polling")
        if name == "hello":
            run = server.start("SayHello", "World", queue="interop-hello")
        else:
            run = server.start("Errand", "Ada", queue="interop-errand")
            run.wait_for_event("TimerFired")
            run.signal("visit", "Bob")
        run.result()
        (folder / f"{name}.json").write_text(run.export())
        worker.stop()
    return folder


def test_what_this_build_records_is_accepted_by_both(fresh, judge, replay):
    files = sorted(fresh.glob("*.json"))
    for verdict, file in zip(judge(files), files, strict=True):
        assert verdict["accepted"], verdict["message"]
        assert replay(file.stem, file)[0]


@pytest.mark.parametrize("file", RECORDED, ids=lambda f: f.stem)
def test_what_former_builds_recorded_still_replays(file, replay):
    accepted, said = replay(file.stem, file)
    assert accepted, said


def another_type(events):
    scheduled(events[4])["activityType"]["name"] = "say_bye"


def another_id(events):
    scheduled(events[4])["activityId"] = "7"


def a_timer_in_its_place(events):
    event = events[4]
    del event["activityTaskScheduledEventAttributes"]
    event["eventType"] = "EVENT_TYPE_TIMER_STARTED"
    event["timerStartedEventAttributes"] = {"timerId": "1", "startToFireTimeout": "1s"}
    del events[5:]


def nothing_in_its_place(events):
    events[4] = {**events[10], "eventId": "5"}
    del events[5:]


def scheduled(event):
    return event["activityTaskScheduledEventAttributes"]


# What both must say: the event's id where the foreign one gives it, else the two names that differ.
ALTERED = {
    another_type: ("say_bye", "say_hello"),
    another_id: ("'7'", "'1'"),
    a_timer_in_its_place: ("5", "TimerStarted"),
    nothing_in_its_place: ("5", "WorkflowExecutionCompleted"),
}


@pytest.mark.parametrize("alter", ALTERED, ids=lambda f: f.__name__)
def test_an_altered_history_is_refused_by_both_for_the_same_event(alter, judge, replay, tmp_path):
    history = json.loads((ROOT / "tests/interop/recorded/hello.json").read_text())
    altered = copy.deepcopy(history)
    alter(altered["events"])
    file = tmp_path / "altered.json"
    file.write_text(json.dumps(altered))
    accepted, ours = replay("hello", file)
    (theirs,) = judge([file])
    assert not accepted and not theirs["accepted"]
    assert "[TMPRL1100]" in ours and "[TMPRL1100]" in theirs["message"]
    assert "at event 5 " in ours
    named = re.search(r"HistoryEvent\(id: (\d+)", theirs["message"])
    assert not named or named[1] == "5"
    for word in ALTERED[alter]:
        assert word in ours and word in theirs["message"]
