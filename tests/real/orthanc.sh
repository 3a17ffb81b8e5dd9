#!/usr/bin/env bash
# Orthanc behind Leastway: looking works, and a patient's archive does not leave by any spelling.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider
serve
flow client flow_orthanc.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
no_patient_in_a_path() { ! grep '"route":' "$1" | grep -E '"path":"[^"]*[0-9a-f]{8}-[0-9a-f]{8}'; }
check 'where a route is known, no path of the journal names a patient' no_patient_in_a_path "$DIR/events"
finish
