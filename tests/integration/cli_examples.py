"""The functions and workflows that cli_test.py deploys."""

QUICK = "import time\ndef lambda_handler(event, context):\n    print('quick', event)\n    time.sleep(0.05)\n    return {'n': 1}\n"
FAILING = "def handler(event, context):\n    print('about to fail')\n    raise ValueError('not today')\n"
BOOTSTRAP = """#!/usr/bin/env python3
import os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        body, request_id = event.read(), event.headers["Lambda-Runtime-Aws-Request-Id"]
    urllib.request.urlopen(api + request_id + "/response", data=b'{"native":' + body + b"}").close()
"""


def task(function, **more):
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function}, **more}


def machine(*states, **more):
    """States in a row, each a (name, state)."""
    names = [name for name, _ in states]
    chained = {name: {**state, **({"Next": following} if following else {} if state["Type"] in ("Succeed", "Fail") else {"End": True})}
               for (name, state), following in zip(states, names[1:] + [None])}
    return {"StartAt": names[0], "States": chained, **more}


SWEEP = {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 8, "ResultPath": None, "ItemProcessor": machine(("Train", task("quick")))}
RETRIED = task("failing", Retry=[{"ErrorEquals": ["ValueError"], "IntervalSeconds": 290, "MaxAttempts": 2}])
# Comes to a rest: a timer, a retry that is pending, a Map that is done in a Parallel that is not.
RESTING = machine(("Prepare", {"Type": "Pass", "Parameters": {"items.$": "States.ArrayRange(1, 200, 1)"}}),
                  ("Both", {"Type": "Parallel", "Branches": [
                      machine(("Sweep", SWEEP)), machine(("Later", {"Type": "Wait", "Seconds": 590})), machine(("Flaky", RETRIED))]}),
                  ("Done", {"Type": "Succeed"}), TimeoutSeconds=3500)
CAUGHT = task("failing", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Nested"}])
PASSING = machine(("Items", {"Type": "Pass", "Result": {"items": [1, 2, 3]}}), ("Sweep", SWEEP), ("Caught", CAUGHT),
                  ("Nested", {"Type": "Parallel", "ResultPath": None, "Branches": [
                      machine(("Inner", {"Type": "Parallel", "Branches": [machine(("Deep", {"Type": "Pass"}))]})),
                      machine(("Tick", {"Type": "Wait", "Seconds": 2}))]}),
                  ("Ende gut 終", {"Type": "Pass", "Result": "x" * 5000}))
FAILED = machine(("Fan", {**SWEEP, "ItemProcessor": machine(("Bad", task("failing")))}))
SLEEPING = machine(("Sleep", {"Type": "Wait", "Seconds": 3}))
