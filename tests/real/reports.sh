#!/usr/bin/env bash
# Reports of the demo's tour: pages that an HTML parser reads, tables that Python's csv does, the same bytes again. And an evidence
# pack of it, whose digests Python computes and whose signature openssl verifies.
. "$(dirname "$0")/lib.sh"
need_tools
rm -rf "$DIR/reports"
mkdir -p "$DIR/reports/out"
check 'the tour is as it should be' "$LEASTWAY" demo --tour --directory "$DIR/reports/demo"
JOURNAL="$DIR/reports/demo/data/journal"
about=(--patient 100001 --application ehr)
for name in patient who-saw disclosures user-activity privileged leavers coverage policy; do
  for format in html csv json; do
    case "$name" in patient | who-saw | disclosures) asked=("${about[@]}") ;; *) asked=() ;; esac
    check "$name as $format" "$LEASTWAY" report "$name" --journal "$JOURNAL" "${asked[@]}" \
      --since 2000-01-01T00:00:00Z --format "$format" --out "$DIR/reports/out/$name.$format"
  done
done
flow python3 "$REAL/client/flow_reports.py" "$DIR/reports/out"

# Up to the place that the report names it is the same, with indexes and without.
head=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["made_of"]["last"])' "$DIR/reports/out/who-saw.json")
check 'what is not indexed yet is' "$LEASTWAY" audit index --journal "$JOURNAL"
for index in "" --no-index; do
  rm -f "$DIR/reports/out/again.json"
  check "the same report is made again ${index}" "$LEASTWAY" report who-saw --journal "$JOURNAL" "${about[@]}" \
    --since 2000-01-01T00:00:00Z --format json --through "$head" --out "$DIR/reports/out/again.json" $index
  check 'byte for byte' cmp "$DIR/reports/out/who-saw.json" "$DIR/reports/out/again.json"
done
# An evidence pack: read, and verified, by software that is not ours.
until=$(python3 -c 'import datetime as d; print((d.datetime.now(d.timezone.utc) + d.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))')
key=$(tail -n 1 "$JOURNAL/checkpoint.keys")
pack() { "$LEASTWAY" evidence --journal "$JOURNAL" --since 2000-01-01T00:00:00Z --until "$until" "$@"; }
check 'an evidence pack of all safeguards' pack --all --out "$DIR/reports/out/pack.zip"
check 'the same again' pack --all --out "$DIR/reports/out/again.zip"
check 'byte for byte' cmp "$DIR/reports/out/pack.zip" "$DIR/reports/out/again.zip"
check 'it is what was signed' "$LEASTWAY" evidence check "$DIR/reports/out/pack.zip" --key "$key"
flow python3 "$REAL/client/flow_evidence.py" "$DIR/reports/out/pack.zip" "$key"
check 'one of two safeguards, in Spanish' pack --safeguards '164.312(b),164.502(b)' --lang es --out "$DIR/reports/out/two.zip"
flow python3 "$REAL/client/flow_evidence.py" "$DIR/reports/out/two.zip" "$key"
unzip_proof() { python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("checkpoints/consistency.json"))' "$1"; }
unzip_proof "$DIR/reports/out/pack.zip" >"$DIR/reports/out/consistency.json"
check 'its last checkpoint goes on from its first' "$LEASTWAY" audit check-proof "$DIR/reports/out/consistency.json" --key "$key"
# Somebody gilds one file of it.
gild() {
  python3 - "$1" "$2" <<'GILD'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as old, zipfile.ZipFile(sys.argv[2], "w") as new:
    for info in old.infolist():
        data = old.read(info)
        new.writestr(info, data + b"\n" if info.filename == "events/refusals.csv" else data)
GILD
}
check 'somebody adds a line' gild "$DIR/reports/out/pack.zip" "$DIR/reports/out/gilded.zip"
is_found() {
  local said
  if said=$("$LEASTWAY" evidence check "$DIR/reports/out/gilded.zip" --key "$key"); then return 1; fi
  grep -q 'events/refusals.csv: it was changed' <<<"$said"
}
check 'and that is found' is_found
rm -f "$DIR/reports/out/gilded.zip" "$DIR/reports/out/consistency.json"
check 'no file is left for others to read' sh -c '! find "$1" -type f -perm /077 | grep .' _ "$DIR/reports/out"
finish
