"""Programs with access tokens of oidc-provider: signed ones (RFC 9068), and ones that it is asked about (RFC 7662).

usage: flow_programs.py SENT_FILE
Adds to SENT_FILE the ids of the requests that the gateway was sent.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from browser import GATEWAY_PORT, Browser, Reply, tls
from checks import Checks
from people import person
from providers import OidcProvider, sign_in

PACS = f"https://pacs.localhost:{GATEWAY_PORT}"
RESOURCE = "urn:clinic:pacs"
RECHECK_SECONDS = 5
SKEW_SECONDS = 2

issuer = f"https://localhost:{OidcProvider().port}"
metadata = json.load(urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", context=tls()))
checks = Checks()
program = Browser()


def at_provider(endpoint: str, client: str, **fields: str) -> dict[str, object]:
    """Asks an endpoint of the provider as one of its clients."""
    basic = base64.b64encode(f"{client}:secret-of-{client}".encode()).decode()
    request = urllib.request.Request(metadata[endpoint], urllib.parse.urlencode(fields).encode(), {"Authorization": f"Basic {basic}"})
    text = urllib.request.urlopen(request, context=tls()).read()
    return json.loads(text) if text else {}


def token(client: str, resource: str = "") -> str:
    asked = {"resource": resource, "scope": "images"} if resource else {}
    return str(at_provider("token_endpoint", client, grant_type="client_credentials", **asked)["access_token"])


def ask(brought: str, path: str = "/system", **headers: str) -> Reply:
    return program.fetch(f"{PACS}{path}", Authorization=f"Bearer {brought}", **headers)


def is_refused(reply: Reply, reason: str = "token-invalid", status: int = 401) -> bool:
    says = reply.headers.get("WWW-Authenticate", "")
    is_told = status != 401 or says == 'Bearer realm="leastway", error="invalid_token"'
    return reply.status == status and reply.reason == reason and is_told and reply.headers.get_content_type() == "application/problem+json"


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def leastway(*words: str) -> subprocess.CompletedProcess[str]:
    command = [os.environ["LEASTWAY"], *words, "--config", f"{os.environ['DIR']}/gateway/leastway.toml"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# A signed token.
signed = token("billing-export", RESOURCE)
seen = ask(signed)
checks.check("a program with a signed token passes", seen.status == 200 and "DicomAet" in seen.text, seen)
checks.check("and again, by its digest", ask(signed).status == 200)
counted = ask(signed, "/patients")
checks.check("what it takes is counted as a person's is: 3 records where its role has 2", is_refused(counted, "records-over-response-limit", 403), counted)
checks.check("off its routes it is refused", is_refused(ask(signed, "/statistics"), "client-out-of-bounds", 403))
header, claims, signature = signed.split(".")
unsigned = f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{claims}."
checks.check("the same token unsigned is refused", is_refused(ask(unsigned)))
changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
changed["exp"] += 3600
checks.check("with other claims it is refused", is_refused(ask(f"{header}.{encoded(changed)}.{signature}")))
checks.check("a token for another resource is refused", is_refused(ask(token("billing-export", "urn:clinic:ris"))))
stranger = ask(token("stranger", RESOURCE))
checks.check("a program that nobody declared is refused", is_refused(stranger, "client-unknown"), stranger)
short, late = (token("billing-export", f"{RESOURCE}:short") for _ in range(2))
passed = ask(short)
time.sleep(1 + SKEW_SECONDS + 1)
expired = ask(short)
checks.check("a token passes until it has expired", passed.status == 200 and is_refused(expired), f"{passed}, {expired}")
checks.check("and is refused if it comes for the first time then", is_refused(ask(late)))
night = ask(token("night-job", RESOURCE))
checks.check("a program from another network than its own is refused", is_refused(night, "client-out-of-bounds", 403), night)

# A person's token, and a person's cookie beside a program's token.
nurse = Browser()
back = sign_in(OidcProvider(), nurse, person("nurse"), f"{PACS}/system")
checks.check("the nurse signs in as ever", back.status == 200, back)
both = nurse.fetch(f"{PACS}/system", Authorization=f"Bearer {signed}")
checks.check("a session cookie beside a token is refused", is_refused(both, "token-invalid", 400), both)
checks.check("and ends nothing", nurse.fetch(f"{PACS}/system").status == 200)

# A token that says nothing itself.
opaque = token("lab-import")
seen = ask(opaque)
checks.check("a program with a token that says nothing itself passes", seen.status == 200 and "." not in opaque, seen)
checks.check("a made-up one is refused", is_refused(ask("A" * 43)))
time.sleep(RECHECK_SECONDS + 0.5)
checks.check("when the provider is asked again, it passes on", ask(opaque).status == 200)
at_provider("revocation_endpoint", "lab-import", token=opaque)
since = time.monotonic()
while (last := ask(opaque)).status == 200 and time.monotonic() - since < 3 * RECHECK_SECONDS:
    time.sleep(0.2)
took = time.monotonic() - since
checks.check(f"taken back at the provider, it is out {took:.1f} s later", is_refused(last) and took < RECHECK_SECONDS + 1, last)

# A token that is bound to a key.
holder = f"{os.environ['REAL']}/oidc-provider/holder.mjs"
said = subprocess.run(["node", holder], capture_output=True, text=True, check=False, env={**os.environ, "RESOURCE": RESOURCE})
bound = json.loads(said.stdout or "{}")
came = {name: (reply["status"], reply["reason"]) for name, reply in bound.get("came", {}).items()}
refused = (401, "token-invalid")
expected = {"proven": (200, ""), "again": refused, "bearer": refused, "elsewhere": refused, "anew": (200, "")}
checks.check("a token that is bound to a key passes with a proof of it alone, and each proof once", bound.get("type") == "DPoP" and came == expected, f"{came} {said.stderr}")

# An administrator.
listed = leastway("session", "list", "--person", "billing-export")
checks.check("programs are listed", "billing-export" in listed.stdout, listed)
unseen = token("billing-export", RESOURCE)
left = leastway("session", "revoke", "--person", "billing-export", "--reason", "its secret has leaked")
since = time.monotonic()
gone = ask(signed)
checks.check(f"ended by an administrator, it is out with the next request ({(time.monotonic() - since) * 1000:.0f} ms)", left.returncode == 0 and is_refused(gone, "session-revoked"), f"{left} {gone}")
checks.check("so is a token that was issued before and had not come", is_refused(ask(unseen), "session-revoked"))
time.sleep(SKEW_SECONDS + 1)
checks.check("a token that the provider gives it afterwards passes: it is to be barred there", ask(token("billing-export", RESOURCE)).status == 200)

metrics = urllib.request.urlopen(f"http://127.0.0.1:{os.environ['CONTROL_PORT']}/metrics").read().decode()
flagged = [line for line in metrics.splitlines() if line.startswith("leastway_client_requests_total{client=\"night\"")]
checks.check("the one from elsewhere is in the metrics by its name", any('reason="client-out-of-bounds"' in line for line in flagged), flagged)
places = [path for path in pathlib.Path(os.environ["DIR"], "gateway", "data").rglob("*") if path.is_file()]
places.append(pathlib.Path(os.environ["DIR"], "log", "gateway.log"))
secrets = [signed.split(".")[2], unseen.split(".")[2], short.split(".")[2], opaque]
found = [path for path in places for secret in secrets if secret.encode() in path.read_bytes()]
checks.check(f"no token stands in any of {len(places)} files of journal, store and log", len(places) > 2 and not found, found)

ids = [request_id for own in (program, nurse) for request_id in own.request_ids]
ids += [reply["id"] for reply in bound.get("came", {}).values()]
sent = pathlib.Path(sys.argv[1])
sent.write_text(sent.read_text() + "\n".join(ids) + "\n")
checks.end()
