use super::*;

const MINUTES: fn(u64) -> Duration = |minutes| Duration::from_secs(60 * minutes);

#[test]
fn what_no_rule_permits_is_denied() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    assert_eq!(reasons(decide(&rules, &person(&[]), ("ehr", "home"))), [Reason::NoRuleMatched]);
    assert_eq!(
        reasons(decide(&rules, &person(&["clerk"]), ("console", "queue.delete"))),
        [Reason::NoRuleMatched]
    );
    assert_eq!(reasons(decide(&rules, &person(&["unheard-of"]), ("ehr", "home"))), [Reason::NoRuleMatched]);
}

#[test]
fn a_rule_permits_and_is_named() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    let grounds = permitted(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
    assert_eq!(grounds.rules.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["clerk/1"]);
    assert!(!grounds.cached);
}

#[test]
fn routes_and_categories_narrow_a_rule() {
    let mut rule = may("ehr", &[Action::View], WhenSettings::default());
    rule.routes = vec!["patient.*".to_owned(), "chart.open".to_owned()];
    rule.categories = categories(&["demographics"]);
    let rules = compile(&[role("clerk", Purpose::Operations, vec![rule])], "");
    let clerk = person(&["clerk"]);
    permitted(decide(&rules, &clerk, ("ehr", "patient.open")));
    for route in ["chart.open", "home", "report.csv"] {
        assert_eq!(reasons(decide(&rules, &clerk, ("ehr", route))), [Reason::NoRuleMatched], "{route}");
    }
}

#[test]
fn a_question_about_another_applications_route_is_denied() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    let clerk = person(&["clerk"]);
    for (application, route) in [("console", 1), ("ehr", 0), ("ehr", 99)] {
        let question = Question {
            identity: Some(&clerk),
            application: &application.parse().unwrap(),
            route,
            patient: None,
            client_ip: Ipv4Addr::LOCALHOST.into(),
            device: None,
            risks: crate::domain::risk::Standing::NONE,
            told: &crate::domain::told::NOTHING_TOLD,
            now: NOW,
        };
        let decision = rules.decide(&Memory::default(), &question);
        assert_eq!(reasons(decision), [Reason::PolicyError], "{application} {route}");
    }
}

#[test]
fn a_step_up_is_asked_for_until_it_is_fresh_enough() {
    struct Case {
        name: &'static str,
        proven: Option<Duration>,
        reason: Option<Reason>,
    }
    let cases = [
        Case { name: "never", proven: None, reason: Some(Reason::AcrInsufficient) },
        Case { name: "now", proven: Some(Duration::ZERO), reason: None },
        Case { name: "just in time", proven: Some(MINUTES(15)), reason: None },
        Case {
            name: "a millisecond too late",
            proven: Some(MINUTES(15) + Duration::from_millis(1)),
            reason: Some(Reason::AuthTooOld),
        },
    ];
    let when = WhenSettings { assurance: Some(need("mfa", Some(900))), ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    for case in cases {
        let clerk = person(&["clerk"]);
        let clerk = match case.proven {
            Some(ago) => clerk.proven("mfa", ago),
            None => clerk.proven("phr", Duration::ZERO),
        };
        let decision = decide(&rules, &clerk, ("ehr", "report.csv"));
        match case.reason {
            None => drop(permitted(decision)),
            Some(reason) => assert_eq!(
                challenged(decision),
                Challenge::StepUp(need("mfa", Some(900)), reason),
                "{}",
                case.name
            ),
        }
    }
}

#[test]
fn a_class_without_freshness_never_grows_old() {
    let when = WhenSettings { assurance: Some(need("mfa", None)), ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    permitted(decide(&rules, &person(&["clerk"]).proven("mfa", MINUTES(60 * 24 * 365)), ("ehr", "home")));
    let challenge = challenged(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
    assert_eq!(challenge, Challenge::StepUp(need("mfa", None), Reason::AcrInsufficient));
}

#[test]
fn a_justification_counts_for_a_quarter_of_an_hour_and_its_own_application() {
    let when = WhenSettings { justification: true, ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    let decide = |clerk: Identity| decide(&rules, &clerk, ("ehr", "report.csv"));
    assert_eq!(challenged(decide(person(&["clerk"]))), Challenge::Justify);
    permitted(decide(person(&["clerk"]).justified("ehr", MINUTES(15))));
    let late = MINUTES(15) + Duration::from_millis(1);
    assert_eq!(challenged(decide(person(&["clerk"]).justified("ehr", late))), Challenge::Justify);
    assert_eq!(challenged(decide(person(&["clerk"]).justified("console", MINUTES(1)))), Challenge::Justify);
}

#[test]
fn hours_are_meant_in_the_time_zone_of_the_gateway() {
    struct Case {
        name: &'static str,
        hours: &'static str,
        zone: &'static str,
        permitted: bool,
    }
    // It is 09:30 in UTC, 10:30 in Madrid and 04:30 in New York.
    let cases = [
        Case { name: "within", hours: "09:30-09:31", zone: "UTC", permitted: true },
        Case { name: "the end is not within", hours: "06:00-09:30", zone: "UTC", permitted: false },
        Case { name: "another zone", hours: "10:30-11:00", zone: "Europe/Madrid", permitted: true },
        Case {
            name: "over midnight, after",
            hours: "22:00-05:00",
            zone: "America/New_York",
            permitted: true,
        },
        Case {
            name: "over midnight, between",
            hours: "22:00-04:30",
            zone: "America/New_York",
            permitted: false,
        },
        Case { name: "until the day ends", hours: "09:00-24:00", zone: "UTC", permitted: true },
    ];
    for case in cases {
        let when = WhenSettings { hours: case.hours.parse().ok(), ..WhenSettings::default() };
        let rules = Rules::compile(&clerk(when), &[], catalog(), case.zone, Digest::ZERO).unwrap();
        let decision = decide(&rules, &person(&["clerk"]), ("ehr", "home"));
        if case.permitted {
            permitted(decision);
        } else {
            assert_eq!(reasons(decision), [Reason::OutsideShift], "{}", case.name);
        }
    }
}

#[test]
fn a_location_is_right_wrong_or_unknown() {
    let when =
        WhenSettings { location: vec!["ward-3".to_owned(), "ward-4".to_owned()], ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    permitted(decide(&rules, &person(&["clerk"]).at("ward-4"), ("ehr", "home")));
    let elsewhere = decide(&rules, &person(&["clerk"]).at("cafeteria"), ("ehr", "home"));
    assert_eq!(reasons(elsewhere), [Reason::LocationMismatch]);
    let unknown = decide(&rules, &person(&["clerk"]), ("ehr", "home"));
    assert_eq!(reasons(unknown), [Reason::AttributeUnavailable]);
}

#[test]
fn a_purpose_that_is_not_the_rules_is_a_mismatch() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    let decision = decide(&rules, &person(&["clerk"]).working_for(Purpose::Research), ("ehr", "home"));
    assert_eq!(reasons(decision), [Reason::PurposeMismatch]);
}

#[test]
fn a_relationship_that_nobody_tells_is_unknown() {
    let when = WhenSettings { relationship: vec!["facility".to_owned()], ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    assert_eq!(reasons(decide(&rules, &person(&["clerk"]), ("ehr", "home"))), [Reason::AttributeUnavailable]);
}

#[test]
fn the_strictest_numbers_of_the_roles_that_permit_hold() {
    let mut strict = clerk(WhenSettings::default()).remove(0);
    strict.limits = Limits { records_per_export: Some(50), on_exceed: OnExceed::StepUp, ..Limits::NONE };
    let mut loose = role("analyst", Purpose::Operations, strict.may.clone());
    loose.limits = Limits { records_per_export: Some(900), exports_per_day: Some(5), ..Limits::NONE };
    let idle =
        role("idle", Purpose::Operations, vec![may("console", &[Action::Delete], WhenSettings::default())]);
    let rules = compile(
        &[strict.clone(), loose.clone(), idle],
        "@id(\"everybody\") permit (principal, action == Action::\"view\", resource == Route::\"ehr/home\");",
    );
    let limits =
        |roles: &[&str], route| permitted(decide(&rules, &person(roles), ("ehr", route))).obligations.limits;
    assert_eq!(limits(&["analyst"], "report.csv"), loose.limits);
    let both = limits(&["analyst", "clerk"], "report.csv");
    assert_eq!(both, loose.limits.strictest(strict.limits));
    // A role that has no say here does not narrow.
    assert_eq!(limits(&["analyst", "idle"], "report.csv"), loose.limits);
    // A rule that is for no single role takes the numbers of all.
    assert_eq!(limits(&["idle"], "home").records_per_export, Some(500));
    assert_eq!(limits(&[], "home").on_unknown_count, OnExceed::Block);
}

#[test]
fn a_public_route_is_permitted_without_rules() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    assert!(permitted(rules.public()).rules.is_empty());
}

#[test]
fn a_person_may_be_named_and_networks_be_told_apart() {
    let text = "@id(\"ada\") permit (principal == User::\"clinic/f:1\", action, resource)
        when { context.networks.contains(\"private\") && context.weekday == 1 && !context.one_patient };";
    let rules = compile(&[], text);
    let grounds = permitted(decide(&rules, &person(&[]), ("ehr", "home")));
    assert_eq!(grounds.rules.first().map(AsRef::as_ref), Some("ada"));
    let mut other = person(&[]);
    other.provider = "elsewhere".parse().unwrap();
    assert_eq!(reasons(decide(&rules, &other, ("ehr", "home"))), [Reason::NoRuleMatched]);
}
