"""Counts the instructions of the hot paths under callgrind and compares them with expected.toml.

usage: measure.py PROGRAM [--bless] [PATH...]

A path fails that takes over 3 % more than is written down, or less: a gain is written down too, or
it could be lost again unseen. Exit status: 0 all as expected, 1 not, 77 nothing to compare with.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

TOLERANCE = 0.03
EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.toml")
BLESS = "./dev bless instructions"
# What could choose other code on another machine, or move things about, is pinned: the libraries
# pick among implementations by the processor's features, and the environment lies on the stack.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C",
    "TZ": "UTC",
    "OPENSSL_ia32cap": "0:0",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(
        f"-{feature}" for feature in (
            "AVX512VL", "AVX512BW", "AVX2", "AVX_Fast_Unaligned_Load", "SSE4_2", "SSE4_1", "SSSE3",
            "ERMS", "FSRM", "RTM", "BMI2")),
}


def output_of(*command):
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return ran.stdout


def count(program, path, times):
    """Instructions of one call of the path."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out")
        ran = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=measured", "--vgdb=no",
             f"--callgrind-out-file={out}", program, path],
            cwd=directory, env={**ENVIRONMENT, "TMPDIR": directory}, capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{path} failed:\n{ran.stderr}")
        with open(out, encoding="utf-8") as profile:
            found = re.search(r"^(?:summary|totals): (\d+)", profile.read(), re.MULTILINE)
    total = int(found.group(1)) if found else 0
    if total == 0:
        sys.exit(f"{path}: nothing was counted; is measured() still in the program?")
    return round(total / times)


def bless(compiler, counts):
    with open(EXPECTED, "w", encoding="utf-8") as file:
        file.write(f"# Instructions of one call of each hot path; written by `{BLESS}`.\n")
        file.write(f'compiler = "{compiler}"\n\n[counts]\n')
        for path, number in counts.items():
            file.write(f"{path} = {number}\n")


def main():
    arguments = sys.argv[1:]
    blesses = "--bless" in arguments
    program, *only = [a for a in arguments if a != "--bless"]
    program = os.path.abspath(program)
    if shutil.which("valgrind", path=ENVIRONMENT["PATH"]) is None:
        print("valgrind is not installed: `./dev test` installs it")
        return 77
    compiler = output_of(program, "--compiler").strip()
    with open(EXPECTED, "rb") as file:
        expected = tomllib.load(file)
    if compiler != expected["compiler"] and not blesses:
        print(f"not compared: the counts are of g++ {expected['compiler']}, this is {compiler}")
        return 77
    paths = dict(line.split() for line in output_of(program, "--list").splitlines())
    counts, failures = {}, []
    print(f"{'path':<26}{'expected':>10}{'counted':>10}")
    for path, times in paths.items():
        if only and path not in only:
            counts[path] = expected["counts"].get(path, 0)
            continue
        counts[path] = count(program, path, int(times))
        wanted = expected["counts"].get(path, 0)
        change = counts[path] / wanted - 1 if wanted else 1
        print(f"{path:<26}{wanted:>10}{counts[path]:>10} {change:+8.2%}", flush=True)
        if abs(change) > TOLERANCE:
            failures.append(f"{path}: {change:+.1%}")
    if not only:
        failures += [f"{path} is expected, but there is no such path"
                     for path in expected["counts"] if path not in paths]
    if blesses:
        bless(compiler, counts)
    elif failures:
        print("\nmore than 3 % from what is expected:\n  " + "\n  ".join(failures))
        print(f"If that is meant, say why in the commit, and write the new counts down: {BLESS}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
