# Orthanc, a real imaging server with DICOMweb and a web viewer, on loopback. Source it.
# shellcheck shell=bash
need_apt orthanc orthanc-dicomweb orthanc-webviewer
need_venv dicom 'pydicom==3.0.*' 'numpy==2.*' 'requests==2.*'
start_orthanc() {
  local home="$DIR/orthanc"
  rm -rf "$home"
  mkdir -p "$home/db" "$home/viewer"
  # No passwords of its own: it trusts whoever reaches it, as many such servers do.
  cat >"$home/orthanc.json" <<JSON
{ "Name": "CLINIC", "StorageDirectory": "$home/db", "IndexDirectory": "$home/db",
  "HttpPort": $ORTHANC_PORT, "DicomServerEnabled": false, "DicomAet": "CLINIC",
  "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "KeepAlive": true, "ExecuteLuaEnabled": false,
  "Plugins": [ "/usr/share/orthanc/plugins/libOrthancDicomWeb.so", "/usr/share/orthanc/plugins/libOrthancWebViewer.so" ],
  "WebViewer": { "CachePath": "$home/viewer" },
  "DicomWeb": { "Enable": true, "Ssl": true, "Root": "/dicom-web/", "EnableWado": true, "WadoRoot": "/wado" } }
JSON
  spawn orthanc Orthanc "$home/orthanc.json"
  wait_http orthanc "http://127.0.0.1:$ORTHANC_PORT/system" 60
  "$DIR/venv-dicom/bin/python" "$REAL/orthanc/seed.py" "http://127.0.0.1:$ORTHANC_PORT"
}
