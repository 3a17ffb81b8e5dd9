#!/usr/bin/env bash
# Leastway is killed twenty times under load: every reply that had begun has its opening entry.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider
unlimited
serve
KILLS=20
cookie=$(client session.py nurse "https://pacs.localhost:$GATEWAY_PORT/system")
: >"$DIR/received"
spawn load python3 "$REAL/client/load.py" "$DIR/received" "$cookie"
for ((round = 1; round <= KILLS; round++)); do
  # Never at the same place: 0.3 to 1.2 seconds into the load.
  sleep "0.$((RANDOM % 9 + 3))"
  kill -s KILL "$(pid_of gateway)"
  while kill -0 "$(pid_of gateway)" 2>/dev/null; do sleep 0.01; done
  rm -f "$DIR/run/gateway.pid"
  serve
done
stop load
check "after $KILLS kills it still serves whoever was signed in" \
  curl -sf --cacert "$DIR/tls/ca.pem" -A 'Mozilla/5.0 (real run)' -H "Cookie: $cookie" -o /dev/null "https://pacs.localhost:$GATEWAY_PORT/system"
stop gateway
check "the journal verifies after $KILLS kills" verify
cut -d' ' -f1 "$DIR/received" >"$DIR/sent"
check 'replies came between the kills' test "$(wc -l <"$DIR/sent")" -gt 200
check 'signed-in people were among them' grep -q ' 200$' "$DIR/received"
events >"$DIR/events"
flow client compare.py "$DIR/sent" --received <"$DIR/events"
unknown() { test "$(grep -vc '"closing"' "$DIR/events")" -ge "$1"; }
check 'what was under way is there as well, its outcome unknown' unknown 1
finish
