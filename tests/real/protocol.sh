#!/usr/bin/env bash
# Leastway under tools that test protocols, and under what is slow, long, idle or large: it stays there, and its
# memory stays bounded. Figures are printed beside.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/protocol/start.sh"
. "$REAL/oidc-provider/start.sh"
start_stream
start_oidc_provider
configure oidc-provider protocol
unlimited
ulimit -n "$(ulimit -Hn)"
serve
AT="https://localhost:$GATEWAY_PORT"
COOKIE=$(client session.py nurse "$AT/page")
ask() { curl -sS --cacert "$DIR/tls/ca.pem" -b "$COOKIE" -H 'Sec-Fetch-Site: same-origin' "$@"; }
is_small() { test "$(ask -m 5 "$AT/small")" = small; }

# bounded SENTENCE KIB COMMAND... : runs it; Leastway's memory grows by no more than so many KiB meanwhile.
bounded() {
  local sentence=$1 most=$2 before peak
  shift 2
  memory_begin
  before=$(memory VmRSS)
  check "$sentence" "$@"
  peak=$(memory VmHWM)
  check "  at $((before / 1024)) MiB before and at most $((peak / 1024)) MiB meanwhile" test $((peak - before)) -le "$most"
}

# ---------------------------------------------------------------- protocols

flow protocol http2.py
if command -v h2spec >/dev/null; then
  h2() { h2spec -S -h localhost -p "$GATEWAY_PORT" -t -k -P /small -o 3 | tee "$DIR/log/h2spec.log"; }
  check 'h2spec finds nothing, strict' h2
  tail -1 "$DIR/log/h2spec.log" | sed 's/^/         /'
else
  skip 'h2spec' 'it is in no package registry: put it into the PATH'
fi

# ---------------------------------------------------------------- many at once

many() {
  h2load --requests 20000 --clients 100 --max-concurrent-streams 10 "$AT/small" >"$DIR/log/h2load.log" 2>&1
  grep -E '^(finished|requests|status)' "$DIR/log/h2load.log"
  grep -q '20000 succeeded, 0 failed, 0 errored, 0 timeout' "$DIR/log/h2load.log" && grep -q 'status codes: 20000 2xx' "$DIR/log/h2load.log"
}
bounded 'a thousand requests at once over a hundred connections of HTTP/2, 20,000 in all: none fails' 131072 many
sed -n 's/^finished in/         in/p' "$DIR/log/h2load.log"

# ---------------------------------------------------------------- large

two_gib=$((2 << 30))
download() { test "$(ask "$AT/download?bytes=$two_gib" | wc -c)" -eq "$two_gib"; }
upload() { test "$(head -c "$two_gib" /dev/zero | ask -X POST -T - -H "Origin: $AT" -H 'Content-Type: application/octet-stream' "$AT/upload")" = "$two_gib"; }
export_rows() { test "$(ask "$AT/export?bytes=$((256 << 20))" | wc -l)" -gt 6000000; }
bounded 'a download of 2 GiB comes whole' 65536 download
bounded 'an upload of 2 GiB arrives whole' 65536 upload
bounded 'an export of 256 MiB of rows is counted on its way' 65536 export_rows

# ---------------------------------------------------------------- slow

# slow [OPTION...] : slowhttptest for eight seconds; all the while somebody else is answered.
slow() {
  local failed=0 asked=0
  slowhttptest "$@" -c 1000 -r 500 -l 8 -u "$AT/small" >"$DIR/log/slow.log" 2>&1 &
  local attack=$!
  while kill -0 "$attack" 2>/dev/null; do
    asked=$((asked + 1))
    is_small || failed=$((failed + 1))
    sleep 0.2
  done
  echo "$failed of $asked were not answered"
  # It asks as well.
  grep 'service available' "$DIR/log/slow.log" | grep -q YES || return 1
  [ "$asked" -ge 10 ] && [ "$failed" -eq 0 ]
}
slow_readers() {
  local readers=() i bad=0
  for ((i = 0; i < 50; i++)); do
    ask --limit-rate 10k -m 8 -o /dev/null "$AT/download?bytes=$((1 << 30))" 2>/dev/null &
    readers+=($!)
  done
  for ((i = 0; i < 20; i++)); do is_small || bad=1; sleep 0.2; done
  kill "${readers[@]}" 2>/dev/null || true
  wait "${readers[@]}" 2>/dev/null || true
  return "$bad"
}
# 96 KiB for each: TLS, what was read, and a connection to the application.
bounded 'a thousand callers who never end a head keep nobody from being answered' 98304 slow -H -i 2
bounded 'nor do a thousand who never end a body' 98304 slow -B -i 2 -s 8192
bounded 'nor do a thousand who read a byte at a time' 98304 slow -X -w 1 -y 8 -n 1 -z 1 -k 3
bounded 'nor do fifty who read a GiB at 10 KiB a second' 102400 slow_readers

# ---------------------------------------------------------------- TLS, long, idle

# Two minutes of handshakes, which leave the machine free for the WebSockets.
rm -f "$DIR/testssl.json"
spawn testssl timeout 400 testssl --quiet --warnings off --color 0 --ip 127.0.0.1 --nodns none \
  --add-ca "$DIR/tls/ca.pem" --jsonfile "$DIR/testssl.json" "$AT/page"

# sockets SECONDS : a hundred WebSockets that talk for so long.
sockets() { protocol sockets.py "$COOKIE" 100 "$1" | tee "$DIR/log/sockets.log"; }
told() { sed 's/^ok      /        /' "$DIR/log/sockets.log"; }
bounded 'WebSockets go on' 131072 sockets 10
told
bounded 'and on, in no more memory' 16384 sockets 60
told

while is_alive testssl; do sleep 1; done
flow protocol testssl.py "$DIR/testssl.json"
early_data() {
  printf 'GET /small HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "$GATEWAY_PORT" |
    openssl s_client -ign_eof -tls1_3 -connect "localhost:$GATEWAY_PORT" -servername localhost -CAfile "$DIR/tls/ca.pem" 2>&1 |
    grep 'Max Early Data'
}
check 'no early data that could be replayed' test "$(early_data | sort -u)" = '    Max Early Data: 0'

wanted=$(($(ulimit -n) - 500))
[ "$wanted" -le 10000 ] || wanted=10000
before=$(memory VmRSS)
rm -f "$DIR"/idle.count.*
# Four processes: a connection counts only as long as Leastway waits for its next request.
for part in 1 2 3 4; do
  spawn "idle-$part" env "PYTHONPATH=$REAL/client" "$DIR/venv-protocol/bin/python" "$REAL/protocol/idle.py" \
    $((wanted / 4)) "$DIR/idle.count.$part"
done
counts() { cat "$DIR"/idle.count.* 2>/dev/null; }
for ((i = 0; i < 600; i++)); do
  [ "$(counts | wc -l)" -lt 4 ] || break
  sleep 0.1
done
standing=$(counts | awk '{ sum += $1 } END { print sum + 0 }')
after=$(memory VmRSS)
check "$standing of $wanted connections lie idle at once" test "$standing" -ge $((wanted * 95 / 100))
each=$(((after - before) * 1024 / (standing + 1)))
check "  at $((each / 1024)) KiB of memory each, no more than 48" test "$each" -le 49152
check '  and somebody new is answered' is_small
for part in 1 2 3 4; do stop "idle-$part"; done

check 'it is the same process still' is_alive gateway
stop gateway
check 'the journal verifies' verify
finish
