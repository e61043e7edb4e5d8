#!/usr/bin/env python3
"""Payloads above the inline limit become objects of a bucket: executions with inputs of many MiB, their history and
their output, crashes in the middle, a bucket that fails, payloads that are lost, and the setting switched off."""
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import unittest
import urllib.error
import urllib.request
import zipfile

from clients import ROLE, PatientTestCase, boto3, botocore
from server import ROOT, Server, written_bytes

SECONDS = 120
MIB = 1 << 20
LIMITS = f"[limits]\npayload_bytes = {48 * MIB}\n"
SPILL = '[payloads]\nbucket = "spill"\ninline_bytes = 65536\n' + LIMITS
CODE = "def lambda_handler(event, context):\n    return {'bytes': len(event['text']), 'text': event['text']}\n"
# Shared through the state machines: each state passes on what it got.
FLOW = {"StartAt": "P", "States": {
    "P": {"Type": "Pass", "Next": "W"},
    "W": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Q"},
    "Q": {"Type": "Pass", "End": True}}}
BRANCHES = {"StartAt": "B", "States": {
    "B": {"Type": "Parallel", "Branches": [{"StartAt": f"B{i}", "States": {f"B{i}": {"Type": "Pass", "End": True}}} for i in range(2)], "Next": "M"},
    "M": {"Type": "Map", "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}, "End": True}}}
FAILING = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "F"}, "F": {
    "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "missing"}, "End": True}}}


def text_of(bytes, seed="x"):
    return (seed + "0123456789abcdef" * 64) * (bytes // 1025 + 1)


def compact(value):
    """As the server writes JSON, so that what a state passes on is the same payload."""
    return json.dumps(value, separators=(",", ":"))


class Payloads(PatientTestCase):
    seconds = SECONDS
    def serve(self, config=SPILL, server=None):
        if server is None:
            server = Server()
            self.addCleanup(lambda: shutil.rmtree(server.directory, ignore_errors=True))
        file = server.directory / "tandem.toml"
        file.write_text(config)
        server.arguments = ["--config", str(file)]
        server.start()
        self.addCleanup(server.kill)
        self.api = server.client("stepfunctions", read_timeout=SECONDS)
        return server

    def start(self, definition, input, name="m"):
        arn = self.api.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
        return self.api.start_execution(stateMachineArn=arn, input=compact(input))["executionArn"]

    def ended(self, arn):
        def status():
            page = self.api.list_executions(stateMachineArn=arn.replace(":execution:", ":stateMachine:").rpartition(":")[0])
            return next(e["status"] for e in page["executions"] if e["executionArn"] == arn) != "RUNNING"
        self.until("the execution did not end", status)
        return self.api.describe_execution(executionArn=arn)

    def history(self, arn):
        pages = self.api.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    @staticmethod
    def objects(server):
        return [path for path in (server.directory / "data/buckets/spill").rglob("*") if path.is_file()]

    def metric(self, server, name):
        text = urllib.request.urlopen(server.url + "/metrics").read().decode()
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def test_a_large_input_survives_a_crash(self):
        server = self.serve()
        large = {"text": text_of(20 * MIB), "wait": 3}
        arn = self.start(FLOW, large)
        self.until("nothing waits", lambda: len(self.history(arn)) >= 4)
        server.kill()
        objects = self.objects(server)
        # One payload, passed from state to state: one object, and few bytes in the store.
        self.assertEqual([path.stat().st_size for path in objects], [len(compact(large))])
        in_store = sum(written_bytes(path) for path in (server.directory / "data/store").rglob("*") if path.is_file())
        self.assertLess(in_store, 4 * MIB)
        self.serve(server=server)
        ended = self.ended(arn)
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        self.assertEqual(json.loads(ended["input"]), large)
        self.assertEqual(json.loads(ended["output"]), large)
        events = self.history(arn)
        self.assertEqual([event["type"] for event in events], [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "WaitStateEntered", "WaitStateExited", "PassStateEntered",
            "PassStateExited", "ExecutionSucceeded"])
        self.assertEqual(json.loads(events[1]["stateEnteredEventDetails"]["input"]), large)
        self.assertEqual(json.loads(events[6]["stateExitedEventDetails"]["output"]), large)
        # The bucket is the server's own: tasks do not see it.
        spy = {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
                                               "Parameters": {"Bucket": "spill"}, "End": True}}}
        self.assertEqual(self.ended(self.start(spy, {}, "spy"))["error"], "S3.NoSuchBucketException")
        # Switched off: still read, and what comes now stays in the store, as ever.
        server.stop()
        self.serve(LIMITS, server)
        self.assertEqual(json.loads(self.api.describe_execution(executionArn=arn)["output"]), large)
        count = len(self.objects(server))
        inline = self.start(FLOW, {"text": text_of(MIB), "wait": 0}, "inline")
        self.assertEqual(self.ended(inline)["status"], "SUCCEEDED")
        self.assertEqual(len(self.objects(server)), count)

    def test_branches_iterations_and_tasks(self):
        server = self.serve()
        functions = server.client("lambda")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("lambda_function.py", CODE)
        functions.create_function(FunctionName="echo", Runtime="python3.11", Handler="lambda_function.lambda_handler", Role=ROLE,
                                  Code={"ZipFile": package.getvalue()})
        functions.get_waiter("function_active_v2").wait(FunctionName="echo")
        large = {"text": text_of(5 * MIB, "y")}
        ended = self.ended(self.start(BRANCHES, large))
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        self.assertEqual(json.loads(ended["output"]), [large, large])
        task = {"StartAt": "F", "States": {"F": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
                                                "Parameters": {"FunctionName": "echo", "Payload.$": "$"}, "End": True}}}
        ended = self.ended(self.start(task, large, "task"))
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        self.assertEqual(json.loads(ended["output"]), {"bytes": len(large["text"]), **large})
        # Lambda's own limit stays.
        ended = self.ended(self.start(task, {"text": text_of(7 * MIB)}, "toolarge"))
        self.assertEqual(ended["status"], "FAILED")
        # A queued invocation is an execution, too; it keeps nothing once it has ended.
        before = len(self.objects(server))
        functions.invoke(FunctionName="echo", InvocationType="Event", Payload=json.dumps({"text": text_of(MIB // 2, "z")}))
        self.until("it was not removed", lambda: self.metric(server, "tandem_payload_objects_removed_total") >= 1)
        self.until("its object was left", lambda: len(self.objects(server)) == before)

    def test_redrive(self):
        self.serve()
        large = {"text": text_of(3 * MIB)}
        arn = self.start(FAILING, large)
        self.assertEqual(self.ended(arn)["status"], "FAILED")
        self.api.redrive_execution(executionArn=arn)
        self.assertEqual(self.ended(arn)["status"], "FAILED")
        events = self.history(arn)
        self.assertIn("ExecutionRedriven", [event["type"] for event in events])
        self.assertEqual(json.loads(events[0]["executionStartedEventDetails"]["input"]), large)

    def test_a_bucket_that_fails_for_a_while(self):
        server = self.serve()
        directory = server.directory / "data/buckets/spill"
        away = server.directory / "away"
        directory.rename(away)
        directory.write_text("no directory")
        arn = self.api.create_state_machine(name="m", definition=json.dumps(FLOW), roleArn=ROLE)["stateMachineArn"]
        shard_of_others = [self.api.create_state_machine(name=f"o{i}", definition=json.dumps(FLOW), roleArn=ROLE)["stateMachineArn"] for i in range(2)]
        impatient = server.client("stepfunctions", read_timeout=1)
        with self.assertRaises(botocore.exceptions.ReadTimeoutError):
            impatient.start_execution(stateMachineArn=arn, name="large", input=json.dumps({"text": text_of(MIB), "wait": 0}))

        def readiness():
            try:
                return urllib.request.urlopen(server.url + "/readyz").status
            except urllib.error.HTTPError as error:
                return error.code
        self.assertEqual(readiness(), 503)
        self.assertGreater(self.metric(server, "tandem_payload_put_failures_total"), 0)
        # Executions of the other shards go on: of so many names some are theirs.
        done = 0
        for i in range(12):
            try:
                impatient.start_execution(stateMachineArn=shard_of_others[i % 2], name=f"small{i}", input='{"wait": 0}')
                done += 1
            except botocore.exceptions.ReadTimeoutError:
                pass
            if done:
                break
        self.assertGreater(done, 0)
        directory.unlink()
        away.rename(directory)
        self.until("it is not ready again", lambda: readiness() == 200)
        # Nobody was told that it began; it may be a moment behind.
        begun = arn.replace(":stateMachine:", ":execution:") + ":large"
        self.until("it was not begun", lambda: begun in [
            e["executionArn"] for e in self.api.list_executions(stateMachineArn=arn)["executions"]])
        ended = self.ended(begun)
        self.assertEqual(ended["status"], "SUCCEEDED")

    def test_a_lost_payload(self):
        server = self.serve()
        arn = self.start(FLOW, {"text": text_of(MIB), "wait": 0})
        self.assertEqual(self.ended(arn)["status"], "SUCCEEDED")
        other = self.start(FLOW, {"text": text_of(MIB, "o"), "wait": 0}, "other")
        self.assertEqual(self.ended(other)["status"], "SUCCEEDED")
        for path in self.objects(server):
            if b"o0123" not in path.read_bytes()[:100]:
                path.unlink()
        for call in (self.api.describe_execution, self.api.get_execution_history):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                call(executionArn=arn)
            self.assertEqual(refused.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
            call(executionArn=other)
        self.assertEqual(urllib.request.urlopen(server.url + "/readyz").status, 200)

    def test_a_bucket_of_a_gateway(self):
        labs = pathlib.Path(os.environ.get("TANDEM_SHARED") or ROOT.parent / "shared") / "labs"
        if not (labs / "rgw-up.sh").exists() or not shutil.which("radosgw"):
            self.skipTest("no lab here")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lab = {**os.environ, "RGW_LAB": f"/tmp/tandem-rgw-p{os.getpid()}", "RGW_PORT": str(port)}
        self.addCleanup(shutil.rmtree, lab["RGW_LAB"], True)
        self.addCleanup(subprocess.run, ["bash", str(labs / "rgw-down.sh")], env=lab, stdout=subprocess.DEVNULL)
        subprocess.run(["bash", str(labs / "rgw-up.sh")], env=lab, check=True, stdout=subprocess.DEVNULL)
        endpoint = f"http://127.0.0.1:{port}"
        gateway = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="labkey", aws_secret_access_key="labsecret")
        gateway.create_bucket(Bucket="payloads")
        keys = f'[buckets.spill]\nendpoint = "{endpoint}"\nbucket = "payloads"\naccess_key = "labkey"\nsecret_key = "labsecret"\n'
        server = self.serve(SPILL + keys)
        large = {"text": text_of(10 * MIB), "wait": 2}
        arn = self.start(FLOW, large)
        server.kill()
        self.serve(SPILL + keys, server)
        ended = self.ended(arn)
        self.assertEqual(json.loads(ended["output"]), large)
        self.assertEqual([o["Size"] for o in gateway.list_objects_v2(Bucket="payloads")["Contents"]], [len(compact(large))])

    def test_what_is_refused(self):
        for config, said in ((SPILL.replace("65536", "10"), "inline_bytes"), (SPILL.replace('"spill"', '"no/bucket"'), "bucket"),
                             (SPILL.replace("inline_bytes", "inlined_bytes"), "no such setting")):
            server = Server()
            self.addCleanup(shutil.rmtree, server.directory)
            file = server.directory / "tandem.toml"
            file.write_text(config)
            server.arguments = ["--config", str(file)]
            with self.assertRaisesRegex(RuntimeError, said):
                server.start()
        server = self.serve()
        server.stop()
        with self.assertRaisesRegex(RuntimeError, "the payloads of this store are in bucket spill"):
            self.serve(SPILL.replace('"spill"', '"other"'), server)


if __name__ == "__main__":
    unittest.main(verbosity=2)
