# Debian's rsyslog, which takes syslog over TLS with certificates on both sides (RFC 5425). Source it.
# shellcheck shell=bash

# client_pem NAME FOLDER : a certificate for a client, of the authority that the server's is of.
client_pem() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$2/$1.key" -out "$2/$1.csr" 2>/dev/null
  openssl x509 -req -in "$2/$1.csr" -CA "$DIR/tls/ca.pem" -CAkey "$DIR/tls/ca.key" -CAcreateserial -days 30 \
    -extfile <(echo 'extendedKeyUsage=clientAuth') -out "$2/$1.pem" 2>/dev/null
  chmod 600 "$2/$1.key"
}

# rsyslog_conf FOLDER : what every configuration begins with.
rsyslog_conf() {
  cat <<RSYSLOG
global(workDirectory="$1" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off"
  defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="$DIR/tls/ca.pem"
  defaultNetstreamDriverCertFile="$DIR/tls/server.pem" defaultNetstreamDriverKeyFile="$DIR/tls/server.key")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
template(name="line" type="list") {
  property(name="timestamp" dateFormat="rfc3339") constant(value=" ") property(name="hostname") constant(value=" ")
  property(name="app-name") constant(value=" ") property(name="msgid") constant(value=" ")
  property(name="structured-data") constant(value=" ") property(name="msg") constant(value="\n")
}
template(name="raw" type="list") { property(name="rawmsg") constant(value="\n") }
RSYSLOG
}

# rsyslog_raw NAME PORT FOLDER : what comes to this port goes as it came to FOLDER/syslog-NAME.
rsyslog_raw() {
  cat <<RSYSLOG
ruleset(name="$1") { action(type="omfile" file="$3/syslog-$1" template="raw") }
input(type="imtcp" address="127.0.0.1" port="$2" ruleset="$1")
RSYSLOG
}
