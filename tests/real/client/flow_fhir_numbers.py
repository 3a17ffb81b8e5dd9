"""A FHIR server behind Leastway: searches, batches, GraphQL and pages stop where the role's numbers do.

usage: flow_fhir_numbers.py SENT_FILE
"""

from __future__ import annotations

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
FHIR, JSON = "application/fhir+json", "application/json"
TOO_MANY = "records-over-response-limit"

checks = Checks()


def direct(method: str, target: str, body: bytes | None, media_type: str) -> dict:
    """What the server itself answers."""
    connection = http.client.HTTPConnection("127.0.0.1", FHIR_PORT, timeout=20)
    connection.request(method, BASE + target, body, {"Content-Type": media_type} if body else {})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def ask(own: Browser, method: str, target: str, body: object = None, media_type: str = FHIR) -> Reply:
    sent = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": media_type, "Origin": AT, "Sec-Fetch-Site": "same-origin"} if body is not None else {}
    return own.fetch(f"{AT}{BASE}{target}", method, sent, **{**headers, "Accept": FHIR})


def comes_whole(sentence: str, own: Browser, method: str, target: str, body: object = None, media_type: str = FHIR) -> None:
    reply = ask(own, method, target, body, media_type)
    itself = direct(method, target, None if body is None else json.dumps(body).encode(), media_type)
    checks.check(sentence, reply.status == 200 and unlinked(json.loads(reply.text)) == unlinked(itself), reply)


def unlinked(answer: dict) -> dict:
    """The links of a page lead to Leastway."""
    return {name: value for name, value in answer.items() if name != "link"}


def stops(sentence: str, reply: Reply, reason: str = TOO_MANY) -> None:
    checks.check(sentence, reply.reason == reason and "birthDate" not in reply.text and '"LW' not in reply.text, reply)


def batch(*targets: str) -> dict:
    entries = [{"request": {"method": "GET", "url": target}} for target in targets]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def graph(query: str) -> dict:
    return {"query": query}


EDGES = "edges { resource { id birthDate } }"


def connection(field: str, edges: str = "edges") -> dict:
    return graph(f"{{ {field} {{ {EDGES.replace('edges', edges, 1)} }} }}")


def batches(own: Browser) -> None:
    comes_whole("a batch of 30 in two searches comes whole", own, "POST", "", batch("Patient?_count=20", "Patient?_count=10&_offset=20"))
    stops("one of 31 is withheld", ask(own, "POST", "", batch("Patient?_count=20", "Patient?_count=11&_offset=20")))
    stops("and so are ten small ones", ask(own, "POST", "", batch(*[f"Patient?_count=4&_offset={4 * page}" for page in range(10)])))
    chart = ask(own, "POST", "", batch("Patient?_count=1", "Condition?_count=1"))
    checks.check("a chart among them is not the reporter's", chart.status == 403 and chart.reason == "no-rule-matched", chart)


def graphql(own: Browser) -> None:
    comes_whole("GraphQL of 30 comes whole", own, "POST", "/$graphql", graph("{ PatientList(_count: 30) { id birthDate } }"), JSON)
    stops("of 31 it is withheld", ask(own, "POST", "/$graphql", graph("{ PatientList(_count: 31) { id birthDate } }"), JSON))
    twice = "{ a: PatientList(_count: 20) { id birthDate } b: PatientList(_count: 20, _offset: 20) { id birthDate } }"
    stops("and so are 40 under two names", ask(own, "POST", "/$graphql", graph(twice), JSON))
    comes_whole("a connection of 30 comes whole", own, "POST", "/$graphql", connection("PatientConnection(_count: 30)"), JSON)
    stops("one of 31 is withheld", ask(own, "POST", "/$graphql", connection("PatientConnection(_count: 31)"), JSON))
    stops("under other names too", ask(own, "POST", "/$graphql", connection("p: PatientConnection(_count: 31)", "e: edges"), JSON))
    one, other = "PatientConnection(_count: 20)", "o: PatientConnection(_count: 20, _offset: 20)"
    both = graph(f"{{ {one} {{ {EDGES} }} {other} {{ {EDGES} }} }}")
    stops("and so are two of 20", ask(own, "POST", "/$graphql", both, JSON))
    chart = ask(own, "POST", "/$graphql", graph("{ ConditionList { id } }"), JSON)
    checks.check("what no route names is not there", chart.status == 404 and chart.reason == "route-not-found", chart)


def formats(own: Browser) -> None:
    comes_whole("a search of 30 comes whole", own, "GET", "/Patient?_count=30")
    stops("of 31 it is withheld", ask(own, "GET", "/Patient?_count=31"))


def pages(own: Browser) -> None:
    seen: set[str] = set()
    target = f"{AT}{BASE}/Patient?_count=10"
    for page in range(1, 6):
        reply = own.fetch(target, "GET", None, Accept=FHIR)
        bundle = json.loads(reply.text)
        seen |= {entry["resource"]["id"] for entry in bundle.get("entry", [])}
        checks.check(f"page {page} of ten is shown, and leads on through Leastway", len(seen) == 10 * page and bundle["link"][0]["url"].startswith(AT), reply)
        target = bundle["link"][0]["url"]
    stops("the sixth is withheld: 50 in an hour", own.fetch(target, "GET", None, Accept=FHIR), "export-over-window-budget")
    again = ask(own, "GET", "/Patient?_count=10&_offset=40")
    checks.check("whoever was named may be named again", again.status == 200, again)
    stops("by a batch nobody new is named either", ask(own, "POST", "", batch("Patient?_count=1&_offset=50")), "export-over-window-budget")
    others = "{ PatientList(_count: 1, _offset: 50) { id birthDate } }"
    stops("nor by GraphQL", ask(own, "POST", "/$graphql", graph(others), JSON), "export-over-window-budget")


reporter = Browser()
page = sign_in(PROVIDERS["oidc-provider"], reporter, person("reporter"), f"{AT}{BASE}/Patient?_count=1")
checks.check("the reporter signs in", page.status == 200 and '"Bundle"' in page.text, page)
formats(reporter)
batches(reporter)
graphql(reporter)
pages(reporter)
pathlib.Path(sys.argv[1]).write_text("\n".join(reporter.request_ids) + "\n")
checks.end()
