//! Programs that come with an access token of their own.

use super::{Absent, Kind, Table, key, words};
use crate::domain::purpose::Purpose;

pub(super) static CLIENT: Table = Table {
    header: "[client.NAME]",
    doc: "A program that comes by itself, with `Authorization: Bearer` (or `DPoP`) and an access token that a provider gave it for its \
          own account (the client credentials grant). On the applications that any client names, bearer tokens are taken \
          by Leastway: one of a program that is not declared is refused, and none is passed on. A request with a \
          session cookie beside its token is refused.",
    keys: &[
        key("provider", Kind::Text("clinic"), Absent::Refused, "Which provider gives it its tokens."),
        key(
            "client_id",
            Kind::Text("billing-export"),
            Absent::Refused,
            "What the provider calls it: the token's `client_id`, or `azp`.",
        ),
        key(
            "subject",
            Kind::Text("service-account-7"),
            Absent::Means("the `client_id`"),
            "The token's `sub` when the program acts for itself, for providers that do not put its `client_id` there. A \
             token that was given for anybody else is refused.",
        ),
        key(
            "owner",
            Kind::Text("revenue desk, ext. 4711"),
            Absent::Refused,
            "Who answers for it: a person or a desk. Written into its events.",
        ),
        key(
            "groups",
            Kind::Texts("Billing-Programs"),
            Absent::Refused,
            "The groups by which it has roles, as people have them.",
        ),
        key(
            "purpose",
            Kind::Word(words!(Purpose)),
            Absent::Means("the only one of its roles"),
            "Why it works. It has to be said where its roles have several purposes, since a program cannot be asked.",
        ),
        key(
            "number",
            Kind::Text("IRB-2026-014"),
            Absent::Means("none"),
            "The number of the protocol, document, request or authorization by which it works, where its purpose needs one.",
        ),
        key(
            "recipient",
            Kind::Text("County health department"),
            Absent::Means("nobody"),
            "To whom goes what it takes, where its purpose needs that to be said (45 CFR 164.528).",
        ),
        key(
            "routes",
            Kind::Texts("ehr/fhir.*"),
            Absent::Refused,
            "Where it may come to: an application and its routes, in which a `*` at the end matches the rest.",
        ),
        key("networks", Kind::Texts("10.1.0.0/16"), Absent::Means("anywhere"), "Where it comes from."),
        key("hours", Kind::Text("22:00-06:00"), Absent::Means("any"), "Between which times of the day."),
        key(
            "expires",
            Kind::Text("2027-03-31"),
            Absent::Refused,
            "Its last day, in the `time_zone`. `validate` warns from 30 days before.",
        ),
        key(
            "token",
            Kind::Word(|| vec!["jwt", "introspection"]),
            Absent::Refused,
            "How its tokens are proven: `jwt` by the provider's signature (RFC 9068), `introspection` by asking the \
             provider (RFC 7662).",
        ),
        key(
            "audience",
            Kind::Texts("https://ehr.clinic.example"),
            Absent::Means("any; needed with `jwt`"),
            "Whom a token has to be for (`aud`): one of these.",
        ),
        key(
            "recheck",
            Kind::Duration("5s", "15m"),
            Absent::Is("\"60s\""),
            "With `introspection`: after how long the provider is asked again. A token that was taken back there passes \
             no longer than this.",
        ),
    ],
};
