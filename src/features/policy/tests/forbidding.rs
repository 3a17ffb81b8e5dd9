use super::*;

#[test]
fn a_rule_that_forbids_wins() {
    let rules = compile(
        &clerk(WhenSettings::default()),
        "@id(\"no-exports\") forbid (principal, action == Action::\"export\", resource);",
    );
    let decision = decide(&rules, &person(&["clerk"]), ("ehr", "report.csv"));
    let Decision::Deny(denial, grounds) = decision else { panic!("{decision:?}") };
    assert_eq!(denial.reasons, [Reason::DeniedByRule]);
    assert!(denial.ways_on.is_empty());
    assert_eq!(grounds.rules.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["no-exports"]);
    permitted(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
}

#[test]
fn a_rule_that_forbids_and_cannot_be_evaluated_denies() {
    // Longs overflow; Cedar would skip the rule.
    let rules = compile(
        &clerk(WhenSettings::default()),
        "@id(\"broken\") forbid (principal, action, resource)
         when { context.minute_of_day + 9223372036854775807 < 0 };",
    );
    let decision = decide(&rules, &person(&["clerk"]), ("ehr", "home"));
    let Decision::Deny(denial, grounds) = decision else { panic!("{decision:?}") };
    assert_eq!(denial.reasons, [Reason::PolicyError]);
    assert!(denial.ways_on.is_empty());
    assert_eq!(grounds.rules.first().map(AsRef::as_ref), Some("broken"));
}

#[test]
fn a_rule_that_permits_and_cannot_be_evaluated_does_not() {
    let rules = compile(
        &[],
        "permit (principal, action, resource) when { context.minute_of_day + 9223372036854775807 > 0 };",
    );
    assert_eq!(reasons(decide(&rules, &person(&[]), ("ehr", "home"))), [Reason::PolicyError]);
}

#[test]
fn not_knowing_does_not_escape_a_rule_that_forbids() {
    let rules = compile(
        &clerk(WhenSettings::default()),
        "@id(\"agency\") forbid (principal, action, resource)
         when { principal has employment && principal.employment.contains(\"agency\") };",
    );
    let employed = |as_what: &str| {
        let mut clerk = person(&["clerk"]);
        let mut subject = Subject::clone(&clerk.subject);
        subject.attributes.insert("employment".to_owned(), vec![as_what.to_owned()]);
        clerk.subject = Arc::new(subject);
        clerk
    };
    permitted(decide(&rules, &employed("staff"), ("ehr", "home")));
    assert_eq!(reasons(decide(&rules, &employed("agency"), ("ehr", "home"))), [Reason::DeniedByRule]);
    assert_eq!(reasons(decide(&rules, &person(&["clerk"]), ("ehr", "home"))), [Reason::AttributeUnavailable]);
}

#[test]
fn not_knowing_does_not_matter_where_the_rest_decides() {
    let rules = compile(
        &clerk(WhenSettings::default()),
        "forbid (principal, action, resource)
         when { context.purpose == \"research\" && principal has employment && principal.employment.contains(\"agency\") };",
    );
    permitted(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
}

#[test]
fn not_knowing_does_not_satisfy_a_rule_that_permits() {
    let unless = "permit (principal, action, resource)
         unless { principal has employment && principal.employment.contains(\"agency\") };";
    let either = "permit (principal, action, resource)
         when { context.justified || (principal has employment && principal.employment.contains(\"staff\")) };";
    let home = ("ehr", "home");
    assert_eq!(reasons(decide(&compile(&[], unless), &person(&[]), home)), [Reason::AttributeUnavailable]);
    let either = compile(&[], either);
    assert_eq!(challenged(decide(&either, &person(&[]), home)), Challenge::Justify);
    permitted(decide(&either, &person(&[]).justified("ehr", Duration::ZERO), home));
}
