"""Orchestrations of the unmodified Java SDK on a running server, and what later Java workers do: they answer large turns in parts."""
import subprocess
import unittest

from clients import PatientTestCase

try:
    import grpc
    from durabletask.internal import orchestrator_service_pb2 as pb
    from durabletask.internal import orchestrator_service_pb2_grpc as stubs
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
import java_clients
from server import Server

ACTIVITIES = 3000  # of one turn
PARTS = 4


@unittest.skipUnless(java_clients.are_there(), java_clients.SKIPPED)
class JavaTest(unittest.TestCase):
    def test_sdk(self):
        with Server() as server:
            done = subprocess.run([*java_clients.command("DurableJava"), server.ready["grpc"], server.ready["secret_access_key"]],
                                  capture_output=True, text=True, timeout=240)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
            self.assertEqual(done.stdout.splitlines()[-1], "ok")


class PartsTest(PatientTestCase):
    """A worker by hand that does as Java's later SDKs do: the parts of an answer have one token, and only the last one ends the turn."""

    def setUp(self):
        server = Server(arguments=["--no-auth"]).start()
        self.addCleanup(server.stop)
        channel = grpc.insecure_channel(server.ready["grpc"])
        self.addCleanup(channel.close)
        self.stub = stubs.TaskHubSidecarServiceStub(channel)
        self.stub.StartInstance(pb.CreateInstanceRequest(instanceId="large", name="large"))

    def turn(self):
        stream = self.stub.GetWorkItems(pb.GetWorkItemsRequest(maxConcurrentOrchestrationWorkItems=1,
                                                                  maxConcurrentActivityWorkItems=ACTIVITIES))
        return stream, next(stream)

    @staticmethod
    def part(item, index):
        each = ACTIVITIES // PARTS
        actions = [pb.OrchestratorAction(id=number, scheduleTask=pb.ScheduleTaskAction(name="small"))
                   for number in range(1 + index * each, 1 + (index + 1) * each)]
        response = pb.OrchestratorResponse(instanceId="large", completionToken=item.completionToken, actions=actions,
                                           isPartial=index < PARTS - 1)
        response.chunkIndex.value = index
        if index > 0:
            response.numEventsProcessed.value = 0
        return response

    def scheduled(self):
        history = self.stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="large"))
        return [event.eventId for chunk in history for event in chunk.events if event.HasField("taskScheduled")]

    def test_a_turn_in_parts(self):
        stream, item = self.turn()
        for index in range(PARTS - 1):
            self.stub.CompleteOrchestratorTask(self.part(item, index))
            self.assertEqual(self.scheduled(), [])  # not before the last one
        self.stub.CompleteOrchestratorTask(self.part(item, PARTS - 1))
        self.assertEqual(self.scheduled(), list(range(1, ACTIVITIES + 1)))
        tasks = sorted(next(stream).activityRequest.taskId for _ in range(ACTIVITIES))
        self.assertEqual(tasks, list(range(1, ACTIVITIES + 1)))
        with self.assertRaises(grpc.RpcError) as caught:
            self.stub.CompleteOrchestratorTask(self.part(item, 0))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_parts_of_a_lost_worker_do_not_count(self):
        stream, item = self.turn()
        for index in range(PARTS - 1):
            self.stub.CompleteOrchestratorTask(self.part(item, index))
        stream.cancel()
        stream, again = self.turn()
        self.assertNotEqual(again.completionToken, item.completionToken)
        complete = pb.CompleteOrchestrationAction(orchestrationStatus=pb.ORCHESTRATION_STATUS_COMPLETED)
        self.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
            instanceId="large", completionToken=again.completionToken,
            actions=[pb.OrchestratorAction(id=1, completeOrchestration=complete)]))
        self.assertEqual(self.scheduled(), [])
        state = self.stub.GetInstance(pb.GetInstanceRequest(instanceId="large")).orchestrationState
        self.assertEqual(state.orchestrationStatus, pb.ORCHESTRATION_STATUS_COMPLETED)


if __name__ == "__main__":
    unittest.main()
