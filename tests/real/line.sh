#!/usr/bin/env bash
# Where an export stops, in a browser at the demo's EHR: whole up to the line and nothing beyond it, whole after a
# second factor, and the same in small pages, in a second tab and in a second browser; the patient's own request
# passes. Screenshots are kept.
. "$(dirname "$0")/lib.sh"
need_tools
. "$REAL/browser/start.sh"
rm -rf "$DIR/line"
mkdir -p -m 700 "$DIR/line"
cp "$REAL/config/line/roles.toml" "$DIR/line/"
spawn line "$LEASTWAY" demo --directory "$DIR/line"
wait_http line https://127.0.0.1:8443/ 60
flow browser "$DIR/line/certs/authority.pem" line.mjs https://ehr.localhost:8443 http://127.0.0.1:18080 "$LEASTWAY" demo totp
told() { "$LEASTWAY" audit query --config "$DIR/line/leastway.toml" --json --limit 100000 "$@"; }
# withheld REASON LIMIT ALLOWED : an event says that a reply was withheld for being beyond this.
withheld() {
  told --person registrar --reason "$1" | python3 -c 'import json, sys
limit, allowed = sys.argv[1], int(sys.argv[2])
closings = [event["closing"] for event in map(json.loads, sys.stdin)]
exceeded = [it["exceeded"] for it in closings if it["outcome"] == "withheld"]
beyond = [it for it in exceeded if (it["limit"], it["allowed"]) == (limit, allowed) and it["actual"] > allowed]
sys.exit(not beyond)' "$2" "$3"
}
check 'the list of 101 is an event' withheld records-over-response-limit records_per_response 100
check 'the export of 101 is an event' withheld export-over-request-limit records_per_export 100
check 'the page too many is an event' withheld export-over-window-budget patients_listed_per_hour 150
# number : the events that name the request's number.
number() { told --number ROI-2026/77; }
check 'the event of the patient'\''s request has its number' test "$(number | grep -c '"purpose":"patient_request"')" -ge 1
stop line
check 'the journal verifies' "$LEASTWAY" audit verify --config "$DIR/line/leastway.toml"
finish
