"""A FHIR server behind Leastway: work with charts goes on, and no way around the types is open.

usage: flow_fhir.py SENT_FILE
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import pathlib
import sys

from browser import GATEWAY_PORT, Browser, Reply
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in

FHIR_PORT = int(os.environ["FHIR_PORT"])
AT = f"https://localhost:{GATEWAY_PORT}"
BASE = "/fhir/R4"
JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
# Of 60 patients every fifth has it.
SENSITIVE = "Opioid use disorder"

checks = Checks()
provider = PROVIDERS["oidc-provider"]
browsers: list[Browser] = []


@dataclasses.dataclass
class Way:
    """One way in which the server gives more than the type that is asked for. `shows` is in its answer."""

    sentence: str
    method: str
    target: str
    shows: str
    body: object = None
    media_type: str = JSON

    def bytes(self) -> bytes | None:
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def batch(*targets: str, kind: str = "batch") -> dict:
    entries = [{"request": {"method": "GET", "url": target}} for target in targets]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


GRAPH = {"query": "{ ConditionList { id code { text } } }"}
WAYS = [
    Way("a batch that reads", "POST", "", SENSITIVE, batch("Condition?_count=100")),
    Way("a batch, with a slash at the end", "POST", "/", SENSITIVE, batch("Condition?_count=100")),
    Way("a batch of everything", "POST", "/", "Sampleby", batch("Patient?_count=100", "Condition?_count=100")),
    Way("a transaction that reads", "POST", "/", SENSITIVE, batch("Condition?_count=100", kind="transaction")),
    Way("GraphQL", "POST", "/$graphql", SENSITIVE, GRAPH, "application/json"),
    Way("another type that comes along", "GET", "/Patient?_revinclude=Condition:subject&_count=60", SENSITIVE),
    Way("the same, encoded", "GET", "/Patient?%5frevinclude=Condition:subject&_count=60", SENSITIVE),
    Way("the same, in the body of a search", "POST", "/Patient/_search", SENSITIVE, "_revinclude=Condition:subject&_count=60", FORM),
    Way("the patients of conditions", "GET", "/Condition?_include=Condition:subject&_count=60", "Sampleby"),
]

# What other servers have, and no route names: refused whether there is such a thing or not.
DOORS = [
    ("GET", "/Patient?_revinclude:iterate=Condition:subject"),
    ("GET", "/Patient/_history"),
    ("GET", "/_history"),
    ("POST", "/%24graphql"),
    ("GET", "/$graphql?query=%7BConditionList%7Bid%7D%7D"),
    ("POST", "/Patient/1/$graphql"),
    ("GET", "/Binary/1"),
    ("GET", "/$export"),
    ("POST", "/Patient/$export"),
    ("GET", "/Group/1/$export"),
    ("GET", "/Patient/1/$everything"),
    ("GET", "/?_getpages=1"),
    ("GET", "/_search?_type=Patient"),
    ("GET", "/AuditEvent"),
    ("GET", "/Patient/1/$other"),
    ("PATCH", "/Patient/1"),
    ("DELETE", "/Condition/1"),
]


def direct(way: Way) -> str:
    """What the server itself answers."""
    connection = http.client.HTTPConnection("127.0.0.1", FHIR_PORT, timeout=20)
    headers = {"Content-Type": way.media_type} if way.body is not None else {}
    connection.request(way.method, BASE + way.target, way.bytes(), headers)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def signed_in(username: str) -> Browser:
    own = Browser()
    browsers.append(own)
    page = sign_in(provider, own, person(username), f"{AT}{BASE}/Patient?_count=1")
    checks.check(f"the {username} signs in", page.status == 200 and '"Bundle"' in page.text, page)
    return own


def ask(own: Browser, method: str, target: str, body: object = None, media_type: str = JSON) -> Reply:
    way = Way("", method, target, "", body, media_type)
    headers = {"Content-Type": media_type, "Origin": AT, "Sec-Fetch-Site": "same-origin"} if body is not None else {}
    return own.fetch(f"{AT}{BASE}{target}", method, way.bytes(), **{**headers, "Accept": JSON})


def charts_work(nurse: Browser) -> None:
    listed = ask(nurse, "GET", "/Patient?_count=40")
    bare = json.loads(direct(Way("", "GET", "/Patient?_count=40", "")))
    checks.check("patients are found, as the server sent them", json.loads(listed.text)["entry"] == bare["entry"], listed)
    patient = bare["entry"][0]["resource"]["id"]
    opened = ask(nurse, "GET", f"/Patient/{patient}")
    checks.check("a patient is opened", opened.status == 200 and json.loads(opened.text)["id"] == patient, opened)
    posted = ask(nurse, "POST", "/Patient/_search", "name=Sampleby&_count=5", FORM)
    checks.check("a search in a body finds them too", posted.status == 200 and posted.text.count("Sampleby") == 5, posted)
    chart = ask(nurse, "GET", f"/Observation?subject=Patient/{patient}")
    checks.check("an observation is found by its patient", chart.status == 200 and len(json.loads(chart.text)["entry"]) == 1, chart)
    note = {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}, "subject": {"reference": f"Patient/{patient}"}}
    created = ask(nurse, "POST", "/Observation", note)
    checks.check("an observation is written", created.status == 201, created)
    written = json.loads(created.text)
    changed = ask(nurse, "PUT", f"/Observation/{written['id']}", {**written, "status": "amended"})
    checks.check("and amended", changed.status == 200 and json.loads(changed.text)["status"] == "amended", changed)
    history = ask(nurse, "GET", f"/Observation/{written['id']}/_history")
    checks.check("its history has both", history.status == 200 and len(json.loads(history.text)["entry"]) == 2, history)
    none = ask(nurse, "GET", "/Patient/00000000-0000-4000-8000-000000000000")
    checks.check("who is not there is an OperationOutcome of the server's", none.status == 404 and not none.reason, none)


def no_way_around_the_types(nurse: Browser) -> None:
    for way in WAYS:
        itself = direct(way)
        checks.check(f"the server itself answers: {way.sentence}", way.shows in itself, itself)
        reply = ask(nurse, way.method, way.target, way.body, way.media_type)
        refused = 400 <= reply.status < 500 and reply.reason and way.shows not in reply.text
        checks.check(f"Leastway lets none out: {way.sentence}", refused, reply)
        checks.check(f"and says so as FHIR does: {way.sentence}", "OperationOutcome" in reply.text, reply)
    for method, target in DOORS:
        reply = ask(nurse, method, target, {} if method in ("POST", "PATCH") else None)
        checks.check(f"{method} {target} is refused", 400 <= reply.status < 500 and reply.reason, reply)


def numbers_are_kept(biller: Browser) -> None:
    few = ask(biller, "GET", "/Patient?_count=30")
    checks.check("a search within the role's number passes", few.status == 200 and len(json.loads(few.text)["entry"]) == 30, few)
    many = ask(biller, "GET", "/Patient?_count=31")
    checks.check("one beyond it is withheld", many.reason == "records-over-response-limit" and "birthDate" not in many.text, many)
    posted = ask(biller, "POST", "/Patient/_search", "_count=31", FORM)
    checks.check("and so is one in a body", posted.reason == "records-over-response-limit", posted)
    chart = ask(biller, "GET", "/Condition")
    checks.check("charts are not the biller's", chart.status == 403 and chart.reason == "no-rule-matched", chart)


nurse = signed_in("nurse")
charts_work(nurse)
no_way_around_the_types(nurse)
numbers_are_kept(signed_in("biller"))
ids = [request_id for each in browsers for request_id in each.request_ids]
checks.check("every reply carries the id of its request", all(ids) and len(set(ids)) == len(ids), len(ids))
pathlib.Path(sys.argv[1]).write_text("\n".join(ids) + "\n")
checks.end()
