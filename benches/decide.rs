//! A decision, cold and remembered, with 10 rules of 10 roles, 1,000 of 50, and 10,000 of 50 and of 1,000.
//!
//! The rules are spread over roles and applications as in a hospital; a person holds two roles.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "a bench that cannot be set up has failed; a rule and a role are two words of the house"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use leastway::domain::action::Action;
use leastway::domain::assurance::{Assurance, AssuranceNeed};
use leastway::domain::category::{Categories, Protection};
use leastway::domain::limit::Limits;
use leastway::domain::purpose::Purpose;
use leastway::domain::subject::{Identity, Subject};
use leastway::domain::told::FactWords;
use leastway::features::policy::catalog::{Catalog, CatalogApplication, CatalogRoute};
use leastway::features::policy::decide::Question;
use leastway::features::policy::settings::{MaySettings, RoleSettings, WhenSettings};
use leastway::features::policy::{Memory, Rules};
use leastway::foundation::clock::Timestamp;
use leastway::foundation::digest::Digest;

const NOW: Timestamp = Timestamp::from_seconds(1_772_443_800);
const APPLICATIONS: usize = 10;
/// How many rules, and of how many roles.
const HOUSES: [(usize, usize); 4] = [(10, 10), (1_000, 50), (10_000, 50), (10_000, 1_000)];
const ACTIONS: [Action; 5] = [Action::View, Action::Search, Action::List, Action::Update, Action::Export];

fn catalog() -> Catalog {
    let name = |number| format!("application-{number}").parse().expect("a name");
    Catalog {
        applications: (0..APPLICATIONS)
            .map(|number| CatalogApplication {
                name: name(number),
                providers: vec!["clinic".parse().expect("a name")],
            })
            .collect(),
        routes: (0..APPLICATIONS)
            .flat_map(|application| (0..20).map(move |route| (application, route)))
            .map(|(application, route)| CatalogRoute {
                application: name(application),
                route: format!("route-{route}.open").parse().expect("a name"),
                action: ACTIONS[route % ACTIONS.len()],
                categories: vec!["clinical".parse().expect("a name")],
                protection: Protection::default(),
                public: false,
                concerns_patient: true,
                fields: Vec::new(),
                besides: Vec::new(),
            })
            .collect(),
        classes: BTreeMap::from([(
            "clinic".parse().expect("a name"),
            BTreeSet::from(["mfa".parse().expect("a name")]),
        )]),
        attributes: BTreeSet::from(["location".to_owned()]),
        facts: FactWords::default(),
        categories: Categories::default(),
    }
}

/// As many roles, and so many rules in all.
fn roles(rules: usize, roles: usize) -> Vec<RoleSettings> {
    (0..roles)
        .map(|role| RoleSettings {
            name: format!("role-{role}").parse().expect("a name"),
            groups: vec![format!("group-{role}")],
            providers: vec!["clinic".parse().expect("a name")],
            purposes: vec![Purpose::Treatment],
            may: (0..rules / roles).map(|number| may(role + number)).collect(),
            limits: Limits::NONE,
            not_self: false,
            break_glass: None,
        })
        .collect()
}

fn may(number: usize) -> MaySettings {
    let route = number / APPLICATIONS % 20;
    MaySettings {
        application: format!("application-{}", number % APPLICATIONS).parse().expect("a name"),
        actions: vec![ACTIONS[route % ACTIONS.len()]],
        routes: vec![format!("route-{route}.*")],
        categories: vec!["clinical".parse().expect("a name")],
        withhold: Vec::new(),
        shadow: false,
        when: WhenSettings {
            assurance: Some(AssuranceNeed {
                class: "mfa".parse().expect("a name"),
                fresh: Some(Duration::from_secs(900)),
            }),
            hours: "06:00-20:00".parse().ok(),
            location: vec!["ward-3".to_owned()],
            ..WhenSettings::default()
        },
    }
}

fn person() -> Identity {
    Identity {
        subject: Arc::new(Subject {
            issuer: "https://id.clinic.example".into(),
            sub: "f:1:0b6e0a5e".into(),
            name: "Ada".into(),
            groups: (0..40).map(|group| format!("group-{group}")).collect(),
            attributes: BTreeMap::from([("location".to_owned(), vec!["ward-3".to_owned()])]),
        }),
        provider: "clinic".parse().expect("a name"),
        roles: vec!["role-0".parse().expect("a name"), "role-1".parse().expect("a name")],
        purpose: Purpose::Treatment,
        assurance: Assurance {
            auth_time: NOW,
            proven: BTreeMap::from([("mfa".parse().expect("a name"), NOW)]),
            ..Assurance::default()
        },
        justification: None,
        version: 1,
    }
}

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let identity = person();
    let application = "application-0".parse().expect("a name");
    let question = Question {
        identity: Some(&identity),
        application: &application,
        route: 0,
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)),
        device: None,
        risks: leastway::domain::risk::Standing::NONE,
        told: &leastway::domain::told::NOTHING_TOLD,
        now: NOW,
    };
    for (count, held_by) in HOUSES {
        let name = format!("{count} of {held_by} roles");
        let rules =
            Rules::compile(&roles(count, held_by), &[], catalog(), "UTC", Digest::ZERO).expect("rules");
        let memory = Memory::default();
        group.bench_function(BenchmarkId::new("cold", &name), |bencher| {
            bencher.iter(|| {
                memory.forget(&identity.subject.id());
                black_box(rules.decide(&memory, black_box(&question)))
            });
        });
        group.bench_function(BenchmarkId::new("remembered", &name), |bencher| {
            bencher.iter(|| black_box(rules.decide(&memory, black_box(&question))));
        });
    }
    group.finish();

    let mut load = criterion.benchmark_group("load");
    load.sample_size(10);
    for (count, held_by) in HOUSES {
        let roles = roles(count, held_by);
        load.bench_function(BenchmarkId::new("rules", format!("{count} of {held_by} roles")), |bencher| {
            bencher.iter(|| Rules::compile(black_box(&roles), &[], catalog(), "UTC", Digest::ZERO).is_ok());
        });
    }
    load.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
