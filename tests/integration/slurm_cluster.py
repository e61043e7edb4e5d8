#!/usr/bin/env python3
"""A real Slurm cluster on this machine, of Debian's packages: munge, slurmctld, a slurmd for each node, slurmrestd.

    with SlurmCluster(nodes=4) as cluster:
        cluster.run("sbatch", "--wrap", "true")     # any client, with cluster.environment()
        cluster.kill_node(2, with_steps=True)       # as a power cut
        cluster.kill_controller(); cluster.start_controller()
    with SlurmCluster(accounting=["add account physics", "add user daemon account=physics"]) as cluster:
        cluster.run("sacct", "-X")                  # slurmdbd and a MariaDB, too: accounts, QOS and limits are enforced

    slurm_cluster.py up DIR [--nodes N]             # for people; then `. DIR/env`
    slurm_cluster.py down DIR
    slurm_cluster.py run [--nodes N] -- COMMAND...  # a cluster as long as the command runs; TANDEM_SLURM_LAB is its directory

All of it lies in one directory and listens on ports that were free, and that stay reserved while a daemon is down. As root,
jobs run as who submitted them; as another user all of it is that user's. Python standard library only.
"""
import argparse
import base64
import errno
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import keeper
from kept import START_SECONDS, STOP_SECONDS, Kept, wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmrestd", "sbatch", "srun", "squeue", "sinfo", "scontrol", "scancel")
ACCOUNTING_PROGRAMS = ("mariadbd", "slurmdbd", "sacct", "sacctmgr")
CLIENT_SECONDS = 60
START_ATTEMPTS = 5
PORTS = range(10000, 32768)  # below those that the kernel gives to outgoing connections
SOCKET_PATH_MAX = 107  # of a Unix socket: job steps have theirs below spool/
NOBODY = 65534
CONTROLLER = ["slurmctld", "-D", "-i"]
CLUSTER_NAME = "tandem"
DATABASE_TABLES = pathlib.Path("/usr/share/mysql/mysql_system_tables.sql")
DATABASE_NAME = "slurm_acct_db"
PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
# Open MPI looks for a network between hosts and leaves out loopback, takes a core for each rank for granted, and its mpirun
# refuses root.
MPI_ENVIRONMENT = {"OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_oob_tcp_if_include": "lo", "OMPI_MCA_mpi_yield_when_idle": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def missing(accounting=False):
    """What it lacks; empty: a cluster can be started."""
    programs = [name for name in PROGRAMS + (ACCOUNTING_PROGRAMS if accounting else ()) if not shutil.which(name, path=PATH)]
    if programs:
        return f"not installed: {' '.join(programs)}"
    try:
        socket.getaddrinfo("127.0.0.1", None, socket.AF_INET, 0, 0, socket.AI_ADDRCONFIG)
    except socket.gaierror:
        return "Slurm resolves no name on a machine whose only address is loopback"
    try:
        user_name()
    except KeyError:
        return f"user {os.geteuid()} has no name, by which Slurm would know it"
    return ""


def user_name():
    return pwd.getpwuid(os.geteuid()).pw_name


class SlurmCluster:
    def __init__(self, directory=None, nodes=4, cpus=8, gpus=2, preempt_mode="CANCEL", node_timeout_s=10, extra=(), rest=True, attached=True,
                 accounting=False):
        """preempt_mode: CANCEL or REQUEUE, what happens to jobs of the partition low. extra: lines of slurm.conf.
        attached: the cluster ends with this process, however that ends. accounting: True, or sacctmgr's commands that are carried out
        before slurmctld starts; jobs then need an account, and limits are enforced."""
        self.accounting = accounting if isinstance(accounting, bool) else list(accounting)
        self.nodes, self.cpus, self.gpus, self.rest, self.attached = nodes, cpus, gpus, rest, attached
        self.preempt_mode, self.node_timeout_s, self.extra = preempt_mode, node_timeout_s, list(extra)
        self.owned = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="tandem-slurm-")).resolve()
        self.address = None
        self.ports = {}  # controller, rest, n1...
        self.kept = {}  # name: its keepers, the youngest last
        self.count = 0

    @classmethod
    def attach(cls, directory):
        """One that `up` has started, perhaps by another process."""
        directory = pathlib.Path(directory).resolve()
        told = json.loads((directory / "cluster.json").read_text() or '{"options": {}, "address": null, "ports": {}}')
        cluster = cls(directory, attached=False, **told["options"])
        cluster.address, cluster.ports = told["address"], told["ports"]
        for file in sorted((directory / "run").glob("*.kept"), key=lambda f: int(f.name.split(".")[1])):
            name, number = file.name.split(".")[:2]
            cluster.kept.setdefault(name, []).append(Kept(file))
            cluster.count = max(cluster.count, int(number))
        return cluster

    # Where things are.
    @property
    def configuration(self):
        return self.directory / "etc/slurm.conf"

    @property
    def shared(self):
        """A directory that everybody may write to, as the cluster's file system."""
        return self.directory / "shared"

    @property
    def rest_url(self):
        return f"http://{self.address}:{self.ports['rest']}"

    @property
    def rest_socket(self):
        return self.directory / "run/rest.sock"

    @property
    def token_key(self):
        return self.directory / "state/jwt.key"

    def node_names(self):
        return [f"n{i}" for i in range(1, self.nodes + 1)]

    @property
    def accounted(self):
        return self.accounting is not False

    def gpu_type(self, i):
        """The first half of the nodes has small ones."""
        return "big" if i * 2 > self.nodes else "small"

    def environment(self):
        """For clients, and for the server."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "SALLOC_", "SRUN_", "SLURMRESTD_"))}
        return {**kept, "SLURM_CONF": str(self.configuration)}

    def job_environment(self):
        """What a job with MPI needs on a cluster whose only network is loopback."""
        return dict(MPI_ENVIRONMENT)

    def token(self, user=None, seconds=3600):
        """A token for slurmrestd in the name of the user (default: this one)."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        now = int(time.time())
        claims = {"exp": now + seconds, "iat": now, "sun": user or user_name()}
        signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
        return (signed + b"." + part(hmac.new(self.token_key.read_bytes(), signed, hashlib.sha256).digest())).decode()

    # Start and end.
    def start(self):
        if missing(self.accounted):
            raise RuntimeError(missing(self.accounted))
        if len(f"{self.directory}/spool/n{self.nodes}/n{self.nodes}_4294967295.4294967295") > SOCKET_PATH_MAX:
            raise RuntimeError(f"{self.directory} is too long a path for the sockets below it")
        self._make_directories()
        for attempt in range(START_ATTEMPTS):
            try:
                self._start_daemons()
                return self
            except BaseException as error:
                self._kill_everything()
                if "already in use" not in str(error) or attempt + 1 == START_ATTEMPTS:
                    raise

    def _start_daemons(self):
        self.address, restricted = self._own_address()
        reserved = self._reserve_ports(["controller", "rest", *(["dbd"] if self.accounted else []), *self.node_names()])
        self._write_configuration(restricted)
        self._start_munge(reserved)
        for port in reserved:
            port.close()
        if self.accounted:
            self._start_accounting()
        self._launch("controller", CONTROLLER)
        for i in range(1, self.nodes + 1):
            self._launch(f"n{i}", ["slurmd", "-D", "-N", f"n{i}"])
        if self.rest:
            self.start_rest(wait=False)
        # A client that finds no slurmctld sleeps for a second.
        wait_for(lambda: self._listens("controller"), START_SECONDS, "slurmctld", every=0.003)
        self.wait_until_idle(START_SECONDS)
        if self.rest:
            self._wait_for_rest()

    def stop(self):
        """Kills the daemons and every process of every job."""
        self._kill_everything()
        if self.owned:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _kill_everything(self):
        self._kill(list(self.kept))

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(f"--- {self.directory}:\n{self.log()}", flush=True)
            self.owned = False
        self.stop()

    def _make_directories(self):
        # A directory of an earlier cluster may be used again, nothing else that has something in it.
        if self.directory.exists() and any(self.directory.iterdir()):
            if not (self.directory / "cluster.json").exists():
                raise RuntimeError(f"{self.directory} is not empty")
            SlurmCluster.attach(self.directory).stop()
            shutil.rmtree(self.directory)
        for name in ("etc", "state", "log", "run", "munge", "gpu", "shared", *(f"{d}/{n}" for d in ("spool", "tmp") for n in self.node_names())):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        for path in (self.directory, *self.directory.iterdir()):
            path.chmod(0o755)
        for path in (self.shared, self.directory / "run", *(self.directory / "tmp" / n for n in self.node_names())):
            path.chmod(0o1777)
        (self.directory / "cluster.json").touch()

    @staticmethod
    def _own_address():
        """(address, may daemons be told to listen on no other?): they listen on the one that the host's name means."""
        try:
            address = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)[0][4][0]
            with socket.socket() as probe:
                probe.bind((address, 0))
            return address, True
        except OSError:
            return "127.0.0.1", False

    def _reserve_ports(self, names):
        """Sockets that keep the ports from all but those who ask to share, as these daemons do."""
        reserved = []
        for name in names:
            while True:
                holder, port = socket.socket(), random.choice(PORTS)
                try:
                    holder.bind((self.address, port))
                    break
                except OSError as error:
                    holder.close()
                    if error.errno != errno.EADDRINUSE:
                        raise
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.ports[name] = port
            reserved.append(holder)
        return reserved

    def _write_configuration(self, restricted):
        d, host, me = self.directory, socket.gethostname().split(".")[0], user_name()
        for name in ("state/jwt.key", "munge/key"):
            (d / name).touch(mode=0o600)
            (d / name).write_bytes(os.urandom(64))
        (d / "munge").chmod(0o711)
        for g in range(self.gpus):
            device = d / f"gpu/gpu{g}"
            device.unlink(missing_ok=True)
            device.symlink_to("/dev/null")  # slurmd asks for a device
        gres, devices, node_lines = [], f"{d}/gpu/gpu[0-{self.gpus - 1}]" if self.gpus > 1 else f"{d}/gpu/gpu0", []
        for i, name in enumerate(self.node_names(), 1):
            own = f"Gres=gpu:{self.gpu_type(i)}:{self.gpus} " if self.gpus else ""
            node_lines.append(f"NodeName={name} NodeHostname={host} NodeAddr={self.address} Port={self.ports[name]} {own}Feature={self.gpu_type(i)}")
            if self.gpus:
                gres.append(f"NodeName={name} Name=gpu Type={self.gpu_type(i)} File={devices}")
        (d / "etc/gres.conf").write_text("\n".join(gres) + "\n")
        communication = "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny" if restricted else ""
        self.configuration.write_text("\n".join([f"""\
ClusterName={CLUSTER_NAME}
SlurmctldHost={host}({self.address})
SlurmctldPort={self.ports["controller"]}
SlurmUser={me}
SlurmdUser={me}
AuthType=auth/munge
AuthInfo=socket={d}/munge/sock,cred_expire=5
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={d}/state/jwt.key
{communication}
StateSaveLocation={d}/state
SlurmdSpoolDir={d}/spool/%n
TmpFS={d}/tmp/%n
SlurmctldPidFile={d}/run/slurmctld.pid
SlurmdPidFile={d}/run/slurmd.%n.pid
SlurmctldLogFile={d}/log/slurmctld.log
SlurmdLogFile={d}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
{self._accounting_lines()}
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=2,bf_continue
PreemptType=preempt/partition_prio
PreemptMode={self.preempt_mode}
ReturnToService=2
SlurmdTimeout={self.node_timeout_s}
SlurmctldTimeout=10
MessageTimeout=10
KillWait=2
MaxJobCount=100000
MaxArraySize=100001
{"GresTypes=gpu" if self.gpus else ""}
NodeName=DEFAULT CPUs={self.cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={self.cpus} ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN""",
            *node_lines, f"""\
PartitionName=DEFAULT Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=main Default=YES
PartitionName=low PriorityTier=1 PreemptMode={self.preempt_mode}
PartitionName=closed State=DOWN
PartitionName=short MaxTime=1 MaxNodes=1""", *self.extra]) + "\n")
        variables = {"SLURM_CONF": self.configuration, "SLURM_LAB": d}
        if self.rest:
            variables.update(SLURMRESTD_URL=self.rest_url, SLURMRESTD_SOCK=self.rest_socket)
        (d / "cluster.json").write_text(json.dumps({"address": self.address, "ports": self.ports, "options": {
            "nodes": self.nodes, "cpus": self.cpus, "gpus": self.gpus, "preempt_mode": self.preempt_mode,
            "node_timeout_s": self.node_timeout_s, "extra": self.extra, "rest": self.rest, "accounting": self.accounting}}))
        (d / "env").write_text("".join(f"export {k}={v}\n" for k, v in {**variables, **self.job_environment()}.items()))

    # Accounting.
    def _accounting_lines(self):
        if not self.accounted:
            return "AccountingStorageType=accounting_storage/none"
        return f"""\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={self.address}
AccountingStoragePort={self.ports["dbd"]}
AccountingStoragePass={self.directory}/munge/sock
AccountingStorageEnforce=associations,limits,qos"""

    def _start_accounting(self):
        """slurmctld that finds no slurmdbd at its first start ends."""
        d, me = self.directory, user_name()
        database = d / "db"  # this user's alone: whoever reaches its socket may do everything
        shutil.rmtree(database, ignore_errors=True)  # of an attempt before
        database.mkdir(mode=0o700)
        # slurmdbd has procedures stored, so that the tables for those must be there.
        (database / "first.sql").write_text(f"create database if not exists mysql;\nuse mysql;\n{DATABASE_TABLES.read_text()}\n"
                                            f"create database if not exists {DATABASE_NAME};\n")
        self._launch("database", [
            "mariadbd", "--no-defaults", f"--user={me}", f"--datadir={database}", "--skip-grant-tables", "--skip-networking",
            f"--socket={database}/sock", f"--pid-file={database}/pid", f"--init-file={database}/first.sql", "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite", "--skip-sync-frm"])
        wait_for(lambda: self._check_alive("database") and (database / "sock").exists(), START_SECONDS, "mariadbd", every=0.003)
        # Looked for beside slurm.conf, and wanted to be its user's alone.
        file = d / "etc/slurmdbd.conf"
        file.touch(mode=0o600)
        file.write_text(f"""\
AuthType=auth/munge
AuthInfo=socket={d}/munge/sock
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={d}/state/jwt.key
DbdHost={socket.gethostname().split(".")[0]}
DbdAddr={self.address}
DbdPort={self.ports["dbd"]}
SlurmUser={me}
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={me}
StorageLoc={DATABASE_NAME}
LogFile={d}/log/slurmdbd.log
PidFile={d}/run/slurmdbd.pid
""")
        self.start_accounting()
        commands = [] if self.accounting is True else self.accounting
        for command in [f"add cluster {CLUSTER_NAME}", *commands]:
            self.run("sacctmgr", "--immediate", *command.split())

    def start_accounting(self):
        """slurmdbd, after stop_accounting()."""
        # The socket of its database is told to its client library by this variable alone.
        self._launch("dbd", ["slurmdbd", "-D"], MYSQL_UNIX_PORT=str(self.directory / "db/sock"))
        wait_for(lambda: self._listens("dbd"), START_SECONDS, "slurmdbd", every=0.003)

    def stop_accounting(self):
        self._kill(["dbd"])

    # Daemons.
    def _launch(self, name, command, user=None, holding=(), **variables):
        self.count += 1
        program = shutil.which(command[0], path=PATH)
        kept = Kept(self.directory / f"run/{name}.{self.count}.kept")
        self.kept.setdefault(name, []).append(kept)
        environment = {"PATH": PATH, "SLURM_CONF": str(self.configuration), **variables}
        kept.start([program, *command[1:]], self.directory / f"log/{name}.out", environment, user, self.attached, holding)

    def _start_munge(self, holding):
        d = self.directory / "munge"
        self._launch("munge", ["munged", "--foreground", "--num-threads=4", "--origin=127.0.0.1", f"--key-file={d}/key", f"--socket={d}/sock",
                               f"--pid-file={d}/pid", f"--log-file={d}/log", f"--seed-file={d}/seed"], holding=holding)
        wait_for(lambda: self._check_alive("munge") and (d / "sock").exists(), START_SECONDS, "munged", every=0.003)

    def _running(self, name):
        return [kept for kept in self.kept.get(name, []) if kept.alive()]

    def _check_alive(self, *names):
        for name in names:
            if not self._running(name):
                raise RuntimeError(f"{name} ended:\n{self.log(name)}")
        return True

    def _kill(self, names):
        """Each with all that it started."""
        running = [kept for name in names for kept in self._running(name)]
        for kept in running:
            kept.ask_to_end()
        for name in names:
            for kept in self.kept.get(name, []):
                kept.wait()  # closes what leads to those, too, that ended by themselves
            self.kept[name] = []

    def _signal(self, name, number):
        self._check_alive(name)
        self.kept[name][-1].signal(number)

    def kill_controller(self):
        self._kill(["controller"])

    def start_controller(self, wait=True):
        self._launch("controller", CONTROLLER)
        if wait:
            wait_for(self.controller_answers, START_SECONDS, "slurmctld")

    def controller_answers(self):
        try:
            return self._listens("controller") and self.client("scontrol", "ping", seconds=5).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def hang_controller(self):
        self._signal("controller", signal.SIGSTOP)

    def resume_controller(self):
        self._signal("controller", signal.SIGCONT)

    def kill_node(self, i, with_steps):
        """with_steps: all of the node's processes, as a power cut; else slurmd alone, and its jobs run on."""
        if with_steps:
            self._kill([f"n{i}"])
            return
        self._signal(f"n{i}", signal.SIGKILL)
        slurmd = self.kept[f"n{i}"][-1]

        def is_gone():
            ids = slurmd.ids() if slurmd.alive() else None
            return ids is None or ids[1] not in keeper.descendants([ids[0]])
        wait_for(is_gone, STOP_SECONDS, "the end of slurmd")

    def start_node(self, i, wait=True):
        """wait: until Slurm may use it again."""
        self._launch(f"n{i}", ["slurmd", "-D", "-N", f"n{i}"])
        if wait:
            wait_for(lambda: self._check_alive(f"n{i}") and self.node_state(i) in ("idle", "mixed", "allocated", "completing"),
                     START_SECONDS, f"n{i}")

    def undrain(self):
        """Slurm drains a node that is given a number which an orphan of a lost job still has there; administrators resume it."""
        drained = self.run("sinfo", "-h", "-N", "-p", "main", "-t", "drain", "-o", "%N").split()
        for name in drained:
            self.client("scontrol", "update", f"NodeName={name}", "State=RESUME")  # refused while slurmctld has only just started
        return drained

    def start_rest(self, wait=True):
        # It refuses to be root or SlurmUser; where nobody else can be had, it is told not to look.
        as_nobody = os.geteuid() == 0
        security = {} if as_nobody else {"SLURMRESTD_SECURITY": "disable_user_check"}
        self.rest_socket.unlink(missing_ok=True)
        self._launch("rest", ["slurmrestd", "-a", "rest_auth/jwt", "-s", f"openapi/v0.0.38{',openapi/dbv0.0.38' if self.accounted else ''}", f"unix:{self.rest_socket}",
                              f"{self.address}:{self.ports['rest']}"], NOBODY if as_nobody else None, SLURM_JWT="daemon", **security)
        if wait:
            self._wait_for_rest()

    def stop_rest(self):
        self._kill(["rest"])

    def _wait_for_rest(self):
        wait_for(lambda: self._listens("rest"), START_SECONDS, "slurmrestd")

    def _listens(self, name):
        self._check_alive(name)
        try:
            socket.create_connection((self.address, self.ports[name]), 5).close()
            return True
        except OSError:
            return False

    # What Slurm says.
    def client(self, *command, seconds=CLIENT_SECONDS, **options):
        """A client's CompletedProcess."""
        options.setdefault("env", self.environment())
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False, **options)

    def run(self, *command, **options):
        """A client's standard output; an exception if it fails."""
        done = self.client(*command, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def rest_call(self, path, body=None, method=None, user=None, seconds=CLIENT_SECONDS):
        """(status, body) of slurmrestd's answer: rest_call("job/5"), rest_call("job/submit", {...})."""
        headers = {"X-SLURM-USER-NAME": user or user_name(), "X-SLURM-USER-TOKEN": self.token(user), "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.rest_url}/slurm/v0.0.38/{path}", headers=headers, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=seconds) as response:
                return response.status, json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {"text": text.decode(errors="replace")}

    def node_state(self, i):
        """As sinfo writes it ("idle", "down*"); empty where slurmctld does not answer."""
        done = self.client("sinfo", "-h", "-N", "-n", f"n{i}", "-p", "main", "-o", "%T", seconds=30)
        return done.stdout.strip() if done.returncode == 0 else ""

    def wait_until_idle(self, seconds):
        def idle():
            self._check_alive(*self.kept)
            done = self.client("sinfo", "-h", "-N", "-p", "main", "-o", "%T", seconds=30)
            return done.returncode == 0 and done.stdout.split() == ["idle"] * self.nodes
        wait_for(idle, seconds, "all nodes idle")

    def processes(self):
        """Process ids of the daemons and of all that jobs started."""
        keepers = [ids[0] for name in self.kept for kept in self._running(name) for ids in [kept.ids()] if ids]
        return keepers + keeper.descendants(keepers)

    def log(self, name=None, last_bytes=1500):
        """The end of what a daemon wrote (of all of them)."""
        names = [name] if name else list(self.kept)
        files = [self.directory / "log" / f"{n}.out" for n in names]
        return "".join(f"[{f.name}]\n{f.read_bytes()[-last_bytes:].decode(errors='replace')}\n" for f in files if f.exists())


def main():
    parser = argparse.ArgumentParser(description="A Slurm cluster on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "run"):
        options = verbs.add_parser(verb)
        if verb != "run":
            options.add_argument("directory")
        if verb != "down":
            options.add_argument("--nodes", type=int, default=4)
            options.add_argument("--cpus", type=int, default=8)
        if verb == "run":
            options.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if chosen.verb == "down":
        if not (pathlib.Path(chosen.directory) / "cluster.json").exists():
            sys.exit(f"{chosen.directory} has no cluster")
        SlurmCluster.attach(chosen.directory).stop()
        return
    if missing():
        print(missing())
        sys.exit(77)
    if chosen.verb == "up":
        cluster = SlurmCluster(chosen.directory, nodes=chosen.nodes, cpus=chosen.cpus, attached=False).start()
        print(f"up: {chosen.nodes} nodes idle; . {cluster.directory}/env")
        return
    command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    with SlurmCluster(nodes=chosen.nodes, cpus=chosen.cpus) as cluster:
        environment = {**cluster.environment(), "TANDEM_SLURM_LAB": str(cluster.directory)}
        status = subprocess.run(command, env=environment, check=False).returncode
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
