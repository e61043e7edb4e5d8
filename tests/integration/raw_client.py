"""A client that can do wrong what SDKs do right: requests signed by hand, every part of which a test may
change, and bytes sent as they are. For tests of bad input. Python standard library only."""
import collections
import datetime
import hashlib
import hmac
import json
import socket
import struct
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"


class Reply(collections.namedtuple("Reply", "status headers body")):
    @property
    def code(self):
        return self.headers.get("x-amzn-errortype")

    def json(self):
        return json.loads(self.body.decode("utf-8"))  # strict: an answer is UTF-8, whatever was asked

    @property
    def message(self):
        body = self.json()
        return body.get("message", body.get("Message", ""))


def read_reply(connection):
    """The next reply on a connection; None where the server closed it without a word."""
    received = b""
    while b"\r\n\r\n" not in received:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return None
        if not part:
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(1 << 20)
        if not part:
            break
        body += part
    return Reply(int(first.split()[1]), headers, body)


def request(method, target, headers, body=b""):
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def canonical_query(query):
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = sorted((urllib.parse.quote(urllib.parse.unquote_to_bytes(k), safe="-_.~"),
                      urllib.parse.quote(urllib.parse.unquote_to_bytes(v), safe="-_.~")) for k, v in pairs)
    return "&".join(f"{k}={v}" for k, v in encoded)


class RawClient:
    def __init__(self, ready, timeout_s=20):
        self.ready = ready
        self.host = ready["aws"].split("//")[1]
        self.address = (self.host.rsplit(":", 1)[0], int(self.host.rsplit(":", 1)[1]))
        self.timeout_s = timeout_s

    def connect(self, source=None):
        connection = socket.socket()
        connection.settimeout(self.timeout_s)
        # Closing resets: ten thousand ports in TIME_WAIT would stand in the way of the next test.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if source:
            connection.bind((source, 0))
        connection.connect(self.address)
        return connection

    def send(self, data):
        """One reply to these bytes on a connection of their own; None if it was closed."""
        with self.connect() as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all was sent; why may still be read
            return read_reply(connection)

    def signed(self, service, method, target, body=b"", headers=(), *, key=None, secret=None, region=None, at=None,
               scope_date=None, scope_service=None, terminator="aws4_request", algorithm=ALGORITHM, signed_headers=None, tail=b""):
        """A signed request; `tail` is appended to the body after it was signed."""
        at = at or datetime.datetime.now(datetime.timezone.utc)
        date = at.strftime("%Y%m%dT%H%M%SZ")
        scope = [scope_date or date[:8], region or self.ready["region"], scope_service or service, terminator]
        fields = [("Host", self.host), ("X-Amz-Date", date), *headers]
        values = collections.defaultdict(list)
        for name, value in fields:
            values[name.lower()].append(" ".join(str(value).split()))
        names = ";".join(sorted(values))
        path, _, query = target.partition("?")
        canonical = "\n".join([method, urllib.parse.quote(path, safe="/-_.~"), canonical_query(query),
                               *(f"{name}:{','.join(values[name])}" for name in sorted(values)), "", names, hashlib.sha256(body).hexdigest()])
        to_sign = "\n".join([ALGORITHM, date, "/".join(scope), hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
        signing_key = ("AWS4" + (secret or self.ready["secret_access_key"])).encode()
        for part in scope:
            signing_key = hmac.new(signing_key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(signing_key, to_sign.encode(), hashlib.sha256).hexdigest()
        credential = "/".join([key or self.ready["access_key_id"], *scope])
        fields.append(("Authorization", f"{algorithm} Credential={credential}, SignedHeaders={signed_headers or names}, Signature={signature}"))
        fields.append(("Content-Length", len(body) + len(tail)))
        return request(method, target, fields, body + tail)

    def states(self, action, body, **changes):
        headers = changes.pop("headers", (("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AWSStepFunctions." + action)))
        return self.send(self.signed("states", "POST", "/", as_bytes(body), headers, **changes))

    def functions(self, method, target, body=b"", headers=(), **changes):
        return self.send(self.signed("lambda", method, target, as_bytes(body), headers, **changes))


def as_bytes(body):
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
