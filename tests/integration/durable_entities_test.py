"""Entities of the unmodified Python SDK on a running server: operations, critical sections, what is kept and cleaned, and bad input."""
import datetime
import json
import logging
import threading
import unittest
import urllib.error
import urllib.request
import uuid

from clients import PatientTestCase  # first: it finds the Python that has the clients

try:
    import grpc
    from durabletask import client, entities, task, worker
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from google.protobuf import timestamp_pb2, wrappers_pb2
from server import Server

logging.disable(logging.ERROR)  # of operations that fail on purpose
Status = client.OrchestrationStatus
Id = entities.EntityInstanceId
SECONDS = 30


class Counter(entities.DurableEntity):
    def add(self, amount):
        total = self.get_state(int, 0) + amount
        self.set_state(total)
        return total

    def get(self, _=None):
        return self.get_state(int, 0)

    def fail(self, words):
        raise ValueError(words)

    def pass_on(self, key):
        self.signal_entity(Id("counter", key), "add", 1)

    def begin(self, instance):
        return self.schedule_new_orchestration("says", input=self.get_state(int, 0), instance_id=instance)


class Account(entities.DurableEntity):
    def deposit(self, amount):
        self.set_state(self.get_state(int, 0) + amount)

    def balance(self, _=None):
        return self.get_state(int, 0)


def says(ctx, words):
    return words


def calls(ctx, key):
    counter = Id("counter", key)
    yield ctx.call_entity(counter, "add", 5)
    ctx.signal_entity(counter, "add", 2)
    total = yield ctx.call_entity(counter, "get")
    try:
        yield ctx.call_entity(counter, "fail", "as asked")
    except Exception as error:  # the SDK's own kind
        return [total, str(error)]


def transfer(ctx, order):
    source, target = Id("account", order["from"]), Id("account", order["to"])
    with (yield ctx.lock_entities([source, target])):
        balance = yield ctx.call_entity(source, "balance")
        if balance < order["amount"]:
            return False
        yield ctx.call_entity(source, "deposit", -order["amount"])
        yield ctx.call_entity(target, "deposit", order["amount"])
    return True


def holds(ctx, key):
    with (yield ctx.lock_entities([Id("counter", key)])):
        before = yield ctx.call_entity(Id("counter", key), "get")
        yield ctx.wait_for_external_event("go")
        after = yield ctx.call_entity(Id("counter", key), "get")
    return [before, after]


def holds_two(ctx, keys):
    with (yield ctx.lock_entities([Id("counter", key) for key in keys])):
        yield ctx.wait_for_external_event("go")


class EntitiesTest(PatientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(arguments=["--no-auth"]).start()
        cls.connect()

    @classmethod
    def connect(cls):
        cls.worker = worker.TaskHubGrpcWorker(host_address=cls.server.ready["grpc"])
        for orchestrator in (says, calls, transfer, holds, holds_two):
            cls.worker.add_orchestrator(orchestrator)
        cls.worker.add_entity(Counter, "counter")
        cls.worker.add_entity(Account, "account")
        cls.worker.start()
        cls.client = client.TaskHubGrpcClient(host_address=cls.server.ready["grpc"])
        cls.channel = grpc.insecure_channel(cls.server.ready["grpc"])
        cls.stub = stubs.TaskHubSidecarServiceStub(cls.channel)

    @classmethod
    def disconnect(cls):
        cls.channel.close()
        cls.client.close()
        cls.worker.stop()

    @classmethod
    def tearDownClass(cls):
        cls.disconnect()
        cls.server.stop()

    def key(self):
        return uuid.uuid4().hex

    def output(self, instance, status=Status.COMPLETED):
        state = self.client.wait_for_orchestration_completion(instance, timeout=SECONDS)
        self.assertEqual(state.runtime_status, status, state)
        return json.loads(state.serialized_output) if state.serialized_output else None

    def run_to_end(self, orchestrator, value):
        return self.output(self.client.schedule_new_orchestration(orchestrator, input=value))

    def state(self, key, name="counter"):
        found = self.client.get_entity(Id(name, key))
        return found and found.get_state(int)

    def until_state(self, key, wanted, name="counter"):
        self.until(f"the state never was {wanted}", lambda: self.state(key, name) == wanted)

    def refused(self, code, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception.details()

    def metadata(self, key):
        return self.stub.GetEntity(pb.GetEntityRequest(instanceId=f"@counter@{key}", includeState=True))

    def test_signals_change_the_state(self):
        key = self.key()
        self.assertIsNone(self.client.get_entity(Id("counter", key)))
        for amount in (1, 2, 3):
            self.client.signal_entity(Id("counter", key), "add", amount)
        self.until_state(key, 6)
        found = self.client.get_entity(Id("counter", key), include_state=False)
        self.assertFalse(found.includes_state)
        self.assertLess(abs((datetime.datetime.now(datetime.timezone.utc) - found.last_modified).total_seconds()), 20)

    def test_orchestrations_call_and_signal(self):
        total, words = self.run_to_end(calls, self.key())
        self.assertEqual(total, 7)
        self.assertIn("as asked", words)

    def test_an_operation_that_fails_leaves_the_state(self):
        key = self.key()
        self.client.signal_entity(Id("counter", key), "add", 4)
        self.client.signal_entity(Id("counter", key), "fail", "no")
        self.client.signal_entity(Id("counter", key), "no_such_operation")
        self.client.signal_entity(Id("counter", key), "add", 1)
        self.until_state(key, 5)

    def test_entities_signal_others_and_start_orchestrations(self):
        key, other, instance = self.key(), self.key(), self.key()
        self.client.signal_entity(Id("counter", key), "pass_on", other)
        self.until_state(other, 1)
        self.client.signal_entity(Id("counter", key), "add", 9)
        self.client.signal_entity(Id("counter", key), "begin", instance)
        self.until("no orchestration", lambda: self.client.get_orchestration_state(instance) is not None)
        self.assertEqual(self.output(instance), 9)

    def test_a_delayed_signal(self):
        key = self.key()
        now = datetime.datetime.now(datetime.timezone.utc)
        self.client.signal_entity(Id("counter", key), "add", 1, signal_time=now + datetime.timedelta(seconds=1))
        self.client.signal_entity(Id("counter", key), "add", 10)
        self.until_state(key, 10)
        self.until_state(key, 11)
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc) - now, datetime.timedelta(seconds=1))

    def test_transfers_under_locks(self):
        accounts = [self.key() for _ in range(4)]
        for account in accounts:
            self.client.signal_entity(Id("account", account), "deposit", 100)
        orders = [{"from": accounts[i % 4], "to": accounts[(i * 3 + 1) % 4], "amount": 10 + i} for i in range(40) if i % 4 != (i * 3 + 1) % 4]
        instances = [self.client.schedule_new_orchestration(transfer, input=order) for order in orders]
        done = [self.output(instance) for instance in instances]
        self.assertIn(True, done)
        self.until("a lock is left", lambda: all(self.unlocked("account", account) for account in accounts))
        self.assertEqual(sum(self.state(account, "account") for account in accounts), 400)
        self.assertTrue(all(self.state(account, "account") >= 0 for account in accounts))

    def unlocked(self, name, key):
        found = self.stub.GetEntity(pb.GetEntityRequest(instanceId=f"@{name}@{key}"))
        return not found.entity.HasField("lockedBy")

    def holder(self, key, orchestrator=holds, value=None):
        instance = self.client.schedule_new_orchestration(orchestrator, input=value or key)
        self.until("never locked", lambda: self.metadata(key).entity.lockedBy.value == instance)
        return instance

    def test_a_critical_section_keeps_others_out(self):
        key = self.key()
        self.client.signal_entity(Id("counter", key), "add", 1)
        self.until_state(key, 1)
        instance = self.holder(key)
        self.client.signal_entity(Id("counter", key), "add", 1)
        other = self.client.schedule_new_orchestration(calls, input=key)
        self.until("nothing waits", lambda: self.metadata(key).entity.backlogQueueSize == 2)
        self.client.raise_orchestration_event(instance, "go")
        self.assertEqual(self.output(instance), [1, 1])
        self.assertEqual(self.output(other)[0], 9)
        self.assertTrue(self.unlocked("counter", key))

    def test_a_terminated_owner_gives_its_locks_back(self):
        keys = [self.key(), self.key()]
        for key in keys:
            self.client.signal_entity(Id("counter", key), "add", 1)
            self.until_state(key, 1)
        instance = self.holder(keys[1], holds_two, keys)
        waiting = self.client.schedule_new_orchestration(holds_two, input=keys)
        refused = self.stub.SkipGracefulOrchestrationTerminations(
            pb.SkipGracefulOrchestrationTerminationsRequest(instanceBatch=pb.InstanceBatch(instanceIds=[instance])))
        self.assertEqual(list(refused.unterminatedInstanceIds), [instance])
        self.until("never waits", lambda: self.metadata(min(keys)).entity.backlogQueueSize == 1)
        self.client.terminate_orchestration(waiting)
        self.client.terminate_orchestration(instance)
        self.until("still locked", lambda: all(self.unlocked("counter", key) for key in keys))
        for key in keys:
            self.client.signal_entity(Id("counter", key), "add", 1)
            self.until_state(key, 2)

    def test_query_in_pages(self):
        prefix = self.key()
        for number in range(7):
            self.client.signal_entity(Id("counter", f"{prefix}{number}"), "add", number)
        self.client.signal_entity(Id("counter", f"{prefix}x"), "fail", "has no state")
        query = client.EntityQuery(instance_id_starts_with=f"@counter@{prefix}", page_size=3)
        self.until("not all are there", lambda: len(self.client.get_all_entities(query)) == 7)
        found = {entity.id.key: entity.get_state(int) for entity in self.client.get_all_entities(query)}
        self.assertEqual(found, {f"{prefix}{number}": number for number in range(7)})
        first = self.stub.QueryEntities(pb.QueryEntitiesRequest(query=pb.EntityQuery(
            instanceIdStartsWith=wrappers_pb2.StringValue(value=f"Counter@{prefix}"), pageSize=wrappers_pb2.Int32Value(value=3))))
        self.assertFalse(first.entities[0].HasField("serializedState"))
        query.include_transient = True
        self.until("the one without a state is not there", lambda: len(self.client.get_all_entities(query)) == 8)
        query.last_modified_from = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.assertEqual(self.client.get_all_entities(query), [])
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.stub.QueryEntities(
            pb.QueryEntitiesRequest(query=pb.EntityQuery(continuationToken=wrappers_pb2.StringValue(value="?")))))

    def test_empty_entities_are_cleaned_away(self):
        with Server(arguments=["--no-auth"]) as server:
            stub = stubs.TaskHubSidecarServiceStub(grpc.insecure_channel(server.ready["grpc"]))
            made = worker.TaskHubGrpcWorker(host_address=server.ready["grpc"])
            made.add_entity(Counter, "counter")
            made.start()
            with client.TaskHubGrpcClient(host_address=server.ready["grpc"]) as mine:
                everything = client.EntityQuery(include_transient=True)
                for number in range(150):
                    mine.signal_entity(Id("counter", str(number)), "delete" if number % 3 else "add", 1)
                self.until("not all had their turn", lambda: len([e for e in mine.get_all_entities(everything) if e.backlog_queue_size == 0]) == 150)
                self.assertEqual(mine.clean_entity_storage().empty_entities_removed, 100)
                self.assertEqual(mine.clean_entity_storage().empty_entities_removed, 0)
                self.assertEqual(len(mine.get_all_entities(everything)), 50)
                mine.signal_entity(Id("counter", "1"), "add", 3)  # it can begin again
                self.until("it never began again", lambda: mine.get_entity(Id("counter", "1")) is not None)
                self.assertEqual(mine.get_entity(Id("counter", "1")).get_state(int), 3)
            made.stop()
            del stub

    def test_everything_outlives_a_crash(self):
        key = self.key()
        with Server(arguments=["--no-auth"]) as server:
            address = server.ready["grpc"]

            def connected():
                made = worker.TaskHubGrpcWorker(host_address=server.ready["grpc"])
                made.add_entity(Counter, "counter")
                for orchestrator in (holds, says):
                    made.add_orchestrator(orchestrator)
                made.start()
                return made, client.TaskHubGrpcClient(host_address=server.ready["grpc"])

            made, mine = connected()
            mine.signal_entity(Id("counter", key), "add", 1)
            instance = mine.schedule_new_orchestration(holds, input=key)
            stub = stubs.TaskHubSidecarServiceStub(grpc.insecure_channel(address))
            held = lambda: stub.GetEntity(pb.GetEntityRequest(instanceId=f"@counter@{key}")).entity.lockedBy.value == instance
            self.until("never locked", held)
            for _ in range(1000):  # so many that its log begins anew
                mine.signal_entity(Id("counter", "busy"), "add", 1)
            mine.signal_entity(Id("counter", key), "add", 1)
            mine.signal_entity(Id("counter", key), "add", 100, signal_time=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2))
            made.stop()
            mine.close()
            server.kill()
            server.start()
            made, mine = connected()
            stub = stubs.TaskHubSidecarServiceStub(grpc.insecure_channel(server.ready["grpc"]))
            self.assertTrue(held())
            mine.raise_orchestration_event(instance, "go")
            state = mine.wait_for_orchestration_completion(instance, timeout=SECONDS)
            self.assertEqual(json.loads(state.serialized_output), [1, 1])
            self.until("not all arrived", lambda: mine.get_entity(Id("counter", key)).get_state(int) == 102)
            mine.signal_entity(Id("counter", "busy"), "add", 1)
            self.until("not all were counted", lambda: mine.get_entity(Id("counter", "busy")).get_state(int) == 1001)
            made.stop()
            mine.close()

    def test_bad_input(self):
        bad = grpc.StatusCode.INVALID_ARGUMENT
        for instance in ("", "counter", "@counter", "@@key", "@c@" + "k" * 300, "@c@\x01"):
            self.refused(bad, lambda: self.stub.SignalEntity(pb.SignalEntityRequest(instanceId=instance, name="add")))
            self.refused(bad, lambda: self.stub.GetEntity(pb.GetEntityRequest(instanceId=instance)))
        self.refused(bad, lambda: self.stub.SignalEntity(pb.SignalEntityRequest(instanceId="@counter@a", name="")))
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteEntityTask(pb.EntityBatchResult(completionToken="stale")))
        self.refused(bad, lambda: self.stub.CompleteEntityTask(pb.EntityBatchResult()))
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken="stale")))
        # An entity is no orchestration.
        self.client.signal_entity(Id("counter", "plain"), "add", 1)
        self.refused(bad, lambda: self.stub.RaiseEvent(pb.RaiseEventRequest(instanceId="@counter@plain", name="e")))
        self.assertFalse(self.stub.GetInstance(pb.GetInstanceRequest(instanceId="@counter@plain")).exists)
        self.assertEqual(self.stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId="@counter@plain")).deletedInstanceCount, 0)
        self.until_state("plain", 1)

    def test_a_worker_answers_twice_late_and_for_another_kind(self):
        hub = (("taskhub", self.key()),)
        requests = self.stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=hub)
        self.stub.SignalEntity(pb.SignalEntityRequest(instanceId="@Raw@1", name="a"), metadata=hub)
        item = next(requests)
        self.assertEqual(item.WhichOneof("request"), "entityRequestV2")
        self.assertEqual(item.entityRequestV2.instanceId, "@raw@1")
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteActivityTask(
            pb.ActivityResponse(completionToken=item.completionToken), metadata=hub))
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteEntityTask(
            pb.EntityBatchResult(completionToken=item.completionToken)))  # of another hub
        done = pb.EntityBatchResult(completionToken=item.completionToken, results=[pb.OperationResult(success=pb.OperationResultSuccess())],
                                    entityState=wrappers_pb2.StringValue(value="1"))
        self.stub.CompleteEntityTask(done, metadata=hub)
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteEntityTask(done, metadata=hub))
        # What a lost worker had goes to the next one, and its answer comes too late.
        self.stub.SignalEntity(pb.SignalEntityRequest(instanceId="@raw@1", name="b"), metadata=hub)
        item = next(requests)
        requests.cancel()
        again = self.stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=hub)
        second = next(again)
        self.assertEqual(second.entityRequestV2.operationRequests, item.entityRequestV2.operationRequests)
        self.assertNotEqual(second.completionToken, item.completionToken)
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.stub.CompleteEntityTask(
            pb.EntityBatchResult(completionToken=item.completionToken), metadata=hub))
        self.stub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken=second.completionToken), metadata=hub)
        third = next(again)  # after a second
        self.stub.CompleteEntityTask(pb.EntityBatchResult(completionToken=third.completionToken), metadata=hub)  # no results: they fail
        found = self.stub.GetEntity(pb.GetEntityRequest(instanceId="@raw@1", includeState=True), metadata=hub)
        self.assertEqual((found.entity.serializedState.value, found.entity.backlogQueueSize), ("1", 0))
        again.cancel()

    def test_workers_filter_by_name(self):
        hub = (("taskhub", self.key()),)
        requests = self.stub.GetWorkItems(pb.GetWorkItemsRequest(workItemFilters=pb.WorkItemFilters(
            entities=[pb.EntityFilter(name="Mine")])), metadata=hub)
        for name in ("other", "MINE"):
            self.stub.SignalEntity(pb.SignalEntityRequest(instanceId=f"@{name}@1", name="a"), metadata=hub)
        self.assertEqual(next(requests).entityRequestV2.instanceId, "@mine@1")
        requests.cancel()

    def test_many_signals_at_once_are_all_counted(self):
        key = self.key()
        threads = [threading.Thread(target=lambda: [self.client.signal_entity(Id("counter", key), "add", 1) for _ in range(100)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.until_state(key, 800)

    def http(self, method, route, body=None, content_type="application/json"):
        request = urllib.request.Request(self.server.ready["aws"] + "/runtime/webhooks/durabletask/entities" + route, method=method,
                                         data=None if body is None else body.encode(), headers={"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                return response.status, response.read().decode(), response.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers

    def test_the_management_api(self):
        key = self.key()
        self.assertEqual(self.http("GET", f"/counter/{key}")[0], 404)
        self.assertEqual(self.http("POST", f"/Counter/{key}?op=add", "5")[:2], (202, ""))
        self.until_state(key, 5)
        self.assertEqual(self.http("GET", f"/counter/{key}")[:2], (200, "5"))
        self.assertEqual(self.http("POST", f"/counter/{key}?op=add", "{")[0], 400)
        self.assertEqual(self.http("POST", "/coun%40ter/k?op=add", "1")[0], 400)
        self.assertEqual(self.http("POST", f"/counter/{key}?op={'x' * 600}", "1")[0], 400)
        hub = self.key()
        self.assertEqual(self.http("POST", f"/counter/$?op=add&taskHub={hub}", "1")[0], 202)  # SDKs of today know no empty key
        everything = pb.QueryEntitiesRequest(query=pb.EntityQuery(includeTransient=True))
        found = self.stub.QueryEntities(everything, metadata=(("taskhub", hub),))
        self.assertEqual([entity.instanceId for entity in found.entities], ["@counter@"])
        status, body, headers = self.http("GET", "/counter?fetchState=true&top=1")
        self.assertEqual(status, 200)
        self.assertEqual(set(json.loads(body)[0]), {"entityId", "lastOperationTime", "state"})
        self.assertTrue(headers["x-ms-continuation-token"])
        listed = json.loads(self.http("GET", "/counter?top=1000")[1])
        self.assertIn({"name": "counter", "key": key}, [entity["entityId"] for entity in listed])
        self.assertEqual(json.loads(self.http("GET", "/nothing")[1]), [])
        self.assertEqual(self.http("GET", "/counter?fetchState=perhaps")[0], 400)
        self.assertEqual(self.http("GET", "/counter?lastOperationTimeFrom=yesterday")[0], 400)
        self.assertEqual(json.loads(self.http("GET", "/counter?lastOperationTimeFrom=2999-01-01")[1]), [])
        self.assertEqual(self.http("DELETE", f"/counter/{key}")[0], 202)
        self.until("never deleted", lambda: self.http("GET", f"/counter/{key}")[0] == 404)


if __name__ == "__main__":
    unittest.main(verbosity=2)
