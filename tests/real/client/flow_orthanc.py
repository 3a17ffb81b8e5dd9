"""Orthanc behind Leastway: looking works, and no spelling of a patient's archive gets it out.

usage: flow_orthanc.py SENT_FILE
"""

from __future__ import annotations

import http.client
import io
import json
import os
import pathlib
import socket
import sys
import zipfile

from browser import GATEWAY_PORT, Browser, raw
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in

ORTHANC_PORT = int(os.environ["ORTHANC_PORT"])
HOST = "pacs.localhost"
PACS = f"https://{HOST}:{GATEWAY_PORT}"

# All of these get the same ZIP from Orthanc itself.
SPELLINGS = {
    "as it is": "/patients/{id}/archive",
    "a slash at the end": "/patients/{id}/archive/",
    "two slashes in front": "//patients/{id}/archive",
    "letters encoded": "/%70atients/{id}/%61rchive",
    "up from another path": "/system/../patients/{id}/archive",
    "up, encoded": "/system/%2e%2e/patients/{id}/archive",
    "two slashes inside": "/patients/{id}//archive",
    "a dot inside": "/patients/{id}/./archive",
    "slashes encoded": "/patients%2f{id}%2farchive",
    "a NUL at the end": "/patients/{id}/archive%00",
    "backslashes": "/patients\\{id}\\archive",
    "up from a public path": "/app/explorer.html/../../patients/{id}/archive",
}

# Ways to see everybody, who are more than the biller may see at once.
LISTS = [
    ("a list", "/patients", None),
    ("a list with all that is known", "/patients?expand", None),
    ("a list by pages", "/patients?since=0&limit=3", None),
    ("a list of studies", "/studies", None),
    ("a list of studies with all that is known", "/studies?expand", None),
    ("a list of series", "/series?expand", None),
    ("a search for everybody", "/tools/find", {"Level": "Patient", "Query": {}}),
    ("a search for everybody with all that is known", "/tools/find", {"Level": "Patient", "Query": {"PatientName": "*"}, "Expand": True}),
    ("a search for every image", "/tools/find", {"Level": "Instance", "Query": {}}),
    ("a search by DICOMweb", "/dicom-web/studies", None),
    ("a search by DICOMweb with every field", "/dicom-web/studies?includefield=all", None),
]

checks = Checks()
provider = PROVIDERS["oidc-provider"]
browsers: list[Browser] = []
raw_ids: list[str] = []


def direct(target: str) -> bytes:
    """What Orthanc itself answers to these bytes."""
    with socket.create_connection(("127.0.0.1", ORTHANC_PORT), 20) as stream:
        stream.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(stream)
        response.begin()
        return response.read()


def signed_in(username: str) -> Browser:
    own = Browser()
    browsers.append(own)
    page = sign_in(provider, own, person(username), f"{PACS}/system")
    checks.check(f"the {username} signs in", page.status == 200 and "DicomAet" in page.text, page)
    return own


def looking_works(nurse: Browser, patient: str) -> None:
    bare = json.loads(direct("/patients"))
    listed = nurse.fetch(f"{PACS}/patients")
    checks.check("the list of patients comes as the application sent it", json.loads(listed.text) == bare, listed)
    opened = nurse.fetch(f"{PACS}/patients/{patient}")
    checks.check("a patient is opened", opened.status == 200 and patient in opened.text, opened)
    study = json.loads(opened.text)["Studies"][0]
    series = json.loads(nurse.fetch(f"{PACS}/studies/{study}").text)["Series"][0]
    instance = json.loads(nurse.fetch(f"{PACS}/series/{series}").text)["Instances"][0]
    image = nurse.fetch(f"{PACS}/instances/{instance}/preview", Accept="image/png")
    same = image.body == direct(f"/instances/{instance}/preview")
    checks.check("an image is shown, byte for byte", image.status == 200 and same, image.status)
    found = nurse.fetch(f"{PACS}/tools/find", "POST", b'{"Level":"Patient","Query":{"PatientID":"LW0001"}}', **{"Content-Type": "application/json"})
    checks.check("a search finds one patient", found.status == 200 and len(json.loads(found.text)) == 1, found)
    web = nurse.fetch(f"{PACS}/dicom-web/studies", Accept="application/dicom+json")
    checks.check("DICOMweb finds the studies", web.status == 200 and len(json.loads(web.text)) == 6, web)
    page = nurse.open(f"{PACS}/app/explorer.html")
    checks.check("the explorer opens", page.status == 200 and "Orthanc Explorer" in page.text, page)
    viewer = nurse.open(f"{PACS}/web-viewer/app/viewer.html?series={series}")
    checks.check("the viewer opens", viewer.status == 200, viewer)
    file = nurse.fetch(f"{PACS}/instances/{instance}/file")
    checks.check("a file of DICOM does not leave", file.status == 403 and file.body[128:132] != b"DICM", file)
    gone = nurse.fetch(f"{PACS}/studies/{study}", "DELETE")
    checks.check("nothing is deleted", gone.status == 403 and direct(f"/studies/{study}").startswith(b"{"), gone)
    unknown = nurse.fetch(f"{PACS}/tools/shutdown", "POST", b"")
    checks.check("what no route names is not there", unknown.status == 404 and unknown.reason == "route-not-found", unknown)


def no_spelling_gets_the_archive_out(nurse: Browser, patient: str) -> None:
    cookie = f"__Host-leastway={nurse.cookie('__Host-leastway').value}"
    for spelling, pattern in SPELLINGS.items():
        target = pattern.format(id=patient)
        checks.check(f"Orthanc itself takes it: {spelling}", direct(target).startswith(b"PK"))
        status, headers, body = raw(HOST, target.encode(), cookie)
        raw_ids.append(headers.get("x-request-id", ""))
        refused = 400 <= status < 500 and headers.get("x-leastway-reason") and b"PK\x03\x04" not in body
        checks.check(f"Leastway lets no archive out: {spelling}", refused, (status, headers, body[:60]))
    for method in (b"POST", b"HEAD", b"get", b"PROPFIND"):
        status, headers, body = raw(HOST, f"/patients/{patient}/archive".encode(), cookie, method)
        raw_ids.append(headers.get("x-request-id", ""))
        refused = (400 <= status < 500 or status == 501) and not body.startswith(b"PK")
        checks.check(f"nor by {method.decode()}", refused, (status, headers))


def numbers_are_kept(biller: Browser) -> None:
    everybody = json.loads(direct("/patients"))
    for sentence, target, query in LISTS:
        body = None if query is None else json.dumps(query).encode()
        listed = biller.fetch(f"{PACS}{target}", "GET" if body is None else "POST", body, **{"Content-Type": "application/json"})
        withheld = listed.status == 403 and listed.reason == "records-over-response-limit"
        checks.check(f"beyond the role's number {sentence} is withheld, and says why", withheld, listed)
        named = any(patient in listed.text for patient in everybody) or "LW0" in listed.text
        checks.check(f"  {target} without a single record", not named, listed)
    one = biller.fetch(f"{PACS}/tools/find", "POST", b'{"Level":"Patient","Query":{"PatientID":"LW0001"}}', **{"Content-Type": "application/json"})
    checks.check("a list within it passes", one.status == 200 and len(json.loads(one.text)) == 1, one)


def files(archive: bytes) -> dict[str, bytes]:
    """What is in an archive; Orthanc writes the time into it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def archives_stop_at_the_line(reporter: Browser, patient: str) -> None:
    studies = json.loads(direct("/studies"))
    images = {study: [image["ID"] for image in json.loads(direct(f"/studies/{study}/instances"))] for study in studies}
    checks.check("each study has six images", all(len(own) == 6 for own in images.values()), images)
    first, second, third, fourth, *_ = studies

    def create(*resources: str) -> object:
        body = json.dumps({"Resources": resources, "Synchronous": True}).encode()
        return reporter.fetch(f"{PACS}/tools/create-archive", "POST", body, **{"Content-Type": "application/json"})

    def is_withheld(sentence: str, reply: object, reason: str) -> None:
        checks.check(sentence, reply.reason == reason and b"PK" not in reply.body and b"DICM" not in reply.body, reply)

    def is_whole(sentence: str, reply: object, target: str) -> None:
        checks.check(sentence, reply.status == 200 and files(reply.body) == files(direct(target)), reply.status)

    is_withheld("an archive of seven images is withheld", create(first, images[second][0]), "export-over-request-limit")
    for target in (f"/patients/{patient}/archive", f"/patients/{patient}/media"):
        is_withheld(f"and so is one of twelve: {target.split('/')[-1]}", reporter.fetch(f"{PACS}{target}"), "export-over-request-limit")
    is_whole("an archive of six comes whole", create(first), f"/studies/{first}/archive")
    is_whole("by its own address, too", reporter.fetch(f"{PACS}/studies/{second}/archive"), f"/studies/{second}/archive")
    media = reporter.fetch(f"{PACS}/studies/{third}/media")
    checks.check("and as a disk, whose list is no image", media.status == 200 and len(files(media.body)) == 7, media.status)
    more = reporter.fetch(f"{PACS}/studies/{fourth}/archive")
    is_withheld("then the eighteen of a day are taken", more, "export-over-window-budget")
    is_withheld("whatever is asked for, one image as well", reporter.fetch(f"{PACS}/instances/{images[fourth][0]}/file"), "export-over-window-budget")


patient = json.loads(direct("/patients"))[0]
nurse = signed_in("nurse")
looking_works(nurse, patient)
no_spelling_gets_the_archive_out(nurse, patient)
numbers_are_kept(signed_in("biller"))
archives_stop_at_the_line(signed_in("reporter"), patient)
ids = [request_id for each in browsers for request_id in each.request_ids] + raw_ids
checks.check("every reply carries the id of its request", all(ids) and len(set(ids)) == len(ids), len(ids))
pathlib.Path(sys.argv[1]).write_text("\n".join(ids) + "\n")
checks.end()
