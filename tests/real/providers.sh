#!/usr/bin/env bash
# People of two real providers at one application, in Chromium: they choose, or say their address, ten tabs at once; each is
# led back to their own, and is nobody at the other.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
. "$REAL/lemonldap/start.sh"
. "$REAL/browser/start.sh"
start_orthanc
start_oidc_provider
start_lemonldap
configure providers
sed -i 's|^host = .*|&\nprovider = ["clinic", "partner"]|' "$DIR/gateway/applications/orthanc.toml"
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
sed -i.sure 's|^providers = .*||' "$DIR/gateway/roles.toml"
check 'without saying whose groups it means it is not' bash -c '! "$0" validate --config "$1" && "$0" validate --config "$1" 2>&1 | grep -q "\`providers\` is missing"' "$LEASTWAY" "$DIR/gateway/leastway.toml"
mv "$DIR/gateway/roles.toml.sure" "$DIR/gateway/roles.toml"
serve
flow browser "$DIR/tls/ca.pem" choose.mjs "$GATEWAY_PORT" "$OIDC_PORT" "$LEMONLDAP_PORT"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
check 'no address that was typed is in an event, the store or a log' bash -c '! grep -rqs "marker-of-nobody" "$0/events" "$0/gateway/data" "$0/log/gateway.log"' "$DIR"
finish
