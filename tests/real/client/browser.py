"""A browser without a screen, and a program that talks HTTP: only the standard library.

Every name is 127.0.0.1, and only the authority of the real runs is trusted. What
was sent to Leastway and what came back is remembered, so that it can be compared with the journal.
"""

from __future__ import annotations

import dataclasses
import html.parser
import http.client
import http.cookiejar
import os
import socket
import ssl
import urllib.parse
import urllib.request

GATEWAY_PORT = int(os.environ["GATEWAY_PORT"])
AUTHORITY = os.environ.get("AUTHORITY", f"{os.environ['DIR']}/tls/ca.pem")
TIMEOUT_SECONDS = 20
REDIRECTS_MAX = 15
# A session is bound to the browser in which it was begun.
AGENT = {"User-Agent": "Mozilla/5.0 (real run)"}
NAVIGATION = {
    **AGENT,
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
}


class Connection(http.client.HTTPSConnection):
    """HTTPS to a port of this machine, whatever the name."""

    def connect(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


def tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=AUTHORITY)


@dataclasses.dataclass
class Form:
    action: str
    method: str = "get"
    fields: dict[str, str] = dataclasses.field(default_factory=dict)


class Page(html.parser.HTMLParser):
    """The forms and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("input", "button") and "name" in found and self.forms:
            self.forms[-1].fields.setdefault(found["name"], found.get("value", ""))


@dataclasses.dataclass
class Reply:
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    hops: list[str]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        return self.headers.get("X-Leastway-Reason", "")

    @property
    def page(self) -> Page:
        return Page(self.text)

    @property
    def is_ours(self) -> bool:
        """Whether it came from the gateway's port rather than a provider's."""
        return urllib.parse.urlsplit(self.url).port == GATEWAY_PORT

    def __str__(self) -> str:
        shown = " ".join(self.text.split())[:160]
        return f"{self.status} {self.reason or '-'} from {self.url.split('?')[0]}: {shown}"


class Browser:
    """Cookies, redirects and forms. `journeys` counts what was sent to the gateway."""

    def __init__(self) -> None:
        self.cookies = http.cookiejar.CookieJar()
        self.sent_to_gateway = 0
        self.request_ids: list[str] = []
        self._tls = tls()

    def request(self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """One request, and its reply as it is."""
        parts = urllib.parse.urlsplit(url)
        carrier = urllib.request.Request(url, body, {**AGENT, **(headers or {})}, method=method)
        self.cookies.add_cookie_header(carrier)
        connection = Connection(parts.hostname, parts.port or 443, timeout=TIMEOUT_SECONDS, context=self._tls)
        try:
            target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
            sent = {name: value for name, value in carrier.header_items()}
            if parts.port == GATEWAY_PORT:
                self.sent_to_gateway += 1
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            reply = Reply(url, response.status, response.headers, response.read(), [])
            self.cookies.extract_cookies(response, carrier)
        finally:
            connection.close()
        if parts.port == GATEWAY_PORT:
            self.request_ids.append(reply.headers.get("X-Request-Id", ""))
        return reply

    def follow(self, reply: Reply) -> Reply:
        """Goes where the reply leads, as a browser does."""
        hops = []
        while reply.status in (301, 302, 303, 307) and reply.headers.get("Location"):
            if len(hops) == REDIRECTS_MAX:
                raise RuntimeError("a loop: " + " → ".join(hop.split("?")[0] for hop in hops))
            url = urllib.parse.urljoin(reply.url, reply.headers["Location"])
            hops.append(url)
            reply = self.request("GET", url, headers=NAVIGATION)
        reply.hops = hops
        return reply

    def open(self, url: str) -> Reply:
        """A person opens an address."""
        return self.follow(self.request("GET", url, headers=NAVIGATION))

    def submit(self, url: str, fields: dict[str, str]) -> Reply:
        """A person sends a form of a page of the same origin."""
        parts = urllib.parse.urlsplit(url)
        headers = {
            **NAVIGATION,
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Sec-Fetch-Site": "same-origin",
        }
        return self.follow(self.request("POST", url, urllib.parse.urlencode(fields).encode(), headers))

    def fetch(self, url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
        """A program asks, or a script of a page does: no redirect is followed."""
        return self.request(method, url, body, {"Accept": "application/json", "Sec-Fetch-Mode": "cors", **headers})

    def take_the_way(self, reply: Reply, path: str) -> Reply:
        """Follows the form or link of a page that leads to one of our own paths."""
        for form in reply.page.forms:
            if form.action.startswith(path):
                return self.submit(urllib.parse.urljoin(reply.url, form.action), form.fields)
        for link in reply.page.links:
            if link.startswith(path):
                return self.open(urllib.parse.urljoin(reply.url, link))
        raise RuntimeError(f"no way to {path} on: {reply}")

    def cookie(self, name: str) -> http.cookiejar.Cookie | None:
        return next((cookie for cookie in self.cookies if cookie.name == name), None)


def raw(
    host: str,
    target: bytes,
    cookie: str = "",
    method: bytes = b"GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """One request whose target is sent byte by byte as given, which no HTTP library would do."""
    head = [method + b" " + target + b" HTTP/1.1", f"Host: {host}:{GATEWAY_PORT}".encode(), b"Accept: */*"]
    if cookie:
        head.append(f"Cookie: {cookie}".encode())
    head.extend(f"{name}: {value}".encode() for name, value in {**AGENT, **(headers or {})}.items())
    if body is not None:
        head.append(f"Content-Length: {len(body)}".encode())
    head.append(b"Connection: close")
    with socket.create_connection(("127.0.0.1", GATEWAY_PORT), TIMEOUT_SECONDS) as plain:
        with tls().wrap_socket(plain, server_hostname=host) as stream:
            stream.sendall(b"\r\n".join(head) + b"\r\n\r\n" + (body or b""))
            response = http.client.HTTPResponse(stream, method=method.decode())
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read()
