"""The whole way with the AWS command line, as a user types it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import scenario

# The command line installed beside this Python; its entry point may have another interpreter on PATH.
AWS = str(pathlib.Path(sys.executable).parent / "aws")


# Otherwise start-sync-execution is sent to "sync-" + the endpoint's host.
os.environ["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"


def aws(*arguments, fails=False):
    command = [AWS] if os.path.exists(AWS) else [sys.executable, "-m", "awscli"]
    run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
    if fails:
        assert run.returncode != 0, run.stdout
        return run.stderr
    assert run.returncode == 0, f"{arguments}: {run.stderr}"
    return json.loads(run.stdout) if run.stdout.strip() else {}


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tandem-awscli-"))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.suffix = uuid.uuid4().hex[:8]

    def file(self, name, data):
        path = self.directory / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    def test_function_and_workflow(self):
        name = f"cli-{self.suffix}"
        created = aws("lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--handler", "app.handler",
                      "--role", scenario.ROLE, "--zip-file", "fileb://" + self.file("app.zip", scenario.package()))
        aws("lambda", "wait", "function-active-v2", "--function-name", name)
        out = str(self.directory / "out.json")
        reply = aws("lambda", "invoke", "--function-name", name, "--payload", '{"n": 4}', out)
        self.assertEqual(reply["StatusCode"], 200)
        self.assertEqual(json.loads(pathlib.Path(out).read_text())["doubled"], 8)
        aws("lambda", "update-function-configuration", "--function-name", name, "--timeout", "7")
        aws("lambda", "wait", "function-updated-v2", "--function-name", name)
        self.assertEqual(aws("lambda", "get-function-configuration", "--function-name", name)["Timeout"], 7)
        self.assertIn(name, [f["FunctionName"] for f in aws("lambda", "list-functions")["Functions"]])

        definition = "file://" + self.file("machine.json", scenario.definition(created["FunctionArn"]))
        machine = aws("stepfunctions", "create-state-machine", "--name", name, "--role-arn", scenario.ROLE, "--definition", definition)["stateMachineArn"]
        run = aws("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", '{"items": [{"n": 1}, {"n": 2}]}')["executionArn"]
        deadline = time.monotonic() + 60
        status = "RUNNING"
        while status == "RUNNING" and time.monotonic() < deadline:
            execution = aws("stepfunctions", "describe-execution", "--execution-arn", run)
            status = execution["status"]
        self.assertEqual(status, "SUCCEEDED")
        self.assertEqual(json.loads(execution["output"]), [{"doubled": 2}, {"doubled": 4}])
        history = aws("stepfunctions", "get-execution-history", "--execution-arn", run)["events"]
        self.assertEqual(history[-1]["type"], "ExecutionSucceeded")
        self.assertEqual(len(aws("stepfunctions", "list-executions", "--state-machine-arn", machine)["executions"]), 1)
        self.assertIn("ExecutionDoesNotExist", aws("stepfunctions", "describe-execution", "--execution-arn", run + "x", fails=True))

        express = aws("stepfunctions", "create-state-machine", "--name", name + "-express", "--role-arn", scenario.ROLE, "--definition", definition,
                      "--type", "EXPRESS")["stateMachineArn"]
        ended = aws("stepfunctions", "start-sync-execution", "--state-machine-arn", express, "--input", '{"items": [{"n": 3}]}')
        self.assertEqual((ended["status"], json.loads(ended["output"])), ("SUCCEEDED", [{"doubled": 6}]))
        aws("stepfunctions", "start-execution", "--state-machine-arn", express, "--input", '{"items": []}')
        aws("stepfunctions", "delete-state-machine", "--state-machine-arn", express)

        aws("stepfunctions", "delete-state-machine", "--state-machine-arn", machine)
        aws("lambda", "delete-function", "--function-name", name)
        self.assertIn("ResourceNotFoundException", aws("lambda", "get-function", "--function-name", name, fails=True))


if __name__ == "__main__":
    unittest.main(verbosity=2)
