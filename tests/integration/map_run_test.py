#!/usr/bin/env python3
"""Distributed Maps through a running server: items from buckets and inputs, child executions and their map run, limits
changed while it runs, stops, redrives, results in a bucket; a crash in the middle repeats no finished child."""
import collections
import io
import json
import os
import tempfile
import unittest
import zipfile

from clients import ROLE, PatientTestCase, botocore
from server import Server

SECONDS = 120
ITEMS = int(os.environ.get("TANDEM_MAP_ITEMS", "2000"))  # of the run that is killed
CODE = "def lambda_handler(event, context):\n    return event\n"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FUNCTION = {"StartAt": "F", "States": {"F": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {
    "FunctionName": "echo", "Payload.$": "$"}, "OutputPath": "$.Payload", "Retry": [{"ErrorEquals": ["States.ALL"]}], "End": True}}}


def reader(key, **config):
    return {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "items", "Key": key}, "ReaderConfig": config}}


def writer(prefix="out"):
    return {"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results", "Prefix": prefix}}}


def distributed(processor, kind="STANDARD", **fields):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True, **fields}}}


class MapRuns(PatientTestCase):
    seconds = SECONDS
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.addClassCleanup(lambda: cls.server.stop())
        cls.api = cls.server.client("stepfunctions")
        functions = cls.server.client("lambda")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("lambda_function.py", CODE)
        functions.create_function(FunctionName="echo", Runtime="python3.11", Handler="lambda_function.lambda_handler", Role=ROLE,
                                  Code={"ZipFile": package.getvalue()})
        functions.get_waiter("function_active_v2").wait(FunctionName="echo")
        cls.buckets = cls.server.directory / "data/buckets"
        for bucket in ("items", "results"):
            (cls.buckets / bucket).mkdir(parents=True)

    def put(self, key, text):
        (self.buckets / "items" / key).write_text(text)

    def start(self, definition, input=None, name=None):
        type(self).made = getattr(self, "made", 0) + 1
        arn = self.api.create_state_machine(name=name or f"m{self.made}", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
        return self.api.start_execution(stateMachineArn=arn, input=json.dumps({} if input is None else input))["executionArn"]

    def ended(self, arn):
        self.until("the execution did not end", lambda: self.api.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return self.api.describe_execution(executionArn=arn)

    def output(self, definition, input=None):
        ended = self.ended(self.start(definition, input))
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        return json.loads(ended["output"])

    def run_of(self, execution):
        runs = self.until("there is no map run", lambda: self.api.list_map_runs(executionArn=execution)["mapRuns"])
        return runs[0]["mapRunArn"]

    def counts(self, run, which="itemCounts"):
        return {name: count for name, count in self.api.describe_map_run(mapRunArn=run)[which].items() if count}

    def children(self, run, **filters):
        pages = self.api.get_paginator("list_executions").paginate(mapRunArn=run, **filters)
        return [child for page in pages for child in page["executions"]]

    def test_items_of_the_input(self):
        arn = self.start(distributed(PASS, Label="L", ItemsPath="$.v", ItemSelector={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "k.$": "$.k"}),
                         {"v": ["a", "b"], "k": 1}, name="input")
        self.assertEqual(json.loads(self.ended(arn)["output"]), [{"i": 0, "v": "a", "k": 1}, {"i": 1, "v": "b", "k": 1}])
        run = self.run_of(arn)
        self.assertIn(":mapRun:input/L:", run)
        children = self.children(run)
        self.assertEqual(len(children), 2)
        child = self.api.describe_execution(executionArn=children[0]["executionArn"])
        self.assertEqual((child["mapRunArn"], child["status"]), (run, "SUCCEEDED"))
        self.assertTrue(child["stateMachineArn"].endswith(":stateMachine:input/L"))
        history = self.api.get_execution_history(executionArn=children[0]["executionArn"])["events"]
        self.assertEqual([event["type"] for event in history], ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"])
        machine = self.api.describe_state_machine_for_execution(executionArn=children[0]["executionArn"])
        self.assertEqual((machine["mapRunArn"], machine["label"]), (run, "L"))
        # They are not executions of the state machine itself.
        self.assertEqual(len(self.api.list_executions(stateMachineArn=arn.replace(":execution:", ":stateMachine:").rpartition(":")[0])["executions"]), 1)

    def test_no_items(self):
        self.assertEqual(self.output(distributed(PASS), []), [])

    def test_formats(self):
        self.put("a.csv", "x,y\n1,2\n3,4\n")
        self.put("a.jsonl", '{"n":1}\n{"n":2}\n{"n":3}\n')
        self.put("a.json", '{"list":[1,2,3]}')
        self.assertEqual(self.output(distributed(PASS, **reader("a.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW"))), [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}])
        self.assertEqual(self.output(distributed(PASS, MaxConcurrency=1, **reader("a.jsonl", InputType="JSONL", MaxItems=2))), [{"n": 1}, {"n": 2}])
        self.assertEqual(self.output(distributed(PASS, **reader("a.json", InputType="JSON", ItemsPointer="/list"))), [1, 2, 3])
        listing = {"ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "items", "Prefix": "a."}}}
        self.assertEqual([item["Key"] for item in self.output(distributed(PASS, **listing))], ["a.csv", "a.json", "a.jsonl"])

    def test_what_cannot_be_read(self):
        ended = self.ended(self.start(distributed(PASS, **reader("none.json", InputType="JSON"))))
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.ItemReaderFailed"))

    def test_batches(self):
        output = self.output(distributed(PASS, ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"k": 1}}), [1, 2, 3])
        self.assertEqual(output, [{"BatchInput": {"k": 1}, "Items": [1, 2]}, {"BatchInput": {"k": 1}, "Items": [3]}])

    def test_jsonata(self):
        definition = distributed(PASS, Items="{% $states.input.v %}", ItemSelector={"twice": "{% $states.context.Map.Item.Value * 2 %}"})
        self.assertEqual(self.output({**definition, "QueryLanguage": "JSONata"}, {"v": [1, 2]}), [{"twice": 2}, {"twice": 4}])

    def test_express_children(self):
        arn = self.start(distributed(PASS, kind="EXPRESS", MaxConcurrency=2, **writer("express")), [1, 2, 3])
        output = json.loads(self.ended(arn)["output"])
        manifest = json.loads((self.buckets / "results" / output["ResultWriterDetails"]["Key"]).read_text())
        results = json.loads((self.buckets / "results" / manifest["ResultFiles"]["SUCCEEDED"][0]["Key"]).read_text())
        self.assertEqual(sorted(json.loads(result["Output"]) for result in results), [1, 2, 3])
        self.assertEqual(self.children(self.run_of(arn)), [])

    def test_nested(self):
        inner = {"StartAt": "I", "States": {"I": {"Type": "Map", "End": True, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **PASS}}}}
        self.assertEqual(self.output(distributed(inner), [[1, 2], [3]]), [[1, 2], [3]])

    def test_tolerated_failures(self):
        processor = {"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericGreaterThan": 2, "Next": "No"}], "Default": "P"},
                                                "No": {"Type": "Fail", "Error": "Large"}, "P": {"Type": "Pass", "End": True}}}
        ended = self.ended(self.start(distributed(processor, MaxConcurrency=1), [1, 2, 3, 4]))
        self.assertEqual((ended["error"], ended["cause"]), ("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"))
        arn = self.start(distributed(processor, MaxConcurrency=1, ToleratedFailurePercentage=50, **writer("some")), [1, 2, 3, 4])
        output = json.loads(self.ended(arn)["output"])
        run = self.run_of(arn)
        self.assertEqual(output["MapRunArn"], run)
        self.assertEqual(self.counts(run), {"succeeded": 2, "failed": 2, "total": 4, "resultsWritten": 4})
        manifest = json.loads((self.buckets / "results" / output["ResultWriterDetails"]["Key"]).read_text())
        self.assertEqual({kind: len(files) for kind, files in manifest["ResultFiles"].items()}, {"FAILED": 1, "PENDING": 0, "SUCCEEDED": 1})
        failed = json.loads((self.buckets / "results" / manifest["ResultFiles"]["FAILED"][0]["Key"]).read_text())
        self.assertEqual([(child["Error"], child["Input"], child["Status"]) for child in failed], [("Large", "3", "FAILED"), ("Large", "4", "FAILED")])
        self.assertEqual(len(self.children(run, statusFilter="FAILED")), 2)

    def results(self, run, prefix):
        directory = self.buckets / "results" / prefix / run.rsplit(":", 1)[1]
        manifest = json.loads((directory / "manifest.json").read_text())
        files = {kind: [child for file in files for child in json.loads((self.buckets / "results" / file["Key"]).read_text())]
                 for kind, files in manifest["ResultFiles"].items()}
        return {kind: sorted((child["Input"], child["Status"], child.get("Output")) for child in children) for kind, children in files.items()}

    def test_results_of_a_run_that_fails(self):
        # 1 succeeds, 2 waits, 3 fails; a place is free only then, so 4 and 5 do not begin.
        choices = [{"Variable": "$", "NumericEquals": 2, "Next": "W"}, {"Variable": "$", "NumericEquals": 3, "Next": "No"}]
        processor = {"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": choices, "Default": "P"}, "P": {"Type": "Pass", "End": True},
                                                "W": {"Type": "Wait", "Seconds": 3600, "End": True}, "No": {"Type": "Fail", "Error": "Large"}}}
        for kind in ("STANDARD", "EXPRESS"):
            with self.subTest(kind):
                arn = self.start(distributed(processor, kind=kind, MaxConcurrency=2, **writer("failing")), [1, 2, 3, 4, 5])
                self.assertEqual(self.ended(arn)["error"], "States.ExceedToleratedFailureThreshold")
                run = self.run_of(arn)
                self.assertEqual(self.counts(run), {"succeeded": 1, "failed": 1, "aborted": 1, "pending": 2, "total": 5, "resultsWritten": 3})
                self.assertEqual(self.results(run, "failing"), {"SUCCEEDED": [("1", "SUCCEEDED", "1")], "FAILED": [("2", "ABORTED", None), ("3", "FAILED", None)],
                                                               "PENDING": [("4", "PENDING", None), ("5", "PENDING", None)]})

    def test_results_of_a_run_that_is_stopped(self):
        arn = self.start(distributed(WAIT, MaxConcurrency=1, **writer("stopped")), [1, 2])
        run = self.run_of(arn)
        self.until("no child runs", lambda: self.counts(run).get("running") == 1)
        self.api.stop_execution(executionArn=arn)
        self.until("the run goes on", lambda: self.api.describe_map_run(mapRunArn=run)["status"] == "ABORTED")
        self.assertEqual(self.results(run, "stopped"), {"SUCCEEDED": [], "FAILED": [("1", "ABORTED", None)], "PENDING": [("2", "PENDING", None)]})

    def test_results_after_a_redrive_that_is_stopped(self):
        # "one" has begun again then; "two" failed before the redrive, which did not come to it; "three" never began.
        read = {"StartAt": "R", "States": {"R": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Next": "W",
                                                 "Parameters": {"Bucket": "items", "Key.$": "$"}}, "W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
        arn = self.start(distributed(read, MaxConcurrency=1, ToleratedFailureCount=1, **writer("again")), ["one", "two", "three"])
        self.assertEqual(self.ended(arn)["status"], "FAILED")
        run = self.run_of(arn)
        failed = [('"one"', "FAILED", None), ('"two"', "FAILED", None)]
        self.assertEqual(self.results(run, "again"), {"SUCCEEDED": [], "PENDING": [('"three"', "PENDING", None)], "FAILED": failed})
        self.put("one", "1")
        self.api.redrive_execution(executionArn=arn)
        self.until("it does not go on", lambda: self.counts(run).get("running") == 1)
        self.api.stop_execution(executionArn=arn)
        self.until("the run goes on", lambda: self.api.describe_map_run(mapRunArn=run)["status"] == "ABORTED")
        self.assertEqual(self.results(run, "again"), {"SUCCEEDED": [], "PENDING": [('"three"', "PENDING", None)],
                                                     "FAILED": [('"one"', "ABORTED", None), ('"two"', "FAILED", None)]})

    def test_limits_change_and_a_stop_stops_all(self):
        arn = self.start(distributed(WAIT, MaxConcurrency=1), list(range(10)))
        run = self.run_of(arn)
        self.until("no child runs", lambda: self.counts(run).get("running") == 1)
        self.api.update_map_run(mapRunArn=run, maxConcurrency=4, toleratedFailurePercentage=50.0, toleratedFailureCount=9)
        self.until("no more children run", lambda: self.counts(run).get("running") == 4)
        told = self.api.describe_map_run(mapRunArn=run)
        self.assertEqual((told["status"], told["maxConcurrency"], told["toleratedFailurePercentage"], told["toleratedFailureCount"]), ("RUNNING", 4, 50.0, 9))
        self.assertEqual(told["itemCounts"]["pending"], 6)
        self.api.stop_execution(executionArn=arn)
        self.until("the run goes on", lambda: self.api.describe_map_run(mapRunArn=run)["status"] == "ABORTED")
        self.until("children go on", lambda: {child["status"] for child in self.children(run)} == {"ABORTED"})
        self.assertEqual(self.counts(run), {"aborted": 4, "pending": 6, "total": 10})
        with self.assertRaises(botocore.exceptions.ClientError):
            self.api.update_map_run(mapRunArn=run, maxConcurrency=1)

    def test_redrive(self):
        # A child fails as long as its object is not there.
        read = {"StartAt": "R", "States": {"R": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
                                                 "Parameters": {"Bucket": "items", "Key.$": "$"}, "ResultSelector": {"b.$": "$.Body"}, "End": True}}}
        self.put("there", "1")
        arn = self.start(distributed(read, MaxConcurrency=2), ["there", "later", "there"])
        self.assertEqual(self.ended(arn)["status"], "FAILED")
        run = self.run_of(arn)
        failed = self.children(run, statusFilter="FAILED")
        self.assertEqual(len(failed), 1)
        self.assertEqual(self.api.describe_execution(executionArn=failed[0]["executionArn"])["redriveStatus"], "REDRIVABLE_BY_MAP_RUN")
        with self.assertRaises(self.api.exceptions.ExecutionNotRedrivable):
            self.api.redrive_execution(executionArn=failed[0]["executionArn"])
        self.put("later", "2")
        self.api.redrive_execution(executionArn=arn)
        self.assertEqual(json.loads(self.ended(arn)["output"]), [{"b": "1"}, {"b": "2"}, {"b": "1"}])
        self.assertEqual(self.api.describe_map_run(mapRunArn=run)["redriveCount"], 1)
        types = [event["type"] for event in self.api.get_execution_history(executionArn=arn)["events"]]
        self.assertIn("MapRunRedriven", types)
        self.assertEqual(self.api.describe_execution(executionArn=failed[0]["executionArn"])["redriveCount"], 1)

    def test_more_runs_than_may_be_open_wait(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("[aws]\nopen_map_runs = 2\n")
            config.flush()
            with Server(arguments=["--config", config.name]) as server:
                api = server.client("stepfunctions")
                arn = api.create_state_machine(name="m", definition=json.dumps(distributed(WAIT)), roleArn=ROLE)["stateMachineArn"]
                executions, runs = [], []
                for n in range(4):
                    executions.append(api.start_execution(stateMachineArn=arn, input="[1]")["executionArn"])
                    runs.append(self.until("there is no map run", lambda: api.list_map_runs(executionArn=executions[-1])["mapRuns"])[0]["mapRunArn"])
                    if n < 2:
                        self.until("no child runs", lambda: api.describe_map_run(mapRunArn=runs[-1])["itemCounts"]["running"] == 1)
                pending = lambda: [api.describe_map_run(mapRunArn=run)["itemCounts"]["pending"] for run in runs]
                self.assertEqual(pending(), [0, 0, 1, 1])
                self.assertEqual([api.describe_map_run(mapRunArn=run)["status"] for run in runs], ["RUNNING"] * 4)
                api.stop_execution(executionArn=executions[2])
                api.stop_execution(executionArn=executions[0])
                self.until("nobody followed", lambda: pending() == [0, 0, 1, 0])
                # Those at work keep their places over a crash, and leave them.
                server.kill()
                server.start()
                api = server.client("stepfunctions")
                executions.append(api.start_execution(stateMachineArn=arn, input="[1]")["executionArn"])
                runs.append(self.until("there is no map run", lambda: api.list_map_runs(executionArn=executions[-1])["mapRuns"])[0]["mapRunArn"])
                for n in (1, 3):
                    api.stop_execution(executionArn=executions[n])
                self.until("nobody followed", lambda: pending() == [0, 0, 1, 0, 0])

    def test_what_is_no_map_run(self):
        none = "arn:aws:states:us-east-1:123456789012:mapRun:m/l:00000000-0000-4000-8000-000000000000"
        for call, arguments in ((self.api.describe_map_run, {"mapRunArn": none}), (self.api.update_map_run, {"mapRunArn": none, "maxConcurrency": 1}),
                                (self.api.list_executions, {"mapRunArn": none})):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                call(**arguments)
            self.assertEqual(refused.exception.response["Error"]["Code"], "ResourceNotFound")
        for arn in ("nonsense", "arn:aws:states:us-east-1:123456789012:execution:m:e"):
            with self.assertRaises(self.api.exceptions.InvalidArn):
                self.api.describe_map_run(mapRunArn=arn)
        for change in ({"maxConcurrency": -1}, {"toleratedFailurePercentage": 101.0}):
            with self.assertRaises((botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError)):
                self.api.update_map_run(mapRunArn=none, **change)

    def test_a_crash_in_the_middle(self):
        self.put("many.jsonl", "".join(f'{{"n":{n}}}\n' for n in range(ITEMS)))
        arn = self.start(distributed(FUNCTION, MaxConcurrency=100, **reader("many.jsonl", InputType="JSONL"), **writer("many")))
        run = self.run_of(arn)
        for share in (3, 2):
            self.until("nothing is done", lambda: self.counts(run).get("succeeded", 0) > ITEMS // share)
            self.server.kill()
            self.server.start()
            type(self).api = self.server.client("stepfunctions")
        ended = self.ended(arn)
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        self.assertEqual(self.counts(run), {"succeeded": ITEMS, "total": ITEMS, "resultsWritten": ITEMS})
        children = self.children(run)
        self.assertEqual(collections.Counter(child["status"] for child in children), {"SUCCEEDED": ITEMS})
        self.assertEqual(len({child["executionArn"] for child in children}), ITEMS)
        for child in children[:: max(1, ITEMS // 50)]:
            events = self.api.get_execution_history(executionArn=child["executionArn"])["events"]
            self.assertEqual(sum(event["type"] == "ExecutionSucceeded" for event in events), 1)
        key = json.loads(ended["output"])["ResultWriterDetails"]["Key"]
        manifest = json.loads((self.buckets / "results" / key).read_text())
        results = json.loads((self.buckets / "results" / manifest["ResultFiles"]["SUCCEEDED"][0]["Key"]).read_text())
        self.assertEqual(sorted(json.loads(result["Output"])["n"] for result in results), list(range(ITEMS)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
