#!/usr/bin/env python3
"""A harvest pool on a real Slurm: a job of a partition that goes first takes the node away while a pilot runs a call. The call runs
again in another pool and its execution ends once; without harvest it fails. With both ways in which Slurm preempts; and pilots that
are killed outright."""
import json
import os
import pathlib
import signal
import sys
import unittest
import urllib.request

from clients import ROLE
from pilots import PilotsTestCase
import slurm_cluster

# An agent that is away is waited for longer than a test lasts: what is retried sooner is so because its pilot is known to be gone.
POOLS = """
[agents]
resume_ms = 600000

[pools.spare]
partition = "low"
constraint = "small"
cpus = 8
harvest = true
retry_pool = "steady"
isolate = {isolate}

[pools.plain]
partition = "low"
constraint = "small"
cpus = 8
isolate = false

[pools.steady]
constraint = "big"
cpus = 2
isolate = {isolate}
"""
# The first node has the feature small, and calls do not end there.
FIRST_NODE = "n1"
HOLDS = """
import os, time
def handler(event, context):
    node = os.environ["SLURMD_NODENAME"]
    while node == "n1":
        time.sleep(0.1)
    return {"job": int(os.environ["SLURM_JOB_ID"]), "node": node}
"""
DEFINITION = {"StartAt": "Call", "States": {"Call": {
    "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "", "Payload.$": "$"},
    "OutputPath": "$.Payload", "TimeoutSeconds": 120, "End": True}}}


class HarvestTest(PilotsTestCase):
    source = HOLDS

    def execution(self, function):
        """One whose call runs on the first node, and the job there."""
        DEFINITION["States"]["Call"]["Parameters"]["FunctionName"] = function
        sfn = self.server.client("stepfunctions")
        machine = sfn.create_state_machine(name=function, definition=json.dumps(DEFINITION), roleArn=ROLE)["stateMachineArn"]
        arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]
        self.until("the call did not begin", lambda: "TaskStarted" in self.events(arn))
        return arn, next(pilot["job"] for pilot in self.pool(function)["pilots"])

    def events(self, arn):
        return [event["type"] for event in self.server.client("stepfunctions").get_execution_history(executionArn=arn)["events"]]

    def preempt(self):
        self.cluster.run("sbatch", "-p", "main", "-w", FIRST_NODE, "--exclusive", "-o", "/dev/null", "--wrap", "sleep 300")

    def end(self, arn):
        sfn = self.server.client("stepfunctions")
        self.until("the execution does not end", lambda: sfn.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return sfn.describe_execution(executionArn=arn)

    def is_over(self, pool, job, state):
        self.until(f"job {job} is not {state}", lambda: self.cluster.run("squeue", "-h", "-t", "all", "-j", str(job), "-o", "%T").strip() == state)
        self.until(f"the pool {pool} still has it", lambda: job not in [pilot["job"] for pilot in self.pool(pool)["pilots"]])
        self.assertEqual(self.pool(pool)["running"], 0)

    def runs_again_elsewhere(self, take_away, state):
        self.function("spare", "spare", timeout=100)
        arn, first = self.execution("spare")
        take_away(first)
        ended = self.end(arn)
        self.assertEqual(ended["status"], "SUCCEEDED", ended)
        output = json.loads(ended["output"])
        self.assertNotEqual(output["node"], FIRST_NODE)
        self.assertIn(output["job"], [pilot["job"] for pilot in self.pool("steady")["pilots"]])
        self.assertEqual(self.events(arn), ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded",
                                            "TaskStateExited", "ExecutionSucceeded"])
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=10) as reply:
            self.assertIn("tandem_agent_calls_repeated_total 1\n", reply.read().decode())
        self.is_over("spare", first, state)

    def fails(self, take_away, state):
        """The cause."""
        self.function("plain", "plain", timeout=100)
        arn, first = self.execution("plain")
        take_away(first)
        ended = self.end(arn)
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "Runtime.ExitError"), ended)
        self.assertEqual(self.events(arn), ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskFailed",
                                            "ExecutionFailed"])
        self.is_over("plain", first, state)
        return ended["cause"].replace(f"job {first} ", "job J ")

    def test_slurm_cancels_a_pilot(self):
        self.begin(POOLS.format(isolate="true"), nodes=2, preempt_mode="CANCEL")
        self.runs_again_elsewhere(lambda job: self.preempt(), "PREEMPTED")

    def test_slurm_would_requeue_a_pilot(self):
        self.begin(POOLS.format(isolate="false"), nodes=2, preempt_mode="REQUEUE")
        self.runs_again_elsewhere(lambda job: self.preempt(), "PREEMPTED")

    def test_without_harvest_it_fails(self):
        self.begin(POOLS.format(isolate="false"), nodes=2)
        # Slurm asks all processes of a job to end: the server hears first that the function has, or that the pilot has.
        self.assertRegex(self.fails(lambda job: self.preempt(), "PREEMPTED"),
                         "signal: terminated|is gone: its pilot job J ended as PREEMPTED")

    def kill(self, job):
        """Its agent."""
        name = self.cluster.run("squeue", "-h", "-j", str(job), "-o", "%j").strip().encode()
        for process in self.cluster.processes():
            try:
                words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [b"agent"] and name in words:
                os.kill(process, signal.SIGKILL)

    def test_an_agent_that_dies_is_not_waited_for(self):
        self.begin(POOLS.format(isolate="false"), nodes=2)
        self.assertIn("is gone: its pilot job J ended as ", self.fails(self.kill, "FAILED"))
        self.runs_again_elsewhere(self.kill, "FAILED")


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(reason)
        sys.exit(77)
    unittest.main(verbosity=2)
