"""Runs recorded scripts against a server: the calls in order, with waits, functions and references to earlier answers.

A `match` step is one item: what was answered against what AWS answered. Nothing here knows a case by name.
"""
import base64
import copy
import io
import json
import re
import time
import urllib.error
import urllib.request
import zipfile

from recordings import ROLE

WAIT_SECONDS = 60
NO_ERROR = ("(no error)", "(no error)")
# Transformers that replace the last part of an ARN: the member of the answer, what it becomes.
PLACEHOLDERS = {"transform.sfn_sm_create_arn": ("stateMachineArn", "ArnPart"),
                "transform.sfn_sm_exec_arn": ("executionArn", "ExecArnPart")}


# Numbers that were measured: they say nothing about another run.
MEASURED = {"billedDurationInMilliseconds"}
# A date in an answer has up to so many decimals: recordings of one and the same call differ in the length of its answer.
DATE_DECIMALS = 3


# Waits for a list: the action, where its answer has the list, the member to look at, whether the ARN shall be there.
VERSIONS = ("ListStateMachineVersions", "stateMachineVersions", "stateMachineVersionArn")
ALIASES = ("ListStateMachineAliases", "stateMachineAliases", "stateMachineAliasArn")
LISTED = {"state_machine_version_listed": (*VERSIONS, True), "state_machine_version_not_listed": (*VERSIONS, False),
          "state_machine_alias_is_created": (*ALIASES, True), "state_machine_alias_is_deleted": (*ALIASES, False)}


class NotRecorded(Exception):
    """A value that Python code of the recording made: the recording does not have it."""


class Item:
    """One comparison: errors is what differs, skipped why there was nothing to compare."""

    def __init__(self, name, errors=(), skipped=None):
        self.name, self.errors, self.skipped = name, list(errors), skipped


class Script:
    """One case under way. run() answers its items."""

    def __init__(self, recordings, case, endpoint, buckets=None):
        """buckets: the server's directory of them; without, a case that needs one cannot run."""
        self.buckets = buckets
        self.replay, self.case = recordings.replay, case
        self.env = recordings.replay.newenv(endpoint)
        self.omitted = []  # members ("$..name", "$..of.name") that are not compared
        self.use(endpoint)
        self.answers, self.exceptions = {}, {}
        self.concurrent = {item["match"]: item.get("concurrent", False) for item in case["simple"]}
        self.comparator = None
        self.made = []

    def use(self, endpoint):
        self.api, self.endpoint = self.replay.Api(endpoint), endpoint

    def run(self):
        try:
            return [item for step in self.case["script"] if (item := self.step(step))]
        finally:
            self.clean()

    def step(self, step):
        if "lambda_function" in step:
            self.create_function(step["lambda_function"])
        elif step.get("fixture") == "s3_create_bucket":
            self.create_buckets()
        elif "call" in step:
            self.call(step)
        elif "await" in step:
            self.wait(step)
        elif "match" in step:
            return self.match(step)
        # waiter, poll: this server shows at once what was done.
        return None

    # calls

    def call(self, step):
        service, action = step["call"].split(":")
        args = self.resolve(step["args"])
        if service == "s3":
            return self.put_object(**args)
        if step.get("paginate"):
            answer = self.pages(action, args)
        else:
            status, answer = self.api(action, **args)
            if "Error" in answer and status != 200:
                error = answer["Error"]
                self.exceptions[step["id"]] = (error["Code"], f"An error occurred ({error['Code']}) when calling the {action} operation: {error['Message']}")
                if not step.get("expect_error"):
                    raise RuntimeError(self.exceptions[step["id"]][1])
        self.answers[step["id"]] = answer
        if action == "CreateStateMachine" and "stateMachineArn" in answer:
            self.made.append(answer["stateMachineArn"])

    def pages(self, action, args):
        whole, token = {}, None
        while True:
            _, page = self.api(action, **args, nextToken=token)
            token = page.pop("nextToken", None)
            for key, value in page.items():
                whole[key] = whole.get(key, []) + value if isinstance(value, list) else value
            if not token:
                return whole

    def clean(self):
        for arn in self.made:
            self.api("DeleteStateMachine", stateMachineArn=arn)
        for name in self.functions():
            self.http("DELETE", f"/2015-03-31/functions/{name}")

    # objects

    def create_buckets(self):
        """The recording has no name of what it made, but uses it."""
        if self.buckets is None:
            raise NotRecorded("a bucket of the server's")
        for name in set(re.findall(r"test-bucket-@@U\d+@@", json.dumps(self.case["script"]))):
            (self.buckets / self.text(name)).mkdir(parents=True, exist_ok=True)

    def put_object(self, Bucket, Key, Body):
        if self.buckets is None:
            raise NotRecorded("a bucket of the server's")
        path = self.buckets / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Body)

    # functions

    def functions(self):
        return [self.text(step["lambda_function"]["name"]) for step in self.case["script"] if "lambda_function" in step]

    def create_function(self, function):
        # The recording's stack traces say how its packages called the module.
        module = (re.findall(r"/var/task/(\w+)\.(?:py|js)", json.dumps(self.case["expected"])) or ["handler"])[0]
        suffix = "js" if function["runtime"].startswith("node") else "py"
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(f"{module}.{suffix}", self.text(function["source"]))
        name = self.text(function["name"])
        self.http("POST", "/2015-03-31/functions", {
            "FunctionName": name, "Runtime": function["runtime"], "Handler": f"{module}.handler", "Role": self.text(ROLE),
            "Timeout": 30, "Code": {"ZipFile": base64.b64encode(package.getvalue()).decode()}})
        deadline = time.monotonic() + WAIT_SECONDS
        while self.http("GET", f"/2015-03-31/functions/{name}/configuration")["State"] == "Pending":
            if time.monotonic() > deadline:
                raise RuntimeError(f"function {name} is not active")
            time.sleep(0.02)

    def http(self, method, path, body=None):
        request = urllib.request.Request(self.endpoint + path, method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=70) as answer:
            return json.loads(answer.read() or b"{}")

    # waits

    def wait(self, step):
        if step["await"] in LISTED:
            return self.wait_for_listing(step)
        arn = next((a for a in [*self.resolve(step["pos"]), self.resolve(step["args"].get("execution_arn"))]
                    if isinstance(a, str) and ":execution:" in a), None)
        if arn is None:
            raise NotRecorded(f"await {step['await']}")
        if step["await"] == "on_execution_events":
            # What it waits for is code; every such wait is for a state to have begun.
            return self.until(lambda: any(e["type"].endswith("StateEntered") for e in self.history(arn)))
        least = self.events_of_running(step)
        if least:
            return self.until(lambda: len(self.history(arn)) >= least)
        return self.until(lambda: self.api("DescribeExecution", executionArn=arn)[1].get("status") != "RUNNING")

    def wait_for_listing(self, step):
        """A version or an alias shows up in its state machine's list, or is gone from it."""
        action, key, member, wanted = LISTED[step["await"]]
        machine, arn = self.resolve([*step["pos"], *step["args"].values()])
        self.until(lambda: wanted == any(item[member] == arn for item in self.api(action, stateMachineArn=machine)[1].get(key, [])))

    def events_of_running(self, step):
        """Recorded events of an execution that never ended (one that waits for decades), else 0."""
        later = [s for s in self.case["script"] if "match" in s and s["id"] > step["id"]]
        expected = self.case["expected"].get(later[0]["match"]) if later else None
        events = expected.get("events") if isinstance(expected, dict) else None
        if not events or not isinstance(events[0], dict):
            return 0
        ends = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
        return 0 if any(event.get("type") in ends for event in events) else len(events)

    def history(self, arn):
        return self.api("GetExecutionHistory", executionArn=arn, maxResults=1000)[1].get("events", [])

    def until(self, is_done):
        deadline, pause = time.monotonic() + WAIT_SECONDS, 0.005
        while not is_done():
            if time.monotonic() > deadline:
                raise TimeoutError("the execution did not come so far")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    # references

    def text(self, text):
        for number in set(re.findall(r"@@R(\d+)@@", text)):
            reference = self.case["refs"][int(number)]
            text = text.replace(f"@@R{number}@@", str(self.at(reference["step"], reference["path"])))
        return self.replay.subst(text, self.env)

    def resolve(self, value):
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.resolve(member) for member in value]
        if not isinstance(value, dict):
            return value
        if "$response" in value:
            return copy.deepcopy(self.answers[value["$response"]])
        if "$exception" in value:
            return self.exceptions.get(value["$exception"], NO_ERROR)[1]
        if "$ref" in value:
            return self.at(value["$ref"], value["path"])
        if "$py" in value or "$stub" in value:
            raise NotRecorded(str(value))
        return {key: self.resolve(member) for key, member in value.items()}

    def at(self, step, path):
        if path == ["exceptionType"]:
            return self.exceptions.get(step, NO_ERROR)[0]
        value = self.answers[step]
        for part in path:
            if isinstance(part, int):
                value = value[part]
            elif part == "json()":
                value = json.loads(value)
            elif part.startswith("jsonpath:"):
                found = search(part[len("jsonpath:"):], value)
                value = found[0] if len(found) == 1 else found
            elif part.startswith("{"):
                value = value[slice(*json.loads(part)["slice"])]
            else:
                value = value[part]
        return value

    # comparison

    def match(self, step):
        name = step["match"]
        if name not in self.case["expected"]:
            return Item(name, skipped="not in the recording")
        expected = copy.deepcopy(self.case["expected"][name])
        if "Parameter validation failed:" in json.dumps(expected):
            return Item(name, skipped="the client library refuses the call itself")
        if not re.search(r'"\$(response|ref|exception)"', json.dumps(step["value"])):
            return Item(name, skipped="the value was made by code")
        # One comparator for the case: a placeholder means the same in all its answers.
        self.comparator = self.comparator or self.replay.Cmp(self.case, self.env)
        self.comparator.words |= {"snf_role_arn", "sfn_role_arn"}
        wanted, actual = {"v": expected}, self.replay.parseable({"v": self.resolve(step["value"])})
        # A transformer that was code parsed all texts that are JSON, not only objects.
        has_code = any(t.get("transformer") == "GenericTransformer" for t in self.case["transformers"])
        actual = normalised_like(wanted, actual, self.comparator.words, has_code)
        if self.omitted:
            omitted = [path.split("..")[-1] for path in self.omitted]
            wanted, actual = without(wanted, omitted), without(actual, omitted)
        self.comparator.errs, self.comparator.anyorder = [], self.concurrent.get(name, False)
        self.comparator.subs = self.substitutions()
        self.comparator.cmp(wanted, actual)
        return Item(name, [(path.replace("$.v", "$", 1), want, got) for path, want, got in self.comparator.errs])

    def substitutions(self):
        """(regular expression, placeholder) as the recording's transformers say, in their order."""
        found = []
        for transformer in self.case["transformers"]:
            kind, args = transformer.get("transformer"), transformer.get("args", [])
            try:
                if kind in PLACEHOLDERS and "$response" in args[0]:
                    key, placeholder = PLACEHOLDERS[kind]
                    arn = self.answers[args[0]["$response"]][key]
                    found.append((re.escape(arn.rpartition(":")[2]), f"<{placeholder}_{args[1]}idx>"))
                elif kind in ("RegexTransformer", "transform.regex", "TextTransformer") and len(args) > 1:
                    found.append((str(self.resolve(args[0])), args[1]))
            except (KeyError, NotRecorded):
                # What it replaced is an answer that is not there: its placeholder may stand for any text.
                self.comparator.words.add(args[1])
        return found


def without(value, names, of=""):
    """`value` without the members of these names ("name", or "of.name") wherever they are."""
    if isinstance(value, list):
        return [without(member, names, of) for member in value]
    if not isinstance(value, dict):
        return value
    return {key: without(member, names, key) for key, member in value.items() if key not in names and f"{of}.{key}" not in names}


def search(path, value):
    """The values at a JSONPath of names, [*] and `..`."""
    values = [value]
    for deep, name, star in re.findall(r"(\.\.|\.)(\w+)|(\[\*\])", path):
        found = []
        for value in values:
            if star:
                found += value if isinstance(value, list) else []
            elif deep == "..":
                found += [v[name] for v in _all(value) if isinstance(v, dict) and name in v]
            elif isinstance(value, dict) and name in value:
                found.append(value[name])
        values = found
    return values


def _all(value):
    yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _all(member)


def with_length_of(expected, actual):
    """An answer with a date: `actual` with the length that was recorded, unless more than a date's decimals tell them apart."""
    def length(answer):
        return int(answer["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"])
    try:
        if abs(length(expected) - length(actual)) > DATE_DECIMALS:
            return actual
        recorded, same = str(length(expected)), copy.deepcopy(actual)
        for headers, value in (("HttpHeaders", recorded), ("AllHttpHeaders", [recorded])):
            same["SdkHttpMetadata"][headers]["Content-Length"] = value
        return same
    except (KeyError, TypeError, ValueError):
        return actual


def normalised_like(expected, actual, words, parse):
    """`actual` with what the recording's normalisation changed beyond replay.py: a word in place of a whole list
    (headers), a measured number in place of another one, and with `parse` values in place of their JSON text."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if "StartDate" in expected and "SdkHttpMetadata" in expected:
            actual = with_length_of(expected, actual)
        return {key: expected[key] if key in MEASURED and isinstance(value, int) and isinstance(expected.get(key), int)
                else normalised_like(expected.get(key), value, words, parse) for key, value in actual.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [normalised_like(want, value, words, parse) for want, value in zip(expected, actual)]
    if isinstance(expected, str) and expected in words and isinstance(actual, list):
        return expected
    if parse and isinstance(actual, str) and expected is not None and not isinstance(expected, str):
        try:
            return json.loads(actual)
        except ValueError:
            return actual
    return actual
