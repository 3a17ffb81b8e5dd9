//! The script beside an application's pages, and the one that ends a sign-in in a window of its own.

use std::sync::LazyLock;

use base64::Engine as _;

use crate::foundation::digest::Digest;

/// The script: what a page loads, which is the file without the lines and indents that are for its readers.
pub static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("leastway.js").lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with("/**")).fold(
        String::new(),
        |mut script, line| {
            script.push_str(line);
            script.push('\n');
            script
        },
    )
});
/// The script of the page where a sign-in in a window of its own ends.
pub const LANDING: &str = include_str!("signed_in.js");
/// Where the script is served.
pub const SCRIPT_PATH: &str = "/.leastway/leastway.js";
/// Where a page asks how its session stands.
pub const SESSION_PATH: &str = "/.leastway/session";
/// Where a sign-in in a window of its own ends.
pub const SIGNED_IN_PATH: &str = "/.leastway/signed-in";

/// The script's digest as it stands in its address: another script has another address, so that each may be kept for
/// ever.
pub static VERSION: LazyLock<String> = LazyLock::new(|| Digest::of(SCRIPT.as_bytes()).short());

/// What is put into a page, without the defer a parser would wait for it.
pub fn tag() -> String {
    format!("<script src=\"{SCRIPT_PATH}?v={}\" defer></script>", *VERSION)
}

/// The source in a content security policy that permits the landing page's script and no other.
pub fn landing_source() -> String {
    let digest = Digest::of(LANDING.as_bytes());
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_has_no_words_of_its_own() {
        assert!(SCRIPT.len() < 8 * 1024, "{} bytes", SCRIPT.len());
        assert!(!SCRIPT.contains("ession will"), "what people read is in the message files");
    }

    #[test]
    fn what_is_left_out_of_the_script_is_for_readers_alone() {
        assert!(!SCRIPT.contains('`'), "indents could be a part of a text");
        let comments =
            include_str!("leastway.js").lines().map(str::trim_start).filter(|line| line.starts_with("/*"));
        assert!(
            comments.into_iter().all(|line| line.ends_with("*/")),
            "each ends on its line, and nothing follows it"
        );
        assert!(SCRIPT.starts_with("(function () {\n'use strict';\n") && SCRIPT.ends_with("})();\n"));
    }

    #[test]
    fn neither_script_can_end_the_element_it_may_stand_in() {
        for script in [SCRIPT.as_str(), LANDING] {
            assert!(!script.to_ascii_lowercase().contains("</script") && !script.contains("<!--"));
        }
        assert!(tag().starts_with("<script src=\"/.leastway/leastway.js?v="));
    }
}
