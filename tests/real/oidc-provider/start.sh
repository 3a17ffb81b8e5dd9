# The certified npm package oidc-provider as a real OpenID provider, by TLS on loopback. Source it.
# shellcheck shell=bash
need_node
need_npm oidc-provider 'oidc-provider@9'
need_certificates
cp "$REAL/oidc-provider/server.mjs" "$DIR/npm-oidc-provider/server.mjs"
start_oidc_provider() {
  local attempt
  # Node.js 20 may lock itself up while it exports a key, and is then as silent as it will ever be: once more.
  for attempt in 1 2 3; do
    PORT=$OIDC_PORT TLS="$DIR/tls" CLIENT_SECRET=leastway-secret-of-the-real-runs \
      ORIGINS="https://pacs.localhost:$GATEWAY_PORT https://pacs.clinic.example:$GATEWAY_PORT https://localhost:$GATEWAY_PORT https://gone.localhost:$GATEWAY_PORT https://slow.localhost:$GATEWAY_PORT https://broken.localhost:$GATEWAY_PORT https://garbled.localhost:$GATEWAY_PORT" \
      spawn oidc-provider node "$DIR/npm-oidc-provider/server.mjs"
    wait_http oidc-provider "https://localhost:$OIDC_PORT/.well-known/openid-configuration" 60 && return 0
    echo "oidc-provider did not come up at attempt $attempt" >&2
  done
  return 1
}
