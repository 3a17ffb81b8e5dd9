//! What may pass in each direction: the minimum necessary (45 CFR 164.502(b)), enforced at the reply.
//!
//! On the way in, [`admit`] takes out of a request what would make its reply uncountable. On the way
//! out, a [`meter`] counts the records and patients of a reply while its bytes pass, [`limit`] says what
//! the role may take, and [`release`] lets go of nothing that is beyond it; what is longer than memory may hold waits on
//! the disk meanwhile ([`spill`]). The original bytes are forwarded; what is compressed is counted in a decoded copy. What cannot be counted is not zero but
//! unknown, and for what is taken away unknown means too many. A [`ledger`] remembers per person what a
//! single reply cannot show: exports in a day, patients in a shift.

pub mod admit;
pub mod body;
pub mod count;
mod lead;
pub mod ledger;
pub mod limit;
mod media;
pub mod meter;
pub mod redact;
pub mod release;
mod rows;
pub mod settings;
pub mod spill;
#[cfg(test)]
mod tests;
mod trailers;
mod withheld;
