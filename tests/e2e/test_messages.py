# SPDX-License-Identifier: MIT
"""Signals, queries and updates of running workflows."""

import pytest
from temporalio.client import WithStartWorkflowOperation, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from harness.replaying import replays
from harness.waiting import wait_until

TEA = {"sku": "tea", "quantity": 2}


@pytest.fixture
def worker(start):
    return start("messages", "--children", "1")


@pytest.fixture
def cart(server, queue, worker):
    """An open cart. When the test is over, its history replays."""
    run = server.start("Cart", queue=queue)
    yield run
    replays("messages", run)


def why_no_answer(run, name, *args):
    with pytest.raises(WorkflowQueryFailedError) as refused:
        run.query(name, *args)
    return str(refused.value)


def test_Q001_G001_signals_and_queries_by_name_renamed_and_by_the_catch_all(cart):
    cart.signal("remark", "hello")
    cart.signal("unheard", 1, 2)
    assert cart.query("notes") == ["hello", "unheard/2"]
    assert cart.query("what", 1, 2, 3) == "what/3"
    assert cart.query("total_items") == 0
    cart.signal("check_out")
    assert cart.result() == []


def test_Q003_a_query_that_throws_fails_alone(cart, worker):
    assert "no such item" in why_no_answer(cart, "broken")
    assert cart.query("total_items") == 0
    assert not cart.events("WorkflowTaskFailed")


def test_Q002_an_unknown_query_lists_those_there_are(server, queue, worker):
    run = server.start("Once", queue=queue)
    assert "no query 'total'; known queries: __stack_trace" in why_no_answer(run, "total")
    assert run.update("ask") == "asked"


def test_Q004_a_run_that_is_over_answers(cart):
    cart.signal("remark", "bye")
    cart.signal("check_out")
    cart.result()
    assert cart.query("notes") == ["bye"]


def test_Q005_a_worker_that_never_saw_the_run_answers_from_its_history(server, queue, worker, cart, start):
    cart.update("add", TEA)
    worker.stop()
    start("messages", "--children", "1")
    assert cart.query("total_items") == 1
    cart.update("add", TEA)
    assert cart.query("total_items") == 2


def test_Q006_a_query_that_comes_with_news_sees_them(server, queue, worker, cart, start):
    cart.update("add_now", TEA)
    worker.stop()
    cart.signal("remark", "nobody was here")
    asked = server.run.begin(cart.handle.query("notes"))
    start("messages", "--children", "1")
    assert asked.result(60) == ["nobody was here"]


def test_Q007_Q012_queries_leave_the_run_as_it_was_however_many_come_at_once(server, cart, worker):
    cart.update("add_now", TEA)
    events, misses = len(cart.history()), worker.state()["cache_misses"]
    asked = [server.run.begin(cart.handle.query("total_items")) for _ in range(20)]
    assert {answer.result(60) for answer in asked} == {1}
    assert len(cart.history()) == events
    assert worker.state()["cache_misses"] == misses
    assert cart.update("add_now", TEA) == 2
    assert worker.state()["cache_misses"] == misses


def test_Q015_queries_of_runs_that_make_room_for_each_other_are_all_answered(server, queue, start):
    start("messages", "--children", "1", "--max-cached-workflows", "1")
    carts = [server.start("Cart", queue=queue) for _ in range(3)]
    for number, cart in enumerate(carts):
        for _ in range(number):
            cart.update("add_now", TEA)
    asked = [(number, server.run.begin(cart.handle.query("total_items")))
             for _ in range(10) for number, cart in enumerate(carts)]
    assert all(answer.result(60) == number for number, answer in asked)
    assert replays("messages", *carts)


def test_B026_B027_where_a_workflow_waits_and_what_it_offers(cart):
    cart.update("add", TEA)
    assert "Cart::run (" in cart.query("__stack_trace")
    metadata = cart.query("__temporal_workflow_metadata")
    assert (metadata.definition.type, metadata.current_details) == ("Cart", "an open cart")
    signals = {signal.name: signal.description for signal in metadata.definition.signal_definitions}
    assert signals["remark"] == "what somebody says" and "" in signals


def test_G003_a_signal_that_does_not_fit_is_dropped_with_a_line(cart, worker):
    cart.signal("remark", {"not": "text"})
    worker.wait_for("a signal was dropped: its arguments do not fit the handler", signal="remark")
    cart.signal("remark", "text")
    assert cart.query("notes") == ["text"]


def test_G009_a_failure_in_a_signals_handler_fails_the_workflow(cart):
    cart.signal("fail")
    assert (cart.failure().type, cart.failure().message) == ("Said", "somebody said so")


def test_D001_D017_an_update_answers_at_once_or_after_its_activity(cart):
    assert cart.update("add_now", TEA) == 1
    assert cart.update("add", TEA) == 300
    cart.signal("check_out")
    assert cart.result() == [TEA, TEA]


def test_D003_what_a_validator_turns_down_leaves_no_trace(cart):
    cart.update("add_now", TEA)
    before = len(cart.history())
    refused = cart.refused_update("add", {"sku": "tea", "quantity": 0})
    assert refused.message == "quantity must be positive"
    assert len(cart.history()) == before
    assert cart.update("add", TEA) == 300
    assert cart.query("total_items") == 2


def test_D002_D006_unknown_updates_and_arguments_that_do_not_fit_are_rejected(cart):
    assert "no update 'subtract'; known updates: add, add_now" in cart.refused_update("subtract", 1).message
    assert cart.refused_update("add_now", 7).message.startswith("Failed decoding arguments")
    assert cart.refused_update("add_now").message.startswith("Failed decoding arguments")


def test_D004_D005_a_failure_of_its_handler_is_the_updates_and_the_run_goes_on(cart):
    refused = cart.refused_update("refuse")
    assert (refused.type, refused.message) == ("Refused", "not today")
    assert type(cart.refused_update("cancel_itself")).__name__ == "CancelledError"
    assert cart.update("add_now", TEA) == 1


def test_D010_an_update_that_comes_before_the_worker_ends_the_run_in_its_first_task(server, queue, start):
    run = server.start("Once", queue=queue)
    asked = server.run.begin(run.handle.execute_update("ask"))
    start("messages", "--children", "1")
    assert asked.result(30) == "asked"
    assert run.result() == 1


def test_D012_the_same_update_id_is_one_update(cart):
    assert cart.update("add", TEA, id="once") == 300
    assert cart.update("add", TEA, id="once") == 300
    assert cart.query("total_items") == 1
    assert len(cart.events("WorkflowExecutionUpdateAccepted")) == 1


def test_D018_an_update_in_the_middle_of_its_work_survives_its_worker(server, queue, worker, cart, start):
    waiting = server.run.begin(cart.handle.execute_update("wait_for_note", id="patient"))
    cart.wait_for_event("WorkflowExecutionUpdateAccepted")
    worker.signal(9)
    worker.process.wait()
    start("messages", "--children", "1")
    cart.signal("remark", "at last")
    assert waiting.result(60) == "at last for patient"


def test_D025_handlers_hold_a_mutex_one_after_the_other(server, cart):
    asked = [server.run.begin(cart.handle.execute_update("add", args=[TEA])) for _ in range(10)]
    assert sorted(answer.result(60) for answer in asked) == [300 * i for i in range(1, 11)]


def test_D029_G011_who_waits_for_a_handler_that_is_cut_off_is_told_and_the_log_names_it(server, queue, worker):
    run = server.start("NeverDone", queue=queue)
    waiting = server.run.begin(run.handle.execute_update("for_ever", id="lost"))
    run.wait_for_event("WorkflowExecutionUpdateAccepted")
    run.signal("leave")
    run.result()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        waiting.result(30)
    assert failed.value.cause.type == "AcceptedUpdateCompletedWorkflow"
    [line] = wait_until("the log names it", lambda: [e for e in worker.events if "TMPRL1102" in e.get("message", "")])
    assert line["updates"] == [{"id": "lost", "name": "for_ever"}]


def test_D020_an_update_of_a_run_that_is_over_is_not_found(cart):
    cart.signal("check_out")
    cart.result()
    with pytest.raises(RPCError) as refused:
        cart.update("add_now", TEA)
    assert refused.value.status == RPCStatusCode.NOT_FOUND


def test_a_rejected_update_keeps_the_run_in_memory(cart, worker):
    cart.update("add_now", TEA)
    misses = worker.state()["cache_misses"]
    for _ in range(3):
        cart.refused_update("add", {"sku": "tea", "quantity": 0})
    assert cart.update("add_now", TEA) == 2
    assert worker.state()["cache_misses"] == misses
    assert not cart.events("WorkflowTaskFailed")


def test_D019_a_reset_applies_accepted_updates_again_and_drops_rejected_ones(server, cart):
    assert cart.update("add_now", TEA) == 1
    assert cart.refused_update("add", {"sku": "tea", "quantity": 0}).message == "quantity must be positive"
    [first, *_] = cart.whole_events("WorkflowTaskCompleted")
    again = cart.reset(first.event_id)
    wait_until("the update was applied again", lambda: again.events("WorkflowExecutionUpdateCompleted"))
    assert again.query("total_items") == 1
    assert len(again.events("WorkflowExecutionUpdateAccepted")) == 1


def test_D024_an_update_starts_its_workflow_or_meets_the_one_that_runs(server, queue, worker):
    def add(id, policy):
        start = WithStartWorkflowOperation("Cart", id=id, task_queue=queue, id_conflict_policy=policy)
        return server.run(server.client.execute_update_with_start_workflow("add_now", TEA, start_workflow_operation=start))

    assert add(f"{queue}-met", WorkflowIDConflictPolicy.FAIL) == 1
    assert add(f"{queue}-met", WorkflowIDConflictPolicy.USE_EXISTING) == 2
    with pytest.raises((RPCError, WorkflowAlreadyStartedError)):
        add(f"{queue}-met", WorkflowIDConflictPolicy.FAIL)
    server.run(server.client.get_workflow_handle(f"{queue}-met").terminate())
