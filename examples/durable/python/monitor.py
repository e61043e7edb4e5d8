"""Looks again and again until a job is done, less often each time: monitor.py HOST:PORT. Every look is a new generation of the
orchestration, so its history never grows."""
import datetime
import pathlib
import sys
import tempfile
import threading
import time

from durabletask import client, worker


def is_done(ctx, path):
    return pathlib.Path(path).exists()


def monitor(ctx, job):
    if (yield ctx.call_activity(is_done, input=job["path"])):
        return f"done, seen at look {job['looks']}"
    ctx.set_custom_status(f"looked {job['looks']} times")
    yield ctx.create_timer(datetime.timedelta(milliseconds=min(50 * job["looks"], 1000)))
    ctx.continue_as_new({**job, "looks": job["looks"] + 1})


def work(path):
    time.sleep(0.5)
    pathlib.Path(path).touch()


address = sys.argv[1]
with tempfile.TemporaryDirectory() as directory, worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(monitor)
    mine.add_activity(is_done)
    mine.start()
    path = f"{directory}/result"
    threading.Thread(target=work, args=(path,)).start()
    hub = client.TaskHubGrpcClient(host_address=address)
    instance = hub.schedule_new_orchestration(monitor, input={"path": path, "looks": 1})
    print(hub.wait_for_orchestration_completion(instance, timeout=60).serialized_output)
