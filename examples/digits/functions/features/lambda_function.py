"""digits-features: one shard of images, scaled to full contrast and packed to 4 bits a pixel.

Event: {"index": s, "of": n, "attempt": k, "fail_at": s or -1}. On the first attempt at the shard
`fail_at` it fails on purpose, so that the workflow's Retry has something to do.
Result: {"index", "count", "features" (base64, 32 bytes an image), "labels" (a string of digits)}.
"""
import base64
import gzip
import os


class Flaky(Exception):
    pass


def pack(pixels):
    top = max(pixels) or 1
    scaled = [round(p * 15 / top) for p in pixels]
    return bytes(scaled[i] << 4 | scaled[i + 1] for i in range(0, 64, 2))


def lambda_handler(event, context):
    index, of = event["index"], event["of"]
    if index == event.get("fail_at", -1) and event.get("attempt", 0) == 0:
        raise Flaky(f"shard {index} fails once, on purpose")
    path = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "digits.csv.gz")
    packed, labels = [], []
    with gzip.open(path, "rt") as lines:
        for number, line in enumerate(lines):
            if number % of != index or not line.strip():
                continue
            values = [int(v) for v in line.split(",")]
            packed.append(pack(values[:64]))
            labels.append(str(values[64]))
    print(f"shard {index}: {len(labels)} images")
    return {
        "index": index,
        "count": len(labels),
        "features": base64.b64encode(b"".join(packed)).decode(),
        "labels": "".join(labels),
    }
