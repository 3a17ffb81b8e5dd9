use super::*;
use crate::domain::decision::WayOn;
use crate::features::policy::cases::{self, CaseReport, CaseSource};
use crate::features::policy::explain::{Explanation, RuleAnswer};
use crate::features::policy::person::{Ago, Person, ResolvedRoute};

fn explain(rules: &Rules, identity: Option<&Identity>, at: (&str, &str)) -> Explanation {
    let question = Question {
        identity,
        application: &at.0.parse().unwrap(),
        route: position(rules, at.0, at.1),
        patient: None,
        client_ip: Ipv4Addr::LOCALHOST.into(),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told: &crate::domain::told::NOTHING_TOLD,
        now: NOW,
    };
    rules.explain(&question).unwrap()
}

fn clinic() -> Rules {
    let fresh = WhenSettings { assurance: Some(need("mfa", Some(900))), ..WhenSettings::default() };
    let there = WhenSettings {
        location: vec!["ward-3".to_owned()],
        hours: "20:00-06:00".parse().ok(),
        ..WhenSettings::default()
    };
    compile(
        &[
            role(
                "clerk",
                Purpose::Operations,
                vec![
                    may("ehr", &[Action::Export], fresh),
                    may("ehr", &[Action::Export, Action::View], there),
                ],
            ),
            role("nurse", Purpose::Treatment, vec![may("ehr", &[Action::View], WhenSettings::default())]),
            role("boss", Purpose::Operations, vec![may("ehr", &[Action::Export], WhenSettings::default())]),
        ],
        "@id(\"agency\") forbid (principal, action == Action::\"export\", resource)
           when { principal has employment && principal.employment.contains(\"agency\") };",
    )
}

fn employed(mut identity: Identity) -> Identity {
    let mut subject = Subject::clone(&identity.subject);
    subject.attributes.insert("employment".to_owned(), vec!["staff".to_owned()]);
    identity.subject = Arc::new(subject);
    identity
}

#[test]
fn an_explanation_tells_every_rule_and_the_ladder() {
    let explanation = explain(&clinic(), Some(&employed(person(&["clerk"]))), ("ehr", "report.csv"));
    let expected = "\
challenge  acr-insufficient
route      ehr / report.csv
action     export, categories: demographics
roles      clerk
purpose    operations (operations, 45 CFR 164.514(d)): a volume may deny
decided by clerk/1

rules
  miss     permit  clerk/1  acr-insufficient: context.assurance has mfa
  miss     permit  clerk/2  outside-shift: context.minute_of_day >= 1200; outside-shift: context.minute_of_day < 360; attribute `location` is unknown
  miss     permit  boss/1   it is for the role boss
  miss     forbid  agency   principal.employment.contains(\"agency\")

what would unlock it, the cheapest first
  1. step up to mfa, at most 900 s ago
  2. hold the role boss
";
    assert_eq!(explanation.to_string(), expected, "\n{explanation}");
}

/// Whoever climbs a rung has reached it: no other question comes behind it.
#[test]
fn a_rung_tells_all_that_is_asked_for_and_nothing_that_is_done() {
    let fresh = WhenSettings { assurance: Some(need("mfa", Some(900))), ..WhenSettings::default() };
    let exports = vec![may("ehr", &[Action::Export], fresh)];
    let archivist = RoleSettings {
        purposes: vec![Purpose::PatientRequest, Purpose::PublicHealth],
        ..role("archivist", Purpose::PatientRequest, exports)
    };
    let rules = compile(&[archivist], "");
    let ladder = |who: &Identity| {
        let told = explain(&rules, Some(who), ("ehr", "report.csv")).to_string();
        let ladder = told.split("the cheapest first\n").nth(1).unwrap_or_default();
        ladder.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let archivist = person(&["archivist"]).working_for(Purpose::PatientRequest);
    assert_eq!(
        ladder(&archivist),
        [
            "1. step up to mfa, at most 900 s ago and give a reason with a request number",
            "2. work for public_health and step up to mfa, at most 900 s ago and give a reason with a recipient",
        ]
    );
    let archivist = archivist.proven("mfa", Duration::ZERO);
    assert_eq!(
        ladder(&archivist),
        [
            "1. give a reason with a request number",
            "2. work for public_health and give a reason with a recipient"
        ]
    );
    let mut archivist = archivist.justified("ehr", Duration::ZERO);
    assert_eq!(
        ladder(&archivist)[0],
        "1. give a reason with a request number",
        "a reason alone is not enough"
    );
    archivist.justification.as_mut().unwrap().number = Some("ROI-17".to_owned());
    assert!(ladder(&archivist).is_empty());
    permitted(decide(&rules, &archivist, ("ehr", "report.csv")));
    // From outside, the whole way is told, too.
    assert_eq!(
        ladder(&person(&[]).working_for(Purpose::Treatment)),
        [
            "1. hold the role archivist and work for patient_request and step up to mfa, at most 900 s ago and give a reason with a request number"
        ]
    );
}

#[test]
fn freshness_is_told_in_seconds_and_read_again() {
    let way = WayOn::StepUp(need("mfa", Some(900)));
    let json = serde_json::json!({ "step_up": { "class": "mfa", "fresh_seconds": 900 } });
    assert_eq!(serde_json::to_value(&way).unwrap(), json);
    assert_eq!(serde_json::from_value::<WayOn>(json).unwrap(), way);
    let any = WayOn::StepUp(need("mfa", None));
    let json = serde_json::json!({ "step_up": { "class": "mfa" } });
    assert_eq!(serde_json::to_value(&any).unwrap(), json);
    assert_eq!(serde_json::from_value::<WayOn>(json).unwrap(), any);
}

#[test]
fn an_explanation_tells_what_is_unknown() {
    let explanation = explain(&clinic(), Some(&person(&["boss"])), ("ehr", "report.csv"));
    assert_eq!(explanation.reasons, [Reason::AttributeUnavailable]);
    let agency = explanation.rules.iter().find(|rule| rule.rule == "agency").unwrap();
    assert_eq!(agency.answer, RuleAnswer::Unknown);
    assert_eq!(agency.because, ["attribute `employment` is unknown"]);
    let boss = explanation.rules.iter().find(|rule| rule.rule == "boss/1").unwrap();
    assert_eq!((boss.answer, boss.because.len()), (RuleAnswer::Hit, 0));
}

#[test]
fn an_explanation_says_what_is_decided() {
    let rules = clinic();
    for who in
        [person(&["clerk"]), employed(person(&["clerk"])), employed(person(&["boss"])), person(&["nurse"])]
    {
        for at in [("ehr", "report.csv"), ("ehr", "home"), ("console", "queue.delete")] {
            let explanation = explain(&rules, Some(&who), at);
            let (verdict, reasons) = match decide(&rules, &who, at) {
                Decision::Permit(..) => ("permit", vec![Reason::RuleMatched]),
                Decision::Challenge(challenge, _) => ("challenge", vec![challenge.reason()]),
                Decision::Deny(denial, _) => ("deny", denial.reasons),
            };
            assert_eq!((explanation.decision.as_str(), &explanation.reasons), (verdict, &reasons), "{at:?}");
        }
    }
    let nobody = explain(&rules, None, ("ehr", "home"));
    assert_eq!(nobody.reasons, [Reason::SignInRequired]);
    assert!(nobody.to_string().ends_with("  1. sign in\n"), "{nobody}");
    assert_eq!(explain(&rules, None, ("ehr", "static")).reasons, [Reason::PublicRoute]);
}

#[test]
fn an_explanation_is_plain_json() {
    let explanation = explain(&clinic(), Some(&employed(person(&["clerk"]))), ("ehr", "report.csv"));
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["decision"], "challenge");
    assert_eq!(json["reasons"][0], "acr-insufficient");
    assert_eq!(json["rules"][0]["answer"], "miss");
    assert_eq!(json["ladder"][0]["step_up"]["class"], "mfa");
}

fn run(text: &str) -> CaseReport {
    let resolve = |method: &http::Method, url: &str| match url {
        "https://ehr.example/" if method == http::Method::GET => {
            Ok(ResolvedRoute { application: "ehr".parse().unwrap(), route: 1, patient: None })
        }
        _ => Err("no application has this host".to_owned()),
    };
    let files = [CaseSource { path: "cases.toml".to_owned(), text: text.to_owned() }];
    cases::run(&compile(&clerk(WhenSettings::default()), ""), &files, &resolve, NOW)
}

#[test]
fn cases_that_come_out_as_expected_are_counted() {
    let report = run("[person.clerk]
groups = [\"clinic-clerk\"]

[[case]]
name = \"by name\"
person = \"clerk\"
request = { application = \"ehr\", route = \"home\" }
expect = { decision = \"permit\", rules = [\"clerk/1\"], reasons = [\"rule-matched\"] }

[[case]]
name = \"by URL\"
person = { like = \"clerk\", purpose = \"research\" }
request = { url = \"https://ehr.example/\" }
expect = { decision = \"deny\", reasons = [\"purpose-mismatch\"] }
");
    assert_eq!((report.cases, &report.failures[..]), (2, &[][..]), "{report}");
    assert_eq!(report.to_string(), "2 cases, all as expected\n");
}

#[test]
fn a_case_that_comes_out_otherwise_says_how() {
    let report = run("
[[case]]
name = \"nobody\"
request = { application = \"ehr\", route = \"home\" }
expect = { decision = \"permit\", rules = [\"clerk/1\"], step_up = \"mfa\" }
");
    let [failure] = report.failures.as_slice() else { panic!("{report}") };
    assert_eq!((failure.line, failure.case.as_deref()), (3, Some("nobody")));
    assert_eq!(failure.what[0], "decision: expected permit, came challenge");
    assert_eq!(failure.what[1], "rules: expected [clerk/1], came []");
    assert_eq!(failure.what[2], "step_up: expected mfa, came none");
    assert!(failure.what.iter().any(|line| line.contains("sign-in-required")), "{report}");
    assert!(report.to_string().ends_with("1 cases, 1 failed\n"), "{report}");
}

#[test]
fn what_a_case_file_cannot_mean_is_a_failure() {
    struct Case {
        name: &'static str,
        text: &'static str,
        line: usize,
        what: &'static str,
    }
    let head = "[[case]]\nname = \"x\"\n";
    let cases = [
        Case {
            name: "an unknown key",
            text: "expect = { decison = \"permit\" }\nrequest = {}",
            line: 3,
            what: "unknown field `decison`",
        },
        Case {
            name: "an unknown reason",
            text: "request = {}\nexpect = { decision = \"deny\", reasons = [\"because\"] }",
            line: 4,
            what: "`because`",
        },
        Case {
            name: "an unknown key of a person",
            text: "person = { grups = [] }\nrequest = {}\nexpect = { decision = \"deny\" }",
            line: 3,
            what: "unknown field `grups`",
        },
        Case {
            name: "half a request",
            text: "request = { application = \"ehr\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "a request has either",
        },
        Case {
            name: "a route that is not there",
            text: "request = { application = \"ehr\", route = \"hoem\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "`ehr` has no route `hoem`",
        },
        Case {
            name: "a URL that leads nowhere",
            text: "request = { url = \"https://elsewhere/\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "no application has this host",
        },
        Case {
            name: "a person who is not there",
            text: "person = \"ada\"\nrequest = { application = \"ehr\", route = \"home\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "there is no person `ada`",
        },
        Case {
            name: "a class that is not there",
            text: "person = { assurance = { mfb = \"now\" } }\nrequest = { application = \"ehr\", route = \"home\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "cannot prove `mfb`",
        },
        Case {
            name: "an attribute that is not there",
            text: "person = { attributes = { ward = [\"3\"] } }\nrequest = { application = \"ehr\", route = \"home\" }\nexpect = { decision = \"deny\" }",
            line: 2,
            what: "no provider tells `ward`",
        },
        Case {
            name: "a time that is none",
            text: "person = { justified = \"yesterday\" }\nrequest = {}\nexpect = { decision = \"deny\" }",
            line: 3,
            what: "`yesterday` is not like",
        },
    ];
    for case in cases {
        let report = run(&format!("{head}{}\n", case.text));
        let [failure] = report.failures.as_slice() else { panic!("{}: {report}", case.name) };
        assert_eq!(failure.line, case.line, "{}: {report}", case.name);
        assert!(failure.what[0].contains(case.what), "{}: {report}", case.name);
    }
}

#[test]
fn how_long_ago_is_a_number_and_a_unit() {
    for (text, seconds) in
        [("now", 0), ("30s ago", 30), ("5m ago", 300), ("2h ago", 7200), ("1d ago", 86_400)]
    {
        assert_eq!(text.parse::<Ago>().unwrap(), Ago(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "5m", "m ago", "-5m ago", "5 m ago", "5w ago", "1.5h ago", "99999999999d ago"] {
        assert!(text.parse::<Ago>().is_err(), "{text}");
    }
}

#[test]
fn a_person_takes_from_another_what_is_not_said() {
    let ago = |seconds| Ago(Duration::from_secs(seconds));
    let one = Person {
        groups: Some(vec!["a".to_owned()]),
        assurance: BTreeMap::from([(class("mfa"), ago(1))]),
        ..Person::default()
    };
    let other = Person {
        groups: Some(vec!["b".to_owned()]),
        assurance: BTreeMap::from([(class("mfa"), ago(9)), (class("phr"), ago(2))]),
        purpose: Some(Purpose::Quality),
        ..Person::default()
    };
    let both = one.clone().or(&other);
    assert_eq!(both.groups, one.groups);
    assert_eq!(both.assurance, BTreeMap::from([(class("mfa"), ago(1)), (class("phr"), ago(2))]));
    assert_eq!(both.purpose, Some(Purpose::Quality));
}
