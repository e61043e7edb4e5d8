#!/usr/bin/env python3
"""The fault loop of batch jobs and of functions in pilots: slurmctld, nodes with all that runs on them, the server, agents, their relay and
whole pilots are killed at random moments while workflows run jobs and call functions on a real Slurm. Every step ends once and truthfully,
and what really started, counted from inside, is what is recorded. TANDEM_SLURM_JOBS (12) says how many jobs, TANDEM_SEED which faults.
slurm_crash_calls.py has the functions."""
import collections
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import unittest

from clients import ROLE, PatientTestCase, botocore
import slurm_cluster
import slurm_crash_calls as calls
from server import Server, binary
from slurm_jobs_test import configuration, machine

JOBS = int(os.environ.get("TANDEM_SLURM_JOBS", "12"))
START = '#!/bin/sh\nn="$TANDEM_JOB_ID.$TANDEM_ATTEMPT.$TANDEM_ARRAY_INDEX"\n: >"$STARTS/$n.$$.$(date +%s%N)"\n'
END = ': >"$STARTS/../ends/$n"\n'
ATTEMPTS = {"RetryStrategy": {"Attempts": 10}}
KINDS = {
    "quick": {"Script": START + END, **ATTEMPTS},
    "slow": {"Script": START + "sleep $(( ($$ % 4) + 1 ))\n" + END, **ATTEMPTS},
    "fails": {"Script": START + "sleep 1\n" + END + "exit 3\n"},
    "sweep": {"Script": START + END, "Array": {"Size": 6}, **ATTEMPTS},
}
# What may be said of a job that is not tried again.
LOST = ("Slurm.JobLost", "Slurm.NodeFailed")


DRAIN_SECONDS = 2  # less than some calls take: a pilot at its end gives those up
FAULTS = ("controller", "node", "node and its jobs", "server", "server", "agent", "agent", "relay", "relay", "pilot", "none")


def reserve_port():
    """One that outgoing connections are not given while its server is dead."""
    while True:
        port = random.choice(slurm_cluster.PORTS)
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class CrashTest(calls.CallChecks, PatientTestCase):
    seconds = 240 + JOBS * 2

    def setUp(self):
        self.cluster = slurm_cluster.SlurmCluster(node_timeout_s=2).start()
        self.addCleanup(self.cluster.stop)
        self.shared = pathlib.Path(self.cluster.shared)
        for name in ("jobs", "starts", "ends", "notes"):
            (self.shared / name).mkdir()
            (self.shared / name).chmod(0o777)  # functions are nobody
        server_port, self.relay_port = reserve_port(), reserve_port()
        config = self.shared / "tandem.toml"
        config.write_text(configuration(self.cluster, self.shared / "jobs") + calls.configuration(self.relay_port, DRAIN_SECONDS))
        self.server = Server(arguments=["--no-auth", "--config", str(config), "--grpc-port", "0"], port=server_port).start()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.relay = None
        self.addCleanup(self.kill_relay)
        self.start_relay()
        self.kills = []  # (from, to) of the server's

    def start_relay(self):
        with open(self.server.directory / "relay.log", "ab") as log:
            self.relay = subprocess.Popen([binary(), "agent", "relay", "--listen", f"127.0.0.1:{self.relay_port}", "--server", self.server.url],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill_relay(self):
        self.relay.kill()
        self.relay.wait()

    def test_every_step_ends_once_and_truthfully(self):
        seed = int(os.environ.get("TANDEM_SEED", "0")) or random.randrange(1, 1 << 30)
        print(f"seed {seed}", flush=True)
        try:
            self.play(random.Random(seed))
        except BaseException:
            print(f"--- the server's log:\n{self.server.log()}\n--- Slurm's:\n{self.cluster.log()}", flush=True)
            raise

    def play(self, chance):
        machines = {}
        for kind, job in KINDS.items():
            job = {"Name": kind, **job, "Environment": {"STARTS": str(self.shared / "starts")}, "MemoryMiB": 10, "TimeLimitMinutes": 30}
            machines[kind] = self.server.client("stepfunctions").create_state_machine(
                name=kind, definition=machine(job), roleArn=ROLE)["stateMachineArn"]
        function = calls.deploy(self.server)
        jobs, called = {}, {}
        faults = collections.Counter()
        while len(jobs) < JOBS:
            for _ in range(chance.randint(1, 4)):
                kind = chance.choice(list(KINDS))
                self.begin(machines[kind], f"{kind}-{len(jobs)}", jobs)
            for _ in range(chance.randint(0, 6)):
                self.begin(function, f"call-{len(called)}", called, calls.input_for(chance, self.shared / "notes"))
            time.sleep(chance.uniform(0, 1.5))
            faults[self.fault(chance)] += 1
        print("faults:", dict(faults), flush=True)
        left = [*jobs.values(), *called.values()]
        self.until("some never ended", lambda: self.all_ended(left))
        self.check_jobs(jobs)
        print("attempts of calls:", dict(self.check_calls(called, self.shared / "notes", self.kills)), flush=True)
        self.check_that_nothing_is_left()

    def begin(self, arn, name, begun, text="{}"):
        """Again with the same name, until it is acknowledged: it is one execution."""
        def acknowledged():
            try:
                begun[name] = self.server.client("stepfunctions").start_execution(stateMachineArn=arn, name=name, input=text)["executionArn"]
                return True
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                return False
        self.until("cannot be started", acknowledged)

    def fault(self, chance):
        what = chance.choice(FAULTS)
        if what == "controller":
            self.cluster.kill_controller()
            time.sleep(chance.uniform(0, 1))
            self.cluster.start_controller()
        elif what.startswith("node"):
            node = chance.randint(1, self.cluster.nodes)
            self.cluster.kill_node(node, what != "node")
            time.sleep(chance.uniform(0, 1))
            self.cluster.start_node(node, wait=False)
        elif what == "server":
            begin = time.time()
            self.server.kill()
            self.kills.append((begin, time.time()))
            time.sleep(chance.uniform(0, 0.5))
            self.server.start()
        elif what == "agent":
            agents = self.agents()
            if agents:
                os.kill(chance.choice(agents), signal.SIGKILL)
        elif what == "relay":
            self.kill_relay()
            time.sleep(chance.choice([0, 0.5, 3]))  # agents may be away for two seconds
            self.start_relay()
        elif what == "pilot":
            pilots = self.pilots()
            if pilots:
                self.cluster.client("scancel", chance.choice(pilots))
        return what

    def agents(self):
        """Process ids of the pilots' agents."""
        found = []
        for pid in self.cluster.processes():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:3] == [binary().encode(), b"agent", b"--server"]:
                found.append(pid)
        return sorted(found)

    def pilots(self):
        jobs = self.cluster.client("squeue", "-h", "-o", "%i %j").stdout.splitlines()
        return [job.split()[0] for job in jobs if job.split()[1].startswith("tdp-")]

    def all_ended(self, left):
        self.cluster.undrain()
        client = self.server.client("stepfunctions")
        while left and client.describe_execution(executionArn=left[-1])["status"] != "RUNNING":
            left.pop()
        time.sleep(0.5 if left else 0)
        return not left

    def check_that_nothing_is_left(self):
        """No slot is taken, no pilot and no job stays."""
        def pool():
            done = subprocess.run([binary(), "ls", "agents", "--json"], stdout=subprocess.PIPE, check=True, env=self.server.variables())
            return next(pool for pool in json.loads(done.stdout)["pools"] if pool["pool"] == calls.POOL)
        found = pool()
        self.assertEqual((found["queued"], found["running"]), (0, 0), found)
        for agent in found["agents"]:
            self.assertEqual((agent["freeSlots"], agent["running"]), (agent["slots"], 0), found)
        self.until("it does not scale to zero", lambda: not pool()["agents"] and not pool()["pilots"])
        self.until("jobs stay", lambda: not self.cluster.run("squeue", "-h"))
        self.until("an agent stays", lambda: not self.agents())

    def check_jobs(self, begun):
        starts = collections.Counter(".".join(file.name.split(".")[:3]) for file in (self.shared / "starts").iterdir())
        twice = {name: count for name, count in starts.items() if count > 1}
        self.assertFalse(twice, "an attempt began twice")
        recorded = 0
        for name, arn in begun.items():
            recorded += self.check_one(name, arn, starts)
        self.assertEqual(sum(starts.values()), recorded, "attempts that began, and are recorded as such")

    def check_one(self, name, arn, starts):
        """How many of its attempts (of an array: of its indices) are recorded to have begun."""
        kind = name.split("-")[0]
        client = self.server.client("stepfunctions")
        found = client.describe_execution(executionArn=arn)
        events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        kinds = collections.Counter(event["type"] for event in events)
        self.assertEqual((kinds["TaskScheduled"], kinds["TaskSubmitted"]), (1, 1), events)
        self.assertEqual(kinds["TaskSucceeded"] + kinds["TaskFailed"], 1, events)
        if found.get("error") == "Slurm.JobCancelled":
            # So Slurm itself ends some that it could not start. It is not tried again: a person may have meant it.
            # Of an array it cancels what runs, too, where an orphan still has the number of another index.
            detail = json.loads(found["cause"])
            if kind != "sweep":
                self.assertFalse(detail["Attempts"][-1]["Started"], detail)
            return sum(count for start, count in starts.items() if start.startswith(detail["JobId"] + "."))
        if kind == "fails":
            self.assertEqual(found["status"], "FAILED")
            detail = json.loads(found["cause"])
            self.assertIn(found["error"], ("Slurm.JobFailed", *LOST), detail)
        else:
            self.assertEqual(found["status"], "SUCCEEDED", found)
            detail = json.loads(found["output"])
        job = detail["JobId"]
        attempts = detail["Attempts"]
        last = attempts[-1]["Attempt"]
        if kind == "sweep":
            self.assertEqual(detail["ArrayProperties"]["StatusSummary"], {"SUCCEEDED": 6, "FAILED": 0})
            for index in range(6):
                self.assertTrue(any((self.shared / f"ends/{job}.{n}.{index}").exists() for n in range(1, last + 1)), (name, index))
            return sum(count for start, count in starts.items() if start.startswith(job + "."))
        for attempt in attempts:
            number = attempt["Attempt"]
            # One whose node died may have been about to run its command.
            least = 0 if attempt["Status"] == "LOST" else int(attempt["Started"])
            self.assertIn(starts[f"{job}.{number}.0"], range(least, attempt["Started"] + 1), (name, attempt))
            if attempt.get("ExitCode") is not None and attempt["Status"] in ("SUCCEEDED", "FAILED") and attempt["ExitCode"] <= 3:
                self.assertTrue((self.shared / f"ends/{job}.{number}.0").exists(), (name, attempt))
        if found.get("error") == "Slurm.JobFailed":
            self.assertEqual(detail["ExitCode"], 3)
        return sum(starts[f"{job}.{attempt['Attempt']}.0"] for attempt in attempts if attempt["Started"])


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
