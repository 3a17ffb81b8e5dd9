#!/usr/bin/env bash
# A session that Chromium binds to a key of its device (Device Bound Session Credentials): it proves the key by itself, and a
# copy of the session's cookie is good for nothing.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/oidc-provider/start.sh"
. "$REAL/browser/start.sh"
start_oidc_provider
spawn notes node "$REAL/script/server.mjs" "$NOTES_PORT"
wait_http notes "http://127.0.0.1:$NOTES_PORT/reached" 30
configure oidc-provider script
rm "$DIR/gateway/applications/orthanc.toml"
sed -i 's/^idle = "15m"/idle = "15m"\ndevice_proof = "5m"/' "$DIR/gateway/leastway.toml"
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow browser "$DIR/tls/ca.pem" device-key.mjs "https://pacs.localhost:$GATEWAY_PORT" "$DIR/tls/ca.pem" \
  "$LEASTWAY" "$DIR/gateway/leastway.toml"
stop gateway
check 'the journal verifies' verify
finish
