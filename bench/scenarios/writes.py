"""Bytes written per step: the store's log, and apart from it what flushes and compactions write."""
import pathlib
import stat
import threading

import lib
from scenarios import rates
from server import written_bytes

INTERVAL_S = 0.05


class Watch:
    """Bytes by which the data directory's files grow while it is entered, also of files that are gone before its end.

    log: the store's log (store/*.log). tables: what its flushes and compactions wrote (store/*.sst). store: its other
    files. functions: the functions' logs and packages. other: all else below the data directory. pages: what the kernel
    counts as written by the server's process, whole pages each time.
    """

    def __init__(self, server):
        self.server = server
        self.last = {}  # sizes
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _pages(self):
        text = pathlib.Path(f"/proc/{self.server.process.pid}/io").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("write_bytes"))

    def _look(self):
        data = lib.data_directory(self.server)
        for path in data.rglob("*"):
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            room = path.relative_to(data).parts[0]
            size = status.st_size
            if room == "store":  # a name is used once
                key, kind = path, {".log": "log", ".sst": "tables"}.get(path.suffix, "store")
                if kind == "log":
                    size = written_bytes(path)
            else:  # a full log of a function is renamed
                key, kind = status.st_ino, "functions" if room == "functions" else "other"
            last = self.last.get(key, 0)
            if size < last:  # begun anew; the store's log loses what was claimed ahead when it is full
                last = size if room == "store" else 0
            setattr(self, kind, getattr(self, kind) + size - last)
            self.last[key] = size

    def _watch(self):
        while not self.ended.wait(INTERVAL_S):
            self._look()

    def __enter__(self):
        self.log = self.tables = self.store = self.functions = self.other = 0
        self._look()
        self.log = self.tables = self.store = self.functions = self.other = 0
        self.pages = -self._pages()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.pages += self._pages()
        self.ended.set()
        self.thread.join()
        self._look()

    @property
    def total(self):
        return self.log + self.tables + self.store + self.functions + self.other


def per_step(figures, server, what, machine, steps, clients, seconds):
    lib.settle(server)
    with Watch(server) as watch:
        done = lib.load(server, "workflow", clients, seconds, machine, poll_us=200 if clients == 1 else rates.POLL_US)
        lib.settle(server)  # flushes and compactions are part of it
    count = done["requests"] * steps
    figures.note(f"{what}: steps watched", count, "steps")
    figures.add(f"{what}: log bytes per step", watch.log / count, "bytes", 1024)
    figures.note(f"{what}: flushed and compacted per step", watch.tables / count, "bytes")
    figures.note(f"{what}: functions' logs per step", watch.functions / count, "bytes")
    figures.note(f"{what}: other files per step", (watch.store + watch.other) / count, "bytes")
    figures.note(f"{what}: whole pages written by the process per step", watch.pages / count, "bytes")


def measure(figures, where, seconds):
    """The start and the end of a workflow are in it: all that was written, divided by its steps."""
    with lib.new_server(where) as server:
        function = lib.deploy_native(server)
        long = lib.create_machine(server, "sequence80", lib.sequence(function, 80))
        short = lib.create_machine(server, "sequence5", lib.sequence(function, 5))
        lib.load(server, "workflow", 1, 1, long)
        per_step(figures, server, "sequence of 80, 1 client", long, 80, 1, seconds)
        lib.load(server, "workflow", 64, 1, short, poll_us=rates.POLL_US)
        per_step(figures, server, "sequence of 5, 64 clients", short, 5, 64, seconds)
