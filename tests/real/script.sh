#!/usr/bin/env bash
# What people notice in their browsers, in Chromium at oidc-provider: a page that asks by script meets an ended session, its
# person signs in beside it and what they sent arrives once; another person starts clean; there is a warning before the
# lock; whoever leaves leaves the application too; a sign stands while something is not as it should be. Screenshots are kept.
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
# So that the warning, two minutes before, comes after ten seconds.
sed -i 's/^idle = "15m"/lock = "130s"\nidle = "30m"/' "$DIR/gateway/leastway.toml"
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow browser "$DIR/tls/ca.pem" script.mjs "https://pacs.localhost:$GATEWAY_PORT" "http://127.0.0.1:$NOTES_PORT/reached" \
  "$LEASTWAY" "$DIR/gateway/leastway.toml"
flow browser "$DIR/tls/ca.pem" sign.mjs "https://pacs.localhost:$GATEWAY_PORT" "$DIR/gateway/leastway.toml"
stop gateway
check 'the journal verifies' verify
finish
