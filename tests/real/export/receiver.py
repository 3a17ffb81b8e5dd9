"""A receiver of webhooks: verifies each by PyPI's standardwebhooks, and is as unreliable as real ones.

receiver.py PORT SECRET FOLDER: events that it took, one identifier a line, go to FOLDER/webhook; what it answered and why to
FOLDER/webhook.log. It answers 500, 429 and nothing at all now and then, and refuses with 400 a batch that holds a request for
/refuse-me.
"""

import http.server
import json
import pathlib
import sys

from standardwebhooks import Webhook, WebhookVerificationError

port, secret, folder = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
webhook = Webhook(secret)
numbers = iter(range(1, 1 << 30))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        number = next(numbers)
        try:
            events = webhook.verify(body, dict(self.headers.items()))
        except WebhookVerificationError as error:
            return self.answer(401, f"forged: {error}")
        if number % 7 == 2:
            return self.answer(500, "failed")
        if number % 7 == 4:
            return self.answer(429, "busy", ("Retry-After", "1"))
        if number % 7 == 6:
            self.note("broken off")
            return self.connection.close()
        if any(event["opening"].get("path") == "/refuse-me" for event in events):
            return self.answer(400, "refused")
        with (folder / "webhook").open("a") as taken:
            taken.writelines(event["opening"]["event"] + "\n" for event in events)
        self.answer(204, f"took {len(events)}")

    def answer(self, status, why, *headers):
        self.note(f"{status} {why}")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def note(self, text):
        with (folder / "webhook.log").open("a") as log:
            print(text, file=log)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
