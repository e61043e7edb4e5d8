#!/usr/bin/env python3
"""Orchestrations of Durable Task workers, beside the sidecar of durabletask-go (SQLite): ./dev bench durable.

Hello cities is five activities one after the other. The workers are the same program for both; each figure is the median of rounds in
which the two take turns.
"""
import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

import lib

PEER = lib.ROOT / "build/peers/durabletask-go/peer"
NODE_CLIENTS = os.environ.get("TANDEM_NODE_CLIENTS", str(lib.ROOT / "build/clients/node"))
WORKERS = {"Python": [sys.executable, str(lib.ROOT / "bench/durable_worker.py")],
           "JavaScript": ["node", str(lib.ROOT / "bench/durable_worker.mjs")]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def tandem(where):
    server = lib.new_server(where)
    server.arguments = ["--no-auth"]
    with server:
        yield server.ready["grpc"], server


@contextlib.contextmanager
def sidecar(where):
    port = free_port()
    process = subprocess.Popen([str(PEER), "-port", str(port), "-db", f"{where}/peer.db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}", None
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker(command, address):
    process = subprocess.Popen([*command, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "TANDEM_NODE_CLIENTS": NODE_CLIENTS})
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run(address, kind, size, instances, concurrency, *more):
    done = subprocess.run([str(lib.PROGRAMS / "bench_durable"), address, kind, str(size), str(instances), str(concurrency), *more],
                          capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"{kind} failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def beside(figures, rounds, ours, theirs, name, value="per_s", unit="orchestrations/s", factor=10.0, sdk_worker=None):
    """Both in turns; the ratio is the figure."""
    results = {"Tandem": [], "durabletask-go": []}
    for _ in range(rounds):
        for engine, make, arguments in (("Tandem", tandem, ours), ("durabletask-go", sidecar, theirs)):
            with lib.directory() as where, make(where) as (address, _), contextlib.ExitStack() as stack:
                if sdk_worker:
                    stack.enter_context(worker(sdk_worker, address))
                    run(address, arguments[0], arguments[1], 5, 1, "no-worker")  # until it is connected
                results[engine].append(run(address, *arguments, *(("no-worker",) if sdk_worker else ())))
    medians = {engine: lib.median([one[value] for one in all_]) for engine, all_ in results.items()}
    for engine, all_ in results.items():
        figures.note(f"{name}: {engine}", medians[engine], unit)
        figures.note(f"{name}: {engine} p50", lib.median([one["p50_ms"] for one in all_]), "ms")
        figures.note(f"{name}: {engine} p99", lib.median([one["p99_ms"] for one in all_]), "ms")
    ratio = medians["Tandem"] / medians["durabletask-go"] if value == "per_s" else medians["durabletask-go"] / medians["Tandem"]
    figures.add(f"{name}: times durabletask-go", ratio, "x", factor, most=False)
    return medians


def watched(kind, size, instances, concurrency, after=None):
    """A run, and how far the resident memory rose above that of a warm server."""
    with lib.directory() as where, tandem(where) as (address, server):
        run(address, "cities", 5, 50, 10)
        before = lib.resident_bytes(server)
        most, stop = [before], threading.Event()

        def watch():
            while not stop.wait(0.2):
                most[0] = max(most[0], lib.resident_bytes(server))
        watcher = threading.Thread(target=watch)
        watcher.start()
        done = run(address, kind, size, instances, concurrency)
        stop.set()
        watcher.join()
        if after:
            after(server)
        return done, (most[0] - before) / 2**20


def long_chain(figures, length):
    """One orchestration of many activities one after the other: bounded memory."""
    done, risen = watched("chain", length, 1, 1)
    figures.note(f"{length:,} activities one after the other", done["seconds"], "s")
    figures.add(f"{length:,} activities: resident memory above the start", risen, "MiB", 512)


def one_entity(figures, signals):
    """One entity that is signalled very often: bounded memory, and a log that does not grow."""
    def restart(server):
        server.kill()
        began = time.monotonic()
        server.start()
        figures.add(f"{signals:,} signals: restart to ready after a kill", time.monotonic() - began, "s", 5)
    done, risen = watched("signals", 1, signals, 256, restart)
    figures.note(f"{signals:,} signals to one entity, until all are counted", done["per_s"], "signals/s")
    figures.note(f"{signals:,} signals: acknowledged p50", done["p50_ms"], "ms")
    figures.add(f"{signals:,} signals: resident memory above the start", risen, "MiB", 512)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chain", type=int, default=10_000)
    parser.add_argument("--signals", type=int, default=100_000)
    options = parser.parse_args()
    figures = lib.Figures()
    figures.part("hello cities, a native worker")
    medians = beside(figures, options.rounds, ("cities", 5, 3000, 200), ("cities", 5, 150, 150), "hello cities, native worker")
    for name, command in WORKERS.items():
        figures.part(f"hello cities, a worker in {name}")
        ours = beside(figures, options.rounds, ("cities", 5, 400, 100), ("cities", 5, 100, 100), f"hello cities, {name} worker", factor=1.0,
                      sdk_worker=command)
        # Below the native worker's, the SDK is what bounds it.
        figures.note(f"hello cities, {name} worker: part of the native worker's rate", ours["Tandem"] / medians["Tandem"], "")
    figures.part("fan-out of 1,000 activities")
    beside(figures, options.rounds, ("fan", 1000, 1, 1), ("fan", 1000, 1, 1), "fan-out of 1,000: makespan", value="seconds", unit="s")
    figures.part("one long orchestration")
    long_chain(figures, options.chain)
    figures.part("one busy entity")
    one_entity(figures, options.signals)
    return figures.finish("durable")


if __name__ == "__main__":
    sys.exit(main())
