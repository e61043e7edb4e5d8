"""The whole way with boto3: functions, versions, aliases, invocations, workflows, listings, histories, errors, waiters."""
import base64
import json
import os
import time
import unittest
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import scenario

SLOW = Config(read_timeout=60, retries={"total_max_attempts": 1})
functions = boto3.client("lambda", config=SLOW)
workflows = boto3.client("stepfunctions", config=SLOW)
# Otherwise StartSyncExecution is sent to "sync-" + the endpoint's host.
synchronous = boto3.client("stepfunctions", config=SLOW.merge(Config(inject_host_prefix=False)))

called = set()  # actions of Step Functions: the tests call every one
for client in (workflows, synchronous):
    client.meta.events.register("after-call.sfn.*", lambda model, http_response, **_: http_response.status_code == 200 and called.add(model.name))


def tearDownModule():
    missing = set(workflows.meta.service_model.operation_names) - called
    if missing:
        raise AssertionError(f"no test had an answer of {sorted(missing)}")


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def wait_until_closed(arn, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        execution = workflows.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(0.02)
    raise AssertionError(f"{arn} did not end")


class Case(unittest.TestCase):
    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        self.assertTrue(raised.exception.response["ResponseMetadata"]["RequestId"])
        return raised.exception.response

    def function(self, **more):
        name = fresh("f")
        functions.create_function(FunctionName=name, Runtime="python3.11", Role=scenario.ROLE, Handler="app.handler",
                                  Code={"ZipFile": scenario.package()}, Timeout=10, **more)
        self.addCleanup(self.forget, name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        return name

    def forget(self, name):
        try:
            functions.delete_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            pass

    def machine(self, definition, kind="STANDARD"):
        name = fresh("m")
        arn = workflows.create_state_machine(name=name, definition=definition, roleArn=scenario.ROLE, type=kind)["stateMachineArn"]
        self.addCleanup(workflows.delete_state_machine, stateMachineArn=arn)
        return arn


class Functions(Case):
    def test_create_read_update_delete(self):
        name = self.function(Environment={"Variables": {"MODE": "x"}}, Tags={"team": "a"})
        shown = functions.get_function(FunctionName=name)
        configuration = shown["Configuration"]
        self.assertEqual((configuration["State"], configuration["LastUpdateStatus"]), ("Active", "Successful"))
        self.assertEqual(configuration["Environment"], {"Variables": {"MODE": "x"}})
        self.assertEqual(shown["Tags"], {"team": "a"})
        with urllib.request.urlopen(shown["Code"]["Location"]) as reply:
            self.assertEqual(reply.read(), scenario.package())
        functions.update_function_configuration(FunctionName=name, Timeout=20, Description="second")
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        self.assertEqual(functions.get_function_configuration(FunctionName=name)["Timeout"], 20)
        changed = functions.update_function_code(FunctionName=name, ZipFile=scenario.package("def handler(e, c): return 'new'\n"))
        self.assertNotEqual(changed["CodeSha256"], configuration["CodeSha256"])
        self.assertEqual(json.load(functions.invoke(FunctionName=name)["Payload"]), "new")
        self.refused("PreconditionFailedException", functions.update_function_code, FunctionName=name, ZipFile=b"x", RevisionId="old")
        names = [f["FunctionName"] for page in functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1}) for f in page["Functions"]]
        self.assertIn(name, names)
        functions.delete_function(FunctionName=name)
        self.refused("ResourceNotFoundException", functions.get_function, FunctionName=name)

    def test_invoke(self):
        name = self.function()
        reply = functions.invoke(FunctionName=name, Payload=json.dumps({"n": 21}), LogType="Tail")
        self.assertEqual(reply["StatusCode"], 200)
        self.assertEqual(reply["ExecutedVersion"], "$LATEST")
        answer = json.load(reply["Payload"])
        self.assertEqual(answer, {"doubled": 42, "request": reply["ResponseMetadata"]["RequestId"]})
        log = base64.b64decode(reply["LogResult"]).decode()
        self.assertIn(f"seen by {name}", log)
        self.assertIn(f"START RequestId: {answer['request']}", log)
        self.assertIn("REPORT RequestId", log)
        failed = functions.invoke(FunctionName=name, Payload=json.dumps({"fail": True}))
        self.assertEqual((failed["StatusCode"], failed["FunctionError"]), (200, "Unhandled"))
        error = json.load(failed["Payload"])
        self.assertEqual((error["errorType"], error["errorMessage"]), ("ValueError", "asked to fail"))
        self.assertEqual(functions.invoke(FunctionName=name, InvocationType="Event", Payload="{}")["StatusCode"], 202)
        self.assertEqual(functions.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"], 204)

    def test_versions_aliases_and_concurrency(self):
        name = self.function()
        one = functions.publish_version(FunctionName=name)
        self.assertEqual(one["Version"], "1")
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        self.assertEqual(functions.invoke(FunctionName=f"{name}:live", Payload="{}")["ExecutedVersion"], "1")
        self.assertEqual(functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"], "1")
        versions = [v["Version"] for page in functions.get_paginator("list_versions_by_function").paginate(FunctionName=name) for v in page["Versions"]]
        self.assertEqual(versions, ["$LATEST", "1"])
        self.assertEqual(len(functions.list_aliases(FunctionName=name)["Aliases"]), 1)
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        refused = self.refused("TooManyRequestsException", functions.invoke, FunctionName=name, Payload="{}")
        self.assertEqual(refused["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded")
        functions.delete_function_concurrency(FunctionName=name)
        self.assertNotIn("ReservedConcurrentExecutions", functions.get_function_concurrency(FunctionName=name))
        self.assertEqual(functions.invoke(FunctionName=name, Payload="{}")["StatusCode"], 200)
        functions.delete_alias(FunctionName=name, Name="live")
        self.assertGreater(functions.get_account_settings()["AccountUsage"]["FunctionCount"], 0)

    def test_errors(self):
        name = self.function()
        self.refused("ResourceConflictException", functions.create_function, FunctionName=name, Runtime="python3.11", Role=scenario.ROLE,
                     Handler="app.handler", Code={"ZipFile": scenario.package()})
        create = dict(FunctionName=fresh("g"), Runtime="python3.11", Role=scenario.ROLE, Handler="app.handler", Code={"ZipFile": scenario.package()})
        self.refused("InvalidParameterValueException", functions.create_function, **{**create, "Code": {"ZipFile": b"this is no zip"}})
        self.refused("InvalidParameterValueException", functions.create_function, **{**create, "Runtime": "cobol85"})
        self.refused("ValidationException", functions.create_function, **{**create, "Timeout": 901})
        self.refused("InvalidRequestContentException", functions.invoke, FunctionName=name, Payload="{not json")
        self.refused("ResourceNotFoundException", functions.invoke, FunctionName="nobody")
        self.refused("RequestTooLargeException", functions.invoke, FunctionName=name, Payload='"' + "x" * (6 << 20) + '"')


class Workflows(Case):
    def test_run_and_read_back(self):
        function_arn = functions.get_function(FunctionName=self.function())["Configuration"]["FunctionArn"]
        arn = self.machine(scenario.definition(function_arn))
        started = workflows.start_execution(stateMachineArn=arn, name="run", input=json.dumps({"items": [{"n": n} for n in range(5)]}))
        done = wait_until_closed(started["executionArn"])
        self.assertEqual(done["status"], "SUCCEEDED", done.get("cause"))
        self.assertEqual(json.loads(done["output"]), [{"doubled": n * 2} for n in range(5)])
        pages = workflows.get_paginator("get_execution_history").paginate(executionArn=started["executionArn"], PaginationConfig={"PageSize": 7})
        events = [event for page in pages for event in page["events"]]
        self.assertEqual([event["id"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("ExecutionStarted", "ExecutionSucceeded"))
        self.assertEqual(sum(event["type"] == "LambdaFunctionSucceeded" for event in events), 5)
        back = workflows.get_execution_history(executionArn=started["executionArn"], reverseOrder=True, maxResults=1)
        self.assertEqual(back["events"], events[-1:])
        listed = workflows.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")["executions"]
        self.assertEqual([e["executionArn"] for e in listed], [started["executionArn"]])
        self.assertEqual(workflows.describe_state_machine_for_execution(executionArn=started["executionArn"])["stateMachineArn"], arn)
        listed = [m["stateMachineArn"] for page in workflows.get_paginator("list_state_machines").paginate() for m in page["stateMachines"]]
        self.assertIn(arn, listed)

    def test_stop_fail_and_update(self):
        arn = self.machine(scenario.WAITING)
        running = workflows.start_execution(stateMachineArn=arn, name="w", input="{}")
        again = workflows.start_execution(stateMachineArn=arn, name="w", input="{}")
        self.assertEqual(again["startDate"], running["startDate"])
        self.refused("ExecutionAlreadyExists", workflows.start_execution, stateMachineArn=arn, name="w", input="[]")
        workflows.update_state_machine(stateMachineArn=arn, definition=scenario.FAILING)
        failed = wait_until_closed(workflows.start_execution(stateMachineArn=arn)["executionArn"])
        self.assertEqual((failed["status"], failed["error"], failed["cause"]), ("FAILED", "Wrong", "on purpose"))
        workflows.stop_execution(executionArn=running["executionArn"], error="Enough", cause="test")
        stopped = wait_until_closed(running["executionArn"])
        self.assertEqual((stopped["status"], stopped["error"]), ("ABORTED", "Enough"))

    def test_express(self):
        function_arn = functions.get_function(FunctionName=self.function())["Configuration"]["FunctionArn"]
        arn = self.machine(scenario.definition(function_arn), "EXPRESS")
        self.assertEqual(workflows.describe_state_machine(stateMachineArn=arn)["type"], "EXPRESS")
        text = json.dumps({"items": [{"n": n} for n in range(5)]})
        done = synchronous.start_sync_execution(stateMachineArn=arn, name="run", input=text, traceHeader="Root=1")
        self.assertEqual(done["status"], "SUCCEEDED", done.get("cause"))
        self.assertEqual(json.loads(done["output"]), [{"doubled": n * 2} for n in range(5)])
        self.assertEqual((done["name"], done["stateMachineArn"], done["input"], done["traceHeader"]), ("run", arn, text, "Root=1"))
        self.assertTrue(done["executionArn"].startswith(arn.replace(":stateMachine:", ":express:") + ":run:"))
        self.assertLessEqual(done["startDate"], done["stopDate"])
        self.assertEqual(done["billingDetails"]["billedDurationInMilliseconds"] % 100, 0)
        started = [workflows.start_execution(stateMachineArn=arn, name="run", input=text)["executionArn"] for _ in range(2)]
        self.assertEqual(len({*started, done["executionArn"]}), 3)
        failing = self.machine(scenario.FAILING, "EXPRESS")
        failed = synchronous.start_sync_execution(stateMachineArn=failing)
        self.assertEqual((failed["status"], failed["error"], failed["cause"]), ("FAILED", "Wrong", "on purpose"))
        self.refused("StateMachineTypeNotSupported", workflows.list_executions, stateMachineArn=arn)
        for read in (workflows.describe_execution, workflows.get_execution_history, workflows.stop_execution):
            self.refused("InvalidArn", read, executionArn=started[0])
        self.refused("StateMachineTypeNotSupported", synchronous.start_sync_execution, stateMachineArn=self.machine(scenario.FAILING))
        self.refused("InvalidExecutionInput", synchronous.start_sync_execution, stateMachineArn=arn, input="{'a'}")

    def test_versions_and_aliases(self):
        name = fresh("m")
        made = workflows.create_state_machine(name=name, definition=scenario.WAITING, roleArn=scenario.ROLE, publish=True, versionDescription="first")
        arn, one = made["stateMachineArn"], made["stateMachineVersionArn"]
        self.addCleanup(workflows.delete_state_machine, stateMachineArn=arn)
        self.assertEqual(one, arn + ":1")
        self.assertEqual(workflows.describe_state_machine(stateMachineArn=one)["description"], "first")
        changed = workflows.update_state_machine(stateMachineArn=arn, definition=scenario.FAILING)
        two = workflows.publish_state_machine_version(stateMachineArn=arn, revisionId=changed["revisionId"])["stateMachineVersionArn"]
        listed = [v["stateMachineVersionArn"] for v in workflows.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]]
        self.assertEqual(listed, [two, one])
        alias = workflows.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": two, "weight": 100}])["stateMachineAliasArn"]
        failed = wait_until_closed(workflows.start_execution(stateMachineArn=alias)["executionArn"])
        self.assertEqual((failed["status"], failed["stateMachineAliasArn"], failed["stateMachineVersionArn"]), ("FAILED", alias, two))
        self.refused("ConflictException", workflows.delete_state_machine_version, stateMachineVersionArn=two)
        split = [{"stateMachineVersionArn": one, "weight": 50}, {"stateMachineVersionArn": two, "weight": 50}]
        workflows.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=split, description="both")
        self.assertEqual(workflows.describe_state_machine_alias(stateMachineAliasArn=alias)["routingConfiguration"], split)
        started = [workflows.describe_execution(executionArn=workflows.start_execution(stateMachineArn=alias)["executionArn"]) for _ in range(40)]
        self.assertEqual({e["stateMachineVersionArn"] for e in started}, {one, two})  # by chance not once in 2^39
        for execution in workflows.list_executions(stateMachineArn=one, statusFilter="RUNNING")["executions"]:
            workflows.stop_execution(executionArn=execution["executionArn"])
        self.assertEqual(len(workflows.list_executions(stateMachineArn=alias)["executions"]), 41)
        self.assertEqual([a["stateMachineAliasArn"] for a in workflows.list_state_machine_aliases(stateMachineArn=one)["stateMachineAliases"]], [alias])
        workflows.delete_state_machine_alias(stateMachineAliasArn=alias)
        self.refused("ResourceNotFound", workflows.describe_state_machine_alias, stateMachineAliasArn=alias)
        workflows.delete_state_machine_version(stateMachineVersionArn=one)
        self.refused("StateMachineDoesNotExist", workflows.start_execution, stateMachineArn=one)

    def test_activities(self):
        name = fresh("a")
        arn = workflows.create_activity(name=name, tags=[{"key": "team", "value": "a"}])["activityArn"]
        self.assertEqual(workflows.create_activity(name=name)["activityArn"], arn)
        self.assertEqual(workflows.describe_activity(activityArn=arn)["name"], name)
        listed = [a["activityArn"] for page in workflows.get_paginator("list_activities").paginate(PaginationConfig={"PageSize": 1}) for a in page["activities"]]
        self.assertIn(arn, listed)
        self.assertEqual(workflows.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "team", "value": "a"}])
        workflows.delete_activity(activityArn=arn)
        self.refused("ActivityDoesNotExist", workflows.describe_activity, activityArn=arn)

    def test_activity_worker(self):
        activity = workflows.create_activity(name=fresh("a"))["activityArn"]
        self.addCleanup(workflows.delete_activity, activityArn=activity)
        retry = [{"ErrorEquals": ["Dull"], "IntervalSeconds": 1, "MaxAttempts": 1}]
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
        arn = self.machine(json.dumps({"StartAt": "Chop", "States": {
            "Chop": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 60, "HeartbeatSeconds": 30, "Retry": retry, "Catch": catch, "End": True},
            "Caught": {"Type": "Pass", "End": True}}}))
        execution = workflows.start_execution(stateMachineArn=arn, input='{"log": 1}')["executionArn"]
        task = workflows.get_activity_task(activityArn=activity, workerName="axe")
        self.assertEqual(json.loads(task["input"]), {"log": 1})
        workflows.send_task_heartbeat(taskToken=task["taskToken"])
        workflows.send_task_failure(taskToken=task["taskToken"], error="Dull", cause="never sharpened")
        self.refused("TaskTimedOut", workflows.send_task_success, taskToken=task["taskToken"], output="1")
        again = workflows.get_activity_task(activityArn=activity)  # open before there is a task
        self.refused("TaskTimedOut", workflows.send_task_heartbeat, taskToken=task["taskToken"])
        self.refused("InvalidOutput", workflows.send_task_success, taskToken=again["taskToken"], output="{half")
        workflows.send_task_success(taskToken=again["taskToken"], output='{"boards": [1, 2]}')
        done = wait_until_closed(execution)
        self.assertEqual((done["status"], json.loads(done["output"])), ("SUCCEEDED", {"boards": [1, 2]}))
        events = workflows.get_execution_history(executionArn=execution)["events"]
        self.assertEqual([e["type"] for e in events], [
            "ExecutionStarted", "TaskStateEntered", "ActivityScheduled", "ActivityStarted", "ActivityFailed", "ActivityScheduled", "ActivityStarted",
            "ActivitySucceeded", "TaskStateExited", "ExecutionSucceeded"])
        scheduled = {key: events[2]["activityScheduledEventDetails"][key] for key in ("resource", "timeoutInSeconds", "heartbeatInSeconds")}
        self.assertEqual(scheduled, {"resource": activity, "timeoutInSeconds": 60, "heartbeatInSeconds": 30})
        self.assertEqual(events[3]["activityStartedEventDetails"], {"workerName": "axe"})
        self.assertEqual(events[4]["activityFailedEventDetails"], {"error": "Dull", "cause": "never sharpened"})
        self.assertEqual(events[6]["activityStartedEventDetails"], {})
        # A failure needs no reason.
        execution = workflows.start_execution(stateMachineArn=arn)["executionArn"]
        workflows.send_task_failure(taskToken=workflows.get_activity_task(activityArn=activity)["taskToken"])
        self.assertEqual((wait_until_closed(execution)["status"]), "SUCCEEDED")
        self.refused("InvalidToken", workflows.send_task_failure, taskToken="nonsense")
        self.refused("ActivityDoesNotExist", workflows.get_activity_task, activityArn=activity + "x")

    def test_task_token(self):
        name = self.function()
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "HeartbeatSeconds": 1, "End": True,
                "Parameters": {"FunctionName": name, "Payload": {"n.$": "$.n", "token.$": "$$.Task.Token"}}}
        arn = self.machine(json.dumps({"StartAt": "Ask", "States": {"Ask": task}}))
        execution = workflows.start_execution(stateMachineArn=arn, input='{"n": 1}')["executionArn"]

        def events():
            return workflows.get_execution_history(executionArn=execution)["events"]

        def token():
            return json.loads(events()[2]["taskScheduledEventDetails"]["parameters"])["Payload"]["token"]
        for _ in range(8):  # longer than a heartbeat may be late
            time.sleep(0.25)
            workflows.send_task_heartbeat(taskToken=token())
        self.assertEqual(events()[-1]["type"], "TaskSubmitted")
        self.assertEqual(json.loads(events()[-1]["taskSubmittedEventDetails"]["output"])["Payload"]["doubled"], 2)
        workflows.send_task_success(taskToken=token(), output='"by hand"')
        done = wait_until_closed(execution)
        self.assertEqual((done["status"], done["output"]), ("SUCCEEDED", '"by hand"'))
        # Without a sign of life its time is over.
        execution = workflows.start_execution(stateMachineArn=arn, input='{"n": 1}')["executionArn"]
        late = wait_until_closed(execution)
        self.assertEqual((late["status"], late["error"]), ("FAILED", "States.Timeout"))
        self.assertEqual(events()[-2]["type"], "TaskTimedOut")
        self.refused("TaskTimedOut", workflows.send_task_success, taskToken=token(), output="1")

    def test_redrive(self):
        name = self.function()
        task = {"Type": "Task", "Resource": functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"], "End": True}
        branches = [{"StartAt": state, "States": {state: {**task, "Parameters": {"n": n, "fail.$": f"$.{state}"}}}} for state, n in (("A", 1), ("B", 2))]
        arn = self.machine(json.dumps({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "ResultSelector": {
            "a.$": "$[0].doubled", "b.$": "$[1].doubled"}, "End": True}}}))
        execution = workflows.start_execution(stateMachineArn=arn, input='{"A": false, "B": true}')["executionArn"]
        failed = wait_until_closed(execution)
        self.assertEqual((failed["status"], failed["redriveStatus"], failed["redriveCount"]), ("FAILED", "REDRIVABLE", 0))
        functions.update_function_code(FunctionName=name, ZipFile=scenario.package("def handler(e, c): return {'doubled': e['n'] * 2}\n"))
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        redriven = workflows.redrive_execution(executionArn=execution, clientToken="once")["redriveDate"]
        self.assertEqual(workflows.redrive_execution(executionArn=execution, clientToken="once")["redriveDate"], redriven)
        done = wait_until_closed(execution)
        self.assertEqual((done["status"], json.loads(done["output"])), ("SUCCEEDED", {"a": 2, "b": 4}))
        self.assertEqual((done["redriveCount"], done["redriveDate"], done["redriveStatus"]), (1, redriven, "NOT_REDRIVABLE"))
        self.assertEqual(done["redriveStatusReason"], "Execution is SUCCEEDED and cannot be redriven")
        events = workflows.get_execution_history(executionArn=execution, reverseOrder=False)["events"]
        at = next(i for i, e in enumerate(events) if e["type"] == "ExecutionRedriven")
        self.assertEqual(events[at]["executionRedrivenEventDetails"], {"redriveCount": 1})
        self.assertNotIn("TaskStateEntered", [e["type"] for e in events[at:]])
        listed = workflows.list_executions(stateMachineArn=arn, redriveFilter="REDRIVEN")["executions"]
        self.assertEqual([(e["executionArn"], e["redriveCount"]) for e in listed], [(execution, 1)])
        self.refused("ExecutionNotRedrivable", workflows.redrive_execution, executionArn=execution)
        self.refused("ExecutionDoesNotExist", workflows.redrive_execution, executionArn=execution + "x")

    def test_map_run(self):
        states = {"W": {"Type": "Wait", "Seconds": 600, "End": True}}
        machine = self.machine(json.dumps({"StartAt": "M", "States": {"M": {"Type": "Map", "End": True, "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "W", "States": states}}}}))
        arn = workflows.start_execution(stateMachineArn=machine, input="[1,2,3]")["executionArn"]
        runs, deadline = [], time.monotonic() + 30
        while not runs and time.monotonic() < deadline:
            runs = workflows.list_map_runs(executionArn=arn)["mapRuns"]
        self.assertEqual([run["executionArn"] for run in runs], [arn])
        run = runs[0]["mapRunArn"]
        workflows.update_map_run(mapRunArn=run, maxConcurrency=7, toleratedFailureCount=2)
        told = workflows.describe_map_run(mapRunArn=run)
        self.assertEqual((told["status"], told["maxConcurrency"], told["toleratedFailureCount"], told["itemCounts"]["total"]), ("RUNNING", 7, 2, 3))
        workflows.stop_execution(executionArn=arn)

    def test_tags_and_validation(self):
        arn = self.machine(scenario.FAILING)
        workflows.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "a"}, {"key": "stage", "value": "b"}])
        workflows.untag_resource(resourceArn=arn, tagKeys=["stage"])
        self.assertEqual(workflows.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "team", "value": "a"}])
        self.assertEqual(workflows.validate_state_machine_definition(definition=scenario.FAILING)["result"], "OK")
        tested = synchronous.test_state(definition='{"Type": "Pass", "Parameters": {"a.$": "$.b"}, "Next": "B"}', input='{"b": 1}', inspectionLevel="DEBUG")
        self.assertEqual((tested["status"], tested["output"], tested["nextState"]), ("SUCCEEDED", '{"a":1}', "B"))
        self.assertEqual(tested["inspectionData"]["afterParameters"], '{"a":1}')
        bad = workflows.validate_state_machine_definition(definition='{"States": {"A": {"Type": "Pass"}}}', type="EXPRESS", maxResults=1)
        self.assertEqual((bad["result"], bad["truncated"]), ("FAIL", True))
        self.assertEqual({key: bad["diagnostics"][0][key] for key in ("severity", "code")}, {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED"})

    def test_errors(self):
        self.refused("InvalidDefinition", workflows.create_state_machine, name=fresh("m"), definition="{}", roleArn=scenario.ROLE)
        self.refused("InvalidName", workflows.create_state_machine, name="a b", definition=scenario.FAILING, roleArn=scenario.ROLE)
        arn = self.machine(scenario.FAILING)
        self.refused("StateMachineAlreadyExists", workflows.create_state_machine, name=arn.split(":")[-1], definition=scenario.WAITING, roleArn=scenario.ROLE)
        self.refused("InvalidExecutionInput", workflows.start_execution, stateMachineArn=arn, input="{'a'}")
        self.refused("StateMachineDoesNotExist", workflows.describe_state_machine, stateMachineArn=arn + "x")
        self.refused("InvalidArn", workflows.describe_state_machine, stateMachineArn="nonsense")
        self.refused("ExecutionDoesNotExist", workflows.describe_execution, executionArn=arn.replace("stateMachine", "execution") + ":none")
        self.refused("InvalidToken", workflows.list_state_machines, nextToken="nonsense")
        self.refused("ExecutionDoesNotExist", workflows.list_map_runs, executionArn=arn.replace("stateMachine", "execution") + ":none")

    def test_signatures_are_checked(self):
        if os.environ.get("TANDEM_NO_AUTH"):
            self.skipTest("the server checks no signatures")
        wrong = boto3.client("stepfunctions", aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], config=SLOW)
        self.refused("InvalidSignatureException", wrong.list_state_machines)
        unknown = boto3.client("lambda", aws_secret_access_key="wrong", aws_access_key_id="AKIAUNKNOWN", config=SLOW)
        self.refused("UnrecognizedClientException", unknown.list_functions)
        elsewhere = boto3.client("stepfunctions", region_name="eu-central-1", config=SLOW)
        self.refused("InvalidSignatureException", elsewhere.list_state_machines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
