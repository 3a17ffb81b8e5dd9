"""An evidence pack as programs of others read it: ZIP, digests and CSV by Python's library, the signature by openssl.

flow_evidence.py PACK KEY: KEY is the public key of the journal, as `checkpoint.keys` has it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from checks import Checks
from strict_page import Page

# SubjectPublicKeyInfo of Ed25519 (RFC 8410), but for the key.
ED25519 = bytes.fromhex("302a300506032b6570032100")


def is_signed(note: str, key: str) -> bool:
    text, line = note.rsplit("\n\n", 1)
    dash, name, signature = line.rstrip("\n").split(" ")
    named, identifier, public = key.split("+", 2)
    raw = base64.b64decode(signature)
    if (dash, name, raw[:4].hex()) != ("\u2014", named, identifier):
        return False
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "key").write_bytes(ED25519 + base64.b64decode(public)[1:])
        (place / "text").write_bytes((text + "\n").encode())
        (place / "signature").write_bytes(raw[4:])
        asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin"]
        asked += ["-in", "text", "-sigfile", "signature"]
        return subprocess.run(asked, cwd=place, capture_output=True, check=False).returncode == 0


def main(pack: str, key: str) -> None:
    checks = Checks()
    with zipfile.ZipFile(pack) as archive:
        checks.check("every file unpacks", archive.testzip() is None)
        files = {info.filename: archive.read(info) for info in archive.infolist()}
        times = {info.date_time for info in archive.infolist()}
    checks.check("no file has a time of its own", times == {(1980, 1, 1, 0, 0, 0)})
    harmless = all(not name.startswith("/") and ".." not in name.split("/") for name in files)
    checks.check("every name stays below the folder", harmless)

    manifest = json.loads(files["manifest.json"])
    note = files["manifest.sig"].decode()
    checks.check("the note is signed by the journal's key, says openssl", is_signed(note, key))
    checks.check("and by no other", not is_signed(note.replace("manifest.json", "manifest.jsom"), key))
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    checks.check("it is of this manifest", note.splitlines()[2] == f"manifest.json sha256 {digest}")
    told = {file["path"]: (file["bytes"], file["sha256"]) for file in manifest["files"]}
    found = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    rest = {name: found[name] for name in found if name not in ("manifest.json", "manifest.sig")}
    checks.check("the manifest tells each file's size and digest, and no others", told == rest)

    for name, data in sorted(files.items()):
        if name.endswith(".html"):
            page = Page(data.decode())
            checks.check(f"{name} is whole HTML", not page.misfits and page.count("main") == 1)
            checks.check(f"{name} runs and loads nothing", page.count("script") + page.count("img") == 0)
        if name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
            widths = {len(row) for row in rows}
            checks.check(f"{name} is a table", len(widths) == 1)
            cells = [cell for row in rows for cell in row]
            checks.check(f"{name} has nothing that a spreadsheet calculates", not any(c[:1] in "=+@" and c for c in cells))
    index = files["index.html"].decode()
    links = [value for tag, attributes in Page(index).seen if tag == "a" and (value := attributes.get("href"))]
    checks.check("the first page leads to files that are there", bool(links) and all(link in files for link in links))
    checks.check("no number of a patient is in it", not any(b"100001" in data for data in files.values()))
    checks.end()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
