"""HTTP/2 that breaks RFC 9113 or RFC 7541, and how it may end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from frames import (
    ACK,
    COMPRESSION,
    CONTINUATION,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    ENDS,
    FLOW_CONTROL,
    FRAME_SIZE,
    GOAWAY,
    HAS_PRIORITY,
    HEAD,
    HEADERS,
    PADDED,
    POST,
    PREFACE,
    PRIORITY,
    PROTOCOL,
    PUSH_PROMISE,
    REFUSED,
    RST_STREAM,
    SETTINGS,
    SIZE,
    STREAM_CLOSED,
    WINDOW,
    WINDOW_UPDATE,
    Line,
    data,
    frame,
    ping,
    priority,
    priority_fields,
    reset,
    settings,
    window,
)


def connection(*codes: int) -> tuple[str, ...]:
    """An error of the connection. Whoever closes at once need not say why (5.4.1)."""
    return (*(f"goaway {code}" for code in codes), "closed")


def stream(*codes: int) -> tuple[str, ...]:
    """An error of the stream, which may be one of the connection (5.4.2)."""
    return (*(f"reset {code}" for code in codes), *connection(*codes))


# May be answered before (8.1.1).
MALFORMED = (*stream(PROTOCOL), "status 400")


@dataclasses.dataclass
class Case:
    section: str
    sentence: str
    expected: tuple[str, ...]
    # What is written behind the preface; may write before, and wait.
    write: Callable[[Line], bytes]
    preface: bytes = PREFACE
    # Whose end it is; with None, of whichever is reset.
    stream: int | None = 1


def opened(line: Line) -> bytes:
    """A POST whose body is to come."""
    return line.head(POST, flags=END_HEADERS)


def begun(line: Line, headers: list[tuple[str, str]] = HEAD) -> bytes:
    """A head that CONTINUATION is to end."""
    return line.head(headers, flags=END_STREAM)


def more(line: Line, number: int = 1, flags: int = END_HEADERS) -> bytes:
    return frame(CONTINUATION, flags, number, line.block([("x-test", "leastway")]))


def closed(line: Line) -> bytes:
    """Leaves stream 1 closed: it was answered to its end."""
    line.write(line.head())
    for each in line.frames():
        if each.stream == 1 and each.flags & END_STREAM:
            break
    return b""


def with_block(block: Callable[[Line], bytes]) -> Callable[[Line], bytes]:
    return lambda line: frame(HEADERS, ENDS, 1, block(line))


def with_field(field: bytes) -> Callable[[Line], bytes]:
    return with_block(lambda line: line.block() + field)


def with_headers(*headers: tuple[str, str]) -> Callable[[Line], bytes]:
    return lambda line: line.head([*HEAD, *headers])


def without(name: str) -> Callable[[Line], bytes]:
    return lambda line: line.head([each for each in HEAD if each[0] != name])


def too_many(line: Line) -> bytes:
    """One request more than the streams that are allowed, none of which ends: its window is shut."""
    allowed = line.next(SETTINGS)
    pairs = [allowed.body[at : at + 6] for at in range(0, len(allowed.body), 6)]
    streams = next(int.from_bytes(pair[2:], "big") for pair in pairs if pair[:2] == b"\0\x03")
    line.write(settings((WINDOW, 0)))
    line.write(b"".join(line.head(stream=2 * each + 1) for each in range(streams)))
    return line.head(stream=2 * streams + 1)


FRAMES = [
    Case("3.4", "a preface that is none", connection(PROTOCOL), lambda _: b"", b"INVALID CONNECTION PREFACE\r\n\r\n"),
    Case("4.2", "DATA longer than the longest", stream(SIZE), lambda line: opened(line) + data(b"x" * 16_385)),
    Case("4.2", "HEADERS longer than the longest", connection(SIZE), with_headers(("x-test", "~" * 16_385))),
    Case("4.2", "SETTINGS longer than the longest", connection(SIZE), lambda _: settings(*[(0xABCD, 1)] * 2_731)),
    Case("4.3", "a header block that is no HPACK", connection(COMPRESSION), lambda _: frame(HEADERS, ENDS, 1, b"\x40")),
    Case("4.3", "a block that PRIORITY interrupts", connection(PROTOCOL), lambda line: begun(line) + priority(1) + more(line)),
    Case("4.3", "a block that HEADERS of another stream interrupt", connection(PROTOCOL), lambda line: begun(line) + line.head(stream=3) + more(line)),
    Case("5.1", "DATA on a stream that is idle", connection(PROTOCOL), lambda _: data(b"x")),
    Case("5.1", "RST_STREAM on a stream that is idle", connection(PROTOCOL), lambda _: reset(1)),
    Case("5.1", "WINDOW_UPDATE on a stream that is idle", connection(PROTOCOL), lambda _: window(1, 1)),
    Case("5.1", "CONTINUATION out of nowhere", connection(PROTOCOL), lambda line: more(line)),
    Case("5.1", "DATA behind the end", stream(STREAM_CLOSED), lambda line: line.head() + data(b"x")),
    Case("5.1", "HEADERS behind the end", stream(STREAM_CLOSED), lambda line: line.head() + line.head()),
    Case("5.1", "CONTINUATION behind the end", stream(STREAM_CLOSED, PROTOCOL), lambda line: line.head() + more(line)),
    Case("5.1", "DATA behind RST_STREAM", stream(STREAM_CLOSED), lambda line: opened(line) + reset(1) + data(b"x")),
    Case("5.1", "HEADERS behind RST_STREAM", stream(STREAM_CLOSED), lambda line: opened(line) + reset(1) + line.head()),
    Case("5.1", "CONTINUATION behind RST_STREAM", stream(STREAM_CLOSED, PROTOCOL), lambda line: opened(line) + reset(1) + more(line)),
    Case("5.1", "DATA on a stream that is closed", stream(STREAM_CLOSED), lambda line: closed(line) + data(b"x")),
    Case("5.1", "HEADERS on a stream that is closed", connection(STREAM_CLOSED), lambda line: closed(line) + line.head()),
    Case("5.1", "CONTINUATION on a stream that is closed", connection(STREAM_CLOSED, PROTOCOL), lambda line: closed(line) + more(line)),
    Case("5.1.1", "a stream with an even number", connection(PROTOCOL), lambda line: line.head(stream=2)),
    Case("5.1.1", "a stream with a lower number", connection(PROTOCOL), lambda line: line.head(stream=5) + line.head(stream=3)),
    Case("5.1.2", "one stream too many", stream(PROTOCOL, REFUSED), too_many, stream=None),
    Case("5.3.1 of 7540", "HEADERS that depend on themselves", stream(PROTOCOL), lambda line: frame(HEADERS, ENDS | HAS_PRIORITY, 1, priority_fields(1) + line.block())),
    Case("5.3.1 of 7540", "PRIORITY that depends on itself", stream(PROTOCOL), lambda _: priority(1, depends_on=1)),
    Case("5.5", "an unknown frame within a header block", connection(PROTOCOL), lambda line: begun(line) + frame(0x16, body=b"\0" * 8)),
    Case("6.1", "DATA on stream 0", connection(PROTOCOL), lambda _: data(b"x", stream=0)),
    Case("6.1", "DATA whose padding is longer than itself", connection(PROTOCOL), lambda line: opened(line) + data(b"\x06test", flags=END_STREAM | PADDED)),
    Case("6.2", "HEADERS on stream 0", connection(PROTOCOL), lambda line: line.head(stream=0)),
    Case("6.2", "HEADERS whose padding is longer than themselves", connection(PROTOCOL), lambda line: frame(HEADERS, ENDS | PADDED, 1, b"\xff" + line.block())),
    Case("6.3", "PRIORITY on stream 0", connection(PROTOCOL), lambda _: priority(0)),
    Case("6.3", "PRIORITY of a wrong length", stream(SIZE), lambda line: line.head() + frame(PRIORITY, 0, 1, b"\x80\0\0\x01")),
    Case("6.4", "RST_STREAM on stream 0", connection(PROTOCOL), lambda _: reset(0)),
    Case("6.4", "RST_STREAM of a wrong length", connection(SIZE), lambda line: line.head() + frame(RST_STREAM, 0, 1, b"\0" * 3)),
    Case("6.5", "SETTINGS that are acknowledged with a body", connection(SIZE), lambda _: frame(SETTINGS, ACK, 0, b"\0" * 6)),
    Case("6.5", "SETTINGS on a stream", connection(PROTOCOL), lambda _: frame(SETTINGS, 0, 1)),
    Case("6.5", "SETTINGS of a wrong length", connection(SIZE), lambda _: frame(SETTINGS, 0, 0, b"\0" * 3)),
    Case("6.5.2", "ENABLE_PUSH that is neither 0 nor 1", connection(PROTOCOL), lambda _: settings((ENABLE_PUSH, 2))),
    Case("6.5.2", "a window of 2^31", connection(FLOW_CONTROL), lambda _: settings((WINDOW, 1 << 31))),
    Case("6.5.2", "a frame size below the least", connection(PROTOCOL), lambda _: settings((FRAME_SIZE, 16_383))),
    Case("6.5.2", "a frame size beyond the largest", connection(PROTOCOL), lambda _: settings((FRAME_SIZE, 1 << 24))),
    Case("6.6", "PUSH_PROMISE from a caller", connection(PROTOCOL), lambda line: opened(line) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + line.block())),
    Case("6.7", "PING on a stream", connection(PROTOCOL), lambda _: ping(stream=1)),
    Case("6.7", "PING of a wrong length", connection(SIZE), lambda _: ping(b"\0" * 6)),
    Case("6.8", "GOAWAY on a stream", connection(PROTOCOL), lambda _: frame(GOAWAY, 0, 1, b"\0" * 8)),
    Case("6.8", "GOAWAY of a wrong length", connection(SIZE), lambda _: frame(GOAWAY, body=b"\0" * 4)),
    Case("6.9", "WINDOW_UPDATE by nothing", connection(PROTOCOL), lambda _: window(0, 0)),
    Case("6.9", "WINDOW_UPDATE of a stream by nothing", stream(PROTOCOL), lambda line: opened(line) + window(1, 0)),
    Case("6.9", "WINDOW_UPDATE of a wrong length", connection(SIZE), lambda _: frame(WINDOW_UPDATE, body=b"\0" * 3)),
    Case("6.9.1", "a window that grows beyond 2^31", connection(FLOW_CONTROL), lambda _: window(0, (1 << 31) - 1) * 2),
    Case("6.9.1", "a stream's window that grows beyond 2^31", stream(FLOW_CONTROL), lambda line: opened(line) + window(1, (1 << 31) - 1) * 2),
    Case("6.9.2", "SETTINGS by which a stream's window grows beyond 2^31", connection(FLOW_CONTROL), lambda line: opened(line) + window(1, (1 << 31) - 1 - 65_535) + settings((WINDOW, 65_536))),
    Case("6.10", "PING within a header block", connection(PROTOCOL), lambda line: begun(line) + ping()),
    Case("6.10", "DATA within a header block", connection(PROTOCOL), lambda line: begun(line, POST) + more(line, flags=0) + data(b"test")),
    Case("6.10", "DATA at once within a header block", connection(PROTOCOL), lambda line: begun(line, POST) + data(b"test") + more(line)),
    Case("6.10", "CONTINUATION on stream 0", connection(PROTOCOL), lambda line: begun(line) + more(line, 0)),
    Case("6.10", "CONTINUATION on another stream", connection(PROTOCOL), lambda line: begun(line) + more(line, 3)),
    Case("6.10", "CONTINUATION behind a whole head", connection(PROTOCOL), lambda line: line.head() + more(line)),
    Case("6.10", "CONTINUATION behind the last one", connection(PROTOCOL), lambda line: begun(line) + more(line) + more(line)),
]

MESSAGES = [
    Case("8.1", "trailers that do not end the stream", MALFORMED, lambda line: opened(line) + data(b"test", flags=0) + line.head([("x-test", "ok")], flags=END_HEADERS)),
    Case("8.1.1", "a length that the body does not have", MALFORMED, lambda line: line.head([*POST, ("content-length", "1")], flags=END_HEADERS) + data(b"test")),
    Case("8.1.1", "a length that the body does not reach", MALFORMED, lambda line: line.head([*POST, ("content-length", "5")], flags=END_HEADERS) + data(b"test")),
    Case("8.1.1", "a length that its parts do not have", MALFORMED, lambda line: line.head([*POST, ("content-length", "1")], flags=END_HEADERS) + data(b"test", flags=0) + data(b"test")),
    Case("8.1.1", "two lengths", MALFORMED, lambda line: line.head([*POST, ("content-length", "4"), ("content-length", "5")], flags=END_HEADERS) + data(b"test")),
    Case("8.1.1", "a length that is no number", MALFORMED, lambda line: line.head([*POST, ("content-length", "+4")], flags=END_HEADERS) + data(b"test")),
    Case("8.2.1", "an upper-case name", MALFORMED, with_field(b"\x00\x06X-TEST\x02ok")),
    Case("8.2.1", "a name with a blank", MALFORMED, with_headers(("a b", "y"))),
    Case("8.2.1", "a name with a colon", MALFORMED, with_headers(("a:b", "y"))),
    Case("8.2.1", "a value with a line end", MALFORMED, with_headers(("a", "b\r\nc: d"))),
    Case("8.2.1", "a value with a NUL", MALFORMED, with_headers(("a", "b\0c"))),
    Case("8.2.2", "Connection", MALFORMED, with_headers(("connection", "keep-alive"))),
    Case("8.2.2", "Transfer-Encoding", MALFORMED, lambda line: line.head([*POST, ("transfer-encoding", "chunked")])),
    Case("8.2.2", "Keep-Alive", MALFORMED, with_headers(("keep-alive", "timeout=5"))),
    Case("8.2.2", "Proxy-Connection", MALFORMED, with_headers(("proxy-connection", "keep-alive"))),
    Case("8.2.2", "Upgrade", MALFORMED, with_headers(("upgrade", "websocket"))),
    Case("8.2.2", "TE that is not trailers", MALFORMED, with_headers(("te", "trailers, deflate"))),
    Case("8.3", "an unknown pseudo-header", MALFORMED, with_headers((":test", "ok"))),
    Case("8.3", "a pseudo-header of replies", MALFORMED, with_headers((":status", "200"))),
    Case("8.3", "a pseudo-header behind a header", MALFORMED, lambda line: line.head([("x-test", "ok"), *HEAD])),
    Case("8.3", "a pseudo-header in trailers", MALFORMED, lambda line: opened(line) + data(b"test", flags=0) + line.head([(":method", "POST")])),
    Case("8.3", "a pseudo-header in trailers that do not end the stream", MALFORMED, lambda line: opened(line) + data(b"test", flags=0) + line.head([(":method", "POST")], flags=END_HEADERS)),
    Case("8.3.1", "an empty path", MALFORMED, lambda line: line.head([*HEAD[:3], (":path", "")])),
    Case("8.3.1", "a path without a slash", MALFORMED, lambda line: line.head([*HEAD[:3], (":path", "small")])),
    *(Case("8.3.1", f"no {name}", MALFORMED, without(name)) for name in (":method", ":scheme", ":path")),
    *(Case("8.3.1", f"{name} twice", MALFORMED, with_headers((name, value))) for name, value in HEAD),
    Case("8.3.1", "an authority that is not the host", (*MALFORMED, "status 421"), with_headers(("host", "pacs.localhost"))),
    Case("8.3.1", "a user in the authority", (*MALFORMED, "status 421"), lambda line: line.head([*HEAD[:2], (":authority", f"me@{HEAD[2][1]}"), HEAD[3]])),
    Case("8.5", "CONNECT", (*MALFORMED, "status 405", "status 501"), lambda line: line.head([(":method", "CONNECT"), HEAD[2]])),
    Case("8.5", "CONNECT with a path", MALFORMED, lambda line: line.head([(":method", "CONNECT"), *HEAD[1:]])),
]

HPACK = [
    Case("2.3.3", "an index that no table has", connection(COMPRESSION), with_field(b"\xc6")),
    Case("2.3.3", "a literal whose name no table has", connection(COMPRESSION), with_field(b"\x7f\x07\x00")),
    Case("4.2", "a new table size at the end of a block", connection(COMPRESSION), with_field(b"\x21")),
    Case("5.1", "an integer without end", connection(COMPRESSION), with_field(b"\xff" + b"\xff" * 12)),
    Case("5.2", "a string longer than the block", connection(COMPRESSION), with_field(b"\x00\x06x-test\x7fok")),
    Case("5.2", "Huffman padding longer than 7 bits", connection(COMPRESSION), with_field(b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")),
    Case("5.2", "Huffman padding of zeros", connection(COMPRESSION), with_field(b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90")),
    Case("5.2", "a string that holds the end of strings", connection(COMPRESSION), with_field(b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f")),
    Case("6.1", "index 0", connection(COMPRESSION), with_field(b"\x80")),
    Case("6.3", "a table larger than was allowed", connection(COMPRESSION), with_block(lambda line: b"\x3f\xe2\x1f" + line.block())),
]
for case in HPACK:
    case.section = f"7541 {case.section}"
WRONG = FRAMES + MESSAGES + HPACK
