"""AuditEvent as fhir.resources knows it (R4B, whose AuditEvent is R4's), and what IHE BALP asks for where a profile is named."""

import json
import sys

from fhir.resources.R4B.auditevent import AuditEvent
from told import Checks, events, lines, patients

DCM = "http://dicom.nema.org/resources/ontology/DCM"
# The parts of client and server in each profile of BALP: on a read the data flow to the client, on a query the parameters to the
# server.
PARTS = {
    "Read": ("110152", "110153"),
    "Query": ("110153", "110152"),
    "Create": ("110153", "110152"),
    "Update": ("110153", "110152"),
    "Delete": ("110150", "custodian"),
}
ACTIONS = {"Read": "R", "Query": "E", "Create": "C", "Update": "U", "Delete": "D"}


def refused(line):
    try:
        AuditEvent.model_validate_json(line)
    except ValueError as error:
        return f"{error}"
    return None


def of_type(resource, part, code):
    types = [(item, item["type"]) for item in resource[part]]
    codes = [(item, kind.get("code") or kind["coding"][0]["code"]) for item, kind in types]
    return [item for item, found in codes if found == code]


def misfits(resource):
    """What a resource lacks of the profile that it names."""
    profile = resource["meta"]["profile"][0].rsplit(".", 1)[1]
    kind = profile.removeprefix("Patient")
    client, server = PARTS[kind]
    expect = {
        "type": resource["type"]["code"] == "rest",
        "action": resource["action"] == ACTIONS[kind],
        "outcome": resource["outcome"] == "0",
        "a client with a network": [len(of_type(resource, "agent", client)), "network" in of_type(resource, "agent", client)[0]] == [1, True],
        "a server with a network": [len(of_type(resource, "agent", server)), "network" in of_type(resource, "agent", server)[0]] == [1, True],
        "at most one user": len([agent for agent in resource["agent"] if agent["requestor"] and "network" not in agent]) <= 1,
        "one object": len(of_type(resource, "entity", "2")) == 1,
        "patients": len(of_type(resource, "entity", "1")) == (1 if profile.startswith("Patient") else 0),
        "a transaction": len(of_type(resource, "entity", "XrequestId")) == 1,
    }
    if kind == "Query":
        query = of_type(resource, "entity", "2")[0]
        expect["a query without details"] = "query" in query and "detail" not in query and "what" not in query
    return [f"{resource['id']} as {profile}: {what}" for what, holds in expect.items() if not holds]


def main(journal, written):
    checks = Checks()
    told, written = events(journal), lines(written)
    resources = [json.loads(line) for line in written]
    checks.check("fhir.resources reads every AuditEvent", filter(None, map(refused, written)))
    expected = sum(max(1, patients(event)) for event in told.values())
    count = [] if len(resources) == expected else [f"{len(resources)} for {expected}"]
    checks.check(f"there is one for each event and patient: {len(resources)}", count)
    ids = {resource["id"] for resource in resources}
    checks.check("no two have the same id", [] if len(ids) == len(resources) else ["some have"])
    profiled = [resource for resource in resources if "meta" in resource]
    checks.check(f"each that names a profile of BALP has what it asks for: {len(profiled)}", (fault for one in profiled for fault in misfits(one)))
    kinds = {resource["meta"]["profile"][0].rsplit(".", 1)[1] for resource in profiled}
    checks.check("reads and queries are among them", [f"only {kinds}"] if not any("Read" in kind for kind in kinds) else [])
    overrides = [one["id"] for one in resources for code in one["subtype"] if code["code"] == "110113"]
    checks.check("a security alert is a type, never a subtype", overrides)
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
