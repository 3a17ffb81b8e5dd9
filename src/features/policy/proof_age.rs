//! How long a proof counts on devices of a class: where somebody else may stand a moment later, it counts shorter than the rules
//! say, and never longer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bundle::Rules;
use super::world::Facts;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::device::DeviceClass;
use crate::domain::subject::Identity;
use crate::foundation::clock::Timestamp;

impl Rules {
    /// The same, with how long a proof counts on devices of some classes.
    #[must_use]
    pub fn with_proof_ages(mut self, ages: BTreeMap<DeviceClass, Duration>) -> Self {
        self.proof_ages = ages;
        self
    }

    /// How long a proof counts on a device of this class; none: as long as the rules say.
    pub fn proof_lasts(&self, device: Option<&DeviceClass>) -> Option<Duration> {
        self.proof_ages.get(device?).copied()
    }

    /// The last moment at which a proof that counts now certainly still does, `until` at the most.
    pub(super) fn proof_until(
        &self,
        identity: &Identity,
        device: Option<&DeviceClass>,
        now: Timestamp,
        until: Timestamp,
    ) -> Timestamp {
        let Some(lasts) = self.proof_lasts(device) else { return until };
        let ends = identity.assurance.proven.values().map(|proven| proven.plus(lasts));
        ends.filter(|end| *end >= now).fold(until, Timestamp::min)
    }
}

impl Facts<'_> {
    /// What was proven too long ago for the device was not proven.
    pub(super) fn with_proofs_of(mut self, lasts: Option<Duration>) -> Self {
        if let Some(lasts) = lasts {
            let most = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
            self.ages.retain(|_, age| *age <= most);
        }
        self.proof_lasts = lasts;
        self
    }

    /// What is asked of the person: no older than counts on the device.
    pub(super) fn asked_for(&self, need: &AssuranceNeed) -> AssuranceNeed {
        let fresh = match (need.fresh, self.proof_lasts) {
            (Some(fresh), Some(lasts)) => Some(fresh.min(lasts)),
            (fresh, lasts) => fresh.or(lasts),
        };
        AssuranceNeed { class: need.class.clone(), fresh }
    }
}
