use super::*;
use crate::domain::decision::WayOn;

fn ways_on(rules: &Rules, identity: &Identity, at: (&str, &str)) -> Vec<WayOn> {
    denied(decide(rules, identity, at)).ways_on
}

#[test]
fn nobody_is_asked_to_sign_in_first() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    assert_eq!(challenged(decide_at(&rules, None, ("ehr", "home"), NOW)), Challenge::SignIn);
    // No rule permits anybody: signing in would not help.
    assert_eq!(reasons(decide_at(&rules, None, ("console", "queue.delete"), NOW)), [Reason::NoRuleMatched]);
}

#[test]
fn even_a_rule_for_everybody_is_for_those_who_signed_in() {
    let rules = compile(&[], "permit (principal, action, resource);");
    assert_eq!(challenged(decide_at(&rules, None, ("ehr", "home"), NOW)), Challenge::SignIn);
}

#[test]
fn the_cheapest_step_is_asked_for_and_then_the_next() {
    let when = WhenSettings {
        assurance: Some(need("mfa", Some(900))),
        justification: true,
        ..WhenSettings::default()
    };
    let rules = compile(&clerk(when), "");
    let export = ("ehr", "report.csv");
    let clerk = person(&["clerk"]);
    let step_up = Challenge::StepUp(need("mfa", Some(900)), Reason::AcrInsufficient);
    assert_eq!(challenged(decide(&rules, &clerk, export)), step_up);
    let clerk = clerk.proven("mfa", Duration::ZERO);
    assert_eq!(challenged(decide(&rules, &clerk, export)), Challenge::Justify);
    permitted(decide(&rules, &clerk.justified("ehr", Duration::ZERO), export));
}

#[test]
fn where_either_would_do_a_reason_is_cheaper_than_a_step_up() {
    let stepped = WhenSettings { assurance: Some(need("mfa", None)), ..WhenSettings::default() };
    let reasoned = WhenSettings { justification: true, ..WhenSettings::default() };
    let may = vec![may("ehr", &[Action::View], stepped), may("ehr", &[Action::View], reasoned)];
    let rules = compile(&[role("clerk", Purpose::Operations, may)], "");
    let decision = decide(&rules, &person(&["clerk"]), ("ehr", "home"));
    let Decision::Challenge(challenge, grounds) = decision else { panic!("{decision:?}") };
    assert_eq!(challenge, Challenge::Justify);
    assert_eq!(grounds.rules.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["clerk/2"]);
}

#[test]
fn the_loosest_freshness_that_turns_the_answer_is_asked_for() {
    let fresh =
        |seconds| WhenSettings { assurance: Some(need("mfa", Some(seconds))), ..WhenSettings::default() };
    let may = [300, 900, 60].map(|seconds| may("ehr", &[Action::View], fresh(seconds)));
    let rules = compile(&[role("clerk", Purpose::Operations, may.to_vec())], "");
    let challenge = challenged(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
    assert_eq!(challenge, Challenge::StepUp(need("mfa", Some(900)), Reason::AcrInsufficient));
}

#[test]
fn a_rule_that_forbids_is_stepped_around_only_as_it_says() {
    let rules = compile(
        &clerk(WhenSettings { assurance: Some(need("mfa", None)), ..WhenSettings::default() }),
        "forbid (principal, action == Action::\"export\", resource)
         unless { context.assurance has phr && context.assurance.phr < 60 };",
    );
    let clerk = person(&["clerk"]).proven("mfa", Duration::ZERO);
    let challenge = challenged(decide(&rules, &clerk, ("ehr", "report.csv")));
    assert_eq!(challenge, Challenge::StepUp(need("phr", Some(59)), Reason::AcrInsufficient));
    permitted(decide(&rules, &clerk.proven("phr", Duration::from_secs(59)), ("ehr", "report.csv")));
    // With neither, both are needed; one after the other.
    let challenge = challenged(decide(&rules, &person(&["clerk"]), ("ehr", "report.csv")));
    assert_eq!(challenge, Challenge::StepUp(need("mfa", None), Reason::AcrInsufficient));
}

#[test]
fn a_class_that_the_persons_provider_cannot_prove_is_not_asked_for() {
    let when = WhenSettings { assurance: Some(need("mfa", None)), ..WhenSettings::default() };
    let rules = compile(&clerk(when), "");
    let mut clerk = person(&["clerk"]);
    clerk.provider = "elsewhere".parse().unwrap();
    let denial = denied(decide(&rules, &clerk, ("ehr", "home")));
    assert_eq!(denial.reasons, [Reason::AcrInsufficient]);
    assert!(denial.ways_on.is_empty());
}

#[test]
fn a_denial_offers_what_would_turn_it_the_cheapest_first() {
    let mut night = role(
        "clerk",
        Purpose::Operations,
        vec![may(
            "ehr",
            &[Action::View],
            WhenSettings { hours: "20:00-06:00".parse().ok(), ..WhenSettings::default() },
        )],
    );
    night.purposes.push(Purpose::Payment);
    let payment = WhenSettings { purpose: vec![Purpose::Payment], ..WhenSettings::default() };
    night.may.push(may("ehr", &[Action::View], payment));
    let nurse =
        role("nurse", Purpose::Operations, vec![may("ehr", &[Action::View], WhenSettings::default())]);
    let aide = role("aide", Purpose::Operations, nurse.may.clone());
    let rules = compile(&[night, nurse, aide], "");
    let denial = denied(decide(&rules, &person(&["clerk"]), ("ehr", "home")));
    assert_eq!(denial.reasons, [Reason::OutsideShift, Reason::PurposeMismatch]);
    assert_eq!(
        denial.ways_on,
        [
            WayOn::Purpose(vec![Purpose::Payment]),
            WayOn::Hours("20:00-06:00".to_owned()),
            WayOn::Role(vec!["nurse".parse().unwrap(), "aide".parse().unwrap()]),
        ]
    );
}

#[test]
fn what_takes_several_steps_is_offered_as_a_whole() {
    let when = WhenSettings {
        hours: "20:00-06:00".parse().ok(),
        location: vec!["ward-3".to_owned()],
        assurance: Some(need("mfa", None)),
        ..WhenSettings::default()
    };
    let rules = compile(&clerk(when), "");
    let expected = WayOn::All(vec![
        WayOn::Hours("20:00-06:00".to_owned()),
        WayOn::Location(vec!["ward-3".to_owned()]),
        WayOn::StepUp(need("mfa", None)),
    ]);
    assert_eq!(ways_on(&rules, &person(&["clerk"]).at("ward-4"), ("ehr", "home")), [expected]);
    // Where someone works is not known: no promise is made.
    assert!(ways_on(&rules, &person(&["clerk"]), ("ehr", "home")).is_empty());
}

#[test]
fn a_way_that_another_rule_forbids_is_not_offered() {
    let nurse =
        role("nurse", Purpose::Operations, vec![may("ehr", &[Action::View], WhenSettings::default())]);
    let rules = compile(
        &[nurse],
        "forbid (principal in Role::\"nurse\", action, resource == Route::\"ehr/chart.open\");",
    );
    let nobody = person(&[]);
    assert_eq!(ways_on(&rules, &nobody, ("ehr", "home")), [WayOn::Role(vec!["nurse".parse().unwrap()])]);
    assert!(ways_on(&rules, &nobody, ("ehr", "chart.open")).is_empty());
}

#[test]
fn a_role_of_a_cedar_rule_is_offered_with_what_else_it_needs() {
    let idle = role("auditor", Purpose::Quality, Vec::new());
    let rules = compile(
        &[idle],
        "permit (principal in Role::\"auditor\", action, resource) when { context.assurance has mfa };",
    );
    let role = WayOn::Role(vec!["auditor".parse().unwrap()]);
    let expected = WayOn::All(vec![role, WayOn::StepUp(need("mfa", None))]);
    assert_eq!(ways_on(&rules, &person(&[]), ("ehr", "home")), [expected]);
}
