#!/usr/bin/env bash
# README's way from nothing to an enforced Orthanc, word for word: its commands, its files, its answers.
# Only what belongs to this machine is put in: ports, and the provider that plays id.clinic.example.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"

readme() { python3 "$REAL/client/readme.py" "$ROOT/README.md" "$@"; }
# The host's certificate of step 2, and the provider's.
export AUTHORITY="$DIR/readme-authorities.pem"
rm -rf "$DIR/readme"
mkdir -p "$DIR/readme"
(cd "$DIR/readme" && readme block 2 sh | bash -eu)
home="$DIR/readme/pacs"
cat "$home/certs/gateway.pem" "$DIR/tls/ca.pem" >"$AUTHORITY"
printf 'leastway-secret-of-the-real-runs' >"$home/secrets/client-secret"
chmod 600 "$home/secrets/client-secret"
cp "$DIR/tls/ca.pem" "$home/certs/authority.pem"

readme block 4 toml | readme put \
  '"0.0.0.0:443"' "\"127.0.0.1:$GATEWAY_PORT\"" \
  '[control] ' "[control]
listen = \"127.0.0.1:$CONTROL_PORT\" " \
  'issuer = "https://id.clinic.example" ' "issuer = \"https://localhost:$OIDC_PORT\"
authorities = \"file:certs/authority.pem\" " \
  >"$home/leastway.toml"
readme block 5 toml | readme put 'http://127.0.0.1:8042' "http://127.0.0.1:$ORTHANC_PORT" \
  >"$home/applications/pacs.toml"
readme block 6 toml >"$home/roles.toml"

cd "$home"
PATH="$(dirname "$LEASTWAY"):$PATH"
check 'the files of README are valid' leastway validate --config leastway.toml
no_warning() { ! leastway validate --config leastway.toml 2>&1 | grep -i warning; }
check 'and give no warning' no_warning
readme block 7 console >"$DIR/readme/told"
sed -n 's/^\$ //p' "$DIR/readme/told" >"$DIR/readme/asked"
sed 1d "$DIR/readme/told" >"$DIR/readme/expected"
as_told() { { bash "$DIR/readme/asked" || true; } | diff "$DIR/readme/expected" -; }
check 'policy explain answers as README shows' as_told
explain() { leastway policy --config leastway.toml explain GET https://pacs.clinic.example/patients/7f3a/archive "$@"; }
needs_mfa() { grep -q '^challenge  acr-insufficient$' <<<"$(explain --groups release-of-information || true)"; }
check 'without a second factor it is a challenge' needs_mfa
check 'with one, and a request, it is permitted' explain --groups release-of-information --with mfa --justified --number ROI-2026-0117

start_orthanc
start_oidc_provider
spawn gateway leastway serve --config leastway.toml
wait_http gateway "http://127.0.0.1:$CONTROL_PORT/readyz" 60
flow client flow_readme.py "$DIR/readme/references"
read -r refused released <"$DIR/readme/references"
event() { leastway audit query --config leastway.toml --event "$1" --json; }
says() { event "$1" | grep -q "$2"; }
check 'the reference on the page names its event' says "$refused" '"reasons":\["no-rule-matched"\]'
check 'and so does that of what was released' says "$released" '"route":"patient.archive"'
denied() { leastway audit query --config leastway.toml --person nurse --decision deny --since 1d | grep -q "$refused"; }
check 'who was denied what is one question' denied
stop gateway
check 'the journal verifies' leastway audit verify --config leastway.toml
finish
