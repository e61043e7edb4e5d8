#!/usr/bin/env python3
"""run.py boto3|awscli|js: starts a server and runs one client's test against it. Skips (77) without the client.

The client test reads the ready file named by TANDEM_READY_FILE and the usual AWS variables."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from server import ROOT, Server  # noqa: E402


def python_with(module):
    """The virtual environment that `./dev setup` makes, or this Python; None if neither has the module."""
    venv = os.environ.get("TANDEM_VENV", str(ROOT / ".venv"))
    for python in (f"{venv}/bin/python", sys.executable):
        if os.path.exists(python) and subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def command(client):
    if client == "js":
        modules = os.environ.get("TANDEM_NODE_CLIENTS", str(ROOT / "build/clients/node"))
        if not os.path.isdir(f"{modules}/node_modules/@aws-sdk/client-sfn"):
            return None
        return ["env", f"TANDEM_NODE_CLIENTS={modules}", "node", str(HERE / "js_test.mjs")]
    python = python_with(client)
    return python and [python, str(HERE / f"{client}_test.py")]


def main():
    client = sys.argv[1]
    run = command(client)
    if run is None:
        print(f"skipped: {client} is not installed (./dev test installs it)")
        return 77
    with Server() as server:
        if subprocess.run(run, env=server.variables()).returncode != 0:
            raise SystemExit(f"{client}: failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
