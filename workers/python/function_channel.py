"""The function channel (docs/formats/function-channel.md) with the verbs of runtime_api's Client."""

import os
import struct
import time

MESSAGE_BYTES = 64 * 1024
INVOKE_HEAD = struct.Struct("<BBHHHHHIQq")
ANSWER_HEAD = struct.Struct("<BBHHHQII")
VERSION = 1
INVOKE = 1
READY, RESULT, ERROR, INIT_ERROR = 1, 2, 3, 4
BODY_IN_FILE = 1


class Event:
    """One invocation; `body` is the JSON of the event as bytes."""

    __slots__ = ("body", "request_id", "deadline_ms", "function_arn", "trace_id", "client_context", "cognito_identity", "tenant_id")

    def __init__(self, texts, body, deadline_ms):
        self.request_id, self.function_arn, self.trace_id, self.client_context = texts
        self.body = body
        self.deadline_ms = deadline_ms
        self.cognito_identity = ""
        self.tenant_id = None


class Client:
    def __init__(self, descriptors):
        self._socket, self._requests, self._answers = (int(number) for number in descriptors.split(","))
        for number in (self._socket, self._requests, self._answers):
            os.set_inheritable(number, False)
        self._answer_bytes = os.fstat(self._answers).st_size
        self._began = time.monotonic()

    def next(self):
        """The next event; None when the server is gone."""
        self._send(READY, b"", b"", b"")
        return self._receive_event()

    def answer_and_next(self, request_id, body, is_error):
        """Gives the answer, which also asks for more; returns the next event."""
        data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        self._send(ERROR if is_error else RESULT, request_id.encode(), b"", data)
        return self._receive_event()

    def init_error(self, body, kind):
        self._send(INIT_ERROR, b"", kind.encode()[:1024], body.encode("utf-8", "surrogatepass"))

    def _receive_event(self):
        try:
            message = os.read(self._socket, MESSAGE_BYTES)
        except ConnectionResetError:
            return None
        if not message:
            return None
        self._began = time.monotonic()
        kind, flags, _, request_id, arn, trace, _, context, payload, deadline_ms = INVOKE_HEAD.unpack_from(message)
        if kind != INVOKE:
            raise RuntimeError("an unknown message of the server")
        at = INVOKE_HEAD.size
        if flags & BODY_IN_FILE:
            message, at = self._read_file(request_id + arn + trace + context + payload), 0
        texts = []
        for length in (request_id, arn, trace, context):
            texts.append(message[at:at + length].decode())
            at += length
        return Event(texts, message[at:at + payload], deadline_ms)

    def _read_file(self, size):
        parts, at = [], 0
        while at < size:
            parts.append(os.pread(self._requests, size - at, at))
            if not parts[-1]:
                raise RuntimeError("a message of the server ends early")
            at += len(parts[-1])
        return b"".join(parts)

    def _send(self, kind, request_id, error_type, payload):
        names = request_id + error_type
        in_file = ANSWER_HEAD.size + len(names) + len(payload) > MESSAGE_BYTES
        busy_us = min(int((time.monotonic() - self._began) * 1e6), 0xFFFFFFFF)
        head = ANSWER_HEAD.pack(kind, BODY_IN_FILE if in_file else 0, len(request_id), len(error_type), VERSION, len(payload), busy_us, 0)
        if not in_file:
            os.write(self._socket, head + names + payload)
            return
        # One that does not fit is refused for its size, unread.
        body = names + payload if len(names) + len(payload) <= self._answer_bytes else names
        at = 0
        while at < len(body):
            at += os.pwrite(self._answers, body[at:], at)
        os.write(self._socket, head)
