#!/usr/bin/env bash
# People with a real browser at two real providers; screenshots are kept.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
. "$REAL/glewlwyd/start.sh"
. "$REAL/browser/start.sh"
start_orthanc
for provider in oidc-provider glewlwyd; do
  "start_${provider//-/_}"
  configure "$provider"
  serve
  flow browser "$DIR/tls/ca.pem" provider.mjs "$provider" "$GATEWAY_PORT"
  stop gateway
  check "the journal verifies ($provider)" verify
  stop "$provider"
done
finish
