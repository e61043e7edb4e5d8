"""The examples of examples/durable, each as its README runs it."""
import json
import os
import subprocess
import sys
import unittest

import clients  # noqa: F401  finds the Python that has the clients
from server import ROOT, Server

try:
    import durabletask  # noqa: F401
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)

EXAMPLES = ROOT / "examples/durable"
MODULES = os.environ.get("TANDEM_NODE_CLIENTS", str(ROOT / "build/clients/node"))
COMMANDS = {"python": [sys.executable], "javascript": ["node"]}
SUFFIXES = {"python": "py", "javascript": "mjs"}
HAS_NODE = os.path.isdir(f"{MODULES}/node_modules/@microsoft/durabletask-js")


def words_of_examples():
    files = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
    return f"{sum(len(path.read_text(errors='replace').split()) for path in files)} words in {len(files)} files"


class ExamplesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(arguments=["--no-auth"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def run_one(self, language, name, *arguments):
        done = subprocess.run([*COMMANDS[language], str(EXAMPLES / language / f"{name}.{SUFFIXES[language]}"), self.server.ready["grpc"],
                               *arguments], capture_output=True, text=True, timeout=90,
                              env={**os.environ, "TANDEM_NODE_CLIENTS": MODULES, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stdout.strip().splitlines()

    def check_common(self, language):
        self.assertEqual(json.loads(self.run_one(language, "hello_cities")[-1])[-1], "Hello Oslo!")
        self.assertEqual(self.run_one(language, "fan_out_files")[-1], words_of_examples())
        for person, result in (("yes", "ordered for 1200"), ("no", "declined"), ("silent", "nobody answered")):
            self.assertEqual(json.loads(self.run_one(language, "approval", person)[-1]), result)

    def test_python(self):
        self.check_common("python")
        self.assertIn("done, seen at look", self.run_one("python", "monitor")[-1])
        status, end = self.run_one("python", "eternal")[-2:]
        self.assertEqual(json.loads(status), {"count": 4, "largest": 8})
        self.assertEqual(end, 'TERMINATED "enough"')

    @unittest.skipUnless(HAS_NODE, "the Node clients are not installed (./dev test installs them)")
    def test_javascript(self):
        self.check_common("javascript")


if __name__ == "__main__":
    unittest.main()
