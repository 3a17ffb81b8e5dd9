"""What the runs rely on at a provider, asked without Leastway: a relying party of its own.

usage: provider_ground.py oidc-provider|glewlwyd
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
import urllib.error
import urllib.parse
import urllib.request

from browser import NAVIGATION, Browser, Reply, tls
from checks import Checks
from people import person
from providers import PROVIDERS

CALLBACK = f"https://pacs.localhost:{os.environ['GATEWAY_PORT']}/.leastway/callback"
CLIENT, SECRET = "leastway", "leastway-secret-of-the-real-runs"
MFA = "urn:clinic:acr:mfa"

provider = PROVIDERS[sys.argv[1]]
issuer = f"https://localhost:{provider.port}" + ("/api/oidc" if provider.name == "glewlwyd" else "")
metadata = json.load(urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", context=tls()))
checks = Checks()


class RelyingParty(Browser):
    """Stops where the provider sends the person back: nobody listens there."""

    def request(self, method, url, body=None, headers=None):
        if url.startswith(CALLBACK):
            return Reply(url, 204, None, b"", [])
        return super().request(method, url, body, headers)

    def ask(self, scope: str, **more: str) -> Reply:
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": CLIENT,
            "response_type": "code",
            "scope": scope,
            "redirect_uri": CALLBACK,
            "state": secrets.token_hex(8),
            "nonce": secrets.token_hex(8),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        }
        return self.open(metadata["authorization_endpoint"] + "?" + urllib.parse.urlencode(query))

    def tokens(self, back: Reply) -> tuple[dict, dict]:
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back.url).query)).get("code", "")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": self.verifier}
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        reply = self.request("POST", metadata["token_endpoint"], urllib.parse.urlencode(form).encode(), headers)
        tokens = json.loads(reply.text or "{}")
        part = tokens.get("id_token", "..").split(".")[1]
        return tokens, json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) or "{}")


def ground(scope: str, stepped_scope: str, ask: dict[str, str]) -> tuple[dict, dict, dict]:
    """Signs in by password, then steps up; gives the claims of both and the last token reply."""
    nurse, browser = person("nurse"), RelyingParty()
    page = browser.ask(scope)
    checks.check("a person without a session is shown a sign-in page", provider.is_at(page), page)
    _, first = browser.tokens(provider.password(browser, page, nurse))
    page = browser.ask(stepped_scope, **ask)
    checks.check("a step-up asks for a code", provider.asks_for_code(page), page)
    tokens, second = browser.tokens(provider.code(browser, page, nurse))
    return first, second, tokens


if provider.name == "oidc-provider":
    first, second, _ = ground("openid profile clinic", "openid profile clinic", {"acr_values": MFA})
    checks.check("a password is told by acr and amr", first.get("amr") == ["pwd"] and first.get("acr") != MFA, first)
    checks.check("a second factor is told by acr", second.get("acr") == MFA and "otp" in second.get("amr", []), second)
else:
    first, second, tokens = ground("openid clinic", "openid clinic phi_export", {})
    checks.check("no acr is ever sent", "acr" not in first and "acr" not in second, second)
    checks.check("a second factor is told by amr", "otp" in second.get("amr", []), second)
    checks.check("the scope that needed it is granted", "phi_export" in tokens.get("scope", ""), tokens.get("scope"))
checks.check("groups are in the ID token", "clinical" in first.get("groups", []), first)
checks.end()
