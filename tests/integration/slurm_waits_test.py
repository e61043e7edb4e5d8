#!/usr/bin/env python3
"""Jobs that wait, or never end: what `tandem explain` and `tandem watch` say of them, and that stopping ends them. On a real Slurm,
by both ways of asking it."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from clients import ROLE, PatientTestCase
import slurm_cluster
from server import Server, binary
from slurm_jobs_test import INTERFACE, configuration, machine


class WaitsTest(PatientTestCase):
    seconds = 20

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster().start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        cls.server = cls.serve(configuration(cls.cluster, cls.directory))
        cls.count = 0

    @classmethod
    def serve(cls, text):
        place = pathlib.Path(tempfile.mkdtemp(dir=cls.cluster.directory))
        (place / "tandem.toml").write_text(text)
        server = Server(arguments=["--no-auth", "--config", str(place / "tandem.toml")]).start()
        cls.addClassCleanup(server.stop)
        return server

    def begin(self, parameters, server=None):
        type(self).count += 1
        sfn = (server or self.server).client("stepfunctions")
        made = sfn.create_state_machine(name=f"m{self.count}", definition=machine(parameters), roleArn=ROLE)
        arn = sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
        self.addCleanup(sfn.stop_execution, executionArn=arn)
        return arn

    def end(self, arn, server=None):
        def ended():
            found = (server or self.server).client("stepfunctions").describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found
        return self.until(f"no end of {arn}", ended)

    def stop(self, arn):
        self.server.client("stepfunctions").stop_execution(executionArn=arn)

    def explained(self, arn, words, server=None):
        """What explain says of the one task, once the words are in it."""
        server, last = server or self.server, []

        def said():
            done = subprocess.run([binary(), "explain", "--json", arn], env=server.variables(), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            texts = [one["text"] for one in json.loads(done.stdout)["waiting"]]
            last[:] = texts
            return texts and words in texts[0] and texts[0]
        try:
            return self.until(f"explain does not say {words!r}", said)
        except AssertionError as error:
            raise AssertionError(f"{error}, but {last}\n{server.log()}") from None

    def queued(self):
        return self.cluster.run("squeue", "-h", "-a", "-t", "R,PD,CG", "-o", "%i").split()

    def test_a_job_that_is_held(self):
        blocker = self.begin({"Name": "blocks", "Command": ["sleep", "600"], "Nodes": 4, "Tasks": 4, "TasksPerNode": 1, "CpusPerTask": 8, "TimeLimitMinutes": 10})
        self.explained(blocker, "runs as Slurm's job ")
        arn = self.begin({"Name": "held", "Command": ["true"], "TimeLimitMinutes": 1})
        text = self.explained(arn, "waits in Slurm's queue as job ")
        job = re.search(r"as job (\d+)", text)[1]
        self.cluster.run("scontrol", "hold", job)
        self.explained(arn, f"waits in Slurm's queue as job {job} (JobHeld")
        self.cluster.run("scontrol", "release", job)
        text = self.explained(arn, "), expected to begin at 20")  # for a moment Slurm has no reason
        self.assertRegex(text, rf"waits in Slurm's queue as job {job} \((Resources|Priority|BeginTime)\), expected to begin at 20\d\d-\d\d-\d\dT")
        for one in (arn, blocker):
            self.stop(one)
        self.until("they are not cancelled", lambda: not set(self.queued()) & {job})

    def test_a_partition_that_is_down(self):
        arn = self.begin({"Name": "never", "Command": ["true"], "Partition": "closed"})
        watcher = subprocess.Popen([binary(), "watch", arn], env=self.server.variables(), stdout=subprocess.PIPE, text=True)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.stdout.close)
        self.addCleanup(watcher.kill)
        line = next(line for line in watcher.stdout if "PartitionDown" in line)  # Slurm may first say something else
        self.assertRegex(line, r"waits in Slurm's queue as job \d+ \(PartitionDown\)")
        self.explained(arn, "(PartitionDown)")
        self.stop(arn)
        self.assertEqual(self.end(arn)["status"], "ABORTED")

    def test_an_array(self):
        go = self.directory / "array-goes"
        arn = self.begin({"Name": "sweep", "Command": ["sh", "-c", f"while ! test -e {go}; do sleep 0.1; done"], "Array": {"Size": 6, "MaxConcurrency": 2}})
        self.explained(arn, "2 of 6 indices run, 0 have ended; the others: waits in Slurm's queue as job ")
        go.touch()
        self.assertEqual(self.end(arn)["status"], "SUCCEEDED")

    def test_a_script_that_never_ends(self):
        cause = self.end(self.begin({"Name": "stubborn", "Script": "#!/bin/bash\ntrap '' TERM INT\nwhile true; do sleep 1; done\n", "TimeLimitSeconds": 1}))
        self.assertEqual(cause["error"], "Slurm.JobTimedOut", cause)

    @unittest.skipIf(INTERFACE != "rest", "of slurmrestd")
    def test_a_token_that_has_expired(self):
        token = self.cluster.directory / "token"
        token.write_text(self.cluster.token(seconds=-10))
        server = self.serve(f'[slurm]\ndirectory = "{self.directory}-expired"\ninterface = "rest"\nurl = "{self.cluster.rest_url}"\n'
                            f'token = "{token}"\nuser = "{slurm_cluster.user_name()}"\npoll_ms = 500\n')
        arn = self.begin({"Name": "waits", "Command": ["true"]}, server)
        self.explained(arn, f"is not submitted yet: Slurm.Unavailable: the token in {token} has expired", server)
        token.write_text(self.cluster.token())
        self.assertEqual(self.end(arn, server)["status"], "SUCCEEDED")


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
