# A transmitter of Shared Signals on the npm package jose, by TLS on loopback. Source it.
# shellcheck shell=bash
need_node
need_npm signals 'jose@6.1.0'
need_certificates
cp "$REAL/signals/transmitter.mjs" "$DIR/npm-signals/transmitter.mjs"
start_transmitter() {
  local attempt
  # Node.js 20 may lock itself up while it exports a key, and is then as silent as it will ever be: once more.
  for attempt in 1 2 3; do
    PORT=$SIGNALS_PORT TLS="$DIR/tls" AUDIENCE=https://localhost PUSH_TO="https://localhost:$GATEWAY_PORT/.leastway/ssf/events" \
      PUSH_TOKEN=push-token-of-the-real-runs-of-leastway OWN_TOKEN=poll-token-of-the-real-runs-of-leastway \
      spawn transmitter node "$DIR/npm-signals/transmitter.mjs"
    wait_http transmitter "https://localhost:$SIGNALS_PORT/keys" 60 && return 0
    echo "the transmitter did not come up at attempt $attempt" >&2
  done
  return 1
}
