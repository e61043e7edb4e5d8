"""heat-draw: a report of the sweep, and a picture of the plate.

Event: {"sweep": [{"material", "diffusivity", "misfit"}], "best": one of them, "solution": what `heat` printed}.
Result: {"material", "misfit", "ranks", "hottest", "coldest", "png" (base64)}. In the picture the plate is on the left, with
rings where the thermometers are; on the right the misfit of each material, the best one in orange.
"""
import base64
import struct
import zlib

PLATE = 384  # pixels
BARS = 180
MARGIN = 16
# Indices of the palette: 0..247 from cold to hot, then these.
BACKGROUND, BLUE, ORANGE, WHITE, BLACK = range(248, 253)
STOPS = [(0, (0, 0, 24)), (60, (80, 18, 123)), (120, (182, 54, 121)), (180, (251, 136, 97)), (247, (252, 253, 191))]


def palette():
    colors = []
    for (low, first), (high, last) in zip(STOPS, STOPS[1:]):
        colors += [tuple(round(a + (b - a) * (i - low) / (high - low)) for a, b in zip(first, last)) for i in range(low, high)]
    return colors + [STOPS[-1][1], (255, 255, 255), (70, 120, 180), (245, 130, 30), (255, 255, 255), (0, 0, 0)]


def png(rows, colors):
    """Rows of palette indices as a PNG file."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", bytes(c for color in colors for c in color)) +
            chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)) + chunk(b"IEND", b""))


def smooth(size, cells):
    """The coarse picture as PLATE x PLATE palette indices, between cells linearly."""
    steps = []
    for pixel in range(PLATE):
        at = min(max((pixel + 0.5) * size / PLATE - 0.5, 0), size - 1)
        low = min(int(at), size - 2)
        steps.append((low, at - low))
    rows = []
    for i, down in steps:
        upper, lower = cells[i * size:(i + 1) * size], cells[(i + 1) * size:(i + 2) * size]
        line = [a + (b - a) * down for a, b in zip(upper, lower)]
        rows.append(bytearray(int((line[j] + (line[j + 1] - line[j]) * right) * 247 / 255 + 0.5) for j, right in steps))
    return rows


def rings(rows, thermometers):
    for thermometer in thermometers:
        x, y = thermometer["x"] * PLATE, thermometer["y"] * PLATE
        for i in range(max(int(y) - 9, 0), min(int(y) + 10, PLATE)):
            for j in range(max(int(x) - 9, 0), min(int(x) + 10, PLATE)):
                distance = (i + 0.5 - y) ** 2 + (j + 0.5 - x) ** 2
                if 16 <= distance < 49:
                    rows[i][j] = WHITE if distance < 30 else BLACK


def bars(sweep, best):
    rows = [bytearray([BACKGROUND]) * BARS for _ in range(PLATE)]
    top = max(run["misfit"] for run in sweep) or 1
    height = PLATE / len(sweep)
    for n, run in enumerate(sweep):
        color = ORANGE if run["material"] == best["material"] else BLUE
        length = max(2, round(run["misfit"] / top * BARS))
        for i in range(int(n * height + height * 0.15), int((n + 1) * height - height * 0.15)):
            rows[i][:length] = bytes([color]) * length
    return rows


def lambda_handler(event, context):
    sweep, best, solution = event["sweep"], event["best"], event["solution"]
    plate = smooth(solution["picture"]["size"], base64.b64decode(solution["picture"]["bytes"]))
    rings(plate, solution["thermometers"])
    between = bytes([BACKGROUND]) * MARGIN
    wide = len(plate[0]) + BARS + 3 * MARGIN
    rows = [between + left + between + right + between for left, right in zip(plate, bars(sweep, best))]
    edge = [bytes([BACKGROUND]) * wide] * MARGIN
    for run in sorted(sweep, key=lambda run: run["misfit"]):
        print(f"{run['material']}: {run['misfit']:.2f} degrees off")
    return {"material": best["material"], "misfit": solution["misfit"], "ranks": solution["ranks"], "coldest": solution["coldest"],
            "hottest": solution["hottest"], "png": base64.b64encode(png(edge + rows + edge, palette())).decode()}
