"""Sets a fresh Glewlwyd up over its API: second factor, scopes, OpenID plugin, client, people.

usage: setup.py BASE_URL CA_PEM CLIENT_SECRET REDIRECT_URI...
"""

import http.cookiejar
import json
import pathlib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

BASE, CA, CLIENT_SECRET, *REDIRECT_URIS = sys.argv[1:]
PEOPLE = json.loads((pathlib.Path(__file__).parent.parent / "client/people.json").read_text())
ADMINISTRATOR = {"username": "admin", "password": "password"}  # as Debian's package comes

opener = urllib.request.build_opener(
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CA)),
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
)


def api(method: str, path: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{BASE}/api/{path}", data, {"Content-Type": "application/json"}, method=method
    )
    try:
        text = opener.open(request, timeout=20).read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()[:600]}") from None
    return json.loads(text) if text.strip() else None


def openssl(*arguments: str, given: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=given, text=True, capture_output=True, check=True)
    return done.stdout


def fields_that_become_claims() -> None:
    module = api("GET", "mod/user/database")
    rights = {"read": True, "write": True, "profile-read": True, "profile-write": False}
    module["parameters"]["data-format"].update(
        {"groups": {"multiple": True, **rights}, "location": {"multiple": False, **rights}}
    )
    api("PUT", "mod/user/database", module)
    api("PUT", "mod/user/database/reset")


def second_factor() -> None:
    api(
        "POST",
        "mod/scheme/",
        {
            "module": "otp",
            "name": "totp",
            "display_name": "TOTP",
            "expiration": 300,
            "max_use": 0,
            "allow_user_register": True,
            "parameters": {
                "issuer": "clinic",
                "secret-minimum-size": 16,
                "otp-length": 6,
                "hotp-allow": False,
                "hotp-window": 0,
                "totp-allow": True,
                "totp-window": 30,
                "totp-start-offset": 0,
            },
        },
    )


def scopes() -> None:
    common = {"password_required": True, "password_max_age": 0}
    api("POST", "scope/", {"name": "clinic", "display_name": "Clinic", "description": "Clinic", "scheme": {}, **common})
    api(
        "POST",
        "scope/",
        {
            "name": "phi_export",
            "display_name": "Export",
            "description": "Export, with a second factor",
            "scheme": {"2": [{"scheme_type": "otp", "scheme_name": "totp"}]},
            "scheme_required": {"2": 1},
            **common,
        },
    )


def openid() -> None:
    key = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    claim = {"type": "string", "mandatory": True, "scope": []}
    parameters = {
        "iss": f"{BASE}/api/oidc",
        "oauth-as-iss-id": True,
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": key,
        "cert": openssl("pkey", "-pubout", given=key),
        "default-kid": "clinic-1",
        "jwks-show": True,
        "access-token-duration": 300,
        "refresh-token-duration": 28800,
        "code-duration": 60,
        "refresh-token-rolling": True,
        "refresh-token-one-use": "always",
        "allow-non-oidc": False,
        "auth-type-code-enabled": True,
        "auth-type-code-revoke-replayed": True,
        "auth-type-token-enabled": False,
        "auth-type-id-token-enabled": True,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": False,
        "auth-type-device-enabled": False,
        "auth-type-refresh-enabled": True,
        "auth-type-none-enabled": False,
        "auth-type-implicit-enabled": False,
        "subject-type": "public",
        "pkce-allowed": True,
        "pkce-method-plain-allowed": False,
        "pkce-required": True,
        "request-parameter-allow": True,
        "request-uri-allow-https-non-secure": False,
        "session-management-allowed": True,
        "back-channel-logout-allowed": False,
        "front-channel-logout-allowed": False,
        "session-cookie-name": "GLEWLWYD2_OIDC_SID",
        "session-cookie-expiration": 2419200,
        "client-pubkey-parameter": "pubkey",
        "client-jwks-parameter": "jwks",
        "client-jwks_uri-parameter": "jwks_uri",
        "client-authorization_details_types-parameter": "",
        "name-claim": "mandatory",
        "email-claim": "no",
        "scope-claim": "no",
        "claims": [{"name": name, "user-property": name, **claim} for name in ("groups", "location")],
        "scope": [],
        "additional-parameters": [],
    }
    api("POST", "mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "OpenID", "parameters": parameters})
    origin = REDIRECT_URIS[0].split("/.leastway")[0]
    api(
        "POST",
        "client/",
        {
            "client_id": "leastway",
            "name": "Leastway",
            "confidential": True,
            "enabled": True,
            "password": CLIENT_SECRET,
            "client_secret": CLIENT_SECRET,
            "scope": [],
            "redirect_uri": REDIRECT_URIS,
            "authorization_type": ["code"],
            "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"],
            "post_logout_redirect_uri": f"{origin}/",
        },
    )


def people() -> None:
    for username, person in PEOPLE.items():
        api(
            "POST",
            "user/",
            {
                "username": username,
                "password": person["password"],
                "name": person["name"],
                "email": f"{username}@clinic.test",
                "enabled": True,
                "scope": ["openid", "clinic", "phi_export", "g_profile"],
                "groups": person["groups"],
                "location": person["location"],
            },
        )
        # An administrator may not register a person's authenticator; the person may.
        api("POST", "auth", {"username": username, "password": person["password"]})
        device = {"type": "TOTP", "secret": person["totp"], "time_step_size": 30}
        scheme = {"username": username, "scheme_type": "otp", "scheme_name": "totp"}
        api("POST", "profile/scheme/register/", {**scheme, "value": device})
        api("PUT", "auth/grant/leastway/", {"scope": "openid clinic phi_export"})
        api("POST", "auth", ADMINISTRATOR)


api("POST", "auth", ADMINISTRATOR)
fields_that_become_claims()
second_factor()
scopes()
openid()
people()
