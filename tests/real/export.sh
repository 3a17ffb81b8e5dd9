#!/usr/bin/env bash
# Events handed on to Debian's rsyslog over TLS with certificates on both sides, to webhooks that PyPI's standardwebhooks
# verifies, and to a file, while receivers fail, are killed and come back, and the gateway is killed in between: each event
# arrives at least once, in order; what the webhook's receiver refuses is kept. The same rsyslog notes the journal's checkpoints.
. "$(dirname "$0")/lib.sh"
need_tools
need_apt rsyslog rsyslog-openssl
need_certificates
need_venv export 'standardwebhooks==1.*'
. "$REAL/export/rsyslog.sh"
SYSLOG_PORT=9864 WEBHOOK_PORT=9865 WITNESS_PORT=9866
OUT="$DIR/export"
rm -rf "$OUT"
mkdir -p "$OUT"

client_pem leastway "$OUT"

rsyslog_conf "$OUT" >"$OUT/rsyslog.conf"
cat >>"$OUT/rsyslog.conf" <<RSYSLOG
input(type="imtcp" address="127.0.0.1" port="$SYSLOG_PORT")
action(type="omfile" file="$OUT/syslog" template="line")
ruleset(name="witness") { action(type="omfile" file="$OUT/witness" template="line") }
input(type="imtcp" address="127.0.0.1" port="$WITNESS_PORT" ruleset="witness" streamDriver.name="ossl" streamDriver.mode="1"
  streamDriver.authMode="anon")
RSYSLOG
receive_syslog() { spawn rsyslog rsyslogd -n -f "$OUT/rsyslog.conf" -i "$OUT/rsyslog.pid"; }
SECRET='whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
receive_webhooks() { spawn webhook "$DIR/venv-export/bin/python" "$REAL/export/receiver.py" "$WEBHOOK_PORT" "$SECRET" "$OUT"; }

configure oidc-provider
(umask 077 && printf '%s\n' "$SECRET" >"$DIR/gateway/secrets/webhook")
cp "$OUT/leastway.pem" "$DIR/gateway/certs/export.pem"
install -m 600 "$OUT/leastway.key" "$DIR/gateway/certs/export.key"
cat >>"$DIR/gateway/leastway.toml" <<EXPORTS

[export.siem]
to = "syslog+tls://localhost:$SYSLOG_PORT"
authorities = "file:certs/authority.pem"
from = "start"

[export.siem.client_certificate]
chain = "certs/export.pem"
key = "file:certs/export.key"

[export.hook]
to = "http://127.0.0.1:$WEBHOOK_PORT/leastway"
as = "webhook"
secret = "file:secrets/webhook"
from = "start"
batch = 20
timeout = "2s"
refused = "$OUT/refused.ndjson"

[export.file]
to = "file:$OUT/events.ndjson"
from = "start"

[[journal.witness]]
name = "rsyslog"
syslog = "tcp+tls://localhost:$WITNESS_PORT"
authorities = "file:certs/authority.pem"
every = "2s"
EXPORTS
unlimited
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"

# ask NUMBER PATH : so many requests of nobody, each an event.
ask() { seq "$1" | xargs -P 4 -I{} curl -ks -o /dev/null "https://pacs.localhost:$GATEWAY_PORT$2?n={}" --resolve "pacs.localhost:$GATEWAY_PORT:127.0.0.1"; }
status() { "$LEASTWAY" export status --config "$DIR/gateway/leastway.toml" "$@"; }
# caught_up SECONDS : every export has handed all on. A batch that was refused takes several questions, and some of them fail.
caught_up() {
  local i
  for ((i = 0; i < $1 * 2; i++)); do
    status --json 2>/dev/null >"$OUT/status" && [ "$(grep -c '"lag_entries":0' "$OUT/status")" = 3 ] && return 0
    sleep 0.5
  done
  cat "$OUT/status"
  return 1
}
# is_reached NAME : whatever else the doctor finds, such as a provider that does not run here.
is_reached() { { "$LEASTWAY" doctor --config "$DIR/gateway/leastway.toml" || true; } | grep -E "^OK +export $1: "; }

receive_syslog
receive_webhooks
serve
ask 150 /studies
check 'all is handed on while a receiver fails now and then' caught_up 60
check 'the doctor reaches rsyslog by TLS with our certificate' is_reached siem
check 'the doctor reaches the webhook' is_reached hook

stop rsyslog KILL
stop webhook KILL
ask 150 /series
check 'without receivers it says so, and goes on' test "$(status | grep -c ' behind')" -ge 2
check 'and is ready' curl -fsS "http://127.0.0.1:$CONTROL_PORT/readyz"
stop gateway KILL
receive_syslog
serve
ask 20 /patients
receive_webhooks
ask 10 /refuse-me
ask 50 /instances
check 'after a kill of all of them all is handed on' caught_up 180
# What was written by syslog counts as taken after ten seconds, or when the connection is closed and was read.
stop gateway
serve
ask 30 /studies
check 'and after an orderly restart' caught_up 60
stop gateway
stop rsyslog
stop webhook
check 'the journal verifies' verify
events >"$OUT/events"
key=$(tail -n 1 "$DIR/gateway/data/journal/checkpoint.keys")
witnessed() {
  "$LEASTWAY" audit verify --journal "$DIR/gateway/data/journal" --checkpoint "$OUT/witness" --key "$key" |
    grep -E 'witnessed +[1-9][0-9]* checkpoints fit'
}
check 'and is the one that rsyslog has noted' witnessed
check 'each event arrived at least once, in one order everywhere, and what was refused is kept' \
  python3 "$REAL/export/arrived.py" "$OUT"
fails_and_verifies() { grep -q '^500' "$OUT/webhook.log" && grep -q '^429' "$OUT/webhook.log" && grep -q '^broken' "$OUT/webhook.log" && ! grep -q '^401' "$OUT/webhook.log"; }
check 'the receiver failed in each way, and found no signature forged' fails_and_verifies
holds_no_secret() { ! grep -rqE 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' "$DIR/log/gateway.log" "$OUT/events" "$DIR/gateway/data"; }
check 'no log, event or store holds the secret' holds_no_secret
finish
