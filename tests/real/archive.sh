#!/usr/bin/env bash
# Full segments of a running gateway go into a bucket of PyPI's moto, which checks every signature and enforces object lock, by TLS:
# read back, removed here days later, and asked, verified and fetched from there. The bucket's owner cannot destroy them; the
# server goes away and comes back; what is spoiled where nothing is locked is found; in a folder they end with their retention.
. "$(dirname "$0")/lib.sh"
need_tools
need_apt faketime socat
need_certificates
need_venv archive 'moto[server,s3]==5.2.5' 'boto3==1.44.8'
S3_PORT=9866 MOTO_PORT=9867
OUT="$DIR/archive"
rm -rf "$OUT"
mkdir -p "$OUT/folder"
export FAKETIME_DONT_FAKE_MONOTONIC=1

# storage : the server, which knows nothing of what it had before. After five actions it asks everybody who they are.
storage() {
  spawn moto env INITIAL_NO_AUTH_ACTION_COUNT=5 "$DIR/venv-archive/bin/moto_server" -H 127.0.0.1 -p "$MOTO_PORT" \
    -c "$DIR/tls/server.pem" -k "$DIR/tls/server.key"
  wait_http moto "https://127.0.0.1:$MOTO_PORT/moto-api/" 60
}
# road : the way there, so that it can be closed while the server keeps what it has.
road() { spawn road socat "TCP-LISTEN:$S3_PORT,bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:$MOTO_PORT"; }
bucket() {
  AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET \
    "$DIR/venv-archive/bin/python" "$REAL/archive/bucket.py" "https://localhost:$MOTO_PORT" "$DIR/tls/ca.pem" "$@"
}
KEY=nobody SECRET=nothing
storage
road
read -r KEY SECRET < <(bucket make)

# archived WHERE : a fresh gateway with this archive.
archived() {
  configure oidc-provider
  (umask 077 && printf '%s' "$KEY" >"$DIR/gateway/secrets/s3-account" && printf '%s' "$SECRET" >"$DIR/gateway/secrets/s3-secret")
  printf '\n[journal.archive]\nkeep_local = "2d"\n%s\n' "$1" >>"$DIR/gateway/leastway.toml"
  unlimited
}
in_bucket() {
  cat <<S3
to = "s3://$1/gateway-1"
endpoint = "https://localhost:$S3_PORT"
access_key = "file:secrets/s3-account"
secret_key = "file:secrets/s3-secret"
authorities = "file:certs/authority.pem"
lock = "$2"
S3
}
# witnessed : the same bucket notes checkpoints, under another prefix.
witnessed() {
  printf '\n[[journal.witness]]\nname = "bucket"\nevery = "2s"\nbucket = "s3://journal/witness"\n%s\n' \
    "$(in_bucket journal compliance | tail -n +2)" >>"$DIR/gateway/leastway.toml"
}
CONFIG=(--config "$DIR/gateway/leastway.toml")
# fill NUMBER : so many requests of nobody, each an event of two entries; about 1250 of them fill a segment.
fill() {
  curl -ks -o /dev/null "https://pacs.localhost:$GATEWAY_PORT/studies?n=[1-$1]" --resolve "pacs.localhost:$GATEWAY_PORT:127.0.0.1"
}
# ship : has the full segments indexed and shipped without waiting for their turn; there is at least one.
ship() {
  "$LEASTWAY" audit index "${CONFIG[@]}" && says '^[1-9][0-9]* segments are in the archive' "$("$LEASTWAY" audit archive "${CONFIG[@]}" --now)"
}
# serve_after TIME : the same gateway, so much later.
serve_after() {
  spawn gateway faketime -f "$1" "$LEASTWAY" serve "${CONFIG[@]}"
  wait_http gateway "http://127.0.0.1:$CONTROL_PORT/readyz" 60
}
segments() { find "$DIR/gateway/data/journal" -name '*.segment' | wc -l; }
# until_left NUMBER SECONDS : no more than so many segments are here.
until_left() {
  local i
  for ((i = 0; i < $2 * 4; i++)); do
    [ "$(segments)" -gt "$1" ] || return 0
    sleep 0.25
  done
  tail -5 "$DIR/log/gateway.log"
  return 1
}
says() { grep -qE "$1" <<<"$2" || { printf '%s\n' "$2"; return 1; }; }
metric() { curl -fsS "http://127.0.0.1:$CONTROL_PORT/metrics" | sed -n "s/^leastway_$1 //p"; }

archived "$(in_bucket journal compliance)"
witnessed
check 'the configuration is valid' "$LEASTWAY" validate "${CONFIG[@]}"
doctor() { { "$LEASTWAY" doctor "${CONFIG[@]}" || true; } | grep 'archive'; }
check 'the doctor reaches the bucket, which locks' says 'OK +archive journal at .*locks objects' "$(doctor)"
serve
fill 2800
check 'full segments are shipped, under lock' ship
before=$("$LEASTWAY" audit archive "${CONFIG[@]}")
check 'the archive tells what is there' says '^[2-9] segments are in the archive, 0 wait for it' "$before"
check 'each was an event before it counted' test "$(events | grep -c 'a segment of the journal was archived')" -ge 2
check 'and is told by metrics' test "$(metric journal_archive_segments)" -ge 2
check 'three objects for each, all with versions' test "$(bucket list journal | wc -l)" -ge 6
bucket notes journal >"$OUT/noted"
check 'a witness that is a bucket has noted checkpoints' test "$(bucket list journal | grep -c 'checkpoints/')" -ge 1
check 'against which the journal is held' \
  says 'witnessed +[1-9]' "$("$LEASTWAY" audit verify "${CONFIG[@]}" --checkpoint "$OUT/noted")"
check 'the owner of the bucket destroys none of them' says '^destroyed 0 AccessDenied' "$(bucket destroy journal)"
check 'all are read back and fit' "$LEASTWAY" audit archive "${CONFIG[@]}" --verify

stop road
fill 1600
"$LEASTWAY" audit index "${CONFIG[@]}" >/dev/null
check 'while the server is away nothing is shipped' bash -c "! timeout 8 '$LEASTWAY' audit archive ${CONFIG[*]} --now"
check 'which is told, and the gateway stays ready' says '"failing":true' "$(curl -fsS "http://127.0.0.1:$CONTROL_PORT/readyz")"
check 'with a segment that waits' test "$(metric journal_archive_waiting)" -ge 1
road
check 'when it is back, it is shipped' ship
count=$(events | wc -l)
check 'the journal verifies' verify
stop gateway
all=$(events | wc -l)

here=$(segments)
serve_after +3d
check 'after its time what is archived is removed here' until_left 2 30
check 'each removal was an event before' test "$(events --since 1h 2>/dev/null | grep -c 'an archived segment is removed')" -ge $((here - 2))
stop gateway
serve_after +3d
fill 100
stop gateway
check 'started again, a journal without its beginning verifies' verify
check 'and says what is elsewhere' says 'elsewhere +entries 1 to' "$(verify)"
check 'a question without the archive says what it has not looked at' \
  says 'are in the archive and were not looked at' "$(events 2>&1 >/dev/null)"
printf '\n[export.late]\nto = "file:%s/late.ndjson"\nfrom = "start"\nevery = "100ms"\n' "$OUT" >>"$DIR/gateway/leastway.toml"
serve_after +3d
fill 1
sleep 3
stop gateway
check 'an export that begins too late says what it misses, and where that is' \
  test "$(events 2>/dev/null | grep -cE 'has missed [0-9]+ entries: entries 1 to [0-9]+ were gone.* are in the archive')" -eq 1
check 'and hands on the rest' test "$(wc -l <"$OUT/late.ndjson")" -ge 100
check 'what it misses is exported from the archive' \
  test "$("$LEASTWAY" audit export "${CONFIG[@]}" --format json --archive 2>/dev/null | wc -l)" -ge "$((all / 2))"
asked() { events --archive "$@" 2>"$OUT/problems"; }
check 'with the archive the answer is whole' test "$(asked | head -n "$all" | wc -l)" -eq "$all"
check 'and begins with the first event' says 'journal opened after entry 0' "$(asked | head -1)"
asked --since "$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
check 'what cannot fit is not fetched' test ! -s "$OUT/problems"
check 'a report is made of both' bash -c "'$LEASTWAY' report coverage ${CONFIG[*]} --archive --format csv | grep -q ."
check 'segments are fetched into a folder' "$LEASTWAY" audit fetch "${CONFIG[@]}" --to "$OUT/fetched"
check 'which verifies alone' "$LEASTWAY" audit verify --journal "$OUT/fetched"
check 'and of which a report is made' bash -c "'$LEASTWAY' report coverage --journal '$OUT/fetched' --format csv | grep -q ."
event=$("$LEASTWAY" audit query --journal "$OUT/fetched" --oldest-first --limit 1 --json | sed -E 's/.*"event":"([^"]+)".*/\1/')
check 'an event that is there alone is told where to find' \
  says "is not in this journal; .* audit fetch --since" "$("$LEASTWAY" audit prove "$event" "${CONFIG[@]}" 2>&1)"
check 'and proven there' "$LEASTWAY" audit prove "$event" --journal "$OUT/fetched" --out "$OUT/event.proof"
check 'and proven from the archive at once' "$LEASTWAY" audit prove "$event" "${CONFIG[@]}" --archive --out "$OUT/at-once.proof"
check 'the rules of a date are told by what was fetched' bash -c \
  "'$LEASTWAY' report policy --journal '$OUT/fetched' --format csv | grep -q 'leastway.toml'"
check 'an evidence pack is made of both' "$LEASTWAY" evidence "${CONFIG[@]}" --archive --safeguards '164.312(b)' --since 900d \
  --out "$OUT/evidence.zip"
key=$("$LEASTWAY" audit key "${CONFIG[@]}" | tail -1)
mv "$DIR/gateway/data/journal" "$OUT/lost"
check 'a journal that is lost comes back by the public key alone' \
  "$LEASTWAY" audit fetch "${CONFIG[@]}" --to "$OUT/again" --key "$key"
check 'the same' diff -q "$OUT/fetched/00000000000000000001.segment" "$OUT/again/00000000000000000001.segment"
check 'nothing that was fetched for a moment is left' bash -c '! ls -d "${TMPDIR:-/tmp}"/leastway-archive-* 2>/dev/null'
SECRET_KEPT=$SECRET
holds_no_secret() { ! grep -rqF "$SECRET_KEPT" "$DIR/log/gateway.log" "$OUT/lost" "$OUT/fetched"; }
check 'no log and no event holds the secret' holds_no_secret

archived "$(in_bucket loose none)"
check 'the doctor warns of a bucket that neither locks nor keeps versions' says 'WARN +archive loose' "$(doctor)"
(umask 077 && printf 'another' >"$DIR/gateway/secrets/s3-secret")
check 'a wrong secret is told by its word' says 'status 403 SignatureDoesNotMatch' "$(doctor)"
(umask 077 && printf '%s' "$SECRET" >"$DIR/gateway/secrets/s3-secret")
serve
fill 1600
check 'a segment is shipped without a lock' ship
bucket spoil loose
check 'one that was spoiled there is found' says 'does not fit' "$("$LEASTWAY" audit archive "${CONFIG[@]}" --verify)"
stop gateway
here=$(segments)
serve_after +3d
sleep 3
check 'and is not removed here' test "$(segments)" -ge "$here"
stop gateway

archived "to = \"file:$OUT/folder\""
serve
fill 1600
check 'a folder takes segments, too' ship
stop gateway
serve_after +3d
check 'and lets them go here' until_left 2 30
stop gateway
sed -i "s|^\[journal.archive\]|[journal.sealed]\nlegal_hold = [\"$(date -u +%Y-%m)\"]\n\n&|" "$DIR/gateway/leastway.toml"
serve_after +4100d
sleep 3
check 'what is under a legal hold stays beyond its retention' test "$(find "$OUT/folder" -name '*.zst' | wc -l)" -ge 1
stop gateway
sed -i '/^legal_hold/d' "$DIR/gateway/leastway.toml"
serve_after +4100d
sleep 3
check 'and ends with it otherwise' test -z "$(find "$OUT/folder" -type f)"
stop gateway
check 'which is an event' test "$(events 2>/dev/null | grep -c 'its retention is over')" -ge 1
check 'and told to whoever asks' says 'were destroyed at the end of their retention' "$(events 2>&1 >/dev/null)"
check 'and verifies still' verify
finish
