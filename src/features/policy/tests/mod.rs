//! A small clinic to decide about.

mod asking;
mod compiling;
mod deciding;
mod differing;
mod emergencies;
mod forbidding;
mod laws;
mod raising;
mod recorded;
mod remembering;
mod telling;
mod unlocking;
mod withholding;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogApplication, CatalogRoute};
use super::decide::Question;
use super::memory::Memory;
use super::problem::PolicyProblem;
use super::settings::{CedarFile, MaySettings, RoleSettings, WhenSettings};
use crate::domain::action::Action;
use crate::domain::application::{Category, RoleName};
use crate::domain::assurance::{Assurance, AssuranceClass, AssuranceNeed};
use crate::domain::category::{Categories, Protection};
use crate::domain::decision::{Challenge, Decision, Denial, Grounds};
use crate::domain::limit::{Limits, OnExceed};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::subject::{Identity, Justification, Subject};
use crate::domain::told::{FactWords, Place};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// A Monday, 09:30 in UTC.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_772_443_800);

pub(super) fn catalog() -> Catalog {
    let route = |application: &str, route: &str, action, categories: &[&str], public| CatalogRoute {
        application: application.parse().unwrap(),
        route: route.parse().unwrap(),
        action,
        categories: categories.iter().map(|category| category.parse().unwrap()).collect(),
        protection: Protection::default(),
        public,
        concerns_patient: true,
        fields: Vec::new(),
        besides: Vec::new(),
    };
    let application = |name: &str| CatalogApplication {
        name: name.parse().unwrap(),
        providers: vec!["clinic".parse().unwrap()],
    };
    Catalog {
        applications: vec![application("ehr"), application("console")],
        routes: vec![
            route("ehr", "static", Action::View, &[], true),
            route("ehr", "home", Action::View, &[], false),
            route("ehr", "patient.open", Action::View, &["demographics"], false),
            route("ehr", "chart.open", Action::View, &["clinical"], false),
            route("ehr", "report.csv", Action::Export, &["demographics"], false),
            route("ehr", "schedule.csv", Action::Export, &["schedule"], false),
            route("console", "queue.delete", Action::Delete, &["interfaces"], false),
            route("ehr", "note.create", Action::Create, &["clinical"], false),
        ],
        classes: BTreeMap::from([("clinic".parse().unwrap(), BTreeSet::from([class("mfa"), class("phr")]))]),
        attributes: BTreeSet::from([
            "groups".to_owned(),
            "location".to_owned(),
            "employment".to_owned(),
            "department".to_owned(),
            "cost_center".to_owned(),
        ]),
        facts: words(),
        categories: Categories::default(),
    }
}

/// What the clinic's feeds tell of.
pub(super) fn words() -> FactWords {
    FactWords {
        relationships: vec!["facility".to_owned(), "treatment_team".to_owned()],
        flags: vec!["vip".to_owned()],
        places: vec![Place::Department],
        device_places: vec![Place::Department],
        device_classes: true,
        kept_attributes: vec!["cost_center".to_owned()],
        shifts: true,
        own_charts: true,
    }
}

pub(super) fn class(name: &str) -> AssuranceClass {
    name.parse().unwrap()
}

pub(super) fn need(name: &str, fresh: Option<u64>) -> AssuranceNeed {
    AssuranceNeed { class: class(name), fresh: fresh.map(Duration::from_secs) }
}

pub(super) fn may(application: &str, actions: &[Action], when: WhenSettings) -> MaySettings {
    MaySettings {
        application: application.parse().unwrap(),
        actions: actions.to_vec(),
        routes: Vec::new(),
        categories: Vec::new(),
        withhold: Vec::new(),
        shadow: false,
        when,
    }
}

pub(super) fn role(name: &str, purpose: Purpose, may: Vec<MaySettings>) -> RoleSettings {
    RoleSettings {
        name: name.parse().unwrap(),
        groups: vec![format!("clinic-{name}")],
        providers: vec!["clinic".parse().unwrap()],
        purposes: vec![purpose],
        may,
        limits: Limits {
            records_per_export: Some(500),
            on_exceed: OnExceed::Block,
            on_unknown_count: OnExceed::Block,
            ..Limits::NONE
        },
        not_self: false,
        break_glass: None,
    }
}

pub(super) fn cedar(text: &str) -> CedarFile {
    CedarFile { path: "policies/clinic.cedar".to_owned(), text: text.to_owned() }
}

pub(super) fn try_compile(roles: &[RoleSettings], text: &str) -> Result<Rules, Vec<PolicyProblem>> {
    Rules::compile(roles, &[cedar(text)], catalog(), "UTC", Digest::ZERO)
}

pub(super) fn compile(roles: &[RoleSettings], text: &str) -> Rules {
    try_compile(roles, text).unwrap()
}

/// One role `clerk`, working for operations, with one `may` on everything of the EHR.
pub(super) fn clerk(when: WhenSettings) -> Vec<RoleSettings> {
    vec![role("clerk", Purpose::Operations, vec![may("ehr", &[Action::View, Action::Export], when)])]
}

pub(super) fn person(roles: &[&str]) -> Identity {
    Identity {
        subject: Arc::new(Subject {
            issuer: "https://id.clinic.example".into(),
            sub: "f:1".into(),
            name: "Ada".into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        }),
        provider: "clinic".parse().unwrap(),
        roles: roles.iter().map(|role| role.parse::<RoleName>().unwrap()).collect(),
        purpose: Purpose::Operations,
        assurance: Assurance { auth_time: NOW, ..Assurance::default() },
        justification: None,
        version: 1,
    }
}

pub(super) trait Having: Sized {
    fn proven(self, class: &str, ago: Duration) -> Self;
    fn at(self, location: &str) -> Self;
    fn justified(self, application: &str, ago: Duration) -> Self;
    fn working_for(self, purpose: Purpose) -> Self;
}

impl Having for Identity {
    fn proven(mut self, name: &str, ago: Duration) -> Self {
        self.assurance.proven.insert(class(name), NOW.minus(ago));
        self
    }

    fn at(mut self, location: &str) -> Self {
        let mut subject = Subject::clone(&self.subject);
        subject.attributes.insert("location".to_owned(), vec![location.to_owned()]);
        self.subject = Arc::new(subject);
        self
    }

    fn justified(mut self, application: &str, ago: Duration) -> Self {
        self.justification = Some(Justification {
            code: "callback".to_owned(),
            text: String::new(),
            application: application.parse().unwrap(),
            given: NOW.minus(ago),
            number: None,
            recipient: None,
        });
        self
    }

    fn working_for(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }
}

pub(super) fn position(rules: &Rules, application: &str, route: &str) -> usize {
    rules.catalog().position(&application.parse().unwrap(), &route.parse().unwrap()).unwrap()
}

/// Decides at `now`, remembering nothing.
pub(super) fn decide_at(
    rules: &Rules,
    identity: Option<&Identity>,
    at: (&str, &str),
    now: Timestamp,
) -> Decision {
    decide_with(rules, &Memory::default(), identity, at, now)
}

pub(super) fn decide_with(
    rules: &Rules,
    memory: &Memory,
    identity: Option<&Identity>,
    (application, route): (&str, &str),
    now: Timestamp,
) -> Decision {
    let question = Question {
        identity,
        application: &application.parse().unwrap(),
        route: position(rules, application, route),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told: &crate::domain::told::NOTHING_TOLD,
        now,
    };
    rules.decide(memory, &question)
}

pub(super) fn decide(rules: &Rules, identity: &Identity, at: (&str, &str)) -> Decision {
    decide_at(rules, Some(identity), at, NOW)
}

pub(super) fn permitted(decision: Decision) -> Grounds {
    match decision {
        Decision::Permit(_, grounds) => grounds,
        other @ (Decision::Challenge(..) | Decision::Deny(..)) => panic!("not a permit: {other:?}"),
    }
}

pub(super) fn challenged(decision: Decision) -> Challenge {
    match decision {
        Decision::Challenge(challenge, _) => challenge,
        other @ (Decision::Permit(..) | Decision::Deny(..)) => panic!("not a challenge: {other:?}"),
    }
}

pub(super) fn denied(decision: Decision) -> Denial {
    match decision {
        Decision::Deny(denial, _) => denial,
        other @ (Decision::Permit(..) | Decision::Challenge(..)) => panic!("not a denial: {other:?}"),
    }
}

pub(super) fn reasons(decision: Decision) -> Vec<Reason> {
    denied(decision).reasons
}

pub(super) fn categories(names: &[&str]) -> Vec<Category> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}
