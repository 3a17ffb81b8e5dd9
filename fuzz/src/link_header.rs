//! Every link that is found is a part of the header, without its brackets; no header has more than are read.

use leastway::features::route::given::link::{LINKS_MAX, targets};

/// The header, as far as it is text.
pub fn check(bytes: &[u8]) {
    let Ok(value) = std::str::from_utf8(bytes) else { return };
    let Ok(found) = targets(value, "next") else { return };
    assert!(found.len() <= LINKS_MAX);
    for target in &found {
        assert!(value.contains(&format!("<{target}")) || value.contains(target), "not from the header");
        assert!(!target.contains('>'));
    }
    // A list of two headers has the links of both.
    if !value.trim().is_empty() && found.len() * 2 <= LINKS_MAX {
        let both = format!("{value}, {value}");
        let twice = targets(&both, "next");
        assert!(twice.is_err() || twice == Ok([found.clone(), found].concat()));
    }
}
