"""The kill loop of orchestrations: the server and its worker are killed at random moments; nothing is lost, and nothing happens twice
to an instance. durable_crash.py [--worker python|js|dapr|java]; a quarter of TANDEM_CRASH_ROUNDS (20) says how many rounds."""
import argparse
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
    from durabletask import client, entities, task, worker
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
import java_clients
from server import ROOT, Server

ROUNDS = max(3, int(os.environ.get("TANDEM_CRASH_ROUNDS", "20")) // 4)
PER_ROUND = 6
Status = client.OrchestrationStatus
MODULES = os.environ.get("TANDEM_NODE_CLIENTS", str(ROOT / "build/clients/node"))
WORKERS = {"python": [sys.executable, __file__, "work"],
           "js": ["node", str(ROOT / "tests/integration/durable_crash.mjs")],
           "dapr": ["node", str(ROOT / "tests/integration/durable_crash.mjs")],
           "java": java_clients.command("CrashWorker")}
# The longest that a round works before something is killed: a worker should have begun by then. Java's takes a second to start, and
# five to look for a server that has gone.
PAUSES = {"python": 0.3, "js": 0.6, "dapr": 0.6, "java": 2}
PACKAGES = {"dapr": ["@dapr/durabletask-js"]}


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


class Account(entities.DurableEntity):
    def deposit(self, amount):
        self.set_state(self.get_state(int, 0) + amount)

    def balance(self, _=None):
        return self.get_state(int, 0)


def transfer(ctx, order):
    source, target = (entities.EntityInstanceId("account", key) for key in order)
    with (yield ctx.lock_entities([source, target])):
        before = yield ctx.call_entity(source, "balance")
        yield ctx.call_entity(source, "deposit", -1)
        yield ctx.call_entity(target, "deposit", 1)
        return before - (yield ctx.call_entity(source, "balance"))


def waits(ctx, _):
    first = yield ctx.wait_for_external_event("go")
    return first


KINDS = [("chain", 8, 56), ("fan", 20, 380), ("family", 4, 24), ("counts", {"left": 6, "sum": 0}, 42)]
# Of those whose SDK has entities. Two accounts are locked in both orders; what moves under the locks nobody else sees.
TRANSFERS = [("transfer", ["a", "b"], 1), ("transfer", ["b", "a"], 1), ("transfer", ["a", "c"], 1)]


def work(address):
    logging.disable(logging.CRITICAL)
    with worker.TaskHubGrpcWorker(host_address=address) as mine:
        for orchestrator in (chain, fan, family, counts, waits, transfer):
            mine.add_orchestrator(orchestrator)
        mine.add_entity(Account, "account")
        mine.add_activity(double)
        mine.start()
        signal.pause()


class CrashTest(PatientTestCase):
    seconds = 60
    worker_kind = "python"

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
        self.worker = subprocess.Popen([*WORKERS[self.worker_kind], self.address, *PACKAGES.get(self.worker_kind, [])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env={**os.environ, "TANDEM_NODE_CLIENTS": MODULES})

    def keep_worker(self):
        if self.worker.poll() is not None:
            self.start_worker()

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
        kinds = KINDS + (TRANSFERS if self.worker_kind in ("python", "js") else [])
        values = {}
        for number in range(ROUNDS):
            for one in range(PER_ROUND):
                name, value, result = chance.choice(kinds)
                instance = f"{name}-{number}-{one}"
                self.begin(stub, instance, name, value)
                # Dapr's SDK loses plain numbers when it writes them.
                wanted[instance] = {"n": result} if self.worker_kind == "dapr" else result
                values[instance] = value
            waiting.append(f"waits-{number}")
            self.begin(stub, waiting[-1], "waits", None)
            time.sleep(chance.uniform(0, PAUSES[self.worker_kind]))
            if chance.random() < 0.5:
                self.kill_worker()
                self.start_worker()
            if chance.random() < 0.7:
                self.server.kill()
                self.server.start()
            self.keep_worker()
        stub = self.stub()
        for instance in waiting:
            event = pb.RaiseEventRequest(instanceId=instance, name="go")
            event.input.value = json.dumps(instance)
            self.until("no answer", lambda: self.raised(stub, event))
            wanted[instance] = instance
        unfinished = dict(wanted)

        def finished():
            self.keep_worker()
            for instance in list(unfinished):
                state = self.state(stub, instance)
                if state is None:
                    continue
                if not state.exists:
                    self.assertNotIn(instance, self.acknowledged, "an acknowledged instance is lost")
                    self.begin(stub, instance, instance.split("-")[0], values.get(instance))
                elif state.orchestrationState.orchestrationStatus != pb.ORCHESTRATION_STATUS_RUNNING and \
                        state.orchestrationState.orchestrationStatus != pb.ORCHESTRATION_STATUS_PENDING:
                    self.assertEqual(state.orchestrationState.orchestrationStatus, pb.ORCHESTRATION_STATUS_COMPLETED, state)
                    self.assertEqual(json.loads(state.orchestrationState.output.value), unfinished.pop(instance), instance)
            return not unfinished
        self.until("some never ended", finished)
        self.assertGreater(len(self.acknowledged), len(wanted) // 2)
        for instance in wanted:
            self.check_history(stub, instance)
        self.check_accounts(stub, [values[instance] for instance in wanted if instance.startswith("transfer-")])

    def check_accounts(self, stub, transfers):
        """Each moved one, once, and gave back what it had locked."""
        moved = dict.fromkeys("abc", 0)
        for source, target in transfers:
            moved[source] -= 1
            moved[target] += 1

        def found(key):
            return stub.GetEntity(pb.GetEntityRequest(instanceId=f"@account@{key}", includeState=True)).entity
        keys = {key for transfer in transfers for key in transfer}
        self.until("a lock is leaked", lambda: not any(found(key).HasField("lockedBy") for key in keys))
        for key in keys:
            self.assertEqual(int(found(key).serializedState.value), moved[key], key)
            self.assertEqual(found(key).backlogQueueSize, 0)

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
        calls = [event.entityOperationCalled.requestId for event in events if event.HasField("entityOperationCalled")]
        results = [event.entityOperationCompleted.requestId for event in events if event.HasField("entityOperationCompleted")]
        self.assertEqual(sorted(calls), sorted(results), instance)
        for event in events:
            kind = event.WhichOneof("eventType")
            if kind in ("taskCompleted", "subOrchestrationInstanceCompleted"):
                answered.append(getattr(event, kind).taskScheduledId)
        self.assertEqual(len(asked), len(set(asked)), instance)
        self.assertEqual(sorted(asked), sorted(answered), instance)
        self.assertEqual([e.WhichOneof("eventType") for e in events].count("executionCompleted"), 1, instance)


def main():
    if sys.argv[1:2] == ["work"]:
        return work(sys.argv[2])
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", choices=WORKERS, default="python")
    options, rest = parser.parse_known_args()
    if options.worker == "java" and not java_clients.are_there():
        print(java_clients.SKIPPED)
        raise SystemExit(77)
    if options.worker in ("js", "dapr") and not os.path.isdir(f"{MODULES}/node_modules/@microsoft/durabletask-js"):
        print("skipped: the Node clients are not installed (./dev test installs them)")
        raise SystemExit(77)
    CrashTest.worker_kind = options.worker
    return unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
