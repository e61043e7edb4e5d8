#!/usr/bin/env python3
"""The kill loop: SIGKILL at random moments under load, then every acknowledged execution must have ended
exactly once with a legal history, and every answer of an activity's worker that was acknowledged counts, once. TANDEM_CRASH_ROUNDS rounds (20), TANDEM_CRASH_SEED repeats a run.
"""
import collections
import io
import json
import os
import random
import sys
import threading
import time
import uuid
import zipfile

try:
    import boto3  # noqa: F401
    import botocore.exceptions
except ImportError:
    print("boto3 is not installed")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Server

ROUNDS = int(os.environ.get("TANDEM_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("TANDEM_CRASH_SEED", str(random.SystemRandom().randrange(1 << 30))))
STARTERS = 3
WORKERS = 2
FINISH_SECONDS = 300
CODE = "def lambda_handler(event, context):\n    return event['n'] * 2\n"
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "double", "Payload": {"n.$": "$.n"}},
        "ResultSelector": {"value.$": "$.Payload"}, "ResultPath": "$.r", "TimeoutSeconds": 60,
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 5, "IntervalSeconds": 1}]}
ITEM = {"StartAt": "Item", "States": {"Item": {**TASK, "OutputPath": "$.r.value", "End": True}}}
MACHINE = {"StartAt": "First", "States": {
    "First": {**TASK, "Next": "Pause"},
    "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Both"},
    "Both": {"Type": "Parallel", "Branches": [
        {"StartAt": "Left", "States": {"Left": {**TASK, "OutputPath": "$.r.value", "End": True}}},
        {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "Result": 1, "End": True}}}],
        "ResultPath": "$.both", "Next": "Each"},
    "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"n.$": "$$.Map.Item.Value"}, "ItemProcessor": ITEM,
             "ResultPath": "$.each", "Next": "End"},
    "End": {"Type": "Pass", "Parameters": {"first.$": "$.r.value", "both.$": "$.both", "each.$": "$.each"}, "End": True}}}
# The same states in JSONata: with variables, and over the items in any order, which a restart may not change.
SHUFFLED = {"Type": "Task", "Resource": TASK["Resource"], "TimeoutSeconds": 60, "Retry": TASK["Retry"],
            "Arguments": {"FunctionName": "double", "Payload": {"n": "{% $states.input.n %}"}}}
JSONATA = {"QueryLanguage": "JSONata", "StartAt": "First", "States": {
    "First": {**SHUFFLED, "Assign": {"first": "{% $states.result.Payload %}"}, "Output": "{% $states.input %}", "Next": "Pause"},
    "Pause": {"Type": "Wait", "Seconds": "{% $first >= 0 ? 1 : 0 %}", "Next": "Both"},
    "Both": {"Type": "Parallel", "Branches": [
        {"StartAt": "Left", "States": {"Left": {**SHUFFLED, "Output": "{% $states.result.Payload %}", "End": True}}},
        {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "Output": 1, "End": True}}}],
        "Assign": {"both": "{% $states.result %}"}, "Output": "{% $states.input %}", "Next": "Each"},
    "Each": {"Type": "Map", "Items": "{% $shuffle($states.input.items) %}", "MaxConcurrency": 1,
             "ItemSelector": {"n": "{% $states.context.Map.Item.Value %}"},
             "ItemProcessor": {"StartAt": "Item", "States": {
                 "Item": {**SHUFFLED, "Output": "{% $states.result.Payload %}", "End": True}}},
             "Output": "{% $sort($states.result) %}", "Next": "End"},
    "End": {"Type": "Pass", "Output": {"first": "{% $first %}", "both": "{% $both %}", "each": "{% $states.input %}"}, "End": True}}}
# What a worker had in hand when the server died is offered again once no sign of life has come.
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:chop"
CHOPPED = {"StartAt": "Chop", "States": {"Chop": {
    "Type": "Task", "Resource": ACTIVITY, "HeartbeatSeconds": 3, "ResultPath": "$.answer", "End": True,
    "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1000, "IntervalSeconds": 1, "BackoffRate": 1.0}]}}}
ANSWERS = {"TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskScheduleFailed"}
COUNTS = collections.Counter()
CLOSING = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}


def deploy(server):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("lambda_function.py", CODE)
    functions = server.client("lambda")
    role = "arn:aws:iam::123456789012:role/test"
    functions.create_function(FunctionName="double", Runtime="python3.11", Role=role, Handler="lambda_function.lambda_handler",
                              Timeout=30, Code={"ZipFile": buffer.getvalue()})
    functions.get_waiter("function_active_v2").wait(FunctionName="double")
    client = server.client("stepfunctions")
    client.create_activity(name="chop")
    return [client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
            for name, definition in (("loop", MACHINE), ("jsonata", JSONATA), ("chopped", CHOPPED))]


def start_until(client, machines, stop, acknowledged, rng):
    """Starts executions until told to stop; remembers those that the server said it had started."""
    while not stop.is_set():
        n = rng.randrange(1000)
        name = f"e{rng.getrandbits(64):016x}"
        request = {"n": n, "items": [n + 1, n + 2, n + 3], "name": name}
        try:
            reply = client.start_execution(stateMachineArn=rng.choice(machines), name=name, input=json.dumps(request))
            acknowledged.append((reply["executionArn"], n))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
            pass  # not acknowledged: it may exist or not
        stop.wait(0.02)


def work_until(client, stop, answered):
    """An activity's worker: remembers the answers that the server said it had taken, by the execution's name."""
    while not stop.is_set():
        try:
            task = client.get_activity_task(activityArn=ACTIVITY)
            if "taskToken" not in task:
                continue
            answer = uuid.uuid4().hex
            client.send_task_success(taskToken=task["taskToken"], output=json.dumps(answer))
            answered.append((json.loads(task["input"]).get("name"), answer))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
            stop.wait(0.02)


def problems_of_chopped(execution, events, answered):
    kinds = collections.Counter(e["type"] for e in events)
    found = []
    if kinds["ActivityScheduled"] != kinds["ActivitySucceeded"] + kinds["ActivityTimedOut"] or kinds["ActivitySucceeded"] != 1:
        found.append(f"events: {dict(kinds)}")
    if kinds["ActivityStarted"] != kinds["ActivityScheduled"]:
        found.append("a task was not taken once")  # without a worker it has no time that could be over
    acknowledged = [answer for name, answer in answered if name == execution["name"]]
    if len(acknowledged) > 1 or (acknowledged and json.loads(execution.get("output", "{}")).get("answer") != acknowledged[0]):
        found.append(f"acknowledged answers: {acknowledged}")
    if [e["type"] for e in events if e["type"] in CLOSING] != ["ExecutionSucceeded"]:
        found.append("it does not end exactly once in success")
    COUNTS["timed out"] += kinds["ActivityTimedOut"]
    COUNTS["acknowledged"] += len(acknowledged)
    return found


def problems_of(events):
    found = []
    if [e["id"] for e in events] != list(range(1, len(events) + 1)):
        found.append("ids are not 1..n")
    if any(e["previousEventId"] >= e["id"] for e in events):
        found.append("an event precedes its cause")
    if [e["type"] for e in events if e["type"] in CLOSING] != ["ExecutionSucceeded"] or events[-1]["type"] not in CLOSING:
        found.append("it does not end exactly once, at the end, in success")
    tasks = collections.Counter("scheduled" if e["type"] == "TaskScheduled" else "answered" for e in events
                                if e["type"] == "TaskScheduled" or e["type"] in ANSWERS)
    if tasks["scheduled"] != tasks["answered"]:
        found.append(f"tasks: {dict(tasks)}")
    entered = collections.Counter(e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e)
    exited = collections.Counter(e["stateExitedEventDetails"]["name"] for e in events if "stateExitedEventDetails" in e)
    if entered != exited or entered != {"First": 1, "Pause": 1, "Both": 1, "Left": 1, "Right": 1, "Each": 1, "Item": 3, "End": 1}:
        found.append(f"states entered {dict(entered)}, left {dict(exited)}")
    iterations = collections.Counter(e["mapIterationSucceededEventDetails"]["index"] for e in events if e["type"] == "MapIterationSucceeded")
    if iterations != {0: 1, 1: 1, 2: 1}:
        found.append(f"iterations succeeded: {dict(iterations)}")
    return found


def check(client, arn, n, answered):
    deadline = time.monotonic() + FINISH_SECONDS
    while True:
        execution = client.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING" or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    expected = {"first": 2 * n, "both": [2 * n, 1], "each": [2 * n + 2, 2 * n + 4, 2 * n + 6]}
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    is_chopped = ":chopped:" in arn
    found = problems_of_chopped(execution, events, answered) if is_chopped else problems_of(events)
    if execution["status"] != "SUCCEEDED" or not is_chopped and json.loads(execution["output"]) != expected:
        found.append(f"ended as {execution['status']} with {execution.get('output')}, {execution.get('cause')}")
    if found:
        print(json.dumps(events, default=str, indent=1))
        print(f"{arn}: " + "; ".join(found))
    return not found


def main():
    print(f"{ROUNDS} rounds, TANDEM_CRASH_SEED={SEED}", flush=True)
    rng = random.Random(SEED)
    acknowledged, answered = [], []
    with Server(tandem=sys.argv[1] if len(sys.argv) > 1 else None) as server:
        machines = deploy(server)
        for number in range(ROUNDS):
            stop = threading.Event()
            client = server.client("stepfunctions", connect_timeout=2, read_timeout=10)
            threads = [threading.Thread(target=start_until, args=(client, machines, stop, acknowledged, random.Random(rng.getrandbits(64))))
                       for _ in range(STARTERS)]
            threads += [threading.Thread(target=work_until, args=(client, stop, answered)) for _ in range(WORKERS)]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.05, 0.8))  # the moment of the crash is the input of this test
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            server.start()
        client, stop = server.client("stepfunctions"), threading.Event()
        workers = [threading.Thread(target=work_until, args=(server.client("stepfunctions", read_timeout=70), stop, answered)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        good = sum(check(client, arn, n, answered) for arn, n in acknowledged)
        stop.set()
        client.start_execution(stateMachineArn=machines[2], input="{}")  # the last polls end
        client.start_execution(stateMachineArn=machines[2], input="{}")
        for worker in workers:
            worker.join()
    print(f"{good} of {len(acknowledged)} acknowledged executions ended once, as they should; {COUNTS['acknowledged']} answers of "
          f"workers were taken, {COUNTS['timed out']} tasks were with a worker that the crash cut off")
    if not acknowledged or good != len(acknowledged):
        sys.exit(f"repeat: TANDEM_CRASH_SEED={SEED} TANDEM_CRASH_ROUNDS={ROUNDS} {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
