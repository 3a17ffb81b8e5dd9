"""scim2-tester against a SCIM service: a line for each of its checks.

usage: scim_tester.py ADDRESS TOKEN_FILE
"""

from __future__ import annotations

import collections
import os
import pathlib
import ssl
import sys
import urllib.parse

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from checks import Checks

address, token = sys.argv[1], pathlib.Path(sys.argv[2]).read_text().strip()
door = urllib.parse.urlsplit(address).scheme
tls = ssl.create_default_context(cafile=f"{os.environ['DIR']}/tls/ca.pem")
http = httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, verify=tls, timeout=20)
checks = Checks()
results = check_server(SyncSCIMClient(http))
passed = collections.Counter(result.title for result in results if result.status is Status.SUCCESS)
for title, number in passed.items():
    checks.check(f"scim2-tester by {door}: {title} ({number})", True)
for result in results:
    if result.status is not Status.SUCCESS:
        kind = f" of {result.resource_type}" if result.resource_type else ""
        checks.check(f"scim2-tester by {door}: {result.title}{kind}", False, f"{result.status.name}: {result.reason} {result.data}")
checks.check(f"scim2-tester by {door}: all {len(results)} checks pass", len(results) > 80 and passed.total() == len(results), passed)
checks.end()
