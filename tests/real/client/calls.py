"""Whether every system call of a trace is one that a unit's SystemCallFilter lets through.

usage: calls.py UNIT TRACE
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys


def members(group: str) -> set[str]:
    """The calls of one of systemd's sets, with those of the sets in it."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    for line in said.splitlines():
        name = line.strip()
        if name.startswith("@") and name != group:
            found |= members(name)
        elif re.fullmatch(r"[a-z0-9_]+", name):
            found.add(name)
    return found


allowed: set[str] = set()
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    if line.startswith("SystemCallFilter="):
        words = line.partition("=")[2]
        calls = set().union(*(members(group) for group in words.lstrip("~").split()))
        allowed = allowed - calls if words.startswith("~") else allowed | calls
# systemd lets these through always, as they are how a process starts and ends.
allowed |= members("@default") | {"execve"}
made = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)", pathlib.Path(sys.argv[2]).read_text(errors="replace"), re.MULTILINE))
print(f"{len(made)} different calls; refused: {sorted(made - allowed) or 'none'}")
sys.exit(0 if len(made) > 20 and made <= allowed else 1)
