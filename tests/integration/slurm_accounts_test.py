#!/usr/bin/env python3
"""Accounts, QOS and their limits on a real Slurm with accounting, by both ways of asking it: what jobs, projects and pools are told
where one is wrong or used up; and what accounting tells of jobs that slurmctld has forgotten."""
import json
import os
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
from pilots import package
from slurm_pilots_test import ECHO

ME = slurm_cluster.user_name()
IS_ROOT = os.geteuid() == 0
OTHER = "daemon"  # another user, whose jobs root may run
ACCOUNTING = [
    "add qos limited MaxJobsPerUser=1", "add qos strict MaxTRESPerJob=cpu=1 Flags=DenyOnLimit", "add qos secret",
    "add account physics,chemistry", "add account small GrpTRES=cpu=2", "add account single MaxSubmitJobs=1",
    f"add user {ME},{OTHER} account=physics,small,single qos=normal,limited,strict defaultaccount=physics",
    f"add user {OTHER} account=chemistry",
]
POOLS = """
[pools.right]
account = "physics"
cpus = 1

[pools.unknown]
account = "alchemy"

[pools.full]
account = "small"
cpus = 4

[job_definitions.poor]
Command = ["true"]
Account = "alchemy"
"""
PROJECTS = f"""
[projects.right]
account = "physics"
qos = "limited"

[projects.unknown]
account = "alchemy"

[projects.forbidden]
account = "physics"
qos = "secret"

[projects.full]
account = "small"
""" + (f"""
[projects.other]
user = "{OTHER}"
account = "chemistry"

[projects.stranger]
user = "nobody"
account = "physics"
""" if IS_ROOT else "")


class AccountsTest(PatientTestCase):
    seconds = 60

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster(nodes=2, accounting=ACCOUNTING, extra=["MinJobAge=2"]).start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        cls.server = cls.serve(POOLS, cls.directory)
        cls.count = 0

    @classmethod
    def serve(cls, text, directory):
        place = pathlib.Path(tempfile.mkdtemp(dir=cls.cluster.directory))
        (place / "tandem.toml").write_text(configuration(cls.cluster, directory) + text)
        server = Server(arguments=["--no-auth", "--config", str(place / "tandem.toml")])
        server.start()
        cls.addClassCleanup(server.stop)
        return server

    def begin(self, parameters, server=None, role=ROLE, definition=None):
        type(self).count += 1
        sfn = (server or self.server).client("stepfunctions")
        made = sfn.create_state_machine(name=f"m{self.count}", definition=definition or machine({"Name": "job", **parameters}), roleArn=role)
        arn = sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
        self.addCleanup(lambda: (server or self.server).client("stepfunctions").stop_execution(executionArn=arn))
        return arn

    def end(self, arn, server=None):
        def ended():
            found = (server or self.server).client("stepfunctions").describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found
        return self.until(f"no end of {arn}: {(server or self.server).log()[-2000:]}", ended)

    def refused(self, error, words, parameters, **options):
        ended = self.end(self.begin({"Command": ["true"], **parameters}, **options), options.get("server"))
        self.assertEqual((ended["status"], ended.get("error")), ("FAILED", error), ended)
        self.assertIn(words, ended["cause"])

    def explained(self, arn, words, server=None):
        def said():
            done = subprocess.run([binary(), "explain", "--json", arn], env=(server or self.server).variables(), capture_output=True,
                                  text=True, timeout=60, check=True)
            return any(words in one["text"] for one in json.loads(done.stdout)["waiting"])
        self.until(f"explain does not say {words!r}", said)

    def queued(self, *options):
        return self.cluster.run("squeue", "-h", "-a", "-o", "%j %a %u", *options).splitlines()

    # Accounts and limits.
    def test_a_right_account_is_told_in_the_history(self):
        begun = [(self.begin({"Command": ["true"], **parameters}), parameters.get("Account", "physics"))
                 for parameters in ({"Account": "physics"}, {"Account": "small", "Qos": "normal"}, {})]
        for arn, account in begun:
            with self.subTest(account=account):
                ended = self.end(arn)
                self.assertEqual(ended["status"], "SUCCEEDED", ended)
                self.assertEqual(json.loads(ended["output"])["Slurm"]["Account"], account)

    def test_a_wrong_account_is_refused(self):
        for account in ("alchemy", "chemistry"):  # there is none; the user is not in it
            with self.subTest(account=account):
                self.refused("Slurm.SubmissionRefused", "Invalid account or account/partition combination specified", {"Account": account})

    def test_a_qos_that_is_not_allowed_is_refused(self):
        for qos in ("secret", "no-such-qos"):
            with self.subTest(qos=qos):
                self.refused("Slurm.SubmissionRefused", "Invalid qos specification", {"Account": "physics", "Qos": qos})

    def test_a_job_beyond_what_a_qos_allows_is_refused(self):
        self.refused("Slurm.PermissionDenied", "Job violates accounting/QOS policy", {"Qos": "strict", "Tasks": 2})

    def test_one_job_too_many_is_refused(self):
        self.explained(self.begin({"Command": ["sleep", "600"], "Account": "single"}), "runs as Slurm's job")
        self.refused("Slurm.PermissionDenied", "Job violates accounting/QOS policy", {"Account": "single"})

    def test_what_is_beyond_a_limit_waits_and_says_why(self):
        holder = self.begin({"Command": ["sleep", "600"], "Account": "small", "Tasks": 2, "Nodes": 1})
        self.explained(holder, "runs as Slurm's job")
        waits = self.begin({"Command": ["true"], "Account": "small"})
        self.explained(waits, "(AssocGrpCpuLimit)")
        self.server.client("stepfunctions").stop_execution(executionArn=holder)
        self.assertEqual(self.end(waits)["status"], "SUCCEEDED")
        never = self.begin({"Command": ["true"], "Account": "small", "Tasks": 3, "Nodes": 1})
        self.explained(never, "(AssocGrpCpuLimit)")

    def test_a_step_of_aws_batch(self):
        definition = json.dumps({"StartAt": "Job", "States": {"Job": {
            "Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "End": True,
            "Parameters": {"JobName": "poor", "JobQueue": "main", "JobDefinition": "poor"}}}})
        self.refused("States.TaskFailed", "Invalid account or account/partition combination specified", {}, definition=definition)

    def test_projects(self):
        server = self.serve(PROJECTS, f"{self.directory}-projects")
        role = "arn:aws:iam::123456789012:role/"
        right = self.begin({"Command": ["sleep", "600"]}, server=server, role=f"{role}right")
        self.explained(right, "runs as Slurm's job", server)
        second = self.begin({"Command": ["true"]}, server=server, role=f"{role}right")
        self.explained(second, "(QOSMaxJobsPerUserLimit)", server)
        server.client("stepfunctions").stop_execution(executionArn=right)
        ended = self.end(second, server)
        self.assertEqual(json.loads(ended["output"])["Slurm"]["Account"], "physics", ended)
        self.refused("Slurm.SubmissionRefused", "Invalid account", {}, server=server, role=f"{role}unknown")
        self.refused("Slurm.SubmissionRefused", "Invalid qos", {}, server=server, role=f"{role}forbidden")
        self.explained(self.begin({"Command": ["true"], "Tasks": 3, "Nodes": 1}, server=server, role=f"{role}full"), "(AssocGrpCpuLimit)", server)
        if IS_ROOT:
            self.refused("Slurm.SubmissionRefused", "Invalid account", {}, server=server, role=f"{role}stranger")
            slurm = json.loads(self.end(self.begin({"Command": ["true"]}, server=server, role=f"{role}other"), server)["output"])["Slurm"]
            self.assertEqual((slurm["Account"], slurm["User"]), ("chemistry", OTHER))

    def test_pools(self):
        functions = self.server.client("lambda")
        for pool in ("right", "unknown", "full"):
            functions.create_function(FunctionName=pool, Runtime="python3.11", Role=ROLE, Handler="lambda_function.handler",
                                      Code={"ZipFile": package(ECHO)}, Timeout=30, MemorySize=128, Tags={"tandem:pool": pool})
        for pool in ("unknown", "full"):
            functions.invoke(FunctionName=pool, InvocationType="Event", Payload="{}")
        answer = functions.invoke(FunctionName="right", Payload="{}")
        job = json.loads(answer["Payload"].read())["job"]
        self.assertEqual(self.queued("-j", job)[0].split()[1:], ["physics", ME])

        def reason(name):
            done = subprocess.run([binary(), "ls", "agents", "--json"], stdout=subprocess.PIPE, check=True, env=self.server.variables())
            pool = next(pool for pool in json.loads(done.stdout)["pools"] if pool["pool"] == name)
            return json.dumps(pool)
        self.until("an unknown account is not told", lambda: "Invalid account or account/partition combination" in reason("unknown"))
        self.until("a limit is not told", lambda: "AssocGrpCpuLimit" in reason("full"))

    # Accounting.
    def forgotten(self, ids):
        """Waits until slurmctld knows the jobs no more, and accounting knows how they ended."""
        def states():
            rows = self.cluster.run("sacct", "-n", "-X", "-P", "-D", "-j", ",".join(ids), "-o", "jobid,state").split("\n")[:-1]
            return {row.split("|")[0].split("_")[0]: row.split("|")[1] for row in rows}
        self.until("accounting does not tell their ends", lambda: len(states()) == len(ids) and not {"RUNNING", "PENDING"} & set(states().values()))
        self.until("slurmctld does not forget", lambda: not set(ids) & set(self.cluster.run("squeue", "-h", "-a", "-t", "all", "-o", "%A").split()))

    def number(self, arn):
        """Of its job, as explain tells it."""
        def said():
            done = subprocess.run([binary(), "explain", "--json", arn], env=self.server.variables(), capture_output=True, text=True,
                                  timeout=60, check=True)
            found = re.search(r"\bjob (\d+)", done.stdout)
            return found and found[1]
        return self.until(f"no job of {arn}", said)

    def test_accounting_tells_what_slurmctld_has_forgotten(self):
        go = self.directory / "go"
        loop = f"while ! test -e {go}; do sleep 0.05; done"
        arns = {"done": self.begin({"Command": ["sh", "-c", loop], "Account": "physics"}),
                "failed": self.begin({"Command": ["sh", "-c", f"{loop}; exit 3"]}),
                "killed": self.begin({"Command": ["sh", "-c", f"{loop}; kill -9 $PPID; sleep 600"]}),
                "stopped": self.begin({"Command": ["sleep", "600"]}),
                "never": self.begin({"Command": ["true"], "Partition": "closed", "RetryStrategy": {"Attempts": 3}}),
                "array": self.begin({"Command": ["true"], "Partition": "closed", "Array": {"Size": 3}})}
        ids = {name: self.number(arn) for name, arn in arns.items()}
        running = {ids[name] for name in ("done", "failed", "killed", "stopped")}

        def begun():
            return {by.read_text().split()[0] for by in self.directory.glob("*/claim.0/by")} >= running
        self.until("their commands do not run", begun)
        self.server.kill()
        go.touch()
        self.cluster.run("scancel", ids["stopped"], ids["never"], ids["array"])
        self.forgotten(list(ids.values()))
        self.server.start()
        ended = {name: self.end(arn) for name, arn in arns.items()}
        details = {name: json.loads(one["output"] if one["status"] == "SUCCEEDED" else one["cause"]) for name, one in ended.items()}
        self.assertEqual({name: one.get("error", "") for name, one in ended.items()},
                         {"done": "", "failed": "Slurm.JobFailed", "killed": "Slurm.JobFailed", "stopped": "Slurm.JobCancelled",
                          "never": "Slurm.JobCancelled", "array": "Slurm.JobCancelled"}, details)
        for name in ("done", "failed", "killed", "stopped"):
            with self.subTest(name=name):
                slurm = details[name]["Slurm"]
                self.assertEqual((str(slurm["JobId"]), slurm["Account"], slurm["User"]), (ids[name], "physics", ME))
                self.assertRegex(slurm["Nodes"], "^n[12]$")
                self.assertIn("cpu=1,mem=100M,node=1", slurm["Tres"])
        self.assertEqual([details[name].get("ExitCode") for name in ("done", "failed")], [0, 3])
        self.assertIn("Slurm's accounting says FAILED", details["killed"]["StatusReason"])
        self.assertIn("Slurm's accounting says CANCELLED", details["stopped"]["StatusReason"])
        self.assertEqual(len(details["never"]["Attempts"]), 1, "what was cancelled is not tried again")
        self.assertEqual(details["array"]["ArrayProperties"]["StatusSummary"].get("FAILED"), 3, details["array"])

    @unittest.skipIf(INTERFACE != "commands", "the same for both, and slow")
    def test_what_slurmctld_lost_is_not_cancelled(self):
        arn = self.begin({"Command": ["sleep", "600"]})
        job = self.number(arn)
        self.explained(arn, "runs as Slurm's job")
        self.until("accounting does not know it", lambda: "RUNNING" in self.cluster.run("sacct", "-n", "-X", "-j", job, "-o", "state"))
        self.cluster.kill_controller()
        for file in (self.cluster.directory / "state").glob("job_state*"):
            file.unlink()
        self.cluster.start_controller()
        # Accounting now has an end for it that nobody has seen.
        self.until("accounting has no end", lambda: self.cluster.run("sacct", "-n", "-X", "-D", "-P", "-j", job, "-o", "state").split()[-1] == "CANCELLED")
        ended = self.end(arn)
        self.assertEqual(ended.get("error"), "Slurm.JobLost", ended)


if __name__ == "__main__":
    reason = slurm_cluster.missing(accounting=True)
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
