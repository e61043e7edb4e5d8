"""The AWS clients of the tests in this directory. A test that imports it is run by the project's virtual environment where
its own Python has no boto3, and skipped where there is none."""
import os
import subprocess
import sys

from server import ROOT

try:
    import boto3
    import botocore.exceptions
    from botocore.config import Config
except ImportError:
    python = os.environ.get("TANDEM_VENV", str(ROOT / ".venv")) + "/bin/python"
    if sys.executable != python and os.path.exists(python):
        sys.exit(subprocess.run([python, *sys.argv]).returncode)
    print("skipped: boto3 is not installed (./dev test installs it)")
    sys.exit(77)

ROLE = "arn:aws:iam::123456789012:role/test"
__all__ = ["ROLE", "Config", "boto3", "botocore"]
