# SPDX-License-Identifier: MIT
"""What this build records anew, on a real server, for both replayers."""

import pathlib
import tempfile


def errand(server):
    run = server.start("Errand", "World", queue="errand")
    run.signal("visit", "TypeScript")
    assert run.result() == "Hello, World! Hello, TypeScript!"
    return run


def ledger(server):
    """Updates that answer at once, after an activity, after a timer; one that fails and one that is turned down."""
    run = server.start("Ledger", queue="talks")
    assert run.update("add_now", 1) == 1
    assert run.update("add", 10) == 11
    assert run.refused_update("add", -5).message == "no negative numbers"
    run.update("add_later", 100)
    assert run.refused_update("refuse").message == "not today"
    assert run.query("total") == 111
    run.signal("close")
    assert run.result() == 111
    return run


def shielded(server):
    """Its activity ends after the cancellation."""
    run = server.start("Shielded", queue="talks")
    with tempfile.TemporaryDirectory() as folder:
        paid = pathlib.Path(folder) / "paid"
        run.signal("pay", str(paid))
        run.wait_for_event("ActivityTaskScheduled")
        run.cancel()
        run.wait_for_event("TimerCanceled")
        paid.touch()
        assert run.result() == "paid"
    return run


def undisturbed(workflow, *arguments, result, queue):
    """Recorded from its start to its result, and nobody talks to it."""
    def record(server):
        run = server.start(workflow, *arguments, queue=queue)
        assert run.result() == result
        return run

    return record


# What is recorded: by which module, which replays it, and how.
RECORDINGS = {
    "hello": ("hello", undisturbed("SayHello", "World", result="Hello, World!", queue="hello")),
    "errand": ("errand", errand),
    "ledger": ("talks", ledger),
    "in_time": ("talks", undisturbed("InTime", "World", result="Hello, World!", queue="talks")),
    "too_late": ("talks", undisturbed("TooLate", result="late", queue="talks")),
    "race": ("talks", undisturbed("Race", "World", result="Hello, World!", queue="talks")),
    "shielded": ("talks", shielded),
    "household": ("household", undisturbed(
        "Household", "smith", result="ate bread, none for the second, no third at all", queue="household")),
}
MODULES = {name: module for name, (module, _) in RECORDINGS.items()}
