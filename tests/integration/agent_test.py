#!/usr/bin/env python3
"""Functions on agents, with real processes: placed by tags, called by AWS's own client, while agents, the server and the relay are
killed. Agents run beside the server, on one machine."""
import base64
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import unittest
import zipfile

from clients import ROLE, PatientTestCase, botocore
from server import Server, binary

SOURCE = """
import json, os, time
def handler(event, context):
    print("hello from", context.aws_request_id)
    if "mark" in event:
        open(os.path.join(event["mark"], f"{time.time_ns()}-{os.getpid()}"), "w").close()
    deadline = time.monotonic() + event.get("seconds", 0)
    while time.monotonic() < deadline and not os.path.exists(event.get("until", "/nonexistent")):
        time.sleep(0.01)
    return {"pid": os.getpid(), "n": event.get("n"), "arn": context.invoked_function_arn}
"""
CONFIG = "[agents]\nheartbeat_ms = 200\nresume_ms = 2000\n"


def package():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", SOURCE)
    return out.getvalue()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class AgentTest(PatientTestCase):
    seconds = 60

    def setUp(self):
        self.processes = []
        self.server = Server(port=free_port())
        self.addCleanup(self.server.__exit__, None, None, None)
        config = self.server.directory / "tandem.toml"
        config.write_text(CONFIG)
        self.server.arguments = ["--config", str(config), "--grpc-port", "0"]
        self.server.start()
        self.addCleanup(self.end_processes)
        self.marks = self.server.directory / "marks"
        self.marks.mkdir()
        self.marks.chmod(0o777)

    def tandem(self, *arguments, check=True):
        done = subprocess.run([binary(), *arguments], env=self.server.variables(), capture_output=True, text=True, timeout=60)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def spawn(self, name, *arguments):
        log = open(self.server.directory / f"{name}.log", "ab")
        process = subprocess.Popen([binary(), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        self.processes.append(process)
        return process

    def end_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def token_file(self, pool="cpu"):
        file = self.server.directory / f"token-{pool}"
        file.write_text(self.tandem("agent", "token", "--pool", pool).stdout)
        return file

    def start_agent(self, name="one", url=None, *arguments):
        process = self.spawn(f"agent-{name}", "agent", "--server", url or self.server.url, "--token-file", str(self.token_file()),
                             "--pool", "cpu", "--id", name, "--slots", "2", "--no-isolate", "--work",
                             str(self.server.directory / f"work-{name}"), *arguments)
        return process

    def agents(self):
        answer = json.loads(self.tandem("ls", "agents", "--json").stdout)
        return {a["id"]: a for pool in answer["pools"] for a in pool["agents"]}

    def until_connected(self, name="one"):
        return self.until(f"agent {name} never came", lambda: self.agents().get(name, {}).get("connected"))

    def create(self, name="f", **tags):
        tags = {"tandem:pool": "cpu", **{f"tandem:{k}": v for k, v in tags.items()}}
        return self.server.client("lambda").create_function(
            FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="index.handler", Code={"ZipFile": package()}, Tags=tags,
            Timeout=60)

    def invoke(self, event=None, name="f", **options):
        reply = self.server.client("lambda", read_timeout=60).invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
        return json.loads(reply["Payload"].read()), reply

    def marked(self):
        return len(list(self.marks.iterdir()))

    def machine(self, retries=3):
        definition = {"StartAt": "A", "States": {"A": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "OutputPath": "$.Payload", "End": True,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": retries, "BackoffRate": 1}]}}}
        return self.server.client("stepfunctions").create_state_machine(
            name="m", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]

    def begin(self, arn, event):
        return self.server.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(event))["executionArn"]

    def ended(self, execution):
        def is_done():
            found = self.server.client("stepfunctions").describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None
        return self.until("the execution never ended", is_done)

    def test_a_call_waits_for_an_agent(self):
        self.create()
        answers = []
        caller = threading.Thread(target=lambda: answers.append(self.invoke({"n": 1}, LogType="Tail")))
        caller.start()
        status = self.until("the call does not wait", lambda: json.loads(self.tandem("ls", "agents", "--json").stdout)["pools"])[0]
        self.assertEqual((status["pool"], status["reason"]), ("cpu", "no agent is connected"))
        self.assertIn("no agent is connected", self.tandem("ls", "agents").stdout)
        agent = self.start_agent()
        caller.join(60)
        payload, reply = answers[0]
        self.assertEqual(payload["n"], 1)
        self.assertTrue(payload["arn"].endswith(":function:f"))
        self.assertEqual(reply["ExecutedVersion"], "$LATEST")
        tail = base64.b64decode(reply["LogResult"]).decode()
        self.assertIn("hello from", tail)
        self.assertIn("REPORT RequestId", tail)
        self.until("the log never came", lambda: "hello from" in self.tandem("logs", "f").stdout)
        self.assertEqual(self.agents()["one"]["slots"], 2)
        # A warm process; and it is the agent's.
        again = self.invoke({"n": 2})[0]
        self.assertEqual(again["pid"], payload["pid"])
        for i in range(50):
            self.assertEqual(self.invoke({"n": i})[0]["n"], i)
        import urllib.request
        metrics = urllib.request.urlopen(self.server.url + "/metrics").read().decode()
        self.assertIn('tandem_agents{pool="cpu"} 1\n', metrics)
        # Back to the server itself, while there is an agent.
        client = self.server.client("lambda")
        arn = client.get_function(FunctionName="f")["Configuration"]["FunctionArn"]
        client.tag_resource(Resource=arn, Tags={"tandem:pool": "local"})
        local = self.invoke({"n": 3})[0]
        self.assertNotEqual(local["pid"], again["pid"])
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(30), 0)
        self.until("it is still known", lambda: not self.agents())

    def test_leaves_when_its_calls_are_done(self):
        self.create()
        agent = self.start_agent()
        self.until_connected()
        answers = []
        go = self.marks / "go"
        caller = threading.Thread(target=lambda: answers.append(self.invoke({"seconds": 50, "mark": str(self.marks), "until": str(go)})))
        caller.start()
        self.until("it never began", self.marked)
        agent.send_signal(signal.SIGTERM)
        self.until("it does not drain", lambda: self.agents()["one"]["draining"])
        go.touch()
        self.assertEqual(agent.wait(30), 0)
        caller.join(30)
        self.assertIn("pid", answers[0][0])

    def test_a_killed_agents_calls_are_tried_again(self):
        self.create()
        first = self.start_agent()
        self.until_connected()
        go = self.marks.parent / "go"
        execution = self.begin(self.machine(), {"n": 7, "seconds": 50, "mark": str(self.marks), "until": str(go)})
        self.until("it never began", self.marked)
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.start_agent("two")
        self.until("it was not tried again", lambda: self.marked() == 2)
        go.touch()
        found = self.ended(execution)
        self.assertEqual(found["status"], "SUCCEEDED", found)
        self.assertEqual(json.loads(found["output"])["n"], 7)
        events = self.server.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
        failed = [e for e in events if e["type"] == "TaskFailed"]
        self.assertEqual(len(failed), 1, events)
        self.assertIn("one", failed[0]["taskFailedEventDetails"]["cause"])

    def test_a_server_that_comes_back(self):
        self.create()
        self.start_agent()
        self.until_connected()
        go = self.marks.parent / "go"
        execution = self.begin(self.machine(), {"n": 8, "seconds": 50, "mark": str(self.marks), "until": str(go)})
        self.until("it never began", self.marked)
        old = int(next(self.marks.iterdir()).name.split("-")[1])
        self.server.kill()
        self.server.start()
        self.until("the agent did not come back and run it", lambda: self.marked() == 2)
        self.until("the old server's call still runs", lambda: not pathlib.Path(f"/proc/{old}").exists())
        go.touch()
        found = self.ended(execution)
        self.assertEqual(found["status"], "SUCCEEDED", found)
        self.assertEqual(self.marked(), 2)

    def test_a_relay_that_dies(self):
        self.create()
        listen = f"127.0.0.1:{free_port()}"
        relay = self.spawn("relay", "agent", "relay", "--listen", listen, "--server", self.server.url)
        self.start_agent("far", f"http://{listen}")
        self.until_connected("far")
        go = self.marks.parent / "go"
        execution = self.begin(self.machine(0), {"n": 9, "seconds": 50, "mark": str(self.marks), "until": str(go)})
        self.until("it never began", self.marked)
        relay.send_signal(signal.SIGKILL)
        relay.wait()
        self.until("nobody noticed", lambda: not self.agents()["far"]["connected"])
        go.touch()
        self.spawn("relay", "agent", "relay", "--listen", listen, "--server", self.server.url)
        found = self.ended(execution)
        self.assertEqual(found["status"], "SUCCEEDED", found)
        self.assertEqual(self.marked(), 1, "it ran twice")

    def test_says_why_it_is_not_taken(self):
        bad = self.server.directory / "bad"
        bad.write_text("nonsense")
        agent = self.tandem("agent", "--server", self.server.url, "--token-file", str(bad), "--pool", "cpu", check=False)
        self.assertEqual(agent.returncode, 1)
        self.assertIn("this is not a token", agent.stderr)
        other = self.tandem("agent", "--server", self.server.url, "--token-file", str(self.token_file("gpu")), "--pool", "cpu", check=False)
        self.assertEqual(other.returncode, 1)
        self.assertIn("the token is of another pool", other.stderr)
        self.assertEqual(self.tandem("agent", "--pool", "cpu", check=False).returncode, 2)
        self.assertNotEqual(self.tandem("agent", "token", "--pool", "a b", check=False).returncode, 0)

    def test_tags_that_cannot_be(self):
        for tags in ({"pool": "a b"}, {"pool": "x" * 64}, {"cpus": "0"}, {"cpus": "many"}, {"gpus": "-1"}, {"gpus": "65"}):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.create("bad", **tags)
            self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidParameterValueException")
        arn = self.create()["FunctionArn"]
        with self.assertRaises(botocore.exceptions.ClientError):
            self.server.client("lambda").tag_resource(Resource=arn, Tags={"tandem:cpus": "x"})
        self.server.client("lambda").untag_resource(Resource=arn, TagKeys=["tandem:pool"])
        self.assertIn("pid", self.invoke()[0])

    def test_deploys_to_a_pool(self):
        directory = self.server.directory / "mine"
        directory.mkdir()
        (directory / "index.py").write_text(SOURCE)
        for arguments, pool in ((("--pool", "cpu"), "cpu"), ((), "cpu"), (("--pool", "local", "--cpus", "2"), "local")):
            self.tandem("function", "deploy", str(directory), "--runtime", "python3.11", "--handler", "index.handler", *arguments)
            self.assertEqual(self.server.client("lambda").get_function(FunctionName="mine")["Tags"]["tandem:pool"], pool)


if __name__ == "__main__":
    unittest.main(verbosity=2)
