//! What is rewritten in an application's replies.

use super::{Absent, Kind, Table, key, words};
use crate::features::rewrite::settings::{CookieDomain, SameSite};

pub(super) static REWRITE: Table = Table {
    header: "[application.NAME.rewrite]",
    doc: "What is rewritten in its replies, so that what it says of its own address holds for callers.",
    keys: &[
        key(
            "locations",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether `Location`, `Content-Location` and `Refresh` that point at its own servers, or at its public host \
             without TLS, are turned to the address that callers know.",
        ),
        key(
            "cookie_domain",
            Kind::Word(words!(CookieDomain)),
            Absent::Is("\"own\""),
            "Which `Domain` of its cookies is taken away: one that names its own servers, `any`, or `none`.",
        ),
        key(
            "cookie_path",
            Kind::Text("/ehr/"),
            Absent::Means("as it came"),
            "The `Path` that all its cookies get.",
        ),
        key(
            "cookie_secure",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether `Secure` is added to its cookies: callers only come by TLS.",
        ),
        key(
            "cookie_same_site",
            Kind::Word(words!(SameSite)),
            Absent::Means("none is added"),
            "The `SameSite` of its cookies that say none.",
        ),
        key(
            "literal",
            Kind::Tables(&LITERAL),
            Absent::Means("none: bodies stay as they come"),
            "Texts that are replaced in HTML, CSS, JavaScript, JSON and XML; at most 8. Its replies are then asked for \
             uncompressed and whole.",
        ),
    ],
};

static LITERAL: Table = Table {
    header: "[[application.NAME.rewrite.literal]]",
    doc: "A text that is replaced wherever it stands in a page, such as an address that was built into it.",
    keys: &[
        key(
            "find",
            Kind::Text("http://10.0.0.7:8080"),
            Absent::Refused,
            "What is looked for, byte for byte: 4 to 256 bytes, and not the beginning of another.",
        ),
        key(
            "replace",
            Kind::Text("https://ehr.clinic.example"),
            Absent::Refused,
            "What is put in its place: at most 256 bytes.",
        ),
    ],
};
