#!/usr/bin/env python3
"""A distributed Map of no-op functions over 10,000, 100,000 and 300,000 items, 1,000 children at a time: rates, the server's memory, and
a SIGKILL in the middle of 100,000, after which each child has finished exactly once: ./dev bench distributed-map."""
import argparse
import collections
import json
import time

import lib

CONCURRENCY = 1_000
MEMORY_MIB = 256  # whatever the number of items: the store's buffers fill, the run itself does not grow


def definition(function, concurrency):
    return {"StartAt": "M", "States": {"M": {
        "Type": "Map", "MaxConcurrency": concurrency, "End": True,
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"},
                       "Parameters": {"Bucket": "items", "Key.$": "$.key"}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results", "Prefix.$": "$.key"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "F",
                          "States": {"F": {"Type": "Task", "Resource": function, "End": True}}}}}}


def peak_bytes(server):
    """The most memory that the process had resident, since its start."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


class Runner:
    def __init__(self, server, machine):
        self.server, self.machine = server, machine
        self.buckets = lib.data_directory(server) / "buckets"
        for bucket in ("items", "results"):
            (self.buckets / bucket).mkdir(parents=True, exist_ok=True)

    def start(self, items):
        key = f"{items}.jsonl"
        (self.buckets / "items" / key).write_text("".join(f'{{"n":{n}}}\n' for n in range(items)))
        api = self.server.client("stepfunctions")
        execution = api.start_execution(stateMachineArn=self.machine, input=json.dumps({"key": key}))["executionArn"]
        while not (runs := api.list_map_runs(executionArn=execution)["mapRuns"]):
            time.sleep(0.01)
        return execution, runs[0]["mapRunArn"]

    def until(self, run, is_reached):
        """Asks until it is, and answers the most memory that was resident meanwhile."""
        api, most = self.server.client("stepfunctions"), 0
        while not is_reached(api.describe_map_run(mapRunArn=run)):
            most = max(most, lib.resident_bytes(self.server))
            time.sleep(0.1)
        return most

    def check(self, run, execution, items):
        """Children that did not finish exactly once: by their listing, and by the results that were written."""
        api = self.server.client("stepfunctions")
        pages = api.get_paginator("list_executions").paginate(mapRunArn=run, PaginationConfig={"PageSize": 1000})
        states = collections.Counter(child["status"] for page in pages for child in page["executions"])
        output = json.loads(api.describe_execution(executionArn=execution)["output"])
        manifest = json.loads((self.buckets / "results" / output["ResultWriterDetails"]["Key"]).read_text())
        seen = collections.Counter()
        for file in manifest["ResultFiles"]["SUCCEEDED"]:
            for result in json.loads((self.buckets / "results" / file["Key"]).read_text()):
                seen[json.loads(result["Input"])["n"]] += 1
        return abs(states["SUCCEEDED"] - items) + sum(states.values()) - states["SUCCEEDED"] + sum(seen[n] != 1 for n in range(items))


def is_closed(told):
    return told["status"] != "RUNNING"


def measure(figures, where, items, concurrency):
    figures.part(f"{items:,} items")
    server = lib.new_server(where, f"server-{items}").start()
    try:
        runner = Runner(server, lib.create_machine(server, "map", definition(lib.deploy_native(server), concurrency)))
        began = time.monotonic()
        execution, run = runner.start(items)
        runner.until(run, is_closed)
        figures.note(f"children a second, {items:,} items", items / (time.monotonic() - began), "1/s")
        figures.add(f"peak resident memory, {items:,} items", peak_bytes(server) / 2**20, "MiB", MEMORY_MIB)
        figures.add(f"children not finished exactly once, {items:,} items", runner.check(run, execution, items), "children", 0)
    finally:
        server.stop()


def crash(figures, where, items, concurrency):
    figures.part(f"{items:,} items, SIGKILL in the middle")
    server = lib.new_server(where, "server-crash").start()
    try:
        runner = Runner(server, lib.create_machine(server, "map", definition(lib.deploy_native(server), concurrency)))
        execution, run = runner.start(items)
        runner.until(run, lambda told: told["itemCounts"]["succeeded"] >= items // 2)
        server.kill()
        began = time.monotonic()
        server.start()
        done = server.client("stepfunctions").describe_map_run(mapRunArn=run)["itemCounts"]["succeeded"]
        figures.note("restart until the run is described", time.monotonic() - began, "s")
        figures.note("children that had finished", done, "children")
        runner.until(run, is_closed)
        figures.note("peak resident memory after the restart", peak_bytes(server) / 2**20, "MiB")
        figures.add("children not finished exactly once, after the kill", runner.check(run, execution, items), "children", 0)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    options = parser.parse_args()
    figures = lib.Figures()
    with lib.directory() as where:
        for items in (options.items // 10, options.items, 3 * options.items):
            measure(figures, where, items, options.concurrency)
        crash(figures, where, options.items, options.concurrency)
    figures.finish("distributed-map")


if __name__ == "__main__":
    main()
