# SPDX-License-Identifier: MIT
"""Our histories before another SDK's replayer, and altered ones before both."""

import json

import altering
import pytest
from harness.server import ROOT
from recordings import MODULES

# What earlier builds recorded, and the module that must still replay it. Dice has no twin.
RECORDED = {
    **{path.stem: ("histories", path) for path in sorted((ROOT / "tests/histories").glob("*.json")) if path.stem != "dice"},
    **{path.stem: (path.stem, path) for path in sorted((ROOT / "tests/interop/recorded").glob("*.json"))},
}


def read(name):
    return json.loads(RECORDED[name][1].read_text())


@pytest.mark.parametrize("name", MODULES)
def test_what_this_build_records_replays_here_and_there(fresh, ours, foreign, name):
    mine = ours(fresh[name], MODULES[name])
    assert mine.ok, mine.reason
    theirs = foreign(fresh[name])
    assert theirs.ok, theirs.reason


@pytest.mark.parametrize("name", RECORDED)
def test_what_earlier_builds_recorded_replays_here_and_there(ours, foreign, name):
    assert ours(read(name), RECORDED[name][0]).ok
    theirs = foreign(read(name))
    assert theirs.ok, theirs.reason


def refused_by_both_at(history, ours, theirs, event):
    assert not ours.ok and not theirs.ok
    assert "[TMPRL1100]" in ours.reason and "[TMPRL1100]" in theirs.reason
    assert ours.event == event, ours.reason
    assert theirs.event in (event, None), theirs.reason


ATTRIBUTES = [(altering.rename_activity, "say_goodbye"), (altering.give_the_activity_another_id, "seven")]
EVENTS = [altering.put_a_timer_in_place_of_the_activity, altering.add_a_timer]


@pytest.mark.parametrize("alter, value", ATTRIBUTES, ids=lambda x: getattr(x, "__name__", None))
@pytest.mark.parametrize("name", ["hello", "errand"])
def test_an_altered_attribute_is_refused_by_both(fresh, ours, foreign, name, alter, value):
    history = alter(altering.load(fresh[name]))
    event = int(altering.first(history, "ActivityTaskScheduled")["eventId"])
    theirs = foreign(history)
    refused_by_both_at(history, ours(history, name), theirs, event)
    assert f"'{value}'" in theirs.reason  # only that event holds it


@pytest.mark.parametrize("alter", EVENTS)
@pytest.mark.parametrize("name", ["hello", "errand"])
def test_an_event_that_the_code_does_not_cause_is_refused_by_both_by_its_id(fresh, ours, foreign, name, alter):
    history = alter(altering.load(fresh[name]))
    event = int(altering.first(history, "TimerStarted")["eventId"])
    theirs = foreign(history)
    refused_by_both_at(history, ours(history, name), theirs, event)
    assert theirs.event == event


def test_a_missing_activity_is_noticed_by_both_at_the_same_event(fresh, ours, foreign):
    history = altering.lose_the_activity(altering.load(fresh["hello"]))
    event = int(altering.first(history, "WorkflowExecutionCompleted")["eventId"])
    theirs = foreign(history)
    refused_by_both_at(history, ours(history, "hello"), theirs, event)
    assert theirs.event == event


@pytest.mark.parametrize("alter", EVENTS)
@pytest.mark.parametrize("name", ["errands", "greeting", "holding", "trip_cancelled"])
def test_altered_records_of_earlier_builds_are_refused_by_both_at_the_same_event(ours, foreign, name, alter):
    history = alter(altering.load(read(name)))
    theirs, mine = foreign(history), ours(history, RECORDED[name][0])
    assert not mine.ok and not theirs.ok
    assert mine.event == theirs.event is not None, (mine.reason, theirs.reason)


HOUSEHOLD = [altering.rename_the_patch, altering.lose_the_memo, altering.rename_the_child, altering.give_the_child_another_type]


@pytest.mark.parametrize("alter", HOUSEHOLD)
def test_an_altered_patch_memo_or_child_is_refused_by_both(fresh, ours, foreign, alter):
    history = alter(altering.load(fresh["household"]))
    mine, theirs = ours(history, "household"), foreign(history)
    assert not mine.ok and not theirs.ok
    assert "[TMPRL1100]" in mine.reason and "[TMPRL1100]" in theirs.reason, theirs.reason


LOCALS = [altering.rename_the_local_activity, altering.give_the_local_activity_another_id]


@pytest.mark.parametrize("alter", LOCALS)
@pytest.mark.parametrize("name", ["local_kinds", "local_retried_by_timer", "local_abandon"])
def test_an_altered_local_activity_is_refused_by_both(fresh, ours, foreign, name, alter):
    history = alter(altering.load(fresh[name]))
    event = int(altering.first(history, "MarkerRecorded")["eventId"])
    refused_by_both_at(history, ours(history, MODULES[name]), foreign(history), event)


@pytest.mark.parametrize("name", [*MODULES, *RECORDED])
def test_another_command_in_place_of_any_is_refused_by_both_at_that_event(fresh, ours, foreign, name):
    good, module = (fresh[name], MODULES[name]) if name in MODULES else (read(name), RECORDED[name][0])
    for event in altering.command_events(good):
        history = altering.put_another_command_in_place_of(altering.load(good), event["eventId"])
        mine, theirs = ours(history, module), foreign(history)
        assert not mine.ok and mine.event == int(event["eventId"]), (altering.kind(event), mine.reason)
        assert not theirs.ok and theirs.event in (mine.event, None), (altering.kind(event), theirs.reason)
