"""Sign-in, step-up, a step-up that comes back too weak, and sign-out, at a real provider.

usage: flow_provider.py oidc-provider|glewlwyd SENT_FILE
Writes to SENT_FILE the ids of the requests that the gateway was sent.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import urllib.parse
import urllib.request

from browser import GATEWAY_PORT, Browser
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in, step_up

PACS = f"https://pacs.localhost:{GATEWAY_PORT}"
COOKIE = "__Host-leastway"

provider = PROVIDERS[sys.argv[1]]
checks = Checks()
browsers: list[Browser] = []


def browser() -> Browser:
    browsers.append(Browser())
    return browsers[-1]


def problem(reply) -> dict:
    is_problem = reply.headers.get("Content-Type", "").startswith("application/problem+json")
    return json.loads(reply.text) if is_problem else {}


def a_program_is_told_to_sign_in() -> None:
    reply = browser().fetch(f"{PACS}/system")
    checks.check("a program without a session gets 401", reply.status == 401, reply)
    checks.check("with a challenge", bool(reply.headers.get("WWW-Authenticate")), reply.headers)
    found = problem(reply)
    checks.check("as a problem with its reason", found.get("reason") == "sign-in-required" == reply.reason, reply)
    checks.check("and with the id of the request", found.get("request_id") == reply.headers.get("X-Request-Id"), found)


def a_person_signs_in() -> Browser:
    nurse, own = person("nurse"), browser()
    page = own.open(f"{PACS}/system")
    checks.check("a person without a session is sent to the provider", provider.is_at(page), page)
    back = provider.password(own, page, nurse)
    checks.check("and comes back to the page that was asked for", back.status == 200 and "DicomAet" in back.text, back)
    cookie = own.cookie(COOKIE)
    checks.check("the session is one cookie", cookie is not None, list(own.cookies))
    if cookie:
        hidden = cookie.secure and cookie.has_nonstandard_attr("HttpOnly") and cookie.path == "/"
        checks.check("for this host only, unreadable for scripts, TLS only", hidden and not cookie.domain_specified, vars(cookie))
    callback = next((hop for hop in reversed(back.hops) if "/.leastway/callback" in hop), "")
    stranger = browser().request("GET", callback, headers={"Accept": "text/html"}) if callback else back
    refused = stranger.status in (400, 403) and stranger.reason == "sign-in-invalid"
    checks.check("a callback works once, and in its own browser only", bool(callback) and refused, stranger)
    again = own.request("GET", callback, headers={"Accept": "text/html"}) if callback else back
    harmless = again.status == 303 and again.headers.get("Location") == "/system" and not again.headers.get("Set-Cookie")
    checks.check("whoever is signed in and goes back is led to their page", bool(callback) and harmless, again)
    me = own.open(f"{PACS}/.leastway/me")
    checks.check("the person's own page names them", me.status == 200 and nurse.name in me.text, me)
    return own


def a_forged_answer_is_refused() -> None:
    own = browser()
    own.request("GET", f"{PACS}/system", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    forged = own.open(f"{PACS}/.leastway/callback?" + urllib.parse.urlencode({"code": "x", "state": "forged"}))
    refused = forged.status in (400, 403) and forged.reason == "sign-in-invalid"
    checks.check("an answer that nobody asked for is refused", refused, forged)
    checks.check("and makes no session", own.fetch(f"{PACS}/system").status == 401)


def somebody_without_a_role_sees_nothing() -> None:
    own = browser()
    page = sign_in(provider, own, person("stranger"), f"{PACS}/system")
    checks.check("whoever has no role is refused", page.status == 403 and page.reason == "no-rule-matched", page)


def a_rule_asks_for_more(patient: str) -> None:
    archivist, own = person("archivist"), browser()
    archive = f"{PACS}/patients/{patient}/archive"
    sign_in(provider, own, archivist, f"{PACS}/system")
    program = own.fetch(archive)
    checks.check("a program is told that a stronger sign-in is needed", program.status == 401, program)
    challenge = program.headers.get("WWW-Authenticate", "")
    checks.check("as RFC 9470 says", "insufficient_user_authentication" in challenge, challenge)
    back = step_up(provider, own, archivist, archive)
    is_archive = back.status == 200 and back.body.startswith(b"PK")
    checks.check("after the second factor the archive comes", is_archive, back)
    again = own.open(archive)
    checks.check("and again without being asked", again.status == 200 and again.body.startswith(b"PK"), again)
    others = own.open(f"{PACS}/changes")
    checks.check("a second factor is no permission", others.status == 403 and others.reason == "no-rule-matched", others)


def a_step_up_that_proves_too_little_ends_on_a_page() -> None:
    administrator, own = person("administrator"), browser()
    sign_in(provider, own, administrator, f"{PACS}/system")
    try:
        page = step_up(provider, own, administrator, f"{PACS}/changes")
    except RuntimeError as loop:
        checks.check("a provider that comes back too weak does not send anybody in circles", False, loop)
        return
    checks.check("a provider that comes back too weak leads to one page", page.is_ours and page.status == 403, page)
    checks.check("which says so", page.reason == "assurance-not-proven", page)
    checks.check("and the session goes on as it was", own.open(f"{PACS}/system").status == 200)


def signing_out_ends_it(own: Browser) -> None:
    cookie = own.cookie(COOKIE)
    foreign = own.request("POST", f"{PACS}/.leastway/sign-out", b"", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    checks.check("another site cannot sign anybody out", foreign.reason == "cross-site", foreign)
    checks.check("the session is still there", own.fetch(f"{PACS}/system").status == 200)
    page = own.submit(f"{PACS}/.leastway/sign-out", {})
    checks.check("signing out leads somewhere", page.status in (200, 303), page)
    old = browser().fetch(f"{PACS}/system", Cookie=f"{COOKIE}={cookie.value}" if cookie else "")
    ended = old.status == 401 and old.reason in ("session-revoked", "sign-in-required", "session-expired")
    checks.check("the cookie is worth nothing any more", cookie is not None and ended, old)


patient = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{os.environ['ORTHANC_PORT']}/patients").read())[0]
a_program_is_told_to_sign_in()
nurse = a_person_signs_in()
a_forged_answer_is_refused()
somebody_without_a_role_sees_nothing()
a_rule_asks_for_more(patient)
a_step_up_that_proves_too_little_ends_on_a_page()
signing_out_ends_it(nurse)
ids = [request_id for each in browsers for request_id in each.request_ids]
checks.check("every reply carries the id of its request", all(ids) and len(set(ids)) == len(ids), len(ids))
pathlib.Path(sys.argv[2]).write_text("\n".join(ids) + "\n")
checks.end()
