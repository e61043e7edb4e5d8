#!/usr/bin/env python3
"""batch:submitJob on a real Slurm: a state machine as it would be written for AWS Batch, its results and its errors."""
import json
import pathlib
import sys
import unittest

from clients import ROLE, PatientTestCase
import slurm_cluster
from server import Server
from slurm_jobs_test import configuration

DEFINITIONS = """
[job_definitions.sum]
Command = ["sh", "-c", 'echo $(($1 + $2)) > "$TANDEM_RESULT_FILE"', "sum", "Ref::a", "Ref::b"]
TimeLimitMinutes = 5
Environment = {COLOUR = "red", SHAPE = "round"}
"""
ARN = "arn:aws:batch:us-east-1:123456789012"


class BatchTest(PatientTestCase):
    seconds = 90

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster().start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        config = cls.directory.parent / "tandem.toml"
        config.write_text(configuration(cls.cluster, cls.directory) + DEFINITIONS)
        cls.server = Server(arguments=["--no-auth", "--config", str(config)]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.count = 0

    def end(self, parameters, pattern=".sync", given=None, **task):
        type(self).count += 1
        sfn = self.server.client("stepfunctions")
        definition = {"StartAt": "Job", "States": {"Job": {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob" + pattern,
                                                           "Parameters": parameters, "End": True, **task}}}
        made = sfn.create_state_machine(name=f"m{self.count}", definition=json.dumps(definition), roleArn=ROLE)
        arn = sfn.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps(given or {}))["executionArn"]

        def ended():
            found = sfn.describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found
        return self.until(f"no end of {arn}", ended)

    def succeed(self, parameters, *arguments, **options):
        ended = self.end(parameters, *arguments, **options)
        self.assertEqual(ended["status"], "SUCCEEDED", (ended, self.server.log()))
        return json.loads(ended["output"])

    def test_a_job_as_aws_has_it(self):
        detail = self.succeed({"JobName": "adds", "JobDefinition": f"{ARN}:job-definition/sum:3", "JobQueue": f"{ARN}:job-queue/main",
                               "Parameters": {"a.$": "$.a", "b": "4"}, "Tags": {"team": "x"}, "RetryStrategy": {"Attempts": 2},
                               "ContainerOverrides": {"Vcpus": 2, "Environment": [{"Name": "COLOUR", "Value": "blue"}]}}, given={"a": "3"})
        self.assertEqual((detail["Status"], detail["JobName"], detail["Result"]), ("SUCCEEDED", "adds", 7))
        self.assertEqual(detail["JobArn"], f"{ARN}:job/{detail['JobId']}")
        self.assertEqual((detail["JobQueue"], detail["JobDefinition"]), (f"{ARN}:job-queue/main", f"{ARN}:job-definition/sum:3"))
        self.assertEqual((detail["Container"]["ExitCode"], detail["Container"]["Command"][-2:]), (0, ["3", "4"]))
        self.assertEqual((detail["Tags"], detail["Parameters"]), ({"team": "x"}, {"a": "3", "b": "4"}))
        self.assertEqual([attempt["Container"] for attempt in detail["Attempts"]], [{"ExitCode": 0}])
        self.assertIn("cpu=2", detail["Slurm"]["Tres"])

    def test_an_array_finds_its_index(self):
        script = 'test "$AWS_BATCH_JOB_ATTEMPT" = 1 && echo "\\"$AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE in $AWS_BATCH_JQ_NAME ' \
                 '$AWS_BATCH_JOB_ID $COLOUR $SHAPE\\"" > "$TANDEM_RESULT_FILE"'
        detail = self.succeed({"JobName": "sweep", "JobDefinition": "sum", "JobQueue": "main", "ArrayProperties": {"Size": 3}, "ContainerOverrides": {
            "Command": ["sh", "-c", script], "Environment": [{"Name": "COLOUR", "Value": "blue"}]}})
        self.assertEqual(detail["ArrayProperties"]["StatusSummary"], {"SUCCEEDED": 3, "FAILED": 0})
        self.assertEqual([one["Result"] for one in detail["ArrayProperties"]["Indices"]],
                         [f"{i} of 3 in main {detail['JobId']}:{i} blue round" for i in range(3)])

    def test_the_call_alone_and_what_depends_on_it(self):
        answer = self.succeed({"JobName": "first", "JobDefinition": "sum", "JobQueue": "main", "Parameters": {"a": "1", "b": "1"}}, "")
        self.assertEqual(set(answer), {"JobArn", "JobId", "JobName"})
        detail = self.until("it is not submitted", lambda: list(self.directory.glob(f"td-{answer['JobId']}-1/submitted"))) and \
            self.succeed({"JobName": "second", "JobDefinition": "sum", "JobQueue": "main", "Parameters": {"a": "1", "b": "2"},
                          "DependsOn": [{"JobId": answer["JobId"]}]})
        self.assertEqual(detail["Result"], 3)

    def test_failures_are_task_failures_with_the_description(self):
        for parameters, words, code in (({"ContainerOverrides": {"Command": ["sh", "-c", "exit 4"]}}, "exit code 4", 4),
                                        ({"JobQueue": "nowhere"}, "artition", None)):
            with self.subTest(parameters=parameters):
                ended = self.end({"JobName": "bad", "JobDefinition": "sum", "JobQueue": "main", **parameters})
                self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.TaskFailed"), ended)
                cause = json.loads(ended["cause"])
                self.assertEqual((cause["Status"], cause["Container"].get("ExitCode")), ("FAILED", code))
                self.assertIn(words, cause["StatusReason"])

    def test_what_cannot_be_is_a_client_exception(self):
        for parameters, words in (({"JobDefinition": "other:1"}, "'JobDefinition' is not"), ({"ShareIdentifier": "s"}, "has no meaning on Slurm"),
                                  ({"ContainerOverrides": {"InstanceType": "m5"}}, "'InstanceType' is not supported"),
                                  ({"RetryStrategy": {"Attempts": 11}}, "'Attempts' must be")):
            with self.subTest(parameters=parameters):
                ended = self.end({"JobName": "bad", "JobDefinition": "sum", "JobQueue": "main", **parameters})
                self.assertEqual((ended["status"], ended["error"]), ("FAILED", "Batch.ClientException"), ended)
                self.assertIn(words, ended["cause"])
                self.assertIn("(Service: AWSBatch; Status Code: 400; Error Code: ClientException; Request ID: ", ended["cause"])

    def test_a_token_goes_to_the_job(self):
        code = "import boto3, os; boto3.client('stepfunctions').send_task_success(taskToken=os.environ['TOKEN'], output='7')"
        environment = [{"Name": name, "Value": self.server.variables()[name]}
                       for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")]
        self.assertEqual(7, self.succeed({"JobName": "answers", "JobDefinition": "sum", "JobQueue": "main", "ContainerOverrides": {
            "Command": [sys.executable, "-c", code], "Environment": [*environment, {"Name": "TOKEN", "Value.$": "$$.Task.Token"}]}},
            ".waitForTaskToken"))


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
