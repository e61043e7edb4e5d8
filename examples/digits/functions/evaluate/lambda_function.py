"""digits-evaluate: scores the chosen model on the shard that no training has seen.

Event: {"model": {"hidden", "weights" (base64 float32)}, "shard": {"features", "labels"}}.
Result: {"accuracy" (0..1), "images", "confusion" (10 x 10, rows: truth, columns: answer)}.
"""
import array
import base64
import math


def layers(model):
    weights = array.array("f", base64.b64decode(model["weights"]))
    hidden = model["hidden"]
    inputs = hidden or 64
    at = hidden * 64
    first, first_bias = weights[:at], weights[at:at + hidden]
    at += hidden
    return first, first_bias, weights[at:at + 10 * inputs], weights[at + 10 * inputs:], inputs


def classify(pixels, parts):
    first, first_bias, last, last_bias, inputs = parts
    values = pixels
    if len(first_bias):
        values = [math.tanh(bias + sum(first[h * 64 + i] * pixels[i] for i in range(64)))
                  for h, bias in enumerate(first_bias)]
    scores = [last_bias[c] + sum(last[c * inputs + i] * values[i] for i in range(inputs)) for c in range(10)]
    return scores.index(max(scores))


def lambda_handler(event, context):
    packed = base64.b64decode(event["shard"]["features"])
    labels = event["shard"]["labels"]
    parts = layers(event["model"])
    confusion = [[0] * 10 for _ in range(10)]
    for i, label in enumerate(labels):
        pixels = []
        for byte in packed[i * 32:(i + 1) * 32]:
            pixels += [(byte >> 4) / 15, (byte & 15) / 15]
        confusion[int(label)][classify(pixels, parts)] += 1
    right = sum(confusion[d][d] for d in range(10))
    print(f"{right} of {len(labels)} right")
    return {"accuracy": round(right / len(labels), 4), "images": len(labels), "confusion": confusion}
