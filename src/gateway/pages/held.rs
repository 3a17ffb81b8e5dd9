//! What a person had typed and could not send: that it is still there, what is in it if they ask, and what they can
//! do with it.

use std::fmt;

use askama::Template;
use jiff::tz::TimeZone;

use super::messages::{Held, Messages};
use super::{HELD_DISCARD_PATH, HELD_SHOW_PATH, PageFrame, layout, link};
use crate::features::hold::{FieldValue, Preview, Standing, Summary};
use crate::foundation::clock::Timestamp;
use crate::platform::page::Layout;
use crate::platform::page::time::on_the_clock;

/// What is kept for a person.
#[derive(Clone, Copy)]
pub struct HeldView<'a> {
    /// Each entry; none if there is nothing for whoever asks.
    pub entries: &'a [HeldEntry],
    /// Where they can go on without.
    pub return_to: &'a str,
    /// The present moment.
    pub now: Timestamp,
    /// The time zone of the clinic's clocks.
    pub zone: &'a TimeZone,
}

/// One entry.
pub struct HeldEntry {
    /// Since when it is kept, until when, and for what.
    pub summary: Summary,
    /// What is in it.
    pub preview: Preview,
    /// Where it is sent; none if it cannot be any more.
    pub action: Option<String>,
    /// Whether what is in its fields is shown.
    pub shown: bool,
}

#[derive(Template)]
#[template(path = "held.html")]
pub(super) struct HeldPage<'a> {
    layout: Layout<'a>,
    texts: &'a Held,
    entries: Vec<Shown<'a>>,
    return_to: &'a str,
    /// Whether nothing can be sent, so that going on stands out.
    goes_on: bool,
    show_path: &'static str,
    discard_path: &'static str,
}

/// An entry in words.
struct Shown<'a> {
    id: String,
    heading: String,
    since: String,
    /// Why it cannot be sent, where it cannot.
    why_not: Option<&'a str>,
    action: Option<&'a str>,
    /// Whether sending it stands out: of several, the first that can be sent.
    stands_out: bool,
    fields: Vec<ShownField>,
    more: Option<String>,
    /// Whether what is in the fields is there too.
    opened: bool,
}

struct ShownField {
    /// What ties a field to its label.
    id: String,
    name: String,
    text: Option<String>,
    note: Option<String>,
    rows: usize,
}

impl<'a> HeldPage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &HeldView<'a>) -> Self {
        let texts = &messages.held;
        let title = if view.entries.is_empty() { &texts.title_none } else { &texts.title };
        let foremost = view.entries.iter().position(|entry| entry.action.is_some());
        let shown = |(position, entry): (usize, &'a HeldEntry)| Shown {
            stands_out: Some(position) == foremost,
            ..Shown::new(messages, view, entry)
        };
        Self {
            layout: layout(frame, messages, title.as_str()),
            texts,
            entries: view.entries.iter().enumerate().map(shown).collect(),
            goes_on: foremost.is_none(),
            return_to: link::or_first_page(view.return_to),
            show_path: HELD_SHOW_PATH,
            discard_path: HELD_DISCARD_PATH,
        }
    }
}

impl<'a> Shown<'a> {
    fn new(messages: &'a Messages, view: &HeldView<'_>, entry: &'a HeldEntry) -> Self {
        let texts = &messages.held;
        let HeldEntry { summary, preview, action, shown } = entry;
        let seen = |at| messages.duration.seen_from(view.now, at, &messages.number);
        let since =
            format!("{}, {}", on_the_clock(view.now, summary.created, view.zone), seen(summary.created));
        let why_not = match summary.standing {
            Standing::Waiting if action.is_some() => None,
            Standing::Waiting => Some(texts.copy_only.as_str()),
            Standing::BeingSent => Some(texts.being_sent.as_str()),
            Standing::Uncertain | Standing::Leaving => Some(texts.uncertain.as_str()),
        };
        let field = |(number, field): (usize, &crate::features::hold::Field)| {
            ShownField::new(messages, format!("field-{}-{number}", summary.id), field, *shown)
        };
        Self {
            id: summary.id.to_string(),
            heading: texts.heading.with(&[("application", &summary.application)]),
            since: texts.since.with(&[("since", &since), ("until", &seen(summary.expires))]),
            why_not,
            action: action.as_deref(),
            stands_out: false,
            fields: (1..).zip(&preview.fields).map(field).collect(),
            more: (preview.more > 0)
                .then(|| texts.more.with(&[("n", &messages.number.write(preview.more as u64))])),
            opened: *shown,
        }
    }
}

impl ShownField {
    fn new(messages: &Messages, id: String, field: &crate::features::hold::Field, shown: bool) -> Self {
        let texts = &messages.held;
        let name = if field.name.is_empty() { texts.whole.to_string() } else { field.name.clone() };
        let (text, note) = match &field.value {
            FieldValue::Text(text) if shown => (Some(text.clone()), None),
            FieldValue::Text(_) => (None, None),
            FieldValue::File(bytes) => {
                (None, Some(texts.file.with(&[("n", &messages.number.write(*bytes as u64))])))
            }
            FieldValue::Secret => (None, Some(texts.secret.to_string())),
        };
        let rows = text.as_ref().map_or(1, |text| text.lines().count() + text.len() / LINE_CHARACTERS);
        Self { id, name, text, note, rows: rows.clamp(1, ROWS_MAX) }
    }
}

impl fmt::Debug for HeldView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldView(..)")
    }
}

impl fmt::Debug for HeldEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldEntry(..)")
    }
}

/// How many characters a line of a text field shows, about.
const LINE_CHARACTERS: usize = 70;
const ROWS_MAX: usize = 16;
