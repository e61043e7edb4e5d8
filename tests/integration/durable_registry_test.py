"""One registry: orchestrations that call functions and state machines by name; state machines and functions that are orchestrations.
Stops reach what was begun, and a crash begins nothing twice."""
import datetime
import io
import json
import logging
import random
import socket
import time
import unittest
import zipfile

from clients import ROLE, PatientTestCase, botocore

try:
    import grpc
    from durabletask import client, task, worker
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from server import Server

logging.disable(logging.CRITICAL)
Status = client.OrchestrationStatus
CODE = """def lambda_handler(event, context):
    if event is None:
        raise ValueError('nothing to shout')
    return str(event).upper()
"""
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
FAILING = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Broken", "Cause": "by design"}}}
SLOW = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "Done"}, "Done": {"Type": "Pass", "End": True}}}
ENDLESS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86400, "End": True}}}


def calls(ctx, asked):
    """Each of `asked`, a name and an input: its result, or why there is none."""
    results = []
    for name, value in asked:
        try:
            results.append((yield ctx.call_activity(name, input=value)))
        except task.TaskFailedError as error:
            results.append({error.details.error_type: error.details.message})
    return results


def fan(ctx, asked):
    name, width = asked
    return (yield task.when_all([ctx.call_activity(name, input=number) for number in range(width)]))


def leaves(ctx, name):
    ctx.call_activity(name)
    return (yield ctx.wait_for_external_event("go"))


def doubles(ctx, number):
    return number * 2


def breaks(ctx, words):
    raise ValueError(words)


def slowly(ctx, value):
    yield ctx.create_timer(datetime.timedelta(seconds=2))
    return value


def waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


def local(_, value):
    return ["a worker's", value]


class DurableRegistryTest(PatientTestCase):
    @classmethod
    def setUpClass(cls):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Always the same port, so that the worker finds it after a crash.
        cls.server = Server(arguments=["--no-auth", "--grpc-port", str(port)]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.connect()
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("handler.py", CODE)
        for name in ("shout", "both"):
            cls.functions.create_function(FunctionName=name, Runtime="python3.11", Handler="handler.lambda_handler", Role=ROLE,
                                          Code={"ZipFile": package.getvalue()}, Publish=True)
        cls.machines = {name: cls.make(name, definition) for name, definition in (
            ("both", ECHO), ("echo", ECHO), ("failing", FAILING), ("slow", SLOW), ("endless", ENDLESS))}
        cls.machines["quick"] = cls.make("quick", ECHO, type="EXPRESS")
        cls.worker = worker.TaskHubGrpcWorker(host_address=cls.server.ready["grpc"])
        for orchestrator in (calls, fan, leaves, doubles, breaks, slowly, waits):
            cls.worker.add_orchestrator(orchestrator)
        cls.worker.add_activity(local)
        cls.worker.start()
        cls.addClassCleanup(cls.worker.stop)

    @classmethod
    def connect(cls):
        cls.states = cls.server.client("stepfunctions", inject_host_prefix=False)
        cls.functions = cls.server.client("lambda")
        # Of its own: channels share connections, and how long to wait after one was refused.
        channel = grpc.insecure_channel(cls.server.ready["grpc"], options=[("grpc.use_local_subchannel_pool", 1)])
        cls.addClassCleanup(channel.close)
        cls.client = client.TaskHubGrpcClient(channel=channel)

    @classmethod
    def crash(cls):
        cls.server.kill()
        cls.server.start()
        cls.connect()

    @classmethod
    def make(cls, name, definition, **fields):
        return cls.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, **fields)["stateMachineArn"]

    def end(self, instance, status=Status.COMPLETED):
        state = self.client.wait_for_orchestration_completion(instance, timeout=self.seconds)
        self.assertEqual(state.runtime_status, status, state)
        return state

    def output(self, orchestrator, value):
        instance = self.client.schedule_new_orchestration(orchestrator, input=value)
        return json.loads(self.end(instance).serialized_output)

    def executions(self, machine, **filters):
        return self.states.list_executions(stateMachineArn=self.machines[machine], **filters)["executions"]

    def running(self, machine, count=1):
        return self.until("the executions did not begin",
                          lambda: len(found := self.executions(machine, statusFilter="RUNNING")) == count and found)

    def aborted(self, arn):
        self.until("the execution was not stopped", lambda: self.states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        self.assertEqual(self.states.describe_execution(executionArn=arn)["status"], "ABORTED")

    def test_functions_and_state_machines_are_activities(self):
        function = "arn:aws:lambda:us-east-1:123456789012:function:shout"
        for name, value, result in (
                ("shout", "a", "A"), (function, "a", "A"), (function + ":1", "a", "A"), ("shout", None, {"ValueError": "nothing to shout"}),
                ("echo", {"n": [1]}, {"n": [1]}), ("echo", "text", "text"), (self.machines["echo"], 3, 3), ("quick", [4], [4]),
                ("failing", 1, {"Broken": "by design"}),
                ("both", "who?", "WHO?"), (self.machines["both"], "who?", "who?"), ("local", 5, ["a worker's", 5])):
            self.assertEqual(self.output(calls, [[name, value]]), [result], name)

    def test_what_is_not_there(self):
        gone = self.machines["echo"] + "-not"
        [failure] = self.output(calls, [[gone, 1]])
        [(kind, message)] = failure.items()
        self.assertEqual(kind, "StepFunctions.StateMachineDoesNotExistException")
        self.assertIn(f"State Machine Does Not Exist: '{gone}'", message)
        for missing in ("gone", "shout:7"):
            [failure] = self.output(calls, [["arn:aws:lambda:us-east-1:123456789012:function:" + missing, 1]])
            self.assertEqual(list(failure), ["ResourceNotFoundException"])

    def test_an_execution_ends_with_its_orchestration(self):
        instance = self.client.schedule_new_orchestration(calls, input=[["endless", 1]])
        [execution] = self.running("endless")
        self.client.terminate_orchestration(instance)
        self.end(instance, Status.TERMINATED)
        self.aborted(execution["executionArn"])
        instance = self.client.schedule_new_orchestration(leaves, input="endless")
        [execution] = self.running("endless")
        self.client.raise_orchestration_event(instance, "go", data="gone")
        self.end(instance)
        self.aborted(execution["executionArn"])

    def test_a_stopped_execution_is_a_failure(self):
        instance = self.client.schedule_new_orchestration(calls, input=[["endless", 1], ["echo", 2]])
        [execution] = self.running("endless")
        self.states.stop_execution(executionArn=execution["executionArn"], error="Enough", cause="of it")
        self.assertEqual(json.loads(self.end(instance).serialized_output), [{"Enough": "of it"}, 2])

    def test_a_crash_begins_nothing_twice(self):
        instance = self.client.schedule_new_orchestration(fan, input=["slow", 8])
        self.until("no execution began", lambda: self.executions("slow"))
        self.crash()
        # The first may have ended when the last begins: a start takes as long as it takes.
        self.until("the executions did not begin", lambda: len(self.executions("slow")) == 8)
        self.crash()
        self.assertEqual(json.loads(self.end(instance).serialized_output), list(range(8)))
        found = self.executions("slow")
        self.assertEqual((len(found), {e["status"] for e in found}), (8, {"SUCCEEDED"}))

    # State machines that start orchestrations.

    def machine(self, parameters, pattern=".sync", **fields):
        type(self).made = getattr(self, "made", 0) + 1
        state = {"Type": "Task", "Resource": "arn:aws:states:::durable-task:startOrchestration" + pattern, "Parameters": parameters,
                 "End": True, **fields}
        states = {"T": state, "Caught": {"Type": "Pass", "End": True}} if "Catch" in fields else {"T": state}
        return self.make(f"starts{self.made}", {"StartAt": "T", "States": states})

    def begin(self, machine, value=None):
        return self.states.start_execution(stateMachineArn=machine, input=json.dumps(value))["executionArn"]

    def ended(self, arn, status="SUCCEEDED"):
        self.until("the execution did not end", lambda: self.states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        found = self.states.describe_execution(executionArn=arn)
        self.assertEqual(found["status"], status, found.get("cause"))
        return found

    def instances(self, name, before=()):
        return [state for state in self.client.get_all_orchestration_states()
                if state.name == name and state.instance_id not in before]

    def test_a_state_machine_awaits_an_orchestration(self):
        machine = self.machine({"Name": "doubles", "Input.$": "$.n", "Tags": {"a": "b"}, "InstanceId": "named"})
        result = json.loads(self.ended(self.begin(machine, {"n": 21}))["output"])
        self.assertEqual({key: result[key] for key in ("InstanceId", "TaskHub", "RuntimeStatus", "Input", "Output")},
                         {"InstanceId": "named", "TaskHub": "default", "RuntimeStatus": "Completed", "Input": 21, "Output": 42})
        arn = self.begin(self.machine({"Name": "calls", "Input": [["echo", {"n": 1}], ["shout", "a"]]}, OutputPath="$.Output"))
        self.assertEqual(json.loads(self.ended(arn)["output"]), [{"n": 1}, "A"])

    def test_a_state_machine_starts_an_orchestration_and_goes_on(self):
        arn = self.begin(self.machine({"Name": "waits", "InstanceId": "on-its-own"}, pattern=""))
        self.assertEqual(json.loads(self.ended(arn)["output"]), {"InstanceId": "on-its-own"})
        again = self.ended(self.begin(self.machine({"Name": "waits", "InstanceId": "on-its-own"})), "FAILED")
        self.assertEqual((again["error"], again["cause"]), ("DurableTask.OrchestrationAlreadyExists",
                                                            "An orchestration with the instance ID 'on-its-own' exists already."))
        self.client.raise_orchestration_event("on-its-own", "go", data=1)
        self.end("on-its-own")

    def test_a_failed_orchestration_is_caught(self):
        catch = [{"ErrorEquals": ["DurableTask.OrchestrationFailed"], "Next": "Caught"}]
        machine = self.machine({"Name": "breaks", "Input": "so it is"}, Catch=catch)
        caught = json.loads(self.ended(self.begin(machine))["output"])
        self.assertEqual(caught["Error"], "DurableTask.OrchestrationFailed")
        cause = json.loads(caught["Cause"])
        self.assertEqual((cause["RuntimeStatus"], cause["ErrorType"]), ("Failed", "builtins.ValueError"))
        self.assertIn("so it is", cause["ErrorMessage"])

    def test_an_orchestration_ends_with_its_task(self):
        for number, (fields, end) in enumerate((({}, "ABORTED"), ({"TimeoutSeconds": 1}, "FAILED"))):
            instance = f"owned-{number}"
            arn = self.begin(self.machine({"Name": "calls", "InstanceId": instance, "Input": [["endless", 1]]}, **fields))
            [execution] = self.running("endless")
            if not fields:
                self.states.stop_execution(executionArn=arn)
            self.ended(arn, end)
            self.end(instance, Status.TERMINATED)
            self.aborted(execution["executionArn"])

    def test_a_terminated_orchestration_fails_its_task(self):
        arn = self.begin(self.machine({"Name": "waits", "InstanceId": "victim"}))
        self.until("it did not begin", lambda: self.client.get_orchestration_state("victim"))
        self.client.terminate_orchestration("victim", output="enough")
        ended = self.ended(arn, "FAILED")
        self.assertEqual(ended["error"], "DurableTask.OrchestrationTerminated")
        self.assertEqual(json.loads(ended["cause"])["Output"], "enough")

    def test_parameters_are_checked(self):
        for parameters, pattern, wrong in (
                ({"Input": 1}, ".sync", "The field 'Name' is required but was missing"),
                ({"Name": "n", "Hub": "h"}, "", "The field 'Hub' is not supported by Step Functions")):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.machine(parameters, pattern)
            self.assertIn(f"{wrong} at /States/T/Parameters", refused.exception.response["Error"]["Message"])
        for pattern in (".sync:2", ".waitForTaskToken"):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.machine({"Name": "n"}, pattern)
            self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidDefinition")
        ended = self.ended(self.begin(self.machine({"Name.$": "$.name"}), {"name": 7}), "FAILED")
        self.assertEqual(ended["error"], "States.Runtime")
        self.assertIn("The value for the field 'Name' must be a STRING", ended["cause"])
        ended = self.ended(self.begin(self.machine({"Name": "n", "TaskHub": "no such/hub"})), "FAILED")
        self.assertEqual(ended["error"], "DurableTask.InvalidArgumentException")

    def test_a_hub_is_made_where_there_is_none(self):
        channel = grpc.insecure_channel(self.server.ready["grpc"], options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        stub = stubs.TaskHubSidecarServiceStub(channel)
        arn = self.begin(self.machine({"Name": "waits", "TaskHub": "elsewhere"}, pattern=""))
        instance = json.loads(self.ended(arn)["output"])["InstanceId"]
        found = stub.GetInstance(pb.GetInstanceRequest(instanceId=instance), metadata=(("taskhub", "elsewhere"),))
        self.assertEqual((found.exists, found.orchestrationState.name), (True, "waits"))
        self.assertIsNone(self.client.get_orchestration_state(instance))

    def test_a_crash_starts_no_orchestration_twice(self):
        item = {"StartAt": "T", "States": {"T": {
            "Type": "Task", "Resource": "arn:aws:states:::durable-task:startOrchestration.sync",
            "Parameters": {"Name": "slowly", "Input.$": "$"}, "OutputPath": "$.Output", "End": True}}}
        self.check_crashes(item)

    def check_crashes(self, item):
        """Each of 8 iterations starts the orchestration once."""
        before = {state.instance_id for state in self.instances("slowly")}
        type(self).made = getattr(self, "made", 0) + 1
        machine = self.make(f"each{self.made}", {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": item, "End": True}}})
        arn = self.begin(machine, list(range(8)))
        self.until("no orchestration began", lambda: self.instances("slowly", before))
        self.crash()
        self.until("not all began", lambda: len(self.instances("slowly", before)) == 8)
        self.crash()
        self.assertEqual(json.loads(self.ended(arn)["output"]), list(range(8)))
        self.assertEqual([state.runtime_status for state in self.instances("slowly", before)], [Status.COMPLETED] * 8)

    # Functions that are orchestrations.

    def function(self, orchestrator, **fields):
        type(self).made = getattr(self, "made", 0) + 1
        name = f"orchestrates{self.made}"
        self.functions.create_function(FunctionName=name, Runtime="durable-task", Handler=orchestrator, Role=ROLE,
                                       **{"Code": {}, "Timeout": self.seconds, **fields})
        return name

    def invoke(self, function, value=None, **fields):
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(value), **fields)
        return answer.get("FunctionError"), json.loads(answer["Payload"].read() or "null"), answer["ResponseMetadata"]["RequestId"]

    def test_invoke_answers_what_the_orchestration_does(self):
        function = self.function("doubles")
        self.assertEqual(self.invoke(function, 21)[:2], (None, 42))
        error, document, request = self.invoke(self.function("breaks"), "so it is")
        self.assertEqual((error, document["errorType"]), ("Unhandled", "builtins.ValueError"))
        self.assertIn("so it is", document["errorMessage"])
        self.assertEqual(self.client.get_orchestration_state(request).runtime_status, Status.FAILED)
        self.functions.publish_version(FunctionName=function)
        self.functions.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
        self.assertEqual(self.invoke(function + ":live", 4)[:2], (None, 8))
        self.functions.delete_function(FunctionName=function)
        with self.assertRaises(self.functions.exceptions.ResourceNotFoundException):
            self.invoke(function, 1)

    def test_an_orchestration_beyond_its_timeout_is_terminated(self):
        error, document, request = self.invoke(self.function("waits", Timeout=1))
        self.assertEqual((error, document["errorType"]), ("Unhandled", "Sandbox.Timedout"))
        self.assertIn(f"{request} Task timed out after 1.00 seconds", document["errorMessage"])
        self.end(request, Status.TERMINATED)

    def test_an_event_starts_an_orchestration_and_waits_for_nothing(self):
        function = self.function("waits", Timeout=1, Environment={"Variables": {"TANDEM_TASK_HUB": "default"}})
        answer = self.functions.invoke(FunctionName=function, InvocationType="Event", Payload="7")
        instance = answer["ResponseMetadata"]["RequestId"]
        self.assertEqual(answer["StatusCode"], 202)
        self.crash()
        self.client.raise_orchestration_event(instance, "go", data="late")
        self.assertEqual(json.loads(self.end(instance).serialized_output), "late")

    def test_whoever_calls_functions_calls_such_ones(self):
        function = self.function("doubles")
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
        self.assertEqual(self.output(calls, [[function, 4], [arn, 5]]), [8, 10])
        for resource, parameters in (("arn:aws:states:::lambda:invoke", {"FunctionName": function, "Payload.$": "$"}), (arn, None)):
            state = {"Type": "Task", "Resource": resource, "End": True}
            if parameters:
                state |= {"Parameters": parameters, "OutputPath": "$.Payload"}
            type(self).made += 1
            machine = self.make(f"invokes{self.made}", {"StartAt": "T", "States": {"T": state}})
            self.assertEqual(json.loads(self.ended(self.begin(machine, 6))["output"]), 12)
        catch = [{"ErrorEquals": ["builtins.ValueError"], "Next": "Caught"}]
        task = {"Type": "Task", "Resource": arn.replace(function, self.function("breaks")), "End": True, "Catch": catch}
        machine = self.make("catches", {"StartAt": "T", "States": {"T": task, "Caught": {"Type": "Pass", "End": True}}})
        self.assertIn("so it is", json.loads(self.ended(self.begin(machine, "so it is"))["output"])["Cause"])

    def test_a_stopped_task_terminates_the_orchestration_it_called(self):
        arn = "arn:aws:lambda:us-east-1:123456789012:function:" + self.function("waits")
        before = {state.instance_id for state in self.instances("waits")}
        execution = self.begin(self.make("calls-waits", {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": arn, "End": True}}}))
        [instance] = self.until("it did not begin", lambda: self.instances("waits", before))
        self.states.stop_execution(executionArn=execution)
        self.end(instance.instance_id, Status.TERMINATED)

    def test_a_crash_calls_no_orchestration_twice(self):
        arn = "arn:aws:lambda:us-east-1:123456789012:function:" + self.function("slowly")
        self.check_crashes({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": arn, "End": True}}})

    def test_crashes_at_any_moment(self):
        """Orchestrations that run state machines, each of which starts an orchestration and calls one as a function."""
        width, rounds = 4, 6
        started = {"Type": "Task", "Resource": "arn:aws:states:::durable-task:startOrchestration.sync", "ResultPath": None,
                   "Parameters": {"Name": "doubles", "Input.$": "$", "Tags": {"by": "task"}}, "Next": "Call"}
        called = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:" + self.function("doubles"), "End": True}
        self.machines["nested"] = self.make("nested", {"StartAt": "Start", "States": {"Start": started, "Call": called}})
        before = {state.instance_id for state in self.instances("doubles")}
        seed = random.randrange(1 << 30)
        chance, instances = random.Random(seed), []
        for _ in range(rounds):
            instances.append(self.client.schedule_new_orchestration(fan, input=["nested", width]))
            time.sleep(chance.uniform(0, 0.15))
            self.crash()
        for instance in instances:
            self.assertEqual(json.loads(self.end(instance).serialized_output), [number * 2 for number in range(width)], seed)
        executions = self.executions("nested")
        self.assertEqual((len(executions), {e["status"] for e in executions}), (width * rounds, {"SUCCEEDED"}), seed)
        self.assertEqual(len(self.instances("doubles", before)), 2 * width * rounds, seed)

    def test_functions_that_make_no_sense(self):
        for fields, words in (({"Code": {"ZipFile": b"PK"}}, "takes no code"),
                              ({"Environment": {"Variables": {"TANDEM_TASK_HUB": "no such/hub"}}}, "TANDEM_TASK_HUB has to be")):
            with self.assertRaises(self.functions.exceptions.InvalidParameterValueException) as refused:
                self.function("n", **fields)
            self.assertIn(words, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
