"""One registry: orchestrations that call functions and state machines by name. Stops reach what was begun, and a crash begins nothing
twice."""
import io
import json
import logging
import socket
import unittest
import zipfile

from clients import ROLE, PatientTestCase, botocore

try:
    import grpc
    from durabletask import client, task, worker
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
        for orchestrator in (calls, fan, leaves):
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
        self.running("slow", 8)
        self.crash()
        self.assertEqual(json.loads(self.end(instance).serialized_output), list(range(8)))
        found = self.executions("slow")
        self.assertEqual((len(found), {e["status"] for e in found}), (8, {"SUCCEEDED"}))


if __name__ == "__main__":
    unittest.main()
