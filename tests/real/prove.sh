#!/usr/bin/env bash
# `leastway policy prove` by the real solver: what holds for the shipped rules, what does not hold for worse ones, and that
# a candidate permits no more than what is in force.
. "$(dirname "$0")/lib.sh"
need_apt cvc5

before="$ROOT/config"
worse="$DIR/prove/worse"
narrower="$DIR/prove/narrower"
opened="$DIR/prove/opened"
notes="$DIR/prove/notes"
rm -rf "$DIR/prove"
mkdir -p "$worse" "$narrower" "$opened" "$notes"
cp -r "$before/." "$worse"
cp -r "$before/." "$narrower"
cp -r "$before/." "$opened"
# Somebody gives the front desk the charts, and somebody lets a second factor last a day.
sed -i '0,/categories = \["demographics", "schedule"\] .*/s//categories = ["demographics", "schedule", "clinical"]/' "$worse/roles.toml"
sed -i 's/actions = \["admin", "delete", "config_export"\]/&\n#/; s/fresh = "15m"/fresh = "8h"/' "$worse/roles.toml"
sed -i '0,/actions = \["view", "search", "list"\]/s//actions = ["view", "search"]/' "$narrower/roles.toml"
# Somebody opens whatever there may be to the wards, where no route is known to hold notes.
echo 'permit (principal in Role::"nurse", action == Action::"view", resource);' >>"$opened/policies/clinic.cedar"
# The same where there are notes, and a feed tells who wrote them: then the law stands before the rule.
cp -r "$opened/." "$notes"
cat >>"$notes/applications/ehr.toml" <<'END'

[[application.ehr.route]]
name = "therapy.open"
match = { method = ["GET"], path = "/patients/{patient}/therapy" }
action = "view"
category = ["psychotherapy"]
END
cat >>"$notes/leastway.toml" <<'END'

[feed.originators]
kind = "relationship"
file = "feeds/originators.csv"
applications = ["ehr"]
provider = "clinic"
relationship = "originator"
max_age = "36h"
END
cp "$before/feeds/care-team.csv" "$notes/feeds/originators.csv"

# proves NAME CODE CONFIGURATION ARGUMENT... : what it says is in $said.
proves() {
  local name=$1 code=$2 configuration=$3 came=0
  shift 3
  said=$("$LEASTWAY" policy --config "$configuration/leastway.toml" prove "$@" 2>&1) || came=$?
  check "$name" test "$came" -eq "$code"
}

proves "the invariants hold for the shipped rules" 0 "$before" "$ROOT/tests/invariants"
check "each is told" test "$(grep -c '^proven ' <<<"$said")" -eq 5
proves "they do not for worse ones" 1 "$worse" "$ROOT/tests/invariants"
failed() { grep -oE '^FAILS +[a-z-]+' <<<"$said" | awk '{ print $2 }' | paste -sd ' '; }
check "by two of them" test "$(failed)" = "charts-are-for-nursing-and-quality the-console-changes-by-a-second-factor"
check "with the rule that permits it" grep -q 'permitted by.*registrar' <<<"$said"
proves "a rule for all that there may be opens notes" 1 "$opened" "$ROOT/tests/invariants"
check "and nothing else" test "$(failed)" = "psychotherapy-notes-are-their-originators"
check "by a request for them" grep -q '"psychotherapy"' <<<"$said"
proves "where a route holds notes the law keeps them, whatever a rule says" 0 "$notes" "$ROOT/tests/invariants"
check "which is proven" grep -q '^proven .*psychotherapy-notes-are-their-originators' <<<"$said"
proves "fewer rules permit no more" 0 "$narrower" --narrower-than "$before"
proves "more rules do" 1 "$before" --narrower-than "$narrower"
check "and a request says which" grep -q 'action: Action::"list"' <<<"$said"
finish
