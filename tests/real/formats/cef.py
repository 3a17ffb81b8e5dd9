"""Lines of CEF as pycef takes them apart."""

import sys

import pycef
from told import Checks, events, lines

HEADER = ("CEFVersion", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity")


def main(journal, written):
    checks = Checks()
    told, parsed = events(journal), [pycef.parse(line) for line in lines(written)]
    unread = [number for number, event in enumerate(parsed, 1) if not event or not all(event.get(name) for name in HEADER)]
    checks.check("pycef reads every line", unread)
    parsed = [event for event in parsed if event]
    missing = set(told) - {event["externalId"] for event in parsed}
    checks.check(f"no event is missing: {len(parsed)}", sorted(missing))
    wrong = []
    for event in parsed:
        opening, closing = told[event["externalId"]]["opening"], told[event["externalId"]].get("closing", {})
        pairs = (
            ("suser", opening.get("subject", {}).get("name")),
            ("suid", opening.get("subject", {}).get("sub")),
            ("request", opening.get("path")),
            ("requestMethod", opening.get("method")),
            ("reason", closing.get("reason") or next(iter(opening["reasons"]), None)),
        )
        wrong += [f"{key}: {event.get(key)!r} for {value!r}" for key, value in pairs if event.get(key) != value]
    checks.check("who, what and why read back as the journal has them", wrong)
    withheld = [event for event in parsed if event["act"] == "withheld"]
    checks.check("what was withheld is of medium severity or more", [event for event in withheld if int(event["Severity"]) < 4] or ([] if withheld else ["nothing was"]))
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
