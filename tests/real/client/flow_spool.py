"""The journal's disk fills up, and there is a spool: nobody notices, and all of it comes home.

usage: flow_spool.py JOURNAL_DIRECTORY SENT_FILE
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request

from browser import GATEWAY_PORT, Connection, tls
from checks import Checks

REQUESTS_MAX = 50_000
journal, sent_file = map(pathlib.Path, sys.argv[1:3])
checks = Checks()


def readiness() -> dict:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['CONTROL_PORT']}/readyz", timeout=10) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return json.load(error)


with (journal / "ballast").open("wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(b"\0" * 4096)
    except OSError:
        pass  # full

connection = Connection("pacs.localhost", GATEWAY_PORT, timeout=20, context=tls())
ids, refused = [], []


def ask() -> None:
    connection.request("GET", "/app/explorer.html", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    response = connection.getresponse()
    response.read()
    ids.append(response.headers["X-Request-Id"])
    if response.status != 200:
        refused.append((response.status, response.headers.get("X-Leastway-Reason", "")))


while readiness()["journal_goes_to"] == "journal" and len(ids) < REQUESTS_MAX:
    for _ in range(50):
        ask()
told = readiness()
checks.check("with the disk full, entries go to the spool", told["journal_goes_to"] == "spool", told)
checks.check("and the gateway is ready", told["ready"] is True, told)
checks.check("the disk is told to be short", any(disk["disk"] == "journal" for disk in told["disks"]), told["disks"])
for _ in range(500):
    ask()
(journal / "ballast").unlink()
deadline = time.monotonic() + 60
while readiness()["journal_goes_to"] != "journal" and time.monotonic() < deadline:
    ask()
    time.sleep(0.05)
told = readiness()
checks.check("with room again they come home", told["journal_goes_to"] == "journal" and told["journal_spooled"] == 0, told)
for _ in range(50):
    ask()
checks.check("nobody noticed anything", not refused, refused[:5])
sent_file.write_text("\n".join(ids) + "\n")
checks.end()
