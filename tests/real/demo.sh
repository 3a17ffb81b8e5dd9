#!/usr/bin/env bash
# The demo, in a browser: sign-in, a blocked export, a step-up, sign-out; screenshots are kept.
. "$(dirname "$0")/lib.sh"
need_tools
. "$REAL/browser/start.sh"
rm -rf "$DIR/demo"
spawn demo "$LEASTWAY" demo --directory "$DIR/demo"
wait_http demo https://127.0.0.1:8443/ 60
flow browser "$DIR/demo/certs/authority.pem" demo.mjs https://ehr.localhost:8443 "$LEASTWAY" demo totp
check 'the blocked export is an event' sh -c \
  '"$1" audit query --config "$2" --json --person registrar --reason export-over-request-limit | grep -q "\"withheld\""' \
  _ "$LEASTWAY" "$DIR/demo/leastway.toml"
stop demo
check 'the journal verifies' "$LEASTWAY" audit verify --config "$DIR/demo/leastway.toml"
# A journal in which one byte was changed does not verify.
cp -r "$DIR/demo/data/journal" "$DIR/changed"
changed() {
  python3 - "$DIR/changed" <<'PY'
import pathlib, sys
segment = max((path for path in pathlib.Path(sys.argv[1]).rglob("*.segment")), key=lambda path: len(path.read_bytes().rstrip(b"\0")))
data = bytearray(segment.read_bytes())
at = data.index(b'"registrar"')
data[at + 1] ^= 1
segment.write_bytes(data)
PY
  ! "$LEASTWAY" audit verify --journal "$DIR/changed"
}
check 'and does not when one byte was changed' changed
rm -rf "$DIR/changed"
finish
