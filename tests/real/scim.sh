#!/usr/bin/env bash
# A directory that is kept here by SCIM: scim2-tester against the service by TLS, with every check passing; then people
# who sign in at oidc-provider, whose account is disabled, enabled, put into groups and deleted.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_venv scim 'scim2-tester[httpx2]==0.5.2' 'scim2-client[httpx2]==0.13.2' 'scim2-models==0.12.3'
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider
(umask 077 && printf 'directory-token-of-the-real-runs-of-leastway' >"$DIR/gateway/secrets/directory-token")
cat >>"$DIR/gateway/leastway.toml" <<'DIRECTORY'

[provider.scim]
token = "file:secrets/directory-token"
networks = ["127.0.0.0/8"]
match = "user_name"
groups = "replace"
DIRECTORY
unlimited
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
service="https://localhost:$GATEWAY_PORT/.leastway/scim/v2"
flow "$DIR/venv-scim/bin/python" "$REAL/client/scim_tester.py" "$service" "$DIR/gateway/secrets/directory-token"
flow "$DIR/venv-scim/bin/python" "$REAL/client/scim_tester.py" "http://127.0.0.1:$CONTROL_PORT/scim/v2" "$DIR/gateway/secrets/directory-token"
flow client flow_scim.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
holds_no_secret() { ! grep -rq 'directory-token-of-the-real-runs' "$DIR/log/gateway.log" "$DIR/events" "$DIR/gateway/data"; }
check 'no log, event or store holds the token' holds_no_secret
holds_no_address() { ! grep -q 'nora@clinic.example' "$DIR/events" "$DIR/log/gateway.log"; }
check "no log or event holds what is said of a person" holds_no_address
finish
