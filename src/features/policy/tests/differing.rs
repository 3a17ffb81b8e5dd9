use super::*;
use crate::domain::hours::Hours;
use crate::features::policy::diff::{Around, Diff, Direction, How, On, diff};

fn between(old: &Rules, new: &Rules) -> Diff {
    diff(old, new, (&[], &[]))
}

fn changed(old: &[RoleSettings], new: &[RoleSettings]) -> Vec<(String, How, Direction, String)> {
    let diff = between(&compile(old, ""), &compile(new, ""));
    diff.changes.into_iter().map(|it| (it.id, it.how, it.direction, it.what)).collect()
}

fn clerks(edit: impl FnOnce(&mut RoleSettings)) -> Vec<RoleSettings> {
    let mut roles = clerk(WhenSettings::default());
    edit(&mut roles[0]);
    roles
}

#[test]
fn the_same_rules_differ_in_nothing() {
    let roles = clerk(WhenSettings::default());
    let diff = between(&compile(&roles, FORBID), &compile(&roles, &format!("// why\n\n{FORBID}")));
    assert_eq!(diff.changes, []);
    assert_eq!(diff.reach, []);
    assert!(diff.permits_the_same());
    assert!(diff.to_string().ends_with("\nThe rules are the same.\n"), "{diff}");
}

#[test]
fn a_number_says_both_and_the_way() {
    struct Case {
        name: &'static str,
        from: Option<u64>,
        to: Option<u64>,
        told: Option<(Direction, &'static str)>,
    }
    let cases = [
        Case { name: "more", from: Some(100), to: Some(500), told: Some((Direction::Wider, "100 → 500")) },
        Case { name: "fewer", from: Some(500), to: Some(0), told: Some((Direction::Narrower, "500 → 0")) },
        Case { name: "taken out", from: Some(9), to: None, told: Some((Direction::Wider, "9 → no limit")) },
        Case { name: "put in", from: None, to: Some(9), told: Some((Direction::Narrower, "no limit → 9")) },
        Case {
            name: "the largest number is still one",
            from: Some(u64::MAX),
            to: None,
            told: Some((Direction::Wider, "18446744073709551615 → no limit")),
        },
        Case { name: "the same", from: Some(9), to: Some(9), told: None },
    ];
    for case in cases {
        let with = |number| clerks(|role| role.limits.exports_per_day = number);
        let came = changed(&with(case.from), &with(case.to));
        let expected = case.told.map(|(direction, what)| {
            ("clerk/exports_per_day".to_owned(), How::Changed, direction, what.to_owned())
        });
        assert_eq!(came, Vec::from_iter(expected), "{}", case.name);
    }
    let softer = changed(&clerks(|_| {}), &clerks(|role| role.limits.on_exceed = OnExceed::Advise));
    assert_eq!(softer[0].2, Direction::Wider);
}

#[test]
fn each_condition_has_its_way() {
    let hours =
        |text: &str| WhenSettings { hours: Some(text.parse::<Hours>().unwrap()), ..WhenSettings::default() };
    let at = |places: &[&str]| WhenSettings {
        location: places.iter().map(ToString::to_string).collect(),
        ..WhenSettings::default()
    };
    let proven = |fresh| WhenSettings { assurance: Some(need("mfa", fresh)), ..WhenSettings::default() };
    let justified = || WhenSettings { justification: true, ..WhenSettings::default() };
    let cases = [
        ("hours put in", WhenSettings::default(), hours("08:00-17:00"), Direction::Narrower),
        ("longer hours", hours("08:00-17:00"), hours("07:00-17:00"), Direction::Wider),
        ("longer over midnight", hours("22:00-06:00"), hours("21:00-06:30"), Direction::Wider),
        ("shifted hours", hours("08:00-17:00"), hours("09:00-18:00"), Direction::Otherwise),
        ("a place more", at(&["w1"]), at(&["w1", "w2"]), Direction::Wider),
        ("any place", at(&["w1"]), at(&[]), Direction::Wider),
        ("another place", at(&["w1"]), at(&["w2"]), Direction::Otherwise),
        ("a fresher proof", proven(Some(900)), proven(Some(60)), Direction::Narrower),
        ("a proof of any age", proven(Some(900)), proven(None), Direction::Wider),
        ("a proof no more", proven(None), WhenSettings::default(), Direction::Wider),
        ("a reason", WhenSettings::default(), justified(), Direction::Narrower),
        (
            "a reason for longer hours",
            hours("08:00-17:00"),
            WhenSettings { justification: true, ..hours("08:00-18:00") },
            Direction::Otherwise,
        ),
    ];
    for (name, old, new, direction) in cases {
        let came = changed(&clerk(old), &clerk(new));
        assert_eq!(came.len(), 1, "{name}: {came:?}");
        assert_eq!(
            (came[0].0.as_str(), came[0].1, came[0].2),
            ("clerk/1", How::Changed, direction),
            "{name}"
        );
    }
}

#[test]
fn a_may_that_only_moved_is_the_same_may() {
    let view = || may("ehr", &[Action::View], WhenSettings::default());
    let export = || may("ehr", &[Action::Export], WhenSettings::default());
    let with = |may: Vec<MaySettings>| clerks(|role| role.may = may);
    let moved =
        between(&compile(&with(vec![view(), export()]), ""), &compile(&with(vec![export(), view()]), ""));
    assert!(moved.permits_the_same(), "{moved}");
    assert_eq!(moved.count(Direction::Same), 2);
    let before = changed(&with(vec![export()]), &with(vec![view(), export()]));
    let told: Vec<_> = before.iter().map(|it| (it.0.as_str(), it.1, it.2)).collect();
    assert_eq!(told, [("clerk/1", How::Added, Direction::Wider), ("clerk/2", How::Moved, Direction::Same)]);
    assert_eq!(before[1].3, "was clerk/1");
}

#[test]
fn a_may_is_wider_by_the_routes_that_it_reaches() {
    let on = |routes: &[&str], names: &[&str]| {
        let routes = routes.iter().map(ToString::to_string).collect();
        let may = MaySettings {
            routes,
            categories: categories(names),
            ..may("ehr", &[Action::View], WhenSettings::default())
        };
        clerks(|role| role.may = vec![may])
    };
    let way = |old: Vec<RoleSettings>, new: Vec<RoleSettings>| changed(&old, &new)[0].2;
    assert_eq!(
        way(on(&["patient.open"], &[]), on(&["patient.*"], &[])),
        Direction::Same,
        "there is no other yet"
    );
    assert_eq!(way(on(&["patient.*"], &[]), on(&[], &[])), Direction::Wider);
    assert_eq!(way(on(&[], &[]), on(&[], &["demographics"])), Direction::Narrower);
    assert_eq!(way(on(&["patient.*"], &[]), on(&["chart.*"], &[])), Direction::Otherwise);
    let diff = between(&compile(&on(&["patient.*"], &[]), ""), &compile(&on(&["chart.*"], &[]), ""));
    assert_eq!(diff.reach.len(), 1);
    assert_eq!(diff.reach[0].gained, ["ehr/chart.open (view)"]);
    assert_eq!(diff.reach[0].lost, ["ehr/patient.open (view)"]);
}

#[test]
fn a_route_that_changes_changes_what_untouched_rules_reach() {
    let roles = clerks(|role| role.may = vec![may("ehr", &[Action::View], WhenSettings::default())]);
    let mut other = catalog();
    other.routes[3].action = Action::Export;
    other.routes[4].public = true;
    let new = Rules::compile(&roles, &[], other, "Europe/Madrid", Digest::ZERO).unwrap();
    let diff = between(&compile(&roles, ""), &new);
    insta::assert_snapshot!(diff, @r"
    0000000000000000 → 0000000000000000
    ~ route   ehr/chart.open  otherwise  view; clinical → export; clinical
    ~ route   ehr/report.csv  wider      export; demographics → export; demographics; public
    ~ setting time_zone       otherwise  UTC → Europe/Madrid

    clerk
      reaches no more  ehr/chart.open (view)

    3 changes: 1 wider, 0 narrower, 2 otherwise.
    ");
    assert!(!diff.permits_the_same());
}

#[test]
fn all_kinds_of_changes_in_words_and_in_markdown() {
    let old = clerks(|role| role.may.push(may("console", &[Action::Delete], WhenSettings::default())));
    let mut new = clerks(|role| {
        role.groups.push("front|desk".to_owned());
        role.purposes = vec![Purpose::Payment, Purpose::Operations];
        role.may[0].when.justification = true;
        role.limits.records_per_export = Some(50);
    });
    new.push(role(
        "auditor",
        Purpose::Operations,
        vec![may("ehr", &[Action::View], WhenSettings::default())],
    ));
    let around = |value: &str, width| Around {
        on: On::Setting,
        id: "ehr".to_owned(),
        key: "unmatched",
        value: value.to_owned(),
        width: Some(width),
    };
    let (old, new) = (compile(&old, FORBID), compile(&new, PERMIT));
    let diff = diff(&old, &new, (&[around("deny", 0)], &[around("observe", 1)]));
    insta::assert_snapshot!(diff, @r#"
    0000000000000000 → 0000000000000000
    + role    auditor                   wider      groups clinic-auditor; purposes operations; records_per_export 500, then block
    ~ role    clerk                     wider      groups: clinic-clerk → clinic-clerk, front|desk
    ~ role    clerk                     otherwise  purposes: operations → payment, operations
    + may     auditor/1                 wider      view in ehr
    ~ may     clerk/1                   narrower   justification: any → needed
    - may     clerk/2                   narrower   delete in console
    ~ limit   clerk/records_per_export  narrower   500 → 50
    + cedar   home                      wider      @id("home") permit (principal in Role::"auditor", action, resource == Route::"ehr/home");
    - cedar   no-public                 wider      @id("no-public") forbid (principal, action == Action::"export", resource) when { context.networks.contains("public") };
    ~ setting ehr                       wider      unmatched: deny → observe

    auditor
      now reaches      ehr/chart.open (view)
      now reaches      ehr/home (view)
      now reaches      ehr/patient.open (view)

    clerk
      reaches no more  console/queue.delete (delete)

    10 changes: 6 wider, 3 narrower, 1 otherwise.
    "#);
    insta::assert_snapshot!(diff.markdown(), @r#"
    ## Rules: `0000000000000000` → `0000000000000000`

    10 changes: 6 wider, 3 narrower, 1 otherwise.

    | | on | id | permits | what |
    |---|---|---|---|---|
    | added | role | `auditor` | wider | groups clinic-auditor; purposes operations; records\_per\_export 500, then block |
    | changed | role | `clerk` | wider | groups: clinic-clerk → clinic-clerk, front\|desk |
    | changed | role | `clerk` | otherwise | purposes: operations → payment, operations |
    | added | may | `auditor/1` | wider | view in ehr |
    | changed | may | `clerk/1` | narrower | justification: any → needed |
    | removed | may | `clerk/2` | narrower | delete in console |
    | changed | limit | `clerk/records_per_export` | narrower | 500 → 50 |
    | added | cedar | `home` | wider | @id("home") permit (principal in Role::"auditor", action, resource == Route::"ehr/home"); |
    | removed | cedar | `no-public` | wider | @id("no-public") forbid (principal, action == Action::"export", resource) when { context.networks.contains("public") }; |
    | changed | setting | `ehr` | wider | unmatched: deny → observe |

    `auditor`

    - now reaches ehr/chart.open (view)
    - now reaches ehr/home (view)
    - now reaches ehr/patient.open (view)

    `clerk`

    - reaches no more: console/queue.delete (delete)
    "#);
}

const FORBID: &str = r#"@id("no-public") forbid (principal, action == Action::"export", resource) when { context.networks.contains("public") };"#;
const PERMIT: &str =
    r#"@id("home") permit (principal in Role::"auditor", action, resource == Route::"ehr/home");"#;
