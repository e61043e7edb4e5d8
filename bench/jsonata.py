#!/usr/bin/env python3
"""JSONata beside the reference implementation (npm jsonata on Node): ./dev bench jsonata [--seconds S] [--rounds N].

Typical expressions over a document of about 1 KiB and one of about 100 KiB, both in memory. Both engines compile an
expression once, warm up, and evaluate it one time after the other on one thread; they take turns, and the median of the
rounds counts. What counts is the value in memory: neither parses the input nor prints the result. Results must be equal.
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

import lib

TARGET = 5  # times the reference implementation's throughput, as the geometric mean
PEER = lib.ROOT / "build/peers/jsonata/run.mjs"
EXPRESSIONS = {
    "path": "Account.Order.Product.Price",
    "deep path": "Account.Order.Product.Description.Colour",
    "index": "Account.Order[0].Product[-1].Name",
    "predicate on a number": "Account.Order.Product[Price > 30]",
    "predicate on a path": 'Account.Order.Product[Description.Colour = "Purple"].Name',
    "descendants": "**.Price",
    "arithmetic": "Account.Order.Product.(Price * Quantity)",
    "sum": "$sum(Account.Order.Product.(Price * Quantity))",
    "conditional": 'Account.Order.Product.(Price > 50 ? "high" : Price > 20 ? "middle" : "low")',
    "$map": "$map(Account.Order.Product, function($p) { $p.Price * 1.2 })",
    "$filter": "$filter(Account.Order.Product, function($p) { $p.Quantity > 2 })",
    "$reduce": "$reduce(Account.Order.Product.Price, function($a, $b) { $a + $b }, 0)",
    "building strings": 'Account.Order.Product.(Name & " (" & $string(Quantity) & ")")',
    "$join and $uppercase": '$join(Account.Order.Product.$uppercase(Name), ", ")',
    "order-by": "Account.Order.Product^(>Price).Name",
    "$sort": "$sort(Account.Order.Product, function($a, $b) { $a.Price > $b.Price }).Name",
    "group-by": "Account.Order.Product{Description.Colour: $sum(Price)}",
    "objects": 'Account.Order.Product.{"name": Name, "total": Price * Quantity, "heavy": Description.Weight > 1}',
    "transform": 'Account ~> |Order.Product|{"Total": Price * Quantity}|',
    "regex match": "Account.Order.Product[Name ~> /hat$/i].SKU",
    "regex replace": 'Account.Order.Product.$replace(SKU, /[0-9]+/, "#")',
    "dates": "Account.Order.$fromMillis($toMillis(Date) + 86400000)",
    "recursion": "($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(12))",
}
NAMES = ("Bowler Hat", "Trilby hat", "Cloak", "Umbrella", "Boots")
COLOURS = ("Purple", "Orange", "Black", "Green")


def document(orders):
    """Orders of two products each; about 450 bytes an order."""
    def product(k):
        return {"Name": NAMES[k % 5], "SKU": f"{k * 7919 % 10000:04d}-{'abcd'[k % 4]}", "Price": 5 + k * 37 % 100 + 0.45,
                "Quantity": k % 5 + 1, "Description": {"Colour": COLOURS[k % 4], "Width": 300 + k % 7, "Weight": k % 9 * 0.25}}
    return {"Account": {"Name": "Firefly", "Order": [
        {"OrderID": f"order{i}", "Date": f"20{i % 30:02d}-{i % 12 + 1:02d}-{i % 28 + 1:02d}T10:00:00.000Z",
         "Product": [product(2 * i), product(2 * i + 1)]} for i in range(orders)]}}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def run(command, file):
    return json.loads(subprocess.run([*command, file], stdout=subprocess.PIPE, check=True).stdout)


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-14)  # sums of doubles that were printed and read
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each expression and engine (0.3)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    documents = {"1 KiB": document(3), "100 KiB": document(290)}
    cases = [(name, size) for size in documents for name in EXPRESSIONS]
    task = {"seconds": options.seconds, "documents": documents,
            "cases": [{"expr": EXPRESSIONS[name], "document": size} for name, size in cases]}
    figures = lib.Figures()
    figures.part("jsonata")
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "task.json")
        file.write_text(json.dumps(task))
        ours, theirs = lib.interleave(options.rounds, lambda: run([str(lib.PROGRAMS / "bench_jsonata")], file),
                                      lambda: run(["node", str(PEER)], file))
    print(f"  Node {theirs[0]['node']}; documents of {', '.join(str(len(json.dumps(d))) for d in documents.values())} bytes")
    ratios = {size: [] for size in documents}
    for i, (name, size) in enumerate(cases):
        one, other = ours[0]["results"][i], theirs[0]["results"][i]
        if "error" in one or "error" in other or not same(one.get("value"), other.get("value")):
            raise SystemExit(f"{name}, {size}: results differ: {json.dumps(one)[:300]}, {json.dumps(other)[:300]}")
        rates = [lib.median(results["results"][i]["per_s"] for results in side) for side in (ours, theirs)]
        ratios[size].append(rates[0] / rates[1])
        figures.note(f"{name}, {size}", rates[0], "/s")
        figures.note(f"{name}, {size}, the reference", rates[1], "/s")
        figures.note(f"{name}, {size}, times the reference", rates[0] / rates[1], "x")
    for size, some in ratios.items():
        figures.note(f"JSONata over {size}, geometric mean", geometric_mean(some), "x")
    everything = [ratio for some in ratios.values() for ratio in some]
    figures.add(f"JSONata, times the reference, geometric mean of {len(everything)}",
                geometric_mean(everything), "x", TARGET, most=False)
    figures.finish("jsonata")


if __name__ == "__main__":
    main()
