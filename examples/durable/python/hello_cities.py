"""Activities one after the other: hello_cities.py HOST:PORT"""
import sys

from durabletask import client, worker


def hello(ctx, city):
    return f"Hello {city}!"


def hello_cities(ctx, _):
    greetings = []
    for city in ["Tokyo", "Seattle", "London", "Paris", "Oslo"]:
        greetings.append((yield ctx.call_activity(hello, input=city)))
    return greetings


address = sys.argv[1]
with worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(hello_cities)
    mine.add_activity(hello)
    mine.start()
    hub = client.TaskHubGrpcClient(host_address=address)
    instance = hub.schedule_new_orchestration(hello_cities)
    print(hub.wait_for_orchestration_completion(instance, timeout=60).serialized_output)
