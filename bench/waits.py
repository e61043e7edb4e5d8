#!/usr/bin/env python3
"""100,000 open executions that wait: memory, restart, and how late their timers are: ./dev bench waits [--executions N]."""
import argparse
import calendar
import json
import re
import time

import lib

# An hour for those that only have to be held; the others are due while the server runs again.
HOUR = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
SOON = {"StartAt": "W", "States": {"W": {"Type": "Wait", "TimestampPath": "$.at", "End": True}}}


def start(server, machine, count, given="{}"):
    return lib.load(server, "start", 64, 600, machine, given, requests=count)["requests"]


def lateness(server):
    """Counts of the histogram tandem_timer_late_seconds: ({upper bound: cumulative count}, count)."""
    values = lib.metrics(server)
    buckets = {}
    for name, value in values.items():
        found = re.match(r'tandem_timer_late_seconds_bucket\{le="([^"]+)"\}', name)
        if found:
            buckets[float(found.group(1))] = value
    return buckets, values.get("tandem_timer_late_seconds_count", 0)


def early(server, machine):
    """Ended executions that left their Wait before its time, of the first 1,000 listed."""
    client = server.client("stepfunctions")
    bad = 0
    for execution in client.list_executions(stateMachineArn=machine, maxResults=1000)["executions"]:
        given = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
        due = time.strptime(given["at"], "%Y-%m-%dT%H:%M:%SZ")
        bad += execution["stopDate"].timestamp() < calendar.timegm(due)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    options = parser.parse_args()
    figures = lib.Figures()
    soon = options.executions // 10
    with lib.directory() as where:
        server = lib.new_server(where).start()
        try:
            held = start(server, lib.create_machine(server, "hour", HOUR), options.executions)
            timed = lib.create_machine(server, "soon", SOON)
            at = time.time() + 25
            given = '{"at":"' + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) + '"}'
            held += start(server, timed, soon, given)
            figures.note("open executions", lib.metrics(server)["tandem_executions_open"], "executions")
            deadline = time.monotonic() + 60
            while lib.metrics(server)["tandem_executions_in_memory"] > 0 and time.monotonic() < deadline:
                time.sleep(0.1)
            figures.add("resident memory while all wait", lib.resident_bytes(server) / 2**30, "GiB", 1)
            server.kill()
            began = time.monotonic()
            server.start()
            figures.add("restart to ready", time.monotonic() - began, "s", 10)
            figures.add("resident memory after the restart", lib.resident_bytes(server) / 2**30, "GiB", 1)
            time.sleep(max(0, at - time.time()))
            deadline = time.monotonic() + 60
            while lateness(server)[1] < soon and time.monotonic() < deadline:
                time.sleep(0.1)
            buckets, count = lateness(server)
            figures.note("timers fired", count, "timers")
            within = buckets.get(1.0, 0)
            figures.add("timers more than 1 s late", count - within, "timers", 0)
            figures.add("timers early (of 1,000 looked at)", early(server, timed), "timers", 0)
            figures.add("executions still open", lib.metrics(server)["tandem_executions_open"], "executions", held - count)
        finally:
            server.stop()
    figures.finish()


if __name__ == "__main__":
    main()
