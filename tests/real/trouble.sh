#!/usr/bin/env bash
# Something is down: an application, the provider, the disk. A page and a reason each, nothing unrecorded.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"
start_orthanc
start_oidc_provider
spawn trouble python3 "$REAL/client/trouble.py"
configure trouble
serve

# Applications
flow client flow_trouble.py applications "$DIR/sent"
# The closing entry is written beside the reply, within moments.
is_recorded_as_broken() {
  local i
  for ((i = 0; i < 50; i++)); do
    events --reason upstream-aborted >"$DIR/events"
    ! grep -q '"application":"broken"' "$DIR/events" || return 0
    sleep 0.1
  done
  return 1
}
check 'a reply that was broken off is recorded as such' is_recorded_as_broken

# The provider
flow client flow_trouble.py before "$DIR/cookie"
stop oidc-provider
stop gateway
serve
flow client flow_trouble.py after "$DIR/cookie"
stop gateway
check 'the journal verifies' verify
events >"$DIR/events"
flow client compare.py "$DIR/sent" --received <"$DIR/events"
start_oidc_provider

# The disk
configure trouble
unlimited
mkdir -p "$DIR/gateway/data/journal"
if mount -t tmpfs -o size=4m tmpfs "$DIR/gateway/data/journal" 2>/dev/null; then
  trap 'ended "$BASH_COMMAND"; umount "$DIR/gateway/data/journal"' EXIT
  serve
  flow client flow_full_disk.py "$DIR/gateway/data/journal" "$DIR/sent"
  stop gateway
  check 'the journal verifies after a full disk' verify
  events >"$DIR/events"
  flow client compare.py "$DIR/sent" --received <"$DIR/events"
  rm -f "$DIR/gateway/data/journal/ballast"
  serve
  check 'with room on the disk it serves again' \
    curl -s --cacert "$DIR/tls/ca.pem" -o /dev/null --fail "https://pacs.localhost:$GATEWAY_PORT/app/explorer.html"

  # The same with a spool on another disk.
  stop gateway
  umount "$DIR/gateway/data/journal"
  configure trouble
  unlimited
  sed -i 's|^directory = "data/journal"|&\nspool = "data/spool"|' "$DIR/gateway/leastway.toml"
  mkdir -p "$DIR/gateway/data/journal"
  mount -t tmpfs -o size=16m tmpfs "$DIR/gateway/data/journal"
  serve
  flow client flow_spool.py "$DIR/gateway/data/journal" "$DIR/sent"
  stop gateway
  check 'the journal verifies with all of the spool in it' verify
  check 'nothing is left in the spool' test -z "$(find "$DIR/gateway/data/spool" -name '*.segment')"
  events >"$DIR/events"
  flow client compare.py "$DIR/sent" --received <"$DIR/events"
else
  skip 'a full disk' 'no file system can be mounted here'
fi
finish
