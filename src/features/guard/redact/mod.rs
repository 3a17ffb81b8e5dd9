//! Takes values out of a reply that somebody may see but for them, and says so.
//!
//! A [`Plan`] says which fields of which kind of reply; a [`Redaction`] carries it out while the bytes pass, in bounded
//! memory and however they are cut. What is not taken out keeps its bytes; a coded reply is sent decoded. What is not what its
//! route declares, or cannot be read to its end in one way, is a [`Fault`]: it does not leave, or where some of it has, it is
//! broken off. Where a limit asks for that, all but the first records are left out (`cut`). Nothing is ever taken out of documents, images, archives or what is signed: these are no text of a declared kind.

mod cut;
mod fhir;
mod guide;
mod head;
mod json;
mod members;
mod page;
mod plan;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::response::Parts;

use self::cut::Cut;
use self::fhir::Elements;
pub use self::head::prepare;
pub(super) use self::head::settle;
use self::json::Editor;
use self::members::Members;
use self::page::Page;
use self::plan::Target;
pub use self::plan::{Plan, Plans, can_be_cut, can_be_taken_out};
use self::rows::Rows;
use super::count::{Characters, Encoding, Order, Tally, WellFormed};
use super::lead::Lead;
use super::media::{Declared, Form};
use super::meter::is_partial;
use super::settings::GuardSettings;
use crate::domain::field::EventRedacted;
use crate::domain::listed::Listed;
use crate::domain::patient::PatientNames;
use crate::platform::http::coding::{Coding, Decoder};

/// Why nothing can be taken out of a reply, so that nothing of it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its route does not say what it is, or it is of a kind out of which nothing is taken.
    #[error("the route does not declare a reply out of which this can be taken")]
    Undeclared,
    /// Its head says that it is something else.
    #[error("the reply is of another type than its route declares")]
    Type,
    /// It is a part of something, or a difference to it.
    #[error("the reply is a part, and nobody asked for one")]
    Partial,
    /// It is coded in a way that is not decoded, or does not decode.
    #[error("the content coding cannot be decoded")]
    Coding,
    /// Its character encoding cannot be read.
    #[error("the character encoding cannot be read")]
    Charset,
    /// It is not well-formed to its end.
    #[error("the reply is not well-formed")]
    Malformed,
    /// What the field stands in is not there, or is there twice.
    #[error("what a field stands in is not where the route declares it")]
    Misfit,
    /// A row has another number of fields than the header.
    #[error("a row does not have as many fields as the header")]
    Ragged,
    /// A resource says what it is behind what depends on it.
    #[error("a resource says its type behind what depends on it")]
    TypeLate,
    /// It is signed as it came: without what is taken out, whoever holds the signature against it would find a forgery.
    #[error("the reply is signed, and what is left of it would not be what was signed")]
    Signed,
    /// The first records name more patients than there may be records.
    #[error("what is left of the reply is still beyond the limit")]
    Beyond,
    /// A name, a row or white space beyond all measure.
    #[error("something in the reply is too long")]
    TooLong,
}

/// Takes out of one reply what its plan says.
#[derive(Debug)]
pub struct Redaction {
    plan: Arc<Plan>,
    state: State,
    decoder: Option<Decoder>,
    form: Form,
    lead: Lead,
    characters: Characters,
    /// Whether the mark of the encoding was written.
    is_marked: bool,
    has_come: bool,
    content: Content,
    /// Leaves out what is beyond a number of records. Seldom there.
    cut: Option<Box<Cut>>,
}

/// What a body is by the status of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// What the route declares.
    Declared,
    /// A message of the application's own, which need not hold that.
    Message,
    /// Such a message that cannot be redacted, and does not pass.
    LeftOut,
}

#[derive(Debug)]
enum State {
    Json(WellFormed, Box<Editor<Members>>),
    Fhir(WellFormed, Box<Editor<Elements>>),
    Rows(Box<Rows>),
    Page(Box<Page>),
    /// Whatever comes, it does not leave.
    Impossible(Fault),
}

impl Redaction {
    /// Of the reply with this head.
    pub fn new(plan: Arc<Plan>, head: &Parts, settings: &GuardSettings) -> Self {
        let declared = Declared::read(&head.headers);
        let label = declared.label();
        let decoder = Decoder::new(Coding::read(&head.headers), settings.decompression_ratio).ok();
        let form = match plan.target() {
            Some(Target::Json { .. } | Target::Ndjson | Target::Fhir) => Form::Json,
            Some(Target::Rows { .. }) => Form::Rows,
            Some(Target::Page { .. }) => Form::Page,
            None => Form::Any,
        };
        let mut lead = Lead::default();
        if label.is_wide() {
            lead.widen();
        }
        let is_message = !head.status.is_success() && !is_partial(head);
        let places = || plan.places().iter();
        let state = match plan.target() {
            None => State::Impossible(Fault::Undeclared),
            Some(_) if is_partial(head) => State::Impossible(Fault::Partial),
            Some(_) if !declared.may_be(form) => State::Impossible(Fault::Type),
            Some(_) if decoder.is_none() => State::Impossible(Fault::Coding),
            Some(_) if !label.is_readable() => State::Impossible(Fault::Charset),
            Some(Target::Json { .. }) => {
                State::Json(WellFormed::document(), Box::new(Editor::new(Members::new(places()))))
            }
            Some(Target::Ndjson) => {
                State::Json(WellFormed::lines(), Box::new(Editor::new(Members::new(places()))))
            }
            Some(Target::Fhir) => {
                State::Fhir(WellFormed::document(), Box::new(Editor::new(Elements::new(places()))))
            }
            Some(Target::Rows { delimiter }) => State::Rows(Box::new(Rows::new(*delimiter, places()))),
            Some(Target::Page { rows }) => {
                State::Page(Box::new(Page::new(rows, places(), plan.names(), settings.hold_bytes)))
            }
        };
        Self {
            state,
            decoder,
            form,
            lead,
            characters: Characters::new(&label),
            is_marked: false,
            has_come: false,
            content: if is_message { Content::Message } else { Content::Declared },
            cut: None,
            plan,
        }
    }

    /// The same, and only so many records pass, where its plan says that it can be cut. Events call their patients by `names`,
    /// where they are to keep them.
    #[must_use]
    pub fn keeping(mut self, records: u64, names: Option<PatientNames>) -> Self {
        if let Some((shape, target)) = self.plan.shape().zip(self.plan.target()) {
            let mut cut = Box::new(Cut::new(shape, target, records));
            if let Some(names) = names {
                cut.list_by(names);
            }
            self.cut = Some(cut);
            if let State::Rows(rows) = &mut self.state {
                rows.keep_first(records);
            }
        }
        self
    }

    /// Whether less is handed on than came.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Whom events are to keep of what was handed on, where that is less than what came.
    pub(super) fn take_listed(&mut self) -> Option<Listed> {
        self.cut.as_mut().and_then(|cut| cut.take_listed())
    }

    /// What was handed on, where that is less than what came.
    pub(super) fn handed_on(&self) -> Option<Tally> {
        self.cut.as_ref().map(|cut| cut.tally())
    }

    /// What of the next piece passes.
    pub fn push(&mut self, piece: &[u8]) -> Result<Bytes, Fault> {
        if piece.is_empty() {
            return Ok(Bytes::new());
        }
        self.has_come = true;
        let Self { state, decoder, lead, characters, form, .. } = self;
        let (mut passed, mut fault) = (Vec::with_capacity(piece.len()), None);
        let decoder = decoder.as_mut().ok_or(Fault::Coding)?;
        let outcome = decoder.push(piece, &mut |plain| {
            if !lead.is_complete() {
                lead.push(plain);
                fault = fault.or(lead.contradicts(*form).then_some(Fault::Type));
            }
            characters.push(plain, &mut |text| {
                if fault.is_none() {
                    fault = state.push(text, &mut passed).err();
                }
            });
        });
        // What a body holds before the place where it breaks is seen or not as it was cut: the fault of what it
        // holds comes first, so that the answer is the same.
        if let Some(fault) = fault {
            return Err(fault);
        }
        outcome.map_err(|_| Fault::Coding)?;
        if self.characters.is_broken() {
            return Err(Fault::Charset);
        }
        let passed = match &mut self.cut {
            Some(cut) => cut.push(passed)?,
            None => passed,
        };
        self.encode(passed)
    }

    /// The body has ended: what is left of it.
    pub fn finish(&mut self) -> Result<Bytes, Fault> {
        if !self.has_come {
            return Ok(Bytes::new());
        }
        let Self { state, decoder, characters, .. } = self;
        if decoder.as_ref().is_none_or(|decoder| decoder.finish().is_err()) {
            return Err(Fault::Coding);
        }
        let (mut passed, mut fault) = (Vec::new(), None);
        characters.finish(&mut |text| {
            if fault.is_none() {
                fault = state.push(text, &mut passed).err();
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        if !characters.is_sound() {
            return Err(Fault::Charset);
        }
        state.finish(&mut passed)?;
        if self.is_misfit() {
            return Err(Fault::Misfit);
        }
        let passed = match &mut self.cut {
            Some(cut) => cut.finish(passed)?,
            None => passed,
        };
        self.encode(passed)
    }

    /// Whether it has turned out not to hold what the fields stand in.
    pub(super) fn is_misfit(&self) -> bool {
        let has_missed = match &self.state {
            State::Json(_, editor) => editor.guide().has_missed(),
            State::Fhir(_, editor) => editor.guide().has_missed(),
            State::Page(page) => page.has_missed(),
            State::Rows(_) | State::Impossible(_) => false,
        };
        has_missed && self.content == Content::Declared
    }

    /// Whether what the fields stand in has come, so that what follows may leave before the end is here.
    pub(super) fn is_found(&self) -> bool {
        match &self.state {
            State::Json(_, editor) => editor.guide().is_found() || self.content != Content::Declared,
            State::Fhir(..) | State::Rows(_) | State::Page(_) | State::Impossible(_) => true,
        }
    }

    /// Whether what it is cannot be redacted, and it is an application's message that may go without its body.
    pub(super) fn leave_out(&mut self) -> bool {
        let is_message = self.content == Content::Message;
        if is_message {
            self.content = Content::LeftOut;
        }
        is_message
    }

    /// What was taken out so far.
    pub fn record(&self) -> EventRedacted {
        let values = match &self.state {
            State::Json(_, editor) => editor.values(),
            State::Fhir(_, editor) => editor.values(),
            State::Rows(rows) => rows.values(),
            State::Page(page) => page.values(),
            State::Impossible(_) => 0,
        };
        EventRedacted {
            fields: self.plan.names().to_vec(),
            values,
            body_left_out: self.content == Content::LeftOut,
        }
    }

    /// Writes a text in the encoding in which it came.
    fn encode(&mut self, text: Vec<u8>) -> Result<Bytes, Fault> {
        let Some((encoding, marked)) = self.characters.encoding() else { return Ok(Bytes::new()) };
        let needs_mark = marked && !std::mem::replace(&mut self.is_marked, true);
        let Encoding::Wide(order) = encoding else {
            return Ok(if needs_mark {
                [b"\xEF\xBB\xBF".as_slice(), &text].concat().into()
            } else {
                text.into()
            });
        };
        // What came of UTF-16 is UTF-8, and is cut between characters.
        let text = std::str::from_utf8(&text).map_err(|_| Fault::Charset)?;
        let mark = needs_mark.then_some('\u{FEFF}');
        let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
        for unit in mark.into_iter().chain(text.chars()).collect::<String>().encode_utf16() {
            bytes.extend(match order {
                Order::LittleEndian => unit.to_le_bytes(),
                Order::BigEndian => unit.to_be_bytes(),
            });
        }
        Ok(bytes.into())
    }
}

impl State {
    fn push(&mut self, text: &[u8], passed: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Json(grammar, editor) => {
                if !grammar.push(text) {
                    return Err(Fault::Malformed);
                }
                editor.push(text, passed)
            }
            Self::Fhir(grammar, editor) => {
                if !grammar.push(text) {
                    return Err(Fault::Malformed);
                }
                editor.push(text, passed)
            }
            Self::Rows(rows) => rows.push(text, passed),
            Self::Page(page) => page.push(text),
            Self::Impossible(fault) => Err(*fault),
        }
    }

    fn finish(&mut self, passed: &mut Vec<u8>) -> Result<(), Fault> {
        let is_whole = match self {
            Self::Json(grammar, _) | Self::Fhir(grammar, _) => grammar.finish(),
            Self::Rows(rows) => return rows.finish(passed),
            Self::Page(page) => return page.finish(passed),
            Self::Impossible(fault) => return Err(*fault),
        };
        if !is_whole {
            return Err(Fault::Malformed);
        }
        match self {
            Self::Json(_, editor) => editor.finish(passed),
            Self::Fhir(_, editor) => editor.finish(passed),
            Self::Rows(_) | Self::Page(_) | Self::Impossible(_) => {}
        }
        Ok(())
    }
}
