//! A reply that stays here, and why.

use http::StatusCode;

use super::body::BoxError;
use super::count::Tally;
use super::limit::{Beyond, Step, Verdict};
use super::redact::Fault;
use super::spill::Unheld;
use crate::domain::reason::Reason;

/// A reply that stays here. Nothing of it was released.
#[derive(Debug)]
pub struct Withheld {
    /// The status of the application's reply.
    pub status: StatusCode,
    /// What was counted until it was clear.
    pub tally: Tally,
    /// Why.
    pub cause: Cause,
}

/// Why a reply is withheld.
#[derive(Debug)]
pub enum Cause {
    /// It passes after a step.
    Needs(Step, Beyond),
    /// It does not pass.
    Block(Beyond),
    /// What is to be withheld of it cannot be taken out.
    Redaction(Fault),
    /// It cannot be held until it is known whether it passes.
    Unheld(Unheld),
    /// The application broke it off while it was held.
    Upstream(BoxError),
}

impl Withheld {
    /// How events and replies name it.
    pub fn reason(&self) -> Reason {
        match &self.cause {
            Cause::Needs(_, beyond) | Cause::Block(beyond) => beyond.reason(),
            Cause::Redaction(_) => Reason::RedactionImpossible,
            Cause::Unheld(_) => Reason::ReplyTooLong,
            Cause::Upstream(_) => Reason::UpstreamAborted,
        }
    }

    /// What the count came to; none if it is not for that.
    pub const fn verdict(&self) -> Option<Verdict> {
        match &self.cause {
            Cause::Needs(step, beyond) => Some(Verdict::Needs(*step, *beyond)),
            Cause::Block(beyond) => Some(Verdict::Block(*beyond)),
            Cause::Redaction(_) | Cause::Unheld(_) | Cause::Upstream(_) => None,
        }
    }
}
