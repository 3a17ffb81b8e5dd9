"""Checks that print one line each, in the form that tests/run counts."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType


class Checks:
    def __init__(self) -> None:
        self.failed = 0

    def check(self, sentence: str, holds: object, found: object = "") -> bool:
        if holds:
            print(f"ok       {sentence}", flush=True)
            return True
        self.failed += 1
        print(f"FAILED   {sentence}", flush=True)
        if str(found):
            print(f"           found: {str(found)[:400]}", flush=True)
        return False

    def end(self) -> None:
        sys.exit(1 if self.failed else 0)


def stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A mistake is a failed check, too: it says where, for whoever sees only the failures."""
    *_, last = traceback.extract_tb(trace)
    print(f"FAILED   the run goes to its end\n           {kind.__name__}: {error}\n           {last.filename}:{last.lineno}: {last.line}", flush=True)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = stopped
