"""Function packages that must be refused, by what is wrong with them. For tests of bad input."""
import io
import struct
import warnings
import zipfile
import zlib

SOURCE = "def handler(event, context):\n    return event\n"
LINK, DEVICE = 0o120777, 0o020666
ZEROS = bytes(1 << 20)


def package(*entries):
    """A zip of (name, content[, Unix mode])."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that occur twice
        for name, content, *mode in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode:
                info.create_system, info.external_attr = 3, mode[0] << 16
            archive.writestr(info, content)
    return out.getvalue()


GOOD = package(("app.py", SOURCE))


def patched(*changes):
    """GOOD with (which record, offset in it, bytes) changed: "local", "central" or "end"."""
    data = bytearray(GOOD)
    signatures = {"local": b"PK\x03\x04", "central": b"PK\x01\x02", "end": b"PK\x05\x06"}
    for record, offset, value in changes:
        at = data.find(signatures[record]) + offset
        data[at:at + len(value)] = value
    return bytes(data)


def overlapping(count, megabytes):
    """`count` names for one and the same compressed file."""
    content = ZEROS * megabytes
    packed = zlib.compress(content, 9)[2:-4]
    facts = struct.pack("<IIIHH", zlib.crc32(content), len(packed), len(content), 4, 0)
    local = struct.pack("<IHHHHH", 0x04034b50, 20, 0, 8, 0, 0x5a21) + facts + b"0000" + packed
    central = b"".join(struct.pack("<IHHHHHH", 0x02014b50, 20, 20, 0, 8, 0, 0x5a21) + facts + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"%04d" % n
                       for n in range(count))
    return local + central + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count, count, len(central), len(local), 0)


def empty_files(count):
    return package(*((f"f{n}", b"") for n in range(count)))


NOT_A_ZIP = {
    "no zip at all": b"this is no zip",
    "truncated": GOOD[:-10],
    "a path upwards": package(("../../evil.py", "x")),
    "a path upwards, further on": package(("a/../../evil.py", "x")),
    "an absolute path": package(("/etc/cron.d/evil", "x")),
    "a link out": package(("passwd", "/etc/passwd", LINK)),
    "a link upwards": package(("a/up", "../../..", LINK)),
    "a file through a link": package(("a", "b", LINK), ("a/evil.py", "x")),
    "a name twice": package(("app.py", "1"), ("app.py", "2")),
    "a file and a directory": package(("a", "1"), ("a/b", "2")),
    "a device": package(("null", "", DEVICE)),
    "a path of 1,000 directories": package(("d/" * 1000 + "app.py", "x")),
    "encrypted": patched(("central", 8, b"\x01\x00"), ("local", 6, b"\x01\x00")),
    "larger than it says": patched(("central", 24, b"\x05\0\0\0"), ("local", 22, b"\x05\0\0\0")),
    "much smaller than it says": patched(("central", 24, b"\xff\xff\xff\x7f")),
    "a wrong checksum": patched(("central", 16, b"\0\0\0\0"), ("local", 14, b"\0\0\0\0")),
    "more entries than there are": patched(("end", 8, b"\x60\xea"), ("end", 10, b"\x60\xea")),
    "a directory elsewhere": patched(("end", 16, b"\xf0\xff\xff\xff")),
}
