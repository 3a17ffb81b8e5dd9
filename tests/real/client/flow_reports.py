"""What `leastway report` has written is what other programs read: HTML by a strict look, CSV by Python's csv."""

from __future__ import annotations

import csv
import json
import pathlib
import sys

from checks import Checks
from strict_page import Page

folder = pathlib.Path(sys.argv[1])
checks = Checks()
for path in sorted(folder.glob("*.html")):
    page = Page(path.read_text(encoding="utf-8"))
    checks.check(f"{path.name} is whole, accessible, and loads nothing", page.is_accessible(), page.misfits)
for path in sorted(folder.glob("*.csv")):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    ragged = [row for row in rows if None in row or None in row.values()]
    risky = [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@\t\r"]
    checks.check(f"{path.name} is read by Python, and calculates nothing", rows and not ragged and not risky, ragged or risky)
seen = json.loads((folder / "who-saw.json").read_text(encoding="utf-8"))
people = {row.get("person") for table in seen["tables"] for row in table["rows"]}
checks.check("the patient is told of the nurse who was in the chart", "Noah Okafor" in people, people)
leavers = json.loads((folder / "leavers.json").read_text(encoding="utf-8"))
after = [table["rows"] for table in leavers["tables"] if table["table"] == "afterwards"]
checks.check("nothing was done under the name of somebody who has left", after == [[]], after)
policy = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
files = {row.get("file") for table in policy["tables"] for row in table["rows"]}
checks.check("the rules that were in force are told with their texts", any("roles.toml" in str(name) for name in files), files)
checks.end()
