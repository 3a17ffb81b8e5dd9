#!/usr/bin/env bash
# Automatic logoff that locks, with people who sign in at oidc-provider and an application that streams: after a minute
# the session is locked and its WebSocket is cut; its person goes on in it after a fresh sign-in, which the provider's own
# session is not; another person starts clean.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_venv lock 'aiohttp==3.*' 'websockets==15.*'
. "$REAL/oidc-provider/start.sh"
start_oidc_provider
spawn stream "$DIR/venv-lock/bin/python" "$REAL/protocol/server.py" "$STREAM_PORT"
wait_http stream "http://127.0.0.1:$STREAM_PORT/small" 60
configure protocol
# A minute, so that nobody has to wait for long.
# What is asked for goes by the browser, which then leaves the fresh sign-in out of it.
sed -i -e 's/^idle = "15m"/lock = "1m"\nidle = "30m"/' -e 's/^client_id = .*/&\npushed_requests = false/' "$DIR/gateway/leastway.toml"
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow env PYTHONPATH="$REAL/client" "$DIR/venv-lock/bin/python" "$REAL/client/flow_lock.py" "$DIR/gateway/leastway.toml"
stop gateway
check 'the journal verifies' verify
# told : what became of locked sessions, each as the number of the session in the order of sign-ins.
told() {
  events | python3 -c 'import json, sys
openings = [json.loads(line)["opening"] for line in sys.stdin]
order = list(dict.fromkeys(opening["subject"]["session"] for opening in openings if opening.get("subject")))
locks = [opening["lock"] for opening in openings if opening.get("lock")]
print(*[lock["step"] + ":" + str(order.index(lock["session"])) for lock in locks if lock["step"] != "met"])
print(*[opening["revocation"]["cause"] for opening in openings if opening.get("revocation")])'
}
check 'each step is an event, of the one session until another person comes' \
  test "$(told)" = $'unproven:0 unlocked:0\nback-channel-logout other-person'
finish
