"""An orchestration without an end, fed by events, that somebody terminates: eternal.py HOST:PORT"""
import sys
import time

from durabletask import client, worker

READINGS = [3, 5, 8, 1]


def eternal(ctx, state):
    reading = yield ctx.wait_for_external_event("reading")
    state = {"count": state["count"] + 1, "largest": max(state["largest"], reading)}
    ctx.set_custom_status(state)
    ctx.continue_as_new(state, save_events=True)


address = sys.argv[1]
with worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(eternal)
    mine.start()
    hub = client.TaskHubGrpcClient(host_address=address)
    instance = hub.schedule_new_orchestration(eternal, input={"count": 0, "largest": 0})
    for reading in READINGS:
        hub.raise_orchestration_event(instance, "reading", data=reading)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = hub.get_orchestration_state(instance).serialized_custom_status
        if status and f'"count": {len(READINGS)}' in status:
            break
        time.sleep(0.05)
    print(status)
    hub.terminate_orchestration(instance, output="enough")
    state = hub.wait_for_orchestration_completion(instance, timeout=60)
    print(state.runtime_status.name, state.serialized_output)
