#!/usr/bin/env python3
"""Batch jobs as steps of workflows, on a real Slurm, by both ways of asking it: results, arrays, retries, refusals, limits, stops,
crashes of the server, and MPI gangs."""
import ctypes.util
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

from clients import ROLE, PatientTestCase
import slurm_cluster
from server import Server

INTERFACE = os.environ.get("TANDEM_SLURM_INTERFACE", "commands")


def configuration(cluster, directory, interface=INTERFACE):
    lines = [f'directory = "{directory}"', "poll_ms = 500", "lost_ms = 5000"]
    if interface == "rest":
        lines += ['interface = "rest"', f'url = "{cluster.rest_url}"', f'jwt_key = "{cluster.token_key}"',
                  f'user = "{slurm_cluster.user_name()}"']
    else:
        lines.append(f'configuration = "{cluster.configuration}"')
    return "[slurm]\n" + "\n".join(lines) + "\n"


DEFINITIONS = """
[job_definitions.greeting]
Script = '''#!/bin/sh
echo "$GREETING $WHO" > "$TANDEM_RESULT_FILE"
'''
Nodes = 2
TimeLimitMinutes = 5
Environment = {GREETING = "hello", WHO = "nobody"}
"""


def machine(parameters, pattern=".sync", **task):
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "Job", "States": {"Job": {
        "Type": "Task", "Resource": "arn:aws:states:::slurm:submitJob" + pattern, "Arguments": parameters, "End": True, **task}}})


class JobsTest(PatientTestCase):
    seconds = 90

    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm_cluster.SlurmCluster().start()
        cls.addClassCleanup(cls.cluster.stop)
        cls.directory = pathlib.Path(cls.cluster.shared) / "jobs"
        cls.directory.mkdir(exist_ok=True)
        config = cls.directory.parent / "tandem.toml"
        config.write_text(configuration(cls.cluster, cls.directory) + DEFINITIONS)
        cls.server = Server(arguments=["--no-auth", "--config", str(config)]).start()
        cls.addClassCleanup(cls.server.stop)
        cls.bucket = pathlib.Path(cls.server.directory) / "data/buckets/climate"
        cls.bucket.mkdir(parents=True)
        cls.count = 0

    @property
    def sfn(self):
        return self.server.client("stepfunctions")

    def begin(self, parameters, **options):
        type(self).count += 1
        made = self.sfn.create_state_machine(name=f"m{self.count}", definition=machine(parameters, **options), roleArn=ROLE)
        return self.sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]

    def end(self, arn):
        def ended():
            found = self.sfn.describe_execution(executionArn=arn)
            return found["status"] != "RUNNING" and found
        return self.until(f"no end of {arn}", ended)

    def run_job(self, parameters, **options):
        return self.end(self.begin(parameters, **options))

    def succeed(self, parameters, **options):
        ended = self.run_job(parameters, **options)
        self.assertEqual(ended["status"], "SUCCEEDED", (ended, self.server.log()))
        return json.loads(ended["output"])

    def fail_with(self, error, parameters, **options):
        ended = self.run_job(parameters, **options)
        self.assertEqual((ended["status"], ended.get("error")), ("FAILED", error), (ended, self.server.log()))
        return ended["cause"]

    def attempts(self, name):
        return sorted(self.directory.glob(f"td-*-{name}"))

    def test_a_command_with_its_result(self):
        detail = self.succeed({"Name": "hello", "Command": ["sh", "-c", 'echo "to $WHO"; echo \'{"sum": 3}\' > "$TANDEM_RESULT_FILE"'],
                               "Environment": {"WHO": "you, 'quoted'\nand \"more\""}, "Nodes": 1, "Tasks": 1, "TimeLimitMinutes": 5})
        self.assertEqual(detail["Status"], "SUCCEEDED")
        self.assertEqual(detail["ExitCode"], 0)
        self.assertEqual(detail["Result"], {"sum": 3})
        self.assertEqual(detail["JobName"], "hello")
        self.assertEqual(detail["Slurm"]["JobName"], f"td-{detail['JobId']}-1")
        self.assertEqual(detail["Slurm"]["Stdout"], "to you, 'quoted'\nand \"more\"\n")
        self.assertRegex(detail["Slurm"]["Nodes"], r"^n[1-4]$")
        self.assertEqual(detail["Slurm"]["State"] in ("COMPLETED", "COMPLETING", "RUNNING"), True, detail)
        self.assertIn("cpu=1", detail["Slurm"]["Tres"])
        self.assertEqual(len(detail["Attempts"]), 1)
        self.assertLessEqual(detail["StartedAt"], detail["StoppedAt"])

    def test_a_script_that_fails(self):
        cause = json.loads(self.fail_with("Slurm.JobFailed", {"Name": "bad", "Script": "#!/bin/bash\necho why >&2\nexit 3\n"}))
        self.assertEqual(cause["ExitCode"], 3)
        self.assertEqual(cause["Slurm"]["Stderr"], "why\n")
        self.assertEqual(cause["StatusReason"], "the command ended with exit code 3")

    def test_a_failure_is_caught_by_its_name(self):
        definition = {"StartAt": "Job", "States": {
            "Job": {"Type": "Task", "Resource": "arn:aws:states:::slurm:submitJob.sync", "Parameters": {"Name": "bad", "Command": ["false"]},
                    "Catch": [{"ErrorEquals": ["Slurm.JobFailed"], "Next": "Saved"}], "End": True},
            "Saved": {"Type": "Pass", "Result": "saved", "End": True}}}
        made = self.sfn.create_state_machine(name="catches", definition=json.dumps(definition), roleArn=ROLE)
        ended = self.end(self.sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"])
        self.assertEqual((ended["status"], ended["output"]), ("SUCCEEDED", '"saved"'))

    def test_an_attempt_after_another(self):
        detail = self.succeed({"Name": "again", "Command": ["sh", "-c", 'test "$TANDEM_ATTEMPT" -ge 3'], "RetryStrategy": {"Attempts": 4}})
        self.assertEqual([attempt["ExitCode"] for attempt in detail["Attempts"]], [1, 1, 0])

    def test_an_array_of_which_some_fail_once(self):
        script = '#!/bin/sh\necho "$TANDEM_ARRAY_INDEX" > "$TANDEM_RESULT_FILE"\n' \
                 'test "$TANDEM_ATTEMPT" -gt 1 || test $((TANDEM_ARRAY_INDEX % 5)) -ne 0\n'
        detail = self.succeed({"Name": "sweep", "Script": script, "Array": {"Size": 20}, "RetryStrategy": {"Attempts": 2}})
        array = detail["ArrayProperties"]
        self.assertEqual(array["StatusSummary"], {"SUCCEEDED": 20, "FAILED": 0})
        self.assertEqual([one["Result"] for one in array["Indices"]], list(range(20)))
        self.assertEqual(len(detail["Attempts"]), 2)

    def test_a_dependency(self):
        made = self.sfn.create_state_machine(name="two", roleArn=ROLE, definition=json.dumps({
            "QueryLanguage": "JSONata", "StartAt": "First", "States": {
                "First": {"Type": "Task", "Resource": "arn:aws:states:::slurm:submitJob",
                          "Arguments": {"Name": "first", "Command": ["sh", "-c", f"sleep 1; echo x > {self.directory}/first"]}, "Next": "Wait"},
                "Wait": {"Type": "Wait", "Seconds": 1, "Output": "{% $states.input %}", "Next": "Second"},
                "Second": {"Type": "Task", "Resource": "arn:aws:states:::slurm:submitJob.sync", "End": True, "Arguments": {
                    "Name": "second", "Command": ["cat", f"{self.directory}/first"], "DependsOn": ["{% $states.input.JobId %}"]}}}}))
        ended = self.end(self.sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"])
        self.assertEqual(ended["status"], "SUCCEEDED", ended)

    def test_the_token_is_the_jobs_to_answer(self):
        code = "import boto3, os; boto3.client('stepfunctions').send_task_success(taskToken=os.environ['TOKEN'], output='{\"by\": \"job\"}')"
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
        environment = {name: self.server.variables()[name] for name in names}
        output = self.succeed({"Name": "answers", "Command": [sys.executable, "-c", code],
                               "Environment": {"TOKEN": "{% $states.context.Task.Token %}", **environment}}, pattern=".waitForTaskToken")
        self.assertEqual(output, {"by": "job"})

    def test_gpus_are_assigned(self):
        detail = self.succeed({"Name": "gpu", "Command": ["sh", "-c", 'echo "[$CUDA_VISIBLE_DEVICES]"'], "Gpus": "1"})
        self.assertRegex(detail["Slurm"]["Stdout"], r"^\[[01]\]$")

    def test_refusals_say_why(self):
        for parameters, words in (({"Partition": "nowhere"}, "artition"), ({"Constraint": "unknown"}, "eature"),
                                  ({"MemoryMiB": 1_000_000_000}, "onfiguration is not available")):
            with self.subTest(parameters=parameters):
                cause = self.fail_with("Slurm.SubmissionRefused", {"Name": "no", "Command": ["true"], **parameters})
                self.assertIn(words, cause)

    def test_what_slurm_never_starts_can_be_stopped(self):
        arn = self.begin({"Name": "never", "Command": ["true"], "Partition": "closed"})
        name = self.waiting(arn)
        self.sfn.stop_execution(executionArn=arn)
        self.gone(name)

    def test_bad_parameters_say_which(self):
        for parameters, words in (({}, "'Command' or a 'Script'"), ({"Command": ["true"], "Nodes": 0}, "'Nodes' must be between"),
                                  ({"Command": "true"}, "'Command' must be a list"), ({"Script": "echo"}, "'Script' must begin"),
                                  ({"Command": ["true"], "Mpi": "magic"}, "'Mpi' must be one of"),
                                  ({"Command": ["true"], "Array": {"Size": 100000}}, "'Size' must be between"),
                                  ({"Command": ["true"], "Environment": {"SLURM_JOB_ID": "1"}}, "must not set SLURM_JOB_ID"),
                                  ({"Command": ["true"], "Partition": "a b"}, "'Partition' is not a name")):
            with self.subTest(parameters=parameters):
                self.assertIn(words, self.fail_with("Slurm.InvalidParameter", {"Name": "no", **parameters}))

    def test_a_directory_that_is_not_there(self):
        cause = json.loads(self.fail_with("Slurm.JobFailed", {"Name": "lost", "Command": ["true"], "WorkingDirectory": "/no/such"}))
        self.assertEqual(cause["ExitCode"], 78)
        self.assertIn("/no/such", cause["Slurm"]["Stderr"])

    def test_a_time_limit_in_seconds(self):
        began = time.monotonic()
        cause = json.loads(self.fail_with("Slurm.JobTimedOut", {"Name": "long", "Command": ["sleep", "600"], "TimeLimitSeconds": 2}))
        self.assertLess(time.monotonic() - began, 30)
        self.assertIn("TimeLimitSeconds", cause["StatusReason"])

    def test_objects_come_and_go(self):
        bucket = self.bucket
        data = os.urandom(9_000_000)
        (bucket / "input.bin").write_bytes(data)
        stage = {"StageIn": [{"Bucket": "climate", "Key": "input.bin", "Path": "in/data"}],
                 "StageOut": [{"Bucket": "climate", "Key": "run/copy.bin", "Path": "copy"}]}
        detail = self.succeed({"Name": "copies", "Command": ["sh", "-c", 'cp in/data copy; pwd'], **stage})
        self.assertEqual(detail["Slurm"]["Stdout"].strip(), detail["Slurm"]["Directory"] + "/files")
        self.assertEqual((bucket / "run/copy.bin").read_bytes(), data)
        cause = json.loads(self.fail_with("Slurm.StageOutFailed", {"Name": "forgets", "Command": ["true"], **stage}))
        self.assertIn("The file 'copy' that the job was to leave", cause["StatusReason"])
        stage["StageIn"][0]["Key"] = "other.bin"
        self.assertIn("the object 'other.bin' of the bucket 'climate' is not there",
                      self.fail_with("Slurm.StageInFailed", {"Name": "misses", "Command": ["true"], **stage}))

    def memory(self):
        """Of the server, at its most, in MiB."""
        status = pathlib.Path(f"/proc/{self.server.ready['pid']}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024

    def test_much_output_is_kept_where_it_is(self):
        before = self.memory()
        detail = self.succeed({"Name": "loud", "Command": ["sh", "-c", "head -c 1000000000 /dev/zero | tr '\\0' x; echo end"]})
        self.assertTrue(detail["Slurm"]["Stdout"].endswith("xend\n"))
        self.assertLess(len(detail["Slurm"]["Stdout"]), 5000)
        size = (pathlib.Path(detail["Slurm"]["Directory"]) / "stdout.0").stat().st_size
        self.assertEqual(size, 1_000_000_004)
        self.assertLess(self.memory() - before, 100)
        (pathlib.Path(detail["Slurm"]["Directory"]) / "stdout.0").unlink()

    def running(self, arn):
        """The name in Slurm of the execution's job, once its command has begun. Slurm may have failed to start an attempt before."""
        def found():
            begun = self.directory.glob(f"td-{self.job_of(arn)}-*/claim.0/by")
            return next((by.parent.parent.name for by in begun if not by.read_text().startswith("server")), None)
        return self.until(f"no job of {arn}", found)

    def job_of(self, arn):
        def found():
            for event in self.sfn.get_execution_history(executionArn=arn)["events"]:
                if event["type"] == "TaskSubmitted":
                    return json.loads(event["taskSubmittedEventDetails"]["output"])["JobId"]
            return None
        return self.until(f"{arn} begins no job", found)

    def waiting(self, arn):
        name = f"td-{self.job_of(arn)}-1"
        self.until(f"{name} does not wait", lambda: self.cluster.run("squeue", "-h", "-a", "-t", "PD", "--name", name, "-o", "%j").strip())
        return name

    def gone(self, name):
        self.until(f"{name} is not cancelled", lambda: name not in self.cluster.run("squeue", "-h", "-a", "-t", "R,PD,CG", "-o", "%j"))

    def test_stopping_cancels_the_job(self):
        arn = self.begin({"Name": "endless", "Command": ["sleep", "3600"]})
        name = self.running(arn)
        self.sfn.stop_execution(executionArn=arn)
        self.gone(name)
        self.assertEqual(self.end(arn)["status"], "ABORTED")

    def test_somebody_cancels_the_job(self):
        arn = self.begin({"Name": "endless", "Command": ["sleep", "3600"], "RetryStrategy": {"Attempts": 5}})
        name = self.running(arn)
        self.cluster.run("scancel", "--name", name)
        ended = self.end(arn)
        self.assertEqual(ended["error"], "Slurm.JobCancelled", ended)

    def test_a_job_that_is_held_waits_and_goes_on(self):
        arn = self.begin({"Name": "held", "Command": ["true"], "Nodes": 4, "CpusPerTask": 8})
        other = self.begin({"Name": "held", "Command": ["true"], "Nodes": 4, "CpusPerTask": 8})
        self.assertEqual({self.end(arn)["status"], self.end(other)["status"]}, {"SUCCEEDED"})

    def test_the_server_is_killed_while_a_job_runs(self):
        arn = self.begin({"Name": "survivor", "Command": ["sh", "-c", f"echo x >> {self.directory}/survivor; while ! test -e {self.directory}/go; do sleep 0.1; done; "
                                                                      "echo 7 > $TANDEM_RESULT_FILE; echo left > left"],
                          "StageOut": [{"Path": "left", "Bucket": "climate", "Key": "survivor"}]})
        self.running(arn)
        self.server.kill()
        self.server.start()
        (self.directory / "go").touch()
        ended = self.end(arn)
        self.assertEqual(ended["status"], "SUCCEEDED", ended)
        detail = json.loads(ended["output"])
        self.assertEqual((detail["Result"], sum(attempt["Started"] for attempt in detail["Attempts"])), (7, 1))
        self.assertEqual((self.directory / "survivor").read_text(), "x\n")
        self.assertEqual((self.bucket / "survivor").read_text(), "left\n")

    def test_slurmctld_is_killed_while_a_job_runs(self):
        arn = self.begin({"Name": "outlives", "Command": ["sh", "-c", f"while ! test -e {self.directory}/on; do sleep 0.1; done"]})
        self.running(arn)
        self.cluster.kill_controller()
        self.cluster.start_controller()
        (self.directory / "on").touch()
        self.assertEqual(self.end(arn)["status"], "SUCCEEDED")

    def gang(self, compiler, launch):
        source = self.directory / "gang.c"
        source.write_text('#include <mpi.h>\n#include <stdio.h>\nint main(int c, char** v) { int r, n; MPI_Init(&c, &v); '
                          'MPI_Comm_rank(MPI_COMM_WORLD, &r); MPI_Comm_size(MPI_COMM_WORLD, &n); '
                          'printf("%d of %d\\n", r, n); MPI_Finalize(); }\n')
        program = self.directory / f"gang.{compiler}"
        subprocess.run([compiler, "-o", str(program), str(source)], check=True)
        return {"Name": "gang", "Command": [str(program)], "Mpi": launch, "Nodes": 2, "Tasks": 4, "TasksPerNode": 2,
                "Environment": self.cluster.job_environment()}

    def test_gangs_of_both_mpis(self):
        for compiler, launch in (("mpicc.openmpi", "pmix"), ("mpicc.mpich", "pmi2"), ("mpicc.openmpi", "mpirun")):
            with self.subTest(compiler=compiler, launch=launch):
                detail = self.succeed(self.gang(compiler, launch))
                self.assertEqual(sorted(detail["Slurm"]["Stdout"].splitlines()), [f"{rank} of 4" for rank in range(4)])
                self.assertRegex(detail["Slurm"]["Nodes"], r"^n\[\d[-,]\d\]$")

    def test_a_gang_whose_ranks_did_not_join(self):
        for launch in ("pmix", "mpirun"):
            with self.subTest(launch=launch):
                cause = json.loads(self.fail_with("Slurm.RanksDidNotJoin", self.gang("mpicc.mpich", launch)))
                self.assertRegex(cause["StatusReason"], r"^4 ranks were started, but the program saw 1: .* another MPI \(MPICH Version: ")
                self.assertIn("tandem: 4 ranks were started, but MPI says 1", cause["Slurm"]["Stderr"])

    def test_a_preloaded_library_of_the_users_own_stays(self):
        gang = self.gang("mpicc.openmpi", "pmix")
        libc = ctypes.util.find_library("m")
        gang.update(Command=["sh", "-c", 'echo "$LD_PRELOAD"; exec "$0"', *gang["Command"]], Environment={**gang["Environment"], "LD_PRELOAD": libc})
        lines = self.succeed(gang)["Slurm"]["Stdout"].splitlines()
        self.assertEqual(sorted(line for line in lines if " of " in line), [f"{rank} of 4" for rank in range(4)])
        self.assertEqual(lines.count(f"{self.directory}/.lib/ranks.so:{libc}"), 4, lines)

    def test_a_registered_definition(self):
        detail = self.succeed({"Name": "greets", "JobDefinition": "greeting", "Nodes": 1, "Environment": {"WHO": "you"}})
        self.assertEqual(detail["Result"], "hello you\n")
        self.assertIn("node=1", detail["Slurm"]["Tres"])
        self.assertIn("'JobDefinition' is not", self.fail_with("Slurm.InvalidParameter", {"Name": "no", "JobDefinition": "other"}))


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
