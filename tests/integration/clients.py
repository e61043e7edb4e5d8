"""The AWS clients of the tests in this directory. A test that imports it is run by the project's virtual environment where
its own Python has no boto3, and skipped where there is none."""
import os
import subprocess
import sys
import time
import unittest

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
__all__ = ["ROLE", "Config", "PatientTestCase", "boto3", "botocore"]


class PatientTestCase(unittest.TestCase):
    seconds = 30  # that it waits for anything

    def until(self, what, is_done):
        """What `is_done` answers, as soon as that is true; `what` is the failure where it never is."""
        deadline = time.monotonic() + self.seconds
        while not (found := is_done()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)
        return found
