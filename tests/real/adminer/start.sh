# Adminer, a database console, under PHP's own web server, and a PostgreSQL with 5,000 rows, and tables of 40 and 41. Source it.
# shellcheck shell=bash
need_apt adminer php-cli php-pgsql php-mbstring postgresql

start_postgres() {
  local home="$DIR/postgres" bin
  bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
  rm -rf "$home"
  mkdir -p "$home"
  chown postgres "$home"
  # PostgreSQL does not run as root.
  chmod a+x "$DIR"
  as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
  (cd / && as_postgres "$bin/initdb" -A trust -E UTF8 --locale=C.UTF-8 -D "$home/data") >"$DIR/log/initdb.log"
  cd / && spawn postgres setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" -D "$home/data" \
    -p "$POSTGRES_PORT" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$home" -c fsync=off
  cd "$OLDPWD"
  local try
  for ((try = 0; try < 100; try++)); do
    sql postgres -c 'select 1' >/dev/null 2>&1 && break
    sleep 0.1
  done
  sql postgres -c 'create database clinicdb' >/dev/null
  # Nobody of them is real.
  sql clinicdb >/dev/null <<'SQL'
create table patient(id serial primary key, mrn text, name text, born date, note text);
insert into patient(mrn, name, born, note)
  select 'LW' || i, 'Test Patient ' || i, date '1940-01-01' + i * 5, 'synthetic' from generate_series(1, 5000) i;
create table forty as select id, mrn, name, note from patient where id <= 40;
create table more as select id, mrn, name, note from patient where id <= 41;
SQL
}

# sql DATABASE [ARGUMENT...] : asks the database itself.
sql() { psql -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d "$@"; }

start_adminer() {
  start_postgres
  PHP_CLI_SERVER_WORKERS=4 spawn adminer php -S "127.0.0.1:$ADMINER_PORT" -t /usr/share/adminer
  wait_http adminer "http://127.0.0.1:$ADMINER_PORT/adminer/" 60
}
