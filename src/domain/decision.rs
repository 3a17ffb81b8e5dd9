//! What the policy answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::RoleName;
use super::assurance::AssuranceNeed;
use super::device::DeviceClass;
use super::field::FieldName;
use super::limit::Limits;
use super::proof::Permit;
use super::purpose::{Needs, Purpose};
use super::reason::Reason;
use super::told::Marks;

/// What the policy answers. Whatever is neither a permit nor a challenge is a deny.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// Go on, with the proof that this was decided.
    Permit(Permit, Grounds),
    /// Not yet: one step turns the answer.
    Challenge(Challenge, Grounds),
    /// No, and why, and what would unlock it.
    Deny(Denial, Grounds),
}

/// What a decision rests on, as the event records it.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// The rules that decided, by their stable ids (`registrar/2`), in order.
    pub rules: Arc<[Arc<str>]>,
    /// What the gateway must do when it permits.
    pub obligations: Obligations,
    /// The relationships to the patient that a permit rests on.
    pub rested: Marks,
    /// Whether the answer was remembered.
    pub cached: bool,
}

impl Grounds {
    /// What two decisions rest on that have to be permits both: the rules of each, the stricter numbers.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let more = other.rules.iter().filter(|rule| !self.rules.contains(rule));
        Self {
            rules: self.rules.iter().chain(more).cloned().collect(),
            obligations: self.obligations.and(&other.obligations),
            rested: self.rested.or(other.rested),
            cached: self.cached && other.cached,
        }
    }
}

/// What the gateway must do when it permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligations {
    /// Count, and hold to these numbers.
    pub limits: Limits,
    /// Take these fields out of the reply, by name, in order.
    pub withheld: Arc<[FieldName]>,
}

impl Obligations {
    /// None at all.
    pub fn none() -> Self {
        Self { limits: Limits::NONE, withheld: Arc::default() }
    }

    /// Both: the stricter numbers, the fields of each.
    fn and(&self, other: &Self) -> Self {
        let mut withheld = [&*self.withheld, &*other.withheld].concat();
        withheld.sort_unstable();
        withheld.dedup();
        Self { limits: self.limits.strictest(other.limits), withheld: withheld.into() }
    }
}

/// Not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Nobody is signed in.
    SignIn,
    /// Sign in again, stronger or fresher.
    StepUp(AssuranceNeed, Reason),
    /// Give a reason first.
    Justify,
    /// Say first for which of these purposes you work.
    Purpose(Vec<Purpose>),
    /// Say that it is an emergency: nothing else opens this patient's chart to you.
    BreakGlass,
}

impl Challenge {
    /// Why the answer is not yes.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::SignIn => Reason::SignInRequired,
            Self::StepUp(_, reason) => *reason,
            Self::Justify => Reason::JustificationRequired,
            Self::Purpose(_) => Reason::PurposeRequired,
            Self::BreakGlass => Reason::BreakGlassRequired,
        }
    }
}

/// No.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, the most telling first; never empty.
    pub reasons: Vec<Reason>,
    /// What would unlock it, the cheapest first; may be empty.
    pub ways_on: Vec<WayOn>,
}

/// Something that would turn a denial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayOn {
    /// Sign in.
    SignIn,
    /// Sign in stronger or fresher.
    StepUp(AssuranceNeed),
    /// Give a reason.
    Justify,
    /// Give a reason, with what the law asks for under the purpose.
    JustifyWith(Needs),
    /// Several of the above, all of them.
    All(Vec<Self>),
    /// Come back within the hours of the rule, `HH:MM-HH:MM`.
    Hours(String),
    /// Use a device of one of these classes.
    Device(Vec<DeviceClass>),
    /// Work at one of these locations.
    Location(Vec<String>),
    /// Ask for one of these roles.
    Role(Vec<RoleName>),
    /// Work for one of these purposes.
    Purpose(Vec<Purpose>),
    /// Say that it is an emergency.
    BreakGlass,
}

impl WayOn {
    /// Whether it takes more than they can do where they are: somebody else, another time, place or device.
    pub const fn is_beyond_them(&self) -> bool {
        match self {
            Self::Hours(_) | Self::Device(_) | Self::Location(_) | Self::Role(_) => true,
            Self::SignIn
            | Self::StepUp(_)
            | Self::Justify
            | Self::JustifyWith(_)
            | Self::All(_)
            | Self::Purpose(_)
            | Self::BreakGlass => false,
        }
    }
}
