"""A worker of the Python SDK for bench/durable.py: hello cities. durable_worker.py HOST:PORT"""
import logging
import signal
import sys

from durabletask import worker

logging.disable(logging.CRITICAL)


def hello(_, city):
    return f"Hello {city}!"


def cities(ctx, _):
    greetings = []
    for city in ("Tokyo", "Seattle", "London", "Paris", "Oslo"):
        greetings.append((yield ctx.call_activity(hello, input=city)))
    return greetings


with worker.TaskHubGrpcWorker(host_address=sys.argv[1]) as mine:
    mine.add_orchestrator(cities)
    mine.add_activity(hello)
    mine.start()
    signal.pause()
