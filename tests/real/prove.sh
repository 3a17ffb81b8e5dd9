#!/usr/bin/env bash
# `leastway policy prove` by the real solver: what holds for the shipped rules, what does not hold for worse ones, and that
# a candidate permits no more than what is in force.
. "$(dirname "$0")/lib.sh"
need_apt cvc5

before="$ROOT/config"
worse="$DIR/prove/worse"
narrower="$DIR/prove/narrower"
rm -rf "$DIR/prove"
mkdir -p "$worse" "$narrower"
cp -r "$before/." "$worse"
cp -r "$before/." "$narrower"
# Somebody gives the front desk the charts, and somebody lets a second factor last a day.
sed -i '0,/categories = \["demographics", "schedule"\] .*/s//categories = ["demographics", "schedule", "clinical"]/' "$worse/roles.toml"
sed -i 's/actions = \["admin", "delete", "config_export"\]/&\n#/; s/fresh = "15m"/fresh = "8h"/' "$worse/roles.toml"
sed -i '0,/actions = \["view", "search", "list"\]/s//actions = ["view", "search"]/' "$narrower/roles.toml"

# proves NAME CODE CONFIGURATION ARGUMENT... : what it says is in $said.
proves() {
  local name=$1 code=$2 configuration=$3 came=0
  shift 3
  said=$("$LEASTWAY" policy --config "$configuration/leastway.toml" prove "$@" 2>&1) || came=$?
  check "$name" test "$came" -eq "$code"
}

proves "the invariants hold for the shipped rules" 0 "$before" "$ROOT/tests/invariants"
check "each is told" test "$(grep -c '^proven ' <<<"$said")" -eq 4
proves "they do not for worse ones" 1 "$worse" "$ROOT/tests/invariants"
failed() { grep -oE '^FAILS +[a-z-]+' <<<"$said" | awk '{ print $2 }' | paste -sd ' '; }
check "by two of them" test "$(failed)" = "charts-are-for-nursing-and-quality the-console-changes-by-a-second-factor"
check "with the rule that permits it" grep -q 'permitted by.*registrar' <<<"$said"
proves "fewer rules permit no more" 0 "$narrower" --narrower-than "$before"
proves "more rules do" 1 "$before" --narrower-than "$narrower"
check "and a request says which" grep -q 'action: Action::"list"' <<<"$said"
finish
