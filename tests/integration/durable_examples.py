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
import java_clients

EXAMPLES = ROOT / "examples/durable"
MODULES = os.environ.get("TANDEM_NODE_CLIENTS", str(ROOT / "build/clients/node"))
HAS_NODE = os.path.isdir(f"{MODULES}/node_modules/@microsoft/durabletask-js")


def command(language, name):
    if language == "java":
        return java_clients.command("".join(word.capitalize() for word in name.split("_")))
    if language == "javascript":
        return ["node", str(EXAMPLES / language / f"{name}.mjs")]
    return [sys.executable, str(EXAMPLES / language / f"{name}.py")]


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
        done = subprocess.run([*command(language, name), self.server.ready["grpc"], *arguments], capture_output=True, text=True, timeout=90,
                              cwd=ROOT, env={**os.environ, "TANDEM_NODE_CLIENTS": MODULES, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stdout.strip().splitlines()

    def check(self, language, state):
        self.assertEqual(json.loads(self.run_one(language, "hello_cities")[-1])[-1], "Hello Oslo!")
        self.assertEqual(self.run_one(language, "fan_out_files")[-1], words_of_examples())
        for person, result in (("yes", "ordered for 1200"), ("no", "declined"), ("silent", "nobody answered")):
            self.assertEqual(json.loads(self.run_one(language, "approval", person)[-1]), result)
        self.assertIn("done, seen at look", self.run_one(language, "monitor")[-1])
        self.assertEqual(self.run_one(language, "eternal")[-2:], [state, 'TERMINATED "enough"'])

    def test_python(self):
        self.check("python", '{"count": 4, "largest": 8}')

    @unittest.skipUnless(HAS_NODE, "the Node clients are not installed (./dev test installs them)")
    def test_javascript(self):
        self.check("javascript", '{"count":4,"largest":8}')

    @unittest.skipUnless(java_clients.are_there(), java_clients.SKIPPED)
    def test_java(self):
        self.check("java", "State[count=4, largest=8]")

    def test_bank_transfer(self):
        for language in ("python", "javascript") if HAS_NODE else ("python",):
            with self.subTest(language=language):
                self.assertEqual(self.run_one(language, "bank_transfer"), [" ".join(['"done"'] * 8 + ['"refused"']), "alice 80 bob 120"])


if __name__ == "__main__":
    unittest.main()
