# SPDX-License-Identifier: MIT
"""The server tells nobody that an activity has timed out: the worker must notice by itself."""

import pytest
from temporalio.exceptions import TimeoutError, TimeoutType


@pytest.mark.parametrize("how, kind", [
    ({"start_to_close_ms": 500}, TimeoutType.START_TO_CLOSE), ({"heartbeat_ms": 500}, TimeoutType.HEARTBEAT)],
    ids=["start_to_close", "heartbeat"])
def test_F018_an_activity_that_overran_its_timeout_gives_its_child_back(server, start, queue, folder, how, kind):
    worker = start("activities", "workflows", "--children", "1", "--term-grace", "200ms")
    run = server.call("ignore_everything", str(folder), queue=queue, how={**how, "attempts": 1})
    cause = run.failure().cause
    assert isinstance(cause, TimeoutError) and cause.type == kind
    # The only child is deaf to all but SIGKILL.
    assert server.call("say_hello", "next", queue=queue).result() == "Hello, next!"
    assert worker.logged("an activity overran its timeout; the server has given it up, so it is stopped", workflow_id=run.id)
