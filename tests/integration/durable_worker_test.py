"""Workers of the Durable Task service that answer twice, late, for others, or in the words of another generation: each is told, nothing
is lost, and the answer of whoever has the work item counts."""
import random
import threading
import time
import unittest
import uuid

from durable_raw import (PREFIX, SECONDS, Code, Hub, RawTestCase, calls, ends, fresh, grpc, pb, setUpModule, shared, tearDownModule, text,  # noqa: F401
                         timestamp_pb2, turn)  # first: it finds the Python that has the clients

BAD, NOT_FOUND, OK = Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.OK
ORCHESTRATOR, ACTIVITY, ENTITY = KINDS = ("orchestratorRequest", "activityRequest", "entityRequestV2")
INVALID = "InvalidWorkerResponse"


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return OK


class Case:
    """An instance whose work item, of some kind, a worker has; and how it is answered."""

    def __init__(self, kind, hub=None, worker=None):
        self.kind, self.hub = kind, hub or Hub(shared.channel)
        self.worker = worker or self.hub.worker()
        self.instance = "@e@" + fresh() if kind == ENTITY else self.hub.start()
        if kind == ENTITY:
            self.hub.SignalEntity(pb.SignalEntityRequest(instanceId=self.instance, name="op"))
        elif kind == ACTIVITY:
            self.hub.CompleteOrchestratorTask(turn(self.take(ORCHESTRATOR), calls(1)))
        self.token = self.take().completionToken

    def take(self, kind=None):
        return self.worker.item(self.instance, kind or self.kind)

    def next_worker(self):
        self.worker.close()
        self.worker = self.hub.worker()

    def answer(self, token=None, hub=None, kind=None, **fields):
        hub, token = hub or self.hub, self.token if token is None else token
        fields = {"instanceId": self.instance, "completionToken": token, **fields}
        if (kind or self.kind) == ORCHESTRATOR:
            return hub.CompleteOrchestratorTask(pb.OrchestratorResponse(**{"actions": [ends(result=text("right"))], **fields}))
        if (kind or self.kind) == ACTIVITY:
            return hub.CompleteActivityTask(pb.ActivityResponse(**{"taskId": 1, "result": text("right"), **fields}))
        fields.pop("instanceId")
        success = pb.OperationResult(success=pb.OperationResultSuccess())
        return hub.CompleteEntityTask(pb.EntityBatchResult(entityState=text("right"), results=[success], **fields))

    def abandon(self, token=None, kind=None):
        kind, token = kind or self.kind, self.token if token is None else token
        if kind == ORCHESTRATOR:
            return self.hub.AbandonTaskOrchestratorWorkItem(pb.AbandonOrchestrationTaskRequest(completionToken=token))
        if kind == ACTIVITY:
            return self.hub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken=token))
        return self.hub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken=token))

    def counted(self):
        """What the right answer did, and nothing else."""
        if self.kind == ENTITY:
            found = self.hub.GetEntity(pb.GetEntityRequest(instanceId=self.instance, includeState=True)).entity
            return found.serializedState.value == "right" and found.backlogQueueSize == 0
        if self.kind == ORCHESTRATOR:
            return self.hub.status(self.instance) == "COMPLETED" and self.hub.state(self.instance).output.value == "right"
        events = self.take(ORCHESTRATOR).orchestratorRequest.newEvents
        return [e.taskCompleted.result.value for e in events if e.WhichOneof("eventType") != "orchestratorStarted"] == ["right"]


class AnswersTest(RawTestCase):
    def each(self, kinds=KINDS):
        for kind in kinds:
            case = Case(kind)
            self.addCleanup(case.worker.close)
            yield case
            case.worker.close()

    def test_twice(self):
        for case in self.each():
            case.answer()
            self.refused(NOT_FOUND, case.answer)
            self.assertTrue(case.counted(), case.kind)

    def test_many_times_at_once(self):
        for case in self.each():
            codes = []
            threads = [threading.Thread(target=lambda: codes.append(code_of(case.answer))) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(codes, key=str), [NOT_FOUND] * 7 + [OK])
            self.assertTrue(case.counted(), case.kind)

    def test_with_a_foreign_token(self):
        for case in self.each():
            for token in (fresh(), case.token[:-1], case.token + "0", case.token.upper() + "X", " " + case.token):
                self.refused(NOT_FOUND, lambda: case.answer(token))
                self.refused(NOT_FOUND, lambda: case.abandon(token))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_with_the_token_of_another_item(self):
        for kind in (ORCHESTRATOR, ACTIVITY):
            one = Case(kind)
            other = Case(kind, one.hub, one.worker)
            self.refused(BAD, lambda: one.answer(other.token))
            for case in (one, other):
                case.answer()
                self.assertTrue(case.counted(), case.kind)
            one.worker.close()

    def test_with_a_token_of_another_kind(self):
        for case in self.each():
            for kind in set(KINDS) - {case.kind}:
                self.refused(NOT_FOUND, lambda: case.answer(kind=kind))
                self.refused(NOT_FOUND, lambda: case.abandon(kind=kind))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_for_another_instance(self):
        for case in self.each((ORCHESTRATOR, ACTIVITY)):  # entities' answers name none
            for token in (case.token, ""):
                self.refused({BAD, NOT_FOUND}, lambda: case.answer(token, instanceId=fresh()))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_for_another_task(self):
        for case in self.each((ACTIVITY,)):
            self.refused({BAD, NOT_FOUND}, lambda: case.answer(taskId=2))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_for_no_instance(self):
        for case in self.each((ORCHESTRATOR, ACTIVITY)):
            code = code_of(lambda: case.answer(instanceId=""))
            self.assertIn(code, {OK, BAD})
            if code != OK:
                case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_for_another_task_without_a_token(self):
        for case in self.each((ACTIVITY,)):
            self.refused(NOT_FOUND, lambda: case.answer("", taskId=2))
            case.answer("")
            self.assertTrue(case.counted(), case.kind)

    def test_from_another_task_hub(self):
        other = Hub(shared.channel)
        for case in self.each():
            for token in (case.token, ""):
                self.refused(BAD if case.kind == ENTITY and not token else NOT_FOUND, lambda: case.answer(token, hub=other))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_without_a_token_as_the_first_generation_does(self):
        for case in self.each((ORCHESTRATOR, ACTIVITY)):
            case.answer("")
            self.refused(NOT_FOUND, lambda: case.answer(""))
            self.refused(NOT_FOUND, case.answer)
            self.assertTrue(case.counted(), case.kind)

    def test_after_its_stream_was_lost(self):
        for case in self.each():
            late = case.token
            case.next_worker()
            case.token = case.take().completionToken
            self.assertNotEqual(case.token, late)
            self.refused(NOT_FOUND, lambda: case.answer(late))
            self.refused(NOT_FOUND, lambda: case.abandon(late))
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_after_it_gave_back(self):
        cases = [Case(kind) for kind in KINDS]
        for case in cases:
            case.abandon()
            self.refused(NOT_FOUND, case.answer)
            self.refused(NOT_FOUND, case.abandon)
        for case in cases:  # all after the same second
            case.token = case.take().completionToken
            case.answer()
            self.assertTrue(case.counted(), case.kind)
            case.worker.close()

    def test_after_the_instance_was_replaced(self):
        for case in self.each((ORCHESTRATOR, ACTIVITY)):
            case.hub.TerminateInstance(pb.TerminateRequest(instanceId=case.instance))
            self.until("never ended", lambda: case.hub.status(case.instance) == "TERMINATED")
            case.hub.start("n", case.instance)
            late = case.token
            if case.kind == ACTIVITY:
                case.hub.CompleteOrchestratorTask(turn(case.take(ORCHESTRATOR), calls(1)))
            case.token = case.take().completionToken
            self.assertIn(code_of(lambda: case.answer(late, **({"result": text("wrong")} if case.kind == ACTIVITY else {"actions": []}))), {OK, NOT_FOUND})
            case.answer()
            self.assertTrue(case.counted(), case.kind)

    def test_after_the_instance_was_purged(self):
        for case in self.each((ORCHESTRATOR, ACTIVITY)):
            case.hub.TerminateInstance(pb.TerminateRequest(instanceId=case.instance))
            gone = lambda: case.hub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=case.instance)).deletedInstanceCount
            self.until("never purged", gone)
            self.assertIn(code_of(case.answer), {OK, NOT_FOUND})
            self.assertFalse(case.hub.GetInstance(pb.GetInstanceRequest(instanceId=case.instance)).exists)

    def test_in_parts_of_which_some_are_lost(self):
        for lose in (Case.next_worker, Case.abandon):
            case = Case(ORCHESTRATOR)
            part = {"isPartial": True, "actions": [calls(1)]}
            case.answer(**part)
            self.refused(NOT_FOUND, lambda: case.answer(fresh(), **part))
            self.refused(BAD, lambda: case.answer(instanceId="another", **part))
            self.assertEqual(case.hub.status(case.instance), "PENDING")
            lose(case)
            case.token = case.take().completionToken
            case.answer()
            self.assertTrue(case.counted(), case.kind)
            self.assertNotIn("taskScheduled", [event.WhichOneof("eventType") for event in case.hub.history(case.instance)])
            case.worker.close()

    def test_a_failure_within_failures_breaks_no_stream(self):
        self.nested(20)

    def test_a_failure_within_too_many_failures_breaks_no_stream(self):
        self.nested(97)

    def nested(self, depth):
        case = Case(ACTIVITY)
        failure = field(1, b"E")
        for _ in range(depth):
            failure = field(1, b"E") + field(4, failure)
        answer = pb.ActivityResponse(instanceId=case.instance, taskId=1, completionToken=case.token).SerializeToString() + field(4, failure)
        code = code_of(lambda: send("CompleteActivityTask", answer, case.hub))
        if code != OK:
            self.assertEqual(code, BAD)
            case.answer()
        case.next_worker()
        case.hub.CompleteOrchestratorTask(turn(case.take(ORCHESTRATOR), ends()))
        self.assertEqual(case.hub.status(case.instance), "COMPLETED")
        self.assertEqual(case.hub.history(case.instance)[-1].WhichOneof("eventType"), "executionCompleted")
        case.worker.close()

    def test_a_timer_that_is_not_due_in_this_world(self):
        case = Case(ORCHESTRATOR)
        timer = pb.OrchestratorAction(id=1, createTimer=pb.CreateTimerAction(fireAt=timestamp_pb2.Timestamp(seconds=2**62)))
        case.answer(actions=[timer])
        time.sleep(0.3)
        case.hub.TerminateInstance(pb.TerminateRequest(instanceId=case.instance))
        self.until("never ended", lambda: case.hub.status(case.instance) in ("FAILED", "TERMINATED"))
        self.assertNotIn("timerFired", [event.WhichOneof("eventType") for event in case.hub.history(case.instance)])
        case.worker.close()


def field(number, value):
    """As it is on the wire."""
    def varint(rest):
        out = bytearray()
        while rest >= 0x80:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        return bytes([*out, rest])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def send(rpc, data, hub):
    return shared.channel.unary_unary(PREFIX + rpc)(data, metadata=hub.metadata, timeout=SECONDS)


class OtherGenerationTest(RawTestCase):
    """Dapr's words: its fields have numbers that mean something else here."""

    def test_streams_open(self):
        for request in (field(4, 2), field(4, b"\x02"), field(1, 7) + field(4, 2), field(12, b"worker") + field(99, b"?")):
            hub = Hub(shared.channel)
            stream = shared.channel.unary_stream(PREFIX + "GetWorkItems", response_deserializer=pb.WorkItem.FromString)(
                request, metadata=hub.metadata, timeout=SECONDS)
            instance = hub.start()
            item = next(stream)
            hub.CompleteOrchestratorTask(turn(item, ends()))
            self.assertEqual(hub.status(instance), "COMPLETED")
            stream.cancel()

    def is_told(self, *fields):
        """An answer with these fields besides: refused, and nothing is lost; or it counts; or the instance fails, and says why."""
        case = Case(ORCHESTRATOR, self.hub)
        answer = field(1, case.instance.encode()) + field(4, case.token.encode()) + b"".join(fields)
        code = code_of(lambda: send("CompleteOrchestratorTask", answer, case.hub))
        self.assertIn(code, {OK, BAD, Code.INTERNAL, Code.UNIMPLEMENTED})  # the last one: GarbageTest
        if code != OK:
            case.next_worker()
            case.token = case.take().completionToken
            case.answer()
            self.assertTrue(case.counted(), case.kind)
        elif case.hub.status(case.instance) == "RUNNING":
            activity = case.take(ACTIVITY)
            case.hub.CompleteActivityTask(pb.ActivityResponse(instanceId=case.instance, taskId=1, completionToken=activity.completionToken))
            case.hub.CompleteOrchestratorTask(turn(case.take(), ends()))
            self.assertEqual(case.hub.status(case.instance), "COMPLETED")
        elif (state := case.hub.state(case.instance)).orchestrationStatus != pb.ORCHESTRATION_STATUS_COMPLETED:
            self.assertEqual((case.hub.status(case.instance), state.failureDetails.errorType), ("FAILED", INVALID))
            self.assertTrue(state.failureDetails.errorMessage)
        status = case.hub.status(case.instance)
        case.worker.close()
        return code, status

    def setUp(self):
        self.hub = Hub(shared.channel)  # of all of a test: its other instances go on
        self.chance = random.Random(1)

    def uuids(self, count=12):
        return [str(uuid.UUID(bytes=self.chance.randbytes(16), version=4)).encode() for _ in range(count)]

    def action(self, action_id, kind, body):
        return field(2, field(1, action_id) + field(kind, body))

    def test_versions_and_patches(self):
        ending = field(2, ends().SerializeToString())
        for version in (field(1, b"patch") + field(2, b"v1"), field(2, b"2"), field(1, b"a") + field(1, b"b"), field(1, b""), b"",
                        *(field(1, name) for name in self.uuids())):
            self.is_told(ending, field(6, version))

    def test_task_execution_ids(self):
        # As trace contexts hardly any can be read; these two can.
        for name in (*self.uuids(), b"e973386c-728b-4e90-9a35-44a8de057982", b"07ebbe20-9461-4377-b1aa-784789c8fcdd"):
            code, _ = self.is_told(self.action(1, 2, field(1, b"a") + field(5, name)))
        self.assertEqual(code, OK)
        for body in (field(4, b"app-1"), field(4, field(1, b"source") + field(2, b"target")), field(6, 1), field(4, b"router") + field(5, b"id")):
            self.is_told(self.action(1, 2, field(1, b"a") + body))

    def test_routers(self):
        router = field(1, b"source") + field(2, b"target") + field(3, b"namespace")
        for routed in (field(9, router), field(9, field(1, b"app")), field(9, b""), field(9, field(1, self.uuids(1)[0]))):
            code, status = self.is_told(field(2, field(1, 1) + field(2, field(1, b"a")) + routed))
            self.assertNotEqual((code, status), (OK, "RUNNING"))

    def test_actions_that_are_not_known(self):
        for kind in (10, 11, 20):
            self.assertEqual(self.is_told(self.action(1, kind, field(1, b"x"))), (OK, "FAILED"))
        self.assertEqual(self.is_told(self.action(1, 6, field(1, 8))), (OK, "FAILED"))  # completed as STALLED
        self.assertEqual(self.is_told(self.action(1, 6, field(1, 0))), (OK, "FAILED"))  # completed as RUNNING

    def test_requests_of_clients(self):
        # What Dapr says with `force` is a batch here.
        instance, stream = self.hub.start(), self.hub.worker()
        self.hub.CompleteOrchestratorTask(turn(stream.item(instance), ends()))
        answer = send("PurgeInstances", field(1, instance.encode()) + field(4, 1), self.hub)
        self.assertEqual(pb.PurgeInstancesResponse.FromString(answer).deletedInstanceCount, 1)
        started = send("StartInstance", field(1, b"new") + field(2, b"n") + field(11, b"?") + field(99, 1), self.hub)
        self.assertEqual(pb.CreateInstanceResponse.FromString(started).instanceId, "new")
        stream.close()


if __name__ == "__main__":
    unittest.main()
