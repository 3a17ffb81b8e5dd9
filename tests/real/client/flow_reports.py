"""What `leastway report` has written is what other programs read: HTML by a strict look, CSV by Python's csv."""

from __future__ import annotations

import csv
import html.parser
import json
import pathlib
import sys

from checks import Checks

VOID = {"meta", "br", "hr", "input", "link", "img"}


class Page(html.parser.HTMLParser):
    """Every element opened and closed, and what WCAG 2.2 AA asks of any page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.misfits: list[str] = []
        self.feed(text)
        self.close()
        self.misfits.extend(self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misfits.append(tag)

    def count(self, tag: str) -> int:
        return sum(1 for seen, _ in self.seen if seen == tag)

    def is_accessible(self) -> bool:
        attributes = {key for _, attrs in self.seen for key in attrs}
        ids = [attrs["id"] for _, attrs in self.seen if "id" in attrs]
        heads = [attrs.get("scope") for tag, attrs in self.seen if tag == "th"]
        labelled = [attrs["aria-labelledby"] for _, attrs in self.seen if "aria-labelledby" in attrs]
        return (
            not self.misfits
            and bool(dict(self.seen)["html"].get("lang"))
            and self.count("title") == self.count("h1") == self.count("main") == 1
            and all(scope in ("col", "row") for scope in heads)
            and len(ids) == len(set(ids))
            and set(labelled) <= set(ids)
            and not attributes & {"onclick", "src", "href", "style"}
            and not any(self.count(tag) for tag in ("script", "img", "iframe", "form", "link"))
        )


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
