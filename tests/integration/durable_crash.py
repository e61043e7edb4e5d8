"""The kill loop of orchestrations: the server and its Python worker are killed at random moments; nothing is lost, and nothing happens
twice to an instance. TANDEM_CRASH_ROUNDS says how many rounds (10)."""
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
import unittest

from clients import PatientTestCase

try:
    import grpc
    from durabletask import client, task, worker
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from server import Server

ROUNDS = max(3, int(os.environ.get("TANDEM_CRASH_ROUNDS", "20")) // 4)
PER_ROUND = 6
Status = client.OrchestrationStatus


def double(_, number):
    return number * 2


def chain(ctx, length):
    total = 0
    for number in range(length):
        total += yield ctx.call_activity(double, input=number)
    return total


def fan(ctx, width):
    return sum((yield task.when_all([ctx.call_activity(double, input=number) for number in range(width)])))


def family(ctx, width):
    return sum((yield task.when_all([ctx.call_sub_orchestrator(chain, input=3, instance_id=f"{ctx.instance_id}-{n}")
                                     for n in range(width)])))


def counts(ctx, state):
    if state["left"] == 0:
        return state["sum"]
    state["sum"] += yield ctx.call_activity(double, input=state["left"])
    state["left"] -= 1
    ctx.continue_as_new(state)


def waits(ctx, _):
    first = yield ctx.wait_for_external_event("go")
    return first


KINDS = [("chain", 8, 56), ("fan", 20, 380), ("family", 4, 24), ("counts", {"left": 6, "sum": 0}, 42)]


def work(address):
    logging.disable(logging.CRITICAL)
    with worker.TaskHubGrpcWorker(host_address=address) as mine:
        for orchestrator in (chain, fan, family, counts, waits):
            mine.add_orchestrator(orchestrator)
        mine.add_activity(double)
        mine.start()
        signal.pause()


class CrashTest(PatientTestCase):
    seconds = 60

    def setUp(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.server = Server(arguments=["--no-auth", "--grpc-port", str(self.port)]).start()
        self.addCleanup(self.server.stop)
        self.acknowledged = set()
        self.worker = None
        self.start_worker()
        self.addCleanup(self.kill_worker)

    def start_worker(self):
        self.worker = subprocess.Popen([sys.executable, __file__, "work", self.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_worker(self):
        self.worker.kill()
        self.worker.wait()

    def stub(self):
        channel = grpc.insecure_channel(self.address)
        self.addCleanup(channel.close)
        return stubs.TaskHubSidecarServiceStub(channel)

    def begin(self, stub, instance, name, value):
        """What is acknowledged must never be lost; what is not may or may not be there."""
        request = pb.CreateInstanceRequest(instanceId=instance, name=name)
        request.input.value = json.dumps(value)
        try:
            stub.StartInstance(request, timeout=5)
            self.acknowledged.add(instance)
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED))

    def test_nothing_is_lost(self):
        chance = random.Random(int(os.environ.get("TANDEM_SEED", "0")) or None)
        wanted = {}
        waiting = []
        stub = self.stub()
        for number in range(ROUNDS):
            for one in range(PER_ROUND):
                name, value, result = chance.choice(KINDS)
                instance = f"{name}-{number}-{one}"
                self.begin(stub, instance, name, value)
                wanted[instance] = result
            waiting.append(f"waits-{number}")
            self.begin(stub, waiting[-1], "waits", None)
            time.sleep(chance.uniform(0, 0.3))
            if chance.random() < 0.5:
                self.kill_worker()
                self.start_worker()
            if chance.random() < 0.7:
                self.server.kill()
                self.server.start()
        stub = self.stub()
        for instance in waiting:
            event = pb.RaiseEventRequest(instanceId=instance, name="go")
            event.input.value = json.dumps(instance)
            self.until("no answer", lambda: self.raised(stub, event))
            wanted[instance] = instance
        unfinished = dict(wanted)

        def finished():
            for instance in list(unfinished):
                state = self.state(stub, instance)
                if state is None:
                    continue
                if not state.exists:
                    self.assertNotIn(instance, self.acknowledged, "an acknowledged instance is lost")
                    self.begin(stub, instance, instance.split("-")[0], dict((k, v) for k, v, _ in KINDS)[instance.split("-")[0]])
                elif state.orchestrationState.orchestrationStatus != pb.ORCHESTRATION_STATUS_RUNNING and \
                        state.orchestrationState.orchestrationStatus != pb.ORCHESTRATION_STATUS_PENDING:
                    self.assertEqual(state.orchestrationState.orchestrationStatus, pb.ORCHESTRATION_STATUS_COMPLETED, state)
                    self.assertEqual(json.loads(state.orchestrationState.output.value), unfinished.pop(instance), instance)
            return not unfinished
        self.until("some never ended", finished)
        self.assertGreater(len(self.acknowledged), len(wanted) // 2)
        for instance in wanted:
            self.check_history(stub, instance)

    def raised(self, stub, event):
        try:
            stub.RaiseEvent(event, timeout=5)
            return True
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                self.assertNotIn(event.instanceId, self.acknowledged, "an acknowledged instance is lost")
                self.begin(stub, event.instanceId, "waits", None)
            return False

    @staticmethod
    def state(stub, instance):
        try:
            return stub.GetInstance(pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True), timeout=5)
        except grpc.RpcError:
            return None

    def check_history(self, stub, instance):
        """Everything that was asked for has one answer."""
        events = [event for chunk in stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
                  for event in chunk.events]
        asked = [event.eventId for event in events
                 if event.WhichOneof("eventType") in ("taskScheduled", "subOrchestrationInstanceCreated")]
        answered = []
        for event in events:
            kind = event.WhichOneof("eventType")
            if kind in ("taskCompleted", "subOrchestrationInstanceCompleted"):
                answered.append(getattr(event, kind).taskScheduledId)
        self.assertEqual(len(asked), len(set(asked)), instance)
        self.assertEqual(sorted(asked), sorted(answered), instance)
        self.assertEqual([e.WhichOneof("eventType") for e in events].count("executionCompleted"), 1, instance)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2])
    else:
        unittest.main()
