//! Break-glass: what opens in an emergency without a relationship, to whom, and what stays closed.

use super::*;
use crate::domain::break_glass::BreakRelation;
use crate::domain::category::Terms;
use crate::domain::decision::WayOn;
use crate::domain::law::Law;
use crate::domain::patient::PatientRef;
use crate::domain::told::{Known, Marks, Told};
use crate::features::policy::catalog::CatalogField;
use crate::features::policy::settings::EmergencySettings;

const TEAM: usize = 1;

fn of_team() -> WhenSettings {
    WhenSettings { relationship: vec!["treatment_team".to_owned()], ..WhenSettings::default() }
}

fn nurse(may: Vec<MaySettings>, emergency: EmergencySettings) -> RoleSettings {
    RoleSettings { break_glass: Some(emergency), ..role("nurse", Purpose::Treatment, may) }
}

fn charts(when: WhenSettings) -> Vec<MaySettings> {
    vec![may("ehr", &[Action::View], when)]
}

/// The clinic with a route of psychotherapy notes and one of a programme.
fn sensitive() -> Catalog {
    let mut catalog = catalog();
    for (name, law) in [("notes.open", Law::PsychotherapyNotes), ("programme.open", Law::SudRecords)] {
        let category: Category = name.parse().unwrap();
        catalog.categories.declare(category.clone(), Terms { sensitivity: Vec::new(), law, consent: None });
        let like = catalog.routes[3].clone();
        let protection = catalog.categories.protection(std::slice::from_ref(&category));
        catalog.routes.push(CatalogRoute {
            route: name.parse().unwrap(),
            categories: vec![category],
            protection,
            ..like
        });
    }
    catalog
}

fn compiled(roles: &[RoleSettings], text: &str) -> Rules {
    Rules::compile(roles, &[cedar(text)], sensitive(), "UTC", Digest::ZERO).unwrap()
}

fn treating() -> Identity {
    person(&["nurse"]).working_for(Purpose::Treatment)
}

fn unrelated() -> Told {
    Told { known: Marks::NONE.with(TEAM), own_chart: Known::No, ..Told::default() }
}

fn ask(rules: &Rules, identity: &Identity, route: &str, patient: bool, told: &Told) -> Decision {
    let patient = patient.then(|| PatientRef::new("ehr".parse().unwrap(), "7".to_owned()));
    let question = Question {
        identity: Some(identity),
        application: &"ehr".parse().unwrap(),
        route: position(rules, "ehr", route),
        patient: patient.as_ref(),
        client_ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told,
        now: NOW,
    };
    rules.decide(&Memory::default(), &question)
}

#[test]
fn whoever_is_not_related_is_asked_and_then_opens_one_chart() {
    let rules = compiled(&[nurse(charts(of_team()), EmergencySettings::default())], "");
    let (usual, emergency) = (treating(), treating().working_for(Purpose::BreakGlass));
    for told in [unrelated(), Told::default()] {
        assert_eq!(challenged(ask(&rules, &usual, "chart.open", true, &told)), Challenge::BreakGlass);
        let opened = permitted(ask(&rules, &emergency, "chart.open", true, &told));
        assert_eq!(&*opened.rules, ["nurse/1/break-glass".into()]);
        assert!(opened.rested.is_none());
    }
    let related = Told { holds: Marks::NONE.with(TEAM), ..unrelated() };
    assert_eq!(&*permitted(ask(&rules, &usual, "chart.open", true, &related)).rules, ["nurse/1".into()]);
    // No emergency is about everybody.
    assert_eq!(reasons(ask(&rules, &usual, "chart.open", false, &unrelated())), [Reason::NotOnPanel]);
    assert!(!reasons(ask(&rules, &emergency, "chart.open", false, &unrelated())).is_empty());
}

#[test]
fn nobody_else_is_asked() {
    let roles = [role("nurse", Purpose::Treatment, charts(of_team()))];
    let rules = compiled(&roles, "");
    assert_eq!(reasons(ask(&rules, &treating(), "chart.open", true, &unrelated())), [Reason::NotOnPanel]);
    let broken = treating().working_for(Purpose::BreakGlass);
    assert!(!reasons(ask(&rules, &broken, "chart.open", true, &unrelated())).is_empty());
    let clerk = role("clerk", Purpose::Operations, charts(of_team()));
    let rules = compiled(&[nurse(charts(of_team()), EmergencySettings::default()), clerk], "");
    let clerk = person(&["clerk"]);
    let ways = denied(ask(&rules, &clerk, "chart.open", true, &unrelated())).ways_on;
    assert!(!ways.contains(&WayOn::BreakGlass), "{ways:?}");
}

#[test]
fn notes_stay_closed_and_records_of_a_programme_open() {
    let all = "permit (principal in Role::\"nurse\", action, resource in Application::\"ehr\") \
               when { context.purpose == \"break_glass\" };";
    let mays = vec![MaySettings {
        categories: vec!["programme.open".parse().unwrap()],
        ..may("ehr", &[Action::View], of_team())
    }];
    let rules = compiled(&[nurse([charts(of_team()), mays].concat(), EmergencySettings::default())], all);
    let broken = treating().working_for(Purpose::BreakGlass);
    let notes = reasons(ask(&rules, &broken, "notes.open", true, &unrelated()));
    assert_eq!(notes, [Reason::PsychotherapyNotes], "whatever a file permits");
    let asked = ask(&rules, &treating(), "notes.open", true, &unrelated());
    assert_eq!(reasons(asked)[0], Reason::PsychotherapyNotes, "nobody is asked for what stays closed");
    permitted(ask(&rules, &broken, "programme.open", true, &unrelated()));
    let closed: Vec<_> =
        rules.closed_in_emergency(&"ehr".parse().unwrap()).iter().map(ToString::to_string).collect();
    assert_eq!(closed, ["notes.open"]);
}

#[test]
fn fields_of_what_the_house_closes_are_withheld() {
    let mut catalog = sensitive();
    let field = |name: &str, category: &str| CatalogField {
        name: name.parse().unwrap(),
        categories: vec![category.parse().unwrap()],
    };
    for route in catalog.routes.iter_mut().filter(|route| route.route.as_str() == "chart.open") {
        route.fields = vec![field("employer", "vip"), field("phone", "demographics")];
    }
    let withheld = |closed: &[&str]| {
        let emergency = EmergencySettings { closed: categories(closed), ..EmergencySettings::default() };
        let roles = [nurse(charts(of_team()), emergency)];
        let rules = Rules::compile(&roles, &[cedar("")], catalog.clone(), "UTC", Digest::ZERO).unwrap();
        let broken = treating().working_for(Purpose::BreakGlass);
        let opened = permitted(ask(&rules, &broken, "chart.open", true, &unrelated()));
        opened.obligations.withheld.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(withheld(&["vip"]), ["employer"]);
    assert_eq!(withheld(&[]), Vec::<String>::new());
}

#[test]
fn what_the_house_closes_stays_closed_too() {
    let emergency =
        EmergencySettings { closed: vec!["clinical".parse().unwrap()], ..EmergencySettings::default() };
    let rules = compiled(&[nurse(charts(of_team()), emergency)], "");
    assert_eq!(reasons(ask(&rules, &treating(), "chart.open", true, &unrelated())), [Reason::NotOnPanel]);
    let asked = ask(&rules, &treating(), "patient.open", true, &unrelated());
    assert_eq!(challenged(asked), Challenge::BreakGlass);
}

#[test]
fn all_other_conditions_are_as_they_were() {
    let when = WhenSettings {
        location: vec!["ward-3".to_owned()],
        not_flagged: vec!["vip".to_owned()],
        justification: true,
        ..of_team()
    };
    let role = RoleSettings { not_self: true, ..nurse(charts(when), EmergencySettings::default()) };
    let rules = compiled(&[role], "");
    let flagged = Told { flags: Marks::NONE.with(0), flags_known: Known::Yes, ..unrelated() };
    let here = treating().at("ward-3");
    assert_eq!(challenged(ask(&rules, &here, "chart.open", true, &flagged)), Challenge::BreakGlass);
    permitted(ask(&rules, &here.clone().working_for(Purpose::BreakGlass), "chart.open", true, &flagged));
    let elsewhere = treating().at("ward-9").working_for(Purpose::BreakGlass);
    assert!(!reasons(ask(&rules, &elsewhere, "chart.open", true, &flagged)).is_empty());
    let own = Told { own_chart: Known::Yes, ..unrelated() };
    assert!(
        !reasons(ask(&rules, &here.working_for(Purpose::BreakGlass), "chart.open", true, &own)).is_empty()
    );
}

#[test]
fn whoever_was_not_lately_proven_proves_that_first() {
    let emergency = EmergencySettings { assurance: Some(need("mfa", Some(900))), closed: Vec::new() };
    let rules = compiled(&[nurse(charts(of_team()), emergency)], "");
    let step = Challenge::StepUp(need("mfa", Some(900)), Reason::AcrInsufficient);
    assert_eq!(challenged(ask(&rules, &treating(), "chart.open", true, &unrelated())), step);
    let old = treating().proven("mfa", Duration::from_secs(901));
    let step = Challenge::StepUp(need("mfa", Some(900)), Reason::AuthTooOld);
    assert_eq!(challenged(ask(&rules, &old, "chart.open", true, &unrelated())), step);
    assert_eq!(rules.unproven_before_emergency(&old, NOW), Some(need("mfa", Some(900))));
    let fresh = treating().proven("mfa", Duration::from_secs(900));
    assert_eq!(challenged(ask(&rules, &fresh, "chart.open", true, &unrelated())), Challenge::BreakGlass);
    assert_eq!(rules.unproven_before_emergency(&fresh, NOW), None);
    // Once it is open, nobody is asked again.
    permitted(ask(&rules, &old.working_for(Purpose::BreakGlass), "chart.open", true, &unrelated()));
}

#[test]
fn whoever_has_only_to_say_what_they_work_for_says_that() {
    let mut both = nurse(charts(of_team()), EmergencySettings::default());
    both.purposes = vec![Purpose::Treatment, Purpose::Operations];
    both.may.push(MaySettings {
        when: WhenSettings { purpose: vec![Purpose::Operations], ..WhenSettings::default() },
        ..may("ehr", &[Action::View], WhenSettings::default())
    });
    let rules = compiled(&[both], "");
    let ways = denied(ask(&rules, &treating(), "chart.open", true, &unrelated())).ways_on;
    assert_eq!(ways, [WayOn::Purpose(vec![Purpose::Operations])]);
}

#[test]
fn a_relationship_that_would_have_done_is_told() {
    let rules = compiled(&[nurse(charts(of_team()), EmergencySettings::default())], "");
    let (roles, open) = (["nurse".parse().unwrap()], "chart.open".parse().unwrap());
    let words = |application: &str, action| {
        rules.overridden(&roles, &application.parse().unwrap(), &[(&open, action)])
    };
    let team = words("ehr", Action::View);
    assert_eq!(team.len(), 1);
    assert_eq!((words("console", Action::View), words("ehr", Action::Delete)), (Vec::new(), Vec::new()));
    let holds = |position| Told { holds: Marks::NONE.with(position), ..Told::default() };
    assert!(rules.is_related(&team, &holds(TEAM)));
    assert!(!rules.is_related(&team, &holds(0)), "another relationship");
    assert!(!rules.is_related(&[], &holds(TEAM)) && !rules.is_related(&["gone".to_owned()], &holds(TEAM)));
    assert_eq!(rules.relation(&team, &holds(TEAM)), BreakRelation::Marked);
    assert!(rules.breaks_glass(&roles) && !rules.breaks_glass(&["clerk".parse().unwrap()]));
}

#[test]
fn what_would_open_nothing_or_everything_is_a_problem() {
    let told = |roles: &[RoleSettings]| {
        let compiled = Rules::compile(roles, &[], sensitive(), "UTC", Digest::ZERO);
        let problems = compiled.map(drop).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let nothing = told(&[nurse(charts(WhenSettings::default()), EmergencySettings::default())]);
    assert!(nothing.contains("`break_glass` would open nothing"), "{nothing}");
    let mut operations = nurse(charts(of_team()), EmergencySettings::default());
    operations.purposes = vec![Purpose::Operations];
    assert!(told(&[operations]).contains("`break_glass` would open nothing"), "no care is overridden");
    let unprovable = EmergencySettings { assurance: Some(need("badge", None)), closed: Vec::new() };
    let unprovable = told(&[nurse(charts(of_team()), unprovable)]);
    assert!(unprovable.contains("no provider of theirs proves `badge`"), "{unprovable}");
    let chosen = role("chief", Purpose::BreakGlass, charts(WhenSettings::default()));
    let chosen = told(&[nurse(charts(of_team()), EmergencySettings::default()), chosen]);
    assert!(chosen.contains("would pass by the break-glass of the role `nurse`"), "{chosen}");
}
