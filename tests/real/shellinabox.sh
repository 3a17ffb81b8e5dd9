#!/usr/bin/env bash
# Shell In A Box behind Leastway: an administrator types in Chromium, polls go on, and nobody else gets a shell.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/shellinabox/start.sh"
. "$REAL/oidc-provider/start.sh"
. "$REAL/browser/start.sh"
start_shellinabox
start_oidc_provider
configure oidc-provider shellinabox
route_file shellinabox localhost "$SHELLINABOX_PORT"
serve
flow browser "$DIR/tls/ca.pem" terminal.mjs "$GATEWAY_PORT"
flow client flow_shellinabox.py
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
typed() { grep -c '"route":"keys"' "$1"; }
check 'every batch of keys is an event' test "$(typed "$DIR/events")" -ge 10
check 'and no event says what was typed' sh -c '! grep -q leastway-was-here "$1"' _ "$DIR/events"
finish
