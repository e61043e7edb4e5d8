"""Restate beside Tandem: the same shapes, no-op functions, fsync on, one closed-loop client program for both.

Four contenders take turns on idle servers that stay up: Restate's calls of a service, its steps inside one process
(ctx.run: no function is called), Tandem with functions in C++, Tandem with functions in Node, on the Node that runs
Restate's services. Restate answers a request when its workflow has ended. Tandem's client starts a Standard workflow and
asks for its end by DescribeExecution (bench/load.cc says when); these requests are part of what is measured.
"""
import dataclasses
import os
import typing

import lib
from peers.restate import Restate, path
from scenarios import rates

ROUNDS = 3
TARGETS = (("calls", "native", 10), ("calls", "node", 5), ("steps", "native", 3))  # Restate's, Tandem's, times better
NAMES = {"calls": "Restate, calls", "steps": "Restate, ctx.run", "native": "Tandem, C++", "node": "Tandem, Node"}


@dataclasses.dataclass
class Shape:
    name: str
    form: typing.Callable  # of lib: (function, n) -> definition
    n: int
    clients: int
    part: float  # of the given seconds

    @property
    def is_latency(self):
        return self.clients == 1

    def value(self, result):
        """Milliseconds of one client, or workflows per second of many."""
        return result["latency_p50_us"] / 1000 if self.is_latency else result["per_s"]

    def times_better(self, ours, theirs):
        return theirs / ours if self.is_latency else ours / theirs


SHAPES = (Shape("sequence of 5", lib.sequence, 5, 1, 0.5), Shape("sequence of 80", lib.sequence, 80, 1, 1),
          Shape("parallel of 80", lib.parallel, 80, 1, 0.5), Shape("parallel of 1,000", lib.parallel, 1000, 1, 1),
          Shape("sequence of 5, 64 clients", lib.sequence, 5, 64, 1), Shape("sequence of 5, 256 clients", lib.sequence, 5, 256, 1))


def restate_load(restate, shape, kind, seconds):
    handler = {("calls", lib.sequence): "sequenceOfCalls", ("calls", lib.parallel): "parallelCalls",
               ("steps", lib.sequence): "sequenceOfSteps", ("steps", lib.parallel): "parallelSteps"}[kind, shape.form]
    return lambda: lib.load(restate, "post", shape.clients, seconds, f"/flows/{handler}", str(shape.n))


def tandem_load(server, machine, shape, seconds):
    return lambda: lib.load(server, "workflow", shape.clients, seconds, machine, poll_us=200 if shape.is_latency else rates.POLL_US)


def measure_shape(figures, restate, server, functions, shape, seconds):
    seconds *= shape.part
    loads = {kind: restate_load(restate, shape, kind, seconds) for kind in ("calls", "steps")}
    for language, function in functions.items():
        definition = shape.form(function, shape.n)
        machine = lib.create_machine(server, f"{language}-{shape.name}".replace(" ", "-").replace(",", ""), definition)
        loads[language] = tandem_load(server, machine, shape, seconds)
    for load in loads.values():
        load()  # processes, connections and compilers are warm after this
    results = lib.interleave(ROUNDS, *loads.values())
    values = {kind: [shape.value(result) for result in of_kind] for kind, of_kind in zip(loads, results)}
    for kind, of_kind in values.items():
        figures.note(f"{shape.name}: {NAMES[kind]}" + (", p50" if shape.is_latency else ""), lib.median(of_kind),
                     "ms" if shape.is_latency else "per s")
    for theirs, ours, target in TARGETS:
        ratio = lib.median(shape.times_better(a, b) for a, b in zip(values[ours], values[theirs]))
        figures.add(f"{shape.name}: {NAMES[ours]} beside {NAMES[theirs]}", ratio, "times better", target, most=False)


def measure(figures, where, seconds):
    with Restate(f"{where}/restate") as restate, lib.new_server(where, environment={**os.environ, "PATH": path()}) as server:
        functions = {"native": lib.deploy_native(server), "node": lib.deploy_node(server)}
        substrates = [lib.substrate(where)]
        for shape in SHAPES:
            measure_shape(figures, restate, server, functions, shape, seconds)
        substrates.append(lib.substrate(where))
    figures.substrate(substrates)
