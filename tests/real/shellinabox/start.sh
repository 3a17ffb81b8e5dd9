# Shell In A Box, a terminal without WebSocket, whose shell is nobody's, on loopback. Source it.
# shellcheck shell=bash
need_apt shellinabox
start_shellinabox() {
  # It writes nothing, and looks for its styles where it was started.
  spawn shellinabox env -C / shellinaboxd --localhost-only --disable-ssl --port "$SHELLINABOX_PORT" --no-beep \
    --user nobody --group nogroup --service '/:nobody:nogroup:/tmp:/bin/sh'
  wait_http shellinabox "http://127.0.0.1:$SHELLINABOX_PORT/" 60
}
