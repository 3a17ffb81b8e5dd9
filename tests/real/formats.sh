#!/usr/bin/env bash
# A tour of the demo clinic, exported in every format, and read by software that is not ours: fhir.resources (FHIR R4B), the
# published schema of OCSF 1.8, a grammar of DICOM's audit message with xmllint, pycef, and OpenTelemetry's own definitions.
. "$(dirname "$0")/lib.sh"
need_tools
need_apt libxml2-utils
need_venv formats 'fhir.resources==8.3.0' 'ocsf-json-schema==1.2.0' 'jsonschema==4.26.0' 'opentelemetry-proto==1.45.2' 'pycef==1.11'

home="$DIR/formats"
rm -rf "$home"
mkdir -p "$home"
check 'a tour of the clinic makes a day of events' "$LEASTWAY" demo --tour --directory "$home/clinic"
journal="$home/clinic/data/journal"
for format in json cef atna fhir ocsf otel; do
  check "they are written as $format" "$LEASTWAY" audit export --journal "$journal" --format "$format" --node demo-1 --out "$home/$format"
done

validate() { "$DIR/venv-formats/bin/python" "$REAL/formats/$1.py" "${@:2}"; }
flow validate audit_event "$home/json" "$home/fhir"
flow validate ocsf "$home/json" "$home/ocsf"
flow validate cef "$home/json" "$home/cef"
flow validate otel "$home/json" "$home/otel"
flow validate atna "$home/json" "$home/atna" "$REAL/formats/audit-message.rng"

again() {
  "$LEASTWAY" audit export --journal "$journal" --format "$1" --node demo-1 | cmp - "$home/$1"
}
for format in cef atna fhir ocsf otel; do
  check "written again, $format has the same bytes" again "$format"
done

# The demo's patients have numbers, names and days of birth: the journal has none of them, and so has no format.
holds_no_patient() { ! grep -qE '/patients?/[0-9]|birth_?date=|[?&][a-z_]+=[^& "]' "$home"/{cef,atna,fhir,ocsf,otel}; }
check 'no format holds a value of a query or a number of a patient' holds_no_patient
finish
