//! Notes by which events of the house are told apart: whoever writes the event and whoever reads it take the words from here.

/// How the note of the event begins with which a journal begins each time it is opened.
pub const JOURNAL_OPENED: &str = "journal opened";
/// The note of the event with which a journal ends when it is closed in order.
pub const JOURNAL_CLOSED: &str = "journal closed in order";
/// The note of the event that somebody has asked the control listener for events.
pub const EVENTS_READ: &str = "events were read";
