"""Functions that speak the Runtime API, as AWS's own clients do; a wide Parallel beside a narrow one; starts of 64 clients."""
import lib

ROUNDS = 3
STEPS = 80
NARROW, WIDE = 5, 80
CLIENTS = 64


def measure(figures, where, seconds):
    with lib.new_server(where) as server:
        function = lib.deploy_native(server, "noop_api")
        machines = {name: lib.create_machine(server, name, definition) for name, definition in {
            "sequence": lib.sequence(function, STEPS), "narrow": lib.parallel(function, NARROW), "wide": lib.parallel(function, WIDE),
            "pass": lib.ONE_PASS}.items()}

        def p50_us(name):
            return lib.load(server, "workflow", 1, seconds, machines[name])["latency_p50_us"]
        p50_us("wide")  # processes are warm after this
        substrates, calls, sequences = lib.interleave(
            ROUNDS, lambda: lib.substrate(where), lambda: lib.native_call_us(where, program_name="noop_api"), lambda: p50_us("sequence"))
        narrow, wide = lib.interleave(ROUNDS, lambda: p50_us("narrow"), lambda: p50_us("wide"))
        lib.load(server, "start", CLIENTS, 1, machines["pass"])
        before = lib.metrics(server)
        disks, starts = lib.interleave(ROUNDS, lambda: lib.substrate(where),
                                       lambda: lib.load(server, "start", CLIENTS, seconds, machines["pass"])["per_s"])
        after = lib.metrics(server)
    figures.substrate(substrates)
    step = lib.median(sequences) / STEPS
    allowed = lib.median(s["fdatasync_p50_us"] + c for s, c in zip(substrates, calls))
    figures.note("Runtime API call, 1 KiB, p50", lib.median(calls), "us")
    figures.note(f"sequence of {STEPS} over the Runtime API, per step", step, "us")
    figures.add(f"sequence of {STEPS}: step / (fdatasync + Runtime API call)", step / allowed, "ratio", 2)
    figures.note(f"parallel of {NARROW}, p50", lib.median(narrow) / 1000, "ms")
    figures.note(f"parallel of {WIDE}, p50", lib.median(wide) / 1000, "ms")
    figures.add(f"parallel of {WIDE} / parallel of {NARROW}", lib.median(w / n for w, n in zip(wide, narrow)), "ratio", 4)
    rate, syncs = lib.median(starts), lib.median(s["fdatasync_per_s"] for s in disks)
    figures.note(f"StartExecution, {CLIENTS} clients", rate, "per s")
    figures.note("records per sync", (after["tandem_records_total"] - before["tandem_records_total"]) /
                 (after["tandem_syncs_total"] - before["tandem_syncs_total"]), "records")
    figures.add(f"StartExecution, {CLIENTS} clients / single fdatasyncs", rate / syncs, "ratio", 2.5, most=False)
