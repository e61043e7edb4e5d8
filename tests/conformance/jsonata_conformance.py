#!/usr/bin/env python3
"""Evaluates the shared JSONata cases with `tandem jsonata --json-lines`; at least 99 % must match.

    jsonata_conformance.py [--match TEXT] [--binary TANDEM]

The cases stand beside the repository (TANDEM_SHARED, or ../shared); without them the test is skipped. A case matches when
the value is the same JSON (numbers as numbers), when both are undefined, or when both are errors of the same code.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAST_SHARE = 0.99
SECONDS = 300  # for all cases; each is bounded by itself


def shared():
    for directory in filter(None, (os.environ.get("TANDEM_SHARED"), ROOT.parent / "shared")):
        cases = pathlib.Path(directory) / "conformance/jsonata/cases.json"
        if cases.exists():
            return json.loads(cases.read_text())
    return None


def request(case, datasets):
    """The line for a case: no input where the case names none."""
    line = {"expr": case["expr"]}
    if "data" in case:
        line["input"] = case["data"]
    elif case.get("dataset") is not None:
        line["input"] = datasets[case["dataset"]]
    line.update({key: case[key] for key in ("bindings", "timelimit", "depth") if case.get(key) is not None})
    return json.dumps(line)


def wanted(case):
    if case.get("undefinedResult"):
        return {"undefined": True}
    if "result" in case:
        return {"result": case["result"]}
    error = case.get("error", {"code": case.get("code")})
    return {"error": error["code"], **({"message": error["message"]} if "message" in error else {})}


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b or math.isclose(a, b, rel_tol=2**-52)  # the last bit of a double that was printed and read
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def matches(case, expected, got):
    if "error" in expected:
        return all(got.get(key) == value for key, value in expected.items())
    if case.get("unordered") and isinstance(expected.get("result"), list) and isinstance(got.get("result"), list):
        expected, got = ({"result": sorted(side["result"], key=json.dumps)} for side in (expected, got))
    return same(expected, got)


def answers(binary, lines):
    """One answer for each line; where the process ended instead of answering, it is started again behind that line."""
    found = []
    while len(found) < len(lines):
        rest = lines[len(found):]
        done = subprocess.run([binary, "jsonata", "--json-lines"], input="\n".join(rest) + "\n", text=True,
                              stdout=subprocess.PIPE, timeout=SECONDS)
        found += [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(found) < len(lines):
            found.append({"ended": done.returncode})
    return found[:len(lines)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--match", default="", help="only cases with TEXT in their id")
    parser.add_argument("--binary", default=os.environ.get("TANDEM_BINARY", str(ROOT / "build/release/tandem")))
    options = parser.parse_args()
    recorded = shared()
    if recorded is None:
        print("no shared cases: skipped")
        return 77
    cases = [case for case in recorded["cases"] if options.match in case["id"]]
    groups = collections.Counter()
    for case, got in zip(cases, answers(options.binary, [request(case, recorded["datasets"]) for case in cases])):
        expected = wanted(case)
        if not matches(case, expected, got):
            groups[case["id"].split("/")[0]] += 1
            print(f"{case['id']}: {case['expr']!r}\n    wanted {json.dumps(expected)[:300]}\n    got    {json.dumps(got)[:300]}")
    wrong = sum(groups.values())
    for group, count in groups.most_common():
        print(f"{count:4} differ in {group}")
    share = 1 - wrong / max(1, len(cases))
    print(f"JSONata: {len(cases) - wrong} of {len(cases)} cases match, {share:.2%} (at least {LEAST_SHARE:.0%})")
    return 0 if share >= LEAST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
