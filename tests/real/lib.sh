# Helpers of the real runs: real providers, applications and browsers around Leastway, on loopback.
# Source it; do not run it.
#
#   LEASTWAY_REAL_DIR   everything that is installed or written: ${TMPDIR:-/tmp}/leastway-real by
#                       default. It may be deleted when nothing runs any more.
#   LEASTWAY            the binary; target/release/leastway by default.
# shellcheck shell=bash
set -euo pipefail

REAL="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$REAL/../.." && pwd)"
DIR="${LEASTWAY_REAL_DIR:-${TMPDIR:-/tmp}/leastway-real}"
LEASTWAY="${LEASTWAY:-${CARGO_TARGET_DIR:-$ROOT/target}/release/leastway}"
SHOTS="${LEASTWAY_SHOTS:-$DIR/shots}"
mkdir -p "$DIR/run" "$DIR/log" "$SHOTS"
export REAL DIR LEASTWAY SHOTS PYTHONDONTWRITEBYTECODE=1

# Ports of one run: far from those of the demo, so that both can be open.
GATEWAY_PORT=9843 CONTROL_PORT=9844 OIDC_PORT=9845 GLEWLWYD_PORT=9846 ORTHANC_PORT=9847
SHELLINABOX_PORT=9853 ADMINER_PORT=9854 POSTGRES_PORT=9855 FHIR_PORT=9856 STREAM_PORT=9857 SIGNALS_PORT=9862 NOTES_PORT=9863 LEMONLDAP_PORT=9861
export GATEWAY_PORT CONTROL_PORT OIDC_PORT GLEWLWYD_PORT ORTHANC_PORT
export SHELLINABOX_PORT ADMINER_PORT POSTGRES_PORT FHIR_PORT STREAM_PORT SIGNALS_PORT NOTES_PORT LEMONLDAP_PORT

# ---------------------------------------------------------------- checks

# check SENTENCE COMMAND... : says whether it held. tests/run counts these lines.
check() {
  local sentence=$1
  shift
  if "$@" >"$DIR/log/check.out" 2>&1; then
    printf 'ok       %s\n' "$sentence"
  else
    printf 'FAILED   %s\n' "$sentence"
    sed 's/^/           /' "$DIR/log/check.out" | tail -20
    FAILED=$((${FAILED:-0} + 1))
  fi
}

# skip SENTENCE WHY : says what could not be tried here.
skip() { printf 'skipped  %s (%s)\n' "$1" "$2"; }

# flow COMMAND... : runs checks that print the same lines themselves.
flow() { "$@" || FAILED=$((${FAILED:-0} + 1)); }

# finish : the last line of a run.
finish() {
  FINISHED=yes
  [ "${FAILED:-0}" -eq 0 ]
}

# ---------------------------------------------------------------- what is installed

# need_apt PACKAGE... : installs the Debian packages that are missing, and starts no daemon.
need_apt() {
  local missing=() package policy=/usr/sbin/policy-rc.d made=
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made=1
  fi
  local result=0
  {
    [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -2 2>/dev/null | head -1)" ] || apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o DPkg::Lock::Timeout=600 "${missing[@]}"
  } </dev/null >"$DIR/log/apt.log" 2>&1 || result=$?
  [ -z "$made" ] || rm -f "$policy"
  [ "$result" -eq 0 ] || tail -20 "$DIR/log/apt.log" >&2
  return "$result"
}

# need_tools : what every run uses.
need_tools() { need_apt ca-certificates curl openssl procps python3 python3-venv; }

# need_venv NAME REQUIREMENT... : a virtual environment with these, once.
need_venv() {
  local venv="$DIR/venv-$1"
  shift
  [ "$(cat "$venv/.installed" 2>/dev/null)" = "$*" ] && return 0
  python3 -m venv "$venv"
  "$venv/bin/pip" -q install --disable-pip-version-check "$@" </dev/null
  echo "$*" >"$venv/.installed"
}

# need_node : a Node.js of 20 or later in PATH; where Debian's is older, one from the npm registry.
need_node() {
  local own="$DIR/npm-node/node_modules"
  [ ! -d "$own" ] || PATH="$(echo "$own"/node-linux-*/bin):$PATH"
  if [ "$(node -p 'process.versions.node.split(".")[0] >= 20' 2>/dev/null)" = true ] && command -v npm >/dev/null; then
    return 0
  fi
  need_apt nodejs npm
  [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] && return 0
  need_npm node "node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')@22"
  PATH="$(echo "$own"/node-linux-*/bin):$PATH"
}

# need_npm NAME REQUIREMENT... : a node_modules folder with these, once. No install script runs.
need_npm() {
  local folder="$DIR/npm-$1"
  shift
  [ "$(cat "$folder/.installed" 2>/dev/null)" = "$*" ] && return 0
  mkdir -p "$folder"
  echo '{"private":true,"type":"module"}' >"$folder/package.json"
  (cd "$folder" && npm install --no-audit --no-fund --ignore-scripts "$@") </dev/null >"$DIR/log/npm.log" 2>&1 \
    || { tail -20 "$DIR/log/npm.log" >&2; return 1; }
  echo "$*" >"$folder/.installed"
}

# need_certificates : a throw-away authority and one certificate for the names that are used here:
# $DIR/tls/{ca.pem,server.pem,server.key}
need_certificates() {
  local tls="$DIR/tls"
  mkdir -p "$tls"
  # By which Leastway shows a provider who it is; the provider sees the public half.
  [ -f "$tls/client.key" ] || openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tls/client.key"
  # Made anew before it ends.
  openssl x509 -in "$tls/server.pem" -checkend 86400 -noout >/dev/null 2>&1 && return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 396 \
    -subj '/CN=Authority of the real runs' -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>/dev/null
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=localhost' \
    -keyout "$tls/server.key" -out "$tls/server.csr" 2>/dev/null
  {
    echo 'extendedKeyUsage=serverAuth'
    echo 'subjectAltName=DNS:localhost,DNS:pacs.localhost,DNS:gone.localhost,DNS:slow.localhost,DNS:broken.localhost,DNS:garbled.localhost,IP:127.0.0.1'
  } >"$tls/extensions"
  openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 390 \
    -extfile "$tls/extensions" -out "$tls/server.pem" 2>/dev/null
  # A browser's trust store holds the authority before.
  rm -rf "$DIR/browser-home"
}

# ---------------------------------------------------------------- what runs

pid_of() { cat "$DIR/run/$1.pid" 2>/dev/null; }
is_alive() { local pid; pid=$(pid_of "$1") && kill -0 "$pid" 2>/dev/null; }

# spawn NAME COMMAND... : in a process group of its own, with a pid file and a log. Ends with this script.
spawn() {
  local name=$1
  shift
  ! is_alive "$name" || stop "$name"
  setsid "$@" >>"$DIR/log/$name.log" 2>&1 </dev/null &
  echo $! >"$DIR/run/$name.pid"
  disown
  SPAWNED="${SPAWNED:-} $name"
}

# stop NAME [SIGNAL] : ends the process group that `spawn` started, by its pid file.
stop() {
  local pid i
  pid=$(pid_of "$1") || return 0
  kill -s "${2:-TERM}" -- "-$pid" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 -- "-$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -s KILL -- "-$pid" 2>/dev/null || true
  rm -f "$DIR/run/$1.pid"
}

stop_all() {
  local name
  for name in ${SPAWNED:-}; do stop "$name"; done
}

# ended : at the end, however it comes. A run that did not get to its last line says where it stopped.
ended() {
  local code=$? command=$1
  [ -n "${FINISHED:-}" ] || printf 'FAILED   the run stopped with %s at: %s\n' "$code" "$command"
  stop_all
}
trap 'ended "$BASH_COMMAND"' EXIT
trap 'exit 130' INT TERM

# wait_http NAME URL SECONDS : any answer counts as up.
wait_http() {
  local name=$1 url=$2 seconds=$3 i
  for ((i = 0; i < seconds * 10; i++)); do
    [ "$(curl -ks -o /dev/null -m 5 -w '%{http_code}' "$url" || true)" != 000 ] && return 0
    is_alive "$name" || break
    sleep 0.2
  done
  echo "$name did not come up: $(is_alive "$name" || echo 'it has ended; ')$(curl -ksS -o /dev/null -m 5 "$url" 2>&1)" >&2
  echo "its log ends:" >&2
  tail -30 "$DIR/log/$name.log" >&2
  return 1
}

# ---------------------------------------------------------------- Leastway

# configure NAME... : a fresh configuration in $DIR/gateway, from config/clinic with each config/NAME over
# it, certificates, secrets and an empty journal.
configure() {
  local home="$DIR/gateway" name
  rm -rf "$home"
  mkdir -p "$home/certs" "$home/secrets" "$home/applications"
  for name in clinic "$@"; do cp -r "$REAL/config/$name/." "$home/"; done
  route_file orthanc pacs.localhost "$ORTHANC_PORT"
  cp "$DIR/tls/ca.pem" "$home/certs/authority.pem"
  cp "$DIR/tls/server.pem" "$home/certs/gateway.pem"
  cp "$DIR/tls/server.key" "$home/certs/gateway.key"
  install -m 600 "$DIR/tls/client.key" "$home/secrets/client.key"
  chmod 600 "$home/certs/gateway.key"
  (umask 077 && printf 'leastway-secret-of-the-real-runs' >"$home/secrets/client-secret" \
    && printf 'control-token-of-the-real-runs' >"$home/secrets/control-token")
}

# route_file PRODUCT HOST PORT : takes config/routes/PRODUCT.toml as people do: a copy, with its host and
# upstream named.
route_file() {
  sed -e "s|^host = .*|host = \"$2\"|" -e "s|^upstream = .*|upstream = [\"http://127.0.0.1:$3\"]|" \
    "$ROOT/config/routes/$1.toml" >"$DIR/gateway/applications/$1.toml"
}

# unlimited : lifts the limits by number, where one person from one address does it all.
unlimited() {
  cat >>"$DIR/gateway/leastway.toml" <<'LIMITS'

[gateway.limits]
connections_per_address = 20000
new_connections_per_address = "none"
requests_per_address = "none"
requests_per_person = "none"
LIMITS
}

# serve : starts Leastway on that configuration and waits until it is ready.
serve() {
  spawn gateway "$LEASTWAY" serve --config "$DIR/gateway/leastway.toml"
  wait_http gateway "http://127.0.0.1:$CONTROL_PORT/readyz" 60
}

verify() { "$LEASTWAY" audit verify --config "$DIR/gateway/leastway.toml"; }

# events [ARGUMENT...] : events as lines of JSON.
events() { "$LEASTWAY" audit query --config "$DIR/gateway/leastway.toml" --json --limit 1000000 --oldest-first "$@"; }

# client SCRIPT [ARGUMENT...] : a Python client of this folder.
client() { python3 "$REAL/client/$1" "${@:2}"; }
