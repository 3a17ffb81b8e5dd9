"""Signs somebody in at oidc-provider and prints the session's cookie as a request carries it.

usage: session.py USERNAME URL
"""

from __future__ import annotations

import sys

from browser import Browser
from people import person
from providers import PROVIDERS, sign_in

browser = Browser()
page = sign_in(PROVIDERS["oidc-provider"], browser, person(sys.argv[1]), sys.argv[2])
cookie = browser.cookie("__Host-leastway")
if page.status != 200 or cookie is None:
    sys.exit(f"{sys.argv[1]} could not sign in: {page}")
print(f"{cookie.name}={cookie.value}")
