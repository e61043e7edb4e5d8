"""Keeps together all that one program starts, as if it ran on a machine of its own.

    python3 -I -S keeper.py FILE [--attached] [--user UID] -- PROGRAM ARGUMENT...

The keeper starts the program and becomes the parent of every process below it whose own parent ends (daemons, job steps,
what they leave behind, in whatever session). It ends when none is left. SIGTERM kills them all, and so does, with
--attached, the end of standard input: whoever holds the other end need not live to clean up.

FILE gets "KEEPER PROGRAM", the two process ids, and is locked as long as the keeper lives.
"""
import ctypes
import fcntl
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
SWEEP_SECONDS = 0.002
GIVE_UP_SECONDS = 20


def descendants(roots):
    """Process ids of all that `roots` and their children have started, and that is still there."""
    children = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            children.setdefault(int(parent), []).append(int(name))
    found, frontier = [], list(roots)
    while frontier:
        below = children.get(frontier.pop(), [])
        found += below
        frontier += below
    return found


def start(command, user):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


def reap(program):
    """Takes in what has ended: (is nothing left?, the program's own exit status or None)."""
    status = None
    while True:
        try:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True, status
        if pid == 0:
            return False, status
        if pid == program:
            status = os.waitstatus_to_exitcode(wait_status)


def kill_all():
    for pid in descendants([os.getpid()]):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def main():
    options, command = sys.argv[1:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
    user = int(options[options.index("--user") + 1]) if "--user" in options else None
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    lock = os.open(options[0], os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    ending = []
    program = start(command, user)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(time.monotonic() + GIVE_UP_SECONDS))
    os.write(lock, f"{os.getpid()} {program}\n".encode())
    watched = [woken, 0] if "--attached" in options else [woken]
    exit_status = 0
    while True:
        empty, status = reap(program)
        exit_status = exit_status if status is None else status
        if empty:
            sys.exit(exit_status if exit_status >= 0 else 128 - exit_status)
        if ending:
            if time.monotonic() > ending[0]:
                sys.exit(f"still there: {descendants([os.getpid()])}")
            kill_all()
        ready = select.select(watched, [], [], SWEEP_SECONDS if ending else None)[0]
        if woken in ready:
            os.read(woken, 4096)
        if 0 in ready and not os.read(0, 4096):
            watched = [woken]
            ending.append(time.monotonic() + GIVE_UP_SECONDS)


if __name__ == "__main__":
    main()
