#!/usr/bin/env python3
"""The fault loop of batch jobs: slurmctld, nodes with all that runs on them, and the server are killed at random moments while workflows
run jobs on a real Slurm. Every step ends once and truthfully, and what really started, counted from inside the jobs, is what is recorded.
TANDEM_SLURM_JOBS (24) says how many jobs, TANDEM_SEED which faults."""
import collections
import json
import os
import pathlib
import random
import sys
import time
import unittest

from clients import ROLE, PatientTestCase, botocore
import slurm_cluster
from server import Server
from slurm_jobs_test import configuration, machine

JOBS = int(os.environ.get("TANDEM_SLURM_JOBS", "24"))
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


class CrashTest(PatientTestCase):
    seconds = 240 + JOBS * 2

    def setUp(self):
        self.cluster = slurm_cluster.SlurmCluster(node_timeout_s=2).start()
        self.addCleanup(self.cluster.stop)
        self.shared = pathlib.Path(self.cluster.shared)
        for name in ("jobs", "starts", "ends"):
            (self.shared / name).mkdir()
        config = self.shared / "tandem.toml"
        config.write_text(configuration(self.cluster, self.shared / "jobs"))
        self.server = Server(arguments=["--no-auth", "--config", str(config)]).start()
        self.addCleanup(self.server.stop)

    def test_every_job_ends_once_and_truthfully(self):
        seed = int(os.environ.get("TANDEM_SEED", "0")) or random.randrange(1, 1 << 30)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        machines = {}
        for kind, job in KINDS.items():
            job = {"Name": kind, **job, "Environment": {"STARTS": str(self.shared / "starts")}, "MemoryMiB": 10, "TimeLimitMinutes": 30}
            machines[kind] = self.server.client("stepfunctions").create_state_machine(
                name=kind, definition=machine(job), roleArn=ROLE)["stateMachineArn"]
        begun = {}
        faults = collections.Counter()
        while len(begun) < JOBS:
            for _ in range(chance.randint(1, 4)):
                kind = chance.choice(list(KINDS))
                self.begin(machines[kind], f"{kind}-{len(begun)}", begun)
            time.sleep(chance.uniform(0, 1.5))
            faults[self.fault(chance)] += 1
        print("faults:", dict(faults), flush=True)
        self.until("some never ended", lambda: self.all_ended(begun))
        starts = collections.Counter(".".join(file.name.split(".")[:3]) for file in (self.shared / "starts").iterdir())
        twice = {name: count for name, count in starts.items() if count > 1}
        self.assertFalse(twice, "an attempt began twice")
        recorded = 0
        for name, arn in begun.items():
            recorded += self.check_one(name, arn, starts)
        self.assertEqual(sum(starts.values()), recorded, "attempts that began, and are recorded as such")

    def begin(self, arn, name, begun):
        """Again with the same name, until it is acknowledged: it is one execution."""
        def acknowledged():
            try:
                begun[name] = self.server.client("stepfunctions").start_execution(stateMachineArn=arn, name=name, input="{}")["executionArn"]
                return True
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                return False
        self.until("cannot be started", acknowledged)

    def fault(self, chance):
        what = chance.choice(["controller", "node", "node and its jobs", "server", "server", "none"])
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
            self.server.kill()
            time.sleep(chance.uniform(0, 0.5))
            self.server.start()
        return what

    def all_ended(self, begun):
        self.cluster.undrain()
        client = self.server.client("stepfunctions")
        left = [name for name, arn in begun.items() if client.describe_execution(executionArn=arn)["status"] == "RUNNING"]
        time.sleep(0.5 if left else 0)
        return not left

    def check_one(self, name, arn, starts):
        """How many of its attempts (of an array: of its indices) are recorded to have begun."""
        kind = name.split("-")[0]
        client = self.server.client("stepfunctions")
        found = client.describe_execution(executionArn=arn)
        events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        kinds = collections.Counter(event["type"] for event in events)
        self.assertEqual((kinds["TaskScheduled"], kinds["TaskSubmitted"]), (1, 1), events)
        self.assertEqual(kinds["TaskSucceeded"] + kinds["TaskFailed"], 1, events)
        if kind == "fails":
            self.assertEqual(found["status"], "FAILED")
            detail = json.loads(found["cause"])
            self.assertIn(found["error"], ("Slurm.JobFailed", *LOST), detail)
        elif found.get("error") == "Slurm.JobCancelled":
            # So Slurm itself ends some that it could not start. It is not tried again: a person may have meant it.
            detail = json.loads(found["cause"])
            ends = detail.get("ArrayProperties", {}).get("Indices", detail["Attempts"][-1:])
            for end in ends:
                self.assertFalse(end["Status"] == "CANCELLED" and end["Started"], end)
            return sum(count for start, count in starts.items() if start.startswith(detail["JobId"] + "."))
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
