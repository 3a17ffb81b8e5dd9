"""Sign-out at the provider, told to Leastway by the back channel (OpenID Connect Back-Channel Logout 1.0).

usage: flow_logout.py SENT_FILE
Adds to SENT_FILE the ids of the requests that the gateway was sent.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request

from browser import GATEWAY_PORT, NAVIGATION, Browser, Reply, tls
from checks import Checks
from people import person
from providers import OidcProvider, sign_in

PACS = f"https://pacs.localhost:{GATEWAY_PORT}"
LOGOUT = f"{PACS}/.leastway/back-channel-logout"

provider = OidcProvider()
issuer = f"https://localhost:{provider.port}"
metadata = json.load(urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", context=tls()))
checks = Checks()
browsers = [Browser(), Browser(), Browser()]


def leave(own: Browser) -> tuple[Reply, float]:
    """A person signs out on the provider's own page; what it shows, and how long it took."""
    page = own.open(metadata["end_session_endpoint"])
    form = next(form for form in page.page.forms if "xsrf" in form.fields)
    since = time.monotonic()
    left = own.submit(urllib.parse.urljoin(page.url, form.action), {**form.fields, "logout": "yes"})
    return left, time.monotonic() - since


def post(body: str, content_type: str = "application/x-www-form-urlencoded") -> Reply:
    return browsers[2].request("POST", LOGOUT, body.encode(), {"Content-Type": content_type})


def is_refused(reply: Reply) -> bool:
    is_told = reply.status == 400 and reply.reason == "logout-token-invalid"
    return is_told and reply.headers.get("Cache-Control") == "no-store"


checks.check("the provider offers it", metadata.get("backchannel_logout_supported") is True, metadata)
home, ward = browsers[:2]
for own in (home, ward):
    back = sign_in(provider, own, person("nurse"), f"{PACS}/system")
    checks.check("the nurse signs in at one more browser", back.status == 200 and "DicomAet" in back.text, back)
checks.check("and is signed in at both", [own.fetch(f"{PACS}/system").status for own in (home, ward)] == [200, 200])

left, took = leave(home)
gone = home.fetch(f"{PACS}/system")
checks.check(f"signed out at the provider, the next request here is signed out ({took * 1000:.0f} ms)", gone.status == 401 and gone.reason == "session-revoked", f"{gone} after {left}")
checks.check("the session of the other sign-in goes on", ward.fetch(f"{PACS}/system").status == 200)
leave(ward)
checks.check("until that is ended there, too", ward.fetch(f"{PACS}/system").status == 401)
back = sign_in(provider, home, person("nurse"), f"{PACS}/system")
checks.check("the nurse can sign in again", back.status == 200 and "DicomAet" in back.text, back)

checks.check("no token is refused", is_refused(post("")), post(""))
checks.check("what is no token is refused", is_refused(post("logout_token=a.b.c")), post("logout_token=a.b.c"))
unsigned = "logout_token=eyJhbGciOiJub25lIn0.e30."
checks.check("an unsigned token is refused", is_refused(post(unsigned)), post(unsigned))
checks.check("a token that is no form is refused", is_refused(post("{}", "application/json")), post("{}", "application/json"))
looked = browsers[2].request("GET", LOGOUT, headers=NAVIGATION)
checks.check("nothing is there to look at", looked.status == 404, looked)
checks.check("and the nurse is still signed in", home.fetch(f"{PACS}/system").status == 200)

ids = [request_id for own in browsers for request_id in own.request_ids]
sent = pathlib.Path(sys.argv[1])
sent.write_text(sent.read_text() + "\n".join(ids) + "\n")
checks.end()
