"""The journal's disk fills up: nothing passes any more, and says why.

usage: flow_full_disk.py JOURNAL_DIRECTORY SENT_FILE
"""

from __future__ import annotations

import pathlib
import sys

from browser import GATEWAY_PORT, Browser, Connection, tls
from checks import Checks

REQUESTS_MAX = 50_000
journal, sent_file = map(pathlib.Path, sys.argv[1:3])
checks = Checks()
page = f"https://pacs.localhost:{GATEWAY_PORT}/app/explorer.html"

checks.check("with room on the disk a page opens", Browser().fetch(page).status == 200)
with (journal / "ballast").open("wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(b"\0" * 4096)
    except OSError:
        pass  # full

passed, refused = 0, None
connection = Connection("pacs.localhost", GATEWAY_PORT, timeout=20, context=tls())
ids = []
while passed < REQUESTS_MAX:
    connection.request("GET", "/app/explorer.html", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    response = connection.getresponse()
    body = response.read().decode("utf-8", "replace")
    if response.status != 200:
        refused = (response.status, response.headers.get("X-Leastway-Reason", ""), body)
        break
    ids.append(response.headers["X-Request-Id"])
    passed += 1
sent_file.write_text("\n".join(ids) + "\n")
checks.check("with the disk full a request is refused at last", refused is not None, f"{passed} passed")
status, reason, body = refused or (0, "", "")
checks.check("with 503 `audit-unavailable`", status == 503 and reason == "audit-unavailable", (status, reason))
checks.check("on a page", "<h1" in body, body[:80])
again = Browser().fetch(page)
checks.check("and so is the next", again.status == 503 and again.reason == "audit-unavailable", again)
checks.check("nothing of the application leaves", "Orthanc" not in again.text and "Orthanc Explorer" not in body)
checks.end()
