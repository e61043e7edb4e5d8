#!/usr/bin/env python3
"""Pilots at the end of their time on a real Slurm, under a steady stream of calls: the successor is there before the first one ends,
which gets no calls that it may not finish, leaves in time, and loses none. Slurm's shortest limit is a minute."""
import itertools
import sys
import threading
import time
import unittest

from pilots import PilotsTestCase
import slurm_cluster

OVER = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")
AT_WORK = ("RUNNING", "SIGNALING")
WALLTIME_S = 60
LONG_S = 39  # a function's time limit
POOLS = """
[pools.brief]
cpus = 4
walltime_minutes = 1
successor_s = 40
drain_s = 8
idle_s = 300
isolate = false
"""
# A call that is run twice fails.
MARKS = """
import os, time
def handler(event, context):
    began = time.time()
    os.close(os.open(event["mark"], os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    time.sleep(event["sleep"])
    return {"job": int(os.environ["SLURM_JOB_ID"]), "mark": event["mark"], "began": began}
"""


class Seen:
    """What squeue has said of a job."""
    def __init__(self):
        self.state, self.began, self.over, self.successor_there = "", 0.0, 0.0, False


class WalltimeTest(PilotsTestCase):
    source = MARKS

    def setUp(self):
        self.begin(POOLS, nodes=2)
        self.marks = self.cluster.shared / "marks"
        self.marks.mkdir()
        self.marks.chmod(0o1777)
        self.numbers = itertools.count()
        self.stopped = threading.Event()
        self.answers, self.failures = [], []

    def stream(self, function, sleep):
        """Calls one after the other, until it is enough."""
        while not self.stopped.is_set():
            mark = str(self.marks / f"{function}-{next(self.numbers)}")
            try:
                answer, error = self.invoke(function, mark=mark, sleep=sleep)
                (self.failures if error or answer["mark"] != mark else self.answers).append((function, answer))
            except Exception as error:  # of the client: the call failed, whatever it was
                self.failures.append((function, repr(error)))

    def watch(self):
        """Jobs by their numbers, until the first is over and the second has answered."""
        jobs = {}

        def enough():
            for line in self.cluster.run("squeue", "-h", "-t", "all", "-o", "%i %T %S").splitlines():
                number, state, began = line.split()
                job = jobs.setdefault(int(number), Seen())
                job.state = state
                if began != "N/A":
                    job.began = time.mktime(time.strptime(began, "%Y-%m-%dT%H:%M:%S"))
                if state in OVER and not job.over:
                    job.over = time.time()
            if len(jobs) > 1:
                first, second = (jobs[number] for number in sorted(jobs)[:2])
                first.successor_there |= first.state in AT_WORK and second.state in AT_WORK
                return first.over and any(answer["job"] == sorted(jobs)[1] for _, answer in list(self.answers))
            return False
        self.until("no pilot took over", enough)
        return [jobs[number] for number in sorted(jobs)], sorted(jobs)

    def test_one_pilot_takes_over_from_the_other(self):
        self.function("quick", "brief", timeout=5)
        self.function("slow", "brief", timeout=LONG_S)
        threads = [threading.Thread(target=self.stream, args=arguments) for arguments in (("quick", 0.1), ("quick", 0.5), ("slow", 3))]
        for thread in threads:
            thread.start()
        try:
            (first, second, *_), numbers = self.watch()
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.failures, [])
        self.assertEqual(sorted(answer["mark"] for _, answer in self.answers), sorted(str(mark) for mark in self.marks.iterdir()))
        self.assertTrue(first.successor_there, "the successor began only when the first had ended")
        self.assertEqual(first.state, "COMPLETED", "Slurm had to end it")
        self.assertLess(first.over - first.began, WALLTIME_S)
        self.assertLess(second.began - first.began, WALLTIME_S)
        self.assertEqual(len(numbers), 2, "there was more than one successor")
        began = dict(zip(numbers, (first.began, second.began)))
        for function, answer in self.answers:
            # squeue's times are whole seconds.
            if function == "slow" and answer["job"] == numbers[0]:
                self.assertGreaterEqual(began[answer["job"]] + WALLTIME_S - answer["began"], LONG_S - 1, "it might not have been finished")
        called = {(function, answer["job"]) for function, answer in self.answers}
        self.assertEqual(called, set(itertools.product(("quick", "slow"), numbers)))


if __name__ == "__main__":
    reason = slurm_cluster.missing()
    if reason:
        print(reason)
        sys.exit(77)
    unittest.main(verbosity=2)
