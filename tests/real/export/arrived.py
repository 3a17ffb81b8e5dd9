"""Whether all arrived: each event at least once, the first times in the same order everywhere.

arrived.py FOLDER: FOLDER/events are the journal's, FOLDER/events.ndjson the file's, FOLDER/syslog what rsyslog wrote,
FOLDER/webhook what the receiver took, FOLDER/refused.ndjson what it refused. Prints how many, or what is wrong.
"""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])


def lines(name):
    return [line for line in (folder / name).read_text().split("\n") if line]


def once(identifiers):
    return list(dict.fromkeys(identifiers))


def of_syslog(line):
    head, _, message = line.partition(" {")
    time, host, program, kind, data = head.split(" ", 4)
    assert program == "leastway" and "sequenceId=" in data and 'software="leastway"' in data, line
    event = json.loads("{" + message)
    assert event["opening"]["kind"] == kind and event["opening"]["time"] == time and event["node"] == host, line
    return event["opening"]["event"]


journal = {json.loads(line)["opening"]["event"] for line in lines("events")}
file = once(json.loads(line)["opening"]["event"] for line in lines("events.ndjson"))
whole = [line.replace("\ufeff", "") for line in lines("syslog") if line.endswith("}")]
assert len(lines("syslog")) - len(whole) <= 1, "rsyslog was killed once, and can have left half a line once"
syslog = once(map(of_syslog, whole))
refused = [json.loads(line)["event"] for line in lines("refused.ndjson")]
webhook = once(lines("webhook"))

# What the gateway writes while it is asked and stopped comes after what was handed on.
assert len(journal - set(file)) <= 5, f"{len(journal - set(file))} events are not in the file"
assert file == syslog[: len(file)] or syslog == file[: len(syslog)], "the file and syslog differ"
assert abs(len(file) - len(syslog)) <= 5, (len(file), len(syslog))
assert refused and not set(refused) & set(webhook), refused
expected = [event for event in file if event not in set(refused)]
assert webhook == expected[: len(webhook)] and len(expected) - len(webhook) <= 5, "the webhook differs"
print(f"{len(file)} events arrived everywhere, {len(refused)} were refused by the webhook and kept")
