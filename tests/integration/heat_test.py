#!/usr/bin/env python3
"""examples/heat on a real cluster: built with either MPI, swept as a job array, solved by a gang on two nodes, drawn by a function."""
import base64
import io
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time
import zipfile
import zlib

try:
    import boto3  # noqa: F401
except ImportError:
    print("boto3 is not installed")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slurm_cluster
from server import ROOT, Server
from slurm_cluster import SlurmCluster, wait_for

HEAT = ROOT / "examples/heat"
ROLE = "arn:aws:iam::123456789012:role/test"
SECONDS = 120
FAILURES = []


def check(condition, what):
    if not condition:
        FAILURES.append(what)
        print(f"WRONG: {what}", flush=True)


def configuration(cluster):
    file = cluster.directory / "tandem.toml"
    file.write_text(f'[slurm]\ndirectory = "{cluster.shared}/jobs"\nconfiguration = "{cluster.configuration}"\n')
    return file


def deploy(server):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.write(HEAT / "functions/draw/lambda_function.py", "lambda_function.py")
    functions = server.client("lambda")
    functions.create_function(FunctionName="heat-draw", Runtime="python3.11", Role=ROLE, Handler="lambda_function.lambda_handler",
                              Timeout=60, Code={"ZipFile": buffer.getvalue()})
    functions.get_waiter("function_active_v2").wait(FunctionName="heat-draw")
    client = server.client("stepfunctions")
    return client.create_state_machine(name="heat", definition=(HEAT / "heat.asl.json").read_text(), roleArn=ROLE)["stateMachineArn"]


def picture(text):
    """(width, height) of a PNG file whose checksums and size are right."""
    data = base64.b64decode(text)
    check(data.startswith(b"\x89PNG\r\n\x1a\n"), "the picture is a PNG file")
    at, parts = 8, {}
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        check(struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(name + body), f"checksum of {name}")
        parts[name] = body
        at += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    pixels = zlib.decompress(parts[b"IDAT"])
    check(len(pixels) == height * (width + 1) and len(set(pixels)) > 100, "the picture has its pixels, and many colours")
    return width, height


def run(server, cluster, machine, mpi, launcher):
    directory = cluster.shared / f"{mpi}-{launcher}"
    directory.mkdir()
    request = {**json.loads((HEAT / "input.json").read_text()), "source": str(HEAT), "directory": str(directory), "mpi": mpi,
               "launcher": launcher, "cells": 192, "environment": cluster.job_environment()}
    client = server.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=machine, name=directory.name, input=json.dumps(request))["executionArn"]

    def ended():
        described = client.describe_execution(executionArn=execution)
        return described if described["status"] != "RUNNING" else None
    return wait_for(ended, SECONDS, "the workflow", every=0.1)


def bad_input(cluster):
    """The program itself, without a launcher, as any user would call it wrongly."""
    program = str(cluster.shared / "mpich-pmi2/heat")
    good = {"--plate": f"{HEAT}/plate.csv", "--readings": f"{HEAT}/readings.csv", "--diffusivity": "97"}
    broken = cluster.shared / "broken.csv"
    broken.write_text("x,y,temperature\n0.1,0.2\n")
    for wrong in ({"--plate": "/none.csv"}, {"--readings": str(broken)}, {"--diffusivity": "-1"}, {"--diffusivity": "hot"},
                  {"--cells": "0"}, {"--cells": "30000"}, {"--seconds": "0"}, {"--output": "/none/plate.f32"}, {"cells": "9"}):
        done = subprocess.run([program, *(w for pair in {**good, **wrong}.items() for w in pair)], capture_output=True, text=True, timeout=SECONDS, check=False)
        check(done.returncode != 0 and "heat: " in done.stderr and not done.stdout, f"{wrong} is refused: {done}")
    done = subprocess.run([program, *(w for pair in good.items() for w in pair)], capture_output=True, text=True, timeout=SECONDS, check=False)
    check(done.returncode == 0 and json.loads(done.stdout)["ranks"] == 1, "alone it is one rank")


def main():
    reason = slurm_cluster.missing() or " ".join(f"mpicxx.{m} is not installed" for m in ("openmpi", "mpich") if not shutil.which(f"mpicxx.{m}"))
    if reason:
        print(reason)
        sys.exit(77)
    with SlurmCluster(rest=False) as cluster, Server(arguments=["--config", str(configuration(cluster))]) as server:
        machine = deploy(server)
        for mpi, launcher in (("openmpi", "pmix"), ("mpich", "pmi2")):
            began = time.monotonic()
            described = run(server, cluster, machine, mpi, launcher)
            print(f"{mpi}: {described['status']} after {time.monotonic() - began:.1f} s", flush=True)
            check(described["status"] == "SUCCEEDED", f"{mpi}: {described.get('error')} {described.get('cause')}")
            if described["status"] == "SUCCEEDED":
                report = json.loads(described["output"])
                check(report["material"] == "aluminium" and report["misfit"] < 1.5 and report["ranks"] == 4, f"{mpi}: {report}")
                check(picture(report["png"])[1] > 384, "the picture is as large as it should be")
                check((cluster.shared / f"{mpi}-{launcher}/plate.f32").stat().st_size == 4 * 192 * 192, "all cells are written")
        described = run(server, cluster, machine, "mpich", "none")
        check(described["status"] == "FAILED" and described.get("error") == "RanksAlone", f"MPICH under the wrong launcher: {described}")
        bad_input(cluster)
    print(f"{len(FAILURES)} failures")
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
