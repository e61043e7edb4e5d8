"""A command under a pseudo-terminal, and what a person would see of it.

    with Terminal(["tandem", "watch", ...], columns=100, rows=30) as terminal:
        terminal.wait_for(lambda text: "due in" in text)
        terminal.press("\\x03")

Knows the few control sequences that the command line uses; any other one is an error. Python standard library only.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

SEQUENCE = re.compile(r"\x1b\[(\?\d+[hl]|[\d;]*[A-Za-z])")


class Screen:
    """What the terminal shows: lines, of the normal screen with all that scrolled away, or of the alternate one."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.normal, self.lines, self.alternate = [""], [""], False
        self.row = self.column = 0
        self.cursor_shown, self.wraps = True, True
        self.colours = set()
        self.frames = 0
        self.misfits = []  # what was drawn beyond the alternate screen

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        if self.alternate:
            self.lines = [cut(line, columns) for line in self.lines[:rows]] + [""] * (rows - len(self.lines))
            self.row = min(self.row, rows - 1)

    def sequence(self, code):
        if code == "?1049h":
            self.alternate, self.lines, self.row, self.column = True, [""] * self.rows, 0, 0
        elif code == "?1049l":
            self.alternate, self.row, self.column = False, len(self.normal) - 1, len(self.normal[-1])
        elif code in ("?25h", "?25l"):
            self.cursor_shown = code.endswith("h")
        elif code in ("?7h", "?7l"):
            self.wraps = code.endswith("h")
        elif code == "H":
            self.row = self.column = 0
            self.frames += 1
        elif code == "K":
            self.lines[self.row] = cut(self.lines[self.row], self.column)
        elif code == "J":
            self.lines[self.row] = cut(self.lines[self.row], self.column)
            self.lines[self.row + 1:] = [""] * (len(self.lines) - self.row - 1)
        elif code == "2J":
            self.lines = [""] * self.rows
        elif code.endswith("m"):
            self.colours.add(code)
        else:
            raise AssertionError(f"unexpected control sequence {code!r}")

    def character(self, c):
        if not self.alternate:
            if c == "\n":
                self.normal.append("")
            elif c != "\r":
                self.normal[-1] += c
        elif c == "\r":
            self.column = 0
        elif c == "\n":
            if self.row == self.rows - 1:
                self.misfits.append("a line below the last row")
            self.row = min(self.row + 1, self.rows - 1)
        else:
            assert c.isprintable(), f"unexpected character {c!r}"
            width = width_of(c)
            if self.column + width >= self.columns:  # the last column is left free
                self.misfits.append(self.lines[self.row])
                return
            line = self.lines[self.row]
            self.lines[self.row] = cut(line, self.column).ljust(self.column) + c + line[len(cut(line, self.column)) + 1:]
            self.column += width

    def feed(self, text):
        at = 0
        while at < len(text):
            match = SEQUENCE.match(text, at)
            if match:
                self.sequence(match.group(1))
                at = match.end()
                continue
            if text[at] == "\x1b" and len(text) - at < 16:
                break  # the rest of it is yet to come
            self.character(text[at])
            at += 1
        return text[at:]

    def text(self):
        return "\n".join(self.lines if self.alternate else self.normal)


def width_of(c):
    return 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1


def cut(line, columns):
    """The characters that take up to `columns` columns."""
    used = 0
    for i, c in enumerate(line):
        used += width_of(c)
        if used > columns:
            return line[:i]
    return line


class Terminal:
    def __init__(self, command, columns=100, rows=30, environment=None):
        self.screen = Screen(columns, rows)
        self.seen = []  # every different picture of the alternate screen
        self.pending = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        environment = {**(os.environ if environment is None else environment), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=environment,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, columns, rows):
        self.screen.resize(columns, rows)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Takes in what the command writes within the time; False when nothing came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.pending = self.screen.feed(self.pending + self.decoder.decode(os.read(self.master, 65536)))
        if self.screen.alternate and (not self.seen or self.seen[-1] != self.screen.text()):
            self.seen.append(self.screen.text())
        return True

    def wait_for(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition(self.screen.text()):
            assert time.monotonic() < deadline, f"not in time; the terminal shows:\n{self.screen.text()}"
            self.read(0.1)
        return self.screen.text()

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, seconds=20):
        """Until the command has ended and all it wrote is read. Returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end; the terminal shows:\n{self.screen.text()}"
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.returncode

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before and self.screen.cursor_shown and self.screen.wraps and not self.screen.alternate

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
