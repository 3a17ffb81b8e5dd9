"""How a person signs in at each of the real providers. Each begins where Leastway has sent the person."""

from __future__ import annotations

import json
import os
import urllib.parse

from browser import NAVIGATION, Browser, Reply
from people import Person


class OidcProvider:
    """The sign-in pages of oidc-provider/server.mjs: plain forms."""

    name = "oidc-provider"
    port = int(os.environ["OIDC_PORT"])

    def password(self, browser: Browser, page: Reply, person: Person) -> Reply:
        fields = {"username": person.username, "password": person.password}
        return browser.submit(self._form(page), fields)

    def code(self, browser: Browser, page: Reply, person: Person) -> Reply:
        for code in person.codes():
            reply = browser.submit(self._form(page), {"code": code})
            if "Wrong or used code" not in reply.text:
                return reply
        raise RuntimeError(f"no code of {person.username} is taken")

    def asks_for_code(self, page: Reply) -> bool:
        return self.is_at(page) and "One-time code" in page.text

    def is_at(self, page: Reply) -> bool:
        return urllib.parse.urlsplit(page.url).port == self.port

    @staticmethod
    def _form(page: Reply) -> str:
        for form in page.page.forms:
            if form.action.startswith("/login/"):
                return urllib.parse.urljoin(page.url, form.action)
        raise RuntimeError(f"no sign-in form on: {page}")


class Glewlwyd:
    """Glewlwyd's sign-in page is a script: what it would send is sent here."""

    name = "glewlwyd"
    port = int(os.environ["GLEWLWYD_PORT"])
    api = f"https://localhost:{port}/api"

    def password(self, browser: Browser, page: Reply, person: Person) -> Reply:
        self._post(browser, {"username": person.username, "password": person.password})
        return self._go_on(browser, page)

    def code(self, browser: Browser, page: Reply, person: Person) -> Reply:
        scheme = {"username": person.username, "scheme_type": "otp", "scheme_name": "totp"}
        for code in person.codes():
            if self._post(browser, {**scheme, "value": {"value": code}}, may_fail=True):
                return self._go_on(browser, page)
        raise RuntimeError(f"no code of {person.username} is taken")

    def asks_for_code(self, page: Reply) -> bool:
        asked = self._query(page).get("scope", "")
        return self.is_at(page) and "phi_export" in asked

    def is_at(self, page: Reply) -> bool:
        return urllib.parse.urlsplit(page.url).port == self.port

    def _post(self, browser: Browser, body: dict, may_fail: bool = False) -> bool:
        headers = {"Content-Type": "application/json"}
        reply = browser.request("POST", f"{self.api}/auth", json.dumps(body).encode(), headers)
        if reply.status != 200 and not may_fail:
            raise RuntimeError(f"Glewlwyd refuses: {reply}")
        return reply.status == 200

    def _go_on(self, browser: Browser, page: Reply) -> Reply:
        callback = self._query(page).get("callback_url", "")
        return browser.follow(browser.request("GET", f"{callback}&g_continue", headers=NAVIGATION))

    @staticmethod
    def _query(page: Reply) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


PROVIDERS = {provider.name: provider for provider in (OidcProvider(), Glewlwyd())}


def sign_in(provider, browser: Browser, person: Person, url: str) -> Reply:
    """Opens `url`, signs in with a password where the provider asks for one, and comes back."""
    page = browser.open(url)
    return provider.password(browser, page, person) if provider.is_at(page) else page


def step_up(provider, browser: Browser, person: Person, url: str) -> Reply:
    """Opens `url`, takes the way to a step-up, shows a second factor and comes back."""
    page = browser.open(url)
    if page.is_ours:
        page = browser.take_the_way(page, "/.leastway/step-up")
    # A provider that wants a fresh sign-in asks for the password first.
    if provider.is_at(page) and not provider.asks_for_code(page):
        page = provider.password(browser, page, person)
    return provider.code(browser, page, person) if provider.asks_for_code(page) else page
