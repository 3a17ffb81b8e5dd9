"""What README's way promises of its files: clinicians look, and an archive leaves by one pair of hands.

usage: flow_readme.py REFERENCES_FILE   for the references of what was refused and of what was released
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import urllib.request

from browser import GATEWAY_PORT, Browser
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in, step_up

PACS = f"https://pacs.clinic.example:{GATEWAY_PORT}"
ORTHANC = f"http://127.0.0.1:{os.environ['ORTHANC_PORT']}"

checks = Checks()
provider = PROVIDERS["oidc-provider"]
patient = json.load(urllib.request.urlopen(f"{ORTHANC}/patients"))[0]
archive = f"{PACS}/patients/{patient}/archive"
instance = json.load(urllib.request.urlopen(f"{ORTHANC}/patients/{patient}/instances"))[0]["ID"]

nurse = Browser()
page = sign_in(provider, nurse, person("nurse"), f"{PACS}/")
checks.check("a clinician signs in and sees Orthanc", page.status == 200 and "Orthanc" in page.text, page)
listed = nurse.fetch(f"{PACS}/patients")
checks.check("and the list of patients", listed.status == 200 and patient in listed.text, listed)
opened = nurse.fetch(f"{PACS}/patients/{patient}")
checks.check("and a patient", opened.status == 200 and patient in opened.text, opened)
image = nurse.fetch(f"{PACS}/instances/{instance}/preview", Accept="image/png")
checks.check("and an image", image.status == 200 and image.body.startswith(b"\x89PNG"), image.status)
body = b'{"Level":"Patient","Query":{"PatientID":"LW0001"}}'
found = nurse.fetch(f"{PACS}/tools/find", "POST", body, **{"Content-Type": "application/json"})
checks.check("and finds one", found.status == 200 and len(json.loads(found.text)) == 1, found)
refused = nurse.open(archive)
checks.check("the archive does not leave by a clinician", (refused.status, refused.reason) == (403, "no-rule-matched"), refused)
reference = refused.headers.get("X-Request-Id", "")
checks.check("the page shows its reference", reference and reference in refused.text, refused)
unknown = nurse.fetch(f"{PACS}/tools/shutdown", "POST", b"")
checks.check("what is not written down is not there", (unknown.status, unknown.reason) == (404, "route-not-found"), unknown)

archivist = Browser()
sign_in(provider, archivist, person("archivist"), f"{PACS}/system")
asked = step_up(provider, archivist, person("archivist"), archive)
checks.check("it leaves by the number of a patient's request", (asked.status, asked.reason) == (403, "justification-required"), asked)
form = next(form for form in asked.page.forms if form.action == "/.leastway/justify")
released = archivist.submit(f"{PACS}{form.action}", {**form.fields, "code": "patient-request", "number": "ROI-2026-0117"})
checks.check("it leaves by release of information, with a second factor", released.status == 200 and released.body.startswith(b"PK\x03\x04"), released.status)
pathlib.Path(sys.argv[1]).write_text(f"{reference} {released.headers.get('X-Request-Id', '')}\n")
checks.end()
