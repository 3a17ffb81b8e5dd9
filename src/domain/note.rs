//! Notes by which events of the house are told apart: whoever writes the event and whoever reads it take the words from here.

/// How the note of the event begins with which a journal begins each time it is opened.
pub const JOURNAL_OPENED: &str = "journal opened";
/// The note of the event with which a journal ends when it is closed in order.
pub const JOURNAL_CLOSED: &str = "journal closed in order";
/// How the note of the event begins that a full segment was put into the archive and read back.
pub const SEGMENT_ARCHIVED: &str = "a segment of the journal was archived";
/// How the note of the event begins that an archived segment is removed from the journal's folder.
pub const SEGMENT_REMOVED: &str = "an archived segment is removed from the journal's folder";
/// How the note of the event begins that an archived segment is destroyed at the end of its retention.
pub const SEGMENT_RETIRED: &str = "an archived segment is destroyed, its retention is over";
/// How the note of the event begins that a legal hold is laid on an archived segment.
pub const SEGMENT_HELD: &str = "a legal hold is laid on an archived segment";
/// How the note of the event begins that the legal hold on an archived segment is lifted.
pub const SEGMENT_RELEASED: &str = "the legal hold on an archived segment is lifted";
/// How the note of the event begins that new rules are in force, or were not taken.
pub const NEW_RULES: &str = "new rules";
/// The first line of the note of the event that tells with which key checkpoints are signed from now on.
pub const CHECKPOINT_KEY: &str = "leastway checkpoint key";
/// How the note of the event begins that patients are named by another key from here on.
pub const PATIENTS_RENEWED: &str = "patients are named by a new key from here on";
/// How the note of the event begins that somebody has asked the control listener for a report.
pub const REPORT_READ: &str = "the report";
/// The note of the event that somebody has asked the control listener for events.
pub const EVENTS_READ: &str = "events were read";
