# SPDX-License-Identifier: MIT
"""Workers behind a codec, and interceptors that hand on what a caller attached."""

import copy
import uuid

import pytest
from harness import backwards
from harness.replaying import replays
from harness.server import Run


@pytest.fixture
def coded(server, start, queue):
    """Starts a workflow of the module by a client with the same codec. The worker runs beside it."""
    def begin(workflow, *args, flags=(), interceptors=()):
        begin.worker = start("coded", "--children", "1", *flags)
        view = copy.copy(server)
        view.client = server.run(backwards.connect(server.address, interceptors))
        handle = server.run(view.client.start_workflow(
            workflow, args=args, id=f"{queue}-{uuid.uuid4().hex[:8]}", task_queue=queue))
        return Run(view, handle)

    return begin


def stored(payload):
    return payload.metadata["encoding"], payload.data


@pytest.mark.parametrize("header_codec", ["off", "on"])
def test_B032_headers_reach_all_that_is_called_and_pass_a_codec_at_most_once(coded, header_codec):
    run = coded("Traces", 1, flags=("--header-codec", header_codec),
                interceptors=[backwards.Tracing("abc", header_codec == "on")])
    assert run.query("phase") == "abc open"
    assert run.update("touch", "it") == "it touched"
    run.signal("finish")
    assert run.result() == ["abc"] * 5
    encoding = b"json/plain" if header_codec == "off" else backwards.ENCODING
    scheduled = run.events("ActivityTaskScheduled")
    assert [stored(s.header.fields["trace-id"])[0] for s in scheduled] == [encoding] * 2
    started, = run.events("WorkflowExecutionStarted")
    assert stored(started.header.fields["trace-id"])[0] == encoding
    assert replays("coded", run, flags=("--header-codec", header_codec))


def test_B032_without_an_attached_header_there_is_none(coded):
    run = coded("Traces", 0)
    run.signal("finish")
    assert run.result() == ["none"] * 5


def test_V024_X024_failures_memo_and_summaries_are_stored_coded_and_search_attributes_are_not(coded, server):
    server.define_search_attributes(CodedKeyword="Keyword")
    run = coded("Details")
    assert run.result() == "the fine print, near"
    failure = run.events("ActivityTaskFailed")[0].failure
    assert stored(failure.application_failure_info.details.payloads[0]) == (backwards.ENCODING, b'"tnirp enif eht"')
    upserted = run.events("UpsertWorkflowSearchAttributes")[0].search_attributes.indexed_fields["CodedKeyword"]
    assert stored(upserted) == (b"json/plain", b'"plain to see"')
    memo = run.events("WorkflowPropertiesModified")[0].upserted_memo.fields["note"]
    assert stored(memo) == (backwards.ENCODING, b'"omem a"')
    timer, = run.whole_events("TimerStarted")
    assert stored(timer.user_metadata.summary) == (backwards.ENCODING, b'"tser trohs a"')
    marker, = run.events("MarkerRecorded")
    assert stored(marker.details["result"].payloads[0]) == (backwards.ENCODING, b'"raen"')
    assert stored(marker.details["data"].payloads[0])[0] == b"json/plain"
    assert replays("coded", run)


def test_P007_an_activity_whose_payloads_the_codec_refuses_fails_with_its_reason(coded):
    run = coded("Keeps", "what")
    assert run.result() == "the payload codec failed while encoding: the key for this is gone"


def test_P007_an_activity_whose_arguments_cannot_be_decoded_fails_and_so_does_a_workflow(coded):
    run = coded("Traced", "unreadable")
    failed = run.wait_for_event("WorkflowTaskFailed")
    assert failed.failure.message == "the payload codec failed while decoding: the key for this is lost"
    run.terminate()


def test_P007_a_workflow_whose_result_cannot_be_encoded_fails_its_task(coded):
    run = coded("Spills")
    failed = run.wait_for_event("WorkflowTaskFailed")
    assert "the payload codec failed while encoding: the key for this is gone" in failed.failure.message
    run.terminate()


def test_P015_a_codec_that_never_returns_holds_up_nobody_else_and_no_stop(coded, queue):
    run = coded("Traced", "for ever", flags=("--grace", "1s"))
    run.wait_for_event("WorkflowTaskStarted")
    others = [run.server.start("Traced", "fine", queue=queue) for _ in range(5)]
    assert [other.result() for other in others] == ["none"] * 5
    coded.worker.wait_for("a payload codec has been at one message for 10 s; its task waits for it, and holds its place")
    coded.worker.stop()
    run.terminate()


def test_a_worker_behind_a_codec_reads_what_is_older_than_it(server, start, queue):
    start("coded", "--children", "1")
    run = server.start("Keeps", "plain", queue=queue)
    run.wait_for_event("WorkflowExecutionCompleted")
    assert stored(run.events("WorkflowExecutionStarted")[0].input.payloads[0])[0] == b"json/plain"
    assert stored(run.events("WorkflowExecutionCompleted")[0].result.payloads[0])[0] == backwards.ENCODING
