"""Events of OCSF against the published schema of the version that they name, with the profiles that they name."""

import collections
import functools
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from told import Checks, events, lines

SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))


@functools.cache
def validator(class_uid, profiles):
    schema = SCHEMA.get_class_schema(SCHEMA.lookup_class_name_from_uid(class_uid), list(profiles))
    return jsonschema.Draft202012Validator(schema)


def faults(event):
    found = validator(event["class_uid"], tuple(sorted(event["metadata"]["profiles"]))).iter_errors(event)
    return [f"{event['class_name']} at {'/'.join(map(str, fault.path))}: {fault.message[:200]}" for fault in found]


def main(journal, written):
    checks = Checks()
    told, written = events(journal), [json.loads(line) for line in lines(written)]
    checks.check("the schema of OCSF 1.8 takes every event", (fault for event in written for fault in faults(event)))
    missing = set(told) - {event["metadata"]["uid"] for event in written}
    checks.check("no event is missing", sorted(missing))
    classes = collections.Counter(event["class_name"] for event in written)
    checks.check(f"the classes: {dict(classes)}", [] if len(classes) >= 3 else [f"only {classes}"])
    damaged = dict(written[0], class_uid=written[0]["class_uid"], odd=True)
    del damaged["time"]
    checks.check("the schema refuses what it should", [] if len(faults(damaged)) >= 2 else ["it takes anything"])
    return checks.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
