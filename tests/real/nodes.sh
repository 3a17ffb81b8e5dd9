#!/usr/bin/env bash
# Two nodes of Leastway that share a PostgreSQL: signed in at one is signed in at the other, out at one is out at the
# other within a second. Without the database both refuse what they cannot know, and come back by themselves.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/protocol/start.sh"
. "$REAL/oidc-provider/start.sh"
. "$REAL/nodes/start.sh"
start_stream
start_oidc_provider
make_database
configure protocol
unlimited
bound_lists
make_nodes
AT="https://localhost:$GATEWAY_PORT"
says() { grep -q "$1" <<<"$2"; }

# ---------------------------------------------------------------- start

check 'the configuration of each node is valid' bash -c '"$LEASTWAY" validate --config "$DIR/node-a/leastway.toml" && "$LEASTWAY" validate --config "$DIR/node-b/leastway.toml"'
doctor=$("$LEASTWAY" doctor --config "$DIR/node-a/leastway.toml" || true)
check 'doctor reaches the database by TLS before the first start' says 'OK .*PostgreSQL .*reached by TLS; of an earlier version' "$doctor"
sed -i 's/localhost:\([0-9]*\)\/leastway/127.0.0.2:\1\/leastway/' "$DIR/node-b/leastway.toml"
doctor=$("$LEASTWAY" doctor --config "$DIR/node-b/leastway.toml" || true)
check 'and not where another name is in its certificate' says 'FAIL .*store postgres://leastway@127.0.0.2' "$doctor"
sed -i 's/127.0.0.2:\([0-9]*\)\/leastway/localhost:\1\/leastway/' "$DIR/node-b/leastway.toml"
# At once, so that both find an empty database.
spawn node-a "$LEASTWAY" serve --config "$DIR/node-a/leastway.toml"
spawn node-b "$LEASTWAY" serve --config "$DIR/node-b/leastway.toml"
check 'both start on an empty database at once' wait_http node-a "http://127.0.0.1:$CONTROL_PORT/healthz" 60
check 'and both are there' wait_http node-b "http://127.0.0.1:$NODE_CONTROL_PORT/healthz" 60
check 'node a is ready' soon 5 is_ready a
check 'node b is ready' soon 5 is_ready b
doctor=$("$LEASTWAY" doctor --config "$DIR/node-a/leastway.toml" || true)
check 'doctor finds the schema up to date' says 'OK .*PostgreSQL .*up to date' "$doctor"
keys() { ask "$1" /.well-known/leastway/jwks.json | python3 -c 'import json, sys; print(*sorted(key["kid"] for key in json.load(sys.stdin)["keys"]))'; }
has_both() { test "$(keys a)" = "$(keys b)" && test "$(keys a | wc -w)" = 2; }
check 'each tells the keys of both' soon 3 has_both

# ---------------------------------------------------------------- sessions

sign_in() { client session.py nurse "$AT/page"; }
is_in() { test "$(status "$1" /page -b "$COOKIE" -H 'Sec-Fetch-Site: same-origin')" = 200; }
is_out() { test "$(status "$1" /page -b "$COOKIE" -H 'Sec-Fetch-Site: same-origin')" = 401; }
sign_out() { ask "$1" /.leastway/sign-out -X POST -b "$COOKIE" -H "Origin: $AT" -H 'Sec-Fetch-Site: same-origin' -o /dev/null; }
COOKIE=$(sign_in)
check 'the nurse signs in at node a' is_in a
check 'and is signed in at node b' is_in b
sign_out b
check 'signed out at node b, node a refuses within a second' soon 1 is_out a
COOKIE=$(sign_in)
check 'she signs in again' is_in a
stop node-b KILL
sign_out a
check 'and out again, while node b is away' is_out a
start_node b
check 'a node that was away knows what was revoked meanwhile' is_out b

# ---------------------------------------------------------------- windows

COOKIE=$(client session.py biller "$AT/export?list=yes&bytes=0")
page() { status "$1" '/export?list=yes&bytes=210000' -b "$COOKIE" -H 'Sec-Fetch-Site: same-origin'; }
passes() { test "$(page "$1")" = 200; }
is_over() { test "$(page "$1")" = 429; }
for node in a b a b; do check "a page of 5,000 records at node $node" passes "$node"; done
check 'what node b has taken ahead comes back, and the fifth passes' soon 8 passes a
for node in b a; do check "the sixth is beyond the line at node $node" is_over "$node"; done
stop node-b
start_node b
check 'a restart forgets nothing' is_over b

# ---------------------------------------------------------------- without the database

COOKIE=$(sign_in)
check 'she signs in once more, and is in at both' eval 'is_in a && is_in b'
stop database KILL
refuses() { test "$(status "$1" /page -b "$COOKIE" -H 'Sec-Fetch-Site: same-origin')" = 503; }
for node in a b; do
  check "the database gone, node $node refuses after its lease" soon 6 refuses "$node"
  check '  is not ready' eval "! is_ready $node"
  told=$(ask "$node" /page -i -b "$COOKIE" -H 'Accept: application/json')
  check '  tells a program why' says store-unavailable "$told"
  told=$(ask "$node" /page -b "$COOKIE" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: document' -H 'Sec-Fetch-Site: none')
  check '  tells a person on a page' says '<html' "$told"
  check '  and still serves what is public' test "$(status "$node" /small)" = 200
done
start_database
for node in a b; do
  check "the database back, node $node is ready by itself" soon 10 is_ready "$node"
  check '  and the nurse still signed in' soon 3 is_in "$node"
done
sign_out a
check 'signed out at node a, node b refuses within a second' soon 1 is_out b

# ---------------------------------------------------------------- what is left

stop node-a
stop node-b
for node in a b; do
  check "the journal of node $node verifies" "$LEASTWAY" audit verify --config "$DIR/node-$node/leastway.toml"
done
holds_no_secret() { ! grep -rq 'database-password-of-the-real-runs' "$DIR"/log/node-* "$DIR"/node-*/data; }
check 'no log and no journal holds the password' holds_no_secret
check 'nor does the database a cookie' test "$(pg_dump -h "$DIR/database" -p "$POSTGRES_PORT" -U postgres leastway | grep -cFe "${COOKIE#*=}")" = 0
finish
