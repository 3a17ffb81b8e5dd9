"""Writes what the backend serves: 1 KiB, 32 KiB and 10 MiB of JSON with records to count, 10 MiB of CSV,
32 KiB of HTML.

usage: files.py DIRECTORY
"""

import json
import pathlib
import sys

directory = pathlib.Path(sys.argv[1])


def entry(number: int) -> dict:
    return {"mrn": f"{100_000 + number}", "name": f"Patient {number:05d}", "born": "1970-01-01", "ward": "East"}


def records(size: int) -> bytes:
    entries: list[dict] = []
    while len(text := json.dumps({"entries": [*entries, entry(len(entries))]})) < size:
        entries.append(entry(len(entries)))
    text = json.dumps({"entries": entries})
    return text.encode() + b" " * (size - len(text))


(directory / "record.json").write_bytes(records(1024))
(directory / "list.json").write_bytes(records(32 * 1024))
row = "<tr><td>100001<td>Patient<td>1970-01-01<td>East</tr>\n"
page = f"<!doctype html><html lang=en><title>Patients</title><table>\n{row * (32 * 1024 // len(row) + 1)}"
(directory / "page.html").write_bytes(page.encode()[: 32 * 1024])

MIB10 = 10 * 1024 * 1024
entries = [entry(number) for number in range(MIB10 // 84)]
(directory / "export.json").write_bytes((text := json.dumps({"entries": entries}).encode()) + b" " * (MIB10 - len(text)))
line = "{},Patient {:05d},1970-01-01,East,+1 555 0100\r\n"
rows = "".join(line.format(100_000 + number, number) for number in range(MIB10 // len(line.format(100_000, 0))))
(directory / "export.csv").write_text("MRN,Name,Born,Ward,Phone\r\n" + rows, newline="")
