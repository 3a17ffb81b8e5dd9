#!/usr/bin/env bash
# Leastway in a container as deploy/Containerfile has it: it is built, and runs as nobody, without a capability, on a
# read-only root; its state outlives it.
#
# No image registry is asked: two images of this machine's files stand in for those that the file names. The first one's
# `cargo` gives the binary under test.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_apt podman runc
. "$REAL/orthanc/start.sh"
. "$REAL/oidc-provider/start.sh"

# The network is the host's, so that the applications on its loopback are reached. More open files than this shell may
# have cannot be given.
pods="$DIR/containers"
POD=(podman --root "$pods/storage" --runroot "$pods/run" --storage-driver vfs --runtime runc --cgroup-manager cgroupfs
  --events-backend none)
RUN=("${POD[@]}" run --network host --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=4096:4096
  --read-only --cap-drop=all --security-opt=no-new-privileges)
log="$DIR/log/podman.log"
does_not_work() {
  skip "$1" "podman cannot here: $(tail -1 "$log")"
  finish
  exit
}
"${POD[@]}" info >"$log" 2>&1 || does_not_work 'Leastway in a container'
"${POD[@]}" rm --all --force >>"$log"
"${POD[@]}" volume rm --all --force >>"$log"

# ---------------------------------------------------------------- built

# image NAME FILE... : these files, and what $pods/files holds already.
image() {
  mkdir -p "$pods/files/tmp"
  cp -L --parents "${@:2}" "$pods/files"
  tar -C "$pods/files" -c . | "${POD[@]}" import --quiet - "$1" >>"$log"
  rm -rf "$pods/files"
}
# libraries PROGRAM : what it is linked with.
libraries() { ldd "$1" | grep -oE '/[^ ]+'; }
stand_ins() {
  install -D -m 0755 "$LEASTWAY" "$pods/files/leastway"
  install -D -m 0755 /dev/stdin "$pods/files/usr/local/bin/cargo" <<<$'#!/bin/sh\nmkdir -p target/dist && mv /leastway target/dist/'
  # shellcheck disable=SC2046  # one word each
  image docker.io/library/rust:1.90-bookworm /bin/sh /bin/mkdir /bin/mv $(for each in sh mkdir mv; do libraries "/bin/$each"; done | sort -u)
  # shellcheck disable=SC2046
  image gcr.io/distroless/cc-debian12 /etc/ssl/certs/ca-certificates.crt $(libraries "$LEASTWAY")
}
stand_ins
build() { "${POD[@]}" build --isolation chroot --pull-never --network host -f "$ROOT/deploy/Containerfile" -t leastway "$ROOT"; }
check 'the container file builds' build
# The stand-in's `cargo` compiles nothing, and so would not miss anything.
copies_a_whole_package() {
  local copied="$pods/copied" words
  rm -rf "$copied"
  mkdir -p "$copied"
  while read -ra words; do
    (cd "$ROOT" && cp -r --parents "${words[@]:1:${#words[@]}-2}" "$copied")
  done < <(grep -E '^COPY [^-]' "$ROOT/deploy/Containerfile")
  cargo metadata --manifest-path "$copied/Cargo.toml" --locked --offline --format-version 1 >/dev/null
}
check 'what it copies is the whole package' copies_a_whole_package
"${RUN[@]}" --rm leastway --version >>"$log" 2>&1 || does_not_work 'running in a container'

# ---------------------------------------------------------------- run

start_orthanc
start_oidc_provider
configure oidc-provider
sed -i 's|"data/|"/var/lib/leastway/|' "$DIR/gateway/leastway.toml"
chown -R root:65532 "$DIR/gateway"
chmod -R g+rX,o-rwx "$DIR/gateway"

# begin NAME : a container of that name, ready.
begin() {
  spawn gateway "${RUN[@]}" -v "$DIR/gateway:/etc/leastway:ro" -v leastway-state:/var/lib/leastway --name "$1" leastway
  wait_http gateway "http://127.0.0.1:$CONTROL_PORT/readyz" 60
}
signs_in() { client session.py nurse "https://pacs.localhost:$GATEWAY_PORT/patients"; }
process() { "${POD[@]}" inspect --format '{{.State.Pid}}' "$1"; }
is_nobody() {
  local status
  status=$(grep -E '^(Uid|Gid|Groups|NoNewPrivs|Cap(Inh|Prm|Eff|Bnd|Amb)):' "/proc/$(process first)/status")
  echo "$status"
  ! echo "$status" | tr '\t' ' ' | grep -vE '^([UG]id:( 65532){4}|Groups: (65532 )?|NoNewPrivs: 1|Cap...: 0{16})$'
}
root_is_read_only() { awk '$5 == "/" { print; found = $6 ~ /^ro/ } END { exit !found }' "/proc/$(process first)/mountinfo"; }
entries() { "${POD[@]}" exec "$1" leastway audit query --config /etc/leastway/leastway.toml --json --limit 1000 | wc -l; }
begin first
check 'somebody signs in and works' signs_in
check 'it is nobody, without a capability or a way to gain one' is_nobody
check 'its root is read-only' root_is_read_only
before=$(entries first)
check 'an operator asks the journal in it' test "$before" -gt 0
check 'it ends when it is told to' "${POD[@]}" stop --time 20 first
check '  and by itself, within that time' test "$("${POD[@]}" inspect --format '{{.State.ExitCode}}' first)" = 0
begin second
check 'its events outlive it' test "$(entries second)" -ge "$before"
check 'and verify' "${POD[@]}" exec second leastway audit verify --config /etc/leastway/leastway.toml
"${POD[@]}" stop --time 20 second >>"$log"
"${POD[@]}" rm --all --force >>"$log"
"${POD[@]}" rmi --all --force >>"$log"
finish
