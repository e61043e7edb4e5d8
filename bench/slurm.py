#!/usr/bin/env python3
"""Functions in pilots, and job arrays, on a real Slurm that this machine starts: ./dev bench slurm [--rounds N]."""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import lib
import slurm_cluster
from server import Server  # noqa: E402

CPUS = 4  # slots of a pilot
PILOTS = 2
CALLS = 10_000
INDICES = 1_000
SLEEP_MS = 20
CONFIGURATION = """[slurm]
directory = "{directory}"
configuration = "{configuration}"
poll_ms = 500

[pools.bench]
cpus = {cpus}
memory_mb = 1000
min_pilots = {pilots}
max_pilots = {pilots}
walltime_minutes = 60
"""
SLEEPER = f"""import time
def handler(event, context):
    time.sleep({SLEEP_MS / 1000})
    return {{}}
"""


def wait(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not after {seconds} s")
        time.sleep(0.01)


def call_us(server, name, seconds=1):
    """p50 of Invoke over one connection, 1 KiB there and back."""
    result = lib.load(server, "post", clients=1, seconds=seconds, target=f"/2015-03-31/functions/{name}/invocations",
                      body=json.dumps({"data": "x" * 1010}))
    return result["latency_p50_us"]


def srun_us(cluster, job):
    began = time.perf_counter()
    cluster.run("srun", "--overlap", f"--jobid={job}", "-n1", "true")
    return (time.perf_counter() - began) * 1e6


def calls(figures, cluster, server, rounds):
    figures.part("function calls")
    job = int(cluster.run("squeue", "-h", "-o", "%i").split()[0])
    for name in ("local", "pilot"):
        call_us(server, name)
    local, pilot, srun = [], [], []
    for i in range(2 * rounds):
        # Connections come to the server's loops in turn: either kind of call is made through each of them.
        for name, values in (("local", local), ("pilot", pilot))[::1 if i % 2 == 0 else -1]:
            values.append(call_us(server, name))
        srun.append(statistics.median(srun_us(cluster, job) for _ in range(5)))
    figures.note("local pool, Invoke of 1 KiB, p50", lib.median(local), "us")
    figures.note("pilot, Invoke of 1 KiB, p50", lib.median(pilot), "us")
    figures.note("srun --overlap of `true` in the same allocation, p50", lib.median(srun), "us")
    figures.add("a call through a pilot beside the local pool, p50", lib.median(p / q for p, q in zip(pilot, local)), "times", 1.5)
    figures.add("srun --overlap beside a call through a pilot, p50", lib.median(s / p for s, p in zip(srun, pilot)), "times", 50, most=False)


def full_slots(figures, server):
    """Utilisation: what calls lasted by their REPORT lines, over what the slots had from the first call to the last answer."""
    figures.part("queued calls")
    machine = lib.create_machine(server, "all", {"StartAt": "M", "States": {"M": {
        "Type": "Map", "End": True, "MaxConcurrency": 1000, "ResultPath": None,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "F", "States": {
            "F": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
                  "Parameters": {"FunctionName": "sleeper", "Payload": {}}, "ResultSelector": {}}}}}}})
    sfn = server.client("stepfunctions")
    began = time.monotonic()
    arn = sfn.start_execution(stateMachineArn=machine, input=json.dumps(list(range(CALLS))))["executionArn"]
    wait(lambda: sfn.describe_execution(executionArn=arn)["status"] != "RUNNING", 600, "the calls")
    seconds = time.monotonic() - began
    if sfn.describe_execution(executionArn=arn)["status"] != "SUCCEEDED":
        raise SystemExit(str(sfn.describe_execution(executionArn=arn).get("cause"))[:2000])
    lasted = []

    def has_all():  # lines of logs come a moment after the answers
        log = subprocess.run([server.tandem, "logs", "sleeper", "--bytes", "4000000"], stdout=subprocess.PIPE, check=True, text=True,
                             env=server.variables()).stdout
        lasted[:] = [float(ms) for ms in re.findall(r"REPORT RequestId: \S+\s+Duration: ([0-9.]+) ms", log)]
        return len(lasted) >= CALLS
    wait(has_all, 30, "the calls' REPORT lines")
    figures.note("calls per second", CALLS / seconds, "per s")
    figures.add(f"slots of {PILOTS} pilots in use over {CALLS:,} calls of {SLEEP_MS} ms",
                100 * sum(lasted[-CALLS:]) / 1000 / (seconds * PILOTS * CPUS), "%", 95, most=False)


def arrays(figures, cluster, server, directory, rounds):
    figures.part("job arrays")
    script = "#!/bin/sh\n:\n"
    machine = lib.create_machine(server, "array", {"StartAt": "J", "States": {"J": {
        "Type": "Task", "Resource": "arn:aws:states:::slurm:submitJob.sync", "End": True, "ResultPath": None,
        "Parameters": {"Name": "array", "Script": script, "Array": {"Size": INDICES}, "MemoryMiB": 10}}}})
    sfn = server.client("stepfunctions")
    file = pathlib.Path(directory) / "script"
    file.write_text(script)

    def by_tandem():
        began = time.monotonic()
        arn = sfn.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        wait(lambda: sfn.describe_execution(executionArn=arn)["status"] != "RUNNING", 600, "the array")
        seconds = time.monotonic() - began
        if sfn.describe_execution(executionArn=arn)["status"] != "SUCCEEDED":
            raise SystemExit(str(sfn.describe_execution(executionArn=arn).get("cause"))[:2000])
        return seconds

    def by_sbatch():
        began = time.monotonic()
        cluster.run("sbatch", "--wait", f"--array=0-{INDICES - 1}", "--mem=10", "-o", "/dev/null", str(file), seconds=600)
        return time.monotonic() - began

    ours, theirs = lib.interleave(rounds, by_tandem, by_sbatch)
    figures.note(f"array of {INDICES:,} as a step", lib.median(ours), "s")
    figures.note(f"sbatch --wait --array of {INDICES:,}", lib.median(theirs), "s")
    figures.add(f"array of {INDICES:,}: a step beside sbatch", lib.median(a / b for a, b in zip(ours, theirs)), "times", 1.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="calls,queued,arrays")
    options = parser.parse_args()
    if slurm_cluster.missing():
        raise SystemExit(slurm_cluster.missing())
    only = options.only.split(",")
    figures = lib.Figures()
    with lib.directory() as where, slurm_cluster.SlurmCluster(nodes=2) as cluster:
        directory = pathlib.Path(cluster.shared) / "tandem"
        directory.mkdir()
        config = pathlib.Path(cluster.shared) / "tandem.toml"
        config.write_text(CONFIGURATION.format(directory=directory, configuration=cluster.configuration, cpus=CPUS, pilots=PILOTS))
        tandem = os.environ.get("TANDEM_BINARY") or str(lib.BUILD / "tandem")
        with Server(data=f"{where}/server", tandem=tandem, arguments=["--no-auth", "--config", str(config)]) as server:
            program = (lib.PROGRAMS / "bench_noop").read_bytes()
            lib.deploy(server, "local", "provided.al2023", "bootstrap", "bootstrap", program)
            lib.deploy(server, "pilot", "provided.al2023", "bootstrap", "bootstrap", program, pool="bench")
            lib.deploy(server, "sleeper", "python3.11", "index.handler", "index.py", SLEEPER, pool="bench")
            if "calls" in only:
                calls(figures, cluster, server, options.rounds)
            if "queued" in only:
                full_slots(figures, server)
        if "arrays" in only:
            config.write_text(CONFIGURATION.split("[pools")[0].format(directory=directory, configuration=cluster.configuration))
            for job in cluster.run("squeue", "-h", "-o", "%i").split():
                cluster.run("scancel", job)
            with Server(data=f"{where}/arrays", tandem=tandem, arguments=["--no-auth", "--config", str(config)]) as server:
                arrays(figures, cluster, server, where, max(1, options.rounds // 2))
    figures.finish("slurm")


if __name__ == "__main__":
    main()
