"""The Durable Task service as a door: garbage, task hubs that do not see each other, keys, TLS, and the sign of life on streams."""
import logging
import random
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from durable_raw import (PREFIX, RPCS, SECONDS, Code, Hub, RawTestCase, empty_pb2, ends, filled, fresh, grpc, pb, shared, stubs, text,
                         turn)  # first: it finds the Python that has the clients
import durable_raw
from durabletask import client, worker
from server import Server

logging.disable(logging.WARNING)
BAD, NOT_FOUND = Code.INVALID_ARGUMENT, Code.NOT_FOUND
PING_SECONDS = 45  # at most; the server's are 30 apart
pings = {"python": [], "grpc-node-js/1.8": []}  # when, by the user agent of the stream
streams = {}


def listen(agent):
    """To a stream that has no work, from before all tests on."""
    channel = grpc.insecure_channel(shared.server.ready["grpc"], [("grpc.primary_user_agent", agent)])
    hub = Hub(channel)
    stream = streams[agent] = hub.stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=hub.metadata)

    def hears():
        try:
            for item in stream:
                pings[agent].append((time.monotonic(), item.WhichOneof("request")))
        except grpc.RpcError:
            channel.close()
    threading.Thread(target=hears, daemon=True).start()


def setUpModule():
    durable_raw.setUpModule()
    shared.began = time.monotonic()
    for agent in pings:
        listen(agent)


def tearDownModule():
    for stream in streams.values():
        stream.cancel()
    durable_raw.tearDownModule()


def raw(rpc, channel=None):
    """The call that takes bytes, and answers them."""
    channel = channel or shared.channel
    if RPCS[rpc].server_streaming:
        call = channel.unary_stream(PREFIX + rpc)
        return lambda data, **options: list(call(data, **options))
    return channel.unary_unary(PREFIX + rpc)


def parses(rpc, data):
    try:
        RPCS[rpc].input_type._concrete_class.FromString(data)
    except Exception:  # of protobuf's implementation
        return False
    return True


class GarbageTest(RawTestCase):
    def garbage(self, rpc):
        chance = random.Random(rpc)
        whole = filled(RPCS[rpc].input_type).SerializeToString()
        return ([chance.randbytes(chance.randrange(1, 300)) for _ in range(12)] +
                [whole[:chance.randrange(1, len(whole))] for _ in range(12) if len(whole) > 1] +
                [b"\x0a\x02\xff\xfe", b"\x0a\xff\xff\xff\xff\x07", b"\xff" * 20, b"\x0b" * 200])  # no UTF-8, too long, no end, groups

    def code(self, rpc, data):
        try:
            raw(rpc)(data, timeout=0.1 if parses(rpc, data) else SECONDS, metadata=(("taskhub", "garbage"),))
        except grpc.RpcError as error:
            return error.code(), error.details()
        return Code.OK, ""

    def test_garbage_is_refused_and_survived(self):
        codes = {}
        for rpc in RPCS:
            for data in self.garbage(rpc):
                code, details = self.code(rpc, data)
                self.assertNotIn(code, {Code.UNAVAILABLE, Code.UNKNOWN, Code.ABORTED}, (rpc, data, details))
                if not parses(rpc, data):
                    self.assertNotIn(code, {Code.OK, Code.DEADLINE_EXCEEDED}, (rpc, data))
                    codes.setdefault(rpc, []).append(code)
        self.assertEqual(set(codes), set(RPCS))
        Hub(shared.channel).Hello()

    def test_what_is_malformed_is_said_to_be(self):
        for rpc in RPCS:
            for data in self.garbage(rpc):
                if not parses(rpc, data):
                    code, details = self.code(rpc, data)
                    self.assertIn(code, {BAD, Code.INTERNAL}, (rpc, data))
                    self.assertTrue(details, (rpc, data))

    def test_unknown_methods(self):
        # The last ones are Dapr's.
        for method in ("TaskHubSidecarService/NoSuch", "TaskHubSidecarService/hello", "Nobody/Hello", "TaskHubSidecarService/CompleteWorkflowTask",
                       "TaskHubSidecarService/RerunWorkflowFromEvent", "TaskHubSidecarService/ListInstanceIDs", "TaskHubSidecarService/GetInstanceHistory"):
            self.refused(Code.UNIMPLEMENTED, lambda: shared.channel.unary_unary("/" + method)(b"", timeout=SECONDS))

    def test_messages_beyond_the_limit(self):
        large = b"\x0a" + b"\x80\x80\x80\x23" + bytes(70 << 20)  # a string that begins
        for rpc in ("StartInstance", "GetWorkItems"):
            self.refused(Code.RESOURCE_EXHAUSTED, lambda: raw(rpc)(large, timeout=SECONDS))
            Hub(shared.channel).Hello()

    def test_what_is_not_grpc(self):
        host, port = shared.server.ready["grpc"].rsplit(":", 1)
        for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", random.Random(1).randbytes(4096), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(4096)):
            with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
                try:
                    connection.sendall(words)
                    while connection.recv(4096):
                        pass
                except ConnectionError:
                    pass  # the server's word, too
        Hub(shared.channel).Hello()

    def test_instances_are_not_harmed(self):
        hub = Hub(shared.channel)
        instance, stream = hub.start(), hub.worker()
        item = stream.item(instance)
        answer = turn(item, ends()).SerializeToString()
        for data in (answer[:-1], answer + b"\x12\x05\xff", answer + b"\x1a\x04\x0a\x02\xff\xfe"):
            with self.assertRaises(grpc.RpcError):
                raw("CompleteOrchestratorTask")(data, metadata=hub.metadata, timeout=SECONDS)
        raw("CompleteOrchestratorTask")(answer, metadata=hub.metadata, timeout=SECONDS)
        self.assertEqual(hub.status(instance), "COMPLETED")
        stream.close()


class HubsTest(RawTestCase):
    def make(self, hub, result):
        """Both an orchestration and an entity of the same names in each hub."""
        stream = hub.worker()
        hub.start("n" + result, "same")
        hub.CompleteOrchestratorTask(turn(stream.item("same"), ends(result=text(result))))
        hub.SignalEntity(pb.SignalEntityRequest(instanceId="@e@same", name="op"))
        item = stream.item("@e@same", "entityRequestV2")
        hub.CompleteEntityTask(pb.EntityBatchResult(completionToken=item.completionToken, entityState=text(result),
                                                    results=[pb.OperationResult(success=pb.OperationResultSuccess())]))
        stream.close()

    def seen(self, hub):
        """What each rpc that reads says."""
        get = pb.GetInstanceRequest(instanceId="same", getInputsAndOutputs=True)
        everything = pb.QueryInstancesRequest(query=pb.InstanceQuery(fetchInputsAndOutputs=True))
        entities = pb.QueryEntitiesRequest(query=pb.EntityQuery(includeState=True, includeTransient=True))
        return {"GetInstance": hub.GetInstance(get).orchestrationState.output.value,
                "WaitForInstanceStart": hub.WaitForInstanceStart(get).orchestrationState.output.value,
                "WaitForInstanceCompletion": hub.WaitForInstanceCompletion(get).orchestrationState.output.value,
                "QueryInstances": [state.output.value for state in hub.QueryInstances(everything).orchestrationState],
                "ListInstanceIds": list(hub.ListInstanceIds().instanceIds),
                "StreamInstanceHistory": hub.history("same")[-1].executionCompleted.result.value,
                "GetEntity": hub.GetEntity(pb.GetEntityRequest(instanceId="@e@same", includeState=True)).entity.serializedState.value,
                "QueryEntities": [entity.serializedState.value for entity in hub.QueryEntities(entities).entities]}

    def test_hubs_do_not_see_each_other(self):
        hubs = {result: Hub(shared.channel, f"{result}-{fresh()}") for result in ("one", "two")}
        for result, hub in hubs.items():
            self.make(hub, result)
        for result, hub in hubs.items():
            self.assertEqual(self.seen(hub), {
                "GetInstance": result, "WaitForInstanceStart": result, "WaitForInstanceCompletion": result, "QueryInstances": [result],
                "ListInstanceIds": ["same"], "StreamInstanceHistory": result, "GetEntity": result, "QueryEntities": [result]})
        # Nor by a query that names another one.
        query = pb.InstanceQuery(taskHubNames=[text(hubs["two"].name)], fetchInputsAndOutputs=True)
        self.assertNotIn("two", [s.output.value for s in hubs["one"].QueryInstances(pb.QueryInstancesRequest(query=query)).orchestrationState])
        # What is done in one leaves the other.
        hubs["one"].PurgeInstances(pb.PurgeInstancesRequest(purgeInstanceFilter=pb.PurgeInstanceFilter(
            runtimeStatus=[pb.ORCHESTRATION_STATUS_COMPLETED])))
        self.assertFalse(hubs["one"].GetInstance(pb.GetInstanceRequest(instanceId="same")).exists)
        self.assertEqual(self.seen(hubs["two"])["GetInstance"], "two")

    def test_an_empty_hub_sees_nothing(self):
        self.make(Hub(shared.channel), "one")
        hub = Hub(shared.channel)
        get = pb.GetInstanceRequest(instanceId="same")
        self.assertFalse(hub.GetInstance(get).exists)
        for rpc in ("WaitForInstanceStart", "WaitForInstanceCompletion"):
            self.refused(Code.DEADLINE_EXCEEDED, lambda: getattr(hub, rpc)(get, timeout=0.1))
        self.assertFalse(hub.QueryInstances().orchestrationState)
        self.assertFalse(hub.ListInstanceIds().instanceIds)
        self.refused(NOT_FOUND, lambda: hub.history("same"))
        self.assertFalse(hub.GetEntity(pb.GetEntityRequest(instanceId="@e@same")).exists)
        self.assertFalse(hub.QueryEntities(pb.QueryEntitiesRequest(query=pb.EntityQuery(includeTransient=True))).entities)
        for rpc, request in (("RaiseEvent", pb.RaiseEventRequest(instanceId="same", name="e")), ("TerminateInstance", pb.TerminateRequest(instanceId="same")),
                             ("RestartInstance", pb.RestartInstanceRequest(instanceId="same", restartWithNewInstanceId=True))):
            self.refused(NOT_FOUND, lambda: getattr(hub, rpc)(request))

    def test_work_items_stay_in_their_hub(self):
        here, there = Hub(shared.channel), Hub(shared.channel)
        stream = here.worker()
        there.start("n", "same")
        there.SignalEntity(pb.SignalEntityRequest(instanceId="@e@same", name="op"))
        time.sleep(0.1)
        mine = here.start("n", "mine")
        self.assertEqual(next(stream.stream).orchestratorRequest.instanceId, mine)
        stream.close()

    def test_made_and_deleted_as_often_as_one_likes(self):
        hub = Hub(shared.channel)
        hub.DeleteTaskHub()  # is not there
        for recreates in (False, True, False, True):
            hub.CreateTaskHub(pb.CreateTaskHubRequest(recreateIfExists=recreates))
        # Its instances go on to their ends, and it is made by whoever starts one.
        stream = hub.worker()
        instance = hub.start()
        hub.DeleteTaskHub()
        hub.DeleteTaskHub()
        hub.CompleteOrchestratorTask(turn(stream.item(instance), ends()))
        self.assertEqual(hub.status(instance), "COMPLETED")
        hub.CompleteOrchestratorTask(turn(stream.item(hub.start("n", "next")), ends()))
        self.assertEqual(hub.status("next"), "COMPLETED")
        stream.close()

    def test_a_hub_that_is_made_again_keeps_what_it_has(self):
        hub = Hub(shared.channel)
        self.make(hub, "one")
        hub.CreateTaskHub(pb.CreateTaskHubRequest(recreateIfExists=True))
        self.assertTrue(hub.GetInstance(pb.GetInstanceRequest(instanceId="same")).exists)

    def test_names(self):
        for bad in ("a/b", "a b", "a:entities", "x" * 65, "../x", "%61"):
            hub = Hub(shared.channel, bad)
            for rpc in RPCS:
                self.refused(BAD, lambda: getattr(hub, rpc)(filled(RPCS[rpc].input_type)))
        for good in ("x" * 64, "A-b_c.9", "."):
            hub = Hub(shared.channel, good)
            hub.CreateTaskHub()
            self.assertTrue(hub.start("n", "i"))
            hub.TerminateInstance(pb.TerminateRequest(instanceId="i"))
        # The other name of the metadata, and the hub of those who name none.
        stub, request = Hub(shared.channel).stub, pb.CreateInstanceRequest(instanceId=fresh(), name="n")
        for metadata, hub in (((("durable-taskhub", "functions"),), "functions"), ((), "default"), ((("taskhub", ""),), "default")):
            request.instanceId = fresh()
            stub.StartInstance(request, metadata=metadata)
            self.assertEqual(Hub(shared.channel, hub).state(request.instanceId).name, "n")


class KeysTest(RawTestCase):
    def test_each_rpc_asks_for_the_key(self):
        with Server() as server, grpc.insecure_channel(server.ready["grpc"]) as channel:
            key = server.ready["secret_access_key"]
            wrong = [(), (("authorization", "Bearer wrong"),), (("authorization", key),), (("authorization", "Bearer "),), (("x-api-key", key[:-1]),),
                     (("x-api-key", key + "x"),), (("authorization", "Bearer wrong"), ("x-api-key", key)), (("taskhub", "no such/hub"),),
                     (("authorization", "Basic " + key),), (("x-api-key", server.ready["access_key_id"]),), (("x-functions-key", key),)]
            for rpc in RPCS:
                data = filled(RPCS[rpc].input_type).SerializeToString()
                for metadata in wrong:
                    with self.subTest(rpc=rpc, metadata=metadata):
                        self.refused(Code.UNAUTHENTICATED, lambda: raw(rpc, channel)(data, metadata=metadata, timeout=SECONDS))
                for right in (("authorization", "Bearer " + key), ("x-api-key", key)):
                    try:
                        raw(rpc, channel)(data, metadata=(right,), timeout=0.2)
                    except grpc.RpcError as error:
                        self.assertNotIn(error.code(), {Code.UNAUTHENTICATED, Code.UNIMPLEMENTED, Code.UNAVAILABLE, Code.INTERNAL}, rpc)

    def test_strangers_hear_nothing_else(self):
        codes = {}
        with Server() as server, grpc.insecure_channel(server.ready["grpc"]) as channel:
            for rpc in RPCS:
                try:
                    codes[rpc] = raw(rpc, channel)(b"", timeout=SECONDS)
                except grpc.RpcError as error:
                    codes[rpc] = error.code()
        self.assertEqual(codes, dict.fromkeys(RPCS, Code.UNAUTHENTICATED))


def greets(ctx, name):
    return (yield ctx.call_activity("hello", input=name))


def hello(_, name):
    return f"Hello {name}!"


class TlsTest(RawTestCase):
    def test_clients_and_workers(self):
        with tempfile.TemporaryDirectory() as directory:
            key, certificate = directory + "/key.pem", directory + "/cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
            with open(certificate, "rb") as file:
                trusted = grpc.ssl_channel_credentials(file.read())
            with Server(arguments=["--tls-certificate", certificate, "--tls-key", key]) as server:
                address = server.ready["grpc"]
                token = grpc.access_token_call_credentials(server.ready["secret_access_key"])
                with grpc.secure_channel(address, grpc.composite_channel_credentials(trusted, token)) as channel:
                    made = worker.TaskHubGrpcWorker(channel=channel)
                    made.add_orchestrator(greets)
                    made.add_activity(hello)
                    made.start()
                    with client.TaskHubGrpcClient(channel=channel) as mine:
                        instance = mine.schedule_new_orchestration(greets, input="TLS")
                        state = mine.wait_for_orchestration_completion(instance, timeout=SECONDS)
                    self.assertEqual(state.serialized_output, '"Hello TLS!"')
                    made.stop()
                with grpc.secure_channel(address, trusted) as channel:  # no key
                    self.refused(Code.UNAUTHENTICATED, lambda: Hub(channel).Hello())
                # Plain text, and one who does not trust the certificate.
                for stranger in (grpc.insecure_channel(address), grpc.secure_channel(address, grpc.ssl_channel_credentials())):
                    with stranger:
                        self.refused(Code.UNAVAILABLE, lambda: stubs.TaskHubSidecarServiceStub(stranger).Hello(empty_pb2.Empty(), timeout=SECONDS))


class YetAliveTest(RawTestCase):  # the last one, so that it has not much to wait for
    def test_streams_without_work_are_pinged(self):
        self.seconds = PING_SECONDS - (time.monotonic() - shared.began)
        self.until("no ping came", lambda: pings["python"])
        when, kind = pings["python"][0]
        self.assertEqual(kind, "healthPing")
        self.assertGreater(when - shared.began, 25, "pings cost, and need not be so many")
        time.sleep(0.3)
        self.assertEqual(pings["grpc-node-js/1.8"], [])  # its older generation does not know them


if __name__ == "__main__":
    unittest.main()
