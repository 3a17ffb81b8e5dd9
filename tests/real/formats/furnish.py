"""Furnishes the demo's clinic for a day on which everything happens: furnish.py CLINIC [FILE...]

What stands in day/ comes over or behind what the demo ships; the FILEs are added to leastway.toml.
"""

import os
import pathlib
import sys

clinic = pathlib.Path(sys.argv[1])
day = pathlib.Path(__file__).parent / "day"


def add(name, text):
    with (clinic / name).open("a", encoding="utf-8") as file:
        file.write(text)


def write(name, text, mode=0o644):
    (clinic / name).write_text(text, encoding="utf-8")
    (clinic / name).chmod(mode)


write("roles.toml", (day / "roles.toml").read_text())
write("candidate.toml", (day / "candidate.toml").read_text())
write("applications/trouble.toml", (day / "trouble.toml").read_text())
add("applications/ehr.toml", (day / "ehr.toml").read_text())
add("policies/clinic.cedar", (day / "day.cedar").read_text())
write("feeds/roster.csv", "person,from,until\nnurse,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z\n")
write("feeds/places.csv", "person,location\nanalyst,ward-9\n")
os.utime(clinic / "feeds/places.csv", (0, 0))
write("feeds/consults.csv", "person,patient\nregistrar,100001\n")
write("feeds/consents.csv", "patient,flags\n100008,consented\n")
for name in ("directory", "push"):
    write(f"secrets/{name}-token", f"{name}-token-of-the-real-runs-of-leastway", 0o600)

write("secrets/reader", "reader-token-of-the-real-runs-of-leastway", 0o600)

whole = (clinic / "leastway.toml").read_text()
lock = 'lock = "15m"'
assert lock in whole, "leastway.toml has a lock of 15 minutes"
write("leastway.toml", whole.replace(lock, 'lock = "1m"'))
add("leastway.toml", (day / "leastway.toml").read_text())
for file in sys.argv[2:]:
    add("leastway.toml", pathlib.Path(file).read_text())
