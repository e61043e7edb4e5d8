"""Every rpc of the Durable Task service by hand: what it answers when all is well, for an instance that is not there, for one that
has ended, and to bad input."""
import threading
import time
import unittest

from durable_raw import (RPCS, SECONDS, Code, Hub, RawTestCase, calls, ends, fresh, grpc, pb, setUpModule, shared, tearDownModule, text,
                         timestamp_pb2, turn)  # first: it finds the Python that has the clients

LONG = "x" * 1000
FAR, PAST = (timestamp_pb2.Timestamp(seconds=seconds) for seconds in (2**62, -2**62))  # beyond the years that timestamps have
MANY = pb.InstanceBatch(instanceIds=["i"] * 501)
BAD, NOT_FOUND, OK, WRONG_STATE, WAITS = (Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.OK, Code.FAILED_PRECONDITION, Code.DEADLINE_EXCEEDED)
DROPPED = {OK, NOT_FOUND}  # a worker's answer that comes too late
Status = {name.removeprefix("ORCHESTRATION_STATUS_"): number for name, number in pb.OrchestrationStatus.items()}


def skip(*instances):
    return pb.SkipGracefulOrchestrationTerminationsRequest(instanceBatch=pb.InstanceBatch(instanceIds=instances), reason=text("why"))


def query(**fields):
    return pb.QueryInstancesRequest(query=pb.InstanceQuery(**fields))


def purge(**fields):
    return pb.PurgeInstancesRequest(purgeInstanceFilter=pb.PurgeInstanceFilter(**fields))


def signal(instance, name="op", **fields):
    return pb.SignalEntityRequest(instanceId=instance, name=name, **fields)


def entities(**fields):
    return pb.QueryEntitiesRequest(query=pb.EntityQuery(includeState=True, includeTransient=True, **fields))


def create(instance="", name="n", *replaceable, **fields):
    policy = pb.OrchestrationIdReusePolicy(replaceableStatus=[Status[one] for one in replaceable]) if replaceable else None
    return pb.CreateInstanceRequest(instanceId=instance, name=name, orchestrationIdReusePolicy=policy, **fields)


def get(instance):
    return pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True)


def answered(instance, token):
    """By a worker, for an orchestrator."""
    return pb.OrchestratorResponse(instanceId=instance, completionToken=token, actions=[ends(result=text("1"))])


def batch_result(token):
    return pb.EntityBatchResult(completionToken=token, entityState=text("1"),
                                results=[pb.OperationResult(success=pb.OperationResultSuccess(result=text("2")))])


def is_state(status, **payloads):
    return lambda t, answer: answer.exists and answer.orchestrationState.orchestrationStatus == Status[status] and all(
        getattr(answer.orchestrationState, name).value == value for name, value in payloads.items())


def becomes(status):
    """The instance that was asked about, sooner or later."""
    return lambda t, answer: t.until(f"it never was {status}", lambda: t.hub.status(t.last) == status)


def hears(event):
    """The instance's worker is told so."""
    return lambda t, answer: event in [e.WhichOneof("eventType") for e in t.worker.item(t.last).orchestratorRequest.newEvents]


def on(request, to):
    """Requests of the kind that name an instance and no more."""
    return [(lambda t: request(instanceId=getattr(t, to)()), WRONG_STATE)]


BAD_IDS = ("", LONG, "a\x01")  # and of entities, where only orchestrations will do


def bad_ids(request, *more, **fields):
    return [(lambda t, bad=bad: request(instanceId=bad, **fields), BAD) for bad in (*BAD_IDS, *more)]


# rpc: when all is well, for an unknown id, for what has ended, for bad input. Each is cases, a request (of the test) and the status
# or what has to hold of the answer; or the reason why there are none.
NO_IDS = "it names no instance"
TABLE = {
    "Hello": ([(lambda t: None, OK)], NO_IDS, NO_IDS, "nothing in it can be bad but its bytes: GarbageTest"),
    "StartInstance": (
        [(lambda t: create(t.mark()), lambda t, answer: answer.instanceId == t.last and t.hub.status(t.last) == "PENDING"),
         (lambda t: create(), lambda t, answer: len(answer.instanceId) == 32)],
        "an unknown id is what it wants",
        [(lambda t: create(t.ended()), lambda t, answer: t.hub.status(t.last) == "PENDING"),
         (lambda t: create(t.ended(), "n", "COMPLETED"), lambda t, answer: t.hub.status(t.last) == "PENDING"),
         (lambda t: create(t.ended(), "n", "FAILED"), Code.ALREADY_EXISTS),
         (lambda t: create(t.failed(), "n", "FAILED"), lambda t, answer: t.hub.status(t.last) == "PENDING")],
        [(lambda t: create(fresh(), ""), BAD), (lambda t: create(fresh(), LONG), BAD), (lambda t: create(LONG), BAD), (lambda t: create("a\x01"), BAD),
         (lambda t: create("@e@k"), BAD), (lambda t: create(fresh(), "n", "RUNNING"), BAD), (lambda t: create(t.running()), Code.ALREADY_EXISTS),
         (lambda t: create(t.running(), "n", "FAILED"), Code.ALREADY_EXISTS)]),
    "GetInstance": (
        [(lambda t: get(t.running()), is_state("RUNNING", input="in"))],
        [(lambda t: get(fresh()), lambda t, answer: not answer.exists), (lambda t: get(t.entity()), lambda t, answer: not answer.exists)],
        [(lambda t: get(t.ended()), is_state("COMPLETED", output="out")), (lambda t: get(t.failed()), is_state("FAILED")),
         (lambda t: pb.GetInstanceRequest(instanceId=t.ended()), lambda t, answer: not answer.orchestrationState.HasField("output"))],
        bad_ids(pb.GetInstanceRequest)),
    "WaitForInstanceStart": (
        [(lambda t: get(t.running()), is_state("RUNNING")), (lambda t: get(t.pending()), WAITS)],
        [(lambda t: get(fresh()), WAITS)],
        [(lambda t: get(t.ended()), is_state("COMPLETED"))],
        bad_ids(pb.GetInstanceRequest)),
    "WaitForInstanceCompletion": (
        [(lambda t: get(t.ended()), is_state("COMPLETED", output="out")), (lambda t: get(t.running()), WAITS)],
        [(lambda t: get(fresh()), WAITS), (lambda t: get(t.entity()), WAITS)],
        [(lambda t: get(t.failed()), is_state("FAILED")), (lambda t: get(t.terminated()), is_state("TERMINATED"))],
        bad_ids(pb.GetInstanceRequest)),
    "RaiseEvent": (
        [(lambda t: pb.RaiseEventRequest(instanceId=t.running(), name="e", input=text("1")), hears("eventRaised"))],
        [(lambda t: pb.RaiseEventRequest(instanceId=fresh(), name="e"), NOT_FOUND)],
        [(lambda t: pb.RaiseEventRequest(instanceId=t.ended(), name="e"), becomes("COMPLETED"))],
        bad_ids(pb.RaiseEventRequest, "@e@k", name="e") + [(lambda t: pb.RaiseEventRequest(instanceId=t.running()), BAD),
                                                           (lambda t: pb.RaiseEventRequest(instanceId=t.running(), name=LONG), BAD)]),
    "TerminateInstance": (
        [(lambda t: pb.TerminateRequest(instanceId=t.running(), output=text("1")), becomes("TERMINATED"))],
        [(lambda t: pb.TerminateRequest(instanceId=fresh()), NOT_FOUND)],
        [(lambda t: pb.TerminateRequest(instanceId=t.ended()), becomes("COMPLETED")),
         (lambda t: pb.TerminateRequest(instanceId=t.failed(), recursive=True), becomes("FAILED"))],
        bad_ids(pb.TerminateRequest, "@e@k")),
    "SuspendInstance": (
        [(lambda t: pb.SuspendRequest(instanceId=t.running()), hears("executionSuspended"))],
        [(lambda t: pb.SuspendRequest(instanceId=fresh()), NOT_FOUND)],
        [(lambda t: pb.SuspendRequest(instanceId=t.ended()), becomes("COMPLETED"))],
        bad_ids(pb.SuspendRequest, "@e@k")),
    "ResumeInstance": (
        [(lambda t: pb.ResumeRequest(instanceId=t.running()), hears("executionResumed"))],
        [(lambda t: pb.ResumeRequest(instanceId=fresh()), NOT_FOUND)],
        [(lambda t: pb.ResumeRequest(instanceId=t.ended()), becomes("COMPLETED"))],
        bad_ids(pb.ResumeRequest, "@e@k")),
    "RewindInstance": (
        [(lambda t: pb.RewindInstanceRequest(instanceId=t.failed(), reason=text("why")), lambda t, answer: t.hub.status(t.last) == "RUNNING" and [
            e.WhichOneof("eventType") for e in t.worker.item(t.last).orchestratorRequest.newEvents] == ["orchestratorStarted", "executionRewound"])],
        [(lambda t: pb.RewindInstanceRequest(instanceId=fresh()), NOT_FOUND)],
        on(pb.RewindInstanceRequest, "ended") + on(pb.RewindInstanceRequest, "terminated") + on(pb.RewindInstanceRequest, "running"),
        bad_ids(pb.RewindInstanceRequest)),
    "RestartInstance": (
        [(lambda t: pb.RestartInstanceRequest(instanceId=t.running(), restartWithNewInstanceId=True), lambda t, answer: t.is_again(answer, new=True))],
        [(lambda t: pb.RestartInstanceRequest(instanceId=fresh()), NOT_FOUND), (lambda t: pb.RestartInstanceRequest(instanceId=t.entity()), NOT_FOUND)],
        [(lambda t: pb.RestartInstanceRequest(instanceId=t.ended()), lambda t, answer: t.is_again(answer, new=False)),
         (lambda t: pb.RestartInstanceRequest(instanceId=t.failed(), restartWithNewInstanceId=True), lambda t, answer: t.is_again(answer, new=True))],
        bad_ids(pb.RestartInstanceRequest) + on(pb.RestartInstanceRequest, "running")),
    "QueryInstances": (
        [(lambda t: query(instanceIdPrefix=text(t.running())), lambda t, answer: [s.instanceId for s in answer.orchestrationState] == [t.last])],
        [(lambda t: query(instanceIdPrefix=text("nobody")), lambda t, answer: not answer.orchestrationState and not answer.HasField("continuationToken"))],
        [(lambda t: query(instanceIdPrefix=text(t.ended()), runtimeStatus=[Status["COMPLETED"]], fetchInputsAndOutputs=True),
          lambda t, answer: [s.output.value for s in answer.orchestrationState] == ["out"]),
         (lambda t: query(instanceIdPrefix=text(t.ended()), runtimeStatus=[Status["RUNNING"]]), lambda t, answer: not answer.orchestrationState)],
        [(lambda t: query(continuationToken=text("x")), BAD), (lambda t: query(continuationToken=text(LONG)), BAD)]),
    "ListInstanceIds": (
        [(lambda t: pb.ListInstanceIdsRequest(), lambda t, answer: t.hub.status(answer.instanceIds[0]) in ("COMPLETED", "FAILED", "TERMINATED"))],
        "what is not there is not listed; nor is what runs, see the next column",
        [(lambda t: pb.ListInstanceIdsRequest(runtimeStatus=[t.all_of("COMPLETED")]), lambda t, answer: t.last in answer.instanceIds),
         (lambda t: pb.ListInstanceIdsRequest(runtimeStatus=[t.all_of("FAILED")]), lambda t, answer: t.last in answer.instanceIds),
         (lambda t: pb.ListInstanceIdsRequest(runtimeStatus=[t.all_of("RUNNING")]), lambda t, answer: not answer.instanceIds)],
        [(lambda t: pb.ListInstanceIdsRequest(lastInstanceKey=text("x")), BAD)]),
    "PurgeInstances": (
        [(lambda t: pb.PurgeInstancesRequest(instanceId=t.ended()), lambda t, answer: answer.deletedInstanceCount == 1 and answer.isComplete.value
          and not t.hub.GetInstance(get(t.last)).exists),
         (lambda t: pb.PurgeInstancesRequest(instanceBatch=pb.InstanceBatch(instanceIds=[t.ended(), t.failed(), fresh(), t.running()])),
          lambda t, answer: answer.deletedInstanceCount == 2 and t.hub.status(t.last) == "RUNNING"),
         (lambda t: purge(createdTimeTo=timestamp_pb2.Timestamp(seconds=1)), lambda t, answer: answer.deletedInstanceCount == 0)],
        [(lambda t: pb.PurgeInstancesRequest(instanceId=fresh()), lambda t, answer: answer.deletedInstanceCount == 0)],
        [(lambda t: pb.PurgeInstancesRequest(instanceId=t.terminated(), recursive=True), lambda t, answer: answer.deletedInstanceCount == 1),
         (lambda t: pb.PurgeInstancesRequest(instanceId=t.running()), lambda t, answer: answer.deletedInstanceCount == 0),
         (lambda t: pb.PurgeInstancesRequest(instanceId=t.entity()), lambda t, answer: answer.deletedInstanceCount == 0)],
        bad_ids(pb.PurgeInstancesRequest) + [(lambda t: pb.PurgeInstancesRequest(instanceBatch=MANY), BAD),
                                             (lambda t: pb.PurgeInstancesRequest(instanceBatch=pb.InstanceBatch(instanceIds=[""])), BAD)]),
    "GetWorkItems": ("all the others need it", NO_IDS, "test_what_has_ended_is_not_handed_out", "only its bytes can be bad: GarbageTest"),
    "CompleteOrchestratorTask": (
        [(lambda t: answered(t.pending(), t.taken().completionToken), becomes("COMPLETED"))],
        [(lambda t: answered(fresh(), fresh()), NOT_FOUND), (lambda t: answered(fresh(), ""), NOT_FOUND)],
        [(lambda t: answered(t.terminated(), ""), NOT_FOUND), (lambda t: answered(t.terminated(out=True), t.token), DROPPED)],
        [(lambda t: answered("", ""), BAD), (lambda t: answered("another" + t.pending(), t.taken().completionToken), BAD)]),
    "CompleteActivityTask": (
        [(lambda t: pb.ActivityResponse(instanceId=t.calling(), taskId=1, result=text("1"), completionToken=t.token), hears("taskCompleted")),
         (lambda t: pb.ActivityResponse(instanceId=t.calling(), taskId=1, completionToken=t.token, failureDetails=pb.TaskFailureDetails(
             errorType="E")), hears("taskFailed"))],
        [(lambda t: pb.ActivityResponse(instanceId=fresh(), taskId=1, completionToken=fresh()), NOT_FOUND),
         (lambda t: pb.ActivityResponse(instanceId=t.calling(), taskId=2), NOT_FOUND)],
        [(lambda t: pb.ActivityResponse(instanceId=t.terminated(out=True, activity=True), taskId=1, completionToken=t.token), DROPPED)],
        [(lambda t: pb.ActivityResponse(), BAD), (lambda t: pb.ActivityResponse(taskId=1, instanceId="another" + t.calling(), completionToken=t.token), BAD)]),
    "CompleteEntityTask": (
        [(lambda t: batch_result(t.asked()), lambda t, answer: t.hub.GetEntity(pb.GetEntityRequest(instanceId=t.last)).exists)],
        [(lambda t: batch_result(fresh()), NOT_FOUND)],
        "an entity does not end; one without a state: SignalEntity",
        [(lambda t: batch_result(""), BAD)]),
    "AbandonTaskOrchestratorWorkItem": (
        "test_what_is_abandoned_comes_back",
        [(lambda t: pb.AbandonOrchestrationTaskRequest(completionToken=fresh()), NOT_FOUND)],
        [(lambda t: t.terminated(out=True) and pb.AbandonOrchestrationTaskRequest(completionToken=t.token), DROPPED)],
        [(lambda t: pb.AbandonOrchestrationTaskRequest(), {BAD, NOT_FOUND}), (lambda t: pb.AbandonOrchestrationTaskRequest(completionToken=LONG), NOT_FOUND),
         (lambda t: t.calling() and pb.AbandonOrchestrationTaskRequest(completionToken=t.token), NOT_FOUND)]),
    "AbandonTaskActivityWorkItem": (
        "test_what_is_abandoned_comes_back",
        [(lambda t: pb.AbandonActivityTaskRequest(completionToken=fresh()), NOT_FOUND)],
        [(lambda t: t.terminated(out=True, activity=True) and pb.AbandonActivityTaskRequest(completionToken=t.token), DROPPED)],
        [(lambda t: pb.AbandonActivityTaskRequest(), {BAD, NOT_FOUND}), (lambda t: pb.AbandonActivityTaskRequest(completionToken=LONG), NOT_FOUND),
         (lambda t: pb.AbandonActivityTaskRequest(completionToken=t.asked()), NOT_FOUND)]),
    "AbandonTaskEntityWorkItem": (
        "test_what_is_abandoned_comes_back",
        [(lambda t: pb.AbandonEntityTaskRequest(completionToken=fresh()), NOT_FOUND)],
        "an entity does not end",
        [(lambda t: pb.AbandonEntityTaskRequest(), {BAD, NOT_FOUND}), (lambda t: pb.AbandonEntityTaskRequest(completionToken=LONG), NOT_FOUND),
         (lambda t: t.calling() and pb.AbandonEntityTaskRequest(completionToken=t.token), NOT_FOUND)]),
    "StreamInstanceHistory": (
        [(lambda t: pb.StreamInstanceHistoryRequest(instanceId=t.running()), lambda t, answer: [
            e.WhichOneof("eventType") for e in answer[0].events] == ["orchestratorStarted", "executionStarted"])],
        [(lambda t: pb.StreamInstanceHistoryRequest(instanceId=fresh()), NOT_FOUND)],
        [(lambda t: pb.StreamInstanceHistoryRequest(instanceId=t.ended()), lambda t, answer: answer[-1].events[-1].executionCompleted.result.value == "out"),
         (lambda t: pb.StreamInstanceHistoryRequest(instanceId=t.purged()), NOT_FOUND)],
        "test_histories_of_no_id"),
    "CreateTaskHub": ([(lambda t: None, OK), (lambda t: None, OK)], "HubsTest", "HubsTest", "HubsTest"),
    "DeleteTaskHub": ("HubsTest", "HubsTest", "HubsTest", "HubsTest"),
    "SignalEntity": (
        [(lambda t: signal(t.entity()), lambda t, answer: t.worker.item(t.last, "entityRequestV2").entityRequestV2.entityState.value == "1")],
        [(lambda t: signal(t.mark("@e@")), lambda t, answer: not t.worker.item(t.last, "entityRequestV2").entityRequestV2.HasField("entityState"))],
        [(lambda t: signal(t.entity(None)), lambda t, answer: not t.worker.item(t.last, "entityRequestV2").entityRequestV2.HasField("entityState"))],
        [(lambda t: signal("@e@k", LONG), BAD), (lambda t: signal(t.running()), BAD), (lambda t: signal("@" + LONG + "@k"), BAD)]),
    "GetEntity": (
        [(lambda t: pb.GetEntityRequest(instanceId=t.entity("[]"), includeState=True), lambda t, answer: answer.entity.serializedState.value == "[]"),
         (lambda t: pb.GetEntityRequest(instanceId=t.entity()), lambda t, answer: answer.exists and not answer.entity.HasField("serializedState"))],
        [(lambda t: pb.GetEntityRequest(instanceId="@e@" + fresh()), lambda t, answer: not answer.exists)],
        [(lambda t: pb.GetEntityRequest(instanceId=t.entity(None)), lambda t, answer: not answer.exists)],
        [(lambda t: pb.GetEntityRequest(instanceId=t.running()), BAD)]),
    "QueryEntities": (
        [(lambda t: entities(instanceIdStartsWith=text(t.entity("3"))), lambda t, answer: [e.serializedState.value for e in answer.entities] == ["3"])],
        [(lambda t: entities(instanceIdStartsWith=text("@none@")), lambda t, answer: not answer.entities and not answer.HasField("continuationToken"))],
        [(lambda t: entities(instanceIdStartsWith=text(t.entity(None))), lambda t, answer: not answer.entities[0].HasField("serializedState"))],
        [(lambda t: entities(continuationToken=text(LONG)), BAD)]),
    "CleanEntityStorage": (
        [(lambda t: pb.CleanEntityStorageRequest(), lambda t, answer: (answer.emptyEntitiesRemoved, answer.orphanedLocksReleased) == (0, 0))],
        NO_IDS,
        [(lambda t: t.entity(None) and pb.CleanEntityStorageRequest(removeEmptyEntities=True, releaseOrphanedLocks=True), lambda t, answer: (
            answer.emptyEntitiesRemoved > 0 and not t.hub.QueryEntities(entities(instanceIdStartsWith=text(t.last))).entities))],
        [(lambda t: pb.CleanEntityStorageRequest(continuationToken=text("x")), BAD)]),
    "SkipGracefulOrchestrationTerminations": (
        [(lambda t: skip(t.running()), becomes("TERMINATED")), (lambda t: skip(t.pending()), becomes("TERMINATED"))],
        [(lambda t: skip("nobody", t.mark("")), lambda t, answer: set(answer.unterminatedInstanceIds) == {"nobody", t.last})],
        [(lambda t: skip(t.ended()), becomes("COMPLETED")), (lambda t: skip(t.terminated()), becomes("TERMINATED"))],
        [(lambda t: skip(), BAD), (lambda t: pb.SkipGracefulOrchestrationTerminationsRequest(instanceBatch=MANY), BAD),
         (lambda t: skip("", t.entity(), LONG), lambda t, answer: len(answer.unterminatedInstanceIds) == 3
          and t.hub.GetEntity(pb.GetEntityRequest(instanceId=t.last)).exists)]),
}


class EveryRpcTest(RawTestCase):
    @classmethod
    def setUpClass(cls):
        cls.hub = Hub(shared.channel)
        cls.worker = cls.hub.worker(pb.GetWorkItemsRequest(maxConcurrentOrchestrationWorkItems=1000))

    @classmethod
    def tearDownClass(cls):
        cls.worker.close()

    # Instances in each state; `last` is the one that was made last, `token` that of its open work item.

    def mark(self, prefix=""):
        type(self).last = prefix + fresh()
        return self.last

    def taken(self, kind="orchestratorRequest"):
        item = self.worker.item(self.last, kind)
        type(self).token = item.completionToken
        return item

    def pending(self):
        return self.hub.start("n", self.mark(), input=text("in"), version=text("1"))

    def running(self, *actions):
        self.pending()
        self.hub.CompleteOrchestratorTask(turn(self.taken(), *actions))
        return self.last

    def ended(self):
        return self.running(ends(result=text("out")))

    def failed(self):
        return self.running(ends(Status["FAILED"], failureDetails=pb.TaskFailureDetails(errorType="E", errorMessage="m")))

    def calling(self):
        self.running(calls(1))
        self.taken("activityRequest")
        return self.last

    def terminated(self, out=False, activity=False):
        if activity:
            self.calling()
        elif self.pending() and out:
            self.taken()
        self.hub.TerminateInstance(pb.TerminateRequest(instanceId=self.last))
        self.until("it never ended", lambda: self.hub.status(self.last) == "TERMINATED")
        return self.last

    def purged(self):
        self.hub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=self.ended()))
        return self.last

    def asked(self):
        """The token of an entity's work item."""
        self.hub.SignalEntity(signal(self.mark("@e@")))
        return self.taken("entityRequestV2").completionToken

    def entity(self, state="1"):
        done = batch_result(self.asked())
        done.ClearField("entityState") if state is None else done.entityState.CopyFrom(text(state))
        self.hub.CompleteEntityTask(done)
        return self.last

    def all_of(self, status):
        {"COMPLETED": self.ended, "FAILED": self.failed, "RUNNING": self.running}[status]()
        return Status[status]

    def is_again(self, answer, new):
        state = self.hub.state(answer.instanceId)
        self.assertEqual((state.name, state.version.value, state.input.value, state.orchestrationStatus), ("n", "1", "in", Status["PENDING"]))
        return (answer.instanceId != self.last) == new

    def test_the_table_is_whole(self):
        self.assertEqual(set(TABLE), set(RPCS))
        self.assertEqual(len(TABLE), 29)
        for rpc, columns in TABLE.items():
            self.assertEqual(len(columns), 4, rpc)
            for column in columns:
                if isinstance(column, str) and "test_" in column:
                    self.assertTrue(hasattr(self, column.split(",")[0]), column)

    def test_answers(self):
        for rpc, columns in TABLE.items():
            for column, cases in zip(("success", "unknown", "ended", "bad"), columns):
                for number, (request, wanted) in enumerate(() if isinstance(cases, str) else cases):
                    with self.subTest(rpc=rpc, column=column, case=number):
                        self.check(rpc, request(self), wanted)

    def check(self, rpc, request, wanted):
        try:
            answer, code, details = getattr(self.hub, rpc)(request, timeout=0.1 if wanted == WAITS else SECONDS), OK, ""
        except grpc.RpcError as error:
            answer, code, details = None, error.code(), error.details()
        if callable(wanted):
            self.assertEqual(code, OK, details)
            self.assertTrue(wanted(self, answer), answer)
        else:
            self.assertIn(code, wanted if isinstance(wanted, set) else {wanted}, details or answer)
            self.assertTrue(code == OK or details, "a refusal says why")

    def test_waits_end_with_what_they_wait_for(self):
        instance, ended = fresh(), {}

        def waits(rpc):
            ended[rpc] = pb.OrchestrationStatus.Name(getattr(self.hub, rpc)(get(instance)).orchestrationState.orchestrationStatus)
        threads = [threading.Thread(target=waits, args=(rpc,)) for rpc in ("WaitForInstanceStart", "WaitForInstanceCompletion")]
        for thread in threads:
            thread.start()
        self.hub.start("n", instance)
        item = self.worker.item(instance)
        self.assertEqual(ended, {})  # the first turn is not over
        self.hub.CompleteOrchestratorTask(turn(item))
        threads[0].join(SECONDS)
        self.assertEqual(ended, {"WaitForInstanceStart": "ORCHESTRATION_STATUS_RUNNING"})
        self.hub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
        threads[1].join(SECONDS)
        self.assertEqual(ended["WaitForInstanceCompletion"], "ORCHESTRATION_STATUS_TERMINATED")

    def test_suspended_and_resumed(self):
        instance = self.running()
        for request, rpc, status in ((pb.SuspendRequest, "SuspendInstance", "SUSPENDED"), (pb.ResumeRequest, "ResumeInstance", "RUNNING")):
            getattr(self.hub, rpc)(request(instanceId=instance))
            self.hub.CompleteOrchestratorTask(turn(self.taken()))
            self.until(f"never {status}", lambda: self.hub.status(instance) == status)

    def test_what_has_ended_is_not_handed_out(self):
        hub = Hub(shared.channel)
        ended = hub.start()
        hub.TerminateInstance(pb.TerminateRequest(instanceId=ended))
        running, worker = hub.start(), hub.worker()
        self.assertEqual(next(worker.stream).orchestratorRequest.instanceId, running)
        worker.close()

    def test_what_is_abandoned_comes_back(self):
        calling, calling_token = self.calling(), self.token
        entity_token, entity = self.asked(), self.last
        pending, pending_token = self.pending(), self.taken().completionToken
        abandoned = time.monotonic()
        self.hub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken=calling_token))
        self.hub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken=entity_token))
        self.hub.AbandonTaskOrchestratorWorkItem(pb.AbandonOrchestrationTaskRequest(completionToken=pending_token))
        self.refused(NOT_FOUND, lambda: self.hub.CompleteOrchestratorTask(answered(pending, pending_token)))
        activity = self.worker.item(calling, "activityRequest")
        batch = self.worker.item(entity, "entityRequestV2")
        item = self.worker.item(pending)
        self.assertGreater(time.monotonic() - abandoned, 0.5, "it came back at once, and would for ever")
        self.assertEqual(len({calling_token, entity_token, pending_token, activity.completionToken, batch.completionToken, item.completionToken}), 6)
        self.hub.CompleteActivityTask(pb.ActivityResponse(instanceId=calling, taskId=1, completionToken=activity.completionToken))
        self.hub.CompleteEntityTask(batch_result(batch.completionToken))
        self.hub.CompleteOrchestratorTask(turn(item, ends()))
        self.assertEqual(self.hub.status(pending), "COMPLETED")

    def test_histories_of_no_id(self):
        for bad in BAD_IDS:
            self.refused(BAD, lambda: self.hub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=bad)))

    def test_unknown_instances_are_refused_in_the_words_of_clients(self):
        for rpc, request in (("StreamInstanceHistory", pb.StreamInstanceHistoryRequest), ("TerminateInstance", pb.TerminateRequest),
                             ("SuspendInstance", pb.SuspendRequest), ("ResumeInstance", pb.ResumeRequest), ("RewindInstance", pb.RewindInstanceRequest)):
            self.assertNotIn("durable:", self.refused(NOT_FOUND, lambda: getattr(self.hub, rpc)(request(instanceId="nobody"))))

    def test_an_entity_is_not_waited_for_to_start(self):
        self.refused(WAITS, lambda: self.hub.WaitForInstanceStart(get(self.entity()), timeout=0.2))

    def test_an_entity_is_not_rewound(self):
        self.refused(BAD, lambda: self.hub.RewindInstance(pb.RewindInstanceRequest(instanceId=self.entity())))

    def test_pages_are_received_by_clients_that_take_4_mib(self):
        hub, found, token = Hub(shared.channel), [], None
        ids = sorted(hub.start(input=text("x" * 1_000_000)) for _ in range(6))
        while len(found) < len(ids):
            page = hub.QueryInstances(query(fetchInputsAndOutputs=True, continuationToken=token))
            self.assertTrue(page.orchestrationState)
            found += [state.instanceId for state in page.orchestrationState]
            token = page.continuationToken if page.HasField("continuationToken") else None
        self.assertEqual(sorted(found), ids)

    def test_keys_of_lists_are_checked(self):
        self.ended()
        for bad in (" ", "x y", "1x y", "-", "9" * 30 + " y"):
            self.refused(BAD, lambda: self.hub.ListInstanceIds(pb.ListInstanceIdsRequest(lastInstanceKey=text(bad))))

    # Times that are no timestamps are refused, or are as far away as can be.

    def test_bad_times_list_nothing(self):
        hub = Hub(shared.channel)
        hub.SignalEntity(signal("@e@k"))
        hub.TerminateInstance(pb.TerminateRequest(instanceId=hub.start("n", "a")))
        for bad, first, last in ((FAR, "From", "To"), (PAST, "To", "From")):
            def asked(rpc, request):
                try:
                    return getattr(hub, rpc)(request)
                except grpc.RpcError as error:
                    self.assertEqual(error.code(), BAD)
            for limit, number in ((first, 0), (last, 1)):
                for rpc, request, field in (("QueryInstances", query(**{f"createdTime{limit}": bad}), "orchestrationState"),
                                            ("QueryEntities", entities(**{f"lastModified{limit}": bad}), "entities"),
                                            ("ListInstanceIds", pb.ListInstanceIdsRequest(**{f"completedTime{limit}": bad}), "instanceIds")):
                    if (answer := asked(rpc, request)) is not None:
                        self.assertEqual(len(getattr(answer, field)), number, (rpc, limit, bad))

    def test_bad_times_purge_nothing(self):
        for limits in ({"createdTimeFrom": FAR}, {"createdTimeTo": PAST}):
            hub = Hub(shared.channel)
            hub.TerminateInstance(pb.TerminateRequest(instanceId=hub.start("n", "a")))
            try:
                hub.PurgeInstances(purge(**limits))
            except grpc.RpcError as error:
                self.assertEqual(error.code(), BAD)
            self.assertTrue(hub.GetInstance(get("a")).exists)

    def test_bad_times_begin_nothing(self):
        hub = Hub(shared.channel)
        for rpc, request in (("StartInstance", create("far", scheduledStartTimestamp=FAR)), ("SignalEntity", signal("@e@far", scheduledTime=FAR))):
            try:
                getattr(hub, rpc)(request)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), BAD)
        time.sleep(0.2)
        instance, worker = hub.start(), hub.worker()
        self.assertEqual(next(worker.stream).orchestratorRequest.instanceId, instance)
        worker.close()


if __name__ == "__main__":
    unittest.main()
