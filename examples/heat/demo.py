#!/usr/bin/env python3
"""Runs the heat example on a real Slurm cluster that it starts on this machine: a sweep as a job array, an MPI gang on two nodes, and a
function in a pilot that draws the plate, by unmodified boto3.

Usage: demo.py --tandem PATH. Writes build/demo/heat.png. Exit status 0 when all of it ran and the material was found.
"""
import argparse
import base64
import io
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/integration"))
from server import Server  # noqa: E402
from slurm_cluster import SlurmCluster, missing  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/demo"
SECONDS = 180
CONFIGURATION = """[slurm]
directory = "{shared}/jobs"
configuration = "{configuration}"
poll_ms = 500

[pools.draw]
cpus = 1
memory_mb = 500
idle_s = 60
"""


def say(text=""):
    print(text, flush=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def deploy(server):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(HERE / "functions/draw/lambda_function.py", "lambda_function.py")
    functions = server.client("lambda")
    functions.create_function(FunctionName="heat-draw", Runtime="python3.11", Role=ROLE, Handler="lambda_function.lambda_handler", Timeout=60,
                              MemorySize=256, Code={"ZipFile": package.getvalue()}, Tags={"tandem:pool": "draw"})
    functions.get_waiter("function_active_v2").wait(FunctionName="heat-draw")
    say("deployed function heat-draw, to run in pilots of the pool draw")
    definition = (HERE / "heat.asl.json").read_text()
    machine = server.client("stepfunctions").create_state_machine(name="heat", definition=definition, roleArn=ROLE)["stateMachineArn"]
    say("deployed workflow heat")
    return machine


def follow(server, cluster, execution):
    """Says what Slurm has whenever that changes, until the workflow has ended."""
    client, seen = server.client("stepfunctions"), None
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        described = client.describe_execution(executionArn=execution)
        jobs = sorted(set(cluster.run("squeue", "-h", "-o", "%F %T %j %N").splitlines()))
        if jobs and jobs != seen:
            seen = jobs
            for line in jobs:
                say(f"  {time.monotonic() - began:5.1f} s  job {line}")
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.2)
    sys.exit(f"the workflow did not end; see {server.log_file}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tandem", required=True)
    options = parser.parse_args()
    lacking = missing() or ("" if shutil.which("mpicxx.openmpi") else "mpicxx.openmpi is not installed")
    if lacking:
        sys.exit(lacking)
    with SlurmCluster(rest=False) as cluster:
        say(f"Slurm runs on four nodes of this machine, in {cluster.directory}")
        config = cluster.directory / "tandem.toml"
        config.write_text(CONFIGURATION.format(shared=cluster.shared, configuration=cluster.configuration))
        with Server(arguments=["--config", str(config)], tandem=str(pathlib.Path(options.tandem).resolve()), port=free_port()) as server:
            machine = deploy(server)
            directory = cluster.shared / "heat"
            directory.mkdir()
            request = {**json.loads((HERE / "input.json").read_text()), "source": str(HERE), "directory": str(directory), "mpi": "openmpi",
                       "launcher": "pmix", "environment": cluster.job_environment()}
            execution = server.client("stepfunctions").start_execution(stateMachineArn=machine, name="demo", input=json.dumps(request))["executionArn"]
            say("started heat/demo: builds the program, sweeps materials as a job array, solves on two nodes, draws in a pilot")
            described = follow(server, cluster, execution)
            if described["status"] != "SUCCEEDED":
                sys.exit(f"{described['status']}: {described.get('error')} {described.get('cause')}")
            subprocess.run([server.tandem, "ls", "agents"], env=server.variables(), check=True)
            report = json.loads(described["output"])
    picture = ROOT / "build/demo/heat.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(base64.b64decode(report.pop("png")))
    say(f"the plate is of {report['material']} (misfit {report['misfit']:.2f}), solved by {report['ranks']} ranks")
    say(f"picture: {picture}")


if __name__ == "__main__":
    main()
