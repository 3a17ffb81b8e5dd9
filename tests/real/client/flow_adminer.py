"""Adminer behind Leastway: people work, and no way of Adminer's gets a table out.

usage: flow_adminer.py SENT_FILE
"""

from __future__ import annotations

import dataclasses
import gzip
import http.client
import os
import pathlib
import re
import socket
import sys
import time
import urllib.parse

from browser import AGENT, GATEWAY_PORT, Browser, Connection, Reply, raw, tls
from checks import Checks
from people import person
from providers import PROVIDERS, sign_in, step_up

ADMINER_PORT = int(os.environ["ADMINER_PORT"])
HOST = "localhost"
AT = f"https://{HOST}:{GATEWAY_PORT}"
SERVER = f"127.0.0.1:{os.environ['POSTGRES_PORT']}"
CONSOLE = f"/adminer/?pgsql={urllib.parse.quote(SERVER)}&username=postgres&db=clinicdb&ns=public"
# A person of the second page of any list: who sees this one has not only looked.
FAR = "Test Patient 4321"
SIGN_IN = {
    "auth[driver]": "pgsql",
    "auth[server]": SERVER,
    "auth[username]": "postgres",
    "auth[password]": "any",
    "auth[db]": "clinicdb",
}
DUMP = {"format": "csv", "table_style": "", "data_style": "INSERT", "tables[]": "patient", "data[]": "patient"}
URL_ENCODED = "application/x-www-form-urlencoded"

checks = Checks()
provider = PROVIDERS["oidc-provider"]
browsers: list[Browser] = []
raw_ids: list[str] = []


@dataclasses.dataclass
class Way:
    """One way in which Adminer gives many records away."""

    sentence: str
    target: str
    form: dict[str, str] | None = None
    media_type: str = URL_ENCODED

    def body(self, token: str) -> bytes | None:
        if self.form is None:
            return None
        fields = {**self.form, "token": token}
        if self.media_type == URL_ENCODED:
            return urllib.parse.urlencode(fields).encode()
        parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        return ("".join(parts) + "--b--\r\n").encode()


MULTIPART = "multipart/form-data; boundary=b"
SELECT = f"{CONSOLE}&select=patient"
WAYS = [
    Way("a dump shown in the page, no attachment", f"{CONSOLE}&dump=", {**DUMP, "output": "text"}),
    Way("a dump as a file", f"{CONSOLE}&dump=", {**DUMP, "output": "file"}),
    Way("a dump as a compressed file", f"{CONSOLE}&dump=", {**DUMP, "output": "gz"}),
    Way("a dump as SQL", f"{CONSOLE}&dump=", {**DUMP, "output": "text", "format": "sql"}),
    Way("a dump, told by a multipart form", f"{CONSOLE}&dump=", {**DUMP, "output": "text"}, MULTIPART),
    Way("a dump whose key is an array", f"{CONSOLE}&dump[]=", {**DUMP, "output": "text"}),
    Way("a dump whose key is encoded", f"{CONSOLE}&%64ump=", {**DUMP, "output": "text"}),
    Way("a dump whose key has a blank in front", f"{CONSOLE}&%20dump=", {**DUMP, "output": "text"}),
    Way("a dump beside looking", f"{SELECT}&dump=", {**DUMP, "output": "text"}),
    Way("a dump by the name of the script", CONSOLE.replace("/adminer/", "/adminer/index.php") + "&dump=", {**DUMP, "output": "text"}),
    Way("a dump behind the script", CONSOLE.replace("/adminer/", "/adminer/index.php/x") + "&dump=", {**DUMP, "output": "text"}),
    Way("a dump at a place that is not there", CONSOLE.replace("/adminer/", "/adminer/none/x") + "&dump=", {**DUMP, "output": "text"}),
    Way("an export of all rows from the page of a table", SELECT, {"export": "1", "all": "1", "output": "text", "format": "csv"}),
    Way("the same, with an array for a key", SELECT, {"export[]": "1", "all": "1", "output": "text", "format": "csv"}),
    Way("the same, saying that it saves too", SELECT, {"export": "1", "all": "1", "save": "", "output": "text", "format": "csv"}),
    Way("every row on one page", f"{SELECT}&limit="),
    Way("five thousand rows on one page", f"{SELECT}&limit=5000"),
    Way("two limits, of which PHP takes the last", f"{SELECT}&limit=50&limit=5000"),
    Way("a query", f"{CONSOLE}&sql=", {"query": "select * from patient order by id", "limit": ""}),
    Way("a query's export", f"{CONSOLE}&sql=", {"query": "select * from patient order by id", "export": "1", "output": "text", "format": "csv"}),
    Way("one field as a file", f"{CONSOLE}&download=patient&field=name&where%5Bid%5D=4321"),
]


class Direct:
    """Adminer itself, without Leastway."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.ask("/adminer/", urllib.parse.urlencode(SIGN_IN).encode(), URL_ENCODED)
        self.token = token_of(self.ask(SELECT))

    def ask(self, target: str, body: bytes | None = None, media_type: str = "") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", ADMINER_PORT, timeout=20)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = media_type
        connection.request("GET" if body is None else "POST", target, body, headers)
        response = connection.getresponse()
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        content = response.read()
        connection.close()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return content.decode("utf-8", "replace")


def token_of(page: str) -> str:
    found = re.search(r"name=[\"']token[\"'] value=[\"']([^\"']+)", page)
    return found.group(1) if found else ""


def plain(page: str) -> str:
    """A page without the tags that Adminer puts around what it shows."""
    return re.sub(r"<[^>]*>", "", page)


def at_adminer(username: str) -> tuple[Browser, str]:
    """Signs somebody in, at Leastway and at the database; gives the token of Adminer's forms."""
    own = Browser()
    browsers.append(own)
    page = sign_in(provider, own, person(username), f"{AT}/adminer/")
    checks.check(f"the {username} meets Adminer's own sign-in", page.status == 200 and "auth[server]" in page.text, page)
    tables = own.submit(f"{AT}/adminer/", {**SIGN_IN})
    checks.check(f"the {username} signs in at the database", tables.status == 200 and "patient" in tables.text, tables)
    return own, token_of(own.open(f"{AT}{SELECT}").text)


def looking_works(nurse: Browser) -> None:
    listed = nurse.open(f"{AT}{SELECT}")
    shown = len(re.findall(r"Test Patient \d+", plain(listed.text)))
    checks.check("a table is looked at, 50 rows at a time", listed.status == 200 and shown == 50, (listed, shown))
    second = nurse.open(f"{AT}{SELECT}&page=1&order%5B0%5D=id")
    checks.check("its next page too", "Test Patient 51" in plain(second.text), second)
    found = nurse.open(f"{AT}{SELECT}&where%5B0%5D%5Bcol%5D=mrn&where%5B0%5D%5Bop%5D=%3D&where%5B0%5D%5Bval%5D=LW7")
    checks.check("somebody is found", plain(found.text).count("Test Patient") == 1, found)
    row = nurse.open(f"{AT}{CONSOLE}&edit=patient&where%5Bid%5D=7")
    checks.check("a row is opened", row.status == 200 and "Test Patient 7" in row.text, row)
    columns = nurse.open(f"{AT}{CONSOLE}&table=patient")
    checks.check("the columns of a table are shown", columns.status == 200 and "integer" in columns.text, columns)
    links = re.findall(r"(?:href|src)=[\"']([^\"'?]+\.(?:css|js))", listed.text)
    parts = [nurse.fetch(urllib.parse.urljoin(f"{AT}/adminer/", link), Accept="*/*") for link in set(links)]
    checks.check(f"the page has its {len(parts)} styles and scripts", len(parts) > 3 and all(part.status == 200 for part in parts), parts)


def no_way_gets_a_table_out(nurse: Browser, token: str) -> None:
    direct = Direct()
    for way in WAYS:
        itself = plain(direct.ask(way.target, way.body(direct.token), way.media_type))
        checks.check(f"Adminer itself gives it: {way.sentence}", FAR in itself, itself)
        reply = send(nurse, way, token)
        refused = 400 <= reply.status < 500 and reply.reason and FAR not in plain(reply.text)
        checks.check(f"Leastway lets none out: {way.sentence}", refused, reply)


def send(own: Browser, way: Way, token: str) -> Reply:
    body = way.body(token)
    headers = {"Content-Type": way.media_type, "Origin": AT, "Sec-Fetch-Site": "same-origin"} if body is not None else {}
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in own.cookies if cookie.domain.startswith(HOST))
    if " " in way.target or "[" in way.target:
        status, found, text = raw(HOST, way.target.encode(), cookies, b"GET" if body is None else b"POST", headers, body)
        raw_ids.append(found.get("x-request-id", ""))
        carried = http.client.HTTPMessage()
        for name, value in found.items():
            carried[name] = value
        return Reply(f"{AT}{way.target}", status, carried, text, [])
    return own.request("GET" if body is None else "POST", f"{AT}{way.target}", body, headers)


def exports_take_a_second_factor(archivist: Browser, token: str) -> None:
    way = WAYS[1]
    before = send(archivist, way, token)
    checks.check("whoever may export is asked for a second factor", before.reason == "acr-insufficient", before)
    page = step_up(provider, archivist, person("archivist"), f"{AT}{SELECT}&limit=5000")
    checks.check("with it, every row is shown", page.status == 200 and FAR in plain(page.text), page)
    direct = Direct()
    whole = send(archivist, way, token)
    same = whole.text == direct.ask(way.target, way.body(direct.token), way.media_type)
    checks.check("and a dump comes as Adminer sends it, to the last row", same and whole.text.count("Test Patient") == 5000, whole)


def dump_of(table: str, output: str, form: str) -> Way:
    return Way("", f"{CONSOLE}&dump=", {**DUMP, "tables[]": table, "data[]": table, "output": output, "format": form})


def unpacked(reply: Reply) -> str:
    """What a dump holds, packed as a file or not."""
    return gzip.decompress(reply.body).decode() if reply.body.startswith(b"\x1f\x8b") else reply.text


def undated(dump: str) -> str:
    """A dump of SQL says when it was made."""
    return re.sub(r"(?m)^-- \d{4}-\d\d-\d\d .*$", "", dump)


def dumps_stop_at_the_line(reporter: Browser, token: str) -> None:
    direct = Direct()
    ways = [(output, form) for output in ("text", "file", "gz") for form in ("csv", "csv;", "tsv", "sql")]
    for output, form in ways:
        more = send(reporter, dump_of("more", output, form), token)
        stopped = more.reason == "export-over-request-limit" and "Test Patient" not in unpacked(more)
        checks.check(f"41 rows are withheld: {form}, {output}", stopped, more)
    for output, form in ways:
        way = dump_of("forty", output, form)
        whole = send(reporter, way, token)
        text = unpacked(whole)
        same = undated(text) == undated(direct.ask(way.target, way.body(direct.token), way.media_type))
        is_packed = whole.body.startswith(b"\x1f\x8b") == (output == "gz")
        checks.check(f"40 come as Adminer sends them: {form}, {output}", same and is_packed and text.count("Test Patient") == 40, whole)
    again = send(reporter, dump_of("forty", "file", "csv"), token)
    stopped = again.reason == "export-over-window-budget" and "Test Patient" not in again.text
    checks.check("twelve times forty are the rows of a day", stopped, again)


def editing_works(administrator: Browser, token: str) -> None:
    row = {"fields[id]": "7", "fields[mrn]": "LW7", "fields[name]": "Test Patient 7", "fields[born]": "1940-02-05"}
    saved = administrator.submit(f"{AT}{CONSOLE}&edit=patient&where%5Bid%5D=7", {**row, "fields[note]": "edited", "token": token})
    checks.check("a row is edited", saved.status == 200 and "updated" in saved.text, saved)
    gone = administrator.submit(f"{AT}{SELECT}", {"check[]": "where%5Bid%5D=8", "delete": "1", "token": token})
    checks.check("a row is deleted by nobody", gone.status == 403, gone)
    answer = administrator.submit(f"{AT}{CONSOLE}&sql=", {"query": "select count(*) from patient", "limit": "", "token": token})
    checks.check("a query is run", "5,000" in plain(answer.text) or "5000" in plain(answer.text), answer)
    # Adminer sends the head of its page, then waits for the database: for ever, as it does not read what COPY sends.
    leave_before_the_end(administrator, {"query": "copy patient to stdout", "limit": "", "token": token})
    time.sleep(1)
    after = Browser()
    browsers.append(after)
    page = after.open(f"{AT}/adminer/static/default.css")
    checks.check("whoever leaves a query that does not end leaves nothing behind that hangs", page.status == 200, page)


def leave_before_the_end(own: Browser, form: dict[str, str]) -> None:
    connection = Connection(HOST, GATEWAY_PORT, timeout=20, context=tls())
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in own.cookies if cookie.domain.startswith(HOST))
    fetched = {"Content-Type": URL_ENCODED, "Origin": AT, "Sec-Fetch-Site": "same-origin"}
    headers = {**AGENT, "Cookie": cookies, **fetched}
    connection.request("POST", f"{CONSOLE}&sql=", urllib.parse.urlencode(form).encode(), headers)
    raw_ids.append(connection.getresponse().headers.get("X-Request-Id", ""))
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


nurse, nurses_token = at_adminer("nurse")
looking_works(nurse)
no_way_gets_a_table_out(nurse, nurses_token)
archivist, archivists_token = at_adminer("archivist")
exports_take_a_second_factor(archivist, archivists_token)
reporter, reporters_token = at_adminer("reporter")
dumps_stop_at_the_line(reporter, reporters_token)
administrator, administrators_token = at_adminer("administrator")
editing_works(administrator, administrators_token)
ids = [request_id for each in browsers for request_id in each.request_ids] + raw_ids
checks.check("every reply carries the id of its request", all(ids) and len(set(ids)) == len(ids), len(ids))
pathlib.Path(sys.argv[1]).write_text("\n".join(ids) + "\n")
checks.end()
