"""Of the fault loop (slurm_crash.py): workflows whose tasks are functions in pilots. Each run of the function notes its begin and its end
in a file, with what names it: execution, state, attempt (RetryCount) and the request id, which names one call by one life of the server.

What users are promised (docs/agents.md), and what is checked here of each attempt that a history records:
- A call (a request id) begins at most once. An attempt is called again only by a server that was killed while the attempt was open.
- An answer that counts is that of a run which began and came to its end, and it counts once.
- A lost agent is Runtime.ExitError, and nothing else makes an attempt fail but the function itself.
- The next attempt begins after the one before was recorded as failed."""
import collections
import io
import json
import zipfile

from clients import ROLE

POOL = "pilots"
SOURCE = """
import os, time

def note(directory, run, text=""):
    with open(os.path.join(directory, run + ".new"), "w") as file:
        file.write(text)
    os.rename(os.path.join(directory, run + ".new"), os.path.join(directory, run))

class Wrong(Exception):
    pass

def handler(event, context):
    run = ".".join([event["execution"], event["state"], str(event["attempt"]), context.aws_request_id, os.environ["SLURM_JOB_ID"],
                    str(os.getpid()), str(time.time_ns())])
    note(event["notes"], run + ".begin")
    time.sleep(event["seconds"])
    note(event["notes"], run + ".end")
    if event["state"] == event["wrong"]:
        raise Wrong(run)
    return {"run": run}
"""
LOST = "Runtime.ExitError"
RETRIES = 50  # of an attempt that is lost; each fault loses one at most
STATES = ("First", "Second")
ENDS = ("TaskSucceeded", "TaskFailed")
CLOCK_SECONDS = 0.002  # histories are told in milliseconds

Run = collections.namedtuple("Run", "execution state attempt request job pid begun")
Attempt = collections.namedtuple("Attempt", "state number scheduled ended how error text")


def configuration(relay_port, drain_s):
    """Pilots that come and go all the time, and reach the server through the relay only."""
    return (f'callback_url = "http://127.0.0.1:{relay_port}"\n[agents]\nheartbeat_ms = 500\nresume_ms = 2000\n'
            f'[pools.{POOL}]\ncpus = 2\nmax_pilots = 3\nidle_s = 3\nwalltime_minutes = 1\nsuccessor_s = 20\ndrain_s = {drain_s}\n'
            "isolate = false\n")


def task(name, **more):
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": f"$.{name}", "ResultSelector": {"run.$": "$.Payload.run"},
            "Parameters": {"FunctionName": "noted", "Payload": {
                "execution.$": "$$.Execution.Name", "state.$": "$$.State.Name", "attempt.$": "$$.State.RetryCount",
                "notes.$": "$.notes", "seconds.$": "$.seconds", "wrong.$": "$.wrong"}},
            "Retry": [{"ErrorEquals": [LOST], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": RETRIES}], **more}


def deploy(server):
    """The state machine's ARN."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("lambda_function.py", SOURCE)
    server.client("lambda").create_function(
        FunctionName="noted", Runtime="python3.11", Role=ROLE, Handler="lambda_function.handler", Code={"ZipFile": buffer.getvalue()},
        Timeout=60, Tags={"tandem:pool": POOL})
    definition = {"StartAt": "First", "States": {"First": task("First", Next="Second"), "Second": task("Second", End=True)}}
    return server.client("stepfunctions").create_state_machine(name="calls", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]


def input_for(chance, notes):
    seconds = chance.choice([0, 0.2, chance.uniform(0, 4), chance.uniform(0, 4)])
    return json.dumps({"notes": str(notes), "seconds": seconds, "wrong": chance.choice(["", "", "", "First", "Second"])})


class Notes:
    """What the runs of the function have told."""

    def __init__(self, directory):
        self.begun = collections.defaultdict(list)  # by (execution, state, attempt)
        self.ended = set()
        for file in directory.iterdir():
            name, _, what = file.name.rpartition(".")
            if what == "end":
                self.ended.add(name)
            elif what == "begin":
                run = Run(*name.split("."))
                self.begun[run.execution, run.state, int(run.attempt)].append(run)
        self.executions = {key[0] for key in self.begun}


def attempts_of(events):
    """Those that a history records, in their order: one is recorded to have ended before the next is scheduled."""
    found, state, scheduled = [], None, None
    for event in events:
        kind = event["type"]
        if kind == "TaskStateEntered":
            state, number = event["stateEnteredEventDetails"]["name"], 0
        elif kind == "TaskScheduled":
            assert scheduled is None, events
            scheduled = event["timestamp"].timestamp()
        elif kind in ENDS:
            assert scheduled is not None, events
            detail = event["taskSucceededEventDetails" if kind == "TaskSucceeded" else "taskFailedEventDetails"]
            text = detail["output"] if kind == "TaskSucceeded" else detail["cause"]
            found.append(Attempt(state, number, scheduled, event["timestamp"].timestamp(), kind, detail.get("error"), text))
            scheduled, number = None, number + 1
    assert scheduled is None, events
    return found


class CallChecks:
    """Part of the test case."""

    def check_calls(self, begun, notes, kills):
        """begun: ARNs by name; kills: (from, to) of the server's deaths. How many attempts there were of which kind."""
        notes = Notes(notes)
        self.assertLessEqual(notes.executions, set(begun), "a call of an execution that nobody began")
        counts = collections.Counter()
        for name, arn in begun.items():
            self.check_execution(name, arn, notes, kills, counts)
        self.assertFalse(notes.begun, "attempts that began, and that no history records")
        return counts

    def check_execution(self, name, arn, notes, kills, counts):
        client = self.server.client("stepfunctions")
        found = client.describe_execution(executionArn=arn)
        events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        attempts = attempts_of(events)
        wrong = json.loads(found["input"])["wrong"]
        states = STATES[:STATES.index(wrong) + 1] if wrong else STATES
        self.assertEqual(list(dict.fromkeys(attempt.state for attempt in attempts)), list(states), events)
        self.assertEqual(sum(event["type"] in ("ExecutionSucceeded", "ExecutionFailed") for event in events), 1, events)
        self.assertEqual((found["status"], found.get("error")), ("FAILED", "Wrong") if wrong else ("SUCCEEDED", None), found)
        counted = []
        for before, attempt in zip([None, *attempts], attempts):
            runs = notes.begun.pop((name, attempt.state, attempt.number), [])
            counted.append(self.check_attempt(attempt, runs, notes, kills, events))
            if before and runs:
                self.assertGreaterEqual(min(int(run.begun) for run in runs) / 1e9, before.ended - CLOCK_SECONDS, (before, runs))
            counts[attempt.error or "succeeded"] += 1
            counts["runs"] += len(runs)
            counts["begun"] += bool(runs)
        for state in states:
            last = [attempt for attempt in attempts if attempt.state == state][-1]
            self.assertEqual((last.how, last.error), ("TaskFailed", "Wrong") if state == wrong else ("TaskSucceeded", None), events)
        if not wrong:
            output = json.loads(found["output"])
            self.assertEqual([output[state]["run"] for state in states], [run for run in counted if run], found)

    def check_attempt(self, attempt, runs, notes, kills, events):
        """The run whose answer counts, if one does."""
        requests = [run.request for run in runs]
        self.assertEqual(len(set(requests)), len(requests), ("a call began twice", runs))
        open_at = sum(attempt.scheduled <= end and begin <= attempt.ended for begin, end in kills)
        self.assertLessEqual(len(runs), 1 + open_at, ("called again, though the server was not killed", attempt, runs))
        if attempt.error == LOST:
            return None  # it may have been about to begin, or have come to its end without anybody's hearing of it
        self.assertIn(attempt.error, (None, "Wrong"), (attempt, events))
        answer = json.loads(attempt.text)
        run = answer["Payload"]["run"] if attempt.how == "TaskSucceeded" else answer["errorMessage"]
        self.assertIn(Run(*run.split(".")), runs, ("an answer without a run", attempt))
        self.assertIn(run, notes.ended, ("an answer of a run that did not come to its end", attempt))
        return run if attempt.how == "TaskSucceeded" else None
