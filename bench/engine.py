#!/usr/bin/env python3
"""The engine's figures beside what disk and kernel allow, all in one run: ./dev bench engine [--seconds S]."""
import argparse

import lib


def sequence(function, n):
    states = {f"S{i}": {"Type": "Task", "Resource": function, **({"End": True} if i == n else {"Next": f"S{i + 1}"})}
              for i in range(1, n + 1)}
    return {"StartAt": "S1", "States": states}


def parallel(function, n):
    branch = {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": function, "End": True}}}
    names = [{"StartAt": f"B{i}", "States": {f"B{i}": branch["States"]["B"]}} for i in range(n)]
    return {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": names, "End": True}}}


ONE_PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


def makespan_us(server, machine, seconds):
    """End to end as one HTTP client sees it: p50 of StartExecution until DescribeExecution says SUCCEEDED."""
    lib.load(server, "workflow", 1, 1, machine, poll_us=200)  # processes are warm after this
    result = lib.load(server, "workflow", 1, seconds, machine, poll_us=200)
    if result["errors"]:
        raise SystemExit(f"{result['errors']} executions failed")
    return result["latency_p50_us"]


def measure_steps(server, where, function, figures, seconds):
    before = lib.substrate(where, figures)
    round_trip = lib.runtime_api_us(where, figures)
    n = 80
    step = makespan_us(server, lib.create_machine(server, "sequence", sequence(function, n)), seconds) / n
    after = lib.substrate(where, figures)
    sync = (before["fdatasync_p50_us"] + after["fdatasync_p50_us"]) / 2
    figures.note("sequence of 80, per step", step, "us")
    figures.add("sequence of 80: step / (fdatasync + call)", step / (sync + round_trip), "ratio", 2)
    few = makespan_us(server, lib.create_machine(server, "parallel5", parallel(function, 5)), seconds)
    many = makespan_us(server, lib.create_machine(server, "parallel80", parallel(function, 80)), seconds)
    figures.note("parallel of 5, makespan", few, "us")
    figures.note("parallel of 80, makespan", many, "us")
    figures.add("parallel: makespan of 80 / of 5", many / few, "ratio", 4)


def measure_starts(server, where, figures, seconds):
    machine = lib.create_machine(server, "pass", ONE_PASS)
    lib.load(server, "start", 64, 1, machine)
    before = lib.substrate(where, figures)
    counters, cpu = lib.metrics(server), lib.cpu_seconds(server)
    result = lib.load(server, "start", 64, seconds, machine)
    cpu = lib.cpu_seconds(server) - cpu
    now = lib.metrics(server)
    after = lib.substrate(where, figures)
    syncs = now["tandem_syncs_total"] - counters["tandem_syncs_total"]
    records = now["tandem_records_total"] - counters["tandem_records_total"]
    single = (before["fdatasync_per_s"] + after["fdatasync_per_s"]) / 2
    figures.note("single fdatasyncs", single, "per s")
    figures.note("StartExecution, 64 clients", result["per_s"], "per s")
    figures.note("StartExecution, 64 clients, p50", result["latency_p50_us"] / 1000, "ms")
    figures.note("StartExecution, server CPU", cpu / result["requests"] * 1e6, "us each")
    figures.note("records per sync", records / syncs, "records")
    figures.add("StartExecution, 64 clients / fdatasyncs", result["per_s"] / single, "ratio", 2.5, most=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    figures = lib.Figures()
    with lib.directory() as where, lib.Server(data=where + "/server") as server:
        function = lib.deploy_noop(server)
        measure_steps(server, where, function, figures, options.seconds)
        measure_starts(server, where, figures, options.seconds)
    figures.finish()


if __name__ == "__main__":
    main()
