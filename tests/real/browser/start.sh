# Debian's Chromium, driven by playwright-core. Source it.
# shellcheck shell=bash
need_node
need_apt chromium libnss3-tools fonts-dejavu-core
need_npm browser 'playwright-core@1'

# browser AUTHORITY SCRIPT.mjs [ARGUMENT...] : runs a flow in a browser that trusts this authority.
browser() {
  local authority=$1 script=$2 home="$DIR/browser-home"
  shift 2
  rm -rf "$home"
  mkdir -p "$home/.pki/nssdb"
  certutil -d "sql:$home/.pki/nssdb" -N --empty-password
  certutil -d "sql:$home/.pki/nssdb" -A -t C,, -n authority -i "$authority"
  cp "$REAL"/browser/*.mjs "$DIR/npm-browser/"
  BROWSER_HOME="$home" timeout 240 node "$DIR/npm-browser/$script" "$@" </dev/null
}
