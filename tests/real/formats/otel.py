"""Requests of OTLP by OpenTelemetry's own definitions, which refuse fields that they do not know."""

import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from told import Checks, events, lines


def read(line):
    return json_format.Parse(line, ExportLogsServiceRequest())


def refused(line):
    try:
        read(line)
    except json_format.ParseError as error:
        return str(error)
    return None


def main(journal, written):
    checks = Checks()
    told, written = events(journal), lines(written)
    checks.check("OpenTelemetry's definitions read every request", filter(None, map(refused, written)))
    records = [record for line in written for logs in read(line).resource_logs for scope in logs.scope_logs for record in scope.log_records]
    checks.check(f"there is one record for each event: {len(records)}", [] if len(records) == len(told) else [len(told)])
    wrong = []
    for record in records:
        said = {attribute.key: attribute.value for attribute in record.attributes}
        event = told[said["leastway.event.id"].string_value]
        status = event.get("closing", {}).get("status")
        if status is not None and said["http.response.status_code"].int_value != status:
            wrong.append(f"status {status}")
        if not record.event_name or not record.severity_number or not record.time_unix_nano:
            wrong.append(f"no name, severity or time: {record}")
    checks.check("name, severity, time and status are there", wrong)
    damaged = json.dumps({"resourceLogs": [{"odd": 1}]})
    checks.check("the definitions refuse what they should", [] if refused(damaged) else ["they take anything"])
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
