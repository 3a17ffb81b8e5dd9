"""Asks the gateway without a pause until it is told to end, over kept connections, whatever happens to them.

usage: load.py RECEIVED_FILE COOKIE
Appends the id of every reply whose head has come. Half of the requests are those of a person who is
signed in, half those of nobody. Ends on SIGTERM.
"""

from __future__ import annotations

import http.client
import signal
import sys
import threading

from browser import AGENT, GATEWAY_PORT, Connection, tls

THREADS = 8
TARGETS = ["/system", "/patients", "/statistics", "/app/explorer.html"]

ends = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ends.set())
received = open(sys.argv[1], "a", buffering=1)  # a line is written whole
lock = threading.Lock()
context = tls()


def one(number: int) -> None:
    headers = {**AGENT, "Accept": "application/json"}
    if number % 2 == 0 and sys.argv[2]:
        headers["Cookie"] = sys.argv[2]
    connection, turn = None, number
    while not ends.is_set():
        try:
            if connection is None:
                connection = Connection("pacs.localhost", GATEWAY_PORT, timeout=10, context=context)
            connection.request("GET", TARGETS[turn % len(TARGETS)], headers=headers)
            response = connection.getresponse()
            with lock:
                received.write(f"{response.headers.get('X-Request-Id', 'none')} {response.status}\n")
            response.read()
            turn += 1
        except (OSError, http.client.HTTPException):
            # The gateway was killed: begin again.
            if connection is not None:
                connection.close()
            connection = None
            ends.wait(0.02)


threads = [threading.Thread(target=one, args=(number,)) for number in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
