"""Applications and a provider in trouble: a page and a reason each, no loop, nothing unrecorded.

usage: flow_trouble.py before COOKIES_FILE | after COOKIES_FILE | applications SENT_FILE
`applications`: with the provider well. `before` signs the nurse in and keeps the cookie; `after` is
called when the provider has been stopped and Leastway was started again.
"""

from __future__ import annotations

import http.client
import pathlib
import sys
import time

from browser import GATEWAY_PORT, Browser
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in

checks = Checks()
provider = PROVIDERS["oidc-provider"]


def at(name: str, path: str = "/") -> str:
    return f"https://{name}.localhost:{GATEWAY_PORT}{path}"


def applications(sent_file: str) -> None:
    own, nurse = Browser(), person("nurse")
    cases = [
        ("gone", 502, "upstream-unreachable", "an application that is down"),
        ("slow", 504, "upstream-timeout", "an application that hangs"),
        ("garbled", 502, "upstream-malformed", "an application that does not speak HTTP"),
    ]
    for name, status, reason, sentence in cases:
        began = time.monotonic()
        page = sign_in(provider, own, nurse, at(name))
        took = time.monotonic() - began
        checks.check(f"{sentence}: {status}", page.status == status, page)
        checks.check(f"{sentence}: `{reason}`", page.reason == reason, page)
        is_page = "<h1" in page.text and 'lang="' in page.text
        checks.check(f"{sentence}: a page, in time", is_page and took < 10, f"{took:.1f} s {page}")
        program = own.fetch(at(name))
        is_problem = program.headers.get("Content-Type", "").startswith("application/problem+json")
        checks.check(f"{sentence}: a problem for a program", is_problem and program.reason == reason, program)
    # Its 200 is on its way before anybody can know.
    cut = ""
    try:
        whole = sign_in(provider, own, nurse, at("broken"))
        cut = "" if whole.status == 502 else f"came whole: {whole}"
    except (http.client.IncompleteRead, ConnectionError, OSError) as error:
        cut = "" if not isinstance(error, TimeoutError) else "hung"
        own.request_ids.append("")
    checks.check("a reply that the application breaks off is seen to be broken", not cut, cut)
    ids = [request_id for request_id in own.request_ids if request_id]
    pathlib.Path(sent_file).write_text("\n".join(ids) + "\n")


def before(cookies_file: str) -> None:
    own = Browser()
    page = sign_in(provider, own, person("nurse"), at("pacs", "/system"))
    checks.check("the nurse signs in while the provider is well", page.status == 200, page)
    pathlib.Path(cookies_file).write_text(own.cookie("__Host-leastway").value)


def after(cookies_file: str) -> None:
    own = Browser()
    page = own.open(at("pacs", "/system"))
    checks.check("without the provider nobody new gets in", page.is_ours and page.status in (502, 503), page)
    checks.check("and the page says why", page.reason == "provider-unavailable" and "<h1" in page.text, page)
    cookie = pathlib.Path(cookies_file).read_text()
    known = Browser().fetch(at("pacs", "/system"), Cookie=f"__Host-leastway={cookie}")
    checks.check("whoever is signed in goes on working", known.status == 200, known)


{"applications": applications, "before": before, "after": after}[sys.argv[1]](sys.argv[2])
checks.end()
