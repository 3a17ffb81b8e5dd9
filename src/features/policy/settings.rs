//! Roles, settled: the document that 45 CFR 164.514(d)(2) asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::is_like;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, ProviderName, RoleName, RouteName};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::device::DeviceClass;
use crate::domain::field::FieldName;
use crate::domain::hours::Hours;
use crate::domain::limit::Limits;
use crate::domain::purpose::Purpose;
use crate::domain::risk::{RiskName, Sign};
use crate::domain::told::Place;

/// A class of persons.
#[derive(Clone, Debug)]
pub struct RoleSettings {
    /// Its name.
    pub name: RoleName,
    /// The provider's groups that give it; any one is enough.
    pub groups: Vec<String>,
    /// The providers whose groups these are. Never empty.
    pub providers: Vec<ProviderName>,
    /// Why its people work; the first is the default. Never empty.
    pub purposes: Vec<Purpose>,
    /// What it may do. The rule's stable id is `role/position`, counting from 1.
    pub may: Vec<MaySettings>,
    /// How much.
    pub limits: Limits,
    /// Whether its people are kept from their own chart, and from those of their household.
    pub not_self: bool,
    /// How its people break the glass; none: they do not.
    pub break_glass: Option<EmergencySettings>,
}

/// How a role breaks the glass: what the rules have to know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmergencySettings {
    /// What has to be proven before; none: the session is enough.
    pub assurance: Option<AssuranceNeed>,
    /// The kinds of data that stay closed beside those that the law closes.
    pub closed: Vec<Category>,
}

/// One thing that a role may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaySettings {
    /// In which application.
    pub application: ApplicationName,
    /// Which actions; never empty.
    pub actions: Vec<Action>,
    /// On which routes: names, in which a trailing `*` matches the rest; empty: all.
    pub routes: Vec<String>,
    /// On which categories: every category of the route has to be listed; empty: all.
    pub categories: Vec<Category>,
    /// Which fields of replies are withheld, by name.
    pub withhold: Vec<FieldName>,
    /// Whether it is only tried: decided beside the rules in force, never enforced.
    pub shadow: bool,
    /// Under which conditions.
    pub when: WhenSettings,
}

impl MaySettings {
    /// Whether it is about doing this there.
    pub fn is_about(&self, application: &ApplicationName, route: &RouteName, action: Action) -> bool {
        self.application == *application
            && self.actions.contains(&action)
            && (self.routes.is_empty() || self.routes.iter().any(|pattern| is_like(route.as_str(), pattern)))
    }
}

/// The conditions of a rule; all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhenSettings {
    /// How surely, and how freshly, the person must be known.
    pub assurance: Option<AssuranceNeed>,
    /// Whether a reason has to be given. It counts for [`JUSTIFICATION_LASTS`].
    pub justification: bool,
    /// Between which times of the day, in the gateway's time zone.
    pub hours: Option<Hours>,
    /// The `location` attribute has to be one of these; empty: any.
    pub location: Vec<String>,
    /// The device has to be of one of these classes; empty: of any, or of none.
    pub device: Vec<DeviceClass>,
    /// The device has to stand in one of these, by a feed of devices; absent: anywhere.
    pub device_places: BTreeMap<Place, Vec<String>>,
    /// The purpose of the session has to be one of these; empty: any of the role.
    pub purpose: Vec<Purpose>,
    /// The relationship to the patient has to be one of these, by the words of the feeds; empty: any, or none.
    pub relationship: Vec<String>,
    /// Whether the person has to be at work, by a feed of shifts.
    pub on_shift: bool,
    /// The `department` attribute has to be one of these; empty: any.
    pub department: Vec<String>,
    /// The `facility` attribute has to be one of these; empty: any.
    pub facility: Vec<String>,
    /// The patient may be marked with none of these, by the words of the feeds; empty: they may be marked with anything.
    pub not_flagged: Vec<String>,
}

/// Rules that are tried in place of those in force.
#[derive(Clone, Debug, Default)]
pub struct ShadowSettings {
    /// In place of all roles; `None`: the roles in force.
    pub roles: Option<Vec<RoleSettings>>,
    /// In place of all Cedar files; `None`: those in force.
    pub policies: Option<Vec<CedarFile>>,
}

/// How long a justification counts.
pub const JUSTIFICATION_LASTS: Duration = Duration::from_secs(15 * 60);

/// A risk, as far as it concerns what is asked: where it counts, and what clears it.
#[derive(Clone, Debug)]
pub struct RaiseSettings {
    /// Its name.
    pub name: RiskName,
    /// What it is told by.
    pub sign: Sign,
    /// In which applications; empty: in all.
    pub applications: Vec<ApplicationName>,
    /// On which actions; empty: on all.
    pub actions: Vec<Action>,
    /// On which routes: names, in which a trailing `*` matches the rest; empty: on all.
    pub routes: Vec<String>,
    /// What has to be proven while it stands; none: it is only noted.
    pub need: Option<AssuranceNeed>,
}

impl RaiseSettings {
    /// How it is named among the rules that decided.
    pub fn id(&self) -> String {
        format!("risk/{}", self.name)
    }

    /// What it is, in one line.
    pub fn told(&self) -> String {
        let listed =
            |all: Vec<String>, none: &str| if all.is_empty() { none.to_owned() } else { all.join(", ") };
        let applications =
            listed(self.applications.iter().map(ToString::to_string).collect(), "all applications");
        let actions = listed(self.actions.iter().map(ToString::to_string).collect(), "all actions");
        let routes = listed(self.routes.clone(), "all routes");
        let then = match &self.need {
            None => "it is noted".to_owned(),
            Some(AssuranceNeed { class, fresh: None }) => format!("step up to {class}"),
            Some(AssuranceNeed { class, fresh: Some(fresh) }) => {
                format!("step up to {class}, at most {} s ago", fresh.as_secs())
            }
        };
        format!("{}: {} ({applications}; {actions}; {routes}): {then}", self.id(), self.sign)
    }
}

/// A file of Cedar policies beyond the roles.
#[derive(Clone, Debug)]
pub struct CedarFile {
    /// Its path as written, for messages.
    pub path: String,
    /// Its text.
    pub text: String,
}
