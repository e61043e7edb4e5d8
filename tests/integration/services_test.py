#!/usr/bin/env python3
"""Task resources other than functions, through a running server: executions that start and await others, Step Functions,
Lambda and S3 as aws-sdk; stops reach children, and a crash repeats nothing."""
import http.server
import io
import json
import tempfile
import threading
import time
import unittest
import zipfile

from clients import ROLE, PatientTestCase, botocore
from server import Server

SECONDS = 30
CODE = "def lambda_handler(event, context):\n    return {'doubled': event['n'] * 2}\n"
CHILD = {"StartAt": "Add", "States": {"Add": {"Type": "Pass", "Result": 7, "ResultPath": "$.added", "End": True}}}
FAILING = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Broken", "Cause": "by design"}}}
WAITING = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "Done"}, "Done": {"Type": "Pass", "Result": {"ok": True}, "End": True}}}
ENDLESS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86400, "End": True}}}
# Answers whoever waits for the token that it is given.
ANSWERING = {"StartAt": "Answer", "States": {"Answer": {
    "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
    "Parameters": {"TaskToken.$": "$.token", "Output": {"told": "you"}}, "End": True}}}


def one_task(resource, parameters, **fields):
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True, **fields}}}


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers what it was asked; /none with 404, and /never not at all: it notes that its client went away."""
    protocol_version = "HTTP/1.1"
    asked, left = threading.Event(), threading.Event()

    def answer(self):
        if self.path == "/never":
            self.asked.set()
            if not self.connection.recv(1):
                self.left.set()
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        text = json.dumps({"method": self.command, "path": self.path, "body": body, "key": self.headers.get("X-Key")}).encode()
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


CONNECTIONS = """[connections.echo]
authorization = "API_KEY"
api_key_name = "X-Key"
api_key_value = "sesame"
allow_http = true
"""


class Services(PatientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=cls.endpoint.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.endpoint.shutdown)
        config = tempfile.NamedTemporaryFile("w", suffix=".toml")
        cls.addClassCleanup(config.close)
        config.write(CONNECTIONS)
        config.flush()
        cls.server = Server(arguments=["--config", config.name]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.api = cls.server.client("stepfunctions", inject_host_prefix=False)

    @classmethod
    def make(cls, definition, name=None, **fields):
        cls.made = getattr(cls, "made", 0) + 1
        return cls.api.create_state_machine(name=name or f"m{cls.made}", definition=json.dumps(definition), roleArn=ROLE, **fields)["stateMachineArn"]

    def ended(self, arn):
        self.until("the execution did not end", lambda: self.api.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return self.api.describe_execution(executionArn=arn)

    def run_one(self, resource, parameters, input=None, **fields):
        arn = self.make(one_task(resource, parameters, **fields))
        return self.ended(self.api.start_execution(stateMachineArn=arn, input=json.dumps(input or {}))["executionArn"])

    def output(self, *args, **fields):
        ended = self.run_one(*args, **fields)
        self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
        return json.loads(ended["output"])

    def test_starts_an_execution(self):
        child = self.make(CHILD)
        output = self.output("states:startExecution", {"StateMachineArn": child, "Input": {"n.$": "$.n"}}, {"n": 3})
        self.assertEqual(output["SdkHttpMetadata"]["HttpStatusCode"], 200)
        self.assertEqual(json.loads(self.ended(output["ExecutionArn"])["output"]), {"n": 3, "added": 7})

    def test_awaits_an_execution(self):
        child = self.make(CHILD)
        for pattern, shown in ((".sync", '{"n":3,"added":7}'), (".sync:2", {"n": 3, "added": 7})):
            output = self.output("states:startExecution" + pattern, {"StateMachineArn": child, "Input": {"n": 3}})
            self.assertEqual((output["Status"], output["StateMachineArn"], output["Output"]), ("SUCCEEDED", child, shown))
            self.assertEqual((output["RedriveCount"], output["RedriveStatus"]), (0, "NOT_REDRIVABLE"))
        failed = self.run_one("states:startExecution.sync:2", {"StateMachineArn": self.make(FAILING)})
        self.assertEqual((failed["status"], failed["error"]), ("FAILED", "States.TaskFailed"))
        cause = json.loads(failed["cause"])
        self.assertEqual((cause["Status"], cause["Error"], cause["Cause"]), ("FAILED", "Broken", "by design"))

    def test_an_execution_that_cannot_be_started(self):
        nobody = self.make(CHILD) + "x"
        failed = self.run_one("states:startExecution", {"StateMachineArn": nobody})
        self.assertEqual(failed["error"], "StepFunctions.StateMachineDoesNotExistException")
        self.assertIn("Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist", failed["cause"])

    def test_awaits_a_token_that_the_child_answers(self):
        child = self.make(ANSWERING)
        output = self.output("states:startExecution.waitForTaskToken", {"StateMachineArn": child, "Input": {"token.$": "$$.Task.Token"}})
        self.assertEqual(output, {"told": "you"})

    def test_stops_reach_the_child(self):
        child = self.make(ENDLESS)
        for pattern in (".sync", ".sync:2"):
            arn = self.make(one_task("states:startExecution" + pattern, {"StateMachineArn": child}))
            parent = self.api.start_execution(stateMachineArn=arn)["executionArn"]
            running = self.until("no child", lambda: self.api.list_executions(stateMachineArn=child, statusFilter="RUNNING")["executions"])
            # The parent must have learned of its child.
            self.until("not submitted", lambda: "TaskSubmitted" in [e["type"] for e in self.api.get_execution_history(executionArn=parent)["events"]])
            self.api.stop_execution(executionArn=parent)
            self.assertEqual(self.ended(running[0]["executionArn"])["status"], "ABORTED")

    def test_step_functions_as_sdk(self):
        child = self.make(CHILD)
        output = self.output("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": self.make(CHILD, type="EXPRESS"), "Input": {"a": 1}})
        self.assertEqual((output["Status"], json.loads(output["Output"])), ("SUCCEEDED", {"a": 1, "added": 7}))
        output = self.output("aws-sdk:sfn:describeStateMachine", {"StateMachineArn": child})
        self.assertEqual((output["StateMachineArn"], output["Status"], json.loads(output["Definition"])), (child, "ACTIVE", CHILD))
        failed = self.run_one("aws-sdk:sfn:describeStateMachine", {"StateMachineArn": child + "x"})
        self.assertEqual(failed["error"], "Sfn.StateMachineDoesNotExistException")
        self.assertIn("(Service: Sfn, Status Code: 400, Request ID: ", failed["cause"])

    def test_lambda_as_sdk(self):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("lambda_function.py", CODE)
        functions = self.server.client("lambda")
        functions.create_function(FunctionName="double", Runtime="python3.11", Role=ROLE, Handler="lambda_function.lambda_handler",
                                  Code={"ZipFile": package.getvalue()})
        functions.get_waiter("function_active_v2").wait(FunctionName="double")
        output = self.output("aws-sdk:lambda:invoke", {"FunctionName": "double", "Payload": {"n.$": "$.n"}}, {"n": 21})
        self.assertEqual((output["StatusCode"], json.loads(output["Payload"])), (200, {"doubled": 42}))
        output = self.output("aws-sdk:lambda:getFunctionConfiguration", {"FunctionName": "double"})
        self.assertEqual(output["Handler"], "lambda_function.lambda_handler")
        self.assertEqual(self.run_one("aws-sdk:lambda:invoke", {"FunctionName": "nobody"})["error"], "Lambda.ResourceNotFoundException")

    def test_s3_as_sdk(self):
        self.output("aws-sdk:s3:createBucket", {"Bucket": "results"})
        put = self.output("aws-sdk:s3:putObject", {"Bucket": "results", "Key": "a/one.json", "Body": {"n.$": "$.n"}}, {"n": 1})
        self.assertTrue(put["ETag"].startswith('"'))
        stored = self.server.directory / "data/buckets/results/a/one.json"
        self.assertEqual(json.loads(stored.read_text()), {"n": 1})
        got = self.output("aws-sdk:s3:getObject", {"Bucket": "results", "Key.$": "$.key"}, {"key": "a/one.json"})
        self.assertEqual((json.loads(got["Body"]), got["ContentLength"]), ({"n": 1}, 7))
        listed = self.output("aws-sdk:s3:listObjectsV2", {"Bucket": "results", "Prefix": "a/"})
        self.assertEqual([(entry["Key"], entry["Size"]) for entry in listed["Contents"]], [("a/one.json", 7)])
        failed = self.run_one("aws-sdk:s3:getObject", {"Bucket": "results", "Key": "none"})
        self.assertEqual(failed["error"], "S3.NoSuchKeyException")

    def http_task(self, path="/", **fields):
        return {"ApiEndpoint": f"http://127.0.0.1:{self.endpoint.server_address[1]}{path}", "Method": "POST",
                "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/echo/81210c42"}, **fields}

    def test_http_endpoints(self):
        output = self.output("http:invoke", self.http_task("/a", RequestBody={"n": [1, 2]}, QueryParameters={"q.$": "$.q"},
                                                           Transform={"RequestBodyEncoding": "URL_ENCODED"}), {"q": "x"})
        self.assertEqual((output["StatusCode"], output["StatusText"], output["Headers"]["content-type"]), (200, "OK", ["application/json"]))
        self.assertEqual(output["ResponseBody"], {"method": "POST", "path": "/a?q=x", "body": "n[0]=1&n[1]=2", "key": "sesame"})
        failed = self.run_one("http:invoke", self.http_task("/none", Method="GET"))
        self.assertEqual((failed["error"], json.loads(failed["cause"])["method"]), ("States.Http.StatusCode.404", "GET"))
        failed = self.run_one("http:invoke", self.http_task(ApiEndpoint="http://127.0.0.1:1/"))
        self.assertEqual(failed["error"], "States.Http.Socket")
        # What cannot be sent fails as parameters do that cannot be used.
        failed = self.run_one("http:invoke", self.http_task(Headers={"Host": "elsewhere"}))
        self.assertEqual(failed["error"], "States.Runtime")
        self.assertIn("could not be used to start the Task: [The value of the field 'Headers' has the header 'Host', which is reserved]", failed["cause"])
        failed = self.run_one("http:invoke", self.http_task(Authentication={"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/nobody/1"}))
        self.assertEqual(failed["error"], "Events.ConnectionResource.NotFound")
        self.assertNotIn("sesame", self.server.log(10**6))

    def test_a_call_that_nobody_waits_for_is_given_up(self):
        for end in ("time-out", "stop"):
            with self.subTest(end):
                Endpoint.asked.clear()
                Endpoint.left.clear()
                limits = {"TimeoutSeconds": 1} if end == "time-out" else {}
                machine = self.make(one_task("http:invoke", self.http_task("/never", Method="GET"), **limits))
                arn = self.api.start_execution(stateMachineArn=machine)["executionArn"]
                self.assertTrue(Endpoint.asked.wait(SECONDS))
                if end == "stop":
                    self.api.stop_execution(executionArn=arn)
                # Long before the request's own 60 s.
                self.assertTrue(Endpoint.left.wait(SECONDS))
                self.assertIn(self.ended(arn)["status"], ("FAILED", "ABORTED"))

    def test_a_trace_of_an_http_task(self):
        state = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": True,
                 "Parameters": self.http_task("/a", RequestBody={"n": 1}, QueryParameters={"q": "x"}, Headers={"X-Task": "t"})}

        def tested(state=state, **options):
            return self.api.test_state(definition=json.dumps(state), roleArn=ROLE, **options)

        for level in ("INFO", "DEBUG"):
            self.assertNotIn("request", tested(inspectionLevel=level, revealSecrets=True).get("inspectionData", {}))
        seen = tested(inspectionLevel="TRACE")["inspectionData"]
        url = state["Parameters"]["ApiEndpoint"] + "?q=x"
        own = "User-Agent: Amazon|StepFunctions|HttpInvoke|us-east-1, Range: bytes=0-262144"
        self.assertEqual(seen["request"], {"protocol": "http", "method": "POST", "url": url, "body": '{"n":1}',
                                           "headers": f"[X-Task: t, Content-Type: application/json, {own}]"})
        self.assertEqual({key: seen["response"][key] for key in ("protocol", "statusCode", "statusMessage")},
                         {"protocol": "http", "statusCode": "200", "statusMessage": "OK"})
        self.assertIn("content-type: application/json", seen["response"]["headers"])
        # What the endpoint says is shown as it is, whatever it repeats.
        self.assertEqual(json.loads(seen["response"]["body"])["key"], "sesame")
        self.assertIn("afterParameters", seen)
        revealed = tested(inspectionLevel="TRACE", revealSecrets=True)["inspectionData"]["request"]["headers"]
        self.assertEqual(revealed, f"[X-Task: t, Content-Type: application/json, X-Key: sesame, {own}]")
        failed = tested({**state, "Parameters": self.http_task("/none")}, inspectionLevel="TRACE")
        self.assertEqual((failed["status"], failed["error"]), ("FAILED", "States.Http.StatusCode.404"))
        self.assertEqual(failed["inspectionData"]["response"]["statusCode"], "404")
        silent = tested({**state, "Parameters": self.http_task(ApiEndpoint="http://127.0.0.1:1/")}, inspectionLevel="TRACE")
        self.assertEqual(silent["inspectionData"]["request"]["url"], "http://127.0.0.1:1/")
        self.assertNotIn("response", silent["inspectionData"])
        self.assertNotIn("request", self.api.test_state(definition=json.dumps({"Type": "Pass", "End": True}), roleArn=ROLE, inspectionLevel="TRACE")["inspectionData"])

    def test_one_state_by_itself(self):
        state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeStateMachine", "End": True}
        child = self.make(CHILD)
        tested = self.api.test_state(definition=json.dumps({**state, "Parameters": {"StateMachineArn.$": "$.m"}}), roleArn=ROLE, input=json.dumps({"m": child}))
        self.assertEqual((tested["status"], json.loads(tested["output"])["StateMachineArn"]), ("SUCCEEDED", child))
        tested = self.api.test_state(definition=json.dumps({**state, "Parameters": {"StateMachineArn": child + "x"}}), roleArn=ROLE)
        self.assertEqual((tested["status"], tested["error"]), ("FAILED", "Sfn.StateMachineDoesNotExistException"))

    def test_parameters_that_an_action_does_not_take(self):
        for resource, parameters, wrong in (
                ("states:startExecution.sync:2", {"Input": {}}, "The field 'StateMachineArn' is required but was missing"),
                ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k", "key": "k"}, "The field 'key' is not supported by Step Functions")):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.make(one_task(resource, parameters))
            self.assertEqual(refused.exception.response["Error"]["Message"],
                             f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {wrong} at /States/T/Parameters'")

    def test_a_resource_that_is_not_there(self):
        for resource in ("sqs:sendMessage", "aws-sdk:dynamodb:getItem", "aws-sdk:s3:putBucketPolicy"):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.make(one_task(resource, {"QueueUrl": "q", "MessageBody": "m"}))
            error = refused.exception.response["Error"]
            self.assertEqual(error["Code"], "InvalidDefinition")
            self.assertIn(f"The resource 'arn:aws:states:::{resource}' of the state 'T' is not available on this server", error["Message"])


class Crash(unittest.TestCase):
    def test_an_execution_that_awaits_others_finishes_once(self):
        with Server() as server:
            api = server.client("stepfunctions")
            make = lambda name, definition: api.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
            child = make("child", WAITING)
            item = one_task("states:startExecution.sync:2", {"StateMachineArn": child}, OutputPath="$.Output")
            parent = make("parent", {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": item, "End": True}}})
            arn = api.start_execution(stateMachineArn=parent, input=json.dumps(list(range(20))))["executionArn"]
            for wanted in (5, 20):
                deadline = time.monotonic() + SECONDS
                while len(api.list_executions(stateMachineArn=child)["executions"]) < wanted:
                    self.assertLess(time.monotonic(), deadline, "the children were not started")
                    time.sleep(0.01)
                server.kill()
                server.start()
                api = server.client("stepfunctions")
            deadline = time.monotonic() + SECONDS
            while (ended := api.describe_execution(executionArn=arn))["status"] == "RUNNING":
                self.assertLess(time.monotonic(), deadline, "the parent did not end")
                time.sleep(0.02)
            self.assertEqual(ended["status"], "SUCCEEDED", ended.get("cause"))
            self.assertEqual(json.loads(ended["output"]), [{"ok": True}] * 20)
            children = api.list_executions(stateMachineArn=child)["executions"]
            self.assertEqual((len(children), {c["status"] for c in children}), (20, {"SUCCEEDED"}))
            types = [e["type"] for e in api.get_execution_history(executionArn=arn, maxResults=1000)["events"]]
            self.assertEqual([types.count(t) for t in ("TaskScheduled", "TaskSubmitted", "TaskSucceeded", "TaskFailed")], [20, 20, 20, 0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
