//! What events keep under seal: which patient it was, what was searched for, and why, in the person's own words.
//!
//! Each month has a key of its own (`keys`), kept apart from the journal: whoever has a copy of the journal alone reads none of
//! it. A month that is past its retention is read by nobody any more once its key is destroyed (`ending`), and the chain verifies
//! as before, since no entry is touched. A [`Sealer`] seals, one for each worker; [`Seals::reveal`] opens, for whoever has said why.

mod ending;
mod keys;
mod name;
mod period;
mod sealer;
#[cfg(test)]
mod tests;

pub use ending::{Ended, PeriodNow, PeriodState};
pub use keys::{RevealError, SealError, Seals};
pub(super) use name::keys_in;
pub use name::{KeyKind, KeyName};
pub use period::{Period, PeriodError};
pub use sealer::Sealer;
