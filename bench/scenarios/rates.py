"""Throughput of starts and of whole Standard workflows over HTTP, closed loops of clients on the same cores."""
import lib

ROUNDS = 3
STEPS = 5
POLL_US = 5_000  # after a workflow's first poll: here the polls' cost matters more than their resolution


class Measured:
    """Runs a load and adds up what the server did and spent meanwhile."""

    def __init__(self, server):
        self.server = server
        self.cpu_s = 0.0
        self.requests = 0
        self.calls = 0
        self.counters = {}

    def load(self, *arguments, **named):
        before, cpu = lib.metrics(self.server), lib.cpu_seconds(self.server)
        result = lib.load(self.server, *arguments, **named)
        self.cpu_s += lib.cpu_seconds(self.server) - cpu
        for name, value in lib.metrics(self.server).items():
            self.counters[name] = self.counters.get(name, 0) + value - before.get(name, 0)
        self.requests += result["requests"]
        self.calls += result["calls"]
        return result


def starts(figures, server, where, seconds):
    machine = lib.create_machine(server, "pass", lib.ONE_PASS)
    lib.load(server, "start", 256, 1, machine)
    measured = Measured(server)
    substrates, empty, started = lib.interleave(
        ROUNDS, lambda: lib.substrate(where), lambda: lib.load(server, "get", 256, seconds, "/healthz")["per_s"],
        lambda: measured.load("start", 256, seconds, machine))
    figures.substrate(substrates)
    rate = lib.median(s["per_s"] for s in started)
    syncs = lib.median(s["fdatasync_per_s"] for s in substrates)
    figures.note("single fdatasyncs", syncs, "per s")
    figures.note("empty requests, 256 clients", lib.median(empty), "per s")
    figures.note("StartExecution, 256 clients", rate, "per s")
    figures.note("StartExecution, 256 clients, p50", lib.median(s["latency_p50_us"] for s in started) / 1000, "ms")
    figures.note("StartExecution, server CPU", measured.cpu_s / measured.requests * 1e6, "us each")
    figures.note("records per sync", measured.counters["tandem_records_total"] / measured.counters["tandem_syncs_total"], "records")
    figures.add("StartExecution, 256 clients / single fdatasyncs", rate / syncs, "ratio", 4, most=False)
    figures.add("StartExecution, 256 clients / empty requests", rate / lib.median(empty), "ratio", 1 / 3, most=False)


def workflows(figures, server, seconds):
    machine = lib.create_machine(server, "five", lib.sequence(lib.deploy_native(server), STEPS))
    lib.load(server, "workflow", 64, 2, machine, poll_us=POLL_US)
    measured = Measured(server)
    runs = [measured.load("workflow", 64, seconds, machine, poll_us=POLL_US) for _ in range(ROUNDS)]
    figures.note("five steps, Standard, 64 clients, p50", lib.median(r["latency_p50_us"] for r in runs) / 1000, "ms")
    figures.note("requests per workflow (the start and its polls)", measured.calls / measured.requests, "requests")
    figures.add("five steps, Standard, 64 clients", lib.median(r["per_s"] for r in runs), "per s", 3_000, most=False)
    figures.add("five steps, Standard, 64 clients: server CPU", measured.cpu_s / measured.requests * 1e6, "us each", 300)


def measure(figures, where, seconds):
    """Each on a server of its own: what one load leaves to be compacted is not the other's cost."""
    with lib.new_server(where + "/workflows") as server:
        workflows(figures, server, seconds)
    with lib.new_server(where + "/starts") as server:
        starts(figures, server, where, seconds)
