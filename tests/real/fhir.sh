#!/usr/bin/env bash
# A FHIR server behind Leastway: charts are read and written, and neither a batch nor any other way around
# the types gets more out; where batches and GraphQL are declared, they are counted as well. Its care teams are a feed,
# which is read whole or not at all.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/fhir/start.sh"
. "$REAL/oidc-provider/start.sh"
start_fhir
start_oidc_provider
configure oidc-provider fhir
route_file fhir localhost "$FHIR_PORT"
# feed NAME QUERY : who cares for whom, as this search of the server tells it.
feed() {
  cat >>"$DIR/gateway/leastway.toml" <<FEED

[feed.$1]
kind = "relationship"
format = "fhir"
url = "http://127.0.0.1:$FHIR_PORT/fhir/R4/CareTeam?$2"
applications = ["fhir"]
person_system = "urn:clinic:login"
patient_system = "urn:clinic:mrn"
relationship = "$1"
FEED
}
whole='status=active&_include=CareTeam:participant&_include=CareTeam:subject'
feed whole "$whole"
# This server gives no page after the first, and says how many there are.
feed short "$whole&_count=2"
feed nameless 'status=active'
doctor() { "$LEASTWAY" doctor --config "$DIR/gateway/leastway.toml" || true; }
doctor >"$DIR/doctor"
told() { grep -E "$1" "$DIR/doctor"; }
check 'a feed of care teams is read whole' told 'feed whole.* 4 rows'
check 'one of which a page is missing is not taken' told 'feed short.* 4 were found, and 2 have come'
check 'nor one that names nobody' told 'feed nameless.* none of the 4 that have come names somebody'
serve
flow client flow_fhir.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
nobody_in_an_event() { ! grep -E 'Testa|Probert|Sampleby|Mockridge|Opioid' "$1"; }
check 'no event says who was found' nobody_in_an_event "$DIR/events"

# The same server, with its batches and GraphQL declared.
configure oidc-provider fhir
route_file fhir localhost "$FHIR_PORT"
cat >>"$DIR/gateway/applications/fhir.toml" <<'ROUTES'

[[application.fhir.route]]
name = "batch"
match = { method = ["POST"], path = "/fhir/R4" }
action = "search"
category = ["demographics"]
entries = "fhir"
reply = { kind = "fhir" }

[[application.fhir.route]]
name = "graphql.patients"
match = { method = ["POST"], path = "/fhir/R4/$graphql", graphql = { operation = "query", field = ["PatientList", "PatientConnection"] } }
action = "search"
category = ["demographics"]
reply = { kind = "graphql", patient = "member:id" }
ROUTES
serve
flow client flow_fhir_numbers.py "$DIR/sent"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" <"$DIR/events"
check 'no event says who was found' nobody_in_an_event "$DIR/events"
finish
