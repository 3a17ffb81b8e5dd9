use proptest::prelude::*;

use super::*;
use crate::domain::device::DeviceClass;
use crate::features::policy::world::Networks;

fn rules() -> Rules {
    let hours = WhenSettings { hours: "09:00-09:32".parse().ok(), ..WhenSettings::default() };
    let fresh = WhenSettings { assurance: Some(need("mfa", Some(60))), ..WhenSettings::default() };
    let reasoned = WhenSettings { justification: true, ..WhenSettings::default() };
    let there = WhenSettings { location: vec!["ward-3".to_owned()], ..WhenSettings::default() };
    compile(
        &[
            role("clerk", Purpose::Operations, vec![may("ehr", &[Action::View], hours)]),
            role("analyst", Purpose::Operations, vec![may("ehr", &[Action::Export], fresh)]),
            role("nurse", Purpose::Treatment, vec![may("ehr", &[Action::Export, Action::View], reasoned)]),
            role("aide", Purpose::Operations, vec![may("ehr", &[Action::View], there)]),
        ],
        "@id(\"outside\") forbid (principal, action == Action::\"export\", resource) when { context.networks.contains(\"public\") };
         @id(\"stale\") forbid (principal, action == Action::\"view\", resource == Route::\"ehr/chart.open\")
           when { context.assurance has phr && context.assurance.phr > 30 };
         @id(\"odd\") forbid (principal, action, resource == Route::\"ehr/patient.open\")
           when { context.assurance has phr && context.assurance.phr * 2 == 8 };
         @id(\"one\") forbid (principal, action, resource == Route::\"ehr/home\") when { context.one_patient };",
    )
}

/// What a decision says, without whether it was remembered.
fn said(decision: &Decision) -> String {
    match decision {
        Decision::Permit(_, grounds) => format!("permit {:?} {:?}", grounds.rules, grounds.obligations),
        Decision::Challenge(challenge, grounds) => format!("challenge {challenge:?} {:?}", grounds.rules),
        Decision::Deny(denial, grounds) => format!("deny {denial:?} {:?}", grounds.rules),
    }
}

fn is_cached(decision: &Decision) -> bool {
    match decision {
        Decision::Permit(_, grounds) | Decision::Challenge(_, grounds) | Decision::Deny(_, grounds) => {
            grounds.cached
        }
    }
}

#[test]
fn a_permit_is_remembered_for_half_a_minute_and_a_refusal_for_two_seconds() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    for (who, lasts) in [(person(&["clerk"]), 30_000), (person(&[]), 2_000)] {
        let memory = Memory::default();
        let ask = |millis| {
            let now = NOW.plus(Duration::from_millis(millis));
            is_cached(&decide_with(&rules, &memory, Some(&who), ("ehr", "home"), now))
        };
        assert!(!ask(0));
        assert!(ask(lasts));
        assert!(!ask(lasts + 1));
    }
}

#[test]
fn a_clock_that_goes_back_finds_nothing_from_its_future() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    let (memory, clerk) = (Memory::default(), person(&["clerk"]));
    let ask = |now| is_cached(&decide_with(&rules, &memory, Some(&clerk), ("ehr", "home"), now));
    assert!(!ask(NOW));
    assert!(!ask(NOW.minus(Duration::from_millis(1))));
}

#[test]
fn whatever_changes_about_a_person_is_decided_anew_even_under_the_same_version() {
    let rules = rules();
    let memory = Memory::default();
    let before = person(&["clerk"]).at("ward-3");
    let ask = |who: &Identity| is_cached(&decide_with(&rules, &memory, Some(who), ("ehr", "home"), NOW));
    assert!(!ask(&before));
    assert!(ask(&before));
    for after in [
        before.clone().proven("mfa", Duration::ZERO),
        before.clone().justified("ehr", Duration::ZERO),
        before.clone().at("ward-4"),
        before.clone().working_for(Purpose::Treatment),
        Identity { roles: person(&["aide"]).roles, ..before.clone() },
        Identity { version: 2, ..before.clone() },
    ] {
        assert!(!ask(&after), "{after:?}");
    }
}

#[test]
fn a_person_is_forgotten_at_once() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    let (memory, clerk) = (Memory::default(), person(&["clerk"]));
    let ask = || is_cached(&decide_with(&rules, &memory, Some(&clerk), ("ehr", "home"), NOW));
    assert!(!ask());
    assert!(ask());
    memory.forget(&clerk.subject.id());
    assert!(!ask());
}

#[test]
fn new_rules_do_not_find_the_answers_of_the_old() {
    let (old, new) =
        (compile(&clerk(WhenSettings::default()), ""), compile(&clerk(WhenSettings::default()), ""));
    let (memory, clerk) = (Memory::default(), person(&["clerk"]));
    let ask = |rules: &Rules| is_cached(&decide_with(rules, &memory, Some(&clerk), ("ehr", "home"), NOW));
    assert!(!ask(&old));
    assert!(!ask(&new));
    assert!(ask(&old));
}

#[derive(Clone, Debug)]
struct Someone {
    identity: Identity,
    now: Timestamp,
    route: usize,
    address: IpAddr,
    one_patient: bool,
}

prop_compose! {
    fn someone()(
        roles in prop::sample::subsequence(vec!["clerk", "analyst", "nurse", "aide"], 0..=3),
        location in prop::option::of(prop::sample::select(vec!["ward-3", "ward-4"])),
        treatment in any::<bool>(),
        mfa in prop::option::of(0u64..90_000),
        phr in prop::option::of(0u64..40_000),
        justified in prop::option::of((prop::sample::select(vec!["ehr", "console"]), 800_000u64..1_000_000)),
        later in 0u64..180_000,
        route in 1usize..7,
        public in any::<bool>(),
        one_patient in any::<bool>(),
    ) -> Someone {
        let mut identity = person(&roles);
        if let Some(location) = location {
            identity = identity.at(location);
        }
        if treatment {
            identity = identity.working_for(Purpose::Treatment);
        }
        for (class, ago) in [("mfa", mfa), ("phr", phr)] {
            if let Some(ago) = ago {
                identity = identity.proven(class, Duration::from_millis(ago));
            }
        }
        if let Some((application, ago)) = justified {
            identity = identity.justified(application, Duration::from_millis(ago));
        }
        let address = if public { [203, 0, 113, 9] } else { [10, 1, 2, 3] };
        Someone { identity, now: NOW.plus(Duration::from_millis(later)), route, address: address.into(), one_patient }
    }
}

fn patient() -> crate::domain::patient::PatientRef {
    crate::domain::patient::PatientRef::new("ehr".parse().unwrap(), "1".to_owned())
}

fn ask(rules: &Rules, memory: &Memory, someone: &Someone, now: Timestamp) -> Decision {
    let patient = someone.one_patient.then(patient);
    let question = Question {
        identity: Some(&someone.identity),
        application: &rules.catalog().routes[someone.route].application,
        route: someone.route,
        patient: patient.as_ref(),
        client_ip: someone.address,
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told: &crate::domain::told::NOTHING_TOLD,
        now,
    };
    rules.decide(memory, &question)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_remembered_answer_is_the_answer(
        people in prop::collection::vec(someone(), 1..4),
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0u64..4_000), 1..30),
    ) {
        let rules = rules();
        let memory = Memory::default();
        let mut now = people[0].now;
        for (who, later) in steps {
            now = now.plus(Duration::from_millis(later));
            let who = who.get(&people);
            let (remembered, anew) = (ask(&rules, &memory, who, now), ask(&rules, &Memory::default(), who, now));
            prop_assert!(!is_cached(&anew));
            prop_assert_eq!(said(&remembered), said(&anew), "{} {:?}", now, who);
        }
    }

    #[test]
    fn a_slice_says_what_all_the_rules_say(who in someone()) {
        let rules = rules();
        let route = &rules.routes[who.route];
        let application = &rules.catalog().routes[who.route].application;
        let mut facts = super::super::world::Facts::of(
            &who.identity,
            application,
            (&crate::domain::told::NOTHING_TOLD, &rules.catalog().facts),
            who.now,
            &rules.zone,
        );
        facts.networks = Networks::of(who.address);
        facts.one_patient = who.one_patient;
        let slice = route.slice.as_ref().unwrap();
        let everything = rules.engine.everything();
        let sliced = rules.engine.ask(slice, &route.entity, &facts).unwrap();
        prop_assert_eq!(sliced, rules.engine.ask(&everything, &route.entity, &facts).unwrap());
    }
}

#[test]
fn on_a_device_where_a_proof_counts_shorter_it_is_asked_for_again() {
    let (kiosk, ward): (DeviceClass, DeviceClass) = ("kiosk".parse().unwrap(), "ward".parse().unwrap());
    let when = WhenSettings { assurance: Some(need("mfa", Some(900))), ..WhenSettings::default() };
    let ages = BTreeMap::from([(kiosk.clone(), Duration::from_secs(60))]);
    let rules = compile(&clerk(when), "").with_proof_ages(ages);
    let (memory, clerk) = (Memory::default(), person(&["clerk"]).proven("mfa", Duration::ZERO));
    let ask = |device: Option<&DeviceClass>, seconds: u64| {
        let question = Question {
            identity: Some(&clerk),
            application: &"ehr".parse().unwrap(),
            route: position(&rules, "ehr", "report.csv"),
            patient: None,
            client_ip: Ipv4Addr::LOCALHOST.into(),
            device,
            risks: crate::domain::risk::Standing::NONE,
            told: &crate::domain::told::NOTHING_TOLD,
            now: NOW.plus(Duration::from_secs(seconds)),
        };
        rules.decide(&memory, &question)
    };
    permitted(ask(Some(&kiosk), 59));
    permitted(ask(Some(&kiosk), 60));
    let asked = Challenge::StepUp(need("mfa", Some(60)), Reason::AuthTooOld);
    assert_eq!(challenged(ask(Some(&kiosk), 61)), asked, "what was remembered ends with it");
    permitted(ask(Some(&ward), 61));
    permitted(ask(None, 900));
    challenged(ask(None, 901));
}
