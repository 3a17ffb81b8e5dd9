//! Risks, settled: what each is told by.

use std::time::Duration;

use ipnet::IpNet;

use crate::domain::assurance::AssuranceNeed;
use crate::domain::device::DeviceClass;
use crate::domain::hours::Hours;
use crate::domain::risk::{Level, RiskName, Sign};

/// A risk that is declared.
#[derive(Clone, Debug)]
pub struct RiskSettings {
    /// Its name.
    pub name: RiskName,
    /// What it is told by.
    pub when: When,
    /// What clears it; none where it is only noted.
    pub need: Option<AssuranceNeed>,
    /// On devices of these classes it never stands.
    pub unless_device: Vec<DeviceClass>,
}

/// What a risk is told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// The person was not proven at this browser before.
    NewDevice,
    /// The person was not proven in this network before.
    NewNetwork {
        /// Networks that are new for nobody.
        usual: Vec<IpNet>,
    },
    /// The person does not use to work at this hour.
    UnusualHour {
        /// The hours that are usual for everybody; without them, those at which the person was at work before.
        usual: Option<Hours>,
    },
    /// The person was denied more than so often.
    Denials {
        /// So often, 1 to 100.
        more_than: u8,
        /// Within this time, 1 min to 1 h.
        within: Duration,
        /// For how long it stands then, 5 min to 24 h.
        lasts: Duration,
    },
    /// Somebody else says that the person is at risk.
    Told {
        /// As much as this at least.
        level: Level,
    },
    /// Something was found in what is done under the person's name.
    Detection {
        /// For how long it stands then, 5 min to 24 h.
        lasts: Duration,
    },
}

impl When {
    /// The sign, without what it is measured by.
    pub const fn sign(&self) -> Sign {
        match self {
            Self::NewDevice => Sign::NewDevice,
            Self::NewNetwork { .. } => Sign::NewNetwork,
            Self::UnusualHour { .. } => Sign::UnusualHour,
            Self::Denials { .. } => Sign::Denials,
            Self::Told { .. } => Sign::Told,
            Self::Detection { .. } => Sign::Detection,
        }
    }
}

impl RiskSettings {
    /// Whether it begins and ends at a minute, rather than with an hour.
    pub(super) const fn is_by_the_minute(&self) -> bool {
        matches!(self.when, When::UnusualHour { usual: Some(_) })
    }

    /// Whether it may stand on a device of this class.
    pub(super) fn is_for(&self, device: Option<&DeviceClass>) -> bool {
        device.is_none_or(|class| !self.unless_device.contains(class))
    }
}
