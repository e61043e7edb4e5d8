"""The recordings of Step Functions that stand beside the repository, and which of them are within reach.

A case is in scope when everything that it uses (calls, definitions, functions) is states, the Step Functions API, Lambda
and objects in S3; `excluded()` says by what else a case is out of scope, looking at its contents and never at its name.
"""
import ast
import json
import pathlib
import re
import types

ROLE = "arn:aws:iam::@@ACCOUNT@@:role/snf_role_arn"
MODELS = "API models of other AWS services"
LAMBDA_RESOURCE = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:|arn:[^:]*:states:::lambda:invoke$")
OTHER_RESOURCE = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(activity:|states:|s3:|aws-sdk:(sfn|lambda|s3):|lambda:invoke\.waitForTaskToken$)")


class Recordings:
    """cases: as recorded; replay: the comparator that comes with them, as a module."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        cases = json.loads((directory / "recordings.json").read_text())["cases"]
        self.mocked = [case for case in cases if mock_config(case) is not None]
        self.cases = [as_recorded(case) for case in cases]
        self.replay = _module(directory / "replay.py")


def _module(path):
    """replay.py runs when it is imported: everything but its last statement is wanted."""
    tree = ast.parse(path.read_text(), str(path))
    last = tree.body[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and getattr(last.value.func, "id", "") == "main":
        tree.body.pop()
    module = types.ModuleType("replay")
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module


def stand_alone(recordings):
    """(case, item, why not) of the items that need no script."""
    kinds = ("history", "output", "create_error", "describe_execution", "sync_execution", "test_state", "validate")
    return [(case, item, _needs_script(case, item)) for case in recordings.cases for item in case["simple"]
            if item["standalone"] and item.get("expected") is not None and case.get("trust") != "localstack"
            and item["kind"] in kinds]


def _needs_script(case, item):
    """Why an item marked as stand-alone is none after all."""
    if item["kind"] == "test_state" and _needs_models(item["request"], "Error" in item["expected"]):
        return MODELS
    if any(step.get("call") == "stepfunctions:StopExecution" for step in case["script"]):
        return "its script stops the execution"
    steps = {step["id"]: step for step in case["script"]}
    for step in case["script"]:
        if step.get("match") == item["match"] and isinstance(step["value"], dict):
            call = steps.get(step["value"].get("$response"), {})
            if call.get("call") == "stepfunctions:GetExecutionHistory" and set(call["args"]) != {"executionArn"}:
                return "its call has further arguments"
    return None


def _needs_models(request, is_refused):
    """A mocked result was held to the API of a service of which nothing is known here."""
    mock = request.get("mock") or {}
    resources = _fields(json.loads(request["definition"])).get("Resource", set())
    return (is_refused and "result" in mock and mock.get("fieldValidationMode") != "NONE"
            and any(":states:::" in resource and not LAMBDA_RESOURCE.match(resource) for resource in resources))


def alone(case, item):
    """A case with nothing but what the item needs: its machine, one execution, one answer."""
    first = 10_000  # no step of the recorded script, to which transformers may refer
    made = {"name": "sm-@@U9999@@", "definition": item.get("definition"), "roleArn": ROLE, "type": item.get("type") or "STANDARD"}
    create = {"id": first, "call": "stepfunctions:CreateStateMachine", "args": made}
    answer = {"$response": first + 3}
    if item["kind"] == "create_error":
        steps = [{**create, "id": first + 3, "args": item["request"], "expect_error": True}]
    elif item["kind"] == "test_state":
        refused = "Error" in item["expected"]
        steps = [{"id": first + 3, "call": "stepfunctions:TestState", "args": item["request"], "expect_error": refused}]
    elif item["kind"] == "validate":
        steps = [{"id": first + 3, "call": "stepfunctions:ValidateStateMachineDefinition", "args": item["request"]}]
    else:
        arn = {"$ref": first + 1, "path": ["executionArn"]}
        start = {"stateMachineArn": {"$ref": first, "path": ["stateMachineArn"]}}
        if item.get("input") is not None:
            start["input"] = item["input"]
        action = "GetExecutionHistory" if item["kind"] == "history" else "DescribeExecution"
        if item["kind"] == "sync_execution":
            refused = "Error" in item["expected"]
            steps = [create, {"id": first + 3, "call": "stepfunctions:StartSyncExecution", "args": start, "expect_error": refused}]
        else:
            steps = [create, {"id": first + 1, "call": "stepfunctions:StartExecution", "args": start},
                     {"id": first + 2, "await": "execution_terminated", "args": {"execution_arn": arn}, "pos": []},
                     {"id": first + 3, "call": f"stepfunctions:{action}", "args": {"executionArn": arn}}]
        if item["kind"] == "output":
            answer = {"$ref": first + 3, "path": ["output"]}
    return {**case, "expected": {item["match"]: item["expected"]}, "simple": [item],
            "script": [*steps, {"id": first + 4, "match": item["match"], "value": answer}]}


def excluded(case):
    """Why the case is out of scope, or None."""
    if case["tier"] not in ("a", "b") and case.get("needs") != ["s3"]:
        return "other AWS services"
    if case.get("trust") == "localstack":
        return "not recorded from AWS"
    for step in _steps(case["script"]):
        reason = _excluded_step(step)
        if reason:
            return reason
    if not case["expected"] or not any("match" in step for step in case["script"]):
        return "nothing recorded to compare"
    return None


def mock_config(case):
    """The mock configuration (of Step Functions Local) with which the case runs elsewhere than on AWS, or None."""
    return next((step["mock_config"] for step in case["script"] if "mock_config" in step), None)


def as_recorded(case):
    """AWS knows no mock configuration: a case that has one was recorded with the script of its variant."""
    variant = case.get("aws_variant")
    return {**case, "script": variant["script"], "refs": variant["refs"]} if variant and mock_config(case) is not None else case


def mocked_reason(case):
    """Why a case with a mock configuration cannot run with it, or None."""
    if any("fixture" in step or step.get("call", "stepfunctions:").split(":")[0] != "stepfunctions" for step in case["script"]):
        return "other AWS services"
    return None if case["expected"] and any("match" in step for step in case["script"]) else "nothing recorded to compare"


def _steps(script):
    for step in script:
        yield step
        yield from _steps(step.get("steps", ()))


def _excluded_step(step):
    if "mock_config" in step or "monkeypatch" in step:
        return "nothing recorded to compare"  # AWS has no such thing: as_recorded()
    if step.get("fixture") == "s3_create_bucket":
        return None
    if "fixture" in step or "thread" in step:
        return "other AWS services"
    if step.get("client"):
        return "several accounts or regions"
    if "call" not in step:
        return None
    service, action = step["call"].split(":")
    if step["call"] == "s3:PutObject":
        return None
    if service != "stepfunctions":
        return "other AWS services"
    args = step["args"]
    if not isinstance(args, dict):
        return "arguments that were not recorded"
    if action == "TestState" and args.get("mock"):
        return MODELS if _needs_models(args, bool(step.get("expect_error"))) else _excluded_definition(args["definition"], True)
    definition = args.get("definition")
    if not isinstance(definition, str) or action == "ValidateStateMachineDefinition":
        return None  # nothing runs
    return _excluded_definition(definition, bool(step.get("expect_error")))


def _excluded_definition(text, is_refused):
    try:
        definition = json.loads(text)
    except ValueError:
        return None
    used = _fields(definition)
    if used.get("Credentials"):
        return "cross-account credentials"
    if is_refused:
        return None  # its resources are never called
    for resource in used.get("Resource", ()):
        if not LAMBDA_RESOURCE.match(resource) and not OTHER_RESOURCE.match(resource) and "<" not in resource:
            return "other AWS services"
    return None


def _fields(value, found=None):
    """Every member's name in a definition, with the texts (or kinds) that it has somewhere."""
    found = {} if found is None else found
    if isinstance(value, dict):
        for name, member in value.items():
            found.setdefault(name, set()).add(member if isinstance(member, str) else type(member).__name__)
            _fields(member, found)
    elif isinstance(value, list):
        for member in value:
            _fields(member, found)
    return found
