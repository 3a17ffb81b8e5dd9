//! A risk that stands: a step-up where the rules say yes, and nothing else.

use super::*;
use crate::domain::risk::{Sign, Standing};
use crate::features::policy::cases::{self, CaseSource};
use crate::features::policy::settings::RaiseSettings;

fn risk(name: &str, class: Option<&str>) -> RaiseSettings {
    let need = class.map(|class| AssuranceNeed { class: class.parse().unwrap(), fresh: None });
    RaiseSettings {
        name: name.parse().unwrap(),
        sign: Sign::NewDevice,
        applications: Vec::new(),
        actions: Vec::new(),
        routes: Vec::new(),
        need,
    }
}

fn answer(rules: &Rules, memory: &Memory, identity: &Identity, route: &str, risks: Standing) -> Decision {
    let question = Question {
        identity: Some(identity),
        application: &"ehr".parse().unwrap(),
        route: position(rules, "ehr", route),
        patient: None,
        client_ip: Ipv4Addr::LOCALHOST.into(),
        device: None,
        risks,
        told: &crate::domain::told::NOTHING_TOLD,
        now: NOW,
    };
    rules.decide(memory, &question)
}

fn clinic(risks: Vec<RaiseSettings>) -> Rules {
    compile(&clerk(WhenSettings::default()), "").with_risks(risks)
}

#[test]
fn what_stands_makes_a_step_up_of_a_yes_and_what_does_not_nothing() {
    let rules =
        clinic(vec![risk("watched", None), risk("new-device", Some("mfa")), risk("late", Some("phr"))]);
    let clerk = person(&["clerk"]).proven("mfa", Duration::ZERO);
    let ask = |risks| answer(&rules, &Memory::default(), &clerk, "report.csv", risks);
    permitted(ask(Standing::NONE));
    permitted(ask(Standing::NONE.with(0)));
    assert_eq!(permitted(ask(Standing::NONE.with(63))).rules.as_ref(), ["clerk/1".into()]);
    let both = Standing::NONE.with(0).with(1).with(2);
    let Decision::Challenge(challenge, grounds) = ask(both) else { panic!("not a challenge") };
    assert_eq!(
        challenge,
        Challenge::StepUp(need("mfa", None), Reason::DeviceNew),
        "what was proven before counts not"
    );
    assert_eq!(grounds.rules.as_ref(), ["clerk/1".into(), "risk/new-device".into()]);
    assert_eq!(
        challenged(ask(Standing::NONE.with(2))),
        Challenge::StepUp(need("phr", None), Reason::DeviceNew)
    );
}

#[test]
fn a_no_stays_a_no_whatever_stands() {
    let rules = clinic(vec![risk("new-device", Some("mfa"))]);
    let stands = Standing::NONE.with(0);
    let nobody = person(&[]);
    assert_eq!(
        reasons(answer(&rules, &Memory::default(), &nobody, "report.csv", stands)),
        reasons(answer(&rules, &Memory::default(), &nobody, "report.csv", Standing::NONE))
    );
    let asks = WhenSettings { justification: true, ..WhenSettings::default() };
    let rules = compile(&clerk(asks), "").with_risks(vec![risk("new-device", Some("mfa"))]);
    let challenge = challenged(answer(&rules, &Memory::default(), &person(&["clerk"]), "home", stands));
    assert_eq!(challenge, Challenge::Justify, "the rules' own step comes first");
}

#[test]
fn an_answer_that_is_remembered_is_no_way_around_it() {
    let rules = clinic(vec![risk("new-device", Some("mfa"))]);
    let (memory, clerk) = (Memory::default(), person(&["clerk"]));
    let ask = |risks| answer(&rules, &memory, &clerk, "home", risks);
    permitted(ask(Standing::NONE));
    assert!(permitted(ask(Standing::NONE)).cached);
    challenged(ask(Standing::NONE.with(0)));
    permitted(ask(Standing::NONE));
}

#[test]
fn it_counts_where_it_is_declared_to() {
    let everywhere = risk("a", Some("mfa"));
    let exports = RaiseSettings { actions: vec![Action::Export], ..risk("b", Some("mfa")) };
    let patients = RaiseSettings { routes: vec!["patient.*".to_owned()], ..risk("c", Some("mfa")) };
    let console = RaiseSettings { applications: vec!["console".parse().unwrap()], ..risk("d", Some("mfa")) };
    let rules = clinic(vec![everywhere, exports, patients, console]);
    let all = (0..4).fold(Standing::NONE, Standing::with);
    let counts = |application: &str, route: &str| -> Vec<String> {
        let on = rules.risks_on(position(&rules, application, route), all);
        on.map(|risk| risk.name.to_string()).collect()
    };
    assert_eq!(counts("ehr", "static"), Vec::<String>::new(), "a public route asks nobody");
    assert_eq!(counts("ehr", "home"), ["a"]);
    assert_eq!(counts("ehr", "report.csv"), ["a", "b"]);
    assert_eq!(counts("ehr", "patient.open"), ["a", "c"]);
    assert_eq!(counts("console", "queue.delete"), ["a", "d"]);
}

#[test]
fn an_explanation_says_which_risk_asks_for_what() {
    let exports = RaiseSettings { actions: vec![Action::Export], ..risk("exports", Some("mfa")) };
    let rules = clinic(vec![risk("new-device", Some("mfa")), risk("watched", None), exports]);
    let question = Question {
        identity: Some(&person(&["clerk"])),
        application: &"ehr".parse().unwrap(),
        route: position(&rules, "ehr", "home"),
        patient: None,
        client_ip: Ipv4Addr::LOCALHOST.into(),
        device: None,
        risks: (0..3).fold(Standing::NONE, Standing::with),
        told: &crate::domain::told::NOTHING_TOLD,
        now: NOW,
    };
    let told = rules.explain(&question).unwrap().to_string();
    let expected = "\
challenge  device-new
route      ehr / home
action     view, categories: none
roles      clerk
purpose    operations (operations, 45 CFR 164.514(d)): a volume may deny
decided by clerk/1, risk/new-device

rules
  hit      permit  clerk/1

risks that stand
  risk/new-device  new_device: step up to mfa
  risk/watched  new_device: is noted
  risk/exports  new_device: does not count here

what would unlock it, the cheapest first
  1. step up to mfa
";
    assert_eq!(told, expected, "\n{told}");
    assert_eq!(
        rules.risks()[2].told(),
        "risk/exports: new_device (all applications; export; all routes): step up to mfa"
    );
}

#[test]
fn cases_suppose_risks_by_their_names() {
    let rules = clinic(vec![risk("new-device", Some("mfa"))]);
    let text = "[person.clerk]\ngroups = [\"clinic-clerk\"]\n[[case]]\nname = \"a\"\nperson = \"clerk\"\n\
                request = { application = \"ehr\", route = \"home\", risks = [\"new-device\"] }\n\
                expect = { decision = \"challenge\", step_up = \"mfa\", reasons = [\"device-new\"] }\n\
                [[case]]\nname = \"b\"\nrequest = { application = \"ehr\", route = \"home\", risks = [\"old\"] }\n\
                expect = { decision = \"permit\" }\n";
    let file = CaseSource { path: "a.toml".to_owned(), text: text.to_owned() };
    let report = cases::run(&rules, &[file], &|_, _| Err("no route".to_owned()), NOW);
    assert_eq!((report.cases, report.failures.len()), (2, 1), "{report}");
    assert_eq!(report.failures[0].what, ["no risk is called `old`"]);
}

#[test]
fn a_risk_and_the_law_are_told_together_and_a_step_up_once() {
    let fresh = WhenSettings { assurance: Some(need("mfa", Some(900))), ..WhenSettings::default() };
    let archivist = role("archivist", Purpose::PatientRequest, vec![may("ehr", &[Action::Export], fresh)]);
    let rules = compile(&[archivist], "")
        .with_risks(vec![risk("new-device", Some("mfa")), risk("late", Some("phr"))]);
    let ladder = |who: &Identity, risks| {
        let question = Question {
            identity: Some(who),
            application: &"ehr".parse().unwrap(),
            route: position(&rules, "ehr", "report.csv"),
            patient: None,
            client_ip: Ipv4Addr::LOCALHOST.into(),
            device: None,
            risks,
            told: &crate::domain::told::NOTHING_TOLD,
            now: NOW,
        };
        let told = rules.explain(&question).unwrap().to_string();
        told.split("the cheapest first\n").nth(1).unwrap_or_default().to_owned()
    };
    let archivist = person(&["archivist"]).working_for(Purpose::PatientRequest);
    let same = "  1. step up to mfa, at most 900 s ago and give a reason with a request number\n";
    assert_eq!(ladder(&archivist, Standing::NONE.with(0)), same);
    let other =
        "  1. step up to mfa, at most 900 s ago and give a reason with a request number and step up to phr\n";
    assert_eq!(ladder(&archivist, Standing::NONE.with(1)), other);
    let proven = archivist.proven("mfa", Duration::ZERO);
    let raised = "  1. give a reason with a request number and step up to mfa\n";
    assert_eq!(ladder(&proven, Standing::NONE.with(0)), raised, "what was proven before counts not");
}
