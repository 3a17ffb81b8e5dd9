"""Reads what callgrind wrote of some requests: what each took, and which functions took the most.

usage: profile.py FILE REQUESTS    prints instructions and allocations of a request
       profile.py FILE REQUESTS N  prints the N dearest functions: instructions and calls of a request
"""

from __future__ import annotations

import collections
import re
import sys


class Profile:
    def __init__(self, path: str) -> None:
        self.instructions: collections.Counter[str] = collections.Counter()
        self.calls: collections.Counter[str] = collections.Counter()
        names: dict[str, str] = {}

        def name(text: str) -> str:
            # A name is told once, and by its number from then on.
            number, told = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
            return names.setdefault(number, told)

        function = callee = ""
        is_call = False
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line.startswith("fn="):
                    function = name(line[3:])
                elif line.startswith("cfn="):
                    callee = name(line[4:])
                elif line.startswith("calls="):
                    self.calls[callee] += int(line[6:].split()[0])
                    is_call = True
                elif re.match(r"[\d+*-]", line):
                    # After a call stands what the called has taken, which it is told for itself.
                    if not is_call:
                        self.instructions[function] += int(line.split()[1])
                    is_call = False


profile, requests = Profile(sys.argv[1]), int(sys.argv[2])
if len(sys.argv) > 3:
    for function, instructions in profile.instructions.most_common(int(sys.argv[3])):
        print(f"{instructions / requests:10.1f} {profile.calls[function] / requests:8.2f}  {function}")
else:
    allocations = sum(calls for function, calls in profile.calls.items() if re.search(r"__rust_(alloc|realloc)", function))
    print(f"{sum(profile.instructions.values()) / requests:.0f} {allocations / requests:.1f}")
