"""A page, looked at strictly: every element opened and closed, and what WCAG 2.2 AA asks of any page."""

from __future__ import annotations

import html.parser

VOID = {"meta", "br", "hr", "input", "link", "img"}


class Page(html.parser.HTMLParser):
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
