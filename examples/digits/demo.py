#!/usr/bin/env python3
"""Runs the digits pipeline with the unmodified AWS CLI and boto3, through a SIGKILL of the server.

Usage: demo.py --tandem PATH [--no-color]. Writes build/demo/confusion.png. Exit status 0 when every
result was used exactly once and the model is good enough.
"""
import argparse
import collections
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import boto3

HERE = pathlib.Path(__file__).resolve().parent
ROLE = "arn:aws:iam::123456789012:role/demo"
FUNCTIONS = ["split", "features", "statistics", "evaluate"]
SETTINGS = [
    {"id": i, "hidden": hidden, "rate": rate, "decay": decay, "epochs": 60}
    for i, (hidden, rate, decay) in enumerate(
        (h, r, d) for h in (0, 12, 24, 32) for r, d in ((0.01, 0.0), (0.05, 0.0), (0.05, 0.001)))
]


class Server:
    """`tandem serve` on a free port over one data directory; may be killed and started again."""

    def __init__(self, binary, directory):
        self.binary, self.directory, self.process, self.port = str(binary), directory, None, 0
        self.log = open(directory / "server.log", "ab")

    def start(self):
        ready = self.directory / "ready.json"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.directory / "data"), "--port", str(self.port), "--ready-file", str(ready)],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server did not start; see {self.directory / 'server.log'}")
            time.sleep(0.02)
        self.ready = json.loads(ready.read_text())
        self.port = int(self.ready["aws"].rsplit(":", 1)[1])

    def environment(self):
        return dict(os.environ, AWS_ACCESS_KEY_ID=self.ready["access_key_id"], AWS_SECRET_ACCESS_KEY=self.ready["secret_access_key"],
                    AWS_DEFAULT_REGION=self.ready["region"], AWS_ENDPOINT_URL=self.ready["aws"], AWS_PAGER="")

    def client(self, service):
        return boto3.client(service, endpoint_url=self.ready["aws"], region_name=self.ready["region"],
                            aws_access_key_id=self.ready["access_key_id"], aws_secret_access_key=self.ready["secret_access_key"])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)


def aws(server, *arguments):
    command = [shutil.which("aws", path=os.path.dirname(sys.executable)) or "aws", *arguments]
    done = subprocess.run(command, env=server.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"aws {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return json.loads(done.stdout) if done.stdout.strip() else {}


def package(name, binary_directory, directory):
    path = directory / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        if name == "train":
            info = zipfile.ZipInfo("bootstrap")
            info.external_attr = 0o100755 << 16
            out.writestr(info, (binary_directory / "examples/digits/train/bootstrap").read_bytes(), zipfile.ZIP_DEFLATED)
        else:
            out.write(HERE / "functions" / name / "lambda_function.py", "lambda_function.py")
            if name != "evaluate":
                out.write(HERE / "data" / "digits.csv.gz", "digits.csv.gz")
    return path


def deploy(server, binary_directory, directory):
    for name in FUNCTIONS + ["train"]:
        native = name == "train"
        aws(server, "lambda", "create-function", "--function-name", f"digits-{name}", "--role", ROLE,
            "--runtime", "provided.al2023" if native else "python3.11",
            "--handler", "bootstrap" if native else "lambda_function.lambda_handler",
            "--timeout", "120", "--memory-size", "256",
            "--zip-file", f"fileb://{package(name, binary_directory, directory)}")
        aws(server, "lambda", "wait", "function-active-v2", "--function-name", f"digits-{name}")
        print(f"  aws lambda create-function digits-{name}")
    machine = aws(server, "stepfunctions", "create-state-machine", "--name", "digits", "--role-arn", ROLE,
                  "--definition", f"file://{HERE / 'digits.asl.json'}")
    print("  aws stepfunctions create-state-machine digits")
    return machine["stateMachineArn"]


def history(client, execution):
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def sweep_done(events):
    return sum(1 for e in events if e["type"] == "MapIterationSucceeded" and e["mapIterationSucceededEventDetails"]["name"] == "Sweep")


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            sys.exit(f"gave up waiting for {what}")
        time.sleep(0.05)


def check_exactly_once(events, report):
    """What the history must say after a crash: nothing lost, nothing twice."""
    problems = []
    if [e["id"] for e in events] != list(range(1, len(events) + 1)):
        problems.append("event ids are not 1, 2, 3, ...")
    for state, expected in (("Prepare", 8), ("Sweep", len(SETTINGS))):
        counts = collections.Counter(e["mapIterationSucceededEventDetails"]["index"] for e in events
                                     if e["type"] == "MapIterationSucceeded" and e["mapIterationSucceededEventDetails"]["name"] == state)
        if counts != {i: 1 for i in range(expected)}:
            problems.append(f"{state}: iterations succeeded {dict(counts)}")
    exits = collections.Counter(e["stateExitedEventDetails"]["name"] for e in events if e["type"] == "TaskStateExited")
    for state, expected in (("Features", 8), ("Statistics", 8), ("Train", len(SETTINGS)), ("Evaluate", 1), ("Split", 1)):
        if exits[state] != expected:
            problems.append(f"{state} was left {exits[state]} times, not {expected}")
    succeeded = sum(1 for e in events if e["type"] == "TaskSucceeded")
    if succeeded != 8 + 8 + len(SETTINGS) + 2:
        problems.append(f"{succeeded} task results were recorded")
    if sorted(c["id"] for c in report["candidates"]) != list(range(len(SETTINGS))):
        problems.append("a candidate is missing or repeated")
    if sum(1 for e in events if e["type"] == "TaskFailed" and e["taskFailedEventDetails"]["error"] == "Flaky") != 1:
        problems.append("the function that fails once on purpose did not fail exactly once")
    return problems


def draw(report, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    test = report["test"]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5.2), width_ratios=[1, 1.1])
    left.imshow(test["confusion"], cmap="Blues")
    for truth, row in enumerate(test["confusion"]):
        for answer, count in enumerate(row):
            if count:
                left.text(answer, truth, count, ha="center", va="center", color="white" if count > 10 else "black", fontsize=9)
    left.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="truth",
             title=f"Confusion on {test['images']} unseen images: {test['accuracy']:.1%} right")
    candidates = sorted(report["candidates"], key=lambda c: c["accuracy"])
    colors = ["tab:orange" if c["id"] == report["best"]["id"] else "tab:blue" for c in candidates]
    right.barh([f"#{c['id']}: {c['hidden']} hidden" for c in candidates], [c["accuracy"] for c in candidates], color=colors)
    right.set(xlim=(min(c["accuracy"] for c in candidates) - 0.02, 1), xlabel="validation accuracy", title="The sweep; orange: chosen")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def show(report):
    print("\n  truth \\ answer   " + "".join(f"{d:4}" for d in range(10)))
    for truth, row in enumerate(report["test"]["confusion"]):
        print(f"        {truth}          " + "".join(f"{count or '.':>4}" for count in row))
    best = report["best"]
    print(f"\n  best of {len(report['candidates'])} settings: #{best['id']} ({best['hidden']} hidden units), "
          f"validation {best['validation_accuracy']:.1%}")
    print(f"  accuracy on {report['test']['images']} unseen images: {report['test']['accuracy']:.1%}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tandem", required=True)
    parser.add_argument("--no-color", action="store_true")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    bold = (lambda text: text) if options.no_color or not sys.stdout.isatty() else (lambda text: f"\033[1m{text}\033[0m")
    binary = pathlib.Path(options.tandem).resolve()
    directory = binary.parent.parent / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    server = Server(binary, directory)
    try:
        print(bold("1. A server on its embedded store, and the pipeline deployed with the AWS CLI"))
        server.start()
        print(f"  tandem serve: {server.ready['aws']}")
        machine = deploy(server, binary.parent, directory)
        print(bold("2. Start it, and kill the server in the middle of the sweep"))
        execution = aws(server, "stepfunctions", "start-execution", "--state-machine-arn", machine, "--name", "demo",
                        "--input", json.dumps({"settings": SETTINGS, "fail_at": 2}))["executionArn"]
        client = server.client("stepfunctions")
        before = wait_until(lambda: (lambda n: n if n >= 4 else 0)(sweep_done(history(client, execution))), 120, "the sweep")
        server.kill()
        print(f"  kill -9 with {before} of {len(SETTINGS)} settings trained")
        began = time.monotonic()
        server.start()
        client = server.client("stepfunctions")
        print(f"  started again, ready after {time.monotonic() - began:.2f} s; the execution is {client.describe_execution(executionArn=execution)['status']}")
        print(bold("3. It finishes"))
        description = wait_until(lambda: (lambda d: d if d["status"] != "RUNNING" else None)(client.describe_execution(executionArn=execution)), 300, "the end")
        if sys.stdout.isatty():  # in a pipe it would print every step
            subprocess.run([str(binary), "--ready-file", str(directory / "ready.json"), "watch", execution], check=False)
        if description["status"] != "SUCCEEDED":
            sys.exit(f"the execution ended as {description['status']}: {description.get('error')} {description.get('cause')}")
        report = json.loads(description["output"])
        events = history(client, execution)
        problems = check_exactly_once(events, report)
        show(report)
        draw(report, directory / "confusion.png")
        print(f"  picture: {directory / 'confusion.png'}")
        if problems:
            sys.exit("the history is wrong: " + "; ".join(problems))
        print(bold(f"  {len(events)} events, every result used exactly once"))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
