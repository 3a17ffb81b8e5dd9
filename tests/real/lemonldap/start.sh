# LemonLDAP::NG of Debian as an OpenID provider, by TLS on loopback: its portal alone, with its demonstration people.
# Source it.
# shellcheck shell=bash
LEMONLDAP_HOST=id.partner.localhost
need_apt liblemonldap-ng-portal-perl lemonldap-ng-fastcgi-server nginx-light starman libio-socket-ssl-perl libstring-random-perl libio-string-perl libgd-securityimage-perl libimage-magick-perl
need_certificates

# lemonldap_certificate : for a name of its own, since it wants its cookies to have a domain.
lemonldap_certificate() {
  local tls="$DIR/tls"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$LEMONLDAP_HOST" \
    -keyout "$tls/lemonldap.key" -out "$tls/lemonldap.csr" 2>/dev/null
  printf 'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s\n' "$LEMONLDAP_HOST" >"$tls/lemonldap.extensions"
  openssl x509 -req -in "$tls/lemonldap.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 30 \
    -extfile "$tls/lemonldap.extensions" -out "$tls/lemonldap.pem" 2>/dev/null
}

start_lemonldap() {
  local home="$DIR/lemonldap"
  rm -rf "$home"
  lemonldap_certificate
  mkdir -p "$home"
  (umask 077 && python3 "$REAL/lemonldap/setup.py" "$home" "$LEMONLDAP_PORT" "https://pacs.localhost:$GATEWAY_PORT" leastway-secret-of-the-real-runs)
  LLNG_DEFAULTCONFFILE="$home/lemonldap-ng.ini" spawn lemonldap starman --workers 8 --disable-keepalive --preload-app \
    --listen "127.0.0.1:$LEMONLDAP_PORT:ssl" --enable-ssl --ssl-cert "$DIR/tls/lemonldap.pem" --ssl-key "$DIR/tls/lemonldap.key" \
    "$REAL/lemonldap/app.psgi"
  wait_http lemonldap "https://localhost:$LEMONLDAP_PORT/.well-known/openid-configuration" 60
}
