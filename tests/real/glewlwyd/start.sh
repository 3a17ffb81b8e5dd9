# Glewlwyd from Debian, a quite different OpenID provider, by TLS on loopback. Source it.
# shellcheck shell=bash
#
# It never sends `acr`. A step-up is asked for by the scope `phi_export`, which it gives only to whoever
# has shown a TOTP. `max_age=0` is an error to it, and unknown `acr_values` are ignored.
need_apt glewlwyd sqlite3
need_certificates
start_glewlwyd() {
  local home="$DIR/glewlwyd"
  rm -rf "$home"
  mkdir -p "$home"
  # Debian links the scripts of its pages to other packages; Glewlwyd serves no links that lead out.
  cp -rL /usr/share/glewlwyd/webapp "$home/webapp"
  # What is a file to the pages is a folder with that file in Debian's package.
  rm -rf "$home/webapp/config.json"
  cp "$(find /etc/glewlwyd/ -type f -name 'config*.json' | head -1)" "$home/webapp/config.json"
  cat >"$home/glewlwyd.conf" <<CONF
port=$GLEWLWYD_PORT
bind_address="127.0.0.1"
external_url="https://localhost:$GLEWLWYD_PORT"
login_url="login.html"
api_prefix="api"
cookie_secure=1
session_expiration=43200
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
login_api_enabled=true
add_x_frame_option_header_deny=true
admin_scope="g_admin"
profile_scope="g_profile"
log_mode="console"
log_level="WARNING"
static_files_path="$home/webapp/"
static_files_mime_types = ( {extension=".html" mime_type="text/html" compress=1}, {extension=".css" mime_type="text/css" compress=1}, {extension=".js" mime_type="application/javascript" compress=1}, {extension=".json" mime_type="application/json"}, {extension=".png" mime_type="image/png"}, {extension=".woff2" mime_type="font/woff2"} )
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="$DIR/tls/server.key"
secure_connection_pem_file="$DIR/tls/server.pem"
secure_connection_ca_file="$DIR/tls/ca.pem"
hash_algorithm="SHA512"
database = { type="sqlite3" path="$home/glewlwyd.db" }
CONF
  sqlite3 "$home/glewlwyd.db" </usr/share/dbconfig-common/data/glewlwyd/install/sqlite3 >"$DIR/log/glewlwyd-database.log" 2>&1
  spawn glewlwyd glewlwyd --config-file="$home/glewlwyd.conf"
  wait_http glewlwyd "https://localhost:$GLEWLWYD_PORT/config/" 60
  python3 "$REAL/glewlwyd/setup.py" "https://localhost:$GLEWLWYD_PORT" "$DIR/tls/ca.pem" leastway-secret-of-the-real-runs \
    "https://pacs.localhost:$GATEWAY_PORT/.leastway/callback"
}
