# What the load needs: a backend, nginx as a proxy of it, a provider, and Leastway's configuration. Source it, after
# tests/real/lib.sh; do not run it. As root, since it installs nginx.
# shellcheck shell=bash
need_tools
need_apt nginx-light nghttp2-client
need_certificates
. "$REAL/oidc-provider/start.sh"

home="$DIR/load"
rm -rf "$home"
mkdir -p "$home/files"
python3 "$ROOT/benches/load/files.py" "$home/files"

# nginx_conf NAME HTTP_BLOCK : a configuration with nothing of the system's.
nginx_conf() {
  mkdir -p "$home/$1"
  cat >"$home/$1.conf" <<CONF
worker_processes 2;
daemon off;
pid $home/$1/pid;
error_log $home/$1/error.log;
events { worker_connections 4096; }
http {
  types { application/json json; text/html html; text/csv csv; }
  keepalive_requests 100000000;
  client_body_temp_path $home/$1/body; proxy_temp_path $home/$1/proxy; fastcgi_temp_path $home/$1/fastcgi;
  uwsgi_temp_path $home/$1/uwsgi; scgi_temp_path $home/$1/scgi;
  $2
}
CONF
}
nginx_conf backend "access_log off; sendfile on; server { listen 127.0.0.1:9860; root $home/files; }"
nginx_conf proxy "access_log $home/proxy/access.log;
  upstream backend { server 127.0.0.1:9860; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:9861 ssl http2;
    ssl_certificate $DIR/tls/server.pem; ssl_certificate_key $DIR/tls/server.key; ssl_protocols TLSv1.2 TLSv1.3;
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ''; }
  }"
spawn backend nginx -c "$home/backend.conf"
spawn nginx nginx -c "$home/proxy.conf"
wait_http backend http://127.0.0.1:9860/record.json 10
wait_http nginx https://127.0.0.1:9861/record.json 10
start_oidc_provider
configure load
unlimited
rm "$DIR/gateway/applications/orthanc.toml"
