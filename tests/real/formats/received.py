"""What receivers that are not ours have taken of a day, beside what `audit export` writes of its journal.

received.py HOME FHIR
HOME holds json, cef, atna, fhir and otel as they were written, of-patient as `audit query` finds one by their number, syslog-json, syslog-cef and syslog-atna as rsyslog has them, otlp as
its receiver has it. FHIR is the base of a server, which is searched.
"""

import base64
import collections
import json
import pathlib
import re
import sys
import urllib.parse
import urllib.request

from told import Checks, events, lines

# RFC 5424: the parts before the message, of which the structured data may hold brackets that are escaped.
HEADER = re.compile(rb"<(\d{1,3})>1 (\S+) (\S+) leastway (\S+) (\S+) ((?:\[(?:[^\]\\]|\\.)*\])+|-) \xef\xbb\xbf(.*)", re.DOTALL)
# What the gateway writes while it stops comes behind what was handed on.
TAIL = 5
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def once(documents):
    return list(dict.fromkeys(documents))


def of_event(document):
    """The number of the event that a document of ATNA tells of."""
    found = re.search(r'type="sequence" value="([^"]+)"', document)
    return int(base64.b64decode(found[1]))


def numbers(kind, documents, by_id):
    """The numbers of the events of some documents."""
    if kind == "atna":
        return [of_event(document) for document in documents]
    if kind == "cef":
        return [by_id[re.search(r"externalId=(\S+)", document)[1]] for document in documents]
    return [json.loads(document)["sequence"] for document in documents]


def syslog(checks, home, kind, by_id):
    """Byte for byte, in order, at least once: whatever became of rsyslog in between. Gives the order of the events."""
    written = once(lines(home / kind))
    framed = [HEADER.fullmatch(line) for line in (home / f"syslog-{kind}").read_bytes().split(b"\n") if line]
    checks.check(f"rsyslog has each message of {kind} whole, as RFC 5424 says", [at for at, found in enumerate(framed, 1) if not found])
    came = [found[7].decode() for found in framed if found]
    strange = set(came) - set(written)
    checks.check(f"what it has of {kind} is byte for byte what is written: {len(came)}", sorted(strange)[:3])
    first = once(came)
    order = numbers(kind, first, by_id)
    missing = set(numbers(kind, set(written) - set(first), by_id))
    checks.check(f"none of {kind} is missing", [] if len(missing) <= TAIL and min(missing, default=1 << 60) > max(order) - TAIL else sorted(missing))
    ids = {found[5] for found in framed if found}
    checks.check(f"{kind} is told apart by its identifier: {len(ids)}", [] if (ids == {b"IHE+RFC-3881"}) == (kind == "atna") else ids)
    return once(order)


def search(base, **parameters):
    """All that a search finds, page by page."""
    found, offset = [], 0
    while True:
        asked = urllib.parse.urlencode({**parameters, "_count": 200, "_offset": offset})
        with urllib.request.urlopen(f"{base}/AuditEvent?{asked}") as reply:
            entries = json.load(reply).get("entry", [])
        found += [entry["resource"] for entry in entries]
        if len(entries) < 200:
            return found
        offset += 200


def without_place(resource):
    """A resource as it was, before the server gave it its own name and time."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name == "profile"}
    kept = {name: value for name, value in resource.items() if name not in ("id", "meta")}
    return json.dumps({**kept, **({"meta": meta} if meta else {})}, sort_keys=True)


def fhir(checks, home, base):
    written = [json.loads(line) for line in lines(home / "fhir")]
    there = search(base)
    sent = collections.Counter(map(without_place, written))
    kept = collections.Counter(map(without_place, there))
    checks.check(f"the server has every AuditEvent as it was sent: {len(there)}", [*(sent - kept)][TAIL:])
    # What it has answered too late comes again: at least once.
    checks.check(f"and none that was not; {sum(kept.values()) - len(kept)} more than once", sorted(set(kept) - set(sent)))
    wants = {
        "what was refused, by its outcome": ({"outcome": "4"}, lambda one: one["outcome"] == "4"),
        "security alerts, by their type": ({"type": f"{DCM}|110113"}, lambda one: one["type"]["code"] == "110113"),
        "emergencies, by their subtype": ({"subtype": f"{DCM}|110127"}, lambda one: any(code["code"] == "110127" for code in one["subtype"])),
        "changes, by their action": ({"action": "C"}, lambda one: one["action"] == "C"),
        "what one person did, by name": ({"agent-name": "Noah Okafor"}, lambda one: any(agent.get("name") == "Noah Okafor" for agent in one["agent"])),
    }
    for what, (asked, fits) in wants.items():
        found, expected = len(search(base, **asked)), sum(map(fits, there))
        checks.check(f"a search finds {what}: {found}", [] if found == expected > 0 else [f"{found} for {expected}"])
    of_patient = {event["opening"]["event"] for event in map(json.loads, lines(home / "of-patient"))}
    told_of = collections.defaultdict(set)
    for one in there:
        request = next((entity["what"]["identifier"]["value"] for entity in one["entity"] if entity["type"]["code"] == "XrequestId"), None)
        for entity in one["entity"]:
            if entity.get("role", {}).get("code") == "1":
                told_of[entity["what"]["identifier"]["value"]].add(request)
    found = [patient for patient, requests in told_of.items() if requests == of_patient]
    checks.check(f"one patient of {len(told_of)} is told of by the events that the journal finds by their number: {len(of_patient)}", [] if len(found) == 1 and of_patient else [sorted(of_patient)])


def otlp(checks, home, by_id):
    requests = [json.loads(line) for line in lines(home / "otlp")]
    records = [record for request in requests for logs in request["resourceLogs"] for scope in logs["scopeLogs"] for record in scope["logRecords"]]
    named = [next(it["value"]["stringValue"] for it in record["attributes"] if it["key"] == "leastway.event.id") for record in records]
    missing = sorted(by_id[event] for event in set(by_id) - set(named))
    checks.check(f"a receiver by OpenTelemetry's definitions has every record: {len(records)}", missing if len(missing) > TAIL else [])
    order = [by_id[event] for event in once(named)]
    said = (home / "otlp.log").read_text()
    checks.check("it was busy now and then, and refused nothing", [] if "429" in said and "400" not in said and "415" not in said else [said[-300:]])
    return order


def main(home, base):
    checks = Checks()
    home = pathlib.Path(home)
    by_id = {event: told["sequence"] for event, told in events(home / "json").items()}
    orders = {kind: syslog(checks, home, kind, by_id) for kind in ("json", "cef", "atna")}
    orders["otel"] = otlp(checks, home, by_id)
    shortest = min(map(len, orders.values()))
    checks.check(f"all have them in one order: {shortest} events", [name for name, order in orders.items() if order[:shortest] != orders["json"][:shortest]])
    fhir(checks, home, base)
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
