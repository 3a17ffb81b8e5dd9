#!/usr/bin/env bash
# People who sign in at oidc-provider, a certified OpenID provider: step-up by acr_values, sign-out there and here. And
# programs that it gives tokens to. Leastway shows who it is by a key, and pushes its requests, which is all that this
# client may do there.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
flow client provider_ground.py oidc-provider
configure oidc-provider programs
sed -i -e 's|"roles.toml"\]|"roles.toml", "programs.toml"]|' -e 's|^client_id = "leastway-by-key"|&\nclock_skew = "2s"|' "$DIR/gateway/leastway.toml"
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow client flow_provider.py oidc-provider "$DIR/sent"
flow client flow_logout.py "$DIR/sent"
flow client flow_programs.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
finish
