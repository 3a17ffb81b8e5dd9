//! What feeds tell: what holds, what does not, what is too old and what nobody has told are four answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::decision::WayOn;
use crate::domain::device::DeviceClass;
use crate::domain::told::{Known, Marks, NOTHING_TOLD, Place, Told};
use crate::features::policy::stated::Stated;

const CHART: (&str, &str) = ("ehr", "chart.open");
const FACILITY: usize = 0;
const TEAM: usize = 1;

fn when(relationship: &[&str]) -> WhenSettings {
    WhenSettings {
        relationship: relationship.iter().map(ToString::to_string).collect(),
        ..WhenSettings::default()
    }
}

fn nurse(when: WhenSettings) -> Vec<RoleSettings> {
    vec![role("nurse", Purpose::Treatment, vec![may("ehr", &[Action::View], when)])]
}

fn treating(roles: &[&str]) -> Identity {
    person(roles).working_for(Purpose::Treatment)
}

fn ask(rules: &Rules, memory: &Memory, identity: &Identity, told: &Told, now: Timestamp) -> Decision {
    ask_for(CHART, (rules, memory), identity, told, now)
}

fn ask_for(
    (application, route): (&str, &str),
    (rules, memory): (&Rules, &Memory),
    identity: &Identity,
    told: &Told,
    now: Timestamp,
) -> Decision {
    let question = Question {
        identity: Some(identity),
        application: &application.parse().unwrap(),
        route: position(rules, application, route),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told,
        now,
    };
    rules.decide(memory, &question)
}

fn once(rules: &Rules, identity: &Identity, told: &Told) -> Decision {
    ask(rules, &Memory::default(), identity, told, NOW)
}

fn told(known: &[usize], holds: &[usize], aged: &[usize]) -> Told {
    let marks = |positions: &[usize]| positions.iter().fold(Marks::NONE, |all, it| all.with(*it));
    Told { known: marks(known), holds: marks(holds), aged: marks(aged), ..Told::default() }
}

#[test]
fn one_relationship_is_enough_and_what_is_unknown_is_no_no() {
    let rules = compile(&clerk(when(&["facility", "treatment_team"])), "");
    let clerk = person(&["clerk"]);
    let granted = permitted(once(&rules, &clerk, &told(&[TEAM], &[TEAM], &[])));
    assert_eq!(granted.rested, Marks::NONE.with(TEAM));
    assert_eq!(reasons(once(&rules, &clerk, &told(&[FACILITY, TEAM], &[], &[]))), [Reason::NotOnPanel]);
    let half = reasons(once(&rules, &clerk, &told(&[TEAM], &[], &[])));
    assert!(half.contains(&Reason::AttributeUnavailable), "{half:?}");
    assert_eq!(reasons(once(&rules, &clerk, &NOTHING_TOLD)), [Reason::AttributeUnavailable]);
}

#[test]
fn what_is_too_old_takes_a_reason_under_treatment_and_is_a_no_otherwise() {
    let mut roles = clerk(when(&["treatment_team"]));
    roles.extend(nurse(when(&["treatment_team"])));
    let rules = compile(&roles, "");
    let aged = told(&[TEAM], &[], &[TEAM]);
    assert_eq!(reasons(once(&rules, &person(&["clerk"]), &aged)), [Reason::AttributeStale]);
    let reasoned = person(&["clerk"]).justified("ehr", Duration::ZERO);
    assert_eq!(reasons(once(&rules, &reasoned, &aged)), [Reason::AttributeStale], "not under operations");

    let nurse = treating(&["nurse"]);
    assert_eq!(challenged(once(&rules, &nurse, &aged)), Challenge::Justify);
    let granted = permitted(once(&rules, &nurse.clone().justified("ehr", Duration::ZERO), &aged));
    assert_eq!(granted.rested, Marks::NONE.with(TEAM));
    let missing = once(&rules, &nurse.justified("ehr", Duration::ZERO), &NOTHING_TOLD);
    assert_eq!(reasons(missing), [Reason::AttributeUnavailable], "what nobody has told is not too old");
}

#[test]
fn where_a_feed_is_too_old_treatment_looks_and_removes_with_a_reason_writes_without_and_takes_nothing_away() {
    let aged = told(&[TEAM], &[], &[TEAM]);
    let ask = |purpose, place: (&str, &str), is_justified: bool| {
        let when = when(&["treatment_team"]);
        let ehr = may("ehr", &[Action::View, Action::Create, Action::Export], when.clone());
        let rules =
            compile(&[role("nurse", purpose, vec![ehr, may("console", &[Action::Delete], when)])], "");
        let nurse = person(&["nurse"]).working_for(purpose);
        let nurse = if is_justified { nurse.justified(place.0, Duration::ZERO) } else { nurse };
        ask_for(place, (&rules, &Memory::default()), &nurse, &aged, NOW)
    };
    let (look, write, take) = (CHART, ("ehr", "note.create"), ("ehr", "report.csv"));
    let remove = ("console", "queue.delete");

    for place in [look, remove] {
        assert_eq!(challenged(ask(Purpose::Treatment, place, false)), Challenge::Justify);
        permitted(ask(Purpose::Treatment, place, true));
    }
    permitted(ask(Purpose::Treatment, write, false));
    for is_justified in [false, true] {
        assert_eq!(reasons(ask(Purpose::Treatment, take, is_justified)), [Reason::AttributeStale]);
        for place in [look, write, remove, take] {
            let denied = reasons(ask(Purpose::Operations, place, is_justified));
            assert_eq!(denied, [Reason::AttributeStale], "{place:?} {is_justified}");
        }
    }
}

#[test]
fn a_reason_that_made_up_for_a_feed_ends_with_its_time() {
    let rules = compile(&nurse(when(&["treatment_team"])), "");
    let (memory, aged) = (Memory::default(), told(&[TEAM], &[], &[TEAM]));
    let given = Duration::from_secs(15 * 60 - 10);
    let nurse = treating(&["nurse"]).justified("ehr", given);
    let at = |seconds| ask(&rules, &memory, &nurse, &aged, NOW.plus(Duration::from_secs(seconds)));
    permitted(at(0));
    assert!(permitted(at(10)).cached);
    assert_eq!(challenged(at(11)), Challenge::Justify);
}

#[test]
fn a_remembered_yes_ends_with_the_fact() {
    let rules = compile(&clerk(when(&["treatment_team"])), "");
    let (memory, clerk) = (Memory::default(), person(&["clerk"]));
    let (holds, holds_not) = (told(&[TEAM], &[TEAM], &[]), told(&[TEAM], &[], &[]));
    permitted(ask(&rules, &memory, &clerk, &holds, NOW));
    assert!(permitted(ask(&rules, &memory, &clerk, &holds, NOW)).cached);
    assert_eq!(reasons(ask(&rules, &memory, &clerk, &holds_not, NOW)), [Reason::NotOnPanel]);
    // What no rule of the route reads is no other question.
    let beside = Told { on_shift: Known::Yes, flags: Marks::NONE.with(0), ..holds };
    assert!(permitted(ask(&rules, &memory, &clerk, &beside, NOW)).cached);
}

#[test]
fn shifts_places_and_marks_are_conditions_too() {
    let only = WhenSettings {
        on_shift: true,
        department: vec!["cardiology".to_owned()],
        not_flagged: vec!["vip".to_owned()],
        ..WhenSettings::default()
    };
    let rules = compile(&clerk(only), "");
    let stated = |change: &dyn Fn(&mut Stated)| {
        let mut stated = Stated {
            on_shift: Some(true),
            department: vec!["cardiology".to_owned()],
            flags: Some(Vec::new()),
            ..Stated::default()
        };
        change(&mut stated);
        once(&rules, &person(&["clerk"]), &stated.told(&rules).unwrap())
    };
    permitted(stated(&|_| {}));
    assert_eq!(reasons(stated(&|it| it.on_shift = Some(false))), [Reason::OutsideShift]);
    assert_eq!(reasons(stated(&|it| it.department = vec!["surgery".to_owned()])), [Reason::LocationMismatch]);
    assert_eq!(reasons(stated(&|it| it.flags = Some(vec!["vip".to_owned()]))), [Reason::NoRuleMatched]);
    for nothing in [
        stated(&|it| it.on_shift = None),
        stated(&|it| it.department = Vec::new()),
        stated(&|it| it.flags = None),
    ] {
        assert_eq!(reasons(nothing), [Reason::AttributeUnavailable]);
    }
    assert_eq!(reasons(stated(&|it| it.stale = true)), [Reason::AttributeStale]);
}

#[test]
fn what_a_feed_tells_of_people_stands_in_place_of_the_claim() {
    let only = WhenSettings { department: vec!["cardiology".to_owned()], ..WhenSettings::default() };
    let rules = compile(&clerk(only), "");
    let mut claims = person(&["clerk"]);
    let mut subject = Subject::clone(&claims.subject);
    subject.attributes.insert("department".to_owned(), vec!["cardiology".to_owned()]);
    claims.subject = Arc::new(subject);
    assert_eq!(reasons(once(&rules, &claims, &NOTHING_TOLD)), [Reason::AttributeUnavailable]);
}

#[test]
fn nobody_of_such_a_role_comes_to_their_own_chart() {
    let kept = RoleSettings { not_self: true, ..clerk(WhenSettings::default()).remove(0) };
    let rules = compile(&[kept], "");
    let own = |own_chart| once(&rules, &person(&["clerk"]), &Told { own_chart, ..Told::default() });
    permitted(own(Known::No));
    let denial = denied(own(Known::Yes));
    assert_eq!((denial.reasons, denial.ways_on), (vec![Reason::OwnChart], Vec::<WayOn>::new()));
    assert_eq!(reasons(own(Known::Unknown)), [Reason::AttributeUnavailable]);
    assert_eq!(reasons(own(Known::Aged)), [Reason::AttributeStale]);
}

#[test]
fn a_rule_that_forbids_is_not_escaped_by_a_feed_that_is_late() {
    let forbids = "@id(\"panel\") forbid (principal, action, resource) unless { context.relationship has treatment_team && \
                   context.relationship.treatment_team };";
    let rules = compile(&nurse(WhenSettings::default()), forbids);
    let nurse = treating(&["nurse"]);
    permitted(once(&rules, &nurse, &told(&[TEAM], &[TEAM], &[])));
    assert_eq!(reasons(once(&rules, &nurse, &told(&[TEAM], &[], &[]))), [Reason::DeniedByRule]);
    assert_eq!(reasons(once(&rules, &nurse, &NOTHING_TOLD)), [Reason::DeniedByRule]);
    assert_eq!(challenged(once(&rules, &nurse, &told(&[TEAM], &[], &[TEAM]))), Challenge::Justify);
    let clerk = nurse.working_for(Purpose::Operations);
    assert!(!matches!(once(&rules, &clerk, &told(&[TEAM], &[], &[TEAM])), Decision::Permit(..)));
}

#[test]
fn a_word_that_no_feed_tells_is_a_problem() {
    let wrong = |when: WhenSettings| try_compile(&clerk(when), "").unwrap_err()[0].what.clone();
    assert_eq!(wrong(when(&["pcp"])), "it can never fire: no feed tells of the relationship `pcp`");
    let flagged = WhenSettings { not_flagged: vec!["vips".to_owned()], ..WhenSettings::default() };
    assert_eq!(wrong(flagged), "it can never fire: no feed tells of the flag `vips`");
    let rules = compile(&clerk(WhenSettings::default()), "");
    let mistyped = Stated { relationship: Some(vec!["team".to_owned()]), ..Stated::default() };
    assert_eq!(mistyped.told(&rules).unwrap_err(), "no feed tells of the relationship `team`");
}

/// Asked from a device of class `ward`.
fn from_ward(rules: &Rules, identity: &Identity, told: &Told) -> Decision {
    let class: DeviceClass = "ward".parse().unwrap();
    let question = Question {
        identity: Some(identity),
        application: &"ehr".parse().unwrap(),
        route: position(rules, CHART.0, CHART.1),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
        device: Some(&class),
        risks: crate::domain::risk::Standing::NONE,
        told,
        now: NOW,
    };
    rules.decide(&Memory::default(), &question)
}

#[test]
fn a_class_that_a_feed_tells_too_late_takes_a_reason_under_treatment_and_is_a_no_otherwise() {
    let when = WhenSettings { device: vec!["ward".parse().unwrap()], ..WhenSettings::default() };
    let mut roles = clerk(when.clone());
    roles.extend(nurse(when));
    let rules = compile(&roles, "");
    let aged = Told { device_class_aged: true, ..Told::default() };
    permitted(from_ward(&rules, &person(&["clerk"]), &NOTHING_TOLD));
    assert_eq!(reasons(from_ward(&rules, &person(&["clerk"]), &aged)), [Reason::AttributeStale]);
    assert_eq!(challenged(from_ward(&rules, &treating(&["nurse"]), &aged)), Challenge::Justify);
    permitted(from_ward(&rules, &treating(&["nurse"]).justified("ehr", Duration::ZERO), &aged));
}

#[test]
fn a_rule_that_forbids_a_class_holds_for_one_that_is_told_too_late() {
    let forbids =
        "@id(\"not-on-kiosks\") forbid (principal, action, resource) when { context.device == \"kiosk\" };";
    let rules = compile(&clerk(WhenSettings::default()), forbids);
    permitted(from_ward(&rules, &person(&["clerk"]), &NOTHING_TOLD));
    let aged = Told { device_class_aged: true, ..Told::default() };
    assert_eq!(reasons(from_ward(&rules, &person(&["clerk"]), &aged)), [Reason::AttributeStale]);
}

#[test]
fn a_rule_may_ask_where_the_device_stands() {
    let wards = BTreeMap::from([(Place::Department, vec!["cardiology".to_owned()])]);
    let when = WhenSettings { device_places: wards, ..WhenSettings::default() };
    let mut roles = clerk(when.clone());
    roles.extend(nurse(when));
    let rules = compile(&roles, "");
    let stands = |department: &str, device_places_aged| Told {
        device_places: Some(Arc::new(BTreeMap::from([(Place::Department, vec![department.to_owned()])]))),
        device_places_aged,
        ..Told::default()
    };
    let clerk = person(&["clerk"]);
    permitted(once(&rules, &clerk, &stands("cardiology", false)));
    assert_eq!(reasons(once(&rules, &clerk, &stands("surgery", false))), [Reason::DeviceMismatch]);
    assert_eq!(reasons(once(&rules, &clerk, &NOTHING_TOLD)), [Reason::AttributeUnavailable]);
    assert_eq!(reasons(once(&rules, &clerk, &stands("cardiology", true))), [Reason::AttributeStale]);
    let nurse = treating(&["nurse"]);
    assert_eq!(challenged(once(&rules, &nurse, &stands("cardiology", true))), Challenge::Justify);
    let reasoned = nurse.justified("ehr", Duration::ZERO);
    permitted(once(&rules, &reasoned, &stands("cardiology", true)));
    let elsewhere = once(&rules, &reasoned, &stands("surgery", true));
    assert_eq!(reasons(elsewhere), [Reason::DeviceMismatch], "it is the last place that is known");

    let said = |department: &str, stale| {
        let device_department = vec![department.to_owned()];
        Stated { device_department, stale, ..Stated::default() }.told(&rules).unwrap()
    };
    assert_eq!(said("cardiology", false), stands("cardiology", false));
    assert_eq!(reasons(once(&rules, &clerk, &said("cardiology", true))), [Reason::AttributeStale]);
    let untold = Stated { device_location: vec!["room-7".to_owned()], ..Stated::default() };
    assert_eq!(untold.told(&rules).unwrap_err(), "no feed tells the location of devices");
}

#[test]
fn what_a_directory_has_told_too_long_ago_takes_a_reason_under_treatment_and_is_a_no_otherwise() {
    let reads = "@id(\"of-the-centre\") permit (principal in Role::\"ROLE\", action == Action::\"view\", resource) \
                 when { principal has cost_center && principal.cost_center.contains(\"7\") };";
    let of_centre = |identity: Identity| {
        let mut identity = identity;
        Arc::make_mut(&mut identity.subject)
            .attributes
            .insert("cost_center".to_owned(), vec!["7".to_owned()]);
        identity
    };
    let aged = Told { aged_attributes: Some(["cost_center".to_owned()].into()), ..Told::default() };
    let elsewhere = WhenSettings { location: vec!["nowhere".to_owned()], ..WhenSettings::default() };

    let rules = compile(&clerk(elsewhere.clone()), &reads.replace("ROLE", "clerk"));
    let said = Stated { directory_stale: true, ..Stated::default() };
    assert_eq!(said.told(&rules).unwrap(), aged);
    let clerk = of_centre(person(&["clerk"]));
    permitted(once(&rules, &clerk, &NOTHING_TOLD));
    let denied = reasons(once(&rules, &clerk, &aged));
    assert!(denied.contains(&Reason::AttributeStale), "{denied:?}");

    let rules = compile(&nurse(elsewhere), &reads.replace("ROLE", "nurse"));
    let nurse = of_centre(treating(&["nurse"]));
    permitted(once(&rules, &nurse, &NOTHING_TOLD));
    assert_eq!(challenged(once(&rules, &nurse, &aged)), Challenge::Justify);
    permitted(once(&rules, &nurse.justified("ehr", Duration::ZERO), &aged));
}
