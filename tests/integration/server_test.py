#!/usr/bin/env python3
"""`tandem serve` as an operator meets it: start, keys, TLS, health, drain, restart, what it refuses to start with."""
import io
import json
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import zipfile

from clients import ROLE, Config, boto3, botocore
from server import Server, binary

SECONDS = 30


def package(code):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", code)
    return buffer.getvalue()


def deploy(server, name, code, **settings):
    server.client("lambda").create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="app.handler",
                                            Code={"ZipFile": package(code)}, **{"Timeout": 30, **settings})


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"gave up waiting for {what}")


def get(url, context=None):
    with urllib.request.urlopen(url, context=context, timeout=10) as reply:
        return reply.status, reply.read().decode()


def refused(arguments):
    """What `tandem serve` says when it does not start."""
    port = () if "--port" in arguments else ("--port", "0")
    with tempfile.TemporaryDirectory() as data:
        done = subprocess.run([binary(), "serve", "--data", data + "/data", *port, *arguments], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode != 0, "it started"
    return done.stderr


class Serve(unittest.TestCase):
    def test_keys_files_and_health(self):
        with Server() as server:
            self.assertRegex(server.url, r"^http://127\.0\.0\.1:\d+$")
            self.assertEqual(stat.S_IMODE(server.ready_file.stat().st_mode), 0o600)
            self.assertEqual(stat.S_IMODE((server.directory / "data/credentials").stat().st_mode), 0o600)
            secret = server.ready["secret_access_key"]
            self.assertEqual(server.log().count(secret), 1, "the new key is printed once")
            self.assertEqual(get(server.url + "/healthz"), (200, "ok\n"))
            self.assertEqual(get(server.url + "/readyz"), (200, "ready\n"))
            status, text = get(server.url + "/metrics")
            self.assertEqual(status, 200)
            for line in text.splitlines():
                self.assertRegex(line, r"^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[^}]*\})? \S+)$")
            self.assertIn("# TYPE tandem_syncs_total counter", text)
            server.client("stepfunctions").list_state_machines()
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertEqual(server.ready["secret_access_key"], secret, "the key stays")
            self.assertEqual(server.log(1_000_000).count(secret), 1, "and is not printed again")

    def test_wrong_keys_are_refused(self):
        with Server() as server:
            for key, secret, code in (("AKIAIOSFODNN7EXAMPLE", "x" * 40, "UnrecognizedClientException"),
                                      (server.ready["access_key_id"], "x" * 40, "InvalidSignatureException")):
                client = boto3.client("stepfunctions", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=key,
                                      aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}))
                with self.assertRaises(botocore.exceptions.ClientError) as raised:
                    client.list_state_machines()
                self.assertEqual(raised.exception.response["Error"]["Code"], code)

    def test_no_auth_stands_in_for_an_emulator(self):
        with Server(arguments=["--no-auth"]) as server:
            client = boto3.client("stepfunctions", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
            self.assertEqual(client.list_state_machines()["stateMachines"], [])
        self.assertIn("loopback", refused(["--no-auth", "--listen", "0.0.0.0"]))

    def test_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            key, certificate = directory + "/key.pem", directory + "/cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
            with Server(arguments=["--tls-certificate", certificate, "--tls-key", key]) as server:
                self.assertTrue(server.url.startswith("https://"))
                client = boto3.client("lambda", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=server.ready["access_key_id"],
                                      aws_secret_access_key=server.ready["secret_access_key"], verify=certificate)
                self.assertEqual(client.list_functions()["Functions"], [])
                with self.assertRaises(urllib.error.URLError):
                    get(server.url + "/healthz")  # not trusted
                with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as plain:
                    plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    plain.settimeout(SECONDS)
                    self.assertNotIn(b"200 OK", plain.recv(1000))
            self.assertIn("cert", refused(["--tls-certificate", directory + "/none.pem", "--tls-key", key]))

    def test_sigterm_drains(self):
        with Server() as server:
            deploy(server, "slow", "import time\ndef handler(e, c):\n    print('in', flush=True)\n    time.sleep(1.5)\n    return 'done'\n")
            answers = []
            client = server.client("lambda", read_timeout=SECONDS)
            caller = threading.Thread(target=lambda: answers.append(json.load(client.invoke(FunctionName="slow")["Payload"])))
            caller.start()
            until(lambda: "tandem_worker_init_seconds_count 1" in get(server.url + "/metrics")[1], "the function to start")
            process, url = server.process, server.url
            process.send_signal(signal.SIGTERM)
            caller.join(SECONDS)
            self.assertEqual(answers, ["done"], "a running request ends")
            self.assertEqual(process.wait(SECONDS), 0)
            with self.assertRaises(urllib.error.URLError):
                get(url + "/healthz")
            server.start()

    def test_event_invocations_survive_a_crash_and_are_retried(self):
        with Server() as server, tempfile.TemporaryDirectory() as _:
            deploy(server, "later", "import time\ndef handler(e, c):\n    print('ran', e['n'], flush=True)\n    time.sleep(e['s'])\n")
            functions = server.client("lambda")
            for n in range(5):
                self.assertEqual(functions.invoke(FunctionName="later", InvocationType="Event", Payload=json.dumps({"n": n, "s": 20}))["StatusCode"], 202)
            server.kill()  # none can have ended
            server.start()
            log = lambda: subprocess.run([binary(), "--ready-file", str(server.ready_file), "logs", "later"], capture_output=True, text=True).stdout
            until(lambda: all(re.search(rf"ran {n}\b", log()) for n in range(5)), "the queued invocations to run again")

    def test_what_it_refuses_to_start_with(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[limits]\nshard = 3\n")
            file.flush()
            self.assertIn("shard", refused(["--config", file.name]))
        self.assertIn("/none.toml", refused(["--config", "/none.toml"]))
        with Server() as server:
            taken = server.url.rsplit(":", 1)[1]
            self.assertIn(taken, refused(["--port", taken]))
            second = subprocess.run([binary(), "serve", "--data", str(server.directory / "data"), "--port", "0"], capture_output=True, text=True, timeout=SECONDS)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn("in use", second.stderr)


if __name__ == "__main__":
    unittest.main()
