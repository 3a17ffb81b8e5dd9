"""What a transmitter signals about people who are signed in, while they work.

usage: flow_signals.py first|after-restart
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.request

from browser import AGENT, GATEWAY_PORT, Browser, Reply, tls
from checks import Checks
from people import person
from providers import OidcProvider, sign_in
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HOST = f"https://localhost:{GATEWAY_PORT}"
TRANSMITTER = f"https://localhost:{os.environ['SIGNALS_PORT']}/do"
CAEP = "https://schemas.openid.net/secevent/caep/event-type"
RISC = "https://schemas.openid.net/secevent/risc/event-type"
GIB = 1 << 30

provider = OidcProvider()
checks = Checks()
hand = Browser()


def do(what: str, **asked: object) -> dict:
    """Has the transmitter do something, and gives what it says of it."""
    body = json.dumps({"do": what, **asked}).encode()
    reply = hand.request("POST", TRANSMITTER, body, {"Content-Type": "application/json"})
    return json.loads(reply.text)


def about(name: str) -> dict:
    return {"format": "iss_sub", "iss": f"https://localhost:{provider.port}", "sub": name}


def code(pushed: dict) -> tuple[int, str]:
    return pushed["status"], json.loads(pushed["body"] or "{}").get("err", "")


def enter(own: Browser, name: str) -> Reply:
    return sign_in(provider, own, person(name), f"{HOST}/page")


def cookie(own: Browser) -> str:
    found = own.cookie("__Host-leastway")
    return f"{found.name}={found.value}" if found else ""


async def download(own: Browser, begun: asyncio.Event) -> tuple[int, float]:
    """Takes 1 GiB at some 40 MB/s until it is cut: how much came, and when the last byte did."""
    reader, writer = await asyncio.open_connection("127.0.0.1", GATEWAY_PORT, ssl=tls(), server_hostname="localhost")
    head = f"GET /download?bytes={GIB} HTTP/1.1\r\nHost: localhost:{GATEWAY_PORT}\r\nCookie: {cookie(own)}\r\nUser-Agent: {AGENT['User-Agent']}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    came, last = 0, 0.0
    try:
        while piece := await reader.read(65_536):
            came, last = came + len(piece), time.monotonic()
            if came > 4 * 65_536:
                begun.set()
            await asyncio.sleep(0.0015)
    except OSError:
        pass
    writer.close()
    return came, last


async def socket(own: Browser, begun: asyncio.Event) -> float:
    """Opens a WebSocket, has it answer once, and says when it is cut."""
    async with connect(f"wss://localhost:{GATEWAY_PORT}/echo", ssl=tls(), origin=HOST, additional_headers={"Cookie": cookie(own)}, user_agent_header=AGENT["User-Agent"]) as opened:
        await opened.send("still here?")
        checks.check("a WebSocket is open", await asyncio.wait_for(opened.recv(), 10) == "still here?")
        begun.set()
        try:
            await asyncio.wait_for(opened.recv(), 60)
        except ConnectionClosed:
            return time.monotonic()
    return float("inf")


async def while_working(own: Browser) -> None:
    """The session is revoked while a WebSocket and a download go on by it."""
    has_begun, is_open = asyncio.Event(), asyncio.Event()
    taking = asyncio.create_task(download(own, has_begun))
    talking = asyncio.create_task(socket(own, is_open))
    await asyncio.wait_for(asyncio.gather(has_begun.wait(), is_open.wait()), 30)
    happened = int(time.time()) - 2
    since = time.monotonic()
    pushed = await asyncio.to_thread(do, "push", event=f"{CAEP}/session-revoked", said={"event_timestamp": happened}, subject=about("nurse"))
    accepted = time.monotonic()
    (came, last), cut = await asyncio.wait_for(asyncio.gather(taking, talking), 60)
    checks.check(f"session-revoked is accepted ({pushed['ms']:.0f} ms)", code(pushed) == (202, "") and pushed["ms"] < 1000, pushed)
    checks.check(
        f"the download of 1 GiB is cut: its last byte {(last - accepted) * 1000:+.0f} ms from acceptance, {(last - since) * 1000:.0f} ms from the signal, {came / 1e6:.0f} MB in",
        came < GIB and last - accepted <= 1, came)
    checks.check(f"the WebSocket is cut {(cut - accepted) * 1000:+.0f} ms from acceptance", cut - accepted <= 1, cut)


def first() -> None:
    home, office = Browser(), Browser()
    back = enter(home, "nurse")
    checks.check("the nurse signs in", back.status == 200, back)
    back = enter(office, "archivist")
    checks.check("the archivist signs in, who may do nothing here", back.reason == "no-rule-matched", back)
    asyncio.run(while_working(home))
    gone = home.fetch(f"{HOST}/page")
    checks.check("the next request of the nurse is refused", gone.status == 401 and gone.reason == "session-revoked", gone)
    checks.check("the archivist is still signed in", office.fetch(f"{HOST}/page").reason == "no-rule-matched")
    again = do("push", again=True)
    checks.check("the same token once more is accepted", code(again) == (202, ""), again)
    back = home.open(f"{HOST}/page")
    checks.check("and the nurse, who is no leaver, may sign in again", back.status == 200, back)

    revoked, nurse = f"{CAEP}/session-revoked", about("nurse")
    refused = {
        "a stranger's signature": (do("push", event=revoked, subject=nurse, forged=True), "invalid_key"),
        "another audience": (do("push", event=revoked, subject=nurse, claims={"aud": "https://elsewhere.example"}), "invalid_audience"),
        "another issuer": (do("push", event=revoked, subject=nurse, claims={"iss": "https://evil.example"}), "invalid_issuer"),
        "another type": (do("push", event=revoked, subject=nurse, typ="JWT"), "invalid_request"),
        "another bearer token": (do("push", event=revoked, subject=nurse, token="not-the-token-of-the-real-runs"), "authentication_failed"),
    }
    for name, (pushed, expected) in refused.items():
        checks.check(f"{name} is refused with {expected}", code(pushed) == (400, expected), pushed)
    nobody = do("push", event=revoked, subject={"format": "phone_number", "phone_number": "+1 555 0100"})
    unknown = do("push", event="https://example.org/event", subject=nurse)
    checks.check("what names nobody, or says what nobody knows, is accepted", [code(nobody), code(unknown)] == [(202, "")] * 2, [nobody, unknown])
    checks.check("and the nurse is still signed in", home.fetch(f"{HOST}/page").status == 200)

    since = time.monotonic()
    kept = do("keep", event=f"{RISC}/account-disabled", subject=nurse)["id"]
    while home.fetch(f"{HOST}/page").status == 200 and time.monotonic() - since < 10:
        time.sleep(0.01)
    took = time.monotonic() - since
    checks.check(f"account-disabled, asked for by long polling, has the nurse out ({took * 1000:.0f} ms)", took < 1, took)
    while kept in (state := do("state"))["waiting"] and time.monotonic() - since < 10:
        time.sleep(0.02)
    checks.check("and is acknowledged once that is done", kept in [acknowledged["id"] for acknowledged in state["done"]], state)
    refused_page = home.open(f"{HOST}/page")
    checks.check("the nurse cannot sign in", refused_page.status == 403 and refused_page.reason == "account-disabled" and "help desk" in refused_page.text, refused_page)


def after_restart() -> None:
    home = Browser()
    back = enter(home, "nurse")
    checks.check("a restart forgets nobody who is barred", back.status == 403 and back.reason == "account-disabled", back)
    enabled = do("push", event=f"{RISC}/account-enabled", subject=about("nurse"))
    back = home.open(f"{HOST}/page")
    checks.check("enabled, the nurse signs in", code(enabled) == (202, "") and back.status == 200, [enabled, back])
    change = do("push", event=f"{CAEP}/credential-change", said={"change_type": "delete", "credential_type": "fido2-roaming"}, subject=about("nurse"))
    gone = home.fetch(f"{HOST}/page")
    checks.check("a deleted credential asks for a fresh sign-in", code(change) == (202, "") and gone.status == 401, [change, gone])
    raised = do("push", event=f"{CAEP}/assurance-level-change", said={"change_direction": "decrease", "namespace": "NIST-AAL", "current_level": "nist-aal1"}, subject=about("nurse"))
    paused = do("push", event="https://schemas.openid.net/secevent/ssf/event-type/stream-updated", said={"status": "paused"}, subject={"format": "opaque", "id": "stream-1"})
    verified = do("push", event="https://schemas.openid.net/secevent/ssf/event-type/verification", subject={"format": "opaque", "id": "stream-1"})
    checks.check("a lower assurance, a pause and a verification are taken", [code(raised), code(paused), code(verified)] == [(202, "")] * 3, [raised, paused, verified])
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['CONTROL_PORT']}/metrics", timeout=10) as reply:
        metrics = reply.read().decode()
    checks.check("the metrics show the pause", 'leastway_signals_enabled{provider="clinic"} 0' in metrics, [line for line in metrics.splitlines() if "signals" in line])


{"first": first, "after-restart": after_restart}[sys.argv[1]]()
checks.end()
