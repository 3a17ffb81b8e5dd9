#!/usr/bin/env bash
# Adminer behind Leastway: a database is looked at and edited, and no table leaves by any of its ways
# but in the hands that may take so many rows.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/adminer/start.sh"
. "$REAL/oidc-provider/start.sh"
start_adminer
start_oidc_provider
configure oidc-provider adminer
route_file adminer localhost "$ADMINER_PORT"
serve
outcome() { events --reason "$1" | grep -q '"application":"adminer"'; }
flow client flow_adminer.py "$DIR/sent"
check 'what was edited is in the database' test "$(sql clinicdb -c 'select note from patient where id = 7')" = edited
check 'and is told as such' outcome caller-left
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
nobody_in_an_event() { ! grep -E 'Test Patient|LW[0-9]{3}' "$1"; }
check 'no event says what stands in the database' nobody_in_an_event "$DIR/events"
finish
