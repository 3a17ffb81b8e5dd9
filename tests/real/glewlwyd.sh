#!/usr/bin/env bash
# People who sign in at Glewlwyd, which never sends acr: step-up by a scope.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/glewlwyd/start.sh"
start_orthanc
start_glewlwyd
flow client provider_ground.py glewlwyd
configure glewlwyd
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow client flow_provider.py glewlwyd "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
finish
