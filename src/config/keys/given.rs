//! What routes hand out and need to have been given.

use super::{Absent, Kind, Table, key, words};
use crate::domain::given::{GivenTo, WhenUnknown};
use crate::features::route::given::settings::Elsewhere;

pub(super) static GIVEN: Table = Table {
    header: "[application.NAME.given.NAME]",
    doc: "A kind of thing that `gives` of its routes hand out and `needs` of others ask for. Only digests are kept, in the memory \
          of one process: at most 20,000 of one owner and 500,000 in all, the oldest of whoever has the most going first.",
    keys: &[
        key(
            "to",
            Kind::Word(words!(GivenTo)),
            Absent::Is("\"session\""),
            "Whose it is: the `session`'s that asked, with which it ends, as with a page of a search; or the `person`'s or \
             program's, in whatever session, as with a job that takes a night.",
        ),
        key(
            "lifetime",
            Kind::Duration("1m", "30d"),
            Absent::Is("\"12h\""),
            "How long it is remembered, from when it was handed out last.",
        ),
        key(
            "unknown",
            Kind::Word(words!(WhenUnknown)),
            Absent::Is("\"deny\""),
            "A request brings one that is not known to be theirs, as after a restart: it is refused with `not-yours`, or passes \
             and its event says so.",
        ),
    ],
};

pub(super) static GIVES: Table = Table {
    header: "[[application.NAME.route.gives]]",
    doc: "Something that a reply (below 400) hands out: it is remembered as given to whoever has asked.",
    keys: &[
        key("name", Kind::Text("page"), Absent::Refused, "What kind of thing."),
        key(
            "at",
            Kind::Text("json:/link/*/url"),
            Absent::Refused,
            "Where it stands: `header:NAME`, `link:RELATION` (of `Link`, RFC 8288), `json:/POINTER` with `*` for every element, or \
             `text:MARK`: behind this text in the body, as far as letters, digits, `-`, `.`, `_` and `~` reach. Bodies are read up to \
             `guard.hold`, and asked for uncompressed.",
        ),
        key(
            "address",
            Kind::YesNo,
            Absent::Means("`true` for `link:`, `header:location` and `header:content-location`"),
            "Whether it is the address of a request that brings the thing: then it is recognized, and the thing is taken from \
             where that route `needs` it.",
        ),
        key(
            "elsewhere",
            Kind::Word(words!(Elsewhere)),
            Absent::Is("\"refuse\""),
            "An address that is not below this application, such as a file in another store: the reply is withheld with \
             `leads-elsewhere`, or passes.",
        ),
    ],
};

pub(super) static NEEDS: Table = Table {
    header: "[[application.NAME.route.needs]]",
    doc: "Something that a request has to bring and that was given to whoever asks. It is looked at once the policy permits.",
    keys: &[
        key("name", Kind::Text("page"), Absent::Refused, "What kind of thing; some route `gives` it."),
        key(
            "at",
            Kind::Text("query:_getpages"),
            Absent::Refused,
            "`query:NAME`, `form:NAME`, `json:/POINTER` or `path:CAPTURE`. Of several, each has to be theirs.",
        ),
    ],
};
