"""DICOMweb and the viewer's interface behind Leastway: images are looked at, and no study is taken away.

usage: flow_dicomweb.py SENT_FILE
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import pathlib
import sys
import time

from browser import GATEWAY_PORT, Browser, Reply
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in, step_up

ORTHANC_PORT = int(os.environ["ORTHANC_PORT"])
PACS = f"https://pacs.localhost:{GATEWAY_PORT}"
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
# It names addresses by the host that it is asked at.
HEADERS = {"Accept": "*/*", "Host": f"pacs.localhost:{GATEWAY_PORT}"}
QIDO = "application/dicom+json"

checks = Checks()
provider = PROVIDERS["oidc-provider"]


@dataclasses.dataclass
class Door:
    """One way in which Orthanc itself gives images away as files. What comes out holds `shows`."""

    target: str
    shows: bytes
    method: str = "GET"
    body: object = None


def direct(target: str, method: str = "GET", body: object = None) -> bytes:
    """What Orthanc itself answers."""
    connection = http.client.HTTPConnection("127.0.0.1", ORTHANC_PORT, timeout=20)
    connection.request(method, target, None if body is None else json.dumps(body).encode(), HEADERS)
    content = connection.getresponse().read()
    connection.close()
    return content


def value(resource: dict, tag: str) -> str:
    return resource[tag]["Value"][0]


def looking_works(nurse: Browser) -> tuple[str, str, str]:
    """As a viewer does: find, describe, show. Gives the addresses of a study, a series and an instance."""
    at = "/dicom-web/studies"
    found = [look(nurse, at, "the studies")[0]]
    at += f"/{value(found[0], STUDY)}"
    study = at
    found = look(nurse, f"{at}/series", "the series of a study")
    at += f"/series/{value(found[0], SERIES)}"
    series = at
    found = look(nurse, f"{at}/instances", "the instances of a series")
    at += f"/instances/{value(found[0], INSTANCE)}"
    for place, sentence in ((study, "a study"), (series, "a series"), (at, "an instance")):
        look(nurse, f"{place}/metadata", f"what describes {sentence}")
    for target, accept, sentence in (
        (f"{at}/rendered", "image/jpeg", "a picture"),
        (f"{at}/frames/1/rendered", "image/png", "a picture of one frame"),
        (f"{at}/frames/1", 'multipart/related; type="application/octet-stream"', "the pixels of one frame"),
    ):
        shown = nurse.fetch(PACS + target, Accept=accept)
        checks.check(f"DICOMweb shows {sentence}", shown.status == 200 and len(shown.body) > 1000, shown)
    uid = at.rsplit("/", 1)[1]
    for kind in ("", "&contentType=image/png", "&contentType=image/jpeg"):
        target = f"/wado?requestType=WADO&objectUID={uid}{kind}"
        shown = nurse.fetch(PACS + target, Accept="image/*")
        checks.check(f"WADO shows a picture ({kind or 'no type named'})", shown.status == 200 and shown.body == direct(target), shown)
    return study, series, at


def look(own: Browser, target: str, sentence: str) -> list[dict]:
    reply = own.fetch(PACS + target, Accept=QIDO)
    bare = json.loads(direct(target))
    same = reply.status == 200 and json.loads(reply.text) == bare
    checks.check(f"DICOMweb tells {sentence}, as Orthanc does", same and bare, reply)
    return bare


def doors(study: str, series: str, instance: str) -> list[Door]:
    own = json.loads(direct("/studies"))[0]
    one = json.loads(direct("/instances"))[0]
    uid = instance.rsplit("/", 1)[1]
    wado = f"/wado?requestType=WADO&objectUID={uid}"
    keep = {"Keep": ["PatientName"], "Force": True}
    return [
        Door(study, b"DICM"),
        Door(f"{study}/", b"DICM"),
        Door(study.replace("/dicom-web", "/dicom-web/."), b"DICM"),
        Door(study.replace("studies", "%73tudies"), b"DICM"),
        Door(series, b"DICM"),
        Door(instance, b"DICM"),
        Door(f"{wado}&contentType=application/dicom", b"DICM"),
        Door(f"{wado}&%63ontentType=application/dicom", b""),
        Door(f"{wado}&contentType=image/png&contentType=application/dicom", b"DICM"),
        Door(f"/instances/{one}/file", b"DICM"),
        Door(f"/instances/{one}/attachments/dicom/data", b"DICM"),
        Door(f"/instances/{one}/attachments/dicom/compressed-data", b"DICM"),
        Door(f"/instances/{one}/frames/0/raw", b""),
        Door(f"/instances/{one}/frames/0/raw.gz", b"\x1f\x8b"),
        Door(f"/instances/{one}/matlab", b"2"),
        Door(f"/instances/{one}/anonymize", b"DICM", "POST", keep),
        Door(f"/instances/{one}/modify", b"DICM", "POST", {"Replace": {"InstitutionName": "X"}}),
        Door("/tools/create-archive", b"PK", "POST", [own]),
        Door("/tools/create-media", b"PK", "POST", [own]),
        Door("/tools/create-media-extended", b"PK", "POST", [own]),
        Door(f"/tools/create-archive?resources={own}", b"", "GET"),
        Door(f"/jobs/{job(own)}/archive", b"PK"),
        Door("/tools/bulk-content", b"LW0", "POST", {"Resources": [own]}),
        Door("/instances", one.encode()),
        Door("/instances?expand", b"FileSize"),
        Door("/dicom-web/instances", b"00080018"),
        Door("/changes", b"Changes"),
        Door("/exports", b"Exports"),
        Door("/jobs", b""),
        Door("/modalities/other/store", b"", "POST", [own]),
        Door("/peers/other/store", b"", "POST", [own]),
        Door(f"/instances/{one}/export", b"", "POST", "/tmp/other"),
        Door("/dicom-web/servers/other/stow", b"", "POST", {"Resources": [own]}),
        Door("/modalities/other", b"", "PUT", ["OTHER", "127.0.0.1", 4242]),
        Door("/peers/other", b"", "PUT", ["http://127.0.0.1:8042/"]),
        Door("/tools/reset", b"", "POST", {}),
        Door("/tools/execute-script", b"", "POST", {}),
        *(door for level in ("patients", "studies", "series") for door in doors_of(level)),
    ]


def doors_of(level: str) -> list[Door]:
    """Those that patients, studies and series have alike."""
    at = f"/{level}/{json.loads(direct(f'/{level}'))[0]}"
    return [
        *(Door(f"{at}/{kind}", b"PK", method, body) for kind in ("archive", "media") for method, body in (("GET", None), ("POST", {}))),
        Door(f"{at}/anonymize", b"", "POST", {"Keep": ["PatientName"], "Force": True}),
        Door(f"{at}/modify", b"", "POST", {"Replace": {"PatientID": "X"}, "Force": True}),
        Door(f"{at}/metadata/1024", b"", "PUT", "X"),
        Door(f"{at}/metadata/1024", b"", "DELETE"),
        Door(at, b"", "DELETE"),
    ]


def job(study: str) -> str:
    """An archive that Orthanc makes in the background, and has made."""
    started = json.loads(direct(f"/studies/{study}/archive", "POST", {"Asynchronous": True}))["ID"]
    for _ in range(100):
        if json.loads(direct(f"/jobs/{started}"))["State"] == "Success":
            break
        time.sleep(0.1)
    return started


def no_door_is_open(nurse: Browser, each: list[Door]) -> None:
    for door in each:
        label = f"{door.method} {door.target.split('?')[0][:60]}{'?…' if '?' in door.target else ''}"
        if door.shows:
            checks.check(f"Orthanc itself answers {label}", door.shows in direct(door.target, door.method, door.body))
        body = None if door.body is None else json.dumps(door.body).encode()
        reply = nurse.fetch(PACS + door.target, door.method, body, Accept="*/*")
        checks.check(f"Leastway does not: {label}", is_closed(reply), reply)


def is_closed(reply: Reply) -> bool:
    out = (b"DICM", b"PK\x03\x04", b"\x1f\x8b", b"FileSize", b"LW000")
    return 400 <= reply.status < 500 and bool(reply.reason) and not any(mark in reply.body for mark in out)


def a_study_leaves_by_the_right_hands(archivist: Browser, study: str) -> None:
    before = archivist.fetch(PACS + study, Accept="multipart/related")
    checks.check("the archivist is asked for a second factor", before.reason == "acr-insufficient", before)
    step_up(provider, archivist, person("archivist"), PACS + study)
    whole = archivist.fetch(PACS + study, Accept='multipart/related; type="application/dicom"')
    checks.check("and with it has the study, with all its instances", whole.status == 200 and whole.body.count(b"DICM") == 6, whole)


nurse, archivist = Browser(), Browser()
sign_in(provider, nurse, person("nurse"), f"{PACS}/system")
study, series, instance = looking_works(nurse)
no_door_is_open(nurse, doors(study, series, instance))
sign_in(provider, archivist, person("archivist"), f"{PACS}/system")
a_study_leaves_by_the_right_hands(archivist, study)
ids = nurse.request_ids + archivist.request_ids
with pathlib.Path(sys.argv[1]).open("a") as sent:
    sent.write("\n".join(ids) + "\n")
checks.end()
