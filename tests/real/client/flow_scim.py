"""People who sign in, and a directory that says who may: disabled, enabled, put into groups, deleted, while they work.

usage: flow_scim.py SENT_FILE
Writes the ids of the requests that people sent to SENT_FILE.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time

from browser import GATEWAY_PORT, NAVIGATION, Browser, Reply
from checks import Checks
from people import person
from providers import OidcProvider, sign_in

PACS = f"https://pacs.localhost:{GATEWAY_PORT}"
SCIM = f"{PACS}/.leastway/scim/v2"
TOKEN = pathlib.Path(os.environ["DIR"], "gateway/secrets/directory-token").read_text().strip()
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

provider = OidcProvider()
checks = Checks()
home, ward, office, directory = Browser(), Browser(), Browser(), Browser()


def ask(method: str, path: str, body: object = None, token: str = TOKEN) -> Reply:
    """The provider asks the service, as a program does that has no cookies."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    return directory.request(method, f"{SCIM}{path}", None if body is None else json.dumps(body).encode(), headers)


def patch(path: str, *operations: dict) -> tuple[Reply, float]:
    """What it changes, and how long that took."""
    since = time.monotonic()
    done = ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
    return done, time.monotonic() - since


def system(own: Browser) -> Reply:
    return own.fetch(f"{PACS}/system")


def is_in(back: Reply) -> bool:
    return back.status == 200 and "DicomAet" in back.text


stranger = ask("GET", "/Users", token="not-the-token-of-the-real-runs-of-leastway")
told = stranger.headers.get("Content-Type") == "application/scim+json" and "WWW-Authenticate" in stranger.headers
checks.check("whoever brings another token is refused", stranger.status == 401 and told, stranger)
checks.check("and who has a session, but no token, too", directory.request("GET", f"{SCIM}/Users").status == 401)

before = sign_in(provider, home, person("nurse"), f"{PACS}/system")
checks.check("the nurse signs in, unknown to the directory, and has none of its groups", before.status == 403 and before.reason == "no-rule-matched", before)

nurse = ask("POST", "/Users", {
    "schemas": [USER], "userName": "Nurse", "externalId": "4711", "active": True, "displayName": "Nora Nguyen",
    "name": {"givenName": "Nora", "familyName": "Nguyen"}, "emails": [{"value": "nora@clinic.example", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}], "password": "not-kept",
})
user = json.loads(nurse.text)
checks.check("her account is made, and her telephone and password are not kept", nurse.status == 201 and not {"phoneNumbers", "password"} & user.keys(), nurse)
group = ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "clinical", "members": [{"value": user["id"]}]})
checks.check("a group is made, with her in it", group.status == 201, group)
group_id = json.loads(group.text)["id"]
checks.check("and her next request passes, without a new sign-in", is_in(system(home)), system(home))
back = sign_in(provider, ward, person("nurse"), f"{PACS}/system")
checks.check("she signs in at one more browser", is_in(back), back)

done, _ = patch(f"/Groups/{group_id}", {"op": "Remove", "path": f"members[value eq \"{user['id']}\"]"})
checks.check("put out of the group, her next request is denied by the rules", done.status == 204 and system(home).reason == "no-rule-matched", f"{done} {system(home)}")
done, _ = patch(f"/Groups/{group_id}", {"op": "Add", "path": "members", "value": [{"value": user["id"]}]})
checks.check("put back, it passes", done.status == 204 and is_in(system(home)), f"{done} {system(home)}")

done, took = patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"})
gone = [system(own) for own in (home, ward)]
checks.check(
    f"disabled as Entra says it, she is signed out at both browsers ({took * 1000:.0f} ms)",
    done.status == 200 and took < 1 and [reply.status for reply in gone] == [401, 401] and gone[0].reason in ("session-revoked", "account-disabled"),
    [done, *gone],
)
refused = home.open(f"{PACS}/system")
checks.check("and cannot sign in: a page says whom to ask", refused.status == 403 and refused.reason == "account-disabled" and "Your account here is not active" in refused.text and "help desk" in refused.text, refused)
done, _ = patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})
back = home.open(f"{PACS}/system")
checks.check("enabled as Okta says it, she signs in again", done.status == 200 and is_in(back), f"{done} {back}")

removed = ask("DELETE", f"/Users/{user['id']}")
checks.check("deleted, she is signed out", removed.status == 204 and system(home).status == 401, removed)
refused = home.open(f"{PACS}/system")
checks.check("and is no stranger to the next sign-in", refused.status == 403 and refused.reason == "account-disabled", refused)
checks.check("to the provider she is not there", ask("GET", f"/Users/{user['id']}").status == 404)
others = sign_in(provider, office, person("biller"), f"{PACS}/system")
checks.check("whom the directory never knew may sign in, without groups", others.reason == "no-rule-matched", others)

ids = [request_id for own in (home, ward, office) for request_id in own.request_ids]
pathlib.Path(sys.argv[1]).write_text("\n".join(ids) + "\n")
checks.end()
