//! What was recorded, asked again: replay, the shadow, and what would have sufficed.

use super::*;
use crate::domain::count::Count;
use crate::domain::event::{
    Closing, EventJustification, EventKind, EventStanding, EventSubject, Opening, Outcome, Verdict,
};
use crate::domain::kept::Kept;
use crate::domain::limit::LimitName;
use crate::domain::patient::PatientRef;
use crate::features::policy::diff::{Direction, diff};
use crate::features::policy::replay::{Replay, Report, Undecidable};
use crate::features::policy::settings::JUSTIFICATION_LASTS;
use crate::features::policy::tighten::Tightening;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

/// The event of a request that `rules` answered for `identity`, as the gateway writes it.
fn event(rules: &Rules, identity: &Identity, route: &str, now: Timestamp) -> Opening {
    let decision = decide_at(rules, Some(identity), ("ehr", route), now);
    let (verdict, reason, grounds) = match decision {
        Decision::Permit(_, grounds) => (Verdict::Permit, Reason::RuleMatched, grounds),
        Decision::Challenge(challenge, grounds) => (Verdict::Challenge, challenge.reason(), grounds),
        Decision::Deny(denial, grounds) => (Verdict::Deny, denial.reasons[0], grounds),
    };
    let known = &rules.catalog().routes[position(rules, "ehr", route)];
    let given = identity.justification.as_ref().filter(|given| now.since(given.given) <= JUSTIFICATION_LASTS);
    Opening {
        client_ip: Some(FROM),
        application: Some("ehr".parse().unwrap()),
        route: Some(route.parse().unwrap()),
        action: Some(known.action),
        categories: known.categories.clone().into(),
        subject: Some(Arc::new(Kept::new(subject(identity)))),
        verdict,
        reasons: vec![reason],
        rules: grounds.rules,
        justification: given.map(|given| EventJustification {
            code: given.code.clone(),
            text: given.text.clone(),
            number: given.number.clone(),
            recipient: given.recipient.clone(),
        }),
        ..Opening::begin(RequestId::new(now, &SeededEntropy::new(7)), EventKind::Request, now)
    }
}

fn subject(identity: &Identity) -> EventSubject {
    EventSubject {
        issuer: identity.subject.issuer.clone(),
        sub: identity.subject.sub.clone(),
        name: identity.subject.name.clone(),
        roles: identity.roles.clone(),
        purpose: identity.purpose,
        session: SessionId::new(NOW, &SeededEntropy::new(8)),
        acr: None,
        amr: Vec::new(),
        auth_time: NOW,
        client: None,
        standing: Some(EventStanding::of(identity)),
    }
}

fn closing(opening: &Opening, records: Count) -> Closing {
    Closing { status: Some(200), records, ..Closing::of(opening.event, opening.time, Outcome::Completed) }
}

/// Somebody of the group of each of these roles, who holds it.
fn member(names: &[&str]) -> Identity {
    let mut identity = person(names);
    let groups = names.iter().map(|name| format!("clinic-{name}")).collect();
    identity.subject = Arc::new(Subject { groups, ..Subject::clone(&identity.subject) });
    identity
}

fn replayed(rules: &Rules, events: &[(Opening, Option<Closing>)]) -> Report {
    let mut replay = Replay::new(rules);
    for (opening, closing) in events {
        replay.add(opening, closing.as_ref());
    }
    replay.report()
}

fn when(edit: impl FnOnce(&mut WhenSettings)) -> WhenSettings {
    let mut when = WhenSettings::default();
    edit(&mut when);
    when
}

#[test]
fn under_the_same_rules_everything_is_as_it_was() {
    let whens = [
        WhenSettings::default(),
        when(|it| it.justification = true),
        when(|it| it.assurance = Some(need("mfa", Some(900)))),
        when(|it| it.location = vec!["ward-3".to_owned()]),
        when(|it| it.hours = Some("09:00-09:31".parse().unwrap())),
        when(|it| it.purpose = vec![Purpose::Operations]),
    ];
    let (mut decided, mut permitted) = (0, 0);
    for given in whens {
        let rules = compile(
            &clerk(given),
            "@id(\"no\") forbid (principal, action == Action::\"export\", resource) when { context.networks.contains(\"public\") };",
        );
        for seconds in [0, 60, 120, 1000] {
            let now = NOW.plus(Duration::from_secs(seconds));
            let people = [
                member(&["clerk"]).at("ward-3"),
                member(&["clerk"]).at("ward-4").proven("mfa", Duration::from_secs(30)),
                member(&["clerk"]).at("ward-3").justified("ehr", Duration::from_secs(10)),
                member(&["clerk"]).at("ward-3").working_for(Purpose::Payment),
                member(&[]).at("ward-3"),
            ];
            for (identity, route) in people.iter().zip(["home", "report.csv", "chart.open", "home", "home"]) {
                let opening = event(&rules, identity, route, now);
                permitted += u32::from(opening.verdict == Verdict::Permit);
                let report = replayed(&rules, &[(opening, None)]);
                assert!(report.changes_nothing(), "{report}");
                decided += report.decided;
            }
        }
    }
    assert_eq!(decided, 6 * 4 * 5, "nothing was undecidable");
    assert!(permitted > 20 && u64::from(permitted) < decided - 20, "both answers came: {permitted}");
}

#[test]
fn what_is_not_recorded_is_undecidable_unless_the_answer_is_certain() {
    let old = compile(&clerk(WhenSettings::default()), "");
    let told = |opening: Opening, rules: &Rules| {
        let report = replayed(rules, &[(opening, None)]);
        (report.undecidable.into_keys().next(), report.changed)
    };
    let plain = || event(&old, &member(&["clerk"]), "home", NOW);
    let somewhere = compile(&clerk(when(|it| it.location = vec!["ward-3".to_owned()])), "");
    assert_eq!(told(plain(), &somewhere), (Some(Undecidable::Attribute), 0));
    let there = event(&old, &member(&["clerk"]).at("ward-3"), "home", NOW);
    assert_eq!(told(there, &somewhere), (None, 0));
    let elsewhere = event(&old, &member(&["clerk"]).at("ward-4"), "home", NOW);
    assert_eq!(told(elsewhere, &somewhere), (None, 1));

    let without_standing = |identity: &Identity| {
        let subject = EventSubject { standing: None, ..subject(identity) };
        Opening { subject: Some(Arc::new(Kept::new(subject))), ..event(&old, identity, "home", NOW) }
    };
    let proven = compile(&clerk(when(|it| it.assurance = Some(need("mfa", None)))), "");
    assert_eq!(told(without_standing(&member(&["clerk"])), &proven), (Some(Undecidable::Assurance), 0));
    assert_eq!(told(plain(), &proven), (None, 1), "that nothing was proven is recorded");
    let report = replayed(&old, &[(without_standing(&member(&["clerk"])), None)]);
    assert_eq!((report.decided, report.by_roles_of_then), (1, 1));

    let gone = Opening { route: Some("gone".parse().unwrap()), ..plain() };
    assert_eq!(told(gone, &old), (Some(Undecidable::RouteUnknown), 0));
    let observed = Opening { route: None, reasons: vec![Reason::UnmatchedObserved], ..plain() };
    assert_eq!(told(observed, &old), (Some(Undecidable::NoRoute), 0));
    assert_eq!(told(Opening { batch_entry: Some(2), ..plain() }, &old), (Some(Undecidable::Batch), 0));
    let none = compile(
        &[role("other", Purpose::Operations, vec![may("ehr", &[Action::View], WhenSettings::default())])],
        "",
    );
    assert_eq!(
        told(Opening { batch_entry: Some(2), ..plain() }, &none),
        (None, 1),
        "a no to one is a no to all"
    );
    let busy = Opening { verdict: Verdict::Deny, reasons: vec![Reason::TooManyRequests], ..plain() };
    assert_eq!(replayed(&old, &[(busy, None)]).not_by_rules, 1);
}

#[test]
fn other_groups_give_other_roles() {
    let old = compile(&clerk(WhenSettings::default()), "");
    let mut roles = clerk(WhenSettings::default());
    roles[0].groups = vec!["somebody-else".to_owned()];
    let report = replayed(&compile(&roles, ""), &[(event(&old, &member(&["clerk"]), "home", NOW), None)]);
    assert_eq!(report.changed, 1);
    let change = &report.changes[0];
    assert_eq!((change.kind.from, change.kind.to), (Verdict::Permit, Verdict::Deny));
    assert_eq!(
        (change.kind.roles.len(), change.kind.rules_then.as_slice()),
        (0, &["clerk/1".to_owned()][..])
    );
}

#[test]
fn recorded_numbers_are_held_against_other_limits() {
    let with = |edit: &dyn Fn(&mut Limits)| {
        let mut roles = clerk(WhenSettings::default());
        edit(&mut roles[0].limits);
        compile(&roles, "")
    };
    let old = with(&|_| {});
    let export = |minutes: u64, records| {
        let now = NOW.plus(Duration::from_secs(60 * minutes));
        let opening = event(&old, &member(&["clerk"]), "report.csv", now);
        let closing = closing(&opening, records);
        (opening, Some(closing))
    };
    let told = |rules: &Rules, events: &[(Opening, Option<Closing>)]| {
        let report = replayed(rules, events);
        let limit = |it: &crate::features::policy::replay::LimitChange| {
            (it.kind.limit, it.kind.beyond, it.seen.times, it.largest)
        };
        (report.limits.iter().map(limit).collect::<Vec<_>>(), report.uncounted)
    };
    let some =
        [export(0, Count::Exactly(120)), export(1, Count::Exactly(99)), export(2, Count::Exactly(400))];
    let fewer = with(&|limits| limits.records_per_export = Some(100));
    assert_eq!(told(&fewer, &some), (vec![(Some(LimitName::RecordsPerExport), true, 2, 400)], 0));
    assert_eq!(told(&old, &some), (vec![], 0));
    assert_eq!(
        told(&fewer, &[export(0, Count::AtLeast(50))]),
        (vec![], 1),
        "it is not known whether it was beyond"
    );
    let daily = with(&|limits| limits.exports_per_day = Some(2));
    let day = 24 * 60;
    let six = [0, 1, 2, 3, day, day + 1].map(|minutes| export(minutes, Count::Exactly(1)));
    assert_eq!(
        told(&daily, &six),
        (vec![(Some(LimitName::ExportsPerDay), true, 2, 3)], 0),
        "what is blocked takes no place, and a day later there is room again"
    );
    let advising = with(&|limits| (limits.exports_per_day, limits.on_exceed) = (Some(2), OnExceed::Advise));
    let (limits, _) = told(&advising, &six[..4]);
    assert_eq!(
        limits,
        [(Some(LimitName::ExportsPerDay), true, 2, 4)],
        "what is only advised takes its place"
    );
}

#[test]
fn patients_are_counted_once_in_a_shift() {
    let old = compile(&clerk(WhenSettings::default()), "");
    let mut roles = clerk(WhenSettings::default());
    roles[0].limits.patients_opened_per_shift = Some(2);
    let candidate = compile(&roles, "");
    let open = |hours: u64, patient: &str| {
        let now = NOW.plus(Duration::from_secs(3600 * hours));
        let patient = PatientRef::new("ehr".parse().unwrap(), patient.to_owned());
        let digest = patient.digest(&DigestKey::from_bytes(&[7; 32]));
        (Opening { patient: Some(digest), ..event(&old, &member(&["clerk"]), "chart.open", now) }, None)
    };
    let free = [open(0, "a"), open(1, "b"), open(2, "a"), open(3, "b"), open(16, "c")];
    assert_eq!(replayed(&candidate, &free).limits, []);
    let over = replayed(&candidate, &[open(0, "a"), open(1, "b"), open(2, "c")]);
    assert_eq!((over.limits.len(), over.limits[0].largest), (1, 3));
}

#[test]
fn what_is_only_tried_keeps_its_number_and_is_not_enforced() {
    let mut roles = clerk(WhenSettings::default());
    roles[0].may.insert(0, may("console", &[Action::Delete], WhenSettings::default()));
    roles[0].may[0].shadow = true;
    let forbid = "@id(\"tried\") @shadow forbid (principal, action == Action::\"export\", resource);";
    let enforced = compile(&roles, forbid);
    assert!(enforced.leaves_out());
    assert_eq!(enforced.shown().map(|rule| rule.id).collect::<Vec<_>>(), ["clerk/2"]);
    let tried = Rules::compile_tried(&roles, &[cedar(forbid)], catalog(), "UTC", Digest::ZERO).unwrap();
    let rules = enforced.with_shadow(tried);
    let (memory, clerk) = (Memory::default(), member(&["clerk"]));
    let asked = |application: &str, route: &str| {
        let application = application.parse().unwrap();
        let question = Question {
            identity: Some(&clerk),
            application: &application,
            route: position(&rules, application.as_str(), route),
            patient: None,
            client_ip: FROM,
            device: None,
            risks: crate::domain::risk::Standing::NONE,
            told: &crate::domain::told::Told::default(),
            now: NOW,
        };
        let decision = rules.decide(&memory, &question);
        let beside = rules.beside(&memory, &question, &decision, false).unwrap();
        let rules: Vec<_> = beside.rules.iter().map(ToString::to_string).collect();
        (matches!(decision, Decision::Permit(..)), beside.decision, rules.join(" "), beside.differs)
    };
    for _ in 0..2 {
        assert_eq!(asked("ehr", "report.csv"), (true, Verdict::Deny, "tried".to_owned(), true));
        assert_eq!(asked("console", "queue.delete"), (false, Verdict::Permit, "clerk/1".to_owned(), true));
        assert_eq!(asked("ehr", "home"), (true, Verdict::Permit, "clerk/2".to_owned(), false));
    }
    assert!(compile(&super::clerk(WhenSettings::default()), "").shadow().is_none());
    let wrong = try_compile(
        &super::clerk(WhenSettings::default()),
        "@shadow(\"maybe\") permit (principal, action, resource);",
    );
    assert!(wrong.unwrap_err()[0].what.contains("says neither yes nor no"));
}

#[test]
fn what_would_have_sufficed_is_never_wider() {
    let mut roles = clerk(WhenSettings::default());
    roles[0].may.push(may("console", &[Action::Delete], WhenSettings::default()));
    roles[0].limits.records_per_export = Some(500);
    roles.push(role("idle", Purpose::Operations, vec![may("ehr", &[Action::View], WhenSettings::default())]));
    let rules = compile(&roles, "");
    let mut used = Tightening::of(&rules);
    for number in 0..150 {
        let now = NOW.plus(Duration::from_secs(number));
        let opening = event(&rules, &member(&["clerk"]), "report.csv", now);
        let closing = closing(&opening, Count::Exactly(number.min(140)));
        used.add(&opening, Some(&closing));
    }
    let sufficient = used.sufficient();
    insta::assert_snapshot!(sufficient, @r#"
    --- roles as they are
    +++ roles that would have sufficed for 150 requests, 2026-03-02T09:30:00.000Z to 2026-03-02T09:32:29.000Z
    @@ [role.clerk] @@
     # clerk/1: 150 times
     [[role.clerk.may]]
     application = "ehr"
    -actions = ["view", "export"]
    +actions = ["export"]
    +routes = ["report.csv"]
    +categories = ["demographics"]
     # clerk/2: not once
    -[[role.clerk.may]]
    -application = "console"
    -actions = ["delete"]
     # records_per_export: 99 of 100 were at most 140, of 150
    -records_per_export = 500
    +records_per_export = 210
    @@ [role.idle] @@
     # idle/1: not once
    -[[role.idle.may]]
    -application = "ehr"
    -actions = ["view"]
    "#);
    let applied = sufficient.applied_to(&roles);
    let difference = diff(&rules, &compile(&applied, ""), (&[], &[]));
    assert_eq!(
        difference.count(Direction::Wider) + difference.count(Direction::Otherwise),
        0,
        "{difference}"
    );
    assert!(difference.reach.iter().all(|reach| reach.gained.is_empty()), "{difference}");
    assert_eq!(difference.reach.len(), 2);
}
