//! What is declared of an application's pages.

use super::{Absent, Kind, Table, key, words};
use crate::features::browser::settings::Clear;

pub(super) static CORS: Table = Table {
    header: "[application.NAME.cors]",
    doc: "Which other origins may ask it by script. Their preflights, which carry no cookie, are answered by us unless a \
          public route takes them; and they may read what we refuse. What the application answers is its own to allow.",
    keys: &[
        key(
            "origins",
            Kind::Texts("https://portal.clinic.example"),
            Absent::Is("[]"),
            "The origins, as browsers write them; none is told `*`. Our session's cookie only comes from the same site.",
        ),
        key(
            "credentials",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether they may send cookies: without, nobody is signed in.",
        ),
        key(
            "methods",
            Kind::Texts("PUT"),
            Absent::Is("[\"PUT\", \"PATCH\", \"DELETE\"]"),
            "The methods that they may use beside GET, HEAD and POST.",
        ),
        key(
            "headers",
            Kind::Texts("content-type"),
            Absent::Is("[\"content-type\", \"x-requested-with\"]"),
            "The headers that they may send.",
        ),
        key(
            "max_age",
            Kind::Duration("0s", "24h"),
            Absent::Is("\"10m\""),
            "For how long browsers remember it.",
        ),
    ],
};

pub(super) static SIGN_OUT: Table = Table {
    header: "[application.NAME.sign_out]",
    doc: "How it is signed out itself, when its person signs out here and when somebody signs in at a browser where another \
          was, or nobody knows who: it is asked for `path` with the browser's cookies, for at most 2 s, and these are taken \
          away.",
    keys: &[
        key("path", Kind::Text("/logout"), Absent::Refused, "Its logout address."),
        key(
            "method",
            Kind::Word(|| vec!["GET", "POST"]),
            Absent::Is("\"GET\""),
            "The method by which that is asked for; a POST without a body, unless a person has sent one that the policy permits.",
        ),
        key(
            "cookies",
            Kind::Texts("JSESSIONID"),
            Absent::Is("[]"),
            "The cookies that are its session. They are taken away; where none of them comes, it is not asked. A browser \
             brings none with a `Path` other than `/` to our sign-out: for these, `cookies = \"keep\"`.",
        ),
        key(
            "cookie_path",
            Kind::Texts("/ehr"),
            Absent::Means("`/` and the application's path, with and without its last `/`"),
            "The `Path` with which it sets them; a browser forgets them by no other.",
        ),
        key(
            "cookie_domain",
            Kind::Texts("clinic.example"),
            Absent::Is("[]"),
            "The `Domain` with which it may set them, beside none.",
        ),
        key(
            "clear",
            Kind::Words(words!(Clear)),
            Absent::Is("[\"cache\", \"storage\"]"),
            "What else the browser forgets of the host (`Clear-Site-Data`).",
        ),
        key(
            "ends_session",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether whoever asks for `path` in it, with this very query, from a page of its own host, is signed out here and \
             at the provider too.",
        ),
    ],
};
