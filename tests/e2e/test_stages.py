# SPDX-License-Identifier: MIT
"""Code that changes under its runs, and what runs say of themselves."""

from datetime import datetime, timedelta, timezone

import pytest
from harness.replaying import replay, replays
from harness.waiting import wait_until
from temporalio.common import (RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes)

TYPES = {"StageText": "Text", "StageKeyword": "Keyword", "StageInt": "Int", "StageDouble": "Double", "StageBool": "Bool",
         "StageDatetime": "Datetime", "StageList": "KeywordList"}


@pytest.fixture
def attributes(server):
    server.define_search_attributes(**TYPES)


def markers(run):
    return len(run.events("MarkerRecorded"))


def test_N013_each_stage_of_a_patch_carries_on_what_the_stages_before_began(server, start, queue, tmp_path):
    def begun(timers):
        """It waits for its signal."""
        run = server.start("Staged", queue=queue)
        wait_until("all was done that is to be done", lambda: len(run.events("TimerFired")) == timers
                   and run.answered_tasks() == timers + 1)
        return run

    worker = start("stages_1")
    old = begun(2)
    worker.stop()
    worker = start("stages_2")
    old.signal("go")
    assert old.result() == "old"
    assert markers(old) == 0
    patched = begun(1)
    assert markers(patched) == 1
    [upsert] = patched.events("UpsertWorkflowSearchAttributes")
    assert upsert.search_attributes.indexed_fields["TemporalChangeVersion"].data == b'["way"]'
    worker.stop()
    worker = start("stages_3")
    patched.signal("go")
    assert patched.result() == "new"
    deprecated = begun(1)
    worker.stop()
    start("stages_4")
    deprecated.signal("go")
    assert deprecated.result() == "new"
    assert replays("stages_1", old) and replays("stages_2", old)
    assert replays("stages_2", patched) and replays("stages_3", patched)
    assert replays("stages_2", deprecated) and replays("stages_3", deprecated) and replays("stages_4", deprecated)
    for run, stage in ((patched, "stages_4"), (patched, "stages_1"), (old, "stages_4")):
        file = tmp_path / "history.json"
        file.write_text(run.export())
        assert "[TMPRL1100]" in replay(stage, file).stdout


def test_B024_search_attributes_of_all_types(server, start, queue, attributes):
    start("stages_1")
    when = datetime(2024, 2, 29, 12, 30, 0, 250_000, tzinfo=timezone.utc)
    given = TypedSearchAttributes([
        SearchAttributePair(SearchAttributeKey.for_text("StageText"), "given"),
        SearchAttributePair(SearchAttributeKey.for_keyword("StageKeyword"), "k"),
        SearchAttributePair(SearchAttributeKey.for_int("StageInt"), 42),
        SearchAttributePair(SearchAttributeKey.for_float("StageDouble"), 1.5),
        SearchAttributePair(SearchAttributeKey.for_bool("StageBool"), False),
        SearchAttributePair(SearchAttributeKey.for_datetime("StageDatetime"), when),
        SearchAttributePair(SearchAttributeKey.for_keyword_list("StageList"), ["a", "b"])])
    run = server.start("Searchable", queue=queue, search_attributes=given)
    result = run.result()
    assert result["given"] == {"text": "given", "keyword": "k", "int": 42, "double": 1.5, "bool": False,
                               "datetime": int(when.timestamp() * 1000), "list": ["a", "b"]}
    changed = {"text": "a text", "keyword": "word", "double": 0.5, "bool": True, "datetime": 1_700_000_000_250,
               "list": ["x", "y"]}
    assert result["now"] == changed
    seen = server.run(run.handle.describe()).typed_search_attributes
    assert seen[SearchAttributeKey.for_text("StageText")] == "a text"
    assert seen[SearchAttributeKey.for_keyword_list("StageList")] == ["x", "y"]
    assert seen[SearchAttributeKey.for_datetime("StageDatetime")] == datetime.fromtimestamp(1_700_000_000.25, timezone.utc)
    assert SearchAttributeKey.for_int("StageInt") not in seen
    assert replays("stages_1", run)
    empty = server.start("Searchable", queue=queue)
    assert empty.result() == {"given": None, "now": changed}


def test_B023_a_memo_is_read_and_changed(server, start, queue):
    start("stages_1")
    run = server.start("Noted", queue=queue, memo={"note": "given"})
    assert run.result() == {"given": "given", "now": "none", "count": 3}
    assert server.run(server.run(run.handle.describe()).memo()) == {"count": 3}
    assert replays("stages_1", run)


def test_N006_what_the_next_run_takes_over(server, start, queue, attributes):
    start("stages_1")
    text = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_text("StageText"), "given")])
    settings = dict(queue=queue, memo={"note": "given"}, search_attributes=text, run_timeout=timedelta(seconds=60),
                    task_timeout=timedelta(seconds=5), retry_policy=RetryPolicy(maximum_attempts=3))
    run = server.start("Onward", "as it is", 0, **settings)
    assert run.result() == {"note": "given", "count": 3, "attributes": {"text": "given", "keyword": "changed"},
                            "run_timeout": 60, "task_timeout": 5, "queue": queue}
    [started] = run.events("WorkflowExecutionStarted")
    assert started.retry_policy.maximum_attempts == 3
    assert replays("stages_1", run) and replays("stages_1", run.first())


def test_N006_what_the_next_run_is_given_instead(server, start, queue, attributes):
    start("stages_1")
    text = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_text("StageText"), "given")])
    run = server.start("Onward", "anew", 0, queue=queue, memo={"old": 1}, search_attributes=text,
                       retry_policy=RetryPolicy(maximum_attempts=3))
    assert run.result() == {"note": "another", "count": 0, "attributes": {"text": "other"},
                            "run_timeout": 50, "task_timeout": 4, "queue": queue}
    [started] = run.events("WorkflowExecutionStarted")
    assert started.retry_policy.maximum_attempts == 5
    assert started.first_workflow_task_backoff.ToSeconds() == 1
    assert replays("stages_1", run) and replays("stages_1", run.first())


def test_N007_N009_a_handler_continues_a_run_that_has_things_under_way(server, start, queue):
    start("stages_1")
    run = server.start("Interrupted", 0, queue=queue)
    run.wait_for_event("ChildWorkflowExecutionStarted")
    run.signal("onward")
    assert run.result() == "second run"
    first = run.first()
    assert len(first.events("WorkflowExecutionContinuedAsNew")) == 1
    assert replays("stages_1", first) and replays("stages_1", run)


def test_N011_a_terminated_run_is_only_forgotten(server, start, queue):
    worker = start("stages_1")
    run = server.start("Staged", queue=queue)
    run.wait_for_event("TimerFired")
    run.terminate()
    run.wait_for_event("WorkflowExecutionTerminated")
    assert replays("stages_1", run)
    worker.stop()
    assert not worker.errors()
