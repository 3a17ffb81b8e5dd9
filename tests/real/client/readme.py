"""What README shows, so that it can be run as it stands there.

usage: readme.py README block STEP LANGUAGE      the code of that language under that numbered step
       readme.py README put FROM TO [FROM TO]…   standard input, with what belongs to a place put in
"""

from __future__ import annotations

import re
import sys


def block(text: str, step: str, language: str) -> str:
    """The one fenced block of `language` between this step's heading and the next one's."""
    found = re.search(rf"^\*\*{step}\. .*?(?=^\*\*\d+\. |^## )", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"README has no step {step}")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", found.group(), re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        sys.exit(f"step {step} of README has {len(blocks)} blocks of {language}, not one")
    return blocks[0]


def put(text: str, pairs: list[str]) -> str:
    """Each text is there once; otherwise README and the run have drifted apart."""
    for before, after in zip(pairs[::2], pairs[1::2], strict=True):
        if text.count(before) != 1:
            sys.exit(f"`{before}` stands {text.count(before)} times in README's file, not once")
        text = text.replace(before, after)
    return text


readme, what, *rest = sys.argv[1:]
if what == "block":
    with open(readme, encoding="utf-8") as file:
        sys.stdout.write(block(file.read(), *rest))
else:
    sys.stdout.write(put(sys.stdin.read(), rest))
