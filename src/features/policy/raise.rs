//! What a risk asks for where it stands: the one thing that is decided after the rules.
//!
//! Only a yes is looked at, and only a step-up can come of it: a risk never allows anything, and never says no. It is not
//! remembered with the rules' answer, so that an answer that was given before a risk stood is no way around it.

use std::sync::Arc;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogRoute};
use super::decide::Question;
use super::memory::{Answer, Outcome};
use super::settings::RaiseSettings;
use crate::domain::decision::{Challenge, Obligations};
use crate::domain::risk::{RiskName, Standing};
use crate::domain::told::Marks;

/// The risks that are declared, and where each counts.
#[derive(Debug, Default)]
pub(super) struct Raises {
    risks: Vec<RaiseSettings>,
    /// By route.
    on: Vec<Standing>,
}

impl Raises {
    pub(super) fn new(risks: Vec<RaiseSettings>, catalog: &Catalog) -> Self {
        let on = |route: &CatalogRoute| {
            let counts = risks.iter().enumerate().filter(|(_, risk)| !route.public && risk.counts_on(route));
            counts.fold(Standing::NONE, |all, (position, _)| all.with(position))
        };
        let on = catalog.routes.iter().map(on).collect();
        Self { risks, on }
    }

    fn on(&self, route: usize) -> Standing {
        self.on.get(route).copied().unwrap_or(Standing::NONE)
    }
}

impl RaiseSettings {
    fn counts_on(&self, route: &CatalogRoute) -> bool {
        (self.applications.is_empty() || self.applications.contains(&route.application))
            && (self.actions.is_empty() || self.actions.contains(&route.action))
            && (self.routes.is_empty() || self.routes.iter().any(|it| fits(it, route.route.as_str())))
    }
}

/// A name, or the beginning of names and a `*`.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |begin| name.starts_with(begin))
}

impl Rules {
    /// The same, with risks in the order of their positions.
    #[must_use]
    pub fn with_risks(mut self, risks: Vec<RaiseSettings>) -> Self {
        self.raises = Raises::new(risks, &self.catalog);
        self
    }

    /// The risks that are declared, in the order of their positions.
    pub fn risks(&self) -> &[RaiseSettings] {
        &self.raises.risks
    }

    /// Risks by name, supposed to stand.
    pub fn supposing(&self, names: &[RiskName]) -> Result<Standing, String> {
        names.iter().try_fold(Standing::NONE, |all, name| {
            let position = self.raises.risks.iter().position(|risk| risk.name == *name);
            position.map(|position| all.with(position)).ok_or_else(|| format!("no risk is called `{name}`"))
        })
    }

    /// Of the risks that stand, those that count on a route.
    pub fn risks_on(&self, route: usize, standing: Standing) -> impl Iterator<Item = &RaiseSettings> {
        let on = self.raises.on(route).and(standing);
        on.positions().filter_map(|position| self.raises.risks.get(position))
    }

    /// The answer with what the law asks for under the purpose, and then with what the risks ask for: the first of those that
    /// ask for anything.
    pub(super) fn raised(&self, outcome: Outcome, question: &Question<'_>) -> Outcome {
        let outcome = self.lawful(outcome, question);
        if question.risks.is_none() || !matches!(outcome.answer, Answer::Permit) {
            return outcome;
        }
        let mut asking = self.risks_on(question.route, question.risks);
        let Some((risk, need)) = asking.find_map(|risk| Some((risk, risk.need.as_ref()?))) else {
            return outcome;
        };
        let by: Arc<str> = risk.id().into();
        Outcome {
            answer: Answer::Challenge(Challenge::StepUp(need.clone(), risk.sign.reason())),
            rules: outcome.rules.iter().cloned().chain([by]).collect(),
            obligations: Obligations::none(),
            rested: Marks::NONE,
        }
    }
}
