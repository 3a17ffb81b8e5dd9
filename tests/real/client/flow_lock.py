"""A session is locked after a minute: who unlocks it, and who does not.

usage: flow_lock.py CONFIGURATION
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.parse

from browser import AGENT, GATEWAY_PORT, NAVIGATION, Browser, Reply, tls
from checks import Checks
from people import person
from providers import OidcProvider, sign_in
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HOST = f"https://localhost:{GATEWAY_PORT}"
LOCK_SECONDS = 60

provider = OidcProvider()
checks = Checks()


def listed() -> list[list[str]]:
    """Who is signed in, as an operator sees it: the session, and whether it is locked."""
    command = [os.environ["LEASTWAY"], "session", "list", "--config", sys.argv[1]]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[:2] for line in lines[1:]]


def cookie(own: Browser) -> str:
    found = own.cookie("__Host-leastway")
    return f"{found.name}={found.value}" if found else ""


async def socket_until_cut(own: Browser, url: str) -> float:
    """Opens a WebSocket, has it answer once, and says for how long it goes on after the last page."""
    headers = {"Cookie": cookie(own)}
    async with connect(f"wss://localhost:{GATEWAY_PORT}/echo", ssl=tls(), origin=HOST, additional_headers=headers, user_agent_header=AGENT["User-Agent"]) as socket:
        await socket.send("still here?")
        checks.check("a WebSocket is open", await asyncio.wait_for(socket.recv(), 10) == "still here?")
        since = time.monotonic()
        own.open(url)
        try:
            await asyncio.wait_for(socket.recv(), LOCK_SECONDS + 30)
        except ConnectionClosed:
            return time.monotonic() - since
    return float("inf")


def eased(location: str) -> str:
    """The way to the provider without what asks for a fresh sign-in: it is in the hands of whoever stands there."""
    parts = urllib.parse.urlsplit(location)
    kept = [(name, value) for name, value in urllib.parse.parse_qsl(parts.query) if name not in ("prompt", "max_age")]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(kept)))


def ways(page: Reply) -> list[str]:
    return [urllib.parse.urljoin(page.url, link) for link in page.page.links if link.startswith("/.leastway/sign-in")]


own = Browser()
back = sign_in(provider, own, person("nurse"), f"{HOST}/page")
checks.check("the nurse signs in", back.status == 200, back)
(session, state), = listed()
checks.check("and is listed", state == "open", state)
lasted = asyncio.run(socket_until_cut(own, f"{HOST}/page?chart=7"))
checks.check(f"it is cut when the session is locked ({lasted:.1f} s after the last page)", LOCK_SECONDS - 1 <= lasted <= LOCK_SECONDS + 3, lasted)
checks.check("the session stands, locked", listed() == [[session, "locked"]], listed())

page = own.open(f"{HOST}/page?chart=7")
checks.check("a page under it is the page of the lock", page.status == 401 and page.reason == "session-locked" and "It is not me" in page.text, page)
checks.check("which does not say whose it is", person("nurse").username not in page.text and "Nguyen" not in page.text, page.text)
program = own.fetch(f"{HOST}/page")
is_problem = program.headers.get("Content-Type") == "application/problem+json"
checks.check("a program is told", program.status == 401 and program.reason == "session-locked" and is_problem, program)

leading = own.request("GET", ways(page)[0], headers=NAVIGATION)
asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(leading.headers["Location"]).query))
checks.check("a fresh sign-in is asked for", asked.get("prompt") == "login" and int(asked.get("max_age", -1)) >= 1, asked)
passed_by = own.follow(own.request("GET", eased(leading.headers["Location"]), headers=NAVIGATION))
checks.check("the provider's own session unlocks nothing", passed_by.status == 403 and passed_by.reason == "auth-too-old", passed_by)
checks.check("and it stays locked", listed() == [[session, "locked"]], listed())

at_provider = own.open(ways(page)[0])
checks.check("the provider asks for the password", provider.is_at(at_provider), at_provider)
before = cookie(own)
back = provider.password(own, at_provider, person("nurse"))
checks.check("the nurse is back where they were", back.status == 200 and back.url == f"{HOST}/page?chart=7", back)
checks.check("in the same session, under another cookie", listed() == [[session, "open"]] and cookie(own) != before, listed())

time.sleep(LOCK_SECONDS + 1)
page = own.open(f"{HOST}/page")
checks.check("it locks again", page.status == 401 and page.reason == "session-locked", page)
at_provider = own.open(ways(page)[1])
checks.check("whoever is not the nurse is asked who they are", provider.is_at(at_provider), at_provider)
back = provider.password(own, at_provider, person("archivist"))
# The provider signs the nurse out first, by a form that a browser sends by itself, and tells us by the back channel.
leaving = next((form for form in back.page.forms if "xsrf" in form.fields), None)
if leaving:
    back = own.submit(urllib.parse.urljoin(back.url, leaving.action), leaving.fields)
found = listed()
checks.check("another person starts clean", back.is_ours and len(found) == 1 and found[0][0] != session and found[0][1] == "open", f"{found} {back}")
me = own.open(f"{HOST}/.leastway/me")
checks.check("as themselves", me.status == 200 and "Hal Rivera" in me.text and "Nguyen" not in me.text, me)
checks.end()
