# A PostgreSQL with TLS and a password, and two nodes of Leastway that share it. Source it.
# shellcheck shell=bash
need_apt postgresql
# Far from the other ports of one run.
NODE_PORT=9873 NODE_CONTROL_PORT=9874

as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

# make_database : a fresh one, in $DIR/database.
make_database() {
  local home="$DIR/database"
  bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
  rm -rf "$home"
  mkdir -p "$home"
  cp "$DIR/tls/server.pem" "$DIR/tls/server.key" "$home/"
  printf 'local all all trust\nhostssl all all all scram-sha-256\n' >"$home/rules"
  chmod 600 "$home/server.key"
  chown -R postgres "$home"
  # PostgreSQL does not run as root.
  chmod a+x "$DIR"
  (cd / && as_postgres "$bin/initdb" -A trust -E UTF8 --locale=C.UTF-8 -D "$home/data") >"$DIR/log/initdb.log"
  start_database
  sql postgres -c "create role leastway login password 'database-password-of-the-real-runs'"
  sql postgres -c 'create database leastway owner leastway'
}

# start_database : on what it has on its disk.
start_database() {
  local home="$DIR/database" try
  cd /
  spawn database setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" -D "$home/data" \
    -p "$POSTGRES_PORT" -k "$home" -c listen_addresses=127.0.0.1 -c "hba_file=$home/rules" \
    -c ssl=on -c "ssl_cert_file=$home/server.pem" -c "ssl_key_file=$home/server.key"
  cd "$OLDPWD"
  for ((try = 0; try < 300; try++)); do
    sql postgres -c 'select 1' >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -20 "$DIR/log/database.log" >&2
  return 1
}

# sql DATABASE [ARGUMENT...] : asks the database as its administrator.
sql() { psql -qAt -v ON_ERROR_STOP=1 -h "$DIR/database" -p "$POSTGRES_PORT" -U postgres -d "$@"; }

# bound_lists : who works in billing may list, 25,000 records in an hour.
bound_lists() {
  cat >>"$DIR/gateway/roles.toml" <<'ROLE'

[role.biller]
groups = ["billing"]
purposes = ["payment"]

[[role.biller.may]]
application = "stream"
actions = ["list"]

[role.biller.limit]
records_per_hour = 25000
on_exceed = "block"
ROLE
  cat >>"$DIR/gateway/applications/stream.toml" <<'ROUTE'

[[application.stream.route]]
name = "list"
match = { method = ["GET"], path = "/export", query = { list = "yes" } }
action = "list"
reply = { kind = "csv" }
ROUTE
}

# make_nodes : of the configuration in $DIR/gateway two, $DIR/node-a and $DIR/node-b, on ports of their own. To callers
# they are one: whoever asks node b says the host and port of node a, as behind a balancer.
make_nodes() {
  local store node
  (umask 077 && printf 'database-password-of-the-real-runs' >"$DIR/gateway/secrets/database")
  store="url = \"postgres://leastway@localhost:$POSTGRES_PORT/leastway?sslmode=verify-full\"\\npassword = \"file:secrets/database\"\\nauthorities = \"file:certs/authority.pem\"\\nnode = \"NODE\""
  for node in a b; do
    rm -rf "$DIR/node-$node"
    cp -r "$DIR/gateway" "$DIR/node-$node"
    sed -i -e "s|^url = \"data/leastway.db\"|${store/NODE/node-$node}|" "$DIR/node-$node/leastway.toml"
  done
  sed -i -e "s|127.0.0.1:$GATEWAY_PORT|127.0.0.1:$NODE_PORT|" -e "s|127.0.0.1:$CONTROL_PORT|127.0.0.1:$NODE_CONTROL_PORT|" \
    "$DIR/node-b/leastway.toml"
}

control_port() { if [ "$1" = a ]; then echo "$CONTROL_PORT"; else echo "$NODE_CONTROL_PORT"; fi; }

# start_node a|b : and waits until it answers.
start_node() {
  spawn "node-$1" "$LEASTWAY" serve --config "$DIR/node-$1/leastway.toml"
  wait_http "node-$1" "http://127.0.0.1:$(control_port "$1")/healthz" 60
}

# ask a|b PATH [OPTION...] : asks one of the two under the address that both have.
ask() {
  local port=$GATEWAY_PORT node=$1 path=$2
  [ "$node" = a ] || port=$NODE_PORT
  curl -sS -m 10 --cacert "$DIR/tls/ca.pem" --connect-to "localhost:$GATEWAY_PORT:127.0.0.1:$port" \
    -A 'Mozilla/5.0 (real run)' "https://localhost:$GATEWAY_PORT$path" "${@:3}"
}

# status a|b PATH [OPTION...] : the status of what it answers.
status() { ask "$@" -o /dev/null -w '%{http_code}'; }

# is_ready a|b : by its own word.
is_ready() { curl -sf -m 5 "http://127.0.0.1:$(control_port "$1")/readyz" -o /dev/null; }

# soon SECONDS COMMAND... : whether it holds within so many seconds, asked ten times in each.
soon() {
  local seconds=$1 try
  shift
  for ((try = 0; try < seconds * 10; try++)); do
    "$@" && return 0
    sleep 0.1
  done
  "$@"
}
