#!/usr/bin/env bash
# An emergency at the bedside, in a browser with scripts switched off and by the keyboard alone, at the demo's EHR: a nurse who
# has nothing to do with a patient says why, has that one chart open, and ends it. It is an event, and somebody else reviews it.
# Screenshots are kept.
. "$(dirname "$0")/lib.sh"
need_tools
. "$REAL/browser/start.sh"
rm -rf "$DIR/break-glass"
spawn break-glass "$LEASTWAY" demo --directory "$DIR/break-glass"
wait_http break-glass https://127.0.0.1:8443/ 60
# Charts are for whoever cares for the patient; taken over while it runs.
python3 - "$DIR/break-glass/roles.toml" <<'PY'
import pathlib, sys
file = pathlib.Path(sys.argv[1])
before, nurse, after = file.read_text().partition("[role.nurse]\n")
for was, now in [
    ('purposes = ["treatment"]', 'purposes = ["treatment"]\nbreak_glass = true'),
    ('categories = ["demographics", "schedule", "clinical"]', 'categories = ["demographics", "schedule"]'),
    ('actions = ["create"]', 'actions = ["view", "create"]'),
]:
    assert was in after, was
    after = after.replace(was, now, 1)
file.write_text(before + nurse + after)
PY
printf '\n[break_glass]\nmemory = "0s"\n' >>"$DIR/break-glass/leastway.toml"
sleep 5
flow browser "$DIR/break-glass/certs/authority.pem" break-glass.mjs https://ehr.localhost:8443

leastway() { "$LEASTWAY" "$@" --config "$DIR/break-glass/leastway.toml"; }
# events FILTER... : the newest first.
events() { leastway audit query --json --limit 1000 "$@"; }
check 'the one chart was opened by the rule for an emergency, under its purpose' sh -c \
  'events=$(cat); echo "$events" | grep -q "\"purpose\":\"break_glass\"" && echo "$events" | grep -q "/break-glass\""' < <(events --route chart.open)
steps() { events --oldest-first | python3 -c 'import json, sys; print(*[told["step"] for event in map(json.loads, sys.stdin) if (told := event["opening"].get("break_glass")) and told["step"] in ("started", "ended")])'; }
check 'that it began and ended are events' test "$(steps)" = 'started ended'
check 'what the nurse wrote is in no file in clear' sh -c '! grep -rqa "crash in bay four" "$1/data" "$2/log/break-glass.log"' _ "$DIR/break-glass" "$DIR"
leastway break-glass list >"$DIR/log/breaks"
check 'it waits for its review' grep -q nurse "$DIR/log/breaks"
id=$(leastway break-glass list --json | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["id"])')
check 'nobody reviews their own' sh -c '! "$@"' _ "$LEASTWAY" break-glass review "$id" --state triaged --reviewer nurse --config "$DIR/break-glass/leastway.toml"
check 'somebody looks at it' leastway break-glass review "$id" --state triaged --reviewer privacy-officer
check 'and settles it' leastway break-glass review "$id" --state closed --finding justified --note 'on the rota that night' --reviewer privacy-officer
check 'the register tells of it' sh -c 'grep -q "The patient cannot wait.*privacy-officer"' < <(leastway report break-glass --format csv)
stop break-glass
check 'the journal verifies' leastway audit verify
finish
