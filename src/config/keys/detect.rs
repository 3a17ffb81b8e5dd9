//! Detections: what somebody should look at.

use super::{Absent, Kind, Table, key, words};
use crate::domain::detection::{DetectionKind, DetectionThen, Severity, TakenAway};

pub(super) static DETECT: Table = Table {
    header: "[detect.NAME]",
    doc: "What is looked for in the stream of events, person by person (a program is one, too). What is found is an event (`detection`) \
          and an item for review (`GET /api/v1/detections`, `leastway detections`); it refuses nothing. One rule finds one thing \
          about one person in a window; what comes within it makes that larger. Try numbers on what was journaled by `leastway \
          detections --replay --since 30d`.",
    keys: &[
        key(
            "when",
            Kind::Word(words!(DetectionKind)),
            Absent::Refused,
            "What is counted. `mass_export`: records taken away, or files (`of`). `panel_sweep`: different patients opened. \
             `list_sweep`: different patients whom lists and files have named, on routes that say that these are the numbers of \
             requests (`same_numbers`). `sequential_ids`: patients asked for one after the other by numbers at equal steps. `off_hours`: requests outside of \
             `hours`. `dormant`: requests after `silence`. `denials`: denials; those within two seconds count once. \
             `after_break_glass`: files taken away after the purpose was an emergency, or a reason was given for something else. \
             `elsewhere`: minutes with requests from several networks (24 bits of an IPv4 address, 48 of an IPv6 address). \
             `nothing_to_do`: charts asked for and denied because no rule of any of the person's roles opens them.",
        ),
        key(
            "more_than",
            Kind::Whole(0, 1_000_000),
            Absent::Means(
                "by `when`, in the order above: 500 records or 20 files, 60 patients, 300 patients, 9 patients, 100 requests, 20 requests, 20 \
                 denials, 0 files, 3 minutes, 0 charts",
            ),
            "It is found when there are more than so many. At most 500 patients, denials or minutes.",
        ),
        key(
            "within",
            Kind::Duration("1m", "24h"),
            Absent::Means(
                "`1h`; with `sequential_ids` and `denials` `10m`, with `elsewhere` `15m`, with `after_break_glass` `30m`",
            ),
            "In this time; after an emergency, in this time after it.",
        ),
        key(
            "usual_times",
            Kind::Whole(0, 100),
            Absent::Is("4"),
            "With `mass_export`, `panel_sweep` and `list_sweep`: and more than so many times of what is usual for the person, which is the median \
             over the days of the last 30 on which there was any, of the largest number of each. It counts from the fifth such day \
             on; `0`: it never does.",
        ),
        key(
            "of",
            Kind::Word(words!(TakenAway)),
            Absent::Is("\"records\""),
            "With `mass_export`: what is counted. Records of a file that cannot be counted are none; the file is one.",
        ),
        key(
            "hours",
            Kind::Text("06:00-22:00"),
            Absent::Means("has to be there with `off_hours`"),
            "With `off_hours`: the hours of the house.",
        ),
        key(
            "silence",
            Kind::Duration("7d", "365d"),
            Absent::Is("\"45d\""),
            "With `dormant`: for how long nothing was seen of the person.",
        ),
        key(
            "roles",
            Kind::Texts("billing"),
            Absent::Means("everybody"),
            "Only of people in one of these roles.",
        ),
        key("applications", Kind::Texts("ehr"), Absent::Means("all"), "Only what is done at these."),
        key(
            "severity",
            Kind::Word(words!(Severity)),
            Absent::Means("`medium`; `high` with `mass_export`, `sequential_ids` and `after_break_glass`"),
            "How soon somebody should look.",
        ),
        key(
            "then",
            Kind::Word(words!(DetectionThen)),
            Absent::Is("\"flag\""),
            "`flag`: it is told. `step_up`: and the person proves once more who they are, as a `[risk.NAME]` with `when = \
             \"detection\"` says; never a program.",
        ),
        key(
            "in_treatment",
            Kind::YesNo,
            Absent::Is("false"),
            "With `step_up`: also of whoever works for treatment or in an emergency.",
        ),
        key(
            "quiet",
            Kind::Duration("1d", "365d"),
            Absent::Is("\"30d\""),
            "For how long it is quiet about a person of whom a reviewer has said that it is fine.",
        ),
    ],
};
