"""Checks that print one line each, in the form that tests/run counts."""

from __future__ import annotations

import sys


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
