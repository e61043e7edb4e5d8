"""Orchestrations of the unmodified Python SDK on a running server: what each feature does, and what bad input gets."""
import datetime
import io
import json
import logging
import threading
import unittest
import uuid
import zipfile

from clients import ROLE, PatientTestCase  # first: it finds the Python that has the clients

try:
    import grpc
    from durabletask import client, task, worker
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from google.protobuf import empty_pb2, wrappers_pb2
from server import Server

logging.disable(logging.WARNING)
Status = client.OrchestrationStatus
SECONDS = 30
CITIES = ["Tokyo", "Seattle", "London", "Paris", "Oslo"]
failures_left = {}
seen = {}


def hello(_, city):
    return f"Hello {city}!"


def double(_, number):
    return number * 2


def fails(_, words):
    raise ValueError(words)


def fails_at_first(_, key):
    failures_left[key] = failures_left.get(key, 1) - 1
    if failures_left[key] >= 0:
        raise ValueError("not yet")
    return "done"


def notes(ctx, key):
    seen.setdefault(key, []).append(ctx.task_id)
    return len(seen[key])


def cities(ctx, _):
    greetings = []
    for city in CITIES:
        greetings.append((yield ctx.call_activity(hello, input=city)))
    return greetings


def fan_out(ctx, count):
    results = yield task.when_all([ctx.call_activity(double, input=i) for i in range(count)])
    return sum(results)


def approval(ctx, patience_s):
    answer = ctx.wait_for_external_event("approval")
    timeout = ctx.create_timer(datetime.timedelta(seconds=patience_s))
    winner = yield task.when_any([answer, timeout])
    return answer.get_result() if winner == answer else "timed out"


def waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


def parent(ctx, names):
    results = []
    for name in names:
        results.append((yield ctx.call_sub_orchestrator(name, input=7, instance_id=f"{ctx.instance_id}-{name}")))
    return results


def starts_waiting_child(ctx, _):
    return (yield ctx.call_sub_orchestrator("waits", instance_id=ctx.instance_id + "-child"))


def catches(ctx, _):
    try:
        yield ctx.call_activity(fails, input="as ever")
    except task.TaskFailedError as error:
        return [error.details.error_type, error.details.message]


def counts(ctx, state):
    if state["left"] == 0:
        return state["sum"]
    done = yield ctx.call_activity(double, input=state["left"])
    ctx.set_custom_status(state["left"])
    ctx.continue_as_new({"left": state["left"] - 1, "sum": state["sum"] + done})


def collects(ctx, state):
    got = yield ctx.wait_for_external_event("item")
    state = state + [got]
    if len(state) == 5:
        return state
    ctx.continue_as_new(state, save_events=True)


def rewindable(ctx, key):
    first = yield ctx.call_activity(notes, input=key)
    second = yield ctx.call_activity(fails_at_first, input=key)
    return [first, second]


def history(ctx, _):
    yield ctx.call_activity(hello, input="x")
    yield ctx.create_timer(datetime.timedelta(milliseconds=50))
    yield ctx.call_sub_orchestrator("says_seven", instance_id=ctx.instance_id + "-sub")
    return "over"


def says_seven(ctx, _):
    return 7


def calls_functions(ctx, words):
    shouted = yield ctx.call_activity("shout", input=words)
    try:
        yield ctx.call_activity("shout", input=None)
    except task.TaskFailedError as error:
        return [shouted, error.details.error_type]


def sends(ctx, to):
    ctx.send_event(to, "go", data="from another")
    return "sent"


class DurableTest(PatientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(arguments=["--no-auth"]).start()
        cls.worker = cls.make_worker()
        cls.worker.start()
        cls.client = client.TaskHubGrpcClient(host_address=cls.server.ready["grpc"])
        cls.channel = grpc.insecure_channel(cls.server.ready["grpc"])
        cls.stub = stubs.TaskHubSidecarServiceStub(cls.channel)

    @classmethod
    def make_worker(cls, **options):
        made = worker.TaskHubGrpcWorker(host_address=cls.server.ready["grpc"], **options)
        for orchestrator in (cities, fan_out, approval, waits, parent, starts_waiting_child, catches, counts, collects, rewindable,
                             history, says_seven, sends, calls_functions):
            made.add_orchestrator(orchestrator)
        for activity in (hello, double, fails, fails_at_first, notes):
            made.add_activity(activity)
        return made

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.client.close()
        cls.worker.stop()
        cls.server.stop()

    def start(self, orchestrator, **options):
        return self.client.schedule_new_orchestration(orchestrator, **options)

    def end(self, instance, status=Status.COMPLETED):
        state = self.client.wait_for_orchestration_completion(instance, timeout=SECONDS)
        self.assertEqual(state.runtime_status, status, state)
        return state

    def output(self, instance):
        return json.loads(self.end(instance).serialized_output)

    def refused(self, code, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception.details()

    def running(self, instance):
        self.client.wait_for_orchestration_start(instance, timeout=SECONDS)

    def test_activities_one_after_the_other(self):
        instance = self.start(cities)
        self.assertEqual(self.output(instance), [f"Hello {city}!" for city in CITIES])

    def test_fan_out_and_in(self):
        self.assertEqual(self.output(self.start(fan_out, input=100)), 9900)

    def test_a_failed_activity_and_a_failed_orchestration(self):
        kind, message = self.output(self.start(catches))
        self.assertIn("ValueError", kind)
        self.assertIn("as ever", message)
        state = self.end(self.start("no_such_orchestrator"), Status.FAILED)
        self.assertIn("no_such_orchestrator", state.failure_details.message)

    def test_external_events_race_with_timers(self):
        instance = self.start(approval, input=60)
        self.running(instance)
        self.client.raise_orchestration_event(instance, "approval", data="yes")
        self.assertEqual(self.output(instance), "yes")
        self.assertEqual(self.output(self.start(approval, input=0.1)), "timed out")

    def test_an_event_may_come_before_it_is_waited_for(self):
        instance = self.start(waits, start_at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=0.5))
        self.assertEqual(self.client.get_orchestration_state(instance).runtime_status, Status.PENDING)
        self.client.raise_orchestration_event(instance, "go", data="early")
        self.assertEqual(self.output(instance), "early")

    def test_one_orchestration_sends_another_an_event(self):
        instance = self.start(waits)
        self.running(instance)
        self.assertEqual(self.output(self.start(sends, input=instance)), "sent")
        self.assertEqual(self.output(instance), "from another")
        self.assertEqual(self.output(self.start(sends, input="nobody")), "sent")

    def test_sub_orchestrations(self):
        instance = self.start(parent, input=["says_seven", "fan_out"])
        self.assertEqual(self.output(instance), [7, 42])
        self.assertEqual(self.output(instance + "-fan_out"), 42)

    def test_continue_as_new_keeps_the_instance(self):
        instance = self.start(counts, input={"left": 20, "sum": 0})
        self.assertEqual(self.output(instance), 420)

    def test_events_outlive_a_generation(self):
        instance = self.start(collects, input=[])
        for number in range(5):
            self.client.raise_orchestration_event(instance, "item", data=number)
        self.assertEqual(sorted(self.output(instance)), [0, 1, 2, 3, 4])

    def test_history_is_exact(self):
        instance = self.start(history)
        self.end(instance)
        chunks = self.stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
        events = [event.WhichOneof("eventType") for chunk in chunks for event in chunk.events]
        self.assertEqual(events, ["orchestratorStarted", "executionStarted", "taskScheduled", "orchestratorStarted", "taskCompleted",
                                  "timerCreated", "orchestratorStarted", "timerFired", "subOrchestrationInstanceCreated",
                                  "orchestratorStarted", "subOrchestrationInstanceCompleted", "executionCompleted"])

    def test_terminate_with_children(self):
        instance = self.start(starts_waiting_child)
        self.running(instance + "-child")
        self.client.terminate_orchestration(instance, output="enough", recursive=True)
        self.assertEqual(json.loads(self.end(instance, Status.TERMINATED).serialized_output), "enough")
        self.end(instance + "-child", Status.TERMINATED)
        self.client.terminate_orchestration(instance)  # nothing to do

    def test_suspend_and_resume(self):
        instance = self.start(waits)
        self.running(instance)
        self.client.suspend_orchestration(instance)
        self.until("never suspended",
                   lambda: self.client.get_orchestration_state(instance).runtime_status == Status.SUSPENDED)
        self.client.raise_orchestration_event(instance, "go", data=1)
        self.client.resume_orchestration(instance)
        self.assertEqual(self.output(instance), 1)

    def test_restart_and_ids(self):
        instance = self.start(cities)
        self.end(instance)
        other = self.client.restart_orchestration(instance, restart_with_new_instance_id=True)
        self.assertNotEqual(other, instance)
        self.end(other)
        self.assertEqual(self.client.restart_orchestration(instance), instance)
        self.end(instance)
        running = self.start(waits)
        self.refused(grpc.StatusCode.ALREADY_EXISTS,
                     lambda: self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=running, name="waits")))
        self.refused(grpc.StatusCode.FAILED_PRECONDITION,
                     lambda: self.stub.RestartInstance(pb.RestartInstanceRequest(instanceId=running)))
        policy = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_RUNNING])
        self.assertIn("cannot exclude 'Terminated'", self.refused(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=running, name="waits",
                                                                     orchestrationIdReusePolicy=policy))))
        policy.replaceableStatus.append(pb.ORCHESTRATION_STATUS_PENDING)
        policy.replaceableStatus.append(pb.ORCHESTRATION_STATUS_TERMINATED)
        self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=running, name="cities", orchestrationIdReusePolicy=policy))
        self.assertEqual(self.end(running).name, "cities")

    def test_rewind(self):
        key = uuid.uuid4().hex
        instance = self.start(rewindable, input=key)
        self.end(instance, Status.FAILED)
        self.client.rewind_orchestration(instance, reason="mended")
        self.assertEqual(self.output(instance), [1, "done"])
        self.assertEqual(len(seen[key]), 1)  # what had succeeded was not done again
        with self.assertRaises(Exception):
            self.client.rewind_orchestration(instance)
        self.refused(grpc.StatusCode.FAILED_PRECONDITION,
                     lambda: self.stub.RewindInstance(pb.RewindInstanceRequest(instanceId=instance)))

    def test_purge(self):
        instance = self.start(parent, input=["says_seven"])
        self.end(instance)
        self.assertEqual(self.client.purge_orchestration(instance, recursive=True).deleted_instance_count, 2)
        self.assertIsNone(self.client.get_orchestration_state(instance))
        self.assertEqual(self.client.purge_orchestration(instance).deleted_instance_count, 0)
        waiting = self.start(waits)
        self.assertEqual(self.client.purge_orchestration(waiting).deleted_instance_count, 0)
        again = self.start(cities, instance_id=instance)  # as if it had never been
        self.end(again)

    def test_query_in_pages(self):
        hub = (("taskhub", "queries"),)
        for number in range(7):
            self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=f"q{number}", name="n", input=wrappers_pb2.StringValue(value="")),
                                    metadata=hub)
        token, found = None, []
        for _ in range(4):
            query = pb.InstanceQuery(maxInstanceCount=3, continuationToken=token, fetchInputsAndOutputs=True)
            page = self.stub.QueryInstances(pb.QueryInstancesRequest(query=query), metadata=hub)
            found += page.orchestrationState
            if not page.HasField("continuationToken"):
                break
            token = page.continuationToken
        self.assertEqual(sorted(state.instanceId for state in found), [f"q{n}" for n in range(7)])
        self.assertTrue(all(state.HasField("input") and state.input.value == "" for state in found))
        query = pb.InstanceQuery(runtimeStatus=[pb.ORCHESTRATION_STATUS_COMPLETED])
        self.assertFalse(self.stub.QueryInstances(pb.QueryInstancesRequest(query=query), metadata=hub).orchestrationState)
        query = pb.InstanceQuery(instanceIdPrefix=wrappers_pb2.StringValue(value="q3"))
        self.assertEqual(len(self.stub.QueryInstances(pb.QueryInstancesRequest(query=query), metadata=hub).orchestrationState), 1)
        self.assertFalse(self.stub.GetInstance(pb.GetInstanceRequest(instanceId="q1")).exists)  # of another hub
        batch = pb.InstanceBatch(instanceIds=[f"q{n}" for n in range(7)] + ["nobody"])
        left = self.stub.SkipGracefulOrchestrationTerminations(
            pb.SkipGracefulOrchestrationTerminationsRequest(instanceBatch=batch), metadata=hub)
        self.assertEqual(list(left.unterminatedInstanceIds), ["nobody"])
        listed, key = [], None
        while True:
            page = self.stub.ListInstanceIds(pb.ListInstanceIdsRequest(pageSize=2, lastInstanceKey=key), metadata=hub)
            listed += page.instanceIds
            if not page.HasField("lastInstanceKey"):
                break
            key = page.lastInstanceKey
        self.assertEqual(sorted(listed), [f"q{n}" for n in range(7)])
        gone = self.stub.PurgeInstances(pb.PurgeInstancesRequest(purgeInstanceFilter=pb.PurgeInstanceFilter(
            runtimeStatus=[pb.ORCHESTRATION_STATUS_TERMINATED])), metadata=hub)
        self.assertEqual((gone.deletedInstanceCount, gone.isComplete.value), (7, True))

    def test_unknown_instances(self):
        for call in (lambda: self.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="nobody", name="go")),
                     lambda: self.stub.TerminateInstance(pb.TerminateRequest(instanceId="nobody")),
                     lambda: self.stub.SuspendInstance(pb.SuspendRequest(instanceId="nobody")),
                     lambda: self.stub.ResumeInstance(pb.ResumeRequest(instanceId="nobody")),
                     lambda: self.stub.RewindInstance(pb.RewindInstanceRequest(instanceId="nobody")),
                     lambda: self.stub.RestartInstance(pb.RestartInstanceRequest(instanceId="nobody")),
                     lambda: list(self.stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="nobody")))):
            self.refused(grpc.StatusCode.NOT_FOUND, call)
        self.assertFalse(self.stub.GetInstance(pb.GetInstanceRequest(instanceId="nobody")).exists)
        for wait in (self.stub.WaitForInstanceStart, self.stub.WaitForInstanceCompletion):
            self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: wait(pb.GetInstanceRequest(instanceId="nobody"), timeout=0.2))

    def test_bad_input(self):
        long = "x" * 1000
        bad = grpc.StatusCode.INVALID_ARGUMENT
        self.refused(bad, lambda: self.stub.StartInstance(pb.CreateInstanceRequest(instanceId="a")))
        self.refused(bad, lambda: self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=long, name="n")))
        self.refused(bad, lambda: self.stub.StartInstance(pb.CreateInstanceRequest(instanceId="@e@k", name="n")))
        self.refused(bad, lambda: self.stub.GetInstance(pb.GetInstanceRequest()))
        self.refused(bad, lambda: self.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="a")))
        self.refused(bad, lambda: self.stub.Hello(empty_pb2.Empty(), metadata=(("taskhub", "no such/hub"),)))
        self.refused(bad, lambda: self.stub.ListInstanceIds(pb.ListInstanceIdsRequest(lastInstanceKey=wrappers_pb2.StringValue(value="x"))))
        self.refused(bad, lambda: self.stub.QueryInstances(pb.QueryInstancesRequest(query=pb.InstanceQuery(
            continuationToken=wrappers_pb2.StringValue(value="x")))))
        self.refused(bad, lambda: self.stub.CompleteActivityTask(pb.ActivityResponse()))
        for complete, answer in ((self.stub.CompleteActivityTask, pb.ActivityResponse(instanceId="a", completionToken="foreign")),
                                 (self.stub.CompleteOrchestratorTask, pb.OrchestratorResponse(instanceId="a", completionToken="foreign")),
                                 (self.stub.CompleteEntityTask, pb.EntityBatchResult(completionToken="foreign"))):
            self.refused(grpc.StatusCode.NOT_FOUND, lambda: complete(answer))
        self.refused(grpc.StatusCode.NOT_FOUND,
                     lambda: self.stub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken="foreign")))
        garbage = self.channel.unary_unary("/TaskHubSidecarService/StartInstance")
        with self.assertRaises(grpc.RpcError):
            garbage(b"\xff\xff\xff\xff")
        stream = self.channel.unary_stream("/TaskHubSidecarService/GetWorkItems")
        self.refused(bad, lambda: list(stream(b"\xff\xff\xff\xff")))
        self.refused(grpc.StatusCode.UNIMPLEMENTED, lambda: self.channel.unary_unary("/TaskHubSidecarService/NoSuch")(b""))
        self.stub.Hello(empty_pb2.Empty())

    def test_a_worker_that_answers_twice_late_or_for_another(self):
        hub = (("taskhub", "by-hand"),)
        for name in ("one", "two"):
            self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=name, name="n"), metadata=hub)
        stream = self.stub.GetWorkItems(pb.GetWorkItemsRequest(maxConcurrentOrchestrationWorkItems=5), metadata=hub)
        items = {item.orchestratorRequest.instanceId: item for item in (next(stream), next(stream))}

        def done(instance, token):
            complete = pb.CompleteOrchestrationAction(orchestrationStatus=pb.ORCHESTRATION_STATUS_COMPLETED)
            return pb.OrchestratorResponse(instanceId=instance, completionToken=token,
                                           actions=[pb.OrchestratorAction(id=1, completeOrchestration=complete)])
        self.refused(grpc.StatusCode.INVALID_ARGUMENT,
                     lambda: self.stub.CompleteOrchestratorTask(done("two", items["one"].completionToken), metadata=hub))
        self.stub.CompleteOrchestratorTask(done("one", items["one"].completionToken), metadata=hub)
        self.refused(grpc.StatusCode.NOT_FOUND,
                     lambda: self.stub.CompleteOrchestratorTask(done("one", items["one"].completionToken), metadata=hub))
        elsewhere = (("taskhub", "elsewhere"),)  # of older clients, too, who say no token
        for token in ("", items["two"].completionToken):
            self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteOrchestratorTask(done("two", token), metadata=elsewhere))
        stream.cancel()  # what it had goes to the next one, under another token
        other = self.stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=hub)
        again = next(other)
        self.assertEqual(again.orchestratorRequest.instanceId, "two")
        self.refused(grpc.StatusCode.NOT_FOUND,
                     lambda: self.stub.CompleteOrchestratorTask(done("two", items["two"].completionToken), metadata=hub))
        self.stub.CompleteOrchestratorTask(done("two", again.completionToken), metadata=hub)
        state = self.stub.GetInstance(pb.GetInstanceRequest(instanceId="two"), metadata=hub).orchestrationState
        self.assertEqual(state.orchestrationStatus, pb.ORCHESTRATION_STATUS_COMPLETED)
        other.cancel()

    def test_a_worker_that_asks_for_long_histories_itself(self):
        hub = (("taskhub", "streams"),)
        large = wrappers_pb2.StringValue(value=json.dumps("x" * 900_000))
        self.stub.StartInstance(pb.CreateInstanceRequest(instanceId="long", name="n", input=large), metadata=hub)
        stream = self.stub.GetWorkItems(pb.GetWorkItemsRequest(capabilities=[pb.WORKER_CAPABILITY_HISTORY_STREAMING]), metadata=hub)
        first = next(stream)
        self.assertFalse(first.orchestratorRequest.requiresHistoryStreaming)
        self.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(instanceId="long", completionToken=first.completionToken), metadata=hub)
        self.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="long", name="e", input=large), metadata=hub)
        request = next(stream).orchestratorRequest
        self.assertTrue(request.requiresHistoryStreaming)
        self.assertEqual(len(request.pastEvents), 0)
        self.assertEqual([event.WhichOneof("eventType") for event in request.newEvents], ["orchestratorStarted", "eventRaised"])
        chunks = self.stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(
            instanceId="long", executionId=request.executionId, forWorkItemProcessing=True), metadata=hub)
        past = [event for chunk in chunks for event in chunk.events]
        self.assertEqual(past, list(first.orchestratorRequest.newEvents))
        stream.cancel()

    def test_an_activity_named_like_a_function_runs_in_the_pool(self):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("shout.py", "def handler(event, context):\n    return event.upper()\n")
        self.server.client("lambda").create_function(FunctionName="shout", Runtime="python3.11", Role=ROLE, Handler="shout.handler",
                                                     Code={"ZipFile": package.getvalue()})
        self.assertEqual(self.output(self.start(calls_functions, input="hear")), ["HEAR", "AttributeError"])

    def test_filters(self):
        hub = (("taskhub", "filters"),)
        filters = pb.WorkItemFilters(orchestrations=[pb.OrchestrationFilter(name="known", versions=["2"])])
        stream = self.stub.GetWorkItems(pb.GetWorkItemsRequest(workItemFilters=filters), metadata=hub)
        for name, version in (("unknown", "2"), ("known", "1"), ("known", "2")):
            self.stub.StartInstance(pb.CreateInstanceRequest(instanceId=name + version, name=name,
                                                             version=wrappers_pb2.StringValue(value=version)), metadata=hub)
        self.assertEqual(next(stream).orchestratorRequest.instanceId, "known2")
        stream.cancel()


class AuthenticationTest(unittest.TestCase):
    def test_callers_bring_the_key(self):
        with Server() as server:
            with grpc.insecure_channel(server.ready["grpc"]) as channel:
                stub = stubs.TaskHubSidecarServiceStub(channel)
                for metadata in ((), (("authorization", "Bearer wrong"),), (("x-api-key", ""),)):
                    with self.assertRaises(grpc.RpcError) as caught:
                        stub.Hello(empty_pb2.Empty(), metadata=metadata)
                    self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
                    with self.assertRaises(grpc.RpcError):
                        next(stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=metadata))
                key = server.ready["secret_access_key"]
                stub.Hello(empty_pb2.Empty(), metadata=(("authorization", "Bearer " + key),))
                stub.Hello(empty_pb2.Empty(), metadata=(("x-api-key", key),))


class StopTest(unittest.TestCase):
    def test_a_stop_ends_streams_and_waits(self):
        with Server(arguments=["--no-auth"]) as server:
            with grpc.insecure_channel(server.ready["grpc"]) as channel:
                stub = stubs.TaskHubSidecarServiceStub(channel)
                stub.StartInstance(pb.CreateInstanceRequest(instanceId="a", name="n"))
                stream = stub.GetWorkItems(pb.GetWorkItemsRequest())
                next(stream)
                ended = []
                waiter = threading.Thread(target=lambda: ended.append(self.wait(stub)))
                waiter.start()
                self.assertEqual(server.stop(20), 0)
                self.assertEqual(list(stream), [])
                waiter.join(20)
                self.assertEqual(len(ended), 1)
            server.start()

    @staticmethod
    def wait(stub):
        try:
            return stub.WaitForInstanceCompletion(pb.GetInstanceRequest(instanceId="a"))
        except grpc.RpcError as error:
            return error.code()


if __name__ == "__main__":
    unittest.main()
