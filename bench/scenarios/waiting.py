"""One million executions that wait: memory of each, and the restart."""
import time

import lib

EXECUTIONS = 1_000_000
HOURS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 36_000, "End": True}}}


def measure(figures, where, seconds):
    server = lib.new_server(where).start()
    try:
        machine = lib.create_machine(server, "hours", HOURS)
        fresh = lib.resident_bytes(server)
        started = lib.load(server, "start", 64, 600, machine, requests=EXECUTIONS - 1)
        lib.settle(server)
        waiting = lib.metrics(server)["tandem_executions_open"]
        figures.note("executions that wait", waiting, "executions")
        figures.note("started at", started["per_s"], "per s")
        figures.note("resident memory before the first", fresh / 2**20, "MiB")
        figures.add("resident memory per waiting execution", lib.resident_bytes(server) / waiting, "bytes", 1024)
        server.kill()
        began = time.monotonic()
        server.start()
        figures.add("restart to ready with one million waiting", time.monotonic() - began, "s", 30)
        lib.load(server, "start", target=machine, requests=1)  # the last of the million
        if lib.metrics(server)["tandem_executions_open"] != EXECUTIONS:
            raise SystemExit("executions are missing after the restart")
        figures.add("resident memory per waiting execution, restarted", lib.resident_bytes(server) / waiting, "bytes", 1024)
    finally:
        server.kill()
