#!/usr/bin/env python3
"""The engine's figures beside what disk and kernel allow, all in one run: ./dev bench engine [--seconds S] [--quick]
[--only PART,...] [--with restate]. All measured values go to build/bench/engine.csv."""
import argparse

import lib
from scenarios import express, history, listing, rates, restate, runtime_api, steps, waiting, writes

PARTS = {"steps": steps, "runtime-api": runtime_api, "rates": rates, "express": express, "writes": writes, "history": history,
         "waiting": waiting, "listing": listing}
LONG = ("waiting", "listing")  # a million executions each
PEERS = {"restate": restate}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of each measured load")
    parser.add_argument("--quick", action="store_true", help=f"without {' and '.join(LONG)}")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {', '.join(PARTS)}; none: the peer alone")
    parser.add_argument("--with", dest="peers", action="append", choices=PEERS, default=[], help="a peer to measure beside")
    options = parser.parse_args()
    wanted = options.only or [name for name in PARTS if not (options.quick and name in LONG)]
    if unknown := set(wanted) - {*PARTS, "none"}:
        parser.error(f"no part {', '.join(unknown)}")
    parts = {name: PARTS[name] for name in wanted if name != "none"} | {name: PEERS[name] for name in options.peers}
    figures = lib.Figures()
    for name, part in parts.items():
        figures.part(name)
        with lib.directory() as where:
            part.measure(figures, where, options.seconds)
    left_out = [name for name in PARTS if name not in parts]
    if left_out:
        print(f"\nleft out: {', '.join(left_out)}")
    figures.finish("engine")


if __name__ == "__main__":
    main()
