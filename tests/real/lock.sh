#!/usr/bin/env bash
# Automatic logoff that locks, with people who sign in at oidc-provider and an application that streams: after a minute
# the session is locked and its WebSocket is cut; its person goes on in it after a fresh sign-in, which the provider's own
# session is not; another person starts clean.
. "$(dirname "$0")/lib.sh"
need_tools
need_certificates
need_venv lock 'aiohttp==3.*' 'websockets==15.*'
. "$REAL/oidc-provider/start.sh"
start_oidc_provider
spawn stream "$DIR/venv-lock/bin/python" "$REAL/protocol/server.py" "$STREAM_PORT"
wait_http stream "http://127.0.0.1:$STREAM_PORT/small" 60
configure protocol
# A minute, so that nobody has to wait for long.
# What is asked for goes by the browser, which then leaves the fresh sign-in out of it.
sed -i -e 's/^idle = "15m"/lock = "1m"\nidle = "30m"/' -e 's/^client_id = .*/&\npushed_requests = false/' "$DIR/gateway/leastway.toml"
# A cart shows a certificate of its own, made as operators make them.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=cart' \
  -keyout "$DIR/tls/cart.key" -out "$DIR/tls/cart.csr" 2>/dev/null
openssl x509 -req -in "$DIR/tls/cart.csr" -CA "$DIR/tls/ca.pem" -CAkey "$DIR/tls/ca.key" -CAcreateserial -days 30 \
  -extfile <(echo 'extendedKeyUsage=clientAuth'; echo 'subjectAltName=DNS:cart-7.carts.localhost') \
  -out "$DIR/tls/cart.pem" 2>/dev/null
cat >>"$DIR/gateway/leastway.toml" <<'CARTS'

[gateway.client_certificate]
authorities = "file:certs/authority.pem"

[device.cart]
certificate = "*.carts.localhost"
CARTS
check 'the configuration is valid' "$LEASTWAY" validate --config "$DIR/gateway/leastway.toml"
serve
flow env PYTHONPATH="$REAL/client" "$DIR/venv-lock/bin/python" "$REAL/client/flow_lock.py" "$DIR/gateway/leastway.toml"
# at_cart OPTION... : the device of a request that curl makes.
at_cart() {
  curl -sS -o /dev/null --cacert "$DIR/tls/ca.pem" --cert "$DIR/tls/cart.pem" --key "$DIR/tls/cart.key" "$@" \
    "https://localhost:$GATEWAY_PORT/small?by-cart=1"
}
check 'a cart is met by TLS 1.3' at_cart --tlsv1.3
check '  and by TLS 1.2' at_cart --tls-max 1.2
check '  and who shows no certificate all the same' \
  curl -sS -o /dev/null --cacert "$DIR/tls/ca.pem" "https://localhost:$GATEWAY_PORT/small?by-cart=0"
stop gateway
check 'the journal verifies' verify
# told : what became of locked sessions, each as the number of the session in the order of sign-ins.
told() {
  events | python3 -c 'import json, sys
openings = [json.loads(line)["opening"] for line in sys.stdin]
order = list(dict.fromkeys(opening["subject"]["session"] for opening in openings if opening.get("subject")))
locks = [opening["lock"] for opening in openings if opening.get("lock")]
print(*[lock["step"] + ":" + str(order.index(lock["session"])) for lock in locks if lock["step"] != "met"])
print(*[opening["revocation"]["cause"] for opening in openings if opening.get("revocation")])'
}
check 'each step is an event, of the one session until another person comes' \
  test "$(told)" = $'unproven:0 unlocked:0\nback-channel-logout other-person'
# carts : the device of each of curl's requests, and whether its certificate is told.
carts() {
  events | python3 -c 'import json, sys
openings = [json.loads(line)["opening"] for line in sys.stdin]
print(*[str(it.get("device")) + ":" + str("certificate" in it) for it in openings if it.get("query_keys") == ["by-cart"]])'
}
check 'a device is of the class of its certificate, which is in the event' test "$(carts)" = 'cart:True cart:True None:False'
finish
