# SPDX-License-Identifier: MIT
"""Histories as JSON, and what can be done to them so that no code fits them any more."""

import base64
import copy
import json
import re


def load(history):
    """A copy whose events may be changed."""
    return copy.deepcopy(history)


def attributes(event):
    return next(value for key, value in event.items() if key.endswith("EventAttributes"))


def kind(event):
    """As in ActivityTaskScheduled."""
    return "".join(word.capitalize() for word in event["eventType"].removeprefix("EVENT_TYPE_").split("_"))


def first(history, wanted):
    return next(event for event in history["events"] if kind(event) == wanted)


def number(history):
    """Numbers the events anew, and what refers to them."""
    new = {event["eventId"]: str(place) for place, event in enumerate(history["events"], 1)}

    def renumbered(value, key=""):
        if isinstance(value, dict):
            return {k: renumbered(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [renumbered(v, key) for v in value]
        return new.get(value, value) if re.search("[eE]ventId$", key) else value

    history["events"] = [renumbered(event) for event in history["events"]]
    return history


def rename_activity(history):
    attributes(first(history, "ActivityTaskScheduled"))["activityType"]["name"] = "say_goodbye"
    return history


def give_the_activity_another_id(history):
    attributes(first(history, "ActivityTaskScheduled"))["activityId"] = "seven"
    return history


def timer(like, identifier):
    """The events of a timer that fired, numbered after no other event."""
    completed = attributes(like)["workflowTaskCompletedEventId"]
    start = {"eventId": f"{identifier} started", "eventTime": like["eventTime"], "eventType": "EVENT_TYPE_TIMER_STARTED",
             "timerStartedEventAttributes": {
                 "timerId": identifier, "startToFireTimeout": "1s", "workflowTaskCompletedEventId": completed}}
    fired = {"eventId": f"{identifier} fired", "eventTime": like["eventTime"], "eventType": "EVENT_TYPE_TIMER_FIRED",
             "timerFiredEventAttributes": {"timerId": identifier, "startedEventId": f"{identifier} started"}}
    return start, fired


def put_a_timer_in_place_of_the_activity(history):
    events = history["events"]
    scheduled = first(history, "ActivityTaskScheduled")
    start, fired = timer(scheduled, "1")
    own = {scheduled["eventId"]} | {e["eventId"] for e in events
                                    if attributes(e).get("scheduledEventId") == scheduled["eventId"]
                                    and kind(e).startswith("ActivityTask")}
    changed = []
    for event in events:
        if event is scheduled:
            changed.append(start)
        elif event["eventId"] in own and kind(event) == "ActivityTaskCompleted":
            changed.append(fired)
        elif event["eventId"] not in own:
            changed.append(event)
    history["events"] = changed
    return number(history)


def add_a_timer(history):
    """Started after the activity was scheduled, fired before the activity started."""
    events = history["events"]
    scheduled = first(history, "ActivityTaskScheduled")
    place = events.index(scheduled)
    events[place + 1:place + 1] = timer(scheduled, "extra")
    return number(history)


def lose_the_activity(history):
    """Not scheduled, never done; what the workflow did with its result is still there."""
    scheduled = first(history, "ActivityTaskScheduled")["eventId"]
    history["events"] = [
        e for e in history["events"]
        if e["eventId"] != scheduled and not (
            kind(e).startswith("ActivityTask") and attributes(e).get("scheduledEventId") == scheduled)]
    return number(history)


def rename_the_patch(history):
    """The marker, whose data is JSON in base64."""
    data = attributes(first(history, "MarkerRecorded"))["details"]["patch-data"]["payloads"][0]
    data["data"] = base64.b64encode(b'{"id":"another","deprecated":false}').decode()
    return history


def lose_the_memo(history):
    lost = first(history, "WorkflowPropertiesModified")
    history["events"].remove(lost)
    return number(history)


def rename_the_child(history):
    attributes(first(history, "StartChildWorkflowExecutionInitiated"))["workflowId"] = "nobody"
    return history


def give_the_child_another_type(history):
    attributes(first(history, "StartChildWorkflowExecutionInitiated"))["workflowType"]["name"] = "Nobody"
    return history


def local_activity(history, **other):
    """The first marker of one says something else."""
    data = attributes(first(history, "MarkerRecorded"))["details"]["data"]["payloads"][0]
    told = json.loads(base64.b64decode(data["data"]))
    data["data"] = base64.b64encode(json.dumps(told | other).encode()).decode()
    return history


def rename_the_local_activity(history):
    return local_activity(history, activity_type="echo_echo")


def give_the_local_activity_another_id(history):
    return local_activity(history, activity_id="seven")


# What a command becomes.
COMMAND_EVENTS = {
    "ActivityTaskCancelRequested", "ActivityTaskScheduled", "MarkerRecorded", "RequestCancelExternalWorkflowExecutionInitiated",
    "SignalExternalWorkflowExecutionInitiated", "StartChildWorkflowExecutionInitiated", "TimerCanceled", "TimerStarted",
    "UpsertWorkflowSearchAttributes", "WorkflowExecutionCanceled", "WorkflowExecutionCompleted",
    "WorkflowExecutionContinuedAsNew", "WorkflowExecutionFailed", "WorkflowExecutionUpdateAccepted",
    "WorkflowExecutionUpdateCompleted", "WorkflowPropertiesModified",
}


def command_events(history):
    """The first of each kind."""
    events = {}
    for event in history["events"]:
        if kind(event) in COMMAND_EVENTS:
            events.setdefault(kind(event), event)
    return list(events.values())


def put_another_command_in_place_of(history, event_id):
    """A timer's start; an activity where a timer's start was."""
    events = history["events"]
    place = next(i for i, event in enumerate(events) if event["eventId"] == event_id)
    completed = next(event["eventId"] for event in reversed(events[:place]) if kind(event) == "WorkflowTaskCompleted")
    was = events[place]
    now = {"eventId": event_id, "eventTime": was["eventTime"], "taskId": was.get("taskId", event_id)}
    if kind(was) == "TimerStarted":
        now |= {"eventType": "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", "activityTaskScheduledEventAttributes": {
            "activityId": "altered", "activityType": {"name": "altered"}, "taskQueue": {"name": "altered"},
            "startToCloseTimeout": "1s", "workflowTaskCompletedEventId": completed}}
    else:
        now |= {"eventType": "EVENT_TYPE_TIMER_STARTED", "timerStartedEventAttributes": {
            "timerId": "altered", "startToFireTimeout": "1s", "workflowTaskCompletedEventId": completed}}
    events[place] = now
    return history
