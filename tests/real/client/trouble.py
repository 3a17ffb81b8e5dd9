"""Applications in trouble, each on a port of its own, on loopback.

  9850  takes a request and never answers
  9851  promises 1,000 bytes, sends 100 and closes
  9852  answers with what is no HTTP
"""

from __future__ import annotations

import socketserver
import threading
import time


class Trouble(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(60)
        try:
            if self.request.recv(65_536):
                self.answer()
        except OSError:
            pass

    def answer(self) -> None:
        raise NotImplementedError


class Hangs(Trouble):
    def answer(self) -> None:
        time.sleep(60)


class Breaks(Trouble):
    def answer(self) -> None:
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
        time.sleep(0.2)


class Garbles(Trouble):
    def answer(self) -> None:
        self.request.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


for port, handler in ((9850, Hangs), (9851, Breaks), (9852, Garbles)):
    threading.Thread(target=Server(("127.0.0.1", port), handler).serve_forever).start()
