#!/usr/bin/env bash
# Orthanc behind Leastway: looking works, by its own interface, by DICOMweb and in its viewer, and nothing
# is taken away by any spelling or door; whoever may take so many images gets archives of no more; and a password of
# ours there is rotated.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/orthanc/rotation.sh"
. "$REAL/oidc-provider/start.sh"
. "$REAL/browser/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider
# A study has six images.
cat >>"$DIR/gateway/roles.toml" <<'ROLE'

[role.reporter]
groups = ["reporting"]
purposes = ["quality"]

[[role.reporter.may]]
application = "pacs"
actions = ["view", "export", "whole_record"]

[role.reporter.limit]
records_per_export = 6
records_exported_per_day = 18
ROLE
serve
flow client flow_orthanc.py "$DIR/sent"
flow client flow_dicomweb.py "$DIR/sent"
flow browser "$DIR/tls/ca.pem" viewer.mjs "$GATEWAY_PORT" "$DIR/seen"
rotation "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
check 'and tells of the rotations' grep -q 'rotation of a secret ended' "$DIR/events"
cat "$DIR/seen" >>"$DIR/sent"
flow client compare.py "$DIR/sent" --received <"$DIR/events"
no_patient_in_a_path() { ! grep '"route":' "$1" | grep -E '"path":"[^"]*[0-9a-f]{8}-[0-9a-f]{8}'; }
check 'where a route is known, no path of the journal names a patient' no_patient_in_a_path "$DIR/events"
finish
