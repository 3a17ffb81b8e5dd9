//! What the dictionaries of a PDF say, as far as it tells of pages.

use super::token::Token;
use crate::domain::count::WhyUnknown;

/// Reads dictionaries, one inside of the other.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    open: Vec<Level>,
    /// The outermost that has closed last: that of the object.
    pub(super) last: Facts,
    /// Page objects.
    pub(super) pages: u64,
    /// The most pages that a tree of pages says it has.
    pub(super) said: u64,
}

#[derive(Debug, Default)]
struct Level {
    dictionary: bool,
    facts: Facts,
    key: Key,
    /// Words that the value of this key came to: a number is one, a reference three.
    words: u8,
}

/// What one dictionary says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    /// How long the stream is; none: another object says it.
    pub(super) length: Option<u64>,
    pub(super) filters: Filters,
    /// Something changes what the filter gives.
    pub(super) has_parameters: bool,
    count: Option<u64>,
}

/// What the `Type` is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Other,
    Page,
    Pages,
    /// A stream of further objects (section 7.5.7).
    Objects,
}

/// How a stream is packed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filters {
    #[default]
    None,
    Flate,
    Other,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// A key comes next.
    #[default]
    None,
    Type,
    Count,
    Length,
    Filter,
    Parameters,
    Other,
}

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 128;

impl Dictionaries {
    /// Whether all are closed.
    pub(super) fn is_outside(&self) -> bool {
        self.open.is_empty()
    }

    /// Another object begins.
    pub(super) fn forget(&mut self) {
        self.last = Facts::default();
    }

    /// The next token inside of an object.
    pub(super) fn read(&mut self, token: Token<'_>) -> Result<(), WhyUnknown> {
        match token {
            Token::Open { dictionary } if self.open.len() < DEPTH_MAX => {
                self.open.push(Level { dictionary, ..Level::default() });
                Ok(())
            }
            Token::Open { .. } => Err(WhyUnknown::Unparsable),
            Token::Close { dictionary } => self.close(dictionary),
            Token::Name(name) => self.name(name),
            Token::Word(word) => {
                self.word(word);
                Ok(())
            }
            Token::Text => {
                self.value_came();
                Ok(())
            }
            Token::Comment(_) => Ok(()),
        }
    }

    fn close(&mut self, dictionary: bool) -> Result<(), WhyUnknown> {
        let level = self.open.pop().filter(|level| level.dictionary == dictionary);
        let facts = level.ok_or(WhyUnknown::Unparsable)?.facts;
        match facts.kind {
            Kind::Page => self.pages += 1,
            Kind::Pages => self.said = self.said.max(facts.count.unwrap_or(0)),
            Kind::Objects | Kind::Other => {}
        }
        if dictionary && self.open.is_empty() {
            self.last = facts;
        }
        self.value_came();
        Ok(())
    }

    fn name(&mut self, name: &[u8]) -> Result<(), WhyUnknown> {
        let is_in_array = self.open.last().is_some_and(|level| !level.dictionary);
        if is_in_array {
            self.filter_in_array(name);
            return Ok(());
        }
        let Some(level) = self.open.last_mut() else { return Ok(()) };
        // Behind words stands the next key.
        if level.key == Key::None || level.words > 0 {
            level.words = 0;
            level.key = key(name)?;
            if level.key == Key::Parameters {
                level.facts.has_parameters = true;
            }
            return Ok(());
        }
        match level.key {
            // Two of them are two readings, of which one could be a page.
            Key::Type if level.facts.kind == Kind::Page => {}
            Key::Type => level.facts.kind = kind(name)?,
            Key::Filter => level.facts.filters = filter(name),
            Key::None | Key::Count | Key::Length | Key::Parameters | Key::Other => {}
        }
        level.key = Key::None;
        Ok(())
    }

    /// A list of filters has several, or one.
    fn filter_in_array(&mut self, name: &[u8]) {
        let outer = self.open.len().checked_sub(2).and_then(|outer| self.open.get_mut(outer));
        if let Some(level) = outer.filter(|level| level.key == Key::Filter) {
            let is_first = level.facts.filters == Filters::None;
            level.facts.filters = if is_first { filter(name) } else { Filters::Other };
        }
    }

    fn word(&mut self, word: &[u8]) {
        let Some(level) = self.open.last_mut().filter(|level| level.dictionary) else { return };
        level.words = level.words.saturating_add(1);
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        let value = if level.words == 1 { number } else { None };
        match level.key {
            Key::Count => level.facts.count = value,
            Key::Length => level.facts.length = value,
            // Another object says how it is packed.
            Key::Filter => level.facts.filters = Filters::Other,
            Key::None | Key::Type | Key::Parameters | Key::Other => {}
        }
    }

    fn value_came(&mut self) {
        if let Some(level) = self.open.last_mut().filter(|level| level.dictionary) {
            (level.key, level.words) = (Key::None, 0);
        }
    }
}

/// What a key is to us. A file that is encrypted, or has others attached, is not read.
fn key(name: &[u8]) -> Result<Key, WhyUnknown> {
    match name {
        b"Type" => Ok(Key::Type),
        b"Count" => Ok(Key::Count),
        b"Length" => Ok(Key::Length),
        b"Filter" => Ok(Key::Filter),
        b"DecodeParms" => Ok(Key::Parameters),
        b"Encrypt" => Err(WhyUnknown::Coding),
        b"EF" | b"EmbeddedFiles" => Err(WhyUnknown::Mismatch),
        _ => Ok(Key::Other),
    }
}

fn kind(name: &[u8]) -> Result<Kind, WhyUnknown> {
    match name {
        b"Page" => Ok(Kind::Page),
        b"Pages" => Ok(Kind::Pages),
        b"ObjStm" => Ok(Kind::Objects),
        b"EmbeddedFile" => Err(WhyUnknown::Mismatch),
        _ => Ok(Kind::Other),
    }
}

fn filter(name: &[u8]) -> Filters {
    if name == b"FlateDecode" { Filters::Flate } else { Filters::Other }
}
