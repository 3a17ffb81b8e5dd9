"""Somebody looks at the studies, under an account of ours that the application knows.

usage: flow_account.py SENT_FILE SENTENCE
"""

from __future__ import annotations

import pathlib
import sys

from browser import GATEWAY_PORT, Browser
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in

PACS = f"https://pacs.localhost:{GATEWAY_PORT}"

checks = Checks()
nurse = Browser()
sign_in(PROVIDERS["oidc-provider"], nurse, person("nurse"), f"{PACS}/system")
found = nurse.fetch(f"{PACS}/dicom-web/studies", Accept="application/dicom+json")
checks.check(sys.argv[2], found.status == 200 and b"0020000D" in found.body, found)
with pathlib.Path(sys.argv[1]).open("a") as sent:
    sent.write("\n".join(nurse.request_ids) + "\n")
checks.end()
