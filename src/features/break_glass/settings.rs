//! How the glass is broken, settled.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::break_glass::{BreakReason, BreakText};

/// How the glass is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlassSettings {
    /// How long a chart is open. Default 4 h, 15 min to 12 h.
    pub lasts: Duration,
    /// For how long the same person is not asked again about the same patient. Default 7 d, 0 s to 30 d.
    pub memory: Duration,
    /// The reasons that are offered, in order. Never empty. Default: all.
    pub reasons: Vec<BreakReason>,
    /// When people write why. Default: later.
    pub text: BreakText,
    /// By when a text that was left out is there. Default 12 h, 1 h to 7 d.
    pub text_within: Duration,
    /// Who discloses records of a substance use disorder programme (42 CFR 2.51(c)); `None`: people are asked.
    pub discloser: Option<Arc<str>>,
    /// Within how many business days somebody looks. Default 1, 1 to 30.
    pub triage_days: u8,
    /// Within how many business days it is settled. Default 5, 1 to 90.
    pub close_days: u8,
}

impl Default for BreakGlassSettings {
    fn default() -> Self {
        Self {
            lasts: Duration::from_secs(4 * 3600),
            memory: Duration::from_secs(7 * 86_400),
            reasons: BreakReason::ALL.to_vec(),
            text: BreakText::Later,
            text_within: Duration::from_secs(12 * 3600),
            discloser: None,
            triage_days: 1,
            close_days: 5,
        }
    }
}
