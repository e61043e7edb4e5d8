"""The Durable Task protocol by hand, for tests that make each state of an instance, and each answer of a worker, themselves."""
import uuid

from clients import PatientTestCase  # first: it finds the Python that has the clients

try:
    import grpc
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from google.protobuf import empty_pb2, timestamp_pb2, wrappers_pb2
from server import Server

SECONDS = 10  # that a call, or a worker that waits for an item, takes at most
RPCS = {method.name: method for method in pb.DESCRIPTOR.services_by_name["TaskHubSidecarService"].methods}
PREFIX = "/TaskHubSidecarService/"
Code = grpc.StatusCode
__all__ = ["PREFIX", "RPCS", "SECONDS", "Code", "Hub", "RawTestCase", "calls", "empty_pb2", "ends", "filled", "fresh", "grpc", "kind_of", "pb",
           "setUpModule", "shared", "stubs", "tearDownModule", "text", "timestamp_pb2", "turn"]


def fresh():
    return uuid.uuid4().hex


def text(value):
    return wrappers_pb2.StringValue(value=value)


def kind_of(item):
    return item.WhichOneof("request")


def calls(action_id, name="a", **fields):
    return pb.OrchestratorAction(id=action_id, scheduleTask=pb.ScheduleTaskAction(name=name, **fields))


def ends(status=pb.ORCHESTRATION_STATUS_COMPLETED, action_id=99, **fields):
    return pb.OrchestratorAction(id=action_id, completeOrchestration=pb.CompleteOrchestrationAction(orchestrationStatus=status, **fields))


def turn(item, *actions, **fields):
    """The answer of a turn."""
    fields = {"instanceId": item.orchestratorRequest.instanceId, "completionToken": item.completionToken, **fields}
    return pb.OrchestratorResponse(actions=actions, **fields)


def filled(kind, depth=3):
    """A message with something in each field."""
    message = kind._concrete_class()
    for field in kind.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.message_type is not None:
            value = filled(field.message_type, depth - 1) if depth > 0 else field.message_type._concrete_class()
            (getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)).CopyFrom(value)
        elif field.is_repeated:
            getattr(message, field.name).append("words" if field.type == field.TYPE_STRING else 1)
        else:
            setattr(message, field.name, {field.TYPE_STRING: "words", field.TYPE_BYTES: b"b", field.TYPE_BOOL: True}.get(field.type, 1))
    return message


class Worker:
    """A stream of work items. Those that a test does not ask for yet are kept for it."""

    def __init__(self, stub, metadata, request):
        self.stream = stub.GetWorkItems(request, metadata=metadata, timeout=12 * SECONDS)
        self.kept = []

    def item(self, instance, kind="orchestratorRequest"):
        for item in self.kept:
            if self.is_of(item, instance, kind):
                self.kept.remove(item)
                return item
        while not self.is_of(item := next(self.stream), instance, kind):
            self.kept.append(item)
        return item

    @staticmethod
    def is_of(item, instance, kind):
        request = getattr(item, kind_of(item))
        return kind_of(item) == kind and instance == (
            request.orchestrationInstance.instanceId if kind == "activityRequest" else request.instanceId)

    def close(self):
        self.stream.cancel()


class Hub:
    """A task hub: each rpc of the service is a method of it."""

    def __init__(self, channel, name=None):
        self.stub = stubs.TaskHubSidecarServiceStub(channel)
        self.name = name or fresh()
        self.metadata = (("taskhub", self.name),)

    def __getattr__(self, rpc):
        call = getattr(self.stub, rpc)

        def ask(request=None, timeout=SECONDS):
            request = request or RPCS[rpc].input_type._concrete_class()
            answer = call(request, metadata=self.metadata, timeout=timeout)
            return list(answer) if RPCS[rpc].server_streaming else answer
        return ask

    def worker(self, request=None):
        return Worker(self.stub, self.metadata, request or pb.GetWorkItemsRequest())

    def start(self, name="n", instance=None, **fields):
        return self.StartInstance(pb.CreateInstanceRequest(instanceId=instance or fresh(), name=name, **fields)).instanceId

    def state(self, instance):
        return self.GetInstance(pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True)).orchestrationState

    def status(self, instance):
        return pb.OrchestrationStatus.Name(self.state(instance).orchestrationStatus).removeprefix("ORCHESTRATION_STATUS_")

    def history(self, instance):
        chunks = self.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
        return [event for chunk in chunks for event in chunk.events]


class RawTestCase(PatientTestCase):
    def refused(self, codes, call):
        """Its status is `codes`, or one of them, and it says why."""
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertIn(caught.exception.code(), codes if isinstance(codes, set) else {codes}, caught.exception.details())
        return caught.exception.details()


class Shared:
    """The server of all tests of a file."""

    def start(self):
        self.server = Server(arguments=["--no-auth"]).start()
        self.channel = grpc.insecure_channel(self.server.ready["grpc"])

    def stop(self):
        self.channel.close()
        self.server.stop()


shared = Shared()
setUpModule, tearDownModule = shared.start, shared.stop
