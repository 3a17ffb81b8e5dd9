//! Counts one reply: chooses how from what its route declares, what its head says and how its body begins.
//!
//! Where these do not agree, the number is unknown. Three kinds of reply are no data, so that a person is told
//! what went wrong instead of being blocked:
//!
//! - an empty body is no records (204, 304, the reply to HEAD);
//! - a redirect whose body is small is no records;
//! - a 4xx or 5xx is counted if it has the declared shape. If it has not, and is a small message (JSON,
//!   HTML, XML or text that is no attachment and no document by its bytes), it is no records. An application that
//!   answers with data under an error status gains nothing: beyond [`MESSAGE_BYTES_MAX`] decoded bytes it is unknown.
//!
//! Many an application says in a page of status 200 that its own session is over. So a page in place of data is unknown and shown, as
//! long as it is no larger than such a message; a larger one may be the same list for people to read.

use http::header::CONTENT_RANGE;
use http::response::Parts;
use http::{HeaderMap, StatusCode};

use super::count::{Counter, ERROR_BYTES_MAX, Named, Tally, why_unknown};
use super::lead::Lead;
use super::media::{Declared, Form};
use super::settings::GuardSettings;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::listed::Listed;
use crate::domain::patient::PatientNames;
use crate::domain::reply_shape::{LargestArray, ReplyShape};
use crate::platform::http::coding::{Coding, Decoder};

/// What an application has to say about an error or a redirect fits in this many bytes, decoded.
pub const MESSAGE_BYTES_MAX: u64 = ERROR_BYTES_MAX;

/// Counts one reply.
#[derive(Debug)]
pub struct Meter {
    counting: Option<Box<Counting>>,
    lead: Lead,
    /// The head says that this is a file.
    file: bool,
    /// The head says that this is data in another form than the declared one.
    other_data: bool,
    events: bool,
    /// What events call the patients, where they are to keep whom the reply listed.
    names: Option<PatientNames>,
}

#[derive(Debug)]
struct Counting {
    form: Form,
    counter: Option<Counter>,
    decoder: Option<Decoder>,
    /// Why it is unknown by the head alone.
    declared: Option<WhyUnknown>,
    /// Why it is unknown by its bytes.
    found: Option<WhyUnknown>,
    /// A small body that does not have the shape is a message and no data.
    may_be_message: bool,
    /// The head says that it is a page, and the route that it is data.
    is_page_for_data: bool,
    bytes: u64,
}

impl Meter {
    /// A meter for the reply with this head on a route with this shape. Without a shape nothing is counted.
    pub fn new(shape: Option<&ReplyShape>, head: &Parts, settings: &GuardSettings) -> Self {
        let form = shape.map_or(Form::Any, |shape| Form::of(&shape.kind));
        let declared = Declared::read(&head.headers);
        let is_other = |shape: &ReplyShape| declared.is_other_data(&shape.kind);
        let other_data = head.status.is_success() && shape.is_some_and(is_other);
        let mut lead = Lead::default();
        if declared.label().is_wide() {
            lead.widen();
        }
        if declared.may_hide_rows(form) {
            lead.watch_for_rows();
        }
        Self {
            counting: shape
                .map(|shape| Box::new(Counting::new(Some(shape), form, head, &declared, settings))),
            lead,
            // A part that nobody asked for does not show how the whole begins.
            file: declared.is_file(form) || other_data || is_partial(head) && !declared.is_asset(),
            other_data,
            events: declared.is_events(),
            names: None,
        }
    }

    /// Events are to keep whom the reply lists, and call them so. Comes before any byte.
    pub fn list_by(&mut self, names: PatientNames) {
        if let Some(counter) = self.counter() {
            counter.list_by(names.clone());
            self.names = Some(names);
        }
    }

    /// What events call the patients, where they are to keep them.
    pub(super) const fn names(&self) -> Option<&PatientNames> {
        self.names.as_ref()
    }

    /// Whom events are to keep.
    pub(super) fn take_listed(&mut self) -> Option<Listed> {
        self.counter().and_then(Counter::take_listed)
    }

    /// Where its largest array stands, where that was looked for.
    pub(super) fn largest(&self) -> Option<LargestArray> {
        self.counting.as_ref().and_then(|counting| counting.counter.as_ref()).and_then(Counter::largest)
    }

    /// The reply is taken away: what has no declared shape is then unknown. Comes before any byte.
    pub fn take_away(&mut self, head: &Parts, settings: &GuardSettings) {
        if self.counting.is_none() {
            let declared = Declared::read(&head.headers);
            self.counting = Some(Box::new(Counting::new(None, Form::Any, head, &declared, settings)));
        }
    }

    /// Whether the reply is a file to keep, by its head or, once it was seen, by how its body begins: a route
    /// that is only looked at then takes away all the same (an export that nobody has declared).
    pub fn looks_like_file(&self) -> bool {
        self.file || self.lead.is_document()
    }

    /// Whether it is data in another form than its route declares: a number of what is looked at then counts nothing.
    pub(super) const fn is_other_data(&self) -> bool {
        self.other_data
    }

    /// Whether it is a page where its route declares data, and larger than what an application has to say.
    pub(super) fn is_large_page_for_data(&self) -> bool {
        self.counting.as_ref().is_some_and(|counting| counting.is_page_for_data && !counting.is_small())
    }

    /// Whether the beginning of the body could still tell that it is a file.
    pub fn awaits_lead(&self) -> bool {
        !self.events && !self.file && !self.lead.is_complete()
    }

    /// Whether anything has come that shows how the body begins.
    pub(super) const fn has_lead(&self) -> bool {
        self.lead.has_begun()
    }

    /// No more of the beginning is waited for: what has come tells.
    pub(super) fn settle_lead(&mut self) {
        self.lead.settle();
    }

    /// Whether anything is counted.
    pub const fn is_counting(&self) -> bool {
        self.counting.is_some()
    }

    /// What decodes the beginning of a body that nobody counts, to see whether it is a file. None for a body that is
    /// counted, which shows its beginning anyway, and for a coding that we do not decode.
    pub(super) fn peeker(&self, headers: &HeaderMap, settings: &GuardSettings) -> Option<Decoder> {
        if self.is_counting() {
            return None;
        }
        Decoder::new(Coding::read(headers), settings.decompression_ratio).ok()
    }

    /// Looks at how the body begins, without counting; whether it is worth looking on.
    pub(super) fn peek(&mut self, decoder: &mut Decoder, piece: &[u8]) -> bool {
        let first = piece.get(..PEEK_BYTES).unwrap_or(piece);
        let lead = &mut self.lead;
        // What does not decode shows no file; it is forwarded as it is.
        decoder.push(first, &mut |decoded| lead.push(decoded)).is_ok() && first.len() == piece.len()
    }

    /// Counts the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if let Some(counting) = &mut self.counting
            && !piece.is_empty()
        {
            counting.push(piece, &mut self.lead);
        }
    }

    /// Whom the reply has named since this was last asked, each once.
    pub fn take_named(&mut self) -> Vec<Named> {
        self.counter().map(Counter::take_named).unwrap_or_default()
    }

    fn counter(&mut self) -> Option<&mut Counter> {
        self.counting.as_mut().and_then(|counting| counting.counter.as_mut())
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        self.counting.as_ref().map_or(Tally::NOT_COUNTED, |counting| counting.so_far(&self.lead))
    }

    /// The body is complete.
    pub fn finish(&mut self) -> Tally {
        self.counting.as_mut().map_or(Tally::NOT_COUNTED, |counting| counting.finish(&self.lead))
    }
}

/// So much of the first piece is enough to see how a body begins, even if it is compressed.
const PEEK_BYTES: usize = 4096;

impl Counting {
    fn new(
        shape: Option<&ReplyShape>,
        form: Form,
        head: &Parts,
        declared_type: &Declared<'_>,
        settings: &GuardSettings,
    ) -> Self {
        let label = declared_type.label();
        let counter = shape.and_then(|shape| {
            Counter::bounded(&shape.kind, shape.patient.as_ref(), &label, settings.decompression_ratio)
        });
        let decoder = Decoder::new(Coding::read(&head.headers), settings.decompression_ratio);
        let is_redirect = head.status.is_redirection();
        let is_error = head.status.is_client_error() || head.status.is_server_error();
        let (partial, coding) = (is_partial(head), decoder.as_ref().err().copied().map(why_unknown));
        let declared = match (&counter, shape) {
            _ if partial => Some(WhyUnknown::Partial),
            _ if coding.is_some() => coding,
            _ if is_redirect || !declared_type.may_be(form) => Some(WhyUnknown::Mismatch),
            (Some(_), _) if label.is_readable() => None,
            (Some(_), _) => Some(WhyUnknown::Charset),
            (None, Some(_)) => Some(WhyUnknown::Opaque),
            (None, None) => Some(WhyUnknown::Undeclared),
        };
        let is_message = is_error && declared_type.may_be_message() && !declared_type.is_file(Form::Rows);
        Self {
            form,
            counter: counter.filter(|_| declared.is_none()),
            decoder: decoder.ok(),
            declared,
            found: None,
            may_be_message: !partial && (is_redirect || is_message),
            is_page_for_data: head.status.is_success() && declared_type.is_page_for_data(form),
            bytes: 0,
        }
    }

    fn push(&mut self, piece: &[u8], lead: &mut Lead) {
        self.bytes += piece.len() as u64;
        // Once it is unknown for good there is nothing to look for, but for how it begins.
        let is_size_looked_for = self.may_be_message || self.is_page_for_data && self.is_small();
        let is_decided = self.declared.is_some() && !is_size_looked_for && lead.is_full();
        if is_decided || self.found.is_some() {
            return;
        }
        let Some(decoder) = &mut self.decoder else { return };
        let (counter, form) = (&mut self.counter, self.form);
        let mut contradicted = false;
        let outcome = decoder.push(piece, &mut |plain| {
            if !lead.is_full() {
                lead.push(plain);
                contradicted |= lead.contradicts(form);
            }
            if let Some(counter) = counter {
                counter.push(plain);
            }
        });
        if contradicted && self.declared.is_none() {
            self.declared = Some(WhyUnknown::Mismatch);
            self.counter = None;
        }
        if let Err(fault) = outcome {
            self.found = Some(why_unknown(fault));
            self.may_be_message = false;
        }
    }

    fn so_far(&self, lead: &Lead) -> Tally {
        if self.bytes == 0 {
            return Tally { records: Count::AtLeast(0), patients: Count::NotCounted };
        }
        let counted = self.counter.as_ref().map(Counter::so_far);
        self.settle(counted, lead, Tally { records: Count::AtLeast(0), patients: Count::NotCounted })
    }

    fn finish(&mut self, lead: &Lead) -> Tally {
        if self.bytes == 0 {
            return Tally::NONE;
        }
        let was_decoded = self.declared.is_none() || self.may_be_message;
        if let Some(decoder) = &self.decoder
            && was_decoded
            && self.found.is_none()
            && let Err(fault) = decoder.finish()
        {
            self.found = Some(why_unknown(fault));
        }
        let counted = self.counter.as_mut().map(Counter::finish);
        self.settle(counted, lead, Tally::NONE)
    }

    /// Whether it is no larger than what an application has to say. What is not decoded is not.
    fn is_small(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.bytes_out() <= MESSAGE_BYTES_MAX)
    }

    /// `message` is what a small message comes to.
    fn settle(&self, counted: Option<Tally>, lead: &Lead, message: Tally) -> Tally {
        // What the head says comes first: its bytes may have been looked at no further. What a coded body holds just
        // before the place where it breaks is seen or not as it was cut, so that a body that both breaks and is not
        // what it was declared as is told as one or the other.
        let tally = match (self.declared.or(self.found), counted) {
            (Some(why), _) => Tally::unknown(why),
            (None, Some(counted)) => counted,
            (None, None) => Tally::unknown(WhyUnknown::Opaque),
        };
        let is_unknown = matches!(tally.records, Count::Unknown(_));
        if is_unknown && self.may_be_message && self.is_small() && !lead.is_document() {
            message
        } else {
            tally
        }
    }
}

/// A part of something, or a difference to something, that nobody asked for.
pub(super) fn is_partial(head: &Parts) -> bool {
    matches!(head.status, StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED)
        || head.headers.contains_key(CONTENT_RANGE)
}
