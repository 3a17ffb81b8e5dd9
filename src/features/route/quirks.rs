//! How an application reads requests, as a set; and what it means to fold letter case.

use super::settings::Quirk;

/// The quirks of an application, or of all applications of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quirks(u8);

impl Quirks {
    /// No quirk: the strict reading.
    pub const STRICT: Self = Self(0);

    /// Whether the application has this quirk.
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & bit(quirk) != 0
    }

    /// The quirks of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `text` as it is compared under these quirks.
    pub fn comparable(self, text: &str) -> String {
        if self.has(Quirk::FoldsCase) { fold(text) } else { text.to_owned() }
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(quirks.into_iter().fold(0, |bits, quirk| bits | bit(quirk)))
    }
}

/// Folds letter case: the one function that decides whether two spellings are the same path. By way
/// of upper case, so that letters with one upper and two lower forms (σ and ς) fold together, and of lower
/// case before that, for the one letter whose upper form has a lower form with another upper form (ẞ, ß, SS).
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

const fn bit(quirk: Quirk) -> u8 {
    match quirk {
        Quirk::FoldsCase => 1,
        Quirk::EncodedSlash => 2,
        Quirk::PathParameters => 4,
        Quirk::FhirSearch => 8,
        Quirk::MethodOverride => 16,
        Quirk::JsonOfAnyType => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn every_letter_folds_with_its_upper_and_lower_form_and_folding_twice_is_once() {
        for letter in '\0'..=char::MAX {
            let text = letter.to_string();
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "{letter:?}");
            assert_eq!(fold(&text.to_uppercase()), folded, "{letter:?}");
            assert_eq!(fold(&text.to_lowercase()), folded, "{letter:?}");
        }
    }
}
