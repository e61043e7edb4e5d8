#!/usr/bin/env python3
"""Functions in pilots on a real Slurm: scale from and to zero, why a pool waits, crashes of the server, of slurmctld and of nodes,
GPUs of a node, several nodes in one pilot."""
import sys
import threading
import unittest

from pilots import PilotsTestCase
import slurm_cluster

POOLS = """
[pools.small]
partition = "main"
cpus = 2
memory_mb = 200
max_pilots = 2
idle_s = {idle_s}
walltime_minutes = 30

[pools.wide]
nodes = 2
cpus = 1
memory_mb = 150
idle_s = {idle_s}

[pools.gpu]
cpus = 2
memory_mb = 300
gpus_per_node = "2"
idle_s = {idle_s}

[pools.wrong]
partition = "no-such-partition"

[pools.huge]
nodes = 1000
"""


def pools(idle_s=300):
    return POOLS.format(idle_s=idle_s)


ECHO = """
import os, socket, time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    return {"job": os.environ.get("SLURM_JOB_ID", ""), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""), "n": event.get("n")}
"""


class PilotsTest(PilotsTestCase):
    source = ECHO

    def setUp(self):
        self.begin(pools(), nodes=2, node_timeout_s=2)

    def test_from_zero_and_back(self):
        self.server.stop()
        self.serve(pools(idle_s=1))
        self.function("f", "small")
        self.assertEqual(self.jobs(), [])
        first, error = self.invoke("f", n=1)
        self.assertIsNone(error, first)
        self.assertTrue(first["job"])
        self.until("the pilot did not end", lambda: not self.jobs())
        again, error = self.invoke("f", n=2)
        self.assertIsNone(error, again)
        self.assertNotEqual(again["job"], first["job"])

    def test_more_calls_bring_another_pilot_but_no_third(self):
        self.function("f", "small")
        jobs = set()

        def call(n):
            jobs.add(self.invoke("f", n=n, sleep=2)[0]["job"])
        threads = [threading.Thread(target=call, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(jobs), 2, jobs)

    def test_a_server_that_dies_finds_its_pilots_again(self):
        self.function("f", "small")
        first, _ = self.invoke("f")
        self.server.kill()
        self.server.start()
        again, error = self.invoke("f")
        self.assertIsNone(error, again)
        self.assertEqual(again["job"], first["job"])
        self.assertEqual(len(self.jobs()), 1)

    def test_a_node_that_dies_is_replaced(self):
        self.function("f", "small")
        first, _ = self.invoke("f")
        node = self.cluster.run("squeue", "-h", "-o", "%N").strip()
        self.cluster.kill_node(int(node[1:]), with_steps=True)
        again, error = self.invoke("f")
        self.assertIsNone(error, again)
        self.assertNotEqual(again["job"], first["job"])

    def test_slurmctld_that_dies_disturbs_no_call(self):
        self.function("f", "small")
        first, _ = self.invoke("f")
        self.cluster.kill_controller()
        again, error = self.invoke("f")
        self.assertIsNone(error, again)
        self.assertEqual(again["job"], first["job"])
        self.cluster.start_controller()

        def settled():
            # slurmctld may have lost the job; then its node ends it sooner or later, and the next call has another one.
            again, error = self.invoke("f")
            return error is None and [p["job"] for p in self.pool("small")["pilots"]] == [int(again["job"])]
        self.until("no call is answered by the pilot that is seen", settled)

    def test_several_nodes_and_their_gpus(self):
        self.function("w", "wide")
        results = []
        threads = [threading.Thread(target=lambda n=n: results.append(self.invoke("w", n=n, sleep=1))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({error for _, error in results}, {None}, results)
        self.assertEqual(len(self.pool("wide")["agents"]), 2)
        self.function("g", "gpu", gpus=1)
        held = []
        threads = [threading.Thread(target=lambda: held.append(self.invoke("g", sleep=1)[0]["gpus"])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(held), ["0", "1"])

    def test_why_a_pool_waits(self):
        for pool in ("wrong", "huge"):
            self.function(pool, pool)
            self.server.client("lambda").invoke(FunctionName=pool, InvocationType="Event", Payload="{}")
        self.until("no reason", lambda: "partition" in self.pool("wrong").get("reason", ""))
        self.until("no reason", lambda: self.pool("huge").get("reason", ""))
        self.assertEqual(self.pool("wrong")["queued"], 1)


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(reason)
        sys.exit(77)
    unittest.main(verbosity=2)
