"""A server with pools of pilots on a real Slurm, for tests: functions in them, called by AWS's client."""
import io
import json
import os
import pathlib
import socket
import subprocess
import zipfile

from clients import ROLE, PatientTestCase
import slurm_cluster
from server import Server

INTERFACE = os.environ.get("TANDEM_SLURM_INTERFACE", "commands")


def configuration(cluster, directory):
    text = f'[slurm]\ndirectory = "{directory}"\npoll_ms = 200\nlost_ms = 5000\n'
    if INTERFACE == "rest":
        return text + (f'interface = "rest"\nurl = "{cluster.rest_url}"\njwt_key = "{cluster.token_key}"\n'
                       f'user = "{slurm_cluster.user_name()}"\n')
    return text + f'configuration = "{cluster.configuration}"\n'


def free_port():
    """The server is to come back at the same one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def package(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("lambda_function.py", text)
    return buffer.getvalue()


class PilotsTestCase(PatientTestCase):
    """`source` is all functions' code."""
    seconds = 90
    source = ""

    def begin(self, pools, **cluster):
        self.cluster = slurm_cluster.SlurmCluster(**cluster).start()
        self.addCleanup(self.cluster.stop)
        self.directory = pathlib.Path(self.cluster.shared) / "tandem"
        self.directory.mkdir()
        self.config = self.directory.parent / "tandem.toml"
        self.serve(pools)

    def serve(self, pools):
        self.config.write_text(configuration(self.cluster, self.directory) + pools)
        self.server = Server(arguments=["--no-auth", "--config", str(self.config)], port=free_port()).start()
        self.addCleanup(self.server.stop)

    def function(self, name, pool, timeout=30, **tags):
        self.server.client("lambda").create_function(
            FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="lambda_function.handler", Code={"ZipFile": package(self.source)},
            Timeout=timeout, MemorySize=128, Tags={"tandem:pool": pool, **{f"tandem:{key}": str(value) for key, value in tags.items()}})

    def invoke(self, name, **event):
        answer = self.server.client("lambda", read_timeout=self.seconds).invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def pool(self, name):
        done = subprocess.run([self.server.tandem, "ls", "agents", "--json"], stdout=subprocess.PIPE, check=True,
                              env=self.server.variables())
        return next(pool for pool in json.loads(done.stdout)["pools"] if pool["pool"] == name)

    def jobs(self):
        return self.cluster.run("squeue", "-h", "-o", "%i %T %j").split("\n")[:-1]
