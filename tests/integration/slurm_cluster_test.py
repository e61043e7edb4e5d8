#!/usr/bin/env python3
"""The cluster of slurm_cluster.py itself: that it is a real one, what its faults do to jobs, and that nothing of it is left."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slurm_cluster
from slurm_cluster import SlurmCluster, wait_for

LATE_SECONDS = 60
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")
GANG = r"""
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char** argv) {
    int rank, size, sum;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("%d of %d on %s, sum %d\n", rank, size, getenv("SLURMD_NODENAME"), sum);
    MPI_Finalize();
}
"""
FAILURES = []


def check(condition, what):
    if not condition:
        FAILURES.append(what)
        print(f"WRONG: {what}", flush=True)


def submit(cluster, script, *options):
    path = cluster.shared / f"script.{time.monotonic_ns()}"
    path.write_text("#!/bin/bash\n" + script)
    return cluster.run("sbatch", "--parsable", "--output", f"{cluster.shared}/%x.%j.out", *options, str(path)).strip()


def show(cluster, job):
    """What Slurm says of a job, by its own names."""
    words = cluster.run("scontrol", "-o", "show", "job", job).split()
    return dict(word.partition("=")[::2] for word in words)


def state(cluster, job):
    return show(cluster, job)["JobState"]


def wait_for_state(cluster, job, *states):
    try:
        return wait_for(lambda: (lambda s: s if s in states else None)(state(cluster, job)), LATE_SECONDS, f"job {job}: {states}")
    except TimeoutError as error:
        raise TimeoutError(f"{error}; it is {state(cluster, job)}, {show(cluster, job).get('Reason')}") from None


def jobs(cluster):
    done = submit(cluster, "echo out; exit 3", "--job-name", "three")
    array = submit(cluster, f"echo $((SLURM_ARRAY_TASK_ID * 2)) >{cluster.shared}/array.$SLURM_ARRAY_TASK_ID", "--array", "0-9%4")
    check(wait_for_state(cluster, done, *OVER) == "FAILED", "a script with exit status 3 is FAILED")
    check(show(cluster, done)["ExitCode"] == "3:0", "its exit status is told")
    check((cluster.shared / f"three.{done}.out").read_text() == "out\n", "its output is there")
    files = [cluster.shared / f"array.{i}" for i in range(10)]
    wait_for(lambda: all(f.exists() and f.read_text() for f in files), LATE_SECONDS, "the array's results")
    check([int(f.read_text()) for f in files] == [2 * i for i in range(10)], "every index of the array ran")
    wait_for(lambda: not cluster.run("squeue", "-h", "-j", array).strip(), LATE_SECONDS, "the end of the array")


def partitions(cluster):
    closed = submit(cluster, "true", "--partition", "closed")
    short = submit(cluster, "true", "--partition", "short", "--time", "10")
    wide = submit(cluster, "true", "--partition", "short", "--nodes", "2", "--time", "1")
    refused = cluster.client("sbatch", "--partition", "none", "--wrap", "true")
    check(refused.returncode != 0 and "invalid partition" in refused.stderr.lower(), f"an unknown partition is refused: {refused.stderr}")
    for job, reason in ((closed, "PartitionDown"), (short, "PartitionTimeLimit"), (wide, "PartitionNodeLimit")):
        wait_for(lambda j=job, r=reason: show(cluster, j)["Reason"] == r, LATE_SECONDS, f"{reason} ({show(cluster, job)['Reason']})")
    low = submit(cluster, "sleep 1000", "--partition", "low", "--nodes", "4", "--exclusive")
    wait_for_state(cluster, low, "RUNNING")
    cluster.run("srun", "--ntasks", "1", "true")
    check(wait_for_state(cluster, low, *OVER) == "PREEMPTED", "a job of main takes the place of one of low")
    cluster.run("scancel", closed, short, wide)


def gpus(cluster):
    """Two jobs of one GPU at the same time have different ones, on nodes of the type asked for."""
    script = 'echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES; until [ -e "$GATE" ]; do sleep 0.01; done'
    gate = cluster.shared / "gate"
    pair = [submit(cluster, f'GATE="{gate}"; {script}', "--job-name", "gpu", "--gpus-per-node", "big:1", "--nodelist", "n4") for _ in range(2)]
    both = submit(cluster, f'GATE="{gate}"; {script}', "--job-name", "gpu", "--gpus-per-node", "small:2")
    outputs = [cluster.shared / f"gpu.{job}.out" for job in [*pair, both]]
    wait_for(lambda: all(o.exists() and o.read_text() for o in outputs), LATE_SECONDS, "three jobs with GPUs")
    third = submit(cluster, "true", "--gpus-per-node", "big:1", "--nodelist", "n4")
    wait_for(lambda: show(cluster, third)["Reason"] == "Resources", LATE_SECONDS, "a third job waits for a GPU")
    texts = [o.read_text().split() for o in outputs]
    check(sorted(texts[:2]) == [["n4", "0"], ["n4", "1"]], f"one GPU for each: {texts[:2]}")
    check(texts[2][0] in ("n1", "n2") and texts[2][1] == "0,1", f"two small GPUs: {texts[2]}")
    impossible = cluster.client("sbatch", "--gpus-per-node", "big:3", "--wrap", "true")
    check(impossible.returncode != 0, "three GPUs of a node that has two are refused")
    gate.touch()
    wait_for_state(cluster, third, "COMPLETED")


def gangs(cluster):
    environment = {**cluster.environment(), **cluster.job_environment()}
    (cluster.shared / "gang.c").write_text(GANG)
    ranks = lambda text: sorted(line.split(" on ")[0] for line in text.splitlines())
    for mpi, launcher in (("openmpi", "pmix"), ("mpich", "pmi2")):
        if shutil.which(f"mpicc.{mpi}") is None:
            print(f"mpicc.{mpi} is not installed", flush=True)
            continue
        program = str(cluster.shared / f"gang.{mpi}")
        cluster.run(f"mpicc.{mpi}", "-o", program, str(cluster.shared / "gang.c"))
        said = cluster.run("srun", "--nodes", "2", "--ntasks", "4", f"--mpi={launcher}", program, env=environment)
        check(ranks(said) == [f"{r} of 4" for r in range(4)] and said.count("sum 6") == 4, f"{mpi}: four ranks: {said}")
        check({line.split()[4].rstrip(",") for line in said.splitlines()} == {"n1", "n2"}, f"{mpi}: on two nodes: {said}")
        script = f"mpirun.{mpi} {program}"
        job = submit(cluster, script, "--job-name", mpi, "--nodes", "2", "--ntasks", "4", "--export", ",".join(["ALL", *(f"{k}={v}" for k, v in cluster.job_environment().items())]))
        wait_for_state(cluster, job, *OVER)
        said = (cluster.shared / f"{mpi}.{job}.out").read_text()
        check(state(cluster, job) == "COMPLETED" and ranks(said) == [f"{r} of 4" for r in range(4)], f"mpirun.{mpi}: {said}")
    if (cluster.shared / "gang.mpich").exists():
        # What a workflow must be able to notice: the wrong launcher makes each rank a world of its own, without an error.
        said = cluster.run("srun", "--nodes", "2", "--ntasks", "4", "--mpi=none", str(cluster.shared / "gang.mpich"))
        check(ranks(said) == ["0 of 1"] * 4, f"MPICH under the wrong launcher: {said}")


def rest(cluster):
    script = f"#!/bin/bash\nid -un >{cluster.shared}/rest.out\n"
    job = {"name": "rest", "environment": {"PATH": os.environ["PATH"]}, "current_working_directory": str(cluster.shared),
           "standard_output": "/dev/null", "standard_error": "/dev/null"}
    status, answer = cluster.rest_call("job/submit", {"script": script, "job": job})
    check(status == 200 and not answer["errors"], f"submission by slurmrestd: {status} {answer}")
    wait_for_state(cluster, str(answer["job_id"]), "COMPLETED")
    check((cluster.shared / "rest.out").read_text().strip() == slurm_cluster.user_name(), "it ran as who the token names")
    cluster.stop_rest()
    try:
        cluster.rest_call("ping")
        check(False, "nobody listens where slurmrestd was")
    except OSError:
        pass
    cluster.start_rest()
    check(cluster.rest_call("ping")[0] == 200, "slurmrestd is back")


def save(cluster, job):
    """slurmctld writes what it knows seconds later; a crash before that loses the job or its start."""
    at = time.time()
    cluster.run("scontrol", "update", f"JobId={job}", "Comment=saved")
    wait_for(lambda: (cluster.directory / "state/job_state").stat().st_mtime > at, LATE_SECONDS, "slurmctld saves its state", every=0.05)


def faults(cluster):
    job = submit(cluster, f"until [ -e {cluster.shared}/go ]; do sleep 0.01; done; echo end", "--job-name", "faults")
    wait_for_state(cluster, job, "RUNNING")
    node = int(show(cluster, job)["NodeList"].removeprefix("n"))
    cluster.hang_controller()
    try:
        cluster.client("squeue", seconds=1)
        check(False, "slurmctld does not answer while it is stopped")
    except subprocess.TimeoutExpired:
        pass
    cluster.resume_controller()
    wait_for(cluster.controller_answers, LATE_SECONDS, "slurmctld goes on")
    save(cluster, job)
    cluster.kill_controller()
    check(not cluster._running("controller"), "slurmctld is dead")
    cluster.start_controller()
    check(state(cluster, job) == "RUNNING", f"the job runs on after a crash of slurmctld: {state(cluster, job)}")
    cluster.kill_node(node, with_steps=False)
    cluster.start_node(node)
    (cluster.shared / "go").touch()
    check(wait_for_state(cluster, job, *OVER) == "COMPLETED", "it runs on without slurmd")
    check((cluster.shared / f"faults.{job}.out").read_text() == "end\n", "and ends as it should")


class NodeFailure:
    """A cluster whose second node loses its power; it takes slurmctld a quarter of a minute to believe it."""

    def __init__(self):
        self.cluster = SlurmCluster(nodes=2, node_timeout_s=2, rest=False).start()
        began = self.cluster.shared / "began"
        self.job = submit(self.cluster, f"touch {began}; sleep 1000 & wait", "--no-requeue", "--nodelist", "n2")
        # RUNNING is not enough: a job that its node could not start is queued again, whatever it says.
        wait_for(began.exists, LATE_SECONDS, "the job begins")
        self.cluster.kill_node(2, with_steps=True)

    def finish(self):
        check(wait_for_state(self.cluster, self.job, *OVER) == "NODE_FAIL", "a job whose node failed is told as such")
        check(self.cluster.node_state(2).startswith("down"), "the node is down")
        self.cluster.start_node(2)
        check(self.cluster.node_state(2) == "idle", "the node is back")
        self.cluster.run("srun", "--nodelist", "n2", "true")


def alive(pids):
    """Those of the processes that still run."""
    there = []
    for pid in pids:
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                there.append(pid)
        except OSError:
            pass
    return there


def marked(mark):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in entry.read_bytes().decode(errors="replace"):
                found.append(int(entry.parent.name))
        except OSError:
            pass
    return found


def teardown(cluster, mark):
    """Processes that hide from Slurm: another session, no environment, no parent."""
    (cluster.shared / "hide").write_text("import time\ntime.sleep(1000)\n")
    hidden = f"exec -a {mark} {sys.executable} {cluster.shared}/hide"
    job = submit(cluster, f"(env -i setsid bash -c '{hidden}' &)\necho hidden\n", "--job-name", "hide")
    wait_for_state(cluster, job, "COMPLETED")
    wait_for(lambda: any(pid in cluster.processes() for pid in marked(mark)), LATE_SECONDS, "a process that its job left behind")
    submit(cluster, "sleep 1000", "--array", "1-8")
    wait_for(lambda: len(cluster.run("squeue", "-h", "-r", "-t", "RUNNING").splitlines()) == 8, LATE_SECONDS, "eight jobs that run")
    began = time.monotonic()
    everything = cluster.processes()
    cluster.stop()
    print(f"{len(everything)} processes gone after {time.monotonic() - began:.2f} s", flush=True)
    check(not alive(everything) and not marked(mark), f"processes left: {alive(everything)} {marked(mark)}")
    check(not cluster.directory.exists(), "its directory is gone")


class Unlucky(SlurmCluster):
    """Somebody takes a port between its choice and its use, once for each daemon."""
    robbed = ()

    def _reserve_ports(self, names):
        reserved = super()._reserve_ports(names)
        if len(self.robbed) < len(names):
            thief = socket.socket()
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind((self.address, self.ports[names[len(self.robbed)]]))
            thief.listen()
            self.robbed = (*self.robbed, thief)
        return reserved


def ports():
    with Unlucky(nodes=1) as cluster:
        check(len(cluster.robbed) == 3, "a cluster starts although its ports are taken")
        holder = cluster.ports["controller"]
        cluster.kill_controller()
        with socket.socket() as other:
            try:
                other.bind((cluster.address, holder))
                check(False, "a dead daemon's port is kept from others")
            except OSError:
                pass
        cluster.start_controller()


def abandoned():
    """A test that is killed leaves no cluster behind."""
    code = ("import json, sys, time; sys.path.insert(0, sys.argv[1])\n"
            "from slurm_cluster import SlurmCluster\n"
            "c = SlurmCluster(sys.argv[2], nodes=1, rest=False).start(); print(json.dumps(c.processes()), flush=True); time.sleep(1000)")
    with tempfile.TemporaryDirectory(prefix="tandem-slurm-") as directory:
        os.chmod(directory, 0o755)  # munge wants to be reached by everybody
        with subprocess.Popen([sys.executable, "-c", code, os.path.dirname(os.path.abspath(__file__)), f"{directory}/c"], stdout=subprocess.PIPE) as owner:
            pids = json.loads(owner.stdout.readline())
            check(len(alive(pids)) >= 6, "munge, slurmctld and a slurmd with their keepers")
            owner.send_signal(signal.SIGKILL)
        wait_for(lambda: not alive(pids), LATE_SECONDS, "the end of an abandoned cluster")


def by_hand():
    """up, the same again, faults from another process, down."""
    script = slurm_cluster.__file__
    with tempfile.TemporaryDirectory(prefix="tandem-slurm-") as directory:
        os.chmod(directory, 0o755)  # munge wants to be reached by everybody
        place = f"{directory}/c"
        for _ in range(2):
            subprocess.run([sys.executable, script, "up", place, "--nodes", "1"], check=True, timeout=LATE_SECONDS)
        cluster = SlurmCluster.attach(place)
        said = subprocess.run(["bash", "-c", f". {place}/env && srun --ntasks 1 printenv SLURMD_NODENAME"], capture_output=True, text=True, timeout=LATE_SECONDS, check=False)
        check(said.stdout == "n1\n", f"srun with the file env: {said}")
        cluster.kill_controller()
        cluster.start_controller()
        pids = cluster.processes()
        subprocess.run([sys.executable, script, "down", place], check=True, timeout=LATE_SECONDS)
        check(pids and not alive(pids), f"down leaves nothing: {alive(pids)}")
        stranger = pathlib.Path(directory, "stranger")
        stranger.mkdir()
        (stranger / "precious").touch()
        refused = subprocess.run([sys.executable, script, "up", str(stranger)], capture_output=True, text=True, timeout=LATE_SECONDS, check=False)
        check(refused.returncode != 0 and (stranger / "precious").exists(), "a directory of somebody else's is left alone")


def main():
    reason = slurm_cluster.missing()
    if reason:
        print(reason)
        sys.exit(77)
    began = time.monotonic()
    failure = NodeFailure()
    try:
        with SlurmCluster() as cluster:
            print(f"two clusters up after {time.monotonic() - began:.2f} s", flush=True)
            for part in (jobs, partitions, gpus, gangs, rest, faults):
                at = time.monotonic()
                part(cluster)
                print(f"{part.__name__}: {time.monotonic() - at:.1f} s", flush=True)
            teardown(cluster, f"hidden-{time.monotonic_ns()}")
        for part in (ports, abandoned, by_hand):
            part()
        failure.finish()
    finally:
        failure.cluster.stop()
    print(f"{time.monotonic() - began:.1f} s, {len(FAILURES)} failures")
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
