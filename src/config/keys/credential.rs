//! Accounts of ours at applications.

use super::{Absent, Kind, Table, key};

pub(super) static CREDENTIAL: Table = Table {
    header: "[application.NAME.credential.ACCOUNT]",
    doc: "An account of ours at the application.",
    keys: &[
        key(
            "kind",
            Kind::Word(|| vec!["basic", "bearer", "header", "form"]),
            Absent::Refused,
            "How the application is told: `Authorization: Basic`, `Authorization: Bearer`, a header of its own, or by \
             signing in at its form.",
        ),
        key(
            "user",
            Kind::Text("leastway"),
            Absent::Means("none"),
            "For `basic` and `form`: the account's name there.",
        ),
        key("secret", Kind::Secret, Absent::Refused, "Its password, token or key."),
        key(
            "owner",
            Kind::Text("imaging desk, ext. 4713"),
            Absent::Means("nobody, which `validate` warns of"),
            "Who answers for it: a person or a desk. The application knows everybody who comes by it as one.",
        ),
        key("header", Kind::Text("x-api-key"), Absent::Means("none"), "For `header`: which."),
        key(
            "test",
            Kind::Text("/api/system"),
            Absent::Means("none: the secret cannot be tested or rotated"),
            "A path that answers 2xx to this account, and strangers with 401, 403 or a redirect (for `form`: as \
             below). `leastway credential` asks for it, by GET.",
        ),
        key("form", Kind::Table(&FORM), Absent::Means("none"), "For `form`: how one signs in."),
    ],
};

static FORM: Table = Table {
    header: "[application.NAME.credential.ACCOUNT.form]",
    doc: "How one signs in by a form. Leastway does so for each session of its own, keeps the application's cookies, and \
          does it once more when the application answers as it does to strangers; the browser sees none of it.",
    keys: &[
        key(
            "page",
            Kind::Text("/login"),
            Absent::Means("not asked for"),
            "The page with the form, where its cookies and hidden fields are needed.",
        ),
        key("action", Kind::Text("/login"), Absent::Refused, "Where the form is sent to, by POST."),
        key("user_field", Kind::Text("username"), Absent::Is("\"username\""), "The field for the name."),
        key(
            "secret_field",
            Kind::Text("password"),
            Absent::Is("\"password\""),
            "The field for the password.",
        ),
        key("fields", Kind::Map("realm"), Absent::Means("none"), "Further fields."),
        key("expired_status", Kind::Texts("401"), Absent::Is("[\"401\"]"), "Statuses that strangers get."),
        key(
            "expired_location",
            Kind::Text("/login"),
            Absent::Means("the path of `action`"),
            "Where strangers are redirected to: this path, or one below it.",
        ),
        key(
            "expired_marker",
            Kind::Text("login-form"),
            Absent::Means("none"),
            "A text in the HTML that strangers get, within its first 64 KiB.",
        ),
        key(
            "browser_cookies",
            Kind::Texts("XSRF-TOKEN"),
            Absent::Is("[]"),
            "Cookies of the application that pass to and from the browser. All others stay with Leastway.",
        ),
    ],
};
