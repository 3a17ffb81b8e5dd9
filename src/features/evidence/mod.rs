//! What an auditor is handed: an evidence pack, a signed ZIP about some safeguards and a period.
//!
//! A pack shows three things for each [`Safeguard`]: what the gateway does for it, which files of the pack show that it did, and
//! what no proxy can show. It is a function of the journal and of what was asked: the same gives the same bytes. Each file stands in
//! the manifest with its size and digest, and the manifest is signed by the key that signs the journal's checkpoints, so that
//! [`check`](mod@check) tells with the public key alone whether anything was changed, added or taken away.
//!
//! Patients are keyed digests here, as in events. Nothing here reads a journal, a clock or a file: whoever has the events hands each to
//! [`Extracts`], and what was made of them to a [`Packing`].

pub mod check;
pub mod extract;
mod index;
pub mod manifest;
pub mod pack;
pub mod safeguard;
#[cfg(test)]
mod tests;
pub mod versions;
mod words;

pub use extract::Extracts;
pub use index::{PageError, index};
pub use manifest::{Manifest, Shown};
pub use pack::{PackError, Packing};
pub use safeguard::{Exhibit, Safeguard};

/// What a safeguard is called, in a language.
pub fn title_of(safeguard: Safeguard, language: crate::platform::page::language::Language) -> &'static str {
    words::Words::of(language).evidence.safeguards.of(safeguard).title.as_str()
}
