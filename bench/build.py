#!/usr/bin/env python3
"""A clean build and a one-file rebuild, without a compiler cache: ./dev bench build."""
import os
import pathlib
import shutil
import subprocess
import time

import lib

DIRECTORY = lib.ROOT / "build/bench-build"
ENGINE_FILE = lib.ROOT / "src/engine/shard.cc"


def timed(command):
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "CCACHE_DISABLE": "1"})
    return time.monotonic() - began


def main():
    figures = lib.Figures()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    configure = timed(["cmake", "-S", str(lib.ROOT), "--preset", "release", "-B", str(DIRECTORY)])
    figures.add("clean build, two jobs", configure + timed(["ninja", "-C", str(DIRECTORY), "-j2"]), "s", 480)
    seconds = []
    stamp = pathlib.Path(ENGINE_FILE).stat()
    for _ in range(3):
        os.utime(ENGINE_FILE)
        seconds.append(timed(["ninja", "-C", str(DIRECTORY), "-j2"]))
    os.utime(ENGINE_FILE, (stamp.st_atime, stamp.st_mtime))
    figures.add("rebuild after one engine file, median of 3", sorted(seconds)[1], "s", 15)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    figures.finish()


if __name__ == "__main__":
    main()
