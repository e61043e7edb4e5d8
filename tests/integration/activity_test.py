#!/usr/bin/env python3
"""Activities and task tokens in a running server: thousands of open polls, workers that hang up, crashes and stops."""
import base64
import concurrent.futures
import json
import os
import resource
import select
import shutil
import socket
import ssl
import statistics
import subprocess
import time
import unittest
import urllib.request

from clients import ROLE, botocore
from raw_client import RawClient, as_bytes, read_reply
from server import ROOT, Server

POLL_SECONDS = 60      # AWS's, and ours
POLLS_PER_ACTIVITY = 1_000
ACTIVITIES = 3
STARTS = 200
SLOWER = 6 if os.environ.get("TANDEM_SANITIZED") else 1
MEDIAN_S, WORST_S = 0.1 * SLOWER, 1.5 * SLOWER  # of StartExecution beside all those polls
SECONDS = 30


class Activities(unittest.TestCase):
    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.connect()

    def connect(self):
        self.client = self.server.client("stepfunctions", read_timeout=POLL_SECONDS + 10)
        self.raw = RawClient(self.server.ready, timeout_s=SECONDS)

    def activity(self, name="chop"):
        return self.client.create_activity(name=name)["activityArn"]

    def machine(self, activity, **more):
        task = {"Type": "Task", "Resource": activity, "End": True, **more}
        name = activity.rpartition(":")[2]
        return self.client.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps({"StartAt": "T", "States": {"T": task}}))["stateMachineArn"]

    def poll_bytes(self, activity):
        headers = (("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AWSStepFunctions.GetActivityTask"))
        return self.raw.signed("states", "POST", "/", as_bytes({"activityArn": activity}), headers)

    def open_poll(self, request, connection=None):
        connection = connection or self.raw.connect()
        connection.sendall(request)
        return connection

    def metric(self, name):
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=10) as reply:
            return next(float(line.split()[1]) for line in reply.read().decode().splitlines() if line.startswith(name + " "))

    def until(self, condition, what):
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"gave up waiting for {what}")
            time.sleep(0.01)

    def ended(self, execution):
        self.until(lambda: self.client.describe_execution(executionArn=execution)["status"] != "RUNNING", "the execution to end")
        return self.client.describe_execution(executionArn=execution)

    def test_thousands_of_polls_starve_nobody(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < ACTIVITIES * POLLS_PER_ACTIVITY + 500:
            self.skipTest(f"{hard} open files are too few")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        activities = [self.activity(f"a{n}") for n in range(ACTIVITIES)]
        machine = self.machine(activities[0])
        passing = self.client.create_state_machine(name="passing", roleArn=ROLE, definition=json.dumps(
            {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}))["stateMachineArn"]
        begun = time.monotonic()
        polls = {activity: [self.open_poll(self.poll_bytes(activity)) for _ in range(POLLS_PER_ACTIVITY)] for activity in activities}
        every = [connection for connections in polls.values() for connection in connections]
        self.addCleanup(lambda: [connection.close() for connection in every])
        self.until(lambda: self.metric("tandem_activity_pollers") == len(every), "all polls to be open")
        last = time.monotonic()
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            self.client.get_activity_task(activityArn=activities[0])
        self.assertEqual(refused.exception.response["Error"]["Code"], "ActivityWorkerLimitExceeded")
        took = []
        for n in range(STARTS):
            start = time.monotonic()
            self.client.start_execution(stateMachineArn=passing, input=json.dumps({"n": n}))
            took.append(time.monotonic() - start)
        print(f"StartExecution beside {len(every)} polls: median {statistics.median(took) * 1e3:.1f} ms, worst {max(took) * 1e3:.1f} ms")
        self.assertLess(statistics.median(took), MEDIAN_S)
        self.assertLess(max(took), WORST_S)
        # Each task goes to one of them at once, and each poll gets one.
        executions = [self.client.start_execution(stateMachineArn=machine, input=json.dumps({"n": n}))["executionArn"] for n in range(STARTS)]
        got = self.answers(polls[activities[0]], STARTS)
        self.assertEqual(sorted(json.loads(task["input"])["n"] for task in got), list(range(STARTS)))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda task: self.client.send_task_success(taskToken=task["taskToken"], output=task["input"]), got))
        for execution in executions:
            self.assertEqual(self.ended(execution)["status"], "SUCCEEDED")
        # The others hear after AWS's time that there was nothing.
        left = polls[activities[0]]
        self.assertLess(time.monotonic() - begun, POLL_SECONDS)
        for connection in every:
            connection.settimeout(POLL_SECONDS + SECONDS)
        self.assertEqual(read_reply(left[-1]).json(), {})
        self.assertGreaterEqual(time.monotonic() - begun, POLL_SECONDS)
        self.assertLess(time.monotonic() - last, POLL_SECONDS + 5)
        self.until(lambda: self.metric("tandem_activity_pollers") == 0, "all polls to end")
        for connection in [*left[:-1], *polls[activities[1]], *polls[activities[2]]]:
            self.assertEqual(read_reply(connection).body, b"{}")

    def answers(self, connections, count):
        """What the first `count` of them to be answered got; they are taken out of the list."""
        found, deadline = [], time.monotonic() + SECONDS
        poller = select.poll()
        by_number = {connection.fileno(): connection for connection in connections}
        for number in by_number:
            poller.register(number, select.POLLIN)
        while len(found) < count:
            self.assertLess(time.monotonic(), deadline, f"{len(found)} of {count} tasks were handed out")
            for number, _ in poller.poll(100):
                poller.unregister(number)
                found.append(read_reply(by_number[number]).json())
                connections.remove(by_number[number])
        return found

    def test_who_hangs_up_gets_no_task(self):
        activity = self.activity()
        machine, request = self.machine(activity), self.poll_bytes(activity)
        for closing in range(3):
            gone = [self.open_poll(request) for _ in range(20)]
            self.until(lambda: self.metric("tandem_activity_pollers") >= 20, "the polls")
            for connection in gone:
                if closing == 1:  # what was sent last lies before the end of the stream
                    connection.sendall(b"POST")
                if closing == 2:  # no reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\0" * 8)
                connection.close()
            there = self.open_poll(request)
            self.until(lambda: self.metric("tandem_activity_pollers") >= 21, "the poll")
            execution = self.client.start_execution(stateMachineArn=machine, input=str(closing))["executionArn"]
            task = read_reply(there).json()
            there.close()
            self.assertEqual(task["input"], str(closing))
            self.client.send_task_success(taskToken=task["taskToken"], output="1")
            self.assertEqual(self.ended(execution)["status"], "SUCCEEDED")
            self.until(lambda: self.metric("tandem_activity_pollers") == 0, "no poll to be left")

    def test_who_hangs_up_over_tls_gets_no_task(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make a certificate with")
        certificate, key = (str(self.server.directory / name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        activity = self.activity()
        machine = self.machine(activity)
        self.server.stop()
        self.server.arguments = ["--tls-certificate", certificate, "--tls-key", key]
        self.server.start()
        os.environ["AWS_CA_BUNDLE"] = certificate
        self.addCleanup(os.environ.pop, "AWS_CA_BUNDLE")
        self.connect()
        trusted = ssl.create_default_context(cafile=certificate)
        request = self.poll_bytes(activity)
        gone = [self.open_poll(request, trusted.wrap_socket(self.raw.connect(), server_hostname="127.0.0.1")) for _ in range(20)]
        there = self.open_poll(request, trusted.wrap_socket(self.raw.connect(), server_hostname="127.0.0.1"))
        time.sleep(0.5)  # they come in no order
        for n, connection in enumerate(gone):
            if n % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\0" * 8)
                connection.settimeout(0.05)
                try:
                    connection.unwrap()  # says that it goes, and does not wait for an answer
                except OSError:
                    pass
            connection.close()
        time.sleep(0.2)
        self.client.start_execution(stateMachineArn=machine, input="1")
        self.assertEqual(read_reply(there).json()["input"], "1")
        there.close()

    def test_a_crash_loses_no_task(self):
        activity = self.activity()
        machine = self.machine(activity)
        taken = self.client.start_execution(stateMachineArn=machine, input='"taken"')["executionArn"]
        token = self.client.get_activity_task(activityArn=activity)["taskToken"]
        queued = self.client.start_execution(stateMachineArn=machine, input='"queued"')["executionArn"]
        self.server.kill()
        self.server.start()
        self.connect()
        task = self.client.get_activity_task(activityArn=activity)
        self.assertEqual(task["input"], '"queued"')
        for one in (token, task["taskToken"]):
            self.client.send_task_success(taskToken=one, output="1")
        for execution in (taken, queued):
            self.assertEqual(self.ended(execution)["status"], "SUCCEEDED")
        self.server.kill()  # an answer that was given is kept
        self.server.start()
        self.connect()
        self.assertEqual(self.client.describe_execution(executionArn=taken)["output"], "1")

    def test_bad_tokens_are_refused(self):
        activity = self.activity()
        execution = self.client.start_execution(stateMachineArn=self.machine(activity))["executionArn"]
        token = self.client.get_activity_task(activityArn=activity)["taskToken"]
        form, number, nonce, name = base64.b64decode(token).split(b"\n", 3)

        def said(token):
            reply = self.raw.states("SendTaskSuccess", {"taskToken": token, "output": "1"})
            return reply.status, reply.json()["__type"]

        def made(*parts):
            return base64.b64encode(b"\n".join(parts)).decode()
        invalid = (400, "InvalidToken")
        for bad in ("x", "=", token[:-1], token + "=", token[1:], " " + token, "\u00e9", "\x01", made(form, number, nonce), made(b"2", number, nonce, name),
                    made(form, number, b"0" + nonce[:-1], name), made(form, b"-1", nonce, name), made(form, b"9" * 40, nonce, name),
                    made(form, number, b"", name), made(form, number, nonce, b""), made(form, number, nonce, b"x" * 513), made(form, number, nonce, b"\0")):
            with self.subTest(token=bad):
                self.assertEqual(said(bad), invalid)
        for bad in ("", "a" * 2049):
            self.assertEqual(said(bad), (400, "ValidationException"))
        self.assertEqual(said(made(form, b"99", nonce, name)), (400, "TaskTimedOut"))
        self.assertEqual(said(made(form, number, nonce, name + b"x")), (400, "TaskDoesNotExist"))
        self.assertEqual(said(made(form, number, nonce, b"~" + name)), (400, "TaskDoesNotExist"))
        self.assertEqual(self.client.describe_execution(executionArn=execution)["status"], "RUNNING")
        self.client.send_task_success(taskToken=token, output="1")
        self.assertEqual(self.ended(execution)["status"], "SUCCEEDED")
        self.assertEqual(said(token), (400, "TaskTimedOut"))

    def consumer(self, **more):
        """A state machine that is an activity's worker: answers each task with its input."""
        sfn = "arn:aws:states:::aws-sdk:sfn:"
        return self.client.create_state_machine(name="consumer", roleArn=ROLE, definition=json.dumps({"StartAt": "Poll", "States": {
            "Poll": {"Type": "Task", "Resource": sfn + "getActivityTask", "Parameters": {"ActivityArn.$": "$.activity", "WorkerName": "machine"},
                     "ResultPath": "$.task", "Next": "Look", **more},
            "Look": {"Type": "Choice", "Choices": [{"Variable": "$.activity", "IsNull": True, "Next": "Never"},
                                                  {"Variable": "$.task.TaskToken", "IsPresent": True, "Next": "Answer"}], "Default": "Poll"},
            "Answer": {"Type": "Task", "Resource": sfn + "sendTaskSuccess", "ResultPath": "$.answer",
                       "Parameters": {"TaskToken.$": "$.task.TaskToken", "Output.$": "$.task.Input"}, "Next": "Poll"},
            "Never": {"Type": "Succeed"}}}))["stateMachineArn"]

    def test_a_state_machine_may_be_the_worker(self):
        activity = self.activity()
        machine = self.machine(activity)
        worker = self.client.start_execution(stateMachineArn=self.consumer(), input=json.dumps({"activity": activity}))["executionArn"]
        self.until(lambda: self.metric("tandem_activity_pollers") == 1, "the poll")
        # A stop ends the poll without an answer, and it is made again.
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begun, 10 * SLOWER)
        self.server.start()
        self.connect()
        self.until(lambda: self.metric("tandem_activity_pollers") == 1, "the poll")
        executions = [self.client.start_execution(stateMachineArn=machine, input=str(n))["executionArn"] for n in range(10)]
        self.assertEqual([self.ended(execution)["output"] for execution in executions], [str(n) for n in range(10)])
        events = self.client.get_execution_history(executionArn=worker, maxResults=1000)["events"]
        polls = [json.loads(e["taskSucceededEventDetails"]["output"]) for e in events
                 if e["type"] == "TaskSucceeded" and e["taskSucceededEventDetails"]["resource"] == "getActivityTask"]
        self.assertEqual([poll["Input"] for poll in polls], [str(n) for n in range(10)])
        # Who stops polling gets no task.
        self.client.stop_execution(executionArn=worker)
        execution = self.client.start_execution(stateMachineArn=machine, input="99")["executionArn"]
        self.assertEqual(self.client.get_activity_task(activityArn=activity)["input"], "99")
        self.assertEqual(self.client.describe_execution(executionArn=execution)["status"], "RUNNING")

    def test_a_poll_ends_with_the_time_of_its_task(self):
        activity = self.activity()
        consumer = self.consumer(TimeoutSeconds=1)
        worker = self.client.start_execution(stateMachineArn=consumer, input=json.dumps({"activity": activity}))["executionArn"]
        self.assertEqual(self.ended(worker)["error"], "States.Timeout")
        self.client.start_execution(stateMachineArn=self.machine(activity), input="1")
        self.assertEqual(self.client.get_activity_task(activityArn=activity)["input"], "1")

    def test_the_command_line_says_who_is_to_answer(self):
        activity = self.activity()
        machine = self.machine(activity, TimeoutSeconds=600, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "T"}])

        def explained(*options):
            return subprocess.run([self.server.tandem, "explain", execution, *options], capture_output=True, text=True, check=True, timeout=SECONDS,
                                  env=self.server.variables()).stdout
        execution = self.client.start_execution(stateMachineArn=machine)["executionArn"]
        self.assertRegex(explained(), r"T  activity chop, waits for a worker for [\d.]+ s, times out in ")
        token = self.client.get_activity_task(activityArn=activity, workerName="axe")["taskToken"]
        self.assertRegex(explained(), r"T  activity chop, worker axe has it for [\d.]+ s, times out in ")
        waiting = json.loads(explained("--json"))["waiting"][0]
        self.assertEqual({key: waiting.get(key) for key in ("for", "target", "started", "worker", "submitted")},
                         {"for": "task", "target": "activity chop", "started": True, "worker": "axe", "submitted": None})
        self.client.send_task_failure(taskToken=token, error="Blunt")
        self.until(lambda: "waits for a worker" in explained(), "the next attempt")

    def test_a_stop_ends_polls_at_once(self):
        activity = self.activity()
        polls = [self.open_poll(self.poll_bytes(activity)) for _ in range(100)]
        self.until(lambda: self.metric("tandem_activity_pollers") == 100, "the polls")
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begun, 10 * SLOWER)
        for connection in polls:
            reply = read_reply(connection)
            connection.close()
            self.assertEqual((reply.status, reply.json()), (200, {}))
        self.server.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
