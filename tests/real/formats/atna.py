"""Audit messages by a grammar of DICOM PS3.15 A.5.1 with xmllint and jing, and by the codes that A.5 and BALP have for them."""

import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from told import Checks, events, lines, patients

TYPES = {"110100", "110101", "110106", "110113", "110114", "rest"}


def refused(messages, grammar):
    """What xmllint and jing say of each message, by the grammar."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, message in enumerate(messages, 1):
            file = pathlib.Path(folder, f"{number}.xml")
            file.write_text(message, encoding="utf-8")
            files.append(str(file))
        xmllint = subprocess.run(["xmllint", "--noout", "--relaxng", grammar, *files], capture_output=True, text=True, check=False)
        jing = subprocess.run(["jing", grammar, *files], capture_output=True, text=True, check=False)
        said = [line for line in xmllint.stderr.splitlines() if not line.endswith("validates")]
        return [*(said if xmllint.returncode else []), *(jing.stdout.splitlines() if jing.returncode else [])]


def main(journal, written, grammar):
    checks = Checks()
    told, written = events(journal), lines(written)
    checks.check("the grammar of DICOM's audit message takes every message", refused(written, grammar))
    expected = sum(max(1, patients(event)) for event in told.values())
    checks.check(f"there is one for each event and patient: {len(written)}", [] if len(written) == expected else [expected])
    trees = [ET.fromstring(line) for line in written]
    odd = [tree.find("EventIdentification/EventID").get("csd-code") for tree in trees]
    checks.check("what happened is among the codes of A.5 and BALP", [code for code in odd if code not in TYPES])
    alerts = [tree for tree in trees if any(code.get("csd-code") == "110113" for code in tree.iter("EventTypeCode"))]
    checks.check("a security alert is an event, never its closer type", alerts)
    requestors = [tree for tree in trees if len([one for one in tree.iter("ActiveParticipant") if one.get("UserIsRequestor") == "true"]) != 1]
    checks.check("in each, one has asked for it", requestors)
    damaged = re.sub(r'EventOutcomeIndicator="\d+"', 'EventOutcomeIndicator="5"', written[0])
    checks.check("the grammar refuses what it should", [] if len(refused([damaged], grammar)) >= 2 else ["one of both takes anything"])
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
