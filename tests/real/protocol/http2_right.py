"""HTTP/2 that is unusual and right: each goes on. Sections are of RFC 9113, or of RFC 7541 (HPACK) where it says so."""

from __future__ import annotations

from collections.abc import Callable

from frames import (
    ACK,
    CANCEL,
    CONTINUATION,
    DATA,
    ENDS,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HAS_PRIORITY,
    HEAD,
    HEADERS,
    NO_ERROR,
    PADDED,
    PING,
    POST,
    SETTINGS,
    WINDOW,
    Line,
    data,
    frame,
    goaway,
    ping,
    priority,
    priority_fields,
    reset,
    settings,
    window,
)
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
# RFC 7541 Appendix A.
AUTHORITY_INDEX, PATH_INDEX, USER_AGENT_INDEX = 1, 4, 58
# RFC 7541 section 6.2: what a literal's first byte begins with, and how many bits are left for an index.
LITERALS = {"with indexing": (0x40, 6), "without indexing": (0x00, 4), "never indexed": (0x10, 4)}
FIRST_DYNAMIC = 62


def serves(written: Callable[[Line], bytes]) -> Callable[[Line], bool]:
    """A check that the request on stream 1 is answered, with whatever else is written."""

    def checked(line: Line) -> bool:
        line.write(written(line))
        return line.serves()

    return checked


def goes_on(written: Callable[[Line], bytes]) -> Callable[[Line], bool]:
    """A check that a PING behind it is answered."""

    def checked(line: Line) -> bool:
        line.write(written(line))
        return line.answers()

    return checked


def integer(first: int, bits: int, value: int) -> bytes:
    """RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    rest, value = [], value - most
    while value >= 128:
        rest.append(value & 127 | 128)
        value >>= 7
    return bytes([first | most, *rest, value])


def text(value: bytes, huffman: bool = False) -> bytes:
    """RFC 7541 section 5.2."""
    encoded = HUFFMAN.encode(value) if huffman else value
    return integer(0x80 if huffman else 0, 7, len(encoded)) + encoded


def literals() -> dict[str, bytes]:
    """Every way to write a header as a literal."""
    ways = {}
    for kind, (first, bits) in LITERALS.items():
        for huffman in (False, True):
            how = f"{kind}, {'Huffman' if huffman else 'plain'}"
            ways[f"an indexed name {how}"] = integer(first, bits, USER_AGENT_INDEX) + text(b"leastway", huffman)
            ways[f"a new name {how}"] = bytes([first]) + text(b"x-test", huffman) + text(b"leastway", huffman)
    return ways


def first_is_settings(line: Line) -> bool:
    first = next(line.frames(), None)
    return first is not None and first.kind == SETTINGS and not first.flags & ACK


def settings_are_acknowledged(line: Line) -> bool:
    line.write(settings((1, 4096), (2, 0), (3, 100), (4, 65_535), (5, 16_384), (6, 100_000)))
    # The first is for the preface.
    return bool(line.next(SETTINGS, ACK) and line.next(SETTINGS, ACK))


def an_answer_is_not_answered(line: Line) -> bool:
    line.write(ping(b"no reply", ACK) + ping(b"leastway"))
    answer = line.next(PING, ACK)
    return answer is not None and answer.body == b"leastway"


def is_answered(written: bytes) -> Callable[[Line], bool]:
    """A check that a PING of zeros, odd as it is, is answered."""

    def checked(line: Line) -> bool:
        line.write(written)
        answer = line.next(PING, ACK)
        return answer is not None and answer.body == b"\0" * 8

    return checked


def waits_for_the_window(pairs: list[tuple[int, int]], then: Callable[[Line], bytes], length: int) -> Callable[[Line], bool]:
    """A check that, with these settings and then that, so much of a reply comes."""

    def checked(line: Line) -> bool:
        line.write(settings(*pairs))
        line.next(SETTINGS, ACK)
        line.next(SETTINGS, ACK)
        line.write(line.head() + then(line))
        came = line.next(DATA)
        return came is not None and len(came.body) == length

    return checked


def a_window_below_zero_is_kept(line: Line) -> bool:
    """3 bytes are sent; 2 were allowed; with 2 more it is one."""
    line.write(settings((WINDOW, 3)) + line.head())
    came = line.next(DATA)
    line.write(settings((WINDOW, 2)) + window(1, 2))
    then = line.next(DATA)
    return came is not None and then is not None and (len(came.body), len(then.body)) == (3, 1)


def closed_then(written: bytes) -> Callable[[Line], bool]:
    """A check that goes on after a stream that has ended."""

    def checked(line: Line) -> bool:
        line.write(line.head())
        line.next(DATA, END_STREAM)
        line.write(written)
        return line.answers()

    return checked


def the_table_is_kept(line: Line) -> bool:
    """`GET https` and the authority are written out; the path is put into the table, and then asked for by its place."""
    others = b"\x82\x87" + integer(0, 4, AUTHORITY_INDEX) + text(HEAD[2][1].encode())
    line.write(frame(HEADERS, ENDS, 1, others + integer(0x40, 6, PATH_INDEX) + text(b"/small")))
    line.write(frame(HEADERS, ENDS, 3, others + bytes([0x80 | FIRST_DYNAMIC])))
    return line.serves(3)


def with_field(field: bytes) -> Callable[[Line], bytes]:
    return lambda line: frame(HEADERS, ENDS, 1, line.block() + field)


def in_pieces(pieces: int) -> Callable[[Line], bytes]:
    def written(line: Line) -> bytes:
        block = line.block([*HEAD, ("x-test", "leastway")])
        cut = len(block) // (pieces + 1)
        heads = [frame(HEADERS, END_STREAM, 1, block[:cut])]
        heads += [frame(CONTINUATION, 0, 1, block[cut * part : cut * (part + 1)]) for part in range(1, pieces)]
        return b"".join(heads) + frame(CONTINUATION, END_HEADERS, 1, block[cut * pieces :])

    return written


def goodbye_is_heard(line: Line) -> bool:
    line.write(goaway(NO_ERROR, b"leastway"))
    return line.answers() or line.ended == "closed"


RIGHT: list[tuple[str, str, Callable[[Line], object]]] = [
    ("3.4", "SETTINGS is the first that comes", first_is_settings),
    ("4.1", "a frame of an unknown kind", goes_on(lambda _: frame(0x16, body=b"\0" * 8))),
    ("4.1", "a flag that PING does not have", is_answered(ping(flags=0x16))),
    ("4.1", "the reserved bit", is_answered(ping(stream=1 << 31))),
    ("4.2", "DATA of 2^14 bytes", serves(lambda line: line.head(POST, flags=END_HEADERS) + data(b"x" * 16_384))),
    ("5.1", "PRIORITY on a stream that is idle", goes_on(lambda _: priority(1))),
    ("5.1", "WINDOW_UPDATE on a stream that its caller has ended", waits_for_the_window([(WINDOW, 0)], lambda _: window(1, 1), 1)),
    ("5.1", "PRIORITY on such a stream", waits_for_the_window([(WINDOW, 0)], lambda _: priority(1) + window(1, 1), 1)),
    ("5.1", "RST_STREAM on such a stream", goes_on(lambda line: line.head() + reset(1))),
    ("5.1", "PRIORITY on a stream that is closed", closed_then(priority(1))),
    ("5.1", "WINDOW_UPDATE on a stream that is closed", closed_then(window(1, 1))),
    ("5.1", "RST_STREAM on a stream that is closed", closed_then(reset(1))),
    ("5.5", "an unknown frame on a stream", serves(lambda line: line.head(POST, flags=END_HEADERS) + frame(0xEE, 0xFF, 1, b"what") + data(b"x"))),
    ("6.1", "DATA", serves(lambda line: line.head(POST, flags=END_HEADERS) + data(b"test"))),
    ("6.1", "DATA twice", serves(lambda line: line.head(POST, flags=END_HEADERS) + data(b"test", flags=0) + data(b"test"))),
    ("6.1", "DATA with padding", serves(lambda line: line.head(POST, flags=END_HEADERS) + data(b"\x05test" + b"\0" * 5, flags=END_STREAM | PADDED))),
    ("6.2", "HEADERS", serves(lambda line: line.head())),
    ("6.2", "HEADERS with padding", serves(lambda line: frame(HEADERS, ENDS | PADDED, 1, b"\x08" + line.block() + b"\0" * 8))),
    ("6.2", "HEADERS with a priority", serves(lambda line: frame(HEADERS, ENDS | HAS_PRIORITY, 1, priority_fields(0) + line.block()))),
    ("6.3", "PRIORITY of weight 1", serves(lambda line: priority(1, weight=0) + line.head())),
    ("6.3", "PRIORITY of weight 256", serves(lambda line: priority(1, weight=255) + line.head())),
    ("6.3", "PRIORITY that depends on another stream", serves(lambda line: priority(3, depends_on=1) + line.head())),
    ("6.3", "PRIORITY that is exclusive", serves(lambda line: priority(1, exclusive=True) + line.head())),
    ("6.3", "PRIORITY on a stream before one with a lower number", serves(lambda line: priority(3) + line.head())),
    ("6.4", "RST_STREAM on a stream that is open", goes_on(lambda line: line.head(flags=END_HEADERS) + reset(1, CANCEL))),
    ("6.5", "every setting", settings_are_acknowledged),
    ("6.5.2", "an unknown setting", goes_on(lambda _: settings((0xABCD, 1)))),
    ("6.5.3", "a setting twice, of which the last counts", waits_for_the_window([(WINDOW, 100), (WINDOW, 1)], lambda _: b"", 1)),
    ("6.7", "PING", lambda line: line.answers(b"12345678")),
    ("6.7", "PING that is an answer itself", an_answer_is_not_answered),
    ("6.8", "GOAWAY", goodbye_is_heard),
    ("6.9", "WINDOW_UPDATE of the connection", goes_on(lambda _: window(0, 1))),
    ("6.9", "WINDOW_UPDATE of a stream", serves(lambda line: line.head() + window(1, 1))),
    ("6.9.1", "a window of one byte", waits_for_the_window([(WINDOW, 1)], lambda _: b"", 1)),
    ("6.9.2", "a window that opens later", waits_for_the_window([(WINDOW, 0)], lambda _: settings((WINDOW, 1)), 1)),
    ("6.9.2", "a window that sinks below zero", a_window_below_zero_is_kept),
    ("6.10", "CONTINUATION", serves(in_pieces(1))),
    ("6.10", "CONTINUATION several times", serves(in_pieces(4))),
    ("7", "GOAWAY of an unknown kind", lambda line: line.write(goaway(0xFF)) or line.answers() or line.ended == "closed"),
    ("7", "RST_STREAM of an unknown kind", goes_on(lambda line: line.head(POST, flags=END_HEADERS) + reset(1, 0xFF))),
    ("8.1", "HEAD", serves(lambda line: line.head([(":method", "HEAD"), *HEAD[1:]]))),
    ("8.1", "POST with trailers", serves(lambda line: line.head(POST, flags=END_HEADERS) + data(b"test", flags=0) + line.head([("x-test", "ok")]))),
    ("8.3.1", "Host beside an authority that is the same", serves(lambda line: line.head([*HEAD, ("host", HEAD[2][1])]))),
    ("7541 2.3.2", "what was put into the table is there for the next request", the_table_is_kept),
    ("7541 4.2", "a table that shrinks and grows again", serves(lambda line: frame(HEADERS, ENDS, 1, integer(0x20, 5, 128) + integer(0x20, 5, 4096) + line.block()))),
    ("7541 6.1", "an indexed header", serves(with_field(b"\x90"))),
    ("7541 6.3", "a table of another size", serves(lambda line: frame(HEADERS, ENDS, 1, integer(0x20, 5, 128) + line.block()))),
    *(("7541 6.2", way, serves(with_field(field))) for way, field in literals().items()),
]
