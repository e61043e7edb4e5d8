"""Programs under a keeper of their own (keeper.py), as whoever started them sees them, or finds them again."""
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time

import keeper

KEEPER = str(pathlib.Path(keeper.__file__).resolve())
START_SECONDS = 30
STOP_SECONDS = 30


def wait_for(condition, seconds, what, every=0.01):
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {seconds} s")
        time.sleep(every)


class Kept:
    """A daemon under its keeper (keeper.py), found by the file that the keeper holds locked."""

    def __init__(self, file):
        self.file = pathlib.Path(file)
        self.popen = None  # of the keeper, where this process started it

    def start(self, command, output, environment, user=None, attached=True, holding=()):
        """holding: sockets that stay open as long as the keeper lives."""
        options = [str(self.file)] + (["--attached"] if attached else []) + (["--user", str(user)] if user is not None else [])
        with open(output, "ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-I", "-S", KEEPER, *options, "--", *command], stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
                stdout=log, stderr=log, env=environment, cwd="/", start_new_session=True,
                pass_fds=[held.fileno() for held in holding])
        return self

    def alive(self):
        if self.popen is not None and self.popen.poll() is not None:
            return False
        try:
            with open(self.file, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return self.popen is not None  # it has not come to its lock yet

    def ids(self):
        """(keeper's, program's) process ids, once there are any."""
        deadline = time.monotonic() + START_SECONDS
        while self.alive():
            words = self.file.read_text().split() if self.file.exists() else []
            if len(words) == 2:
                return int(words[0]), int(words[1])
            if time.monotonic() > deadline:
                break
            time.sleep(0.002)
        return None

    def signal(self, number):
        """To the program alone."""
        ids = self.ids()
        if ids is not None and ids[1] in keeper.descendants([ids[0]]):
            os.kill(ids[1], number)

    def ask_to_end(self):
        ids = self.ids()
        if ids is not None:
            os.kill(ids[0], signal.SIGTERM)

    def wait(self):
        wait_for(lambda: not self.alive(), STOP_SECONDS, f"the end of what {self.file.name} keeps", every=0.003)
        if self.popen is not None and self.popen.stdin is not None:
            self.popen.stdin.close()
