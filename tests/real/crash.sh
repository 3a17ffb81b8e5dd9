#!/usr/bin/env bash
# Leastway is killed again and again under load: every reply that had begun has its opening entry.
#
#   KILLS   how often: 25 by default; a thousand takes half an hour.
. "$(dirname "$0")/lib.sh"
KILLS=${KILLS:-25}
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider
unlimited
serve
cookie=$(client session.py nurse "https://pacs.localhost:$GATEWAY_PORT/system")
: >"$DIR/received"
spawn load python3 "$REAL/client/load.py" "$DIR/received" "$cookie"
for ((round = 1; round <= KILLS; round++)); do
  # Never at the same place: 50 to 650 ms after it is ready; and now and then while it is still at its start.
  if ((round % 10 == 0)); then
    spawn gateway "$LEASTWAY" serve --config "$DIR/gateway/leastway.toml"
    sleep "0.0$((RANDOM % 90 + 10))"
  else
    sleep "$(printf '0.%03d' "$((RANDOM % 600 + 50))")"
  fi
  kill -s KILL "$(pid_of gateway)"
  while kill -0 "$(pid_of gateway)" 2>/dev/null; do sleep 0.01; done
  rm -f "$DIR/run/gateway.pid"
  ((round % 10 == 9 && round < KILLS)) || serve
done
stop load
check "after $KILLS kills it still serves whoever was signed in" \
  curl -sf --cacert "$DIR/tls/ca.pem" -A 'Mozilla/5.0 (real run)' -H "Cookie: $cookie" -o /dev/null "https://pacs.localhost:$GATEWAY_PORT/system"
stop gateway
check "the journal verifies after $KILLS kills" verify
cut -d' ' -f1 "$DIR/received" >"$DIR/sent"
check 'replies came between the kills' test "$(wc -l <"$DIR/sent")" -gt "$((KILLS * 5))"
check 'signed-in people were among them' grep -q ' 200$' "$DIR/received"
events >"$DIR/events"
flow client compare.py "$DIR/sent" --received <"$DIR/events"
unknown() { test "$(grep -vc '"closing"' "$DIR/events")" -ge "$1"; }
check 'what was under way is there as well, its outcome unknown' unknown 1
printf '         %s kills, %s replies, %s events, %s of them without an end\n' \
  "$KILLS" "$(wc -l <"$DIR/sent")" "$(wc -l <"$DIR/events")" "$(grep -vc '"closing"' "$DIR/events")"
finish
