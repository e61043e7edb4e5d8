"""The Runtime API over one socket, without an HTTP library: half the time of a short invocation would
be spent in one. The server is ours: every response has a Content-Length."""

import socket

PREFIX = "/2018-06-01/runtime/"


class Event:
    """One invocation; `body` is the JSON of the event as bytes."""

    __slots__ = ("body", "request_id", "deadline_ms", "function_arn", "trace_id", "client_context", "cognito_identity", "tenant_id")

    def __init__(self, headers, body):
        self.body = body
        self.request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))
        self.function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self.trace_id = headers.get("lambda-runtime-trace-id", "")
        self.client_context = headers.get("lambda-runtime-client-context", "")
        self.cognito_identity = headers.get("lambda-runtime-cognito-identity", "")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")


class Client:
    def __init__(self, endpoint):
        host, _, port = endpoint.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = endpoint
        self._buffer = bytearray()
        self._next = ("GET %sinvocation/next HTTP/1.1\r\nHost: %s\r\n\r\n" % (PREFIX, endpoint)).encode()

    def next(self):
        """The next event; None when the server is gone."""
        self._socket.sendall(self._next)
        return self._receive_event()

    def answer_and_next(self, request_id, body, is_error):
        """Posts the answer and asks for more in one segment; returns the next event."""
        path = "invocation/%s/%s" % (request_id, "error" if is_error else "response")
        self._socket.sendall(self._post(path, body) + self._next)
        self._receive()
        return self._receive_event()

    def init_error(self, body, kind):
        self._socket.sendall(self._post("init/error", body, "Lambda-Runtime-Function-Error-Type: %s\r\n" % kind))
        self._receive()

    def _post(self, path, body, headers=""):
        data, kind = (body, "unknown") if isinstance(body, bytes) else (body.encode("utf-8", "surrogatepass"), "json")
        head = "POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/%s\r\nContent-Length: %d\r\n%s\r\n" % (
            PREFIX, path, self._host, kind, len(data), headers)
        return head.encode() + data

    def _receive_event(self):
        response = self._receive()
        if response is None or response[0] != 200:
            return None
        return Event(response[1], response[2])

    def _receive(self):
        """(status, headers by lower-case name, body); None at the end of the connection."""
        buffer = self._buffer
        while (head_end := buffer.find(b"\r\n\r\n")) < 0:
            if not self._read():
                return None
        lines = buffer[:head_end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        end = head_end + 4 + int(headers.get("content-length", "0"))
        while len(buffer) < end:
            if not self._read():
                return None
        body = bytes(buffer[head_end + 4:end])
        del buffer[:end]
        return int(lines[0][9:12]), headers, body

    def _read(self):
        chunk = self._socket.recv(65536)
        self._buffer += chunk
        return bool(chunk)
