"""Shell In A Box behind Leastway: who may have a shell, and what keeps a session alive."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.parse

from browser import GATEWAY_PORT, Browser, Reply
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in

AT = f"https://localhost:{GATEWAY_PORT}"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
SIZE = {"width": "80", "height": "24"}

checks = Checks()
provider = PROVIDERS["oidc-provider"]


def send(own: Browser, fields: dict[str, str], target: str = "/?") -> Reply:
    body = urllib.parse.urlencode(fields).encode()
    return own.fetch(f"{AT}{target}", "POST", body, **{"Content-Type": FORM, "Origin": AT, "Sec-Fetch-Site": "same-origin"})


def seen(username: str) -> str:
    """When Leastway last saw a sign of this person."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["CONTROL_PORT"]), timeout=10)
    connection.request("GET", "/api/v1/sessions", headers={"Authorization": "Bearer control-token-of-the-real-runs"})
    found = json.loads(connection.getresponse().read())["sessions"]
    connection.close()
    return max(session["last_seen"] for session in found if session["sub"] == username)


administrator = Browser()
page = sign_in(provider, administrator, person("administrator"), f"{AT}/")
checks.check("the administrator opens the terminal", page.status == 200 and "ShellInABox.js" in page.text, page)
opened = send(administrator, {**SIZE, "rooturl": f"{AT}/"})
shell = json.loads(opened.text)["session"]
checks.check("and gets a shell", opened.status == 200 and len(shell) > 10, opened)

before = seen("administrator")
time.sleep(2)
prompt = send(administrator, {**SIZE, "session": shell})
checks.check("a poll shows its prompt", prompt.status == 200 and "$" in prompt.text, prompt)
checks.check("a poll is no sign of a person", seen("administrator") == before, seen("administrator"))
send(administrator, {**SIZE, "session": shell, "keys": "69640D"})
checks.check("typing is one", seen("administrator") > before, (before, seen("administrator")))
shown, began = "", time.monotonic()
while not re.search(r"uid=\d+\(nobody\)", shown) and time.monotonic() - began < 10:
    shown += send(administrator, {**SIZE, "session": shell}).text
checks.check("what was typed is answered", re.search(r"uid=\d+\(nobody\)", shown), shown)
began = time.monotonic()
hanging = send(administrator, {**SIZE, "session": shell, "keys": "736c6565702034".upper() + "0D"})
while "sleep" not in send(administrator, {**SIZE, "session": shell}).text and time.monotonic() - began < 10:
    pass
waited = send(administrator, {**SIZE, "session": shell})
took = time.monotonic() - began
checks.check("a poll hangs until there is something", waited.status == 200 and 3 < took < 30, (took, waited))

nurse = Browser()
page = sign_in(provider, nurse, person("nurse"), f"{AT}/")
checks.check("a nurse does not open it", page.status == 403 and page.reason == "no-rule-matched", page)
for sentence, fields in (("start a shell", {**SIZE, "rooturl": f"{AT}/"}), ("take over another's", {**SIZE, "session": shell}), ("type into another's", {**SIZE, "session": shell, "keys": "0D"})):
    refused = send(nurse, fields)
    checks.check(f"a nurse cannot {sentence}", refused.status == 403 and "session" not in refused.text, refused)
for target in ("/plain", "/plain?", "//", "/./", "/%2e/", "/?x", "/shell/", "/usercss-0.css/../"):
    refused = send(nurse, {**SIZE, "rooturl": f"{AT}/"}, target)
    checks.check(f"nor by {target}", 400 <= refused.status < 500 and refused.reason and '"session"' not in refused.text, refused)
nobody = send(Browser(), {**SIZE, "session": shell})
checks.check("who is not signed in gets nothing", nobody.status == 401 and '"data"' not in nobody.text, nobody)
checks.end()
