"""A day of the clinic: the four people of the demo and some whom nobody knows do whatever an event can tell of.

day.py CLINIC LEASTWAY
The clinic runs, furnished by furnish.py. Says of each chapter whether it went as it should.
"""

from __future__ import annotations

import json
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.parse

from browser import GATEWAY_PORT, TIMEOUT_SECONDS, Browser, Reply, tls
from checks import Checks
from people import Person

CLINIC, LEASTWAY = pathlib.Path(sys.argv[1]), sys.argv[2]
EHR, CONSOLE = f"https://ehr.localhost:{GATEWAY_PORT}", f"https://console.localhost:{GATEWAY_PORT}"
PROVIDER = "https://id.localhost:8444"
PASSWORDS = {"registrar": "front-desk-7", "nurse": "night-shift-4", "analyst": "good-numbers-9", "administrator": "quiet-queues-2"}
# Every seventh number is a patient's.
NUMBERS = list(range(100001, 100500, 7))
checks = Checks()


def leastway(*arguments: str) -> subprocess.CompletedProcess:
    file = () if arguments[0] == "demo" else ("--config", str(CLINIC / "leastway.toml"))
    return subprocess.run([LEASTWAY, *arguments, *file], capture_output=True, text=True, check=False)


def somebody(username: str) -> Person:
    secret = re.search(r"authenticator app: (\S+)", leastway("demo", "totp", username).stdout)[1]
    return Person(username, username, PASSWORDS[username], secret)


def at_provider(browser: Browser, page: Reply, action: str, fields: dict[str, str]) -> Reply:
    form = next(form for form in page.page.forms if form.action.startswith(action))
    return browser.submit(f"{PROVIDER}{form.action}", {**form.fields, **fields})


def sign_in(browser: Browser, username: str, url: str) -> Reply:
    page = browser.open(url)
    return at_provider(browser, page, "/sign-in", {"username": username, "password": PASSWORDS[username]})


def step_up(browser: Browser, username: str, url: str) -> Reply:
    page = browser.open(url)
    if not page.url.startswith(PROVIDER):
        page = browser.take_the_way(page, "/.leastway/step-up")
    for code in somebody(username).codes():
        back = at_provider(browser, page, "/second-factor", {"code": code})
        if back.status != 422:
            break
    return back


def form(page: Reply, path: str):
    found = next((form for form in page.page.forms if form.action.startswith(path)), None)
    if found is None:
        raise RuntimeError(f"no form for {path} on: {page}")
    return found


def justify(browser: Browser, url: str, **fields: str) -> Reply:
    page = browser.open(url)
    if not any(found.action.startswith("/.leastway/justify") for found in page.page.forms):
        page = browser.take_the_way(page, "/.leastway/justify")
    asked = form(page, "/.leastway/justify")
    code = re.search(r'<option value="([^"]+)"', page.text)
    given = {**asked.fields, **({"code": code[1]} if code else {}), **fields}
    return browser.submit(urllib.parse.urljoin(page.url, asked.action), given)


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER, PATCH = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:api:messages:2.0:PatchOp"
TOKEN = (CLINIC / "secrets/directory-token").read_text()


def directory(method: str, path: str, body: object = None) -> Reply:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
    return Browser().request(method, f"{EHR}/.leastway/scim/v2{path}", None if body is None else json.dumps(body).encode(), headers)


def reasons(*replies: Reply) -> list[str]:
    return [reply.reason for reply in replies]


# Nobody is signed in
nobody = Browser()
refused = [
    nobody.fetch(f"{EHR}/api/patients.json"),
    nobody.request("GET", f"{EHR}/patients/..%2f..%2fetc"),
    nobody.request("TRACE", f"{EHR}/"),
    nobody.request("GET", f"{EHR}/", headers={"X-Long": "x" * 70_000}),
    nobody.request("GET", f"{EHR}/.leastway/callback?code=x&state=y", headers={"Accept": "text/html"}),
    nobody.request("POST", f"{EHR}/.leastway/back-channel-logout", b"logout_token=x", {"Content-Type": "application/x-www-form-urlencoded"}),
    nobody.request("GET", f"{EHR}/.leastway/scim/v2/Users", headers={"Authorization": "Bearer not-the-token-of-the-clinic-at-all"}),
    nobody.request("POST", f"{EHR}/.leastway/ssf/events", b"x", {"Authorization": "Bearer not-the-token-of-the-clinic-at-all", "Content-Type": "application/secevent+jwt"}),
    nobody.request("POST", f"{EHR}/.leastway/sign-out", b"", {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}),
    nobody.fetch(f"{EHR}/fhir/Patient", Authorization="Bearer x.y.z"),
]
expected = [
    "sign-in-required", "path-rejected", "method-rejected", "header-too-large", "sign-in-invalid", "logout-token-invalid",
    "provisioning-refused", "signal-refused", "cross-site", "token-invalid",
]
# A directory and a transmitter are told in their own words, without our header.
found = [reason or "-" for reason in reasons(*refused)]
checks.check("who is not signed in is refused, each for a reason", all(one in (other, "-") for one, other in zip(found, expected)), found)


def bytes_of(data: bytes, host: str = "ehr.localhost", wait: float = TIMEOUT_SECONDS) -> bytes:
    """What comes back to bytes that are sent as they are."""
    with socket.create_connection(("127.0.0.1", GATEWAY_PORT), wait) as plain, tls().wrap_socket(plain, server_hostname=host) as stream:
        stream.sendall(data)
        try:
            return stream.recv(65_536)
        except (TimeoutError, OSError):
            return b""


checks.check("what is no HTTP is not taken", bytes_of(b"GET / HTTP/1.1\r\nHost: ehr.localhost\r\nHost: other\r\n\r\n").startswith(b"HTTP/1.1 400"))
checks.check("nor a host that is not here", b" 4" in bytes_of(b"GET / HTTP/1.1\r\nHost: unknown.localhost\r\n\r\n")[:14])
for path in ("/static/clinic.css", "/.leastway/leastway.css", "/.well-known/leastway/jwks.json", "/.leastway/me"):
    nobody.request("GET", f"{EHR}{path}")
page = nobody.open(f"{EHR}/")
back = nobody.submit(f"{PROVIDER}/cancel", form(page, "/sign-in").fields)
checks.check("whoever turns back at the provider is told so", back.reason == "sign-in-refused", back)

# The front desk
rosas = {"schemas": [USER, ENTERPRISE], "userName": "registrar", "active": True, ENTERPRISE: {"department": "Front desk"}}
checks.check("a directory tells in which department the registrar works", directory("POST", "/Users", rosas).status == 201)
rosa = Browser()
back = sign_in(rosa, "registrar", f"{EHR}/search?q=garcia")
if back.reason == "purpose-required" or "/.leastway/purpose" in back.text:
    asked = form(back, "/.leastway/purpose")
    back = rosa.submit(f"{EHR}{asked.action}", {**asked.fields, "purpose": "operations"})
checks.check("the registrar says for what she works, and searches", back.status == 200, back)
opened = [rosa.open(f"{EHR}/patients/{number}").status for number in NUMBERS[:40]]
checks.check("she opens forty patients", opened == [200] * 40, opened)
lists = [rosa.open(f"{EHR}/patients?page={number}").status for number in range(1, 11)]
checks.check("and ten pages of lists", lists == [200] * 10, lists)
for name in ("garcia", "smith", "li", "okafor", "keller") * 4:
    rosa.fetch(f"{EHR}/api/search.json?q={name}")
    rosa.open(f"{EHR}/search?q={name}")
denied = [rosa.open(f"{EHR}/patients/{number}/chart").reason for number in NUMBERS[:8]]
checks.check("but no chart", set(denied) == {"no-rule-matched"}, denied)
checks.check("nor what is not there", rosa.open(f"{EHR}/nowhere").reason == "route-not-found")
over = [
    rosa.submit(f"{EHR}/reports/patients", {"ward": "", "export": "csv"}),
    rosa.submit(f"{EHR}/reports/patients", {"ward": "", "export": "zip"}),
    rosa.submit(f"{EHR}/reports/patients", {"ward": "", "all": "1"}),
    rosa.open(f"{EHR}/reports/patients?export=odd"),
    rosa.request("POST", f"{EHR}/reports/patients", b"ward=%zz&&export=csv\xff", {"Content-Type": "application/x-www-form-urlencoded", "Origin": EHR, "Sec-Fetch-Site": "same-origin"}),
]
wanted = ["export-over-request-limit", "export-over-request-limit", "records-over-response-limit", "count-unknown", "body-unreadable"]
checks.check("too much, and what nobody can count or read, stays here", reasons(*over) == wanted, reasons(*over))
cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in rosa.cookies if "ehr" in cookie.domain)
large = f"POST /reports/patients HTTP/1.1\r\nHost: ehr.localhost:{GATEWAY_PORT}\r\nOrigin: {EHR}\r\nUser-Agent: Mozilla/5.0 (real run)\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1100000\r\n\r\n"
checks.check("nor a form that is too large", b" 413 " in bytes_of(large.encode())[:14])
late = large.replace("1100000", "900") + "ward=East&"
checks.check("or does not come", b" 408 " in bytes_of(late.encode())[:14])
closed = rosa.open(f"{EHR}/patients/100001/programme")
checks.check("what the law closes to operations is closed", closed.reason == "sud-records", closed)
scheduled = justify(rosa, f"{EHR}/schedule?format=csv", text="Reminders for tomorrow")
checks.check("the schedule, too, for which a reason is given", scheduled.status == 200, scheduled)
page = rosa.open(f"{EHR}/.leastway/purpose")
asked = form(page, "/.leastway/purpose")
rosa.submit(f"{EHR}{asked.action}", {**asked.fields, "purpose": "public_health"})
sent = rosa.open(f"{EHR}/api/patients.json?limit=20&to=registry")
if sent.status != 200:
    sent = justify(rosa, f"{EHR}/api/patients.json?limit=20&to=registry", text="Yearly report", recipient="County registry, 1 Main Street", number="ROI-7")
checks.check("for public health twenty records go to a registry", sent.status == 200, sent)
saved = [rosa.submit(f"{EHR}/reports/patients", {"ward": "East", "export": kind}).status for kind in ("csv", "xlsx")]
checks.check("a ward is saved", saved == [200] * 2, saved)
budget = [rosa.submit(f"{EHR}/reports/patients", {"ward": "East", "export": "csv"}).reason for _ in range(3)]
checks.check("until the day's exports are used up", budget[-1] == "export-over-window-budget", budget)
# The ward
noah = Browser()
sign_in(noah, "nurse", f"{EHR}/")
charts = [noah.open(f"{EHR}/patients/{number}/chart") for number in NUMBERS[:4] + [100002, 100003, 100004]]
own = [chart.status for chart in charts if chart.status == 200]
checks.check("the nurse opens the charts of those in his care, beyond the number that is usual", len(own) >= 4, reasons(*charts))
noted = noah.submit(f"{EHR}/patients/100001/notes", {"text": "Slept well."})
checks.check("and writes into one", noted.status == 200, noted)
noah.submit(f"{EHR}/patients/100029/notes", {"text": "Nobody of mine."})
for count in (50, 300, 400):
    noah.fetch(f"{EHR}/fhir/Patient?_count={count}")
joined = [noah.fetch(f"{EHR}/fhir/Patient?_include=Patient:organization"), noah.fetch(f"{EHR}/fhir/Observation"), noah.fetch(f"{EHR}/fhir/Patient/100001")]
checks.check("a search does not join other records", joined[0].reason == "join-not-allowed", reasons(*joined))
laws = [noah.open(f"{EHR}/patients/100001/{kind}").reason for kind in ("psychotherapy", "counselling")]
checks.check("and what is open to its originator alone is closed", laws == ["psychotherapy-notes", "sud-counseling-notes"], laws)
closed = noah.open(f"{EHR}/patients/100029/chart")
asked = form(closed, "/.leastway/break-glass")
noah.submit(f"{EHR}{asked.action}", {name: value for name, value in asked.fields.items() if name != "reason"})
asked = form(noah.open(f"{EHR}/patients/100029/chart"), "/.leastway/break-glass")
chart = noah.submit(f"{EHR}{asked.action}", {name: value for name, value in asked.fields.items() if name != "cancel"})
checks.check("in an emergency the chart of another opens", closed.reason == "break-glass-required" and chart.status == 200, chart)
noah.open(f"{EHR}/patients/100029/chart")
page = noah.open(f"{EHR}/.leastway/break-glass")
if any(found.action.startswith("/.leastway/break-glass/text") for found in page.page.forms):
    said = form(page, "/.leastway/break-glass/text")
    page = noah.submit(f"{EHR}{said.action}", {**said.fields, "text": "Crash in bay four"})
    page = noah.open(f"{EHR}/.leastway/break-glass")
ended = form(page, "/.leastway/break-glass/end")
noah.submit(f"{EHR}{ended.action}", ended.fields)
breaks = [json.loads(line) for line in leastway("break-glass", "list", "--json").stdout.splitlines()]
for state, finding in (("triaged", ()), ("closed", ("--finding", "justified", "--note", "on the rota"))):
    leastway("break-glass", "review", breaks[0]["id"], "--state", state, *finding, "--reviewer", "privacy-officer")
checks.check("and somebody reviews it", breaks, breaks)

# Quality
amara = Browser()
sign_in(amara, "analyst", f"{EHR}/")
saved = step_up(amara, "analyst", f"{EHR}/reports/patients?ward=East&export=csv")
checks.check("the analyst saves a ward after a second factor", saved.status == 200, saved)
fetched = [amara.fetch(f"{EHR}/fhir/Patient?_count=20"), amara.fetch(f"{EHR}/api/search.json?q=garcia"), amara.fetch(f"{EHR}/api/patients.json?limit=40")]
checks.check("and searches, without telephone numbers", [reply.status for reply in fetched] == [200] * 3, fetched)
ways = [amara.open(f"{EHR}/rounds/{way}").reason for way in ("shift", "place", "device", "team/100001", "department", "fault", "rule")]
wanted = ["outside-shift", "attribute-stale", "device-mismatch", "not-on-panel", "attribute-unavailable", "policy-error", "denied-by-rule"]
checks.check("a rule whose condition does not hold says which", ways == wanted, ways)
good = "limit=10&format=json&columns=ward&from=2026-01-01&to=2026-01-02&q=garcia&to_address=a@clinic.example&ids=1"
asked_for = {
    "page-size-rejected": ("limit=10&", ""),
    "format-not-allowed": ("format=json", "format=csv"),
    "columns-not-allowed": ("columns=ward", "columns=ssn"),
    "span-too-wide": ("to=2026-01-02", "to=2027-01-02"),
    "search-too-wide": ("q=garcia", "q=a"),
    "destination-not-allowed": ("a@clinic.example", "a@elsewhere.example"),
    "too-many-ids": ("ids=1", "ids=1,2,3,4"),
}
found = [amara.fetch(f"{EHR}/asked?{good.replace(*change)}").reason for change in asked_for.values()]
checks.check("what may not be asked for is refused", found == list(asked_for), found)
checks.check("so is a page that nobody was given", amara.fetch(f"{EHR}/pages/7").reason == "not-yours")
given = json.loads(amara.fetch(f"{EHR}/fhir/Patient?_count=3&pages=1").text)["entry"][0]["resource"]["id"]
checks.check("and one that was given passes", amara.fetch(f"{EHR}/pages/{given}").reason == "")
amara.open(f"{EHR}/reports/patients?ward=East&export=csv&look=1")
batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": f"Patient/{number}"}} for number in NUMBERS[:2]]}
amara.fetch(f"{EHR}/fhir", "POST", json.dumps(batch).encode(), **{"Content-Type": "application/fhir+json", "Sec-Fetch-Site": "same-origin", "Origin": EHR})

# Interfaces, and applications that are not well
ines = Browser()
sign_in(ines, "administrator", f"{CONSOLE}/")
ines.fetch(f"{CONSOLE}/live/socket", Connection="Upgrade", Upgrade="websocket", **{"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"})
page = ines.submit(f"{CONSOLE}/queues/laboratory/delete", {})
if not page.url.startswith(PROVIDER):
    ines.take_the_way(page, "/.leastway/step-up")
live = step_up(ines, "administrator", f"{CONSOLE}/live")
checks.check("the administrator sees the live log, with a second factor", live.status == 200, live)
cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ines.cookies if "console" in cookie.domain)
upgrade = (
    f"GET /live/socket HTTP/1.1\r\nHost: console.localhost:{GATEWAY_PORT}\r\nOrigin: {CONSOLE}\r\nUser-Agent: Mozilla/5.0 (real run)\r\n"
    f"Cookie: {cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
checks.check("her WebSocket opens", bytes_of(upgrade.encode(), "console.localhost").startswith(b"HTTP/1.1 101"))
for path in ("/queues", "/messages.csv", "/configuration.json"):
    ines.open(f"{CONSOLE}{path}")
ines.submit(f"{CONSOLE}/queues/laboratory/delete", {})
sick = {name: ines.fetch(f"{CONSOLE}/{name}/x").reason for name in ("gone", "slow", "garbled", "broken")}
checks.check("an application that is not well is told", sick == {"gone": "upstream-unreachable", "slow": "upstream-timeout", "garbled": "upstream-malformed", "broken": "upstream-aborted"}, sick)
ines.fetch(f"{CONSOLE}/observed/static/clinic.css")
leaving = f"GET /slow/x HTTP/1.1\r\nHost: console.localhost:{GATEWAY_PORT}\r\nUser-Agent: Mozilla/5.0 (real run)\r\nCookie: {cookie}\r\n\r\n"
bytes_of(leaving.encode(), "console.localhost", 0.3)

# The directory
leaver = Browser()
sign_in(leaver, "analyst", f"{EHR}/")
made = json.loads(directory("POST", "/Users", {"schemas": [USER], "userName": "analyst", "externalId": "4711", "active": True}).text)
group = json.loads(directory("POST", "/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "quality", "members": [{"value": made["id"]}]}).text)
directory("GET", "/Users")
directory("POST", "/Users", rosas)
nobody.request("POST", f"{EHR}/.leastway/ssf/events", b"x.y.z", {"Authorization": f"Bearer {(CLINIC / 'secrets/push-token').read_text()}", "Content-Type": "application/secevent+jwt"})
changes = [directory("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": active}]}).status for active in (False, True)]
directory("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Amara L."}]})
directory("PATCH", f"/Groups/{group['id']}", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": f"members[value eq \"{made['id']}\"]"}]})
directory("DELETE", f"/Groups/{group['id']}")
gone = directory("DELETE", f"/Users/{made['id']}").status
checks.check("a directory disables, enables and deletes an account", changes == [200, 200] and gone == 204, [changes, gone])
checks.check("whose person is out, and cannot come back", sign_in(Browser(), "analyst", f"{EHR}/").reason == "account-disabled" and leaver.fetch(f"{EHR}/").status == 401)

# Administration
one = Browser()
sign_in(one, "administrator", f"{CONSOLE}/")
sessions = [json.loads(line) for line in leastway("session", "list", "--json").stdout.splitlines()]
revoked = leastway("session", "revoke", "--session", sessions[0]["id"], "--reason", "the browser was left open")
checks.check("an administrator ends a session", revoked.returncode == 0, revoked.stderr)
gone = one.fetch(f"{CONSOLE}/queues")
checks.check("which is revoked from then on", gone.reason == "session-revoked", gone)
kept = one.submit(f"{CONSOLE}/queues/radiology/delete", {"sure": "yes"})
checks.check("what was posted under it is kept", kept.status == 401, kept)
one.open(f"{CONSOLE}/.leastway/held")
for _ in range(8):
    found = leastway("detections", "--json").stdout.splitlines()
    if found:
        break
    time.sleep(1)
checks.check("something was found that somebody should look at", found)
token = (CLINIC / "secrets/control-token").read_text().strip()


def control(method: str, path: str, body: object = None) -> int:
    data = [] if body is None else ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    asked = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, "-H", f"Authorization: Bearer {token}", *data]
    return int(subprocess.run([*asked, f"http://127.0.0.1:9443{path}"], capture_output=True, text=True, check=False).stdout)


control("GET", "/api/v1/events?limit=1")
control("GET", "/api/v1/reports/coverage")
item = json.loads(found[0])
number = item.get("id") or item["detection"]["id"]
said = [{"state": "seen"}, {"state": "closed", "finding": "fine", "note": "a round of calls"}]
reviewed = [control("POST", f"/api/v1/detections/{number}", body) for body in said]
checks.check("and somebody says what it was", reviewed == [200, 200], reviewed)
events = [json.loads(line) for line in leastway("audit", "query", "--json", "--limit", "1000").stdout.splitlines()]
under_seal = next(event["opening"]["event"] for event in events if "sealed" in event["opening"])
read = leastway("seal", "reveal", under_seal, "--purpose", "operations", "--why", "a question of the privacy office")
checks.check("what is under seal is read, for a reason", read.returncode == 0, read.stderr)
leastway("audit", "rotate-key")

# The rules change while the clinic is open
roles = CLINIC / "roles.toml"
roles.write_text(roles.read_text().replace("patients_opened_per_shift = 5\n", "patients_opened_per_shift = 6\n"))

# A quarter of an hour later: here a minute
time.sleep(62)
locked = noah.open(f"{EHR}/patients/100001")
checks.check("a session that nobody uses is locked", locked.reason == "session-locked", locked)
back = noah.take_the_way(locked, "/.leastway/sign-in")
if back.url.startswith(PROVIDER):
    back = at_provider(noah, back, "/sign-in", {"username": "nurse", "password": PASSWORDS["nurse"]})
checks.check("and its person goes on after a fresh sign-in", back.status == 200, back)
noah.submit(f"{EHR}/.leastway/sign-out", {})

# Too much at once
for _ in range(70):
    last = nobody.request("GET", f"{EHR}/.leastway/callback?code=x&state=y", headers={"Accept": "text/html"})
checks.check("whoever begins too many sign-ins is refused", last.reason == "too-many-requests", last)
checks.end()
