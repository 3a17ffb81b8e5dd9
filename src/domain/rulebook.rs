//! The texts of a configuration under the version that events name: kept, so that anybody can read later what was in force.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::foundation::digest::Digest;

/// The texts of a configuration. No secret stands in one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rulebook {
    /// The digests of everything that the version stands for, certificates and other files included.
    pub digests: Vec<Digest>,
    /// What was written: the main file first, then those that it names.
    pub texts: Vec<RuleText>,
}

/// One file of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// Its path, as messages have it.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Rulebook {
    /// The digest of everything: names this configuration.
    pub fn version(&self) -> Digest {
        let parts: Vec<&[u8]> = self.digests.iter().map(|digest| digest.as_bytes().as_slice()).collect();
        Digest::of_parts(&parts)
    }

    /// Adds a text, which becomes part of the version.
    pub fn add(&mut self, path: String, text: String) {
        self.digests.push(Digest::of(text.as_bytes()));
        self.texts.push(RuleText { path, text });
    }

    /// Whether it is what events name by `version`, and every text is as it was.
    pub fn is_of(&self, version: &str) -> bool {
        let is_known = |text: &RuleText| self.digests.contains(&Digest::of(text.text.as_bytes()));
        self.version().short() == version && self.texts.iter().all(is_known)
    }
}

impl fmt::Debug for Rulebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rulebook").field("version", &self.version()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_changed_left_out_of_the_digests_or_of_another_version_does_not_fit() {
        let mut book = Rulebook::default();
        book.add("leastway.toml".to_owned(), "version = 1".to_owned());
        book.digests.push(Digest::of(b"a certificate"));
        let version = book.version().short();
        assert!(book.is_of(&version) && !book.is_of("0011223344556677"));
        let mut changed = book.clone();
        changed.texts.iter_mut().for_each(|text| text.text.push(' '));
        assert!(!changed.is_of(&version));
        let mut added = book;
        added.add("another.toml".to_owned(), "version = 1".to_owned());
        assert!(!added.is_of(&version));
    }
}
