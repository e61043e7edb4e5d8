#!/usr/bin/env python3
"""Step Functions Local's mock configuration file: test cases run without what their tasks call, and a restart changes nothing."""
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from clients import ROLE, botocore
from server import Server, binary

SECONDS = 30
CONFIG = {
    "StateMachines": {"orders": {"TestCases": {"Happy": {"Reserve": "Reserved", "Tell": "Told"}, "Busy": {"Reserve": "BusyTwice", "Tell": "Told"}}}},
    "MockedResponses": {
        "Reserved": {"0": {"Return": {"StatusCode": 200, "Payload": {"seat": 7}}}},
        "BusyTwice": {"0-1": {"Throw": {"Error": "Lambda.TooManyRequestsException", "Cause": "busy"}}, "2": {"Return": {"Payload": {"seat": 9}}}},
        "Told": {"0": {"Return": {"MessageId": "m"}}},
    },
}
DEFINITION = {"StartAt": "Reserve", "States": {
    "Reserve": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "nobody", "Payload.$": "$"},
                "ResultSelector": {"seat.$": "$.Payload.seat"}, "ResultPath": "$.reserved", "Next": "Pause",
                "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "BackoffRate": 1}]},
    "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Tell"},
    "Tell": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "nobody"}, "ResultPath": "$.told", "End": True}}}


class MockConfig(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tandem-mocks-")
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name) / "MockConfigFile.json"
        self.file.write_text(json.dumps(CONFIG))
        self.environment = {**os.environ, "SFN_MOCK_CONFIG": str(self.file)}

    def ended(self, api, arn):
        deadline = time.monotonic() + SECONDS
        while (execution := api.describe_execution(executionArn=arn))["status"] == "RUNNING":
            self.assertLess(time.monotonic(), deadline, "the execution did not end")
            time.sleep(0.02)
        return execution

    def test_runs_test_cases_also_over_a_restart(self):
        with Server(environment=self.environment) as server:
            api = server.client("stepfunctions")
            arn = api.create_state_machine(name="orders", definition=json.dumps(DEFINITION), roleArn=ROLE)["stateMachineArn"]
            happy = self.ended(api, api.start_execution(stateMachineArn=f"{arn}#Happy", input='{"n": 1}')["executionArn"])
            self.assertEqual(happy["status"], "SUCCEEDED", happy.get("cause"))
            self.assertEqual(json.loads(happy["output"]), {"n": 1, "reserved": {"seat": 7}, "told": {"MessageId": "m"}})
            self.assertEqual(happy["stateMachineArn"], arn)
            with self.assertRaises(botocore.exceptions.ClientError):
                api.start_execution(stateMachineArn=f"{arn}#Sad")
            # Without a test case its tasks are real.
            self.assertEqual(self.ended(api, api.start_execution(stateMachineArn=arn)["executionArn"])["status"], "FAILED")

            busy = api.start_execution(stateMachineArn=f"{arn}#Busy")["executionArn"]
            server.kill()
            # What the execution was started with is its own: another file changes nothing.
            self.file.write_text(json.dumps({**CONFIG, "StateMachines": {}}))
            server.start()
            api = server.client("stepfunctions")
            ended = self.ended(api, busy)
            self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
            self.assertEqual(json.loads(ended["output"]), {"reserved": {"seat": 9}, "told": {"MessageId": "m"}})
            types = [event["type"] for event in api.get_execution_history(executionArn=busy)["events"]]
            self.assertEqual((types.count("TaskScheduled"), types.count("TaskFailed"), types.count("TaskSucceeded")), (4, 2, 2))

    def test_a_bad_file_stops_the_start(self):
        self.file.write_text('{"StateMachines": {"m": {"TestCases": {"C": {"S": "none"}}}}}')
        with tempfile.TemporaryDirectory() as data:
            run = subprocess.run([binary(), "serve", "--data", data, "--port", "0"], env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("StateMachines.m.C.S: there is no response none", run.stderr + run.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
