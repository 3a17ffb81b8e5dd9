#!/usr/bin/env bash
# Leastway as deploy/ has it: the unit is sound and sealed down; as nobody, with no capability, on a read-only
# root it serves, reloads and stops, with no system call that the unit's filter would refuse.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_apt systemd strace bubblewrap
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
configure oidc-provider

# ---------------------------------------------------------------- the unit

unit="$DIR/unit/leastway.service"
mkdir -p "$DIR/unit"
sed "s|/usr/local/bin/leastway|$LEASTWAY|" "$ROOT/deploy/leastway.service" >"$unit"
cp "$ROOT/deploy/leastway.socket" "$DIR/unit/"
sound() { local said; said=$(systemd-analyze verify "$unit" "$DIR/unit/leastway.socket" 2>&1) || { echo "$said"; return 1; }; echo "$said"; [ -z "$said" ]; }
sealed() { systemd-analyze security --offline=yes --threshold=15 "$unit"; }
check 'systemd finds nothing wrong with the units' sound
check 'and an exposure of no more than 1.5 of 10' sealed
sed -n 's/.*Overall exposure level[^:]*: /         it is /p' "$DIR/log/check.out"

# ---------------------------------------------------------------- as nobody, on a read-only root

if ! bwrap --ro-bind / / --dev /dev --proc /proc --unshare-pid strace -o /dev/null true 2>/dev/null; then
  skip 'running as nobody on a read-only root' 'no namespaces or no tracing here'
  finish
  exit
fi
state="$DIR/gateway/data"
install -d -m 0700 -o nobody -g nogroup "$state"
chown -R root:nogroup "$DIR/gateway/certs" "$DIR/gateway/secrets"
chmod -R g+rX,o-rwx "$DIR/gateway/certs" "$DIR/gateway/secrets"
chmod a+x "$DIR"
cp "$LEASTWAY" "$DIR/leastway"
rm -f "$DIR/calls"
install -m 0600 -o nobody /dev/null "$DIR/calls"
spawn gateway bwrap --ro-bind / / --dev /dev --proc /proc --bind "$state" "$state" --bind "$DIR/calls" "$DIR/calls" \
  --unshare-pid --die-with-parent \
  setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  strace -f -qq -o "$DIR/calls" "$DIR/leastway" serve --config "$DIR/gateway/leastway.toml"
wait_http gateway "http://127.0.0.1:$CONTROL_PORT/readyz" 60
process() { pgrep -u nobody -f "^$DIR/leastway serve" | head -1; }
signs_in() { client session.py nurse "https://pacs.localhost:$GATEWAY_PORT/patients"; }
check 'somebody signs in and works' signs_in
status() { grep -E "^$1:" "/proc/$(process)/status"; }
check 'it has no capability, and none to gain' sh -c 'echo "$1"; ! echo "$1" | grep -v "0000000000000000$"' _ "$(status 'Cap(Prm|Eff|Bnd|Amb)')"
in_force() { grep -c 'new rules are in force' "$DIR/log/gateway.log"; }
reloads() {
  local before try
  before=$(in_force)
  echo '# read again' >>"$DIR/gateway/roles.toml"
  kill -HUP "$(process)"
  for ((try = 0; try < 50; try++)); do
    [ "$(in_force)" -le "$before" ] || return 0
    sleep 0.1
  done
  return 1
}
check 'it reloads on SIGHUP' reloads
kill -TERM "$(process)"
ended() { local try; for ((try = 0; try < 100; try++)); do [ -n "$(process)" ] || return 0; sleep 0.1; done; return 1; }
check 'and ends on SIGTERM' ended
stop gateway
check 'the journal verifies' verify
check 'no system call is one that the unit refuses' python3 "$REAL/client/calls.py" "$unit" "$DIR/calls"
finish
