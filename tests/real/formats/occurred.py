"""Which kinds, types, endings, reasons and fields of events a day had, of those that there are.

occurred.py SOURCE JOURNAL CEF [JOURNAL CEF...]
The lists that are closed are read where they are written, in SOURCE (src); pairs are one journal each, as JSON and as CEF.
"""

import pathlib
import re
import sys

from told import Checks, events, lines

# What no day of the demo has: it would take a broken disk, a provider that is down, a fault of ours, or another house's rules.
NEVER_TYPES = {"audit.gap", "http.unknown"}
NEVER_REASONS = {
    "session-expired", "session-elsewhere", "auth-too-old", "device-new", "network-new", "hour-unusual", "after-denials", "risk-told",
    "after-detection", "client-unknown", "client-out-of-bounds", "groups-incomplete", "location-mismatch", "own-chart",
    "elevation-required", "purpose-mismatch", "redaction-impossible", "reply-too-long", "patient-unknown", "leads-elsewhere",
    "upstream-sign-in-failed", "upstream-overloaded", "audit-unavailable", "provider-unavailable", "account-unknown", "sign-in-loop",
    "assurance-not-proven", "store-unavailable", "patient-restriction", "state-law", "too-many-sessions", "overloaded", "internal-error",
}
NEVER_FIELDS = {
    "opening.certificate", "opening.patient_context", "opening.keep_alive_ignored", "opening.outage_extension", "opening.gap",
    "opening.device_feed", "closing.hold",
}


def closed_list(text, name):
    """The words of `closed_list! { NAME { Variant = "word", … } }`."""
    body = re.search(rf"\b{name} \{{\n(.*?)\n    \}}", text, re.DOTALL)[1]
    return set(re.findall(r'\w+ = "([^"]+)"', body))


def fields(text, name):
    body = re.search(rf"pub struct {name} \{{\n(.*?)\n\}}", text, re.DOTALL)[1]
    return set(re.findall(r"^    pub (\w+):", body, re.MULTILINE))


def main(source, *journals):
    checks = Checks()
    source = pathlib.Path(source)
    event, reason = (source.joinpath("domain", f"{name}.rs").read_text() for name in ("event", "reason"))
    ending = source.joinpath("features/export/format/ending.rs").read_text()
    there_are = {
        "kinds": closed_list(event, "EventKind"),
        "verdicts": closed_list(event, "Verdict"),
        "outcomes": closed_list(event, "Outcome"),
        "reasons": closed_list(reason, "Reason"),
        "types": set(re.findall(r'"([a-z]+\.[a-z]+)"', ending.partition("fn word(")[2])),
        "fields": {f"opening.{name}" for name in fields(event, "Opening")} | {f"closing.{name}" for name in fields(event, "Closing")},
    }
    had = {name: set() for name in there_are}
    number = 0
    for journal, cef in zip(journals[::2], journals[1::2]):
        for told in events(journal).values():
            opening, closing = told["opening"], told.get("closing", {})
            number += 1
            had["kinds"].add(opening["kind"])
            had["verdicts"].add(opening["verdict"])
            had["outcomes"] |= {closing["outcome"]} if closing else set()
            had["reasons"] |= set(opening["reasons"]) | ({closing["reason"]} if "reason" in closing else set())
            had["fields"] |= {f"opening.{name}" for name in opening} | {f"closing.{name}" for name in closing}
        had["types"] |= {line.split("|")[4] for line in lines(cef)}
    never = {"types": NEVER_TYPES, "reasons": NEVER_REASONS, "fields": NEVER_FIELDS}
    checks.check(f"it is a day of some hundred events: {number}", [] if number >= 300 else [number])
    for name, all_of_them in there_are.items():
        missing = all_of_them - had[name]
        if missing:
            print(f"           {name} that did not occur: {', '.join(sorted(missing))}")
        checks.check(f"of {len(all_of_them)} {name} {len(all_of_them) - len(missing)} occurred, and all that a day can have", sorted(missing - never.get(name, set())))
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
