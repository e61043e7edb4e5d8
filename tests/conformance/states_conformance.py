#!/usr/bin/env python3
"""Replays the recorded Step Functions cases (JSONPath) against a server of its own; at least 95 % must match.

The recordings stand beside the repository (TANDEM_SHARED, or ../shared); without them the test is skipped.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from server import Server  # noqa: E402

LEAST_SHARE = "0.95"


def main():
    shared = pathlib.Path(os.environ.get("TANDEM_SHARED") or ROOT.parent / "shared")
    suite = shared / "conformance/stepfunctions"
    if not (suite / "replay.py").exists():
        print(f"no recordings in {suite}")
        return 77
    with Server(arguments=["--no-auth"]) as server:
        return subprocess.run([sys.executable, str(suite / "replay.py"), str(suite / "recordings.json"), "--endpoint", server.url,
                               "--dialect", "jsonpath", "--min", LEAST_SHARE], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
