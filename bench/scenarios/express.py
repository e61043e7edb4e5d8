"""Express workflows by StartSyncExecution beside Standard ones of the same five steps, and what Express writes."""
import lib
from scenarios import rates, writes

ROUNDS = 3


def measure(figures, where, seconds):
    with lib.new_server(where) as server:
        definition = lib.sequence(lib.deploy_native(server), rates.STEPS)
        standard = lib.create_machine(server, "standard", definition)
        express = lib.create_machine(server, "express", definition, "EXPRESS")
        lib.load(server, "workflow", 64, 2, standard, poll_us=rates.POLL_US)
        lib.load(server, "sync", 64, 1, express)
        standards, expresses = lib.interleave(
            ROUNDS, lambda: lib.load(server, "workflow", 64, seconds, standard, poll_us=rates.POLL_US),
            lambda: lib.load(server, "sync", 64, seconds, express))
        lib.settle(server)  # what is still to be written of the Standard ones
        # As one client sees it, beside the calls that it contains: those of the pool alone, and those over HTTP.
        calls, ones, pings = lib.interleave(
            ROUNDS, lambda: lib.native_call_us(where), lambda: lib.load(server, "sync", 1, seconds, express)["latency_p50_us"],
            lambda: lib.load(server, "get", 1, seconds, "/healthz")["latency_p50_us"])
        alone = rates.Measured(server)
        with writes.Watch(server) as watch:
            alone.load("sync", 64, seconds, express)
    rate, other = (lib.median(r["per_s"] for r in runs) for runs in (expresses, standards))
    figures.note("five steps, Standard, 64 clients, in turn with Express", other, "per s")
    figures.note("five steps, Express, 64 clients", rate, "per s")
    figures.note("five steps, Express, 64 clients, p50", lib.median(r["latency_p50_us"] for r in expresses) / 1000, "ms")
    figures.note("five steps, Express, server CPU", alone.cpu_s / alone.requests * 1e6, "us each")
    figures.add("five steps, 64 clients: Express / Standard", rate / other, "ratio", 2, most=False)
    one, call, ping = lib.median(ones), lib.median(calls), lib.median(pings)
    figures.note("five steps, Express, one client, p50", one, "us")
    figures.note("native call, 1 KiB, p50", call, "us")
    figures.note("empty request over HTTP, one client, p50", ping, "us")
    figures.add(f"five steps, Express, one client: p50 / ({rates.STEPS} native calls)", one / (rates.STEPS * call), "ratio", 3)
    figures.note("Express workflows of which the writes were watched", alone.requests, "workflows")
    figures.add("Express: syncs", alone.counters["tandem_syncs_total"], "syncs", 0)
    figures.add("Express: growth of the store", watch.log + watch.tables + watch.store, "bytes", 0)
    figures.note("Express: functions' logs per call", watch.functions / alone.requests / rates.STEPS, "bytes")
    figures.add("Express: growth of the data directory but for the functions' logs", watch.total - watch.functions, "bytes", 0)
    figures.note("Express: whole pages written by the server's process", watch.pages, "bytes")
