"""What every validator of this folder says: one line for each check, and what the journal holds."""

import json
import pathlib


def lines(path):
    return pathlib.Path(path).read_text(encoding="utf-8").splitlines()


def events(path):
    """The events in our own words, by their identifiers."""
    found = (json.loads(line) for line in lines(path))
    return {event["opening"]["event"]: event for event in found}


def patients(event):
    """How many patients an event names: whose record was asked for, and whom its reply listed, as far as it keeps each of them."""
    opening = event["opening"]
    named = {opening["patient"]} if "patient" in opening else set()
    listed = event.get("closing", {}).get("listed", {}).get("each", [])
    return len(named | set(opening.get("taken", {}).get("opened", [])) | set(listed))


class Checks:
    """Counts what did not hold, and gives the exit code."""

    def __init__(self):
        self.failed = 0

    def check(self, sentence, faults):
        """`faults` is what was found wrong: none is well."""
        faults = list(faults)
        if faults:
            self.failed += 1
            print(f"FAILED   {sentence}")
            for fault in faults[:5]:
                print(f"           {fault}")
        else:
            print(f"ok       {sentence}")

    def code(self):
        return 1 if self.failed else 0
