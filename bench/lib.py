"""What the scenarios of ./dev bench share: figures, the substrate, a server with a no-op function."""
import io
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "build/release/bench"
ROLE = "arn:aws:iam::123456789012:role/bench"
sys.path.insert(0, str(ROOT / "tests/integration"))
from server import Server  # noqa: E402,F401


class Figures:
    """Collects figures, prints each as it comes and all at the end: name, value, unit, target, ok or short."""

    def __init__(self):
        self.rows = []

    def note(self, name, value, unit):
        """A measured value without a target: the substrate, or what explains a figure."""
        print(f"  {name}: {value:,.4g} {unit}", flush=True)

    def add(self, name, value, unit, target, most=True):
        """`most`: the target is an upper bound, else a lower one."""
        ok = value <= target if most else value >= target
        self.rows.append((name, f"{value:,.4g}", unit, f"{'<=' if most else '>='} {target:,.4g}", "ok" if ok else "short"))
        self.note(name, value, unit)

    def finish(self):
        print()
        for row in self.rows:
            print("{:<44} {:>10} {:<16} {:>12}  {}".format(*row))


def program(name, *arguments, environment=None):
    """Runs one of bench/'s programs and returns the JSON object that it prints."""
    done = subprocess.run([str(PROGRAMS / f"bench_{name}"), *map(str, arguments)], stdout=subprocess.PIPE, env=environment, check=True)
    return json.loads(done.stdout)


def directory():
    """A fresh directory on the disk that the checkout is on: /tmp may be in memory."""
    parent = ROOT / "build/bench"
    parent.mkdir(parents=True, exist_ok=True)
    for at in (parent, *parent.parents):
        if not at.stat().st_mode & 0o001:  # functions pass through to their packages
            print(f"note: {at} cannot be passed by the functions' users")
    made = tempfile.TemporaryDirectory(prefix="run-", dir=parent)
    pathlib.Path(made.name).chmod(0o755)
    return made


def substrate(where, figures, seconds=2):
    """fdatasync, pipe and loopback, measured now, in microseconds."""
    result = program("substrate", where, seconds)
    for name in ("fdatasync_p50_us", "fdatasync_p99_us", "pipe_p50_us", "loopback_p50_us"):
        figures.note(f"substrate {name[:-3]}", result[name], "us")
    return result


def runtime_api_us(where, figures, seconds=2):
    """A warm call through the pool alone (Runtime API round trip), p50 in microseconds."""
    result = program("pool", PROGRAMS / "bench_noop", where, seconds)["runtime_api_p50_us"]
    figures.note("substrate runtime_api_p50", result, "us")
    return result


def deploy_noop(server, name="noop"):
    """The no-op function of runtime provided.al2023; returns its ARN."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o100755 << 16
        archive.writestr(info, (PROGRAMS / "bench_noop").read_bytes())
    functions = server.client("lambda")
    arn = functions.create_function(FunctionName=name, Runtime="provided.al2023", Role=ROLE, Handler="bootstrap", Timeout=60,
                                    Code={"ZipFile": package.getvalue()})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def create_machine(server, name, definition):
    return server.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]


def load(server, mode, clients, seconds, machine="", poll_us=0, given="{}"):
    return program("load", mode, server.url, clients, seconds, machine, poll_us, given, environment=server.variables())


def metrics(server):
    """Counters and gauges of the server: {name: value}."""
    import urllib.request
    text = urllib.request.urlopen(server.url + "/metrics").read().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def resident_bytes(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize()


def cpu_seconds(server):
    import os
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
