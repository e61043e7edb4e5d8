"""A running `tandem serve` for a test: started on a free port in a data directory, ready when the context is entered.

    with Server() as server:            # TANDEM_BINARY, or build/release/tandem
        server.client("stepfunctions")  # a boto3 client
        server.kill()                   # SIGKILL, as a crash
        server.start()                  # again, over the same data

Python standard library only, but for client().
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 60


def binary():
    return os.environ.get("TANDEM_BINARY") or str(ROOT / "build/release/tandem")


def written_bytes(path):
    """Of a file whose room may be claimed ahead, as the store's log: up to its first hole, in whole pages. 0 if it is not there."""
    try:
        with open(path, "rb") as file:
            return os.lseek(file.fileno(), 0, os.SEEK_HOLE) if os.fstat(file.fileno()).st_size else 0
    except FileNotFoundError:
        return 0


class Server:
    def __init__(self, data=None, arguments=(), tandem=None, environment=None, port=0):
        self.port = port
        self.arguments = list(arguments)
        self.tandem = tandem or binary()
        self.environment = environment
        self.owned = data is None
        self.directory = pathlib.Path(data or tempfile.mkdtemp(prefix="tandem-test-"))
        self.ready_file = self.directory / "ready.json"
        self.log_file = self.directory / "server.log"
        self.process = None
        self.ready = {}

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        # The server's unprivileged function processes pass through this directory.
        self.directory.chmod(0o755)
        self.ready_file.unlink(missing_ok=True)
        grpc = () if "--grpc-port" in self.arguments else ("--grpc-port", "0")  # nobody else's
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.tandem, "serve", "--data", str(self.directory / "data"), "--port", str(self.port), "--ready-file", str(self.ready_file),
                 *grpc, *self.arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server was not ready after {START_SECONDS} s:\n{self.log()}")
            time.sleep(0.01)
        self.ready = json.loads(self.ready_file.read_text())
        return self

    def log(self, last_bytes=8000):
        return self.log_file.read_bytes()[-last_bytes:].decode(errors="replace") if self.log_file.exists() else ""

    def kill(self):
        """SIGKILL: what a crash or a power cut leaves."""
        self._end(signal.SIGKILL, 30)

    def stop(self, timeout_s=60):
        """SIGTERM: drains, then ends. Returns the exit status."""
        return self._end(signal.SIGTERM, timeout_s)

    def _end(self, signal_number, timeout_s):
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal_number)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    @property
    def url(self):
        return self.ready["aws"]

    def variables(self):
        """The environment that points any AWS client at this server, and nowhere else."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {**kept,
                "AWS_ACCESS_KEY_ID": self.ready["access_key_id"], "AWS_SECRET_ACCESS_KEY": self.ready["secret_access_key"],
                "AWS_REGION": self.ready["region"], "AWS_DEFAULT_REGION": self.ready["region"], "AWS_ENDPOINT_URL": self.url,
                "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "TANDEM_READY_FILE": str(self.ready_file)}

    def client(self, service, **config):
        import boto3
        from botocore.config import Config
        config.setdefault("retries", {"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url, region_name=self.ready["region"], config=Config(**config),
                            aws_access_key_id=self.ready["access_key_id"], aws_secret_access_key=self.ready["secret_access_key"])

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        finally:
            if kind is not None:
                print(f"--- the server's log ({self.log_file}):\n{self.log()}", flush=True)
            elif self.owned:
                shutil.rmtree(self.directory, ignore_errors=True)
