"""Compares what was sent with the journal: every request has one event, and there are no others.

usage: compare.py SENT_FILE [--received]   events as lines of JSON on standard input
With --received the file holds only the replies that came: others may be in the journal as well.
"""

from __future__ import annotations

import json
import pathlib
import sys

from checks import Checks

checks = Checks()
sent = pathlib.Path(sys.argv[1]).read_text().split()
openings = [json.loads(line)["opening"] for line in sys.stdin]
OF_OURS = ("lifecycle", "administration", "revocation", "provisioning")
FROM_THE_PROVIDER = "/.leastway/back-channel-logout"
asked = [
    opening["event"]
    for opening in openings
    if opening["kind"] not in OF_OURS and (opening.get("path") != FROM_THE_PROVIDER or opening["event"] in sent)
]
missing = set(sent) - set(asked)
checks.check(f"each of {len(sent)} replies has its opening entry in the journal", sent and not missing, sorted(missing)[:5])
checks.check("no event stands there twice", len(asked) == len(set(asked)))
if "--received" not in sys.argv:
    surplus = set(asked) - set(sent)
    checks.check("and no event is there that nobody asked for", not surplus, sorted(surplus)[:5])
checks.end()
