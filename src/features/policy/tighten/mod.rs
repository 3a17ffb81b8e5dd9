//! The least privilege that would have sufficed: what roles may and nobody did, and numbers far above what was met.
//!
//! Asks the rules in force about each recorded request again, so that rules that have moved since are told by what they are.
//! Proposes and changes nothing: that something was not used in a month does not say that it is never needed. Nothing that
//! is proposed permits more than before.

mod numbers;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bundle::Rules;
use super::memory::Memory;
use super::replay::{Asked, Undecidable, ask};
use super::settings::{MaySettings, RoleSettings};
use crate::domain::action::Action;
use crate::domain::application::{Category, RoleName};
use crate::domain::decision::Decision;
use crate::domain::event::{Closing, Opening, Verdict};
use crate::domain::limit::LimitName;
use crate::foundation::clock::Timestamp;
use numbers::Measured;

/// Gathers what was used.
#[derive(Debug)]
pub struct Tightening<'r> {
    rules: &'r Rules,
    memory: Memory,
    used: BTreeMap<String, Use>,
    measured: BTreeMap<RoleName, Measured>,
    events: u64,
    undecidable: BTreeMap<Undecidable, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What was used of one `may`.
#[derive(Clone, Debug, Default)]
struct Use {
    times: u64,
    actions: BTreeSet<Action>,
    routes: BTreeSet<String>,
    categories: BTreeSet<Category>,
}

/// What would have sufficed.
#[derive(Clone, Debug, Serialize)]
pub struct Sufficient {
    /// When the first of the events began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// When the last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Requests that rules permitted, and that count here.
    pub events: u64,
    /// Requests that were permitted and could not be asked about again, and why: what they used may be missing.
    pub undecidable: BTreeMap<Undecidable, u64>,
    /// Role by role.
    pub roles: Vec<SufficientRole>,
}

/// What would have sufficed of one role.
#[derive(Clone, Debug, Serialize)]
pub struct SufficientRole {
    /// Which.
    pub role: RoleName,
    /// `may` by `may`.
    pub may: Vec<SufficientMay>,
    /// Number by number.
    pub limits: Vec<SufficientLimit>,
}

/// What would have sufficed of one `may`.
#[derive(Clone, Debug, Serialize)]
pub struct SufficientMay {
    /// Its id.
    pub id: String,
    /// How often it permitted something. What was never needed can go.
    pub times: u64,
    /// As it is.
    #[serde(skip)]
    now: MaySettings,
    /// As it could be.
    #[serde(skip)]
    then: MaySettings,
    /// The actions that were used.
    pub actions: Vec<Action>,
    /// The routes that were used, where it reaches more; else as it is written.
    pub routes: Vec<String>,
    /// The categories that were used; else as it is written.
    pub categories: Vec<Category>,
}

/// A number that would have sufficed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SufficientLimit {
    /// Which.
    pub limit: LimitName,
    /// As it is; `None`: no limit.
    pub now: Option<u64>,
    /// As it could be; `None`: too little was met to say.
    pub then: Option<u64>,
    /// The 99th percentile of what was met.
    pub percentile: Option<u64>,
    /// How many replies, or days of a person, that is the percentile of.
    pub samples: u64,
}

impl<'r> Tightening<'r> {
    /// Of these rules, with nothing used yet.
    pub fn of(rules: &'r Rules) -> Self {
        Self {
            rules,
            memory: Memory::default(),
            used: BTreeMap::new(),
            measured: BTreeMap::new(),
            events: 0,
            undecidable: BTreeMap::new(),
            first: None,
            last: None,
        }
    }

    /// Takes what an event used, if it was permitted.
    pub fn add(&mut self, opening: &Opening, closing: Option<&Closing>) {
        if opening.verdict != Verdict::Permit {
            return;
        }
        match ask(self.rules, &self.memory, opening) {
            Asked::Undecidable(why) => *self.undecidable.entry(why).or_default() += 1,
            Asked::Decided { decision: Decision::Permit(_, grounds), .. } => {
                self.events += 1;
                self.first = self.first.min(Some(opening.time)).or(Some(opening.time));
                self.last = self.last.max(Some(opening.time));
                let mut roles = BTreeSet::new();
                for rule in grounds.rules.iter() {
                    self.used.entry(rule.to_string()).or_default().add(opening);
                    roles.extend(rule.rsplit_once('/').and_then(|(role, _)| role.parse::<RoleName>().ok()));
                }
                for role in roles {
                    self.measured.entry(role).or_default().add(opening, closing);
                }
            }
            Asked::NotByRules
            | Asked::Decided { decision: Decision::Challenge(..) | Decision::Deny(..), .. } => {}
        }
    }

    /// What would have sufficed.
    pub fn sufficient(mut self) -> Sufficient {
        let roles = self.rules.roles.iter().map(|role| {
            let measured = self.measured.remove(&role.name).unwrap_or_default();
            let may = role.may.iter().enumerate().filter(|(_, may)| !may.shadow);
            SufficientRole {
                role: role.name.clone(),
                may: may.map(|(index, may)| self.may(&format!("{}/{}", role.name, index + 1), may)).collect(),
                limits: measured.sufficient(&role.limits),
            }
        });
        let roles = roles.collect();
        Sufficient {
            first: self.first,
            last: self.last,
            events: self.events,
            undecidable: self.undecidable,
            roles,
        }
    }

    fn may(&self, id: &str, may: &MaySettings) -> SufficientMay {
        let used = self.used.get(id).cloned().unwrap_or_default();
        let mut then = may.clone();
        then.actions.retain(|action| used.actions.contains(action));
        if used.routes.len() < self.reached(id) {
            then.routes = used.routes.into_iter().collect();
        }
        // Where nothing is listed, everything is: that is never put in place of a list.
        if !used.categories.is_empty() {
            then.categories = used.categories.into_iter().collect();
        }
        SufficientMay {
            id: id.to_owned(),
            times: used.times,
            now: may.clone(),
            actions: then.actions.clone(),
            routes: then.routes.clone(),
            categories: then.categories.clone(),
            then,
        }
    }

    /// How many routes a rule has a say on.
    fn reached(&self, id: &str) -> usize {
        let slices = self.rules.routes.iter().filter_map(|route| route.slice.as_ref());
        let is_it = |position: &usize| self.rules.engine.rule(*position).is_some_and(|rule| &*rule.id == id);
        slices.filter(|slice| slice.rules.iter().any(is_it)).count()
    }
}

impl Use {
    fn add(&mut self, opening: &Opening) {
        self.times += 1;
        self.actions.extend(opening.action);
        self.routes.extend(opening.route.as_ref().map(ToString::to_string));
        self.categories.extend(opening.categories.iter().cloned());
    }
}

impl Sufficient {
    /// Whether all that is permitted was used, and no number is far above what was met.
    pub fn is_as_it_is(&self) -> bool {
        self.roles.iter().all(SufficientRole::is_as_it_is)
    }

    /// The roles as they could be: what no role was needed for is left out.
    pub fn applied_to(&self, roles: &[RoleSettings]) -> Vec<RoleSettings> {
        let applied = roles.iter().filter_map(|role| {
            let found = self.roles.iter().find(|found| found.role == role.name)?;
            let may: Vec<_> =
                found.may.iter().filter(|may| may.times > 0).map(|may| may.then.clone()).collect();
            let mut limits = role.limits;
            for limit in &found.limits {
                if limit.then.is_some() {
                    *limits.number_mut(limit.limit) = limit.then;
                }
            }
            (!may.is_empty()).then(|| RoleSettings { may, limits, ..role.clone() })
        });
        applied.collect()
    }
}

impl SufficientRole {
    fn is_as_it_is(&self) -> bool {
        self.may.iter().all(|may| may.times > 0 && may.now == may.then)
            && self.limits.iter().all(|limit| limit.then.is_none())
    }
}
