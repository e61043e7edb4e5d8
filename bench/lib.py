"""What the scenarios of ./dev bench share: figures, the substrate, servers with functions, and the load clients."""
import csv
import io
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
# The build that `TANDEM_BUILD=NAME ./dev bench` makes; TANDEM_BINARY names another server.
BUILD = ROOT / "build" / "-".join(filter(None, ("release", os.environ.get("TANDEM_BUILD"))))
PROGRAMS = BUILD / "bench"
RESULTS = ROOT / "build/bench"
QUIET_CPUS = 0.1  # more than this in use by others, and a sync waits for the scheduler rather than for the disk
ROLE = "arn:aws:iam::123456789012:role/bench"
sys.path.insert(0, str(ROOT / "tests/integration"))
from server import Server  # noqa: E402


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"


class Figures:
    """Collects figures, prints each as it comes and all at the end: name, value, unit, target, ok or short."""

    def __init__(self):
        self.rows = []  # part, name, value, unit, target, verdict
        self.doubts = []
        self.current = ""

    def part(self, name):
        """Begins a part, while none of its processes run: what others use of the CPUs disturbs all that follows."""
        self.current = name
        print(f"{name}:", flush=True)
        used = cpus_in_use()
        self.note("CPUs that others use", used, "CPUs")
        if used > QUIET_CPUS:
            self.doubt(f"others used {used:.2f} CPUs")

    def doubt(self, reason):
        """Says, here and at the end, why the figures of this part are not to be quoted."""
        self.doubts.append(f"{self.current}: {reason}")
        print(f"  disturbed: {reason}", flush=True)

    def _record(self, name, value, unit, target="", verdict=""):
        self.rows.append((self.current, name, value, unit, target, verdict))
        print(f"  {name}: {shown(value)} {unit}", flush=True)

    def note(self, name, value, unit):
        """A measured value without a target: the substrate, or what explains a figure."""
        self._record(name, value, unit)

    def add(self, name, value, unit, target, most=True):
        """`most`: the target is an upper bound, else a lower one."""
        ok = value <= target if most else value >= target
        self._record(name, value, unit, f"{'<=' if most else '>='} {shown(target)}", "ok" if ok else "short")

    def substrate(self, samples):
        """Notes the medians of what substrate() returned during the part."""
        for name, unit in (("fdatasync_p50", "us"), ("fdatasync_p99", "us"), ("pipe_p50", "us"), ("loopback_p50", "us")):
            self.note(f"substrate {name}", median(s[f"{name}_{unit}"] for s in samples), unit)

    def finish(self, name=None):
        """Prints the figures; with a name writes all that was measured to build/bench/NAME.csv."""
        if name:
            RESULTS.mkdir(parents=True, exist_ok=True)
            with open(RESULTS / f"{name}.csv", "w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("part", "name", "value", "unit", "target", "verdict"))
                writer.writerows((part, what, f"{value:.6g}", *rest) for part, what, value, *rest in self.rows)
            print(f"\nall measured values: {RESULTS / name}.csv")
        for doubt in self.doubts:
            print(f"disturbed, not to be quoted: {doubt}")
        print()
        for _, what, value, unit, target, verdict in self.rows:
            if target:
                print(f"{what:<64} {shown(value):>10} {unit:<12} {target:>12}  {verdict}")


def cpus_in_use(seconds=1):
    """CPUs' worth of time that is neither idle nor waiting for a disk, over the next seconds."""
    def busy():
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields) - fields[3] - fields[4]
    before, began = busy(), time.monotonic()
    time.sleep(seconds)
    return (busy() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def median(values):
    return statistics.median(values)


def interleave(rounds, *measures):
    """Calls the measures in turn, A B A B, so that what else the machine does meets all of them; one list of results each."""
    results = [[] for _ in measures]
    for _ in range(rounds):
        for measure, into in zip(measures, results):
            into.append(measure())
    return results


def program(name, *arguments, environment=None):
    """Runs one of bench/'s programs and returns the JSON object that it prints."""
    done = subprocess.run([str(PROGRAMS / f"bench_{name}"), *map(str, arguments)], stdout=subprocess.PIPE, env=environment, check=True)
    return json.loads(done.stdout)


def directory():
    """A fresh directory on the disk that the checkout is on: /tmp may be in memory."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for at in (RESULTS, *RESULTS.parents):
        if not at.stat().st_mode & 0o001:  # functions pass through to their packages
            print(f"note: {at} cannot be passed by the functions' users")
    made = tempfile.TemporaryDirectory(prefix="run-", dir=RESULTS)
    pathlib.Path(made.name).chmod(0o755)
    return made


def substrate(where, seconds=1):
    """fdatasync, pipe and loopback, measured now: {fdatasync,pipe,loopback}_{p50,p99}_us and fdatasync_per_s."""
    return program("substrate", where, seconds)


def native_call_us(where, seconds=1, program_name="noop"):
    """A warm call of the native no-op through the pool alone, 1 KiB there and back, p50 in microseconds. noop_api: the same over
    the Runtime API."""
    result = program("pool", PROGRAMS / f"bench_{program_name}", where, seconds)
    return next(value for name, value in result.items() if name.endswith("_p50_us"))


def new_server(where, name="server", environment=None):
    """A server over a fresh data directory in `where`; started when its context is entered."""
    return Server(data=f"{where}/{name}", tandem=os.environ.get("TANDEM_BINARY") or str(BUILD / "tandem"), environment=environment)


def data_directory(server):
    return server.directory / "data"


def deploy(server, name, runtime, handler, file, content, pool=None):
    """A function of one file; returns its ARN. `pool`: the agents that it runs on."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        info = zipfile.ZipInfo(file)
        info.external_attr = 0o100755 << 16
        archive.writestr(info, content)
    functions = server.client("lambda")
    arn = functions.create_function(FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler, Timeout=60, MemorySize=128,
                                    Code={"ZipFile": package.getvalue()}, Tags={"tandem:pool": pool} if pool else {})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def deploy_native(server, name="noop"):
    """The no-op function in C++; returns its ARN. noop_api: it speaks the Runtime API."""
    return deploy(server, name, "provided.al2023", "bootstrap", "bootstrap", (PROGRAMS / f"bench_{name}").read_bytes())


def deploy_node(server):
    """The same in Node; returns its ARN."""
    return deploy(server, "noop-node", "nodejs22.x", "index.handler", "index.mjs", "export const handler = async (event) => event;\n")


def create_machine(server, name, definition, kind="STANDARD"):
    return server.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE,
                                                               type=kind)["stateMachineArn"]


def sequence(function, n):
    """A definition: n Tasks, one after the other."""
    states = {f"S{i}": {"Type": "Task", "Resource": function, **({"End": True} if i == n else {"Next": f"S{i + 1}"})}
              for i in range(1, n + 1)}
    return {"StartAt": "S1", "States": states}


def parallel(function, n):
    """A definition: n branches of one Task each."""
    branches = [{"StartAt": f"B{i}", "States": {f"B{i}": {"Type": "Task", "Resource": function, "End": True}}} for i in range(n)]
    return {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}}


ONE_PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


def load(server, mode, clients=1, seconds=1, target="", body="{}", poll_us=200, requests=0):
    """A closed loop of clients (bench/load.cc); its counts, rate and latencies. A failed request ends the run."""
    values = {"clients": clients, "seconds": seconds, "target": target, "body": body, "poll_us": poll_us, "requests": requests}
    result = program("load", mode, server.url, *(f"{name}={value}" for name, value in values.items()), environment=server.variables())
    if result["errors"]:
        raise SystemExit(f"{mode} {target}: {result['errors']} requests failed")
    return result


def metrics(server):
    """Counters and gauges of the server: {name: value}."""
    text = urllib.request.urlopen(server.url + "/metrics").read().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def resident_bytes(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize()


def cpu_seconds(server):
    """Of the server's process, without those of the functions."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(server, patience_s=120):
    """Waits until the server does nothing: no compaction, no execution in memory."""
    deadline = time.monotonic() + patience_s
    before = cpu_seconds(server)
    while time.monotonic() < deadline:
        time.sleep(1)
        now = cpu_seconds(server)
        if now - before <= 0.02 and metrics(server)["tandem_executions_in_memory"] == 0:
            return
        before = now
    print(f"note: the server was still busy after {patience_s} s")
