#!/usr/bin/env python3
"""Bad input against a running server: each gets AWS's error or a closed connection, and costs nobody else
anything. While every group runs, a neighbour starts executions and must be served soon; after it the server
must be alive and ready, must have logged no error, and may not have grown beyond GROWTH_MIB.
"""
import base64
import contextlib
import datetime
import json
import os
import pathlib
import resource
import shutil
import tempfile
import threading
import time
import unittest
import urllib.request

import bad_packages
from clients import ROLE
from raw_client import RawClient, read_reply, request
from server import ROOT, Server

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:"
# A server built with a sanitizer is several times slower, and keeps what was freed for a while.
SLOWER = 6 if os.environ.get("TANDEM_SANITIZED") else 1
GROWTH_MIB = 768 * SLOWER         # of the server's peak memory during any group over its size at the start
WORST_S, MEDIAN_S = 2.5 * SLOWER, 0.3 * SLOWER   # of the neighbour's "start, then describe until it has succeeded"
IDLE_CONNECTIONS = 10_000
HEADER_TIMEOUT_S, BODY_TIMEOUT_S = 1.5, 2.0
LIMITS = f"""
[limits]
http_header_timeout_ms = {int(HEADER_TIMEOUT_S * 1000)}
http_body_timeout_ms = {int(BODY_TIMEOUT_S * 1000)}
http_body_bytes = 12582912
function_zip_bytes = 4194304
function_unzipped_bytes = 33554432
function_zip_entries = 2000
"""


def one_state(**fields):
    """A state machine of one state, a Pass unless said otherwise."""
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **fields}}}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


PASS = one_state()


def nested(depth):
    return b"[" * depth + b"]" * depth


class Neighbour(threading.Thread):
    """A client that does everything right, all the time, and notes how long it takes."""

    def __init__(self, server, machine):
        super().__init__(daemon=True)
        self.client = server.client("stepfunctions", connect_timeout=10, read_timeout=60)
        self.machine = machine
        self.seconds = []
        self.problem = None
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set() or len(self.seconds) < 20:
                self.serve_once()
                self.over.wait(0.005)
        except Exception as problem:  # told by the thread that waits for this one
            self.problem = problem

    def serve_once(self):
        began = time.monotonic()
        execution = self.client.start_execution(stateMachineArn=self.machine, input='{"n": 1}')["executionArn"]
        while True:
            answer = self.client.describe_execution(executionArn=execution)
            if answer["status"] != "RUNNING":
                break
        assert answer["status"] == "SUCCEEDED" and answer["output"] == '{"n":1}', answer
        self.seconds.append(time.monotonic() - began)


class BadInput(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="tandem-bad-input-"))
        config = cls.directory / "tandem.toml"
        config.write_text(LIMITS)
        environment = {**os.environ, "TANDEM_FATAL_SOFT_CHECKS": "1"}
        cls.server = Server(data=cls.directory / "server", arguments=["--config", str(config)], environment=environment).start()
        cls.raw = RawClient(cls.server.ready)
        cls.workflows = cls.server.client("stepfunctions", read_timeout=60)
        cls.functions = cls.server.client("lambda", read_timeout=60)
        cls.machine = cls.create("good", PASS)
        cls.functions.create_function(FunctionName="good", Runtime="python3.11", Role=ROLE, Handler="app.handler", Timeout=10,
                                      Code={"ZipFile": bad_packages.GOOD})
        cls.functions.invoke(FunctionName="good", Payload="{}")
        cls.at_start_kib = cls.memory_kib("VmRSS")

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop(timeout_s=20)
        assert status == 0, f"the server ended with {status}:\n{cls.server.log()}"
        shutil.rmtree(cls.directory, ignore_errors=True)

    @classmethod
    def create(cls, name, definition):
        return cls.workflows.create_state_machine(name=name, definition=compact(definition), roleArn=ROLE)["stateMachineArn"]

    @classmethod
    def memory_kib(cls, what):
        lines = pathlib.Path(f"/proc/{cls.server.ready['pid']}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what))

    def setUp(self):
        pathlib.Path(f"/proc/{self.server.ready['pid']}/clear_refs").write_text("5")  # the peak is this group's
        self.neighbour = Neighbour(self.server, self.machine)
        self.neighbour.start()

    def tearDown(self):
        self.neighbour.over.set()
        self.neighbour.join(60)
        self.assertFalse(self.neighbour.is_alive(), "the neighbour waits for an answer")
        self.assertIsNone(self.neighbour.problem)
        seconds = sorted(self.neighbour.seconds)
        worst, median = seconds[-1], seconds[len(seconds) // 2]
        grown = (self.memory_kib("VmHWM") - self.at_start_kib) / 1024
        print(f"{self._testMethodName}: neighbour's {len(seconds)} calls took {median * 1000:.1f} ms, at worst {worst * 1000:.0f} ms; "
              f"the server grew by at most {grown:.0f} MiB", flush=True)
        self.assertLess(worst, WORST_S)
        self.assertLess(median, MEDIAN_S)
        self.assertIsNone(self.server.process.poll(), self.server.log())
        for path, text in (("/healthz", "ok"), ("/readyz", "ready")):
            with urllib.request.urlopen(self.server.url + path) as reply:
                self.assertEqual(reply.read().decode().strip(), text)
        with urllib.request.urlopen(self.server.url + "/metrics") as reply:
            self.assertIn("tandem_soft_check_failures_total 0", reply.read().decode())
        self.assertNotRegex(self.server.log(1 << 20), r'"level":"(error|critical)"')
        self.assertLess(grown, GROWTH_MIB)

    # What is expected of an answer.

    def refused(self, reply, status, code, message=None):
        self.assertIsNotNone(reply, "closed without an answer")
        self.assertEqual((reply.status, reply.code), (status, code), reply.body[:500])
        body = reply.json()
        if "__type" in body:
            self.assertEqual(body["__type"], code)
        self.assertLess(len(reply.body), 8192, "an error's text is for people")
        if message is not None:
            self.assertIn(message, reply.message)
        return reply

    def accepted(self, reply, status=200):
        self.assertIsNotNone(reply, "closed without an answer")
        self.assertEqual(reply.status, status, reply.body[:500])
        return reply.json() if reply.body else {}

    def closed_or(self, reply, statuses):
        if reply is not None:
            self.assertIn(reply.status, statuses, reply.body[:200])
            self.assertEqual(reply.headers.get("connection"), "close")

    def finished(self, execution, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.workflows.describe_execution(executionArn=execution)
            if answer["status"] != "RUNNING":
                return answer
            time.sleep(0.01)
        self.fail(f"{execution} did not end")

    def run_machine(self, definition, text="{}"):
        name = f"m{time.monotonic_ns()}"
        return self.finished(self.workflows.start_execution(stateMachineArn=self.create(name, definition), input=text)["executionArn"])

    # The groups.

    def test_bodies_that_are_no_json(self):
        not_json = "The request body is not valid JSON: "
        cases = {
            b"{nope": not_json + "expected a member name", b'{"name": "x"': not_json + "unexpected end", b"{} {}": not_json + "unexpected text",
            b"{'name': 1}": not_json, b'{"name": \xff\xfe}': not_json + "not valid UTF-8", b'{"name": "\xc3"}': not_json + "not valid UTF-8",
            b"\xef\xbb\xbf{}": not_json, b'{"a": "\\ud800"}': not_json + "lone high surrogate", b'{"a": 1e999}': not_json + "number out of range",
            b'{"a": ' + b"9" * 1_000_000 + b"}": not_json + "number out of range", b'{"a": "\x00"}': not_json + "control character",
            b'{"a": ' + nested(1_000) + b"}": not_json + "nested deeper than 200 levels", b"[" * 100_000: not_json + "nested deeper",
            b'{"a":' * 100_000: not_json + "nested deeper", b'{"a": [' + b"[]," * 2_000_000 + b"0]}": not_json + "more than 10000 values",
            b"[]": "Start of list", b'"text"': "Unexpected field type", b"7": "Unexpected field type", b"null": "Unexpected field type"}
        for body, message in cases.items():
            with self.subTest(body[:40]):
                self.refused(self.raw.states("CreateStateMachine", body), 400, "SerializationException", message)
                self.refused(self.raw.functions("POST", "/2015-03-31/functions", body), 400, "SerializationException", message)
        self.refused(self.raw.states("CreateStateMachine", b""), 400, "ValidationException", "3 validation errors detected")
        self.refused(self.raw.states("CreateStateMachine", b'{"a": "' + b"x" * (9 << 20) + b'"}'), 413, "RequestEntityTooLargeException")
        twice = self.raw.states("StartExecution", b'{"stateMachineArn": "nonsense", "stateMachineArn": 5}')
        self.refused(twice, 400, "SerializationException", "NUMBER_VALUE can not be converted to String")

    def test_wrong_types(self):
        good = {"name": "x", "definition": compact(PASS), "roleArn": ROLE}
        for value, message in ((5, "NUMBER_VALUE"), (1.5, "DECIMAL_VALUE"), (True, "TRUE_VALUE"), ([], "Start of list"), ({}, "Start of structure")):
            for field in good:
                self.refused(self.raw.states("CreateStateMachine", {**good, field: value}), 400, "SerializationException", message)
            self.refused(self.raw.states("StartExecution", {"stateMachineArn": value}), 400, "SerializationException", message)
            self.refused(self.raw.states("DescribeExecution", {"executionArn": value}), 400, "SerializationException", message)
        for value in ("10", 1.5, True, [], {}):
            self.refused(self.raw.states("ListStateMachines", {"maxResults": value}), 400, "SerializationException")
        for value in (-1, 1001, 1 << 62):
            self.refused(self.raw.states("ListStateMachines", {"maxResults": value}), 400, "ValidationException", "at 'maxResults'")
        self.refused(self.raw.states("CreateStateMachine", {**good, "tags": {"a": 1}}), 400, "SerializationException")
        self.refused(self.raw.states("CreateStateMachine", {**good, "tags": [{"value": "x"}]}), 400, "ValidationException", "tags.1.member.key")
        self.refused(self.raw.states("CreateStateMachine", {**good, "type": "FAST"}), 400, "ValidationException", "enum value set")
        function = {"FunctionName": "x", "Runtime": "python3.11", "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": ""}}
        for changes, code in (({"FunctionName": 5}, "SerializationException"), ({"Code": "zip"}, "SerializationException"),
                              ({"Timeout": "3"}, "SerializationException"), ({"Environment": []}, "SerializationException"),
                              ({"Code": {"ZipFile": 5}}, "SerializationException"), ({"Code": {"ZipFile": "***"}}, "SerializationException"),
                              ({"Timeout": 1 << 40}, "ValidationException"), ({"MemorySize": -1}, "ValidationException"),
                              ({"Runtime": "cobol85", "Code": {"ZipFile": base64.b64encode(bad_packages.GOOD).decode()}},
                               "InvalidParameterValueException")):
            with self.subTest(changes=changes):
                self.refused(self.raw.functions("POST", "/2015-03-31/functions", {**function, **changes}), 400, code)

    def test_unknown_targets(self):
        json10 = ("Content-Type", "application/x-amz-json-1.0")
        for action in ("Nope", "", "startexecution", "StartExecution\t2", "x" * 10_000):
            self.refused(self.raw.states(action, {}), 400, "UnknownOperationException")
        for headers in ([json10], [json10, ("X-Amz-Target", "DynamoDB_20120810.ListTables")],
                        [("X-Amz-Target", "AWSStepFunctions.ListStateMachines")],
                        [("Content-Type", "text/plain"), ("X-Amz-Target", "AWSStepFunctions.ListStateMachines")]):
            self.refused(self.raw.states("", {}, headers=headers), 404, "UnknownOperationException")
        for method, path in (("GET", "/"), ("PUT", "/"), ("BREW", "/pot"), ("GET", "/../../etc/passwd"), ("OPTIONS", "*"), ("CONNECT", "x:1"),
                             ("POST", "/favicon.ico")):
            self.refused(self.raw.send(request(method, path, [("Host", "x"), ("Content-Length", 0)])), 404, "UnknownOperationException")
        for method, path in (("GET", "/2015-03-31/nope"), ("PATCH", "/2015-03-31/functions"), ("GET", "/9999-99-99/functions"),
                             ("GET", "/2015-03-31/functions/x/y/z")):
            self.refused(self.raw.functions(method, path), 404, "UnknownOperationException")

    def test_signatures(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        cases = {
            "unknown key": (dict(key="AKIANOBODY"), "UnrecognizedClientException", "security token"),
            "wrong secret": (dict(secret="wrong"), "InvalidSignatureException", "does not match"),
            "expired": (dict(at=now - datetime.timedelta(minutes=16)), "InvalidSignatureException", "Signature expired"),
            "from the future": (dict(at=now + datetime.timedelta(minutes=16)), "InvalidSignatureException", "not yet current"),
            "long ago": (dict(at=datetime.datetime(1970, 1, 1)), "InvalidSignatureException", "Signature expired"),
            "end of time": (dict(at=datetime.datetime(9999, 12, 31)), "InvalidSignatureException", "not yet current"),
            "other region": (dict(region="eu-central-1"), "InvalidSignatureException", "valid region"),
            "other service": (dict(scope_service="s3"), "InvalidSignatureException", "correct service"),
            "other terminator": (dict(terminator="aws5_request"), "InvalidSignatureException", "valid terminator"),
            "other day in the scope": (dict(scope_date="20200101"), "InvalidSignatureException", "Date in Credential scope"),
            "too many parts": (dict(region="a/b"), "IncompleteSignatureException", "exactly 5"),
            "body changed": (dict(tail=b" "), "InvalidSignatureException", "does not match"),
            "other algorithm": (dict(algorithm="AWS4-HMAC-MD5"), "IncompleteSignatureException", "algorithm"),
            "host not signed": (dict(signed_headers="x-amz-date"), "IncompleteSignatureException", "'Host'"),
            "20,000 signed headers": (dict(signed_headers="host" + ";a" * 20_000), "IncompleteSignatureException", "more than 100"),
            "fewer headers signed": (dict(signed_headers="host"), "InvalidSignatureException", "does not match"),
            "no text": (dict(key="\xff\xfe"), "UnrecognizedClientException", None)}
        for name, (changes, code, message) in cases.items():
            with self.subTest(name):
                self.refused(self.raw.states("ListStateMachines", {}, **changes), 400, code, message)
                self.refused(self.raw.functions("GET", "/2015-03-31/functions", b"{}", **changes), 403, code, message)
        target = ("X-Amz-Target", "AWSStepFunctions.ListStateMachines")
        for authorization, code in (((), "MissingAuthenticationTokenException"), (("",), "IncompleteSignatureException"),
                                    (("Basic YTpi",), "IncompleteSignatureException"), (("AWS4-HMAC-SHA256",), "IncompleteSignatureException"),
                                    (("AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",), "IncompleteSignatureException"),
                                    (("AWS4-HMAC-SHA256 " + "a=b," * 15_000,), "IncompleteSignatureException"), (("a", "b"),
                                                                                                                 "IncompleteSignatureException")):
            headers = [("Host", "x"), target, ("Content-Length", 0), *(("Authorization", value) for value in authorization)]
            self.refused(self.raw.send(request("POST", "/", headers)), 400, code)
        presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Fe&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
        for query in ("X-Amz-Algorithm=%ff", presigned, presigned + "&X-Amz-Date=99999999T999999Z&X-Amz-Expires=60",
                      presigned + "&X-Amz-Date=20200101T000000Z&X-Amz-Expires=99999999999999999999",
                      presigned + "&X-Amz-Date=20200101T000000Z&X-Amz-Expires=-1"):
            self.refused(self.raw.send(request("GET", "/2015-03-31/functions?" + query, [("Host", "x")])), 403, "IncompleteSignatureException")
        self.refused(self.raw.send(request("GET", "/2015-03-31/packages/..%2f..%2fcredentials?Expires=9&Signature=0", [("Host", "x")])), 403,
                     "AccessDeniedException")

    def test_definitions(self):
        def create(definition):
            text = definition if isinstance(definition, str) else compact(definition)
            return self.raw.states("CreateStateMachine", {"name": "bad", "definition": text, "roleArn": ROLE})
        one_more = compact({**PASS, "Comment": ""})
        one_more = one_more.replace('""', f'"{"x" * ((1 << 20) - len(one_more) + 1)}"')
        self.refused(create(one_more), 400, "ValidationException", "less than or equal to 1048576")
        self.refused(create("é" * (1 << 19) + "x"), 400, "ValidationException", "less than or equal to 1048576")
        self.refused(create(""), 400, "ValidationException", "greater than or equal to 1")
        rule = '{"Not":' * 1_000 + '{"Variable":"$.a","IsPresent":true}' + "}" * 1_000
        paths = ["$" + "[?(@" * 1_000, "$" + "." * 1_000, "$[?(@ =~ /((a{9}){99}){99}/)]", "$[?(@ =~ /(/)]", "$..", "States.Format('"]
        patterns = {f"x{i}.$": "$[?(@ =~ /a{900}/)]" for i in range(300)}
        invalid = ["{", "[]", "null", "x" * (1 << 20), nested(1_000).decode(), {}, {"StartAt": "A"}, {"StartAt": "A", "States": {}},
                   {"StartAt": "B", "States": PASS["States"]}, {"StartAt": "A", "States": {"A": 5}},
                   {"StartAt": "A", "States": {"A" * 81: PASS["States"]["A"], **PASS["States"]}},
                   '{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[' + rule + "]}}}",
                   one_state(Type="Nope"), one_state(Type="Wait", Seconds=-1), one_state(Type="Wait", Timestamp="2016-02-30T00:00:00Z"),
                   one_state(Parameters=patterns), *(one_state(Parameters={"x.$": path}) for path in paths)]
        for definition in invalid:
            with self.subTest(str(definition)[:80]):
                began = time.monotonic()
                self.refused(create(definition), 400, "InvalidDefinition", "Invalid State Machine Definition: '")
                self.assertLess(time.monotonic() - began, 3)
        # Large, and right.
        many = {f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(10_000)}
        self.assertEqual(self.run_machine({"StartAt": "S0", "States": {**many, "S10000": {"Type": "Succeed"}}})["status"], "SUCCEEDED")
        rules = {"Or": [{"Variable": "$.a", "StringEquals": "b"}] * 10_000, "Next": "B"}
        choice = {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [rules], "Default": "B"}, "B": {"Type": "Succeed"}}}
        self.assertEqual(self.run_machine(choice, '{"a": "c"}')["status"], "SUCCEEDED")

    def test_data_beyond_the_limits(self):
        def start(text):
            return self.raw.states("StartExecution", {"stateMachineArn": self.machine, "input": text})
        self.accepted(start('"' + "x" * 262_142 + '"'))
        for text in ('"' + "x" * 262_143 + '"', '"' + "é" * 131_072 + '"', "x" * 1_000_000):
            self.refused(start(text), 400, "ValidationException",
                         "Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144")
        for text, reason in (("", "Invalid execution input."), ("nul", "Unrecognized token 'nul'"), ("{'a'}", "('''"), ("[é]", "('é' (code 233))"),
                             ("x" * 200_000, "..."),
                             ("\x00", "CTRL-CHAR"), ('{"a": 1e999}', ""), (r'"\ud800"', ""), (nested(1_000).decode(), "")):
            self.refused(start(text), 400, "InvalidExecutionInput", "Invalid State Machine Execution Input: '")
            self.assertIn(reason, start(text).message)
        big = compact({"text": "x" * 200_000})
        for parameters in ({"a.$": "$.text", "b.$": "$.text"}, {f"x{i}.$": "$" for i in range(30_000)}):
            answer = self.run_machine(one_state(Parameters=parameters), big)
            self.assertEqual((answer["status"], answer["error"]), ("FAILED", "States.DataLimitExceeded"))
        invoke = "/2015-03-31/functions/good/invocations"
        self.refused(self.raw.functions("POST", invoke, b'"' + b"x" * (6 << 20) + b'"'), 413, "RequestTooLargeException",
                     "6291458 byte payload is too large")
        self.refused(self.raw.functions("POST", invoke, b'"' + b"x" * (1 << 20) + b'"', [("X-Amz-Invocation-Type", "Event")]), 413,
                     "RequestTooLargeException")
        too_long = request("POST", invoke, [("Host", "x"), ("Content-Length", 1 << 40)])
        self.refused(self.raw.send(too_long), 413, "RequestEntityTooLargeException")
        for headers in ([("X-Amz-Client-Context", "!!")], [("X-Amz-Client-Context", base64.b64encode(b'"' + b"x" * 4_000 + b'"').decode())]):
            self.refused(self.raw.functions("POST", invoke, b"{}", headers), 400, "InvalidRequestContentException", "Client context")
        self.refused(self.raw.functions("POST", invoke, b"{}", [("X-Amz-Invocation-Type", "x" * 5_000)]), 400, "InvalidParameterValueException",
                     "enum value set")

    def test_names_and_arns(self):
        def named(name):
            return self.raw.states("CreateStateMachine", {"name": name, "definition": compact(PASS), "roleArn": ROLE})
        for name in ("a b", "a/b", "../../etc/passwd", "a\u0000b", "a\nb", "<a>", "a*", "a?", "{a}", '"a"', "#", "a%2fb", "a\\b", "a^b", "a|b", "a~b",
                     "`a`", "$a", "a&b", "a,b", "a;b", "a:b", "a\u007fb", "a\u00a0b"):
            with self.subTest(name):
                self.refused(named(name), 400, "InvalidName", "Invalid Name: '")
                self.refused(self.raw.states("StartExecution", {"stateMachineArn": self.machine, "name": name}), 400, "InvalidName",
                             "Invalid Name: '")
        self.refused(named(""), 400, "ValidationException", "greater than or equal to 1")
        self.refused(named("x" * 81), 400, "ValidationException", "less than or equal to 80")
        self.refused(named("x" * 5_000_000), 400, "ValidationException", "less than or equal to 80")
        for arn, code in (("x", "InvalidArn"), ("arn:" + ":" * 100, "InvalidArn"),
                          ("arn:aws:lambda:us-east-1:123456789012:function:good", "InvalidArn"),
                          (MACHINE, "StateMachineDoesNotExist"), (MACHINE + "nobody", "StateMachineDoesNotExist"), (MACHINE + "../../x",
                                                                                                                    "StateMachineDoesNotExist"),
                          (MACHINE + "good:1", "StateMachineDoesNotExist"), (MACHINE.replace("us-east-1", "eu-west-1") + "good",
                                                                             "StateMachineDoesNotExist"),
                          ("", "ValidationException"), ("x" * 257, "ValidationException")):
            for action in ("StartExecution", "DescribeStateMachine", "ListExecutions"):
                with self.subTest(arn, action=action):
                    self.refused(self.raw.states(action, {"stateMachineArn": arn}), 400, code)
        for arn, code in (("x", "InvalidArn"), (self.machine, "InvalidArn"),
                          (MACHINE.replace("stateMachine", "execution") + "good:none", "ExecutionDoesNotExist")):
            for action in ("DescribeExecution", "StopExecution", "GetExecutionHistory", "DescribeStateMachineForExecution"):
                self.refused(self.raw.states(action, {"executionArn": arn}), 400, code)
        for role in ("me", "arn:aws:iam::1234:role/x", "arn:aws:iam::123456789012:user/x"):
            self.refused(self.raw.states("CreateStateMachine", {"name": "x", "definition": compact(PASS), "roleArn": role}), 400, "InvalidArn",
                         "Invalid Role Arn")
        for token in ("nonsense", "AAAA", "é", base64.b64encode(b"\xff" * 500).decode()):
            self.refused(self.raw.states("ListStateMachines", {"nextToken": token}), 400, "InvalidToken")
        functions = "/2015-03-31/functions"
        for path in ("/%", "/%zz", "/%ff", "/%00", "/..%2f..%2fetc", "/a%2fb", "/a:b:c:d:e", "/" + "a" * 65, "/" + "%41" * 10_000, "/good?Qualifier=",
                     "/good?Qualifier=%20"):
            with self.subTest(path[:40]):
                self.refused(self.raw.functions("GET", functions + path), 400, "ValidationException")
        self.refused(self.raw.functions("GET", functions + "/good?Qualifier=%FF"), 400, "ValidationException", "\ufffd")
        for path in ("/nobody", "/good?Qualifier=99", "/good:none", "/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Agood",
                     "/good/aliases/%2e%2e"):
            self.refused(self.raw.functions("GET", functions + path), 404, "ResourceNotFoundException")
        for query in ("MaxItems=-1", "MaxItems=1e3", "MaxItems=" + "9" * 100):
            self.refused(self.raw.functions("GET", functions + "?" + query), 400, "ValidationException", "at 'maxItems'")
        self.refused(self.raw.functions("GET", functions + "?Marker=nonsense"), 400, "InvalidParameterValueException", "Invalid pagination token")

    def test_depth_and_utf8(self):
        deep = nested(100).decode()
        execution = self.accepted(self.raw.states("StartExecution", {"stateMachineArn": self.machine, "input": deep}))["executionArn"]
        self.assertEqual(self.finished(execution)["output"], deep)
        self.refused(self.raw.states("StartExecution", b'{"stateMachineArn": ' + nested(100) + b"}"), 400, "SerializationException", "Start of list")
        invoke = "/2015-03-31/functions/good/invocations"
        self.assertEqual(self.accepted(self.raw.functions("POST", invoke, nested(100))), json.loads(deep))
        for body in (nested(1_000), b"[" * 100_000, b'{"a":' * 100_000, b"{x", "é".encode(), b"\xff", b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"',
                     b"1e999", b"\xef\xbb\xbf{}"):
            with self.subTest(body[:40]):
                self.refused(self.raw.functions("POST", invoke, body), 400, "InvalidRequestContentException",
                             "Could not parse request body into json")
        # One level deeper each round, until it cannot be parsed again.
        grow = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x.$": "$"}, "Next": "B"},
                                           "B": {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}],
                                                 "Default": "A"}, "C": {"Type": "Succeed"}}}
        answer = self.run_machine(grow)
        self.assertEqual((answer["status"], answer["error"]), ("FAILED", "States.DataLimitExceeded"))

    def test_packages(self):
        def create(data):
            body = {"FunctionName": f"f{time.monotonic_ns()}", "Runtime": "python3.11", "Role": ROLE, "Handler": "app.handler",
                    "Code": {"ZipFile": base64.b64encode(data).decode()}}
            return self.raw.functions("POST", "/2015-03-31/functions", body)
        for name, data in bad_packages.NOT_A_ZIP.items():
            with self.subTest(name):
                self.refused(create(data), 400, "InvalidParameterValueException", "Could not unzip uploaded file.")
        package, empty_files, zeros = bad_packages.package, bad_packages.empty_files, bad_packages.ZEROS
        directories = package(*((f"{i}/" + "d/" * 90 + "f", "") for i in range(25)))
        for name, data, message in (("a bomb", package(("zeros", zeros * 40)), "Unzipped size must be smaller than 33554432 bytes"),
                                    ("50 names of one file", bad_packages.overlapping(50, 1), "Unzipped size must be smaller"),
                                    ("2,001 files", empty_files(2_001), "at most 2000 entries"), ("2,250 directories", directories,
                                                                                                  "at most 2000 entries"),
                                    ("no file", package(), "must be a non-empty zip"), ("nothing", b"", "must be a non-empty zip")):
            with self.subTest(name):
                self.refused(create(data), 400, "InvalidParameterValueException", message)
        self.refused(create(os.urandom((4 << 20) + 1)), 413, "RequestEntityTooLargeException", "Request must be smaller than")
        accepted = 1  # "good"
        for data in (package(("app.py", bad_packages.SOURCE), ("inner.zip", package(("zeros", zeros * 30)))), package(("zeros", zeros * 30)),
                     empty_files(2_000)):
            self.accepted(create(data), 201)  # just within the limits; a zip within a zip is a file
            accepted += 1
        data_directory = self.server.directory / "data"
        self.assertEqual(len(list((data_directory / "blobs").iterdir())), accepted, "what was refused is not kept")
        self.assertEqual(len(list((data_directory / "functions/packages").iterdir())), accepted)
        self.assertEqual([str(path) for path in self.directory.rglob("*evil*")], [])

    def test_state_machines_that_work_hard(self):
        """Expressions of every kind that would take for ever: they fail, soon, or take turns with others."""
        text, numbers = "a" * 60_000, list(range(5_000))
        data = compact({"t": text, "u": text + "b", "l": numbers, "m": numbers})
        many = [f"x{i}.$" for i in range(2_000)]
        costly = ("$..*", "$..[?(@..b)]", "$.l[?($.l == $.m)]", "$.l[?(@ in $.m && @ in $.m)]", "$.l[?($.u contains $.t)]",
                  "$.l[?($.t =~ /(a+a+)+b/)]", "States.JsonToString($)", "States.StringSplit($.t, $.t)", "States.Format('{}{}{}', $, $, $)")
        expected = {**dict.fromkeys(costly, "States.Runtime"), "$$.Execution.Input": "States.DataLimitExceeded",
                    "States.ArrayRange(0, 9000000000000000000, 1)": "States.IntrinsicFailure",
                    "States.ArrayPartition($.l, 0)": "States.IntrinsicFailure"}
        for expression, error in expected.items():
            with self.subTest(expression):
                fields = many[:200] if "=~" in expression else many
                answer = self.run_machine(one_state(Parameters=dict.fromkeys(fields, expression)), data)
                self.assertEqual((answer["status"], answer["error"]), ("FAILED", error), answer.get("cause", "")[:300])
        for field, value in (("SecondsPath", 1 << 62), ("SecondsPath", 1e300), ("SecondsPath", -1), ("TimestampPath", "9999-12-31T23:59:59Z"),
                             ("TimestampPath", "2016-02-30T00:00:00Z")):
            answer = self.run_machine(one_state(Type="Wait", **{field: "$.v"}), json.dumps({"v": value}))
            self.assertEqual((answer["status"], answer["error"]), ("FAILED", "States.Runtime"))
        each = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
        answer = self.run_machine(one_state(Type="Map", ItemProcessor=each), compact([0] * 100_000))
        self.assertIn("maximum number of history events", answer["cause"])
        # Loops that would write gigabytes in one go: they are running, and can be stopped.
        endless = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Succeed"},
                                              "B": {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}],
                                                    "Default": "A"}}}
        branches = [{"StartAt": f"B{i}", "States": {f"B{i}": {"Type": "Pass", "End": True}}} for i in range(5_000)]
        wide = one_state(Type="Parallel", Branches=branches)
        for name, definition in (("endless", endless), ("wide", wide)):
            machine = self.create(name, definition)
            began = time.monotonic()
            execution = self.workflows.start_execution(stateMachineArn=machine, input=compact({"text": "x" * 200_000}))["executionArn"]
            self.assertLess(time.monotonic() - began, WORST_S)
            served = len(self.neighbour.seconds)
            deadline = time.monotonic() + 10
            while len(self.neighbour.seconds) < served + 10 and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertGreaterEqual(len(self.neighbour.seconds), served + 10 // SLOWER, "nobody else is served")
            self.workflows.stop_execution(executionArn=execution)
            self.assertEqual(self.finished(execution)["status"], "ABORTED")
            page = self.workflows.get_execution_history(executionArn=execution, maxResults=1000)
            self.assertLess(sum(len(compact(event.get("stateEnteredEventDetails", {}))) for event in page["events"]), 16 << 20)

    def test_http_shapes(self):
        host, chunked = ("Host", "x"), ("Transfer-Encoding", "chunked")
        smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        bad = {
            "both lengths": request("POST", "/", [host, ("Content-Length", 5), chunked], smuggled),
            "both lengths, other order": request("POST", "/", [host, chunked, ("Content-Length", 5)], smuggled),
            "two lengths": request("POST", "/", [host, ("Content-Length", 5), ("Content-Length", 6)], b"abcdef"),
            "a negative length": request("POST", "/", [host, ("Content-Length", -5)]),
            "a length with a sign": request("POST", "/", [host, ("Content-Length", "+5")], b"abcde"),
            "a hexadecimal length": request("POST", "/", [host, ("Content-Length", "0x5")], b"abcde"),
            "a length beyond 64 bits": request("POST", "/", [host, ("Content-Length", "9" * 30)]),
            "a body beyond the limit": request("POST", "/", [host, ("Content-Length", 1 << 50)]),
            "an unknown transfer coding": request("POST", "/", [host, ("Transfer-Encoding", "xchunked")], smuggled),
            "a coding inside chunks": request("POST", "/", [host, ("Transfer-Encoding", "gzip, chunked")], b"0\r\n\r\n"),
            "no host": request("GET", "/healthz", []), "two hosts": request("GET", "/healthz", [host, host]),
            "chunked twice": request("POST", "/", [host, chunked, chunked], b"0\r\n\r\n"),
            "a huge chunk": request("POST", "/", [host, chunked], b"ffffffffffffffff\r\nabc"),
            "a chunk beyond 64 bits": request("POST", "/", [host, chunked], b"1" + b"0" * 30 + b"\r\nabc"),
            "a negative chunk": request("POST", "/", [host, chunked], b"-1\r\nabc"),
            "100,000 trailers": request("POST", "/", [host, chunked], b"0\r\n" + b"a: b\r\n" * 100_000 + b"\r\n"),
            "a field of 70,000 bytes": request("GET", "/healthz", [host, ("X", "a" * 70_000)]),
            "200,000 fields": request("GET", "/healthz", [host, *[("a", "b")] * 200_000]),
            "a target of 70,000 bytes": request("GET", "/" + "a" * 70_000, [host]),
            "a method of 70,000 bytes": request("A" * 70_000, "/", [host]),
            "NUL in a field": request("GET", "/healthz", [host, ("X", "a\0b")]),
            "NUL in the target": request("GET", "/health\0z", [host]),
            "NULs": bytes(1000), "noise": bytes(range(256)) * 10, "a TLS greeting": bytes.fromhex("16030100c8010000c40303") + bytes(190),
            "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/0.9": b"GET /healthz\r\n", "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
            "blanks before a colon": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde"}
        for name, data in bad.items():
            with self.subTest(name):
                self.closed_or(self.raw.send(data), {400, 413, 431, 501})
        for name, data in (("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n"),
                           ("an absolute target", request("GET", "http://x/healthz", [host])),
                           ("an expectation", request("GET", "/healthz", [host, ("Expect", "200-maybe")])),
                           ("an upgrade", request("GET", "/healthz", [host, ("Connection", "Upgrade"), ("Upgrade", "h2c")]))):
            with self.subTest(name):
                self.assertEqual(self.raw.send(data).status, 200)
        with self.raw.connect() as connection:
            once = request("GET", "/healthz", [host])
            sender = threading.Thread(target=connection.sendall, args=(once * 2_000 + request("GET", "/healthz", [host, ("Connection", "close")]),))
            sender.start()
            received = bytearray()
            while part := connection.recv(1 << 16):
                received += part
            sender.join()
            self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 2_001, "pipelined requests are answered in turn")

    def test_slow_and_half_open_clients(self):
        """All of them stay connected until the server has had enough of them; the neighbour works meanwhile."""
        opening = request("POST", "/", [("Host", "x"), ("Content-Length", 10 << 20)])
        began = time.monotonic()
        clients = []
        for i in range(400):
            clients.append(self.raw.connect())
            if i % 4 == 1:
                clients[-1].sendall(b"POST / HTT")             # half a line, then silence
            elif i % 4 == 2:
                clients[-1].sendall(opening + b"x" * 1_000)    # half a body, then silence
            elif i % 4 == 3:
                clients[-1].sendall(b"GET /")                  # goes on below, a byte at a time
        dribbling = clients[3::4]
        while time.monotonic() - began < HEADER_TIMEOUT_S + 0.3:
            for client in dribbling:
                with contextlib.suppress(OSError):
                    client.sendall(b"a")
            time.sleep(0.05)
        # Refused or closed in time, whatever they still send.
        for client in (*clients[1::4], *clients[2::4], *dribbling):
            client.settimeout(BODY_TIMEOUT_S + 5)
            with contextlib.suppress(ConnectionResetError):
                reply = read_reply(client)
                self.closed_or(reply, {408})
        self.assertLess(time.monotonic() - began, HEADER_TIMEOUT_S + BODY_TIMEOUT_S + 5)
        self.assertGreater(len(self.neighbour.seconds), 20)
        for client in clients:
            client.close()
        # Clients that ask and go away without reading the answer.
        for _ in range(100):
            with self.raw.connect() as client:
                client.sendall(self.raw.signed("states", "POST", "/", b"{}",
                                               (("Content-Type", "application/x-amz-json-1.0"),
                                                ("X-Amz-Target", "AWSStepFunctions.ListStateMachines"))))

    def test_10000_idle_connections(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < IDLE_CONNECTIONS + 500:
            self.skipTest(f"a process may open only {hard} files here, not {IDLE_CONNECTIONS + 500}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        before_kib = self.memory_kib("VmRSS")
        with contextlib.ExitStack() as idle:
            for i in range(IDLE_CONNECTIONS):
                # From ten addresses: one has not enough ports for this and everything else.
                idle.enter_context(self.raw.connect(source=f"127.0.0.{2 + i % 10}"))
            served = len(self.neighbour.seconds)
            deadline = time.monotonic() + 10
            while len(self.neighbour.seconds) < served + 50 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertGreaterEqual(len(self.neighbour.seconds), served + 50)
            grown_kib = self.memory_kib("VmRSS") - before_kib
            print(f"{IDLE_CONNECTIONS} idle connections: {grown_kib / 1024:.1f} MiB")
            self.assertLess(grown_kib, IDLE_CONNECTIONS * 8 * SLOWER, "8 KiB for each")


if __name__ == "__main__":
    unittest.main(verbosity=1)
