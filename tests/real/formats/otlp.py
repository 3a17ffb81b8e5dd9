"""A receiver of OTLP over HTTP: reads each request by OpenTelemetry's own definitions, which refuse what they do not know.

otlp.py PORT FOLDER
What it took goes to FOLDER/otlp, one request in each line as the definitions write it again; what it answered to FOLDER/otlp.log.
It is busy now and then, as collectors are.
"""

import http.server
import pathlib
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
numbers = iter(range(1, 1 << 30))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/v1/logs" or self.headers["content-type"] != "application/json":
            return self.answer(415, f"{self.path} {self.headers['content-type']}")
        if next(numbers) % 5 == 2:
            return self.answer(429, "busy", ("Retry-After", "1"))
        try:
            request = json_format.Parse(body, ExportLogsServiceRequest())
        except json_format.ParseError as error:
            return self.answer(400, f"{error}")
        # As protobuf, and back: what a collector hands on.
        again = ExportLogsServiceRequest.FromString(request.SerializeToString())
        with (folder / "otlp").open("a", encoding="utf-8") as taken:
            taken.write(json_format.MessageToJson(again, indent=None) + "\n")
        self.answer(200, "took", body=json_format.MessageToJson(ExportLogsServiceResponse()).encode())

    def answer(self, status, why, *headers, body=b""):
        with (folder / "otlp.log").open("a", encoding="utf-8") as log:
            print(status, why, file=log)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
