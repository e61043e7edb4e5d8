"""Whether a step costs the same at the end of a history of 25,000 events as at its beginning."""
import json
import time

import lib

EXECUTIONS = 3
EVENTS_PER_TURN = 9  # of the loop below: Task 5, Pass 2, Choice 2
TURNS = (25_000 - 100) // EVENTS_PER_TURN
BLOCK = 25  # turns that are timed together: timestamps have milliseconds


def loop(function):
    return {"StartAt": "Call", "States": {
        "Call": {"Type": "Task", "Resource": function, "ResultPath": None, "Next": "Count"},
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"},
        "More": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": TURNS, "Next": "Call"}], "Default": "Done"},
        "Done": {"Type": "Succeed"}}}


def call_times(client, execution):
    """When each Call was entered, in seconds; and the number of events."""
    times, count, token = [], 0, {}
    while True:
        page = client.get_execution_history(executionArn=execution, maxResults=1000, **token)
        count += len(page["events"])
        times += [e["timestamp"].timestamp() for e in page["events"] if e.get("stateEnteredEventDetails", {}).get("name") == "Call"]
        if "nextToken" not in page:
            return times, count
        token = {"nextToken": page["nextToken"]}


def run(client, machine):
    """One execution: (its events, seconds per turn in the first tenth, in the last)."""
    execution = client.start_execution(stateMachineArn=machine, input=json.dumps({"n": 0}))["executionArn"]
    deadline = time.monotonic() + 300
    while (status := client.describe_execution(executionArn=execution)["status"]) == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.25)
    if status != "SUCCEEDED":
        raise SystemExit(f"the execution of {TURNS} turns is {status}")
    times, count = call_times(client, execution)
    blocks = [(times[i + BLOCK] - times[i]) / BLOCK for i in range(0, len(times) - BLOCK, BLOCK)]
    tenth = len(blocks) // 10
    return count, lib.median(blocks[:tenth]), lib.median(blocks[-tenth:])


def measure(figures, where, seconds):
    with lib.new_server(where) as server:
        machine = lib.create_machine(server, "loop", loop(lib.deploy_native(server)))
        client = server.client("stepfunctions")
        runs = [run(client, machine) for _ in range(EXECUTIONS)]
    figures.note("history", runs[0][0], "events")
    figures.note("a turn of Task, Pass and Choice, first tenth", lib.median(r[1] for r in runs) * 1e6, "us")
    figures.note("a turn of Task, Pass and Choice, last tenth", lib.median(r[2] for r in runs) * 1e6, "us")
    figures.add("history of 25,000 events: last tenth / first", lib.median(r[2] / r[1] for r in runs), "ratio", 1.3)
