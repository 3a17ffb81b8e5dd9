#!/usr/bin/env bash
# What a person has typed is not lost when their session ends over it: in a browser, at the demo's EHR. They find it
# after signing in and send it once; a second person at the same browser sees nothing. Screenshots are kept.
. "$(dirname "$0")/lib.sh"
need_tools
. "$REAL/browser/start.sh"
rm -rf "$DIR/hold"
spawn hold "$LEASTWAY" demo --directory "$DIR/hold"
wait_http hold https://127.0.0.1:8443/ 60
# So that nobody has to wait for long; taken over while it runs.
sed -i '/^lock = /d; s/^idle = "4h"/idle = "1m"/' "$DIR/hold/leastway.toml"
sleep 5
flow browser "$DIR/hold/certs/authority.pem" hold.mjs https://ehr.localhost:8443
# steps : what became of what was kept, as auditors see it.
steps() {
  "$LEASTWAY" audit query --config "$DIR/hold/leastway.toml" --json --limit 100000 --oldest-first \
    | python3 -c 'import json, sys; print(*[hold["step"] for event in map(json.loads, sys.stdin) if (hold := event["opening"].get("hold"))])'
}
check 'each step is an event' test "$(steps)" = 'held offered shown offered sent held hidden hidden hidden offered discarded'
check 'no word of it is in the journal, the store or the log' sh -c '! grep -rqaE "stairs tomorrow|seen by nobody" "$1/data" "$2/log/hold.log"' _ "$DIR/hold" "$DIR"
stop hold
check 'the journal verifies' "$LEASTWAY" audit verify --config "$DIR/hold/leastway.toml"
finish
