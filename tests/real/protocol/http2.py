"""HTTP/2 that breaks RFC 9113 or RFC 7541, frame by frame: each ends in an error, and the next caller is served."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import struct

from browser import GATEWAY_PORT, tls
from checks import Checks
from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TIMEOUT_SECONDS = 5
PROTOCOL, FLOW_CONTROL, STREAM_CLOSED, FRAME_SIZE, COMPRESSION, CALM = 1, 3, 5, 6, 9, 11
HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", f"localhost:{GATEWAY_PORT}"), (":path", "/small")]
POST = [(":method", "POST"), *HEAD[1:]]

checks = Checks()


class Line:
    """One HTTP/2 connection on which frames are written as they are."""

    def __init__(self, settings: dict[int, int] | None = None, preface: bytes = PREFACE) -> None:
        context = tls()
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", GATEWAY_PORT), TIMEOUT_SECONDS)
        self.stream = context.wrap_socket(plain, server_hostname="localhost")
        self.encoder, self.decoder, self.buffer = Encoder(), Decoder(), b""
        self.write(preface + SettingsFrame(0, settings or {}).serialize())

    def write(self, data: bytes) -> None:
        try:
            self.stream.sendall(data)
        except OSError:
            pass  # it has closed already: what it said before is still to be read

    def head(self, headers: list[tuple[str, str]], stream: int = 1, flags: tuple[str, ...] = ("END_HEADERS", "END_STREAM")) -> bytes:
        return HeadersFrame(stream, self.encoder.encode(headers), flags=list(flags)).serialize()

    def frames(self):
        """What comes back, until it ends."""
        while True:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                try:
                    data = self.stream.recv(65_536)
                except (OSError, ssl.SSLError):
                    return
                if not data:
                    return
                self.buffer += data
            frame, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
            frame.parse_body(memoryview(self.buffer[9 : 9 + length]))
            self.buffer = self.buffer[9 + length :]
            yield frame

    def outcome(self, stream: int = 1) -> str:
        """How it ends: `goaway N`, `reset N`, `status N`, or `closed`."""
        for frame in self.frames():
            if isinstance(frame, GoAwayFrame) and frame.error_code:
                return f"goaway {frame.error_code}"
            if isinstance(frame, RstStreamFrame) and frame.stream_id == stream:
                return f"reset {frame.error_code}"
            if isinstance(frame, HeadersFrame) and frame.stream_id == stream:
                return f"status {dict(self.decoder.decode(frame.data))[':status']}"
        return "closed"


@dataclasses.dataclass
class Case:
    section: str
    sentence: str
    expected: tuple[str, ...]
    write: object
    settings: dict[int, int] | None = None


def either(code: int, *statuses: int) -> tuple[str, ...]:
    """An error of the connection or of the stream; some may be answered by a 4xx instead (RFC 9113 8.1.1)."""
    return (f"goaway {PROTOCOL}", f"goaway {code}", f"reset {code}", *(f"status {status}" for status in statuses))


def connection(*codes: int) -> tuple[str, ...]:
    """An error of the connection, exact or just PROTOCOL_ERROR; whoever closes at once need not say why (5.4.1)."""
    return (*(f"goaway {code}" for code in (PROTOCOL, *codes)), "closed")


def raw(length: int, kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return length.to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + body


MALFORMED = either(PROTOCOL, 400)
CASES = [
    Case("4.2", "a frame longer than the largest", connection(FRAME_SIZE), lambda line: line.head(POST, flags=("END_HEADERS",)) + raw(16_385, 0, 0, 1, b"x" * 16_385)),
    Case("4.3", "a header block that is no HPACK", connection(COMPRESSION), lambda line: HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS", "END_STREAM"]).serialize()),
    Case("7541 2.3.3", "an index that no table has", connection(COMPRESSION), lambda line: HeadersFrame(1, b"\xfe", flags=["END_HEADERS", "END_STREAM"]).serialize()),
    Case("7541 5.2", "Huffman padding that is too long", connection(COMPRESSION), lambda line: HeadersFrame(1, b"\x00\x82\xff\xff\x81\xff", flags=["END_HEADERS", "END_STREAM"]).serialize()),
    Case("7541 6.3", "a table larger than was allowed", connection(COMPRESSION), lambda line: HeadersFrame(1, b"\x3f\xe1\xff\x03\x82", flags=["END_HEADERS", "END_STREAM"]).serialize()),
    Case("5.1", "DATA on a stream that is idle", connection(PROTOCOL), lambda line: DataFrame(1, b"x").serialize()),
    Case("5.1", "RST_STREAM on a stream that is idle", connection(PROTOCOL), lambda line: RstStreamFrame(1, 8).serialize()),
    Case("5.1", "WINDOW_UPDATE on a stream that is idle", connection(PROTOCOL), lambda line: WindowUpdateFrame(1, 1).serialize()),
    Case("5.1", "CONTINUATION out of nowhere", connection(PROTOCOL), lambda line: ContinuationFrame(1, b"", flags=["END_HEADERS"]).serialize()),
    Case("5.1.1", "a stream with an even number", connection(PROTOCOL), lambda line: line.head(HEAD, 2)),
    Case("5.1.1", "a stream with a lower number", connection(PROTOCOL, STREAM_CLOSED), lambda line: line.head(POST, 5, ("END_HEADERS",)) + line.head(HEAD, 3)),
    Case("6.1", "DATA on stream 0", connection(PROTOCOL), lambda line: raw(1, 0, 0, 0, b"x")),
    Case("6.1", "padding longer than the frame", connection(PROTOCOL), lambda line: line.head(POST, flags=("END_HEADERS",)) + raw(2, 0, 8, 1, b"\x05x")),
    Case("6.2", "HEADERS on stream 0", connection(PROTOCOL), lambda line: raw(1, 1, 5, 0, b"\x82")),
    Case("6.3", "PRIORITY of a wrong length", either(FRAME_SIZE), lambda line: line.head(POST, flags=("END_HEADERS",)) + raw(4, 2, 0, 1, b"\0" * 4)),
    Case("5.3.1", "a stream that depends on itself", (*either(PROTOCOL), "status 200"), lambda line: line.head(HEAD) + PriorityFrame(1, depends_on=1).serialize()),
    Case("6.4", "RST_STREAM of a wrong length", connection(FRAME_SIZE), lambda line: line.head(POST, flags=("END_HEADERS",)) + raw(3, 3, 0, 1, b"\0" * 3)),
    Case("6.5", "SETTINGS of a wrong length", connection(FRAME_SIZE), lambda line: raw(3, 4, 0, 0, b"\0" * 3)),
    Case("6.5", "SETTINGS on a stream", connection(PROTOCOL), lambda line: raw(0, 4, 0, 1, b"")),
    Case("6.5", "an acknowledgement with a body", connection(FRAME_SIZE), lambda line: raw(6, 4, 1, 0, b"\0" * 6)),
    Case("6.5.2", "ENABLE_PUSH that is neither 0 nor 1", connection(PROTOCOL), lambda line: SettingsFrame(0, {2: 2}).serialize()),
    Case("6.5.2", "a window beyond 2^31", connection(FLOW_CONTROL), lambda line: SettingsFrame(0, {4: 1 << 31}).serialize()),
    Case("6.5.2", "a frame size below the least", connection(PROTOCOL), lambda line: SettingsFrame(0, {5: 1}).serialize()),
    Case("6.6", "PUSH_PROMISE from a caller", connection(PROTOCOL), lambda line: line.head(POST, flags=("END_HEADERS",)) + PushPromiseFrame(1, 2, line.encoder.encode(HEAD), flags=["END_HEADERS"]).serialize()),
    Case("6.7", "PING of a wrong length", connection(FRAME_SIZE), lambda line: raw(6, 6, 0, 0, b"\0" * 6)),
    Case("6.7", "PING on a stream", connection(PROTOCOL), lambda line: raw(8, 6, 0, 1, b"\0" * 8)),
    Case("6.8", "GOAWAY on a stream", connection(PROTOCOL), lambda line: raw(8, 7, 0, 1, b"\0" * 8)),
    Case("6.9", "WINDOW_UPDATE by nothing", connection(PROTOCOL), lambda line: raw(4, 8, 0, 0, b"\0" * 4)),
    Case("6.9", "WINDOW_UPDATE of a wrong length", connection(FRAME_SIZE), lambda line: raw(3, 8, 0, 0, b"\0" * 3)),
    Case("6.9.1", "a window that grows beyond 2^31", connection(FLOW_CONTROL), lambda line: WindowUpdateFrame(0, (1 << 31) - 1).serialize() * 2),
    Case("6.10", "another frame within a header block", connection(PROTOCOL), lambda line: line.head(HEAD, flags=("END_STREAM",)) + PingFrame(0, b"\0" * 8).serialize()),
    Case("6.10", "a header block that another stream continues", connection(PROTOCOL), lambda line: line.head(HEAD, flags=("END_STREAM",)) + ContinuationFrame(3, b"", flags=["END_HEADERS"]).serialize()),
    Case("8.1", "trailers that do not end the stream", MALFORMED, lambda line: line.head(POST, flags=("END_HEADERS",)) + line.head([("x", "y")], flags=("END_HEADERS",))),
    Case("8.2.1", "an upper-case name", MALFORMED, lambda line: HeadersFrame(1, line.encoder.encode(HEAD) + b"\x00\x01X\x01y", flags=["END_HEADERS", "END_STREAM"]).serialize()),
    Case("8.2.1", "a name with a blank", MALFORMED, lambda line: line.head([*HEAD, ("a b", "y")])),
    Case("8.2.1", "a value with a line end", MALFORMED, lambda line: line.head([*HEAD, ("a", "b\r\nc: d")])),
    Case("8.2.2", "a Connection header", MALFORMED, lambda line: line.head([*HEAD, ("connection", "keep-alive")])),
    Case("8.2.2", "Transfer-Encoding", MALFORMED, lambda line: line.head([*POST, ("transfer-encoding", "chunked")])),
    Case("8.2.2", "TE that is not trailers", MALFORMED, lambda line: line.head([*HEAD, ("te", "gzip")])),
    Case("8.3", "an unknown pseudo-header", MALFORMED, lambda line: line.head([(":other", "x"), *HEAD])),
    Case("8.3", "a pseudo-header of replies", MALFORMED, lambda line: line.head([(":status", "200"), *HEAD])),
    Case("8.3", "a pseudo-header behind a header", MALFORMED, lambda line: line.head([("a", "b"), *HEAD])),
    # Trailers are never relayed: they may as well be dropped.
    Case("8.3", "a pseudo-header in trailers", MALFORMED, lambda line: line.head(POST, flags=("END_HEADERS",)) + line.head([(":path", "/x")])),
    Case("8.3.1", "no method", MALFORMED, lambda line: line.head(HEAD[1:])),
    Case("8.3.1", "no path", MALFORMED, lambda line: line.head(HEAD[:3])),
    Case("8.3.1", "an empty path", MALFORMED, lambda line: line.head([*HEAD[:3], (":path", "")])),
    Case("8.3.1", "two paths", MALFORMED, lambda line: line.head([*HEAD, (":path", "/page")])),
    Case("8.3.1", "an authority that is not the host", either(PROTOCOL, 400, 421), lambda line: line.head([*HEAD, ("host", "pacs.localhost")])),
    Case("8.1.1", "a length that the body does not have", MALFORMED, lambda line: line.head([*POST, ("content-length", "5")], flags=("END_HEADERS",)) + DataFrame(1, b"1234", flags=["END_STREAM"]).serialize()),
    Case("8.5", "CONNECT", either(PROTOCOL, 400, 405, 501), lambda line: line.head([(":method", "CONNECT"), HEAD[2]])),
]


def right() -> None:
    for sentence, settings in (("a request", None), ("a request with every setting", {1: 0, 3: 100, 4: 65_535, 5: 16_384, 6: 100_000})):
        line = Line(settings)
        line.write(line.head(HEAD))
        outcome = line.outcome()
        checks.check(f"{sentence} is answered", outcome == "status 200", outcome)
    line = Line()
    line.write(PingFrame(0, b"12345678").serialize())
    answered = any(isinstance(frame, PingFrame) and frame.opaque_data == b"12345678" and "ACK" in frame.flags for frame in line.frames())
    checks.check("PING is answered with what it said (6.7)", answered)
    line = Line()
    line.write(raw(4, 0xEE, 0xFF, 0, b"what") + line.head(HEAD))
    checks.check("a frame of an unknown kind is passed over (4.1)", line.outcome() == "status 200")
    line = Line({0xABCD: 1})
    line.write(line.head(HEAD))
    checks.check("an unknown setting is passed over (6.5.2)", line.outcome() == "status 200")
    line = Line(preface=b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
    checks.check("a preface that is none ends the connection (3.4)", line.outcome() in ("goaway 1", "closed"))


def floods() -> None:
    """Each of these asks for work without end; the connection that does is ended."""
    resets = Line()
    for stream in range(1, 4_001, 2):
        resets.write(resets.head(HEAD, stream) + RstStreamFrame(stream, 8).serialize())
    outcome = resets.outcome(stream=0)
    checks.check("two thousand streams that are reset at once end it (CVE-2023-44487)", outcome in (f"goaway {CALM}", "closed"), outcome)
    block = Line()
    block.write(block.head(HEAD, flags=("END_STREAM",)))
    for _ in range(2_000):
        block.write(ContinuationFrame(1, b"\x00\x01a\x7f\x81\x07" + b"b" * 1_030).serialize())
    outcome = block.outcome()
    checks.check("a header block without end is not read on (CVE-2024-27316)", outcome.startswith(("goaway", "reset", "closed")) or outcome == "status 431", outcome)


right()
for case in CASES:
    line = Line(case.settings)
    line.write(case.write(line))
    outcome = line.outcome()
    checks.check(f"{case.section}: {case.sentence}: {outcome}", outcome in case.expected, f"{outcome}, not one of {case.expected}")
floods()
right_again = Line()
right_again.write(right_again.head(HEAD))
checks.check("after all of it the next caller is served", right_again.outcome() == "status 200")
checks.end()
