#!/usr/bin/env bash
# A day of the demo clinic on which everything happens that can, handed on while it happens to receivers that are not ours: Debian's
# rsyslog by TLS (JSON, CEF and ATNA), a FHIR server of Medplum's, a receiver by OpenTelemetry's own definitions, a webhook that
# PyPI's standardwebhooks verifies. Then the whole day in every format, read by software of others: fhir.resources (FHIR R4B), the
# published schema of OCSF 1.8, a grammar of DICOM's audit message with xmllint and with jing, pycef.
. "$(dirname "$0")/lib.sh"
need_tools
need_apt libxml2-utils jing rsyslog rsyslog-openssl
need_certificates
need_venv formats 'fhir.resources==8.3.0' 'ocsf-json-schema==1.2.0' 'jsonschema==4.26.0' 'opentelemetry-proto==1.45.2' 'pycef==1.11' 'standardwebhooks==1.*'
. "$REAL/fhir/start.sh"
. "$REAL/export/rsyslog.sh"
JSON_PORT=9864 WEBHOOK_PORT=9865 CEF_PORT=9867 ATNA_PORT=9868 OTLP_PORT=9869

home="$DIR/formats" clinic="$DIR/formats/clinic"
rm -rf "$home"
mkdir -p "$home"
client_pem leastway "$home"
rsyslog_conf "$home" >"$home/rsyslog.conf"
for kind in json cef atna; do
  port="${kind^^}_PORT"
  rsyslog_raw "$kind" "${!port}" "$home" >>"$home/rsyslog.conf"
  cat >>"$home/exports.toml" <<EXPORT

[export.syslog-$kind]
to = "syslog+tls://localhost:${!port}"
format = "$kind"
authorities = "file:$DIR/tls/ca.pem"
from = "start"
[export.syslog-$kind.client_certificate]
chain = "$home/leastway.pem"
key = "file:$home/leastway.key"
EXPORT
done
SECRET='whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
(umask 077 && printf '%s\n' "$SECRET" >"$home/webhook-secret")
cat >>"$home/exports.toml" <<EXPORTS

[export.fhir]
to = "http://127.0.0.1:$FHIR_PORT/fhir/R4"
as = "fhir"
format = "fhir"
from = "start"

[export.otlp]
to = "http://127.0.0.1:$OTLP_PORT/v1/logs"
as = "otlp"
format = "otel"
from = "start"

[export.hook]
to = "http://127.0.0.1:$WEBHOOK_PORT/leastway"
as = "webhook"
secret = "file:$home/webhook-secret"
from = "start"
timeout = "2s"

[export.file]
to = "file:$home/file"
from = "start"
EXPORTS

receive_syslog() { spawn rsyslog rsyslogd -n -f "$home/rsyslog.conf" -i "$home/rsyslog.pid"; }
open_clinic() {
  spawn clinic "$LEASTWAY" demo --directory "$clinic"
  wait_http clinic https://127.0.0.1:8443/ 60
}
receive_syslog
start_fhir
spawn otlp "$DIR/venv-formats/bin/python" "$REAL/formats/otlp.py" "$OTLP_PORT" "$home"
spawn webhook "$DIR/venv-formats/bin/python" "$REAL/export/receiver.py" "$WEBHOOK_PORT" "$SECRET" "$home"
spawn trouble python3 "$REAL/client/trouble.py"

# It furnishes itself, is furnished further, and opens.
open_clinic
stop clinic
python3 "$REAL/formats/furnish.py" "$clinic" "$home/exports.toml"
check 'the furnished clinic is valid' "$LEASTWAY" validate --config "$clinic/leastway.toml"
open_clinic
# rsyslog stops in the middle of the day, and comes back.
(
  trap - EXIT
  sleep 15
  stop rsyslog
  sleep 10
  receive_syslog
) &
export GATEWAY_PORT=8443 AUTHORITY="$clinic/certs/authority.pem"
flow env PYTHONPATH="$REAL/client" python3 "$REAL/formats/day.py" "$clinic" "$LEASTWAY"
wait
SPAWNED="${SPAWNED:-} rsyslog"
caught_up() {
  local i
  for ((i = 0; i < 120; i++)); do
    "$LEASTWAY" export status --config "$clinic/leastway.toml" --json 2>/dev/null >"$home/status" || true
    [ "$(grep -c '"lag_entries":0' "$home/status")" = 7 ] && return 0
    sleep 0.5
  done
  cat "$home/status"
  return 1
}
check 'all receivers have the day' caught_up
stop clinic
journal="$clinic/data/journal"
check 'the journal verifies' "$LEASTWAY" audit verify --config "$clinic/leastway.toml"
# What was written by syslog counts as taken after ten seconds, or when the connection is closed and was read.
stop rsyslog
node=$(head -n 1 "$home/file" | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["node"])')
for format in json cef atna fhir ocsf otel; do
  check "the day is written as $format" "$LEASTWAY" audit export --journal "$journal" --format "$format" --node "$node" --out "$home/$format"
done

"$LEASTWAY" audit query --config "$clinic/leastway.toml" --patient 100001 --application ehr --json --limit 1000000 >"$home/of-patient"

validate() { "$DIR/venv-formats/bin/python" "$REAL/formats/$1.py" "${@:2}"; }
flow validate occurred "$ROOT/src" "$home/json" "$home/cef"
flow validate received "$home" "http://127.0.0.1:$FHIR_PORT/fhir/R4"
flow validate audit_event "$home/json" "$home/fhir"
flow validate ocsf "$home/json" "$home/ocsf"
flow validate cef "$home/json" "$home/cef"
flow validate otel "$home/json" "$home/otel"
flow validate atna "$home/json" "$home/atna" "$REAL/formats/audit-message.rng"

# The day had one change of its rules, which the report tells line by line.
is_told() {
  "$LEASTWAY" report policy --journal "$journal" --since 2000-01-01T00:00:00Z --format csv --out "$home/policy.csv"
  python3 - "$home/policy.csv" <<'CHANGES'
import csv, sys
changes = [(row["File"], row["Was"], row["Is"]) for row in csv.DictReader(open(sys.argv[1], encoding="utf-8-sig")) if row["Line"]]
file, was, now = changes[-1]
print(changes)
assert file.endswith("roles.toml") and "patients_opened_per_shift = 5" in was and "patients_opened_per_shift = 6" in now, changes
CHANGES
}
check 'the report of the rules tells the line that was changed' is_told

again() {
  "$LEASTWAY" audit export --journal "$journal" --format "$1" --node "$node" | cmp - "$home/$1"
}
for format in cef atna fhir ocsf otel; do
  check "written again, $format has the same bytes" again "$format"
done

# The demo's patients have numbers, names and days of birth: the journal has none of them, and so has no format.
holds_no_patient() { ! grep -qE '/patients?/[0-9]|birth_?date=|[?&][a-z_]+=[^& "]' "$home"/{cef,atna,fhir,ocsf,otel}; }
check 'no format holds a value of a query or a number of a patient' holds_no_patient
holds_no_secret() { ! grep -rqE 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw|-token-of-the-real-runs' "$home"/{json,cef,atna,fhir,ocsf,otel,file} "$DIR/log/clinic.log" "$clinic/data"; }
check 'nor a secret, and no log or store does' holds_no_secret
finish
