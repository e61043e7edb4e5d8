#!/usr/bin/env python3
"""What every executor keeps (src/exec/agent/conformance_test.cc), of batch jobs on a real Slurm: duplicates, late ones, lost ones, the
death of what works, and results that are too long. Cancelled jobs and long outputs: slurm_jobs_test.py."""
import json
import pathlib
import sys
import unittest

from clients import ROLE, PatientTestCase
import slurm_cluster
from server import Server
from slurm_jobs_test import configuration, machine

EXIT_OF_COPY = 75


class JobsConformanceTest(PatientTestCase):
    seconds = 90

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster(nodes=2, node_timeout_s=2).start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        cls.directory.mkdir()
        config = cls.directory.parent / "tandem.toml"
        config.write_text(configuration(cls.cluster, cls.directory))
        cls.server = Server(arguments=["--no-auth", "--config", str(config)]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.sfn = cls.server.client("stepfunctions")

    def begin(self, name, script, **parameters):
        """The execution, and its job's id here. The script finds `$log`, a file to add lines to, and `$go`, which is made by go()."""
        self.log, self.gate = self.directory / f"{name}.log", self.directory / f"{name}.go"
        job = {"Name": name, "Script": f"#!/bin/sh\nlog={self.log}; go={self.gate}\n{script}\n", **parameters}
        made = self.sfn.create_state_machine(name=name, definition=machine(job), roleArn=ROLE)
        arn = self.sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]

        def submitted():
            for event in self.sfn.get_execution_history(executionArn=arn)["events"]:
                if event["type"] == "TaskSubmitted":
                    return json.loads(event["taskSubmittedEventDetails"]["output"])["JobId"]
            return None
        return arn, self.until("no job", submitted)

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def end(self, arn):
        self.until("no end", lambda: self.sfn.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return self.sfn.describe_execution(executionArn=arn)

    def succeed(self, arn):
        ended = self.end(arn)
        self.assertEqual(ended["status"], "SUCCEEDED", (ended, self.server.log()))
        return json.loads(ended["output"])

    def fail_with(self, error, arn):
        ended = self.end(arn)
        self.assertEqual((ended["status"], ended.get("error")), ("FAILED", error), (ended, self.server.log()))
        return json.loads(ended["cause"])

    def attempt(self, job, number=1):
        return self.directory / f"td-{job}-{number}"

    def in_slurm(self, name):
        """[(number, state)] of jobs that are not over."""
        return [line.split() for line in self.cluster.run("squeue", "-h", "-a", "--name", name, "-o", "%i %T").splitlines()]

    def run_copy(self, job):
        """The attempt once more, as a submission that Slurm took twice, or took up late; its exit code."""
        number = self.cluster.run("sbatch", "--parsable", "-o", "/dev/null", "-J", "copy", str(self.attempt(job) / "wrapper")).strip()

        def over():
            words = dict(word.split("=", 1) for word in self.cluster.run("scontrol", "-o", "show", "job", number).split() if "=" in word)
            return words["JobState"] in ("COMPLETED", "FAILED") and words["ExitCode"]
        return int(self.until("the copy does not end", over).split(":")[0])

    def test_a_duplicate_does_not_run(self):
        arn, job = self.begin("twice", 'echo "$TANDEM_ATTEMPT" >>"$log"; while ! test -e "$go"; do sleep 0.05; done; echo 7 >"$TANDEM_RESULT_FILE"')
        self.until("it did not begin", self.lines)
        self.assertEqual(self.run_copy(job), EXIT_OF_COPY)
        self.gate.touch()
        detail = self.succeed(arn)
        self.assertEqual((detail["Result"], [one["Started"] for one in detail["Attempts"]]), (7, [True]))
        # Nor one that comes when all is over.
        self.assertEqual(self.run_copy(job), EXIT_OF_COPY)
        self.assertEqual(self.lines(), ["1"])

    def test_what_comes_after_it_was_stopped_does_not_run(self):
        arn, job = self.begin("late", 'echo ran >>"$log"', Partition="closed")
        self.until("it does not wait", lambda: self.in_slurm(self.attempt(job).name))
        self.sfn.stop_execution(executionArn=arn)
        self.assertEqual(self.end(arn)["status"], "ABORTED")
        self.until("it is not given up", (self.attempt(job) / "closed").exists)
        self.assertEqual(self.in_slurm(self.attempt(job).name), [])
        self.assertEqual(self.run_copy(job), EXIT_OF_COPY)
        self.assertEqual(self.lines(), [])

    def test_one_that_slurm_has_lost_is_submitted_again(self):
        state = self.cluster.directory / "state"
        # What slurmctld had on its disk before: as if the rest had not been written.
        self.cluster.kill_controller()
        kept = {file: file.read_bytes() for file in state.glob("job_state*")}
        self.cluster.start_controller()
        arn, job = self.begin("forgotten", 'echo "$TANDEM_ATTEMPT" >>"$log"', Partition="closed")
        self.until("it does not wait", lambda: self.in_slurm(self.attempt(job).name))
        self.cluster.kill_controller()
        for file in state.glob("job_state*"):
            file.unlink()
        for file, content in kept.items():
            file.write_bytes(content)
        self.cluster.start_controller()
        self.until("it is not submitted again", lambda: self.in_slurm(self.attempt(job, 2).name))
        self.cluster.run("scontrol", "update", "PartitionName=closed", "State=UP")
        detail = self.succeed(arn)
        self.cluster.run("scontrol", "update", "PartitionName=closed", "State=DOWN")
        self.assertEqual([(one["Status"], one["Started"]) for one in detail["Attempts"]], [("LOST", False), ("SUCCEEDED", True)])
        self.assertEqual(self.lines(), ["2"])
        self.assertEqual(self.run_copy(job), EXIT_OF_COPY)

    def test_those_whose_nodes_die_are_lost_and_run_again_as_their_strategy_says(self):
        script = 'echo "$TANDEM_ATTEMPT" >>"$log"; test "$TANDEM_ATTEMPT" -gt 1 || sleep 300'
        begun = []
        for name, attempts in (("dies", 1), ("dies-once", 2)):
            begun.append(self.begin(name, script, RetryStrategy={"Attempts": attempts})[0])
            self.until("it did not begin", self.lines)
        for node in (1, 2):
            self.cluster.kill_node(node, with_steps=True)
        # As whoever watches over the nodes does; slurmctld itself takes half a minute.
        self.cluster.run("scontrol", "update", "NodeName=n[1-2]", "State=DOWN", "Reason=dead")
        for node in (1, 2):
            self.cluster.start_node(node, wait=False)
        self.cluster.run("scontrol", "update", "NodeName=n[1-2]", "State=RESUME")
        cause = self.fail_with("Slurm.NodeFailed", begun[0])
        self.assertEqual([(one["Status"], one["Started"]) for one in cause["Attempts"]], [("LOST", True)])
        detail = self.succeed(begun[1])
        self.assertEqual([(one["Status"], one["Started"]) for one in detail["Attempts"]], [("LOST", True), ("SUCCEEDED", True)])
        self.assertEqual(self.lines(), ["1", "2"])
        self.assertEqual((self.directory / "dies.log").read_text(), "1\n")

    def test_a_command_that_is_killed_has_failed(self):
        arn, _ = self.begin("killed", "kill -KILL $$")
        cause = self.fail_with("Slurm.JobFailed", arn)
        self.assertEqual((cause["ExitCode"], cause["StatusReason"]), (137, "the command was ended by signal 9"))

    def test_a_result_that_is_too_long_stays_where_it_is(self):
        arn, job = self.begin("long", 'head -c 70000 /dev/zero | tr "\\0" 1 >"$TANDEM_RESULT_FILE"')
        detail = self.succeed(arn)
        self.assertNotIn("Result", detail)
        self.assertIn("too long to be told", detail["StatusReason"])
        self.assertEqual((self.attempt(job) / "result.0").stat().st_size, 70000)


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
