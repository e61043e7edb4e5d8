"""Orchestrations of the unmodified JavaScript SDKs, of today's protocol and of its first one, on a running server."""
import os
import subprocess
import sys
import unittest

from server import ROOT, Server

MODULES = os.environ.get("TANDEM_NODE_CLIENTS", str(ROOT / "build/clients/node"))
PACKAGES = ["@microsoft/durabletask-js", "@dapr/durabletask-js"]
if not all(os.path.isdir(f"{MODULES}/node_modules/{package}") for package in PACKAGES):
    print("skipped: the Node clients are not installed (./dev test installs them)")
    sys.exit(77)


class JavaScriptTest(unittest.TestCase):
    def test_sdks(self):
        for package in PACKAGES:
            with self.subTest(package=package), Server(arguments=["--no-auth"]) as server:
                done = subprocess.run(["node", str(ROOT / "tests/integration/durable_js.mjs"), package, server.ready["grpc"]],
                                      env={**os.environ, "TANDEM_NODE_CLIENTS": MODULES}, capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
                self.assertIn("ok", done.stdout)


if __name__ == "__main__":
    unittest.main()
