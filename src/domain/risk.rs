//! What makes the gateway ask more of a person than the rules alone: signs, and which of the declared risks stand.
//!
//! A risk only ever raises what is asked. Nothing here can turn a no into a yes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;
use super::reason::Reason;

name! {
    /// A risk that is declared, as the configuration calls it.
    RiskName
}

closed_list! {
    /// What a risk is told by.
    Sign {
        /// The person was not proven at this browser before.
        NewDevice = "new_device",
        /// The person was not proven in this network before.
        NewNetwork = "new_network",
        /// The person does not use to work at this hour.
        UnusualHour = "unusual_hour",
        /// The person was denied more often than usual in a short while.
        Denials = "denials",
        /// Somebody else, such as the provider, says that the person is at risk.
        Told = "told",
        /// Something was found in what is done under the person's name (a rule of detection with `then = "step_up"`).
        Detection = "detection",
    }
}

closed_list! {
    /// What becomes of a request while a risk stands.
    Then {
        /// The person proves once more who they are.
        StepUp = "step_up",
        /// The event says so, and nothing is asked.
        Note = "note",
    }
}

closed_list! {
    /// How much somebody is at risk, by the word of somebody else (CAEP `risk-level-change`).
    Level {
        /// Not more than anybody.
        Low = "low",
        /// More than usual.
        Medium = "medium",
        /// Much more than usual.
        High = "high",
    }
}

closed_list! {
    /// What came of a risk, in events.
    RiskStep {
        /// It stood where the request led, and a proof was asked for unless the rules said no before.
        Raised = "raised",
        /// It stood, and is only noted.
        Noted = "noted",
        /// The person has proven who they are: it stands no more.
        Cleared = "cleared",
    }
}

impl Sign {
    /// The reason under which it is told.
    pub const fn reason(self) -> Reason {
        match self {
            Self::NewDevice => Reason::DeviceNew,
            Self::NewNetwork => Reason::NetworkNew,
            Self::UnusualHour => Reason::HourUnusual,
            Self::Denials => Reason::AfterDenials,
            Self::Told => Reason::RiskTold,
            Self::Detection => Reason::AfterDetection,
        }
    }

    /// Whether only a later proof clears it: something has happened, of which what was proven before says nothing.
    pub const fn wants_later_proof(self) -> bool {
        match self {
            Self::Denials | Self::Told | Self::Detection => true,
            Self::NewDevice | Self::NewNetwork | Self::UnusualHour => false,
        }
    }

    /// The sign that a reason tells of.
    pub fn of(reason: Reason) -> Option<Self> {
        Self::ALL.iter().copied().find(|sign| sign.reason() == reason)
    }
}

/// A risk, as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRisk {
    /// Which.
    pub rule: RiskName,
    /// What it is told by.
    pub sign: Sign,
    /// What came of it.
    pub step: RiskStep,
}

/// Which of the declared risks stand, by their positions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Standing(u64);

impl Standing {
    /// As many risks as can be declared.
    pub const RISKS_MAX: usize = 64;

    /// None stands.
    pub const NONE: Self = Self(0);

    /// This, and the risk at a position. One beyond [`RISKS_MAX`](Self::RISKS_MAX) cannot be declared.
    #[must_use]
    pub const fn with(self, position: usize) -> Self {
        if position < Self::RISKS_MAX { Self(self.0 | 1 << position) } else { self }
    }

    /// Whether the risk at a position stands.
    pub const fn has(self, position: usize) -> bool {
        position < Self::RISKS_MAX && self.0 & (1 << position) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether none stands.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The positions, in order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        (0..Self::RISKS_MAX).filter(move |position| self.has(*position))
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.positions()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_is_told_by_position() {
        let standing = Standing::NONE.with(0).with(63).with(5).with(5).with(64);
        assert_eq!(standing.positions().collect::<Vec<_>>(), [0, 5, 63]);
        assert!(standing.has(5) && !standing.has(4) && !standing.has(64) && !standing.is_none());
        assert_eq!(standing.and(Standing::NONE.with(5).with(6)), Standing::NONE.with(5));
        assert!(standing.and(Standing::NONE).is_none());
    }

    #[test]
    fn each_sign_has_a_reason_of_its_own() {
        for sign in Sign::ALL {
            assert_eq!(Sign::of(sign.reason()), Some(*sign));
        }
        assert_eq!(Sign::of(Reason::AcrInsufficient), None);
    }
}
