"""A person answers, or a timer runs out: approval.py HOST:PORT [yes|no|silent]"""
import datetime
import sys

from durabletask import client, task, worker


def order(ctx, amount):
    return f"ordered for {amount}"


def approval(ctx, amount):
    answer = ctx.wait_for_external_event("approval")
    timeout = ctx.create_timer(datetime.timedelta(seconds=2))
    if (yield task.when_any([answer, timeout])) == timeout:
        return "nobody answered"
    if not answer.get_result():
        return "declined"
    return (yield ctx.call_activity(order, input=amount))


address, person = sys.argv[1], (sys.argv[2:] or ["yes"])[0]
with worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(approval)
    mine.add_activity(order)
    mine.start()
    hub = client.TaskHubGrpcClient(host_address=address)
    instance = hub.schedule_new_orchestration(approval, input=1200)
    hub.wait_for_orchestration_start(instance, timeout=60)
    if person != "silent":
        hub.raise_orchestration_event(instance, "approval", data=person == "yes")
    print(hub.wait_for_orchestration_completion(instance, timeout=60).serialized_output)
