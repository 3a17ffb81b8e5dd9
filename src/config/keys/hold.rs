//! What is kept of forms that could not be sent.

use super::{Absent, Kind, Table, key};

pub(super) static HOLD: Table = Table {
    header: "[application.NAME.hold]",
    doc: "What is kept where a form meets an ended session, or a rule that asks for a step-up: its person finds it after \
          signing in, and sends it once.",
    keys: &[
        key("enabled", Kind::YesNo, Absent::Is("true"), "Whether anything is kept."),
        key(
            "body",
            Kind::Size("1KiB", "8MiB"),
            Absent::Is("\"2MiB\""),
            "The largest body that is kept. Of a larger one its person is told that it was not.",
        ),
        key("lifetime", Kind::Duration("1m", "1h"), Absent::Is("\"15m\""), "For how long it is kept."),
    ],
};
