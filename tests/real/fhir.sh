#!/usr/bin/env bash
# A FHIR server behind Leastway: charts are read and written, and neither a batch nor any other way around
# the types gets more out.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/fhir/start.sh"
. "$REAL/oidc-provider/start.sh"
start_fhir
start_oidc_provider
configure oidc-provider fhir
route_file fhir localhost "$FHIR_PORT"
serve
flow client flow_fhir.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
nobody_in_an_event() { ! grep -E 'Testa|Probert|Sampleby|Mockridge|Opioid' "$1"; }
check 'no event says who was found' nobody_in_an_event "$DIR/events"
finish
