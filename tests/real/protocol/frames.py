"""HTTP/2 frame by frame (RFC 9113): what no library would write is written as it stands, and what comes back is told."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import struct

from browser import GATEWAY_PORT, tls
from hpack import Decoder, Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TIMEOUT_SECONDS = 5
# Section 6.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, HAS_PRIORITY = 0x4, 0x8, 0x20
ENDS = END_STREAM | END_HEADERS
# Section 6.5.2.
TABLE_SIZE, ENABLE_PUSH, STREAMS, WINDOW, FRAME_SIZE, LIST_SIZE = range(1, 7)
# Section 7.
NO_ERROR, PROTOCOL, FLOW_CONTROL, STREAM_CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, CALM = 0, 1, 3, 5, 6, 7, 8, 9, 11

HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", f"localhost:{GATEWAY_PORT}"), (":path", "/small")]
POST = [(":method", "POST"), *HEAD[1:]]


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    body: bytes
    # Of HEADERS.
    status: str = ""

    @property
    def code(self) -> int:
        """The error of a GOAWAY or RST_STREAM."""
        return struct.unpack(">I", self.body[4:8] if self.kind == GOAWAY else self.body)[0]


def frame(kind: int, flags: int = 0, stream: int = 0, body: bytes = b"", length: int | None = None) -> bytes:
    """A frame as it is written. `length` may lie."""
    size = len(body) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + body


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, body=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def data(body: bytes, stream: int = 1, flags: int = END_STREAM) -> bytes:
    return frame(DATA, flags, stream, body)


def priority(stream: int, depends_on: int = 0, weight: int = 255, exclusive: bool = False) -> bytes:
    return frame(PRIORITY, 0, stream, priority_fields(depends_on, weight, exclusive))


def priority_fields(depends_on: int, weight: int = 255, exclusive: bool = False) -> bytes:
    return struct.pack(">IB", depends_on | exclusive << 31, weight)


def reset(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(code: int, body: bytes = b"") -> bytes:
    return frame(GOAWAY, body=struct.pack(">II", 0, code) + body)


def window(stream: int, more: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", more))


def ping(said: bytes = b"\0" * 8, flags: int = 0, stream: int = 0) -> bytes:
    return frame(PING, flags, stream, said)


class Line:
    """One HTTP/2 connection on which frames are written as they are."""

    def __init__(self, *pairs: tuple[int, int], preface: bytes = PREFACE) -> None:
        context = tls()
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", GATEWAY_PORT), TIMEOUT_SECONDS)
        self.stream = context.wrap_socket(plain, server_hostname="localhost")
        self.encoder, self.decoder, self.buffer = Encoder(), Decoder(), b""
        # How it ended: nothing more is to come.
        self.ended = ""
        self.write(preface + settings(*pairs))

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def write(self, written: bytes) -> None:
        try:
            self.stream.sendall(written)
        except OSError:
            pass  # it has closed already: what it said before is still to be read

    def block(self, headers: list[tuple[str, str]] = HEAD) -> bytes:
        """A header block: HPACK."""
        return self.encoder.encode(headers)

    def head(self, headers: list[tuple[str, str]] = HEAD, stream: int = 1, flags: int = ENDS) -> bytes:
        return frame(HEADERS, flags, stream, self.block(headers))

    def frames(self):
        """What comes back, until it ends; `ended` then says how."""
        while True:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                try:
                    received = self.stream.recv(65_536)
                except TimeoutError:
                    self.ended = "silence"
                    return
                except (OSError, ssl.SSLError):
                    received = b""
                if not received:
                    self.ended = "closed"
                    return
                self.buffer += received
            length = int.from_bytes(self.buffer[:3], "big")
            kind, flags, stream = self.buffer[3], self.buffer[4], struct.unpack(">I", self.buffer[5:9])[0]
            body, self.buffer = self.buffer[9 : 9 + length], self.buffer[9 + length :]
            # Every block changes the table, whoever is interested in it.
            status = dict(self.decoder.decode(body)).get(":status", "") if kind == HEADERS else ""
            yield Frame(kind, flags, stream, body, status)

    def outcome(self, stream: int | None = 1) -> str:
        """How a stream ends (with None: whichever is reset): `goaway N`, `reset N`, `status N`, `closed` or `silence`."""
        for each in self.frames():
            if each.kind == GOAWAY and each.code:
                # It has to close then (5.4.1).
                return f"goaway {each.code}" if self.ends() else f"goaway {each.code} and no end"
            if each.kind == RST_STREAM and stream in (each.stream, None):
                return f"reset {each.code}"
            if each.kind == HEADERS and each.stream == stream:
                return f"status {each.status}"
        return self.ended

    def ends(self) -> bool:
        """Whether it closes, whatever comes before."""
        for _ in self.frames():
            pass
        return self.ended == "closed"

    def next(self, kind: int, flags: int = 0) -> Frame | None:
        """The next frame of a kind that has these flags, if it comes."""
        return next((each for each in self.frames() if each.kind == kind and each.flags & flags == flags), None)

    def answers(self, said: bytes = b"leastway") -> bool:
        """Whether it goes on: PING is answered with what it said."""
        self.write(ping(said))
        return any(each.kind == PING and each.flags & ACK and each.body == said for each in self.frames())

    def serves(self, stream: int = 1) -> bool:
        return self.outcome(stream) == "status 200"
