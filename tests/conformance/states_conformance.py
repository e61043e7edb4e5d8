#!/usr/bin/env python3
"""Replays the recorded Step Functions cases against a server of its own; 97 % of the direct items and 95 % of the scripted
cases must match.

    states_conformance.py [--match TEXT] [--endpoint URL] [--jobs N] [--excluded]

Two passes over the same recordings: the items that stand alone, and the scripts of every case in scope (recordings.py). A
third, that counts for itself: cases with a mock configuration, each in a server of its own. Their recordings are of real
calls, so what a case says that no mock has (headers, times) is left out there.
They stand beside the repository (TANDEM_SHARED, or ../shared); without them the test is skipped.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

from recordings import Recordings, alone, excluded, mock_config, mocked_reason, stand_alone
from scripts import Item, NotRecorded, Script

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from server import Server  # noqa: E402

LEAST_ITEMS, LEAST_CASES = 0.97, 0.95


class Locks:
    """Cases that make a function of the same name wait for each other."""

    def __init__(self):
        self.guard, self.locks = threading.Lock(), collections.defaultdict(threading.Lock)

    @contextlib.contextmanager
    def hold(self, names):
        with self.guard:
            locks = [self.locks[name] for name in sorted(set(names))]
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            yield


def run_mocked(recordings, case):
    """In a server of its own, since that reads its mock configuration when it starts."""
    script = Script(recordings, case, "")
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(script.text(json.dumps(mock_config(case))))
            file.flush()
            with Server(arguments=["--no-auth"], environment={**os.environ, "SFN_MOCK_CONFIG": file.name}) as server:
                script.use(server.url)
                script.omitted = case["localstack_does_not_match"]
                return script.run()
    except Exception as error:
        return [Item("script", [("script", "to its end", repr(error))])]


def run_script(recordings, case, endpoint, locks, buckets):
    script = Script(recordings, case, endpoint, buckets)
    try:
        with locks.hold(script.functions()):
            return script.run()
    except NotRecorded as reason:
        return [Item("script", skipped=f"needs code of the recording ({reason})")]
    except Exception as error:  # a difference like any other: it must not end the run
        return [Item("script", [("script", "to its end", repr(error))])]


def report(title, results, least_items=0.0, least_cases=0.0):
    """results: (case, items). Prints what differs and the shares; answers whether both are large enough."""
    items = [(case, item) for case, found in results for item in found if item.skipped is None]
    by_case = collections.defaultdict(lambda: True)
    for case, item in items:
        by_case[case["id"]] &= not item.errors
        if item.errors:
            print("DIFFERS", case["id"].split("stepfunctions/")[-1], item.name,
                  *[f"\n     {path}: want {json.dumps(want)[:200]} got {json.dumps(got)[:200]}" for path, want, got in item.errors[:3]])
    skipped = collections.Counter(item.skipped for _, found in results for item in found if item.skipped)
    good, cases = sum(not item.errors for _, item in items), sum(by_case.values())
    share = good / len(items) if items else 0.0
    case_share = cases / len(by_case) if by_case else 0.0
    print(f"{title}: items {good}/{len(items)} ({share:.3f}), cases {cases}/{len(by_case)} ({case_share:.3f})"
          + "".join(f"; {count} not compared: {why}" for why, count in skipped.most_common()))
    return not items or (share >= least_items and case_share >= least_cases)


def run(recordings, endpoint, options, buckets=None):
    begun, locks = time.monotonic(), Locks()
    chosen = [case for case in recordings.cases if options.match in case["id"]]
    reasons = {case["id"]: excluded(case) for case in chosen}
    eligible = [case for case in chosen if reasons[case["id"]] is None]
    items = [entry for entry in stand_alone(recordings) if options.match in entry[0]["id"]]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        scripts = [(case, pool.submit(run_script, recordings, case, endpoint, locks, buckets)) for case in eligible]
        single = [(case, pool.submit(run_script, recordings, alone(case, item), endpoint, locks, buckets)) for case, item, why in items if not why]
        mocked = [(case, pool.submit(run_mocked, recordings, case)) for case in recordings.mocked
                  if options.match in case["id"] and not options.endpoint and not mocked_reason(case)]
        skipped = [(case, [Item(item["match"], skipped=why)]) for case, item, why in items if why]
        ok = report("stand-alone", [(case, future.result()) for case, future in single] + skipped, least_items=LEAST_ITEMS)
        ok &= report("scripts", [(case, future.result()) for case, future in scripts], least_cases=LEAST_CASES)
        ok &= report("mocked", [(case, future.result()) for case, future in mocked], least_items=1.0)
    counts = collections.Counter(reason for reason in reasons.values() if reason)
    print(f"{len(eligible)} of {len(chosen)} cases in scope; out of scope: " + ", ".join(f"{n} {reason}" for reason, n in counts.most_common()))
    if options.excluded:
        for case in chosen:
            if reasons[case["id"]]:
                print(f"  {reasons[case['id']]}: {case['id'].split('stepfunctions/')[-1]}")
    print(f"{time.monotonic() - begun:.1f} s")
    return ok


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--match", default="", help="only cases whose id contains this")
    parser.add_argument("--endpoint", help="a running server (serve --no-auth) instead of one of its own")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--excluded", action="store_true", help="list the cases out of scope")
    options = parser.parse_args()
    suite = pathlib.Path(os.environ.get("TANDEM_SHARED") or ROOT.parent / "shared") / "conformance/stepfunctions"
    if not (suite / "replay.py").exists():
        print(f"no recordings in {suite}")
        return 77
    recordings = Recordings(suite)
    if options.endpoint:
        return not run(recordings, options.endpoint, options)
    with Server(arguments=["--no-auth"]) as server:
        return not run(recordings, server.url, options, server.directory / "data/buckets")


if __name__ == "__main__":
    sys.exit(main())
