# What the protocol run is made of: tools, and an application that streams. Source it.
# shellcheck shell=bash
need_apt nghttp2-client slowhttptest testssl.sh
need_venv protocol 'aiohttp==3.*' 'hpack==4.*' 'websockets==15.*'

# protocol SCRIPT.py [ARGUMENT...] : one of this folder's, with the packages that it needs.
protocol() { PYTHONPATH="$REAL/client" "$DIR/venv-protocol/bin/python" -W ignore "$REAL/protocol/$1" "${@:2}"; }

start_stream() {
  spawn stream "$DIR/venv-protocol/bin/python" "$REAL/protocol/server.py" "$STREAM_PORT"
  wait_http stream "http://127.0.0.1:$STREAM_PORT/small" 60
}

# memory WHICH : of Leastway, in KiB: VmRSS as it is, VmHWM at most since `memory_begin`.
memory() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(pid_of gateway)/status"; }
memory_begin() { echo 5 >"/proc/$(pid_of gateway)/clear_refs"; }
