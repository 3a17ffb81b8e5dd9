"""What testssl.sh found: TLS 1.2 and 1.3 and a chain that leads to its authority; nothing of medium severity or worse
but what is explained here; and, where it gives one, a good grade.

usage: testssl.py JSON_FILE
"""

from __future__ import annotations

import json
import pathlib
import sys

from checks import Checks

BAD = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
GOOD_GRADES = ("A+", "A")
EXPLAINED = {
    "cert_expirationStatus": "the throw-away certificate of these runs is made anew before it ends",
    "cert_notAfter": "the throw-away certificate of these runs is made anew before it ends",
    "cert_revocation": "the throw-away authority of these runs revokes nothing",
    "cipher_order": "every suite is strong, and a caller takes what its hardware does best; from 3.2 on it is mere information",
}
# What has to be there, or else it looked at nothing: findings, and how each begins.
EXPECTED = {
    "SSLv2": "not offered",
    "SSLv3": "not offered",
    "TLS1": "not offered",
    "TLS1_1": "not offered",
    "TLS1_2": "offered",
    "TLS1_3": "offered",
    "FS": "offered",
    "cert_chain_of_trust": "passed",
    "heartbleed": "not vulnerable",
    "CCS": "not vulnerable",
    "ROBOT": "not vulnerable",
    "secure_renego": "supported",
    "secure_client_renego": "not vulnerable",
    "CRIME_TLS": "not vulnerable",
    "HSTS_time": "365 days",
}

checks = Checks()
findings = json.loads(pathlib.Path(sys.argv[1]).read_text())
said = {each["id"]: each["finding"] for each in findings}
said.setdefault("FS", said.get("PFS", ""))  # as 3.0 calls it
for name, beginning in EXPECTED.items():
    checks.check(f"testssl.sh: {name}: {said.get(name, 'nothing')}", said.get(name, "").startswith(beginning))
checks.check("testssl.sh: the extended master secret (RFC 7627)", "'extended master secret/#23'" in said.get("TLS_extensions", ""))
for each in findings:
    # WARN is what it could not look at.
    if each["severity"] == "WARN" or each["severity"] in BAD and each["id"] in EXPLAINED:
        print(f"         {each['severity']} {each['id']}: {each['finding']}: {EXPLAINED.get(each['id'], 'not looked at')}")
bad = [each for each in findings if each["severity"] in BAD and each["id"] not in EXPLAINED]
checks.check(f"{len(findings)} findings, none of medium severity or worse that is not explained", not bad, bad)
if grade := said.get("overall_grade"):
    checks.check(f"the grade is {grade}", grade in GOOD_GRADES)
else:
    print("skipped  the grade (testssl.sh gives one from 3.2 on)")
checks.end()
