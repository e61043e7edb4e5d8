"""What a step, a call and a branch cost, as one client sees them."""
import lib

ROUNDS = 3
STEPS = 80
BRANCHES = 1_000


def p50_us(server, machine, seconds):
    """StartExecution until DescribeExecution says SUCCEEDED, p50 of one client (see bench/load.cc for the polls)."""
    return lib.load(server, "workflow", 1, seconds, machine)["latency_p50_us"]


def measure(figures, where, seconds):
    with lib.new_server(where) as server:
        function = lib.deploy_native(server)
        sequence = lib.create_machine(server, "sequence", lib.sequence(function, STEPS))
        parallel = lib.create_machine(server, "parallel", lib.parallel(function, BRANCHES))
        p50_us(server, sequence, 1)  # processes are warm after this
        substrates, calls, sequences = lib.interleave(
            ROUNDS, lambda: lib.substrate(where), lambda: lib.native_call_us(where), lambda: p50_us(server, sequence, seconds))
        # After them: for some seconds after a burst of writes the disk is slower.
        p50_us(server, parallel, 1)
        parallels = [p50_us(server, parallel, seconds) for _ in range(ROUNDS)]
    figures.substrate(substrates)
    call = lib.median(calls)
    step = lib.median(sequences) / STEPS
    sync = lib.median(s["fdatasync_p50_us"] for s in substrates)
    if step < sync:  # each step waits for a sync of its own
        figures.doubt(f"a step of {step:.0f} us cannot be shorter than its fdatasync of {sync:.0f} us")
    allowed = lib.median(s["fdatasync_p50_us"] + c for s, c in zip(substrates, calls))
    figures.note("native call, 1 KiB, p50", call, "us")
    figures.note(f"sequence of {STEPS}, p50", lib.median(sequences) / 1000, "ms")
    figures.note(f"sequence of {STEPS}, per step", step, "us")
    figures.add(f"sequence of {STEPS}: step / (fdatasync + native call)", step / allowed, "ratio", 1.5)
    figures.add("native call / round trip over pipes", call / lib.median(s["pipe_p50_us"] for s in substrates), "ratio", 3)
    figures.note(f"parallel of {BRANCHES:,}, p50", lib.median(parallels) / 1000, "ms")
    figures.add(f"parallel of {BRANCHES:,}: branches", BRANCHES / lib.median(parallels) * 1e6, "per s", 20_000, most=False)
