"""The Java programs that ./dev setup all builds: the examples of examples/durable/java and the tests' own of durable_java/."""
import os
import pathlib
import shutil

from server import ROOT

BUILT = pathlib.Path(os.environ.get("TANDEM_JAVA_CLIENTS", str(ROOT / "build/clients/java")))
SKIPPED = "skipped: the Java clients are not built (./dev test builds them)"
# Programs of a second: what the best compiler takes pays back only later, and so does a collector with threads.
OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]


def are_there():
    return shutil.which("java") is not None and (BUILT / ".tandem").exists()


def command(program):
    return ["java", *OPTIONS, "-cp", f"{BUILT}/classes:{BUILT}/dependency/*", program]
