#!/usr/bin/env bash
# Reports of the demo's tour: pages that an HTML parser reads, tables that Python's csv does, the same bytes again.
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
check 'no file is left for others to read' sh -c '! find "$1" -type f -perm /077 | grep .' _ "$DIR/reports/out"
finish
