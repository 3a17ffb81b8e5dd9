//! Seals what an event keeps to itself.

use std::cell::RefCell;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keys::{PURPOSE, Seals};
use super::period::Period;
use crate::domain::confidential::{Confidential, SealedText};
use crate::domain::phi::Phi;
use crate::features::audit::settings::Fields;
use crate::foundation::id::RequestId;
use crate::platform::seal::{SealedBy, Series, Unsealable};

/// Seals for one worker, by a key of its own of this month: workers share nothing, and no chance is spent on an event.
#[derive(Debug)]
pub struct Sealer {
    seals: Arc<Seals>,
    series: RefCell<Option<(Period, Series)>>,
}

impl Sealer {
    /// For one worker.
    pub const fn new(seals: Arc<Seals>) -> Self {
        Self { seals, series: RefCell::new(None) }
    }

    /// What is to be sealed.
    pub fn fields(&self) -> Fields {
        self.seals.fields()
    }

    /// Seals what is confidential about an event; none where nothing is.
    pub fn seal(&self, event: RequestId, what: &Confidential) -> Result<Option<SealedText>, Unsealable> {
        if what.is_empty() {
            return Ok(None);
        }
        let current = self.seals.current();
        let mut series = self.series.borrow_mut();
        let (period, series) = match &mut *series {
            Some((period, series)) if *period == current.period => (*period, series),
            other => {
                let by = SealedBy { secret: &current.secret, purpose: PURPOSE };
                let new = Series::new(by, &*self.seals.entropy)?;
                let (period, series) = other.insert((current.period, new));
                (*period, series)
            }
        };
        let text = serde_json::to_vec(&Sealing::of(what)).map_err(|_| Unsealable)?;
        let mut sealed = format!("{period}.");
        URL_SAFE_NO_PAD.encode_string(series.seal(&about(event, period), text)?, &mut sealed);
        Ok(Some(SealedText::new(sealed)))
    }
}

/// What a sealed text is bound to: nobody can move it to another event.
pub(super) fn about(event: RequestId, period: Period) -> Vec<u8> {
    format!("{event} {period}").into_bytes()
}

/// What is sealed, as it is written: the one place that reveals it.
#[derive(Serialize)]
struct Sealing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
}

impl<'a> Sealing<'a> {
    fn of(what: &'a Confidential) -> Self {
        let Confidential { patient, query, justification } = what;
        let text = |phi: &'a Option<Phi<String>>| phi.as_ref().map(|phi| phi.reveal().as_str());
        Self { patient: text(patient), query: text(query), justification: text(justification) }
    }
}

/// What was sealed, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsealed {
    #[serde(default)]
    patient: Option<String>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    justification: Option<String>,
}

impl From<Unsealed> for Confidential {
    fn from(Unsealed { patient, query, justification }: Unsealed) -> Self {
        Self {
            patient: patient.map(Phi::new),
            query: query.map(Phi::new),
            justification: justification.map(Phi::new),
        }
    }
}
