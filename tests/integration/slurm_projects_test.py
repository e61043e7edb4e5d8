#!/usr/bin/env python3
"""Projects on a real Slurm, by both ways of asking it: jobs run as the project's Unix user with its account, roles without a project
submit nothing, and what a user leaves in a job's directory leads the server nowhere. Needs root: another may run nobody else's jobs."""
import json
import os
import pathlib
import pwd
import subprocess
import sys
import tempfile
import unittest

from clients import PatientTestCase
import slurm_cluster
from server import binary, Server
from slurm_jobs_test import configuration, machine

USER = "daemon"
PROJECTS = f"""
[projects.climate]
user = "{USER}"
account = "physics"
partitions = ["main", "short"]
roles = ["runner"]
"""


def role(name):
    return f"arn:aws:iam::123456789012:role/{name}"


class ProjectsTest(PatientTestCase):
    seconds = 90

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster().start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        config = cls.directory.parent / "tandem.toml"
        config.write_text(configuration(cls.cluster, cls.directory) + PROJECTS)
        cls.server = Server(arguments=["--no-auth", "--config", str(config)]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.count = 0

    def begin(self, parameters, name="runner"):
        type(self).count += 1
        sfn = self.server.client("stepfunctions")
        made = sfn.create_state_machine(name=f"m{self.count}", definition=machine(parameters), roleArn=role(name))
        return sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]

    def end(self, arn):
        def ended():
            found = self.server.client("stepfunctions").describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found
        return self.until(f"no end of {arn}", ended)

    def test_a_job_runs_as_the_projects_user(self):
        ended = self.end(self.begin({"Name": "mine", "Command": ["sh", "-c", 'id -un; id -gn; echo "$HOME"; echo 1 > "$TANDEM_RESULT_FILE"']}))
        self.assertEqual(ended["status"], "SUCCEEDED", (ended, self.server.log()))
        detail = json.loads(ended["output"])
        user = pwd.getpwnam(USER)
        self.assertEqual(detail["Slurm"]["Stdout"], f"{USER}\n{USER}\n{user.pw_dir}\n")
        self.assertEqual((detail["Slurm"]["User"], detail["Slurm"]["Account"], detail["Slurm"]["Partition"]), (USER, "physics", "main"))
        self.assertEqual(detail["Result"], 1)
        status = os.stat(detail["Slurm"]["Directory"])
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (user.pw_uid, user.pw_gid, 0o700))

    def test_links_lead_nowhere(self):
        secret = self.directory.parent / "secret"
        secret.write_text("of root alone")
        secret.chmod(0o600)
        d = '"$(dirname "$TANDEM_RESULT_FILE")"'
        ended = self.end(self.begin({"Name": "links", "Command": ["sh", "-c", f'cd {d}; ln -sf {secret} stdout.0; ln -s {secret} result.0; '
                                                                          f'ln -s {secret} .closed; ln -s {secret} closed']}))
        self.assertEqual(ended["status"], "SUCCEEDED", ended)
        self.assertNotIn("of root", ended["output"])
        self.assertEqual(secret.read_text(), "of root alone")

    def test_whoever_has_no_project_submits_nothing(self):
        for name, parameters, words in (("stranger", {}, "belongs to no project"), ("climate", {}, "belongs to no project"),
                                        ("runner", {"Account": "other"}, "have the Account 'physics', not 'other'"),
                                        ("runner", {"Partition": "low"}, "may not use the partition 'low'")):
            with self.subTest(name=name, parameters=parameters):
                ended = self.end(self.begin({"Name": "no", "Command": ["true"], **parameters}, name))
                self.assertEqual(ended["error"], "Slurm.PermissionDenied", ended)
                self.assertIn(words, ended["cause"])
        ended = self.end(self.begin('{% {"Name": "no", "Command": ["true"], "As": {"User": "root"}} %}'))
        self.assertIn("'As' is not supported", ended["cause"])

    def test_stopping_cancels_the_users_job(self):
        arn = self.begin({"Name": "endless", "Command": ["sleep", "3600"], "Partition": "short"})
        self.until("it does not run", lambda: self.cluster.run("squeue", "-h", "-t", "R", "-u", USER, "-o", "%j").strip())
        self.server.client("stepfunctions").stop_execution(executionArn=arn)
        self.until("it is not cancelled", lambda: not self.cluster.run("squeue", "-h", "-t", "R,PD,CG", "-u", USER, "-o", "%j").strip())

    def test_a_server_that_is_not_root_cannot_have_it(self):
        for projects, words in ((PROJECTS.replace(USER, "no-such-user"), "This machine has no user 'no-such-user'"),
                                (PROJECTS.replace(USER, "games"), "a server that is not root runs jobs as its own user only")):
            with self.subTest(words=words), tempfile.TemporaryDirectory() as place:
                os.chmod(place, 0o777)
                config = pathlib.Path(place) / "tandem.toml"
                config.write_text(projects)
                config.chmod(0o644)
                done = subprocess.run([binary(), "serve", "--config", str(config), "--data", f"{place}/data"], user=USER, group=USER, extra_groups=[],
                                      capture_output=True, text=True, timeout=30, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    reason = slurm_cluster.missing() or ("" if os.geteuid() == 0 else "not root")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
