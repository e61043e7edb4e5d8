#!/usr/bin/env python3
"""Express state machines in a running server: nothing is written, and what a stop, a crowd or a client that goes away does."""
import contextlib
import io
import json
import socket
import threading
import time
import unittest
import unittest.mock
import urllib.request
import zipfile

from clients import ROLE, botocore
from server import Server

SECONDS = 30
SOURCE = """
tries = 0
def handler(event, context):
    global tries
    tries += 1
    if event["fails"] >= tries:
        raise ValueError("not yet")
    return {"tries": tries}
"""


def machine(**states):
    return {"StartAt": next(iter(states)), "States": states}


PASSING = machine(P={"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id", "in.$": "$"}, "End": True})
RESTING = machine(W={"Type": "Wait", "Seconds": 60, "End": True})
BRIEF = machine(W={"Type": "Wait", "Seconds": 1, "End": True})
FAILING = machine(F={"Type": "Fail", "Error": "Wrong", "Cause": "on purpose"})
ENDLESS = machine(A={"Type": "Pass", "Next": "B"}, C={"Type": "Succeed"},
                  B={"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "C"}], "Default": "A"})


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"gave up waiting for {what}")
        time.sleep(0.01)


def metric(server, name):
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as reply:
        return next(float(line.split()[1]) for line in reply.read().decode().splitlines() if line.startswith(name + " "))


def is_open(server):
    return metric(server, "tandem_transient_executions_open")


def stored(server):
    """Every file of the store with its size and time of change, but for the store's own diary."""
    files = (server.directory / "data/store").rglob("*")
    return {str(f): (f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file() and not f.name.startswith("LOG")}


class Express(unittest.TestCase):
    @contextlib.contextmanager
    def server(self, **limits):
        with contextlib.ExitStack() as stack:
            server = Server()
            if limits:
                config = server.directory / "tandem.toml"
                config.write_text("[limits]\n" + "".join(f"{name} = {value}\n" for name, value in limits.items()))
                server.arguments = ["--config", str(config)]
            stack.enter_context(server)
            self.client = server.client("stepfunctions", inject_host_prefix=False)
            yield server

    def create(self, definition, name="x", **more):
        return self.client.create_state_machine(name=name, definition=json.dumps({**definition, **more}), roleArn=ROLE, type="EXPRESS")["stateMachineArn"]

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        return raised.exception.response

    def test_nothing_is_written(self):
        with self.server() as server:
            arn = self.create(PASSING)
            before, syncs = stored(server), metric(server, "tandem_syncs_total")
            for n in range(100):
                ended = self.client.start_sync_execution(stateMachineArn=arn, name="same", input=json.dumps({"n": n}))
                self.assertEqual(json.loads(ended["output"]), {"id": ended["executionArn"], "in": {"n": n}})
                self.client.start_execution(stateMachineArn=arn, name="same")
            until(lambda: is_open(server) == 0, "the executions to end")
            self.assertEqual(metric(server, "tandem_transient_starts_total"), 200)
            self.assertEqual(metric(server, "tandem_syncs_total"), syncs)
            self.assertEqual(stored(server), before)

    def test_tasks_retries_and_ends(self):
        with self.server() as server:
            package = io.BytesIO()
            with zipfile.ZipFile(package, "w") as archive:
                archive.writestr("app.py", SOURCE)
            functions = server.client("lambda")
            function = functions.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="app.handler", Timeout=10,
                                                 Code={"ZipFile": package.getvalue()})["FunctionArn"]
            functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
            task = {"Type": "Task", "Resource": function, "End": True, "Retry": [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 2}]}
            ended = self.client.start_sync_execution(stateMachineArn=self.create(machine(T=task)), input='{"fails": 1}')
            self.assertEqual((ended["status"], ended["output"]), ("SUCCEEDED", '{"tries":2}'))
            self.assertGreaterEqual(ended["billingDetails"]["billedDurationInMilliseconds"], 1000)
            failed = self.client.start_sync_execution(stateMachineArn=self.create(FAILING, "failing"))
            self.assertEqual((failed["status"], failed["error"], failed["cause"]), ("FAILED", "Wrong", "on purpose"))
            self.assertNotIn("output", failed)
            late = self.client.start_sync_execution(stateMachineArn=self.create(RESTING, "resting", TimeoutSeconds=1))
            self.assertEqual((late["status"], late["error"]), ("TIMED_OUT", "States.Timeout"))
            # An endless loop has no history that could be full: it runs until its time is over, beside others.
            arn, ends = self.create(ENDLESS, "endless", TimeoutSeconds=3), []
            busy = threading.Thread(target=lambda: ends.append(self.client.start_sync_execution(stateMachineArn=arn)))
            busy.start()
            until(lambda: is_open(server) == 1, "the loop to begin")
            for _ in range(20):
                self.client.start_sync_execution(stateMachineArn=self.create(PASSING, "passing"))
            self.assertTrue(busy.is_alive())
            busy.join()
            self.assertEqual(ends[0]["status"], "TIMED_OUT")

    def test_logs_by_level(self):
        def log_of(level, data, definition, name):
            group = f"arn:aws:logs:us-east-1:123456789012:log-group:/states/{name}:*"
            logging = {"level": level, "includeExecutionData": data, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
            arn = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, type="EXPRESS",
                                                   loggingConfiguration=logging)["stateMachineArn"]
            ended = self.client.start_sync_execution(stateMachineArn=arn, input='{"a": 1}')
            file = server.directory / f"data/logs/~states~{name}.log"
            if level != "OFF":
                until(lambda: file.exists(), "the log")
            events = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
            self.assertEqual({event["execution_arn"] for event in events} - {ended["executionArn"]}, set())
            return events
        with self.server() as server:
            types = lambda events: [event["type"] for event in events]
            everything = log_of("ALL", True, PASSING, "all")
            self.assertEqual(types(everything), ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"])
            self.assertEqual([event["id"] for event in everything], ["1", "2", "3", "4"])
            self.assertEqual(everything[0]["details"]["input"], '{"a": 1}')
            self.assertNotIn("input", log_of("ALL", False, PASSING, "bare")[0]["details"])
            self.assertEqual(types(log_of("ERROR", True, FAILING, "error")), ["FailStateEntered", "ExecutionFailed"])
            self.assertEqual(types(log_of("FATAL", True, FAILING, "fatal")), ["ExecutionFailed"])
            self.assertEqual(log_of("OFF", True, FAILING, "off"), [])

    def test_a_crowd_is_refused(self):
        with self.server(transient_executions=3) as server:
            arn = self.create(BRIEF)
            for _ in range(3):
                self.client.start_execution(stateMachineArn=arn)
            for action in (self.client.start_execution, self.client.start_sync_execution):
                refused = self.refused("ThrottlingException", action, stateMachineArn=arn)
                self.assertEqual(refused["ResponseMetadata"]["HTTPStatusCode"], 429)
            until(lambda: is_open(server) == 0, "room")
            self.assertEqual(self.client.start_sync_execution(stateMachineArn=arn)["status"], "SUCCEEDED")

    def test_clients_that_go_away(self):
        with self.server() as server:
            arn = self.create(BRIEF)
            # What a client would send, caught before it leaves.
            sent = []
            self.client.meta.events.register("before-send.sfn.StartSyncExecution", lambda request, **_: sent.append(request))
            self.client.start_sync_execution(stateMachineArn=arn)
            head = "POST / HTTP/1.1\r\nHost: " + server.url.split("//")[1] + "\r\n"
            head += "".join(f"{name}: {value if isinstance(value, str) else value.decode()}\r\n" for name, value in sent[0].headers.items())
            host, port = server.url.split("//")[1].split(":")
            for _ in range(50):
                connection = socket.create_connection((host, int(port)))
                connection.sendall((head + "\r\n").encode() + sent[0].body)
                connection.close()
            until(lambda: metric(server, "tandem_transient_starts_total") == 51, "the executions to begin")
            until(lambda: is_open(server) == 0, "the executions to end")
            self.assertEqual(self.client.start_sync_execution(stateMachineArn=arn)["status"], "SUCCEEDED")

    def test_the_servers_stop_ends_them(self):
        with self.server(drain_timeout_ms=200) as server:
            arn = self.create(RESTING)
            self.client.start_execution(stateMachineArn=arn)
            lost = []

            def wait():
                try:
                    self.client.start_sync_execution(stateMachineArn=arn)
                except Exception as error:
                    lost.append(error)
            waiting = threading.Thread(target=wait)
            waiting.start()
            until(lambda: is_open(server) == 2, "both to begin")
            self.assertEqual(server.stop(), 0)
            waiting.join(SECONDS)
            self.assertEqual(len(lost), 1)
            server.start()
            self.assertEqual(is_open(server), 0)
            self.client = server.client("stepfunctions", inject_host_prefix=False)
            self.assertEqual(self.client.describe_state_machine(stateMachineArn=arn)["type"], "EXPRESS")
            self.client.delete_state_machine(stateMachineArn=arn)
            self.refused("StateMachineDoesNotExist", self.client.start_sync_execution, stateMachineArn=arn)

    def test_a_running_one_outlives_its_state_machine(self):
        with self.server() as server:
            arn, ended = self.create(BRIEF), []
            running = threading.Thread(target=lambda: ended.append(self.client.start_sync_execution(stateMachineArn=arn)))
            running.start()
            until(lambda: is_open(server) == 1, "it to begin")
            self.client.delete_state_machine(stateMachineArn=arn)
            self.refused("StateMachineDoesNotExist", self.client.describe_state_machine, stateMachineArn=arn)
            running.join()
            self.assertEqual(ended[0]["status"], "SUCCEEDED")

    def test_any_host_name_is_accepted(self):
        """A client that puts "sync-" before the host's name reaches the server where that name leads to it."""
        real = socket.getaddrinfo
        with self.server() as server:
            arn = self.create(PASSING)
            with unittest.mock.patch("socket.getaddrinfo", lambda host, *more: real(host.removeprefix("sync-"), *more)):
                ended = server.client("stepfunctions").start_sync_execution(stateMachineArn=arn)
            self.assertEqual(ended["status"], "SUCCEEDED")


if __name__ == "__main__":
    unittest.main(verbosity=2)
