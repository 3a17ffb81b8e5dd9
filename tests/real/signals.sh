#!/usr/bin/env bash
# Shared Signals from a transmitter on jose, pushed and polled, about people who sign in at oidc-provider: a revoked session
# is out within a second, with a WebSocket and a download of 1 GiB under way; whose account is disabled cannot sign in
# until it is enabled, not even after a restart; what does not hold is refused with its code.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_venv lock 'aiohttp==3.*' 'websockets==15.*'
. "$REAL/oidc-provider/start.sh"
. "$REAL/signals/start.sh"
start_oidc_provider
start_transmitter
spawn stream "$DIR/venv-lock/bin/python" "$REAL/protocol/server.py" "$STREAM_PORT"
wait_http stream "http://127.0.0.1:$STREAM_PORT/small" 60
configure protocol
(umask 077 && printf 'push-token-of-the-real-runs-of-leastway' >"$DIR/gateway/secrets/push-token" \
  && printf 'poll-token-of-the-real-runs-of-leastway' >"$DIR/gateway/secrets/poll-token")
cat >>"$DIR/gateway/leastway.toml" <<SIGNALS

[provider.signals]
issuer = "https://localhost:$SIGNALS_PORT"
audience = "https://localhost"
token = "file:secrets/push-token"
poll = "https://localhost:$SIGNALS_PORT/poll"
poll_every = "1s"
transmitter_token = "file:secrets/poll-token"
stream = "stream-1"
SIGNALS
unlimited
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
python() { env PYTHONPATH="$REAL/client" "$DIR/venv-lock/bin/python" "$REAL/client/flow_signals.py" "$@"; }
flow python first
stop gateway
serve
flow python after-restart
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
# told : what was done about each signal, and on whose word sessions ended.
told() {
  python3 -c 'import collections, json, sys
openings = [json.loads(line)["opening"] for line in sys.stdin]
signals = collections.Counter(opening["signal"]["step"] for opening in openings if opening.get("signal"))
print(*[step + ":" + str(number) for step, number in sorted(signals.items())])
print(*[opening["revocation"]["cause"] for opening in openings if opening.get("revocation")])' <"$DIR/events"
}
check 'each signal is an event, and each ending has its cause' \
  test "$(told)" = $'carried-out:7 nobody-meant:1 not-acted-on:1 refused:4 taken-before:1\ncaep-session-revoked risc-account-disabled caep-credential-change'
holds_no_secret() { ! grep -rqE '(push|poll)-token-of-the-real-runs' "$DIR/log/gateway.log" "$DIR/events" "$DIR/gateway/data"; }
check 'no log, event or store holds a token' holds_no_secret
finish
