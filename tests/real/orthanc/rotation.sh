# The password of an account of ours at Orthanc changes: there by its administrator, here by the command. Source it.
# shellcheck shell=bash

# orthanc_knows PASSWORD : Orthanc, started anew, knows one account by this password, and no stranger.
orthanc_knows() {
  local json="$DIR/orthanc/orthanc.json"
  python3 - "$json" "$1" <<'PYTHON'
import json, pathlib, sys
path, password = pathlib.Path(sys.argv[1]), sys.argv[2]
path.write_text(json.dumps(json.loads(path.read_text()) | {
    "AuthenticationEnabled": True, "RegisteredUsers": {"leastway": password}}))
PYTHON
  stop orthanc
  spawn orthanc Orthanc "$json"
  wait_http orthanc "http://127.0.0.1:$ORTHANC_PORT/system" 30
}

# credential VERB EXIT [ARGUMENT...] : `leastway credential VERB` ends with this exit code.
credential() {
  local verb=$1 expected=$2 exit=0
  shift 2
  "$LEASTWAY" credential "$verb" --config "$DIR/gateway/leastway.toml" --application pacs --account reader "$@" \
    >"$DIR/log/credential.log" 2>&1 || exit=$?
  cat "$DIR/log/credential.log" >>"$DIR/log/credentials.log"
  cat "$DIR/log/credential.log"
  [ "$exit" -eq "$expected" ]
}

# kill_when FILE [ARGUMENT...] : begins a rotation, and kills it as soon as the file is there.
kill_when() {
  local file=$1 pid
  shift
  "$LEASTWAY" credential rotate --config "$DIR/gateway/leastway.toml" --application pacs --account reader "$@" \
    >"$DIR/log/killed.log" 2>&1 &
  pid=$!
  while [ ! -e "$file" ] && kill -0 "$pid" 2>/dev/null; do :; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# rotation SENT_FILE : the whole of it, on the gateway that runs.
rotation() {
  local secret="$DIR/gateway/secrets/orthanc" new="$DIR/gateway/secrets/new" before='Teal-Osprey-41' after='Umber-Finch-58'
  (umask 027 && echo "$before" >"$secret" && echo "$after" >"$new")
  : >"$DIR/log/credentials.log"
  sed -i 's|^unmatched = .*|&\
default_credential = "reader"\
credential.reader = { kind = "basic", user = "leastway", secret = "file:../secrets/orthanc", test = "/system" }|' \
    "$DIR/gateway/applications/orthanc.toml"
  local token
  token="authorization: Bearer $(cat "$DIR/gateway/secrets/control-token")"
  check 'the gateway takes an account for Orthanc' \
    curl -fsS -X POST -H "$token" "http://127.0.0.1:$CONTROL_PORT/api/v1/reload"
  orthanc_knows "$before"
  check 'Orthanc knows it' credential test 0
  flow client flow_account.py "$1" 'and people look under it'
  check 'a password that Orthanc does not know is not put into force' credential rotate 1 --from "$new"
  check 'and nothing is left of it' test "$(cat "$secret")" = "$before" -a ! -e "$secret.next" -a ! -e "$secret.before"
  orthanc_knows "$after"
  check 'after its administrator has changed it, the account is refused' credential test 1
  check 'it is rotated' credential rotate 0 --from "$new"
  check 'the file holds the new one, with its mode' \
    test "$(cat "$secret")" = "$after" -a "$(stat -c %a "$secret")" = 640 -a ! -e "$secret.before"
  flow client flow_account.py "$1" 'and people look under the new one, without a restart'
  # Killed before its switch and after it, to and fro.
  local here="$after" there="$before" stage i
  for stage in next before next before; do
    orthanc_knows "$there"
    echo "$there" >"$new"
    kill_when "$secret.$stage" --from "$new"
    check "killed with .$stage beside it, the file holds one of the two, whole" grep -qxE "$here|$there" "$secret"
    check 'something is left to go on with' compgen -G "$secret.*"
    check 'and the next one ends it' credential rotate 0
    check 'with the new one in the file, and nothing beside it' \
      test "$(cat "$secret")$(compgen -G "$secret.*")" = "$there"
    i=$here here=$there there=$i
  done
  check 'Orthanc accepts what is in force' credential test 0
  nowhere() {
    ! grep -rlE "$before|$after" "$DIR/log" "$DIR/gateway" --exclude-dir=secrets
  }
  check 'no password stands in a log, in what was said or in the journal' nowhere
}
