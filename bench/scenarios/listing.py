"""Starting and listing over one million finished executions, in turn with a server that has next to none."""
import json

import lib
from scenarios import writes

ROUNDS = 5
EXECUTIONS = 1_000_000
FEW = 200  # so that a page of 100 is full


def fill(server, count):
    machine = lib.create_machine(server, "pass", lib.ONE_PASS)
    done = lib.load(server, "start", 64, 600, machine, requests=count)
    lib.settle(server)
    return machine, done["requests"]


def probes(server, machine):
    """What is compared, each as a function that answers a p50 of one client in microseconds."""
    page = {"stateMachineArn": machine, "maxResults": 100}
    listing = [json.dumps(page), json.dumps({**page, "statusFilter": "SUCCEEDED"})]
    return [lambda: lib.load(server, "start", 1, 1, machine)["latency_p50_us"],
            *(lambda body=body: lib.load(server, "call", 1, 0.5, "ListExecutions", body)["latency_p50_us"] for body in listing)]


def measure(figures, where, seconds):
    with lib.new_server(where, "full") as full, lib.new_server(where, "empty") as empty:
        with writes.Watch(full) as watch:
            full_machine, finished = fill(full, EXECUTIONS)
        empty_machine, _ = fill(empty, FEW)
        results = lib.interleave(ROUNDS, *probes(full, full_machine), *probes(empty, empty_machine))
    figures.note("finished executions", finished, "executions")
    figures.note("log bytes of each", watch.log / finished, "bytes")
    figures.note("flushed and compacted of each", watch.tables / finished, "bytes")
    names = ("StartExecution", "ListExecutions", "ListExecutions of SUCCEEDED")
    for name, over_full, over_empty in zip(names, results[:3], results[3:]):
        figures.note(f"{name}, p50, one million finished", lib.median(over_full), "us")
        figures.note(f"{name}, p50, {FEW} finished", lib.median(over_empty), "us")
        figures.add(f"{name}: one million finished / {FEW}", lib.median(over_full) / lib.median(over_empty), "ratio", 1.5)
