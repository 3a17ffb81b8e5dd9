"""HTTP/2 frame by frame: what is right goes on, what is wrong ends as RFC 9113 and RFC 7541 say, and the next caller is served."""

from __future__ import annotations

from checks import Checks
from frames import CALM, CONTINUATION, END_STREAM, PROTOCOL, Line, frame, reset
from http2_right import RIGHT
from http2_wrong import WRONG, Case

# Section 7.
CODES = "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM".split()

checks = Checks()
# Where the library ends the connection, as it has to, and says PROTOCOL_ERROR for a more exact word.
inexact: list[str] = []


def told(outcome: str) -> str:
    """An outcome with the name of its error."""
    kind, _, code = outcome.partition(" ")
    return f"{kind} {CODES[int(code)]}" if kind in ("goaway", "reset") and code.isdigit() else outcome


def ends_right(case: Case) -> None:
    with Line(preface=case.preface) as line:
        line.write(case.write(line))
        outcome = line.outcome(case.stream)
    is_inexact = outcome == f"goaway {PROTOCOL}" and outcome not in case.expected
    if is_inexact:
        inexact.append(case.sentence)
    sentence = f"{case.section}: {case.sentence}: {told(outcome)}"
    checks.check(sentence, outcome in case.expected or is_inexact, f"not one of {[told(each) for each in case.expected]}")


def floods() -> None:
    """Each of these asks for work without end; the connection that does is ended."""
    with Line() as line:
        for stream in range(1, 4_001, 2):
            line.write(line.head(stream=stream) + reset(stream))
        outcome = line.outcome(stream=0)
    checks.check("two thousand streams that are reset at once end it (CVE-2023-44487)", outcome in (f"goaway {CALM}", "closed"), outcome)
    with Line() as line:
        line.write(line.head(flags=END_STREAM))
        for _ in range(2_000):
            line.write(frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x07" + b"b" * 1_030))
        outcome = line.outcome()
    checks.check("a header block without end is not read on (CVE-2024-27316)", outcome.startswith(("goaway", "reset")) or outcome in ("closed", "status 431"), outcome)


for section, sentence, holds in RIGHT:
    with Line() as line:
        checks.check(f"{section}: {sentence}", holds(line), line.ended)
for case in WRONG:
    ends_right(case)
floods()
with Line() as line:
    line.write(line.head())
    checks.check("after all of it the next caller is served", line.serves())
print(f"         {len(RIGHT)} right and {len(WRONG)} wrong; {len(inexact)} of these end by PROTOCOL_ERROR where the RFC has a word of its own")
checks.end()
