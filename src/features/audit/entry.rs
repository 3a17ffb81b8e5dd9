//! The JSON of an entry, written in one pass.
//!
//! Byte for byte what serde writes of an [`Entry`](crate::domain::event::Entry), at a fraction of the work: keys
//! are copied as they stand, and so is what cannot hold anything to escape. Readers use serde; a test of random
//! events keeps both the same.

use serde::Serialize;

use crate::domain::application::{ApplicationName, Category, CredentialName, RouteName};
use crate::domain::count::Count;
use crate::domain::event::{Closing, EventSubject, Opening};
use crate::domain::kept::Kept;
use crate::foundation::clock::Timestamp;

/// An entry that is not copied to be written.
#[derive(Debug)]
pub(super) enum EntryRef<'a> {
    Opening(&'a Opening),
    Closing(&'a Closing),
}

impl EntryRef<'_> {
    /// Writes its JSON at the end of `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut members = Members(out);
        match self {
            Self::Opening(opening) => members.opening(opening),
            Self::Closing(closing) => members.closing(closing),
        }
    }
}

/// What stands before a member's value, the first excepted.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// The members of an object, one after the other.
struct Members<'a>(&'a mut Vec<u8>);

impl Members<'_> {
    fn opening(&mut self, opening: &Opening) -> serde_json::Result<()> {
        self.quoted("{\"entry\":\"opening\",\"event\":", opening.event.encode(&mut [0; 36]).as_bytes());
        self.word(key!("kind"), opening.kind.as_str());
        self.time(key!("time"), opening.time);
        self.json(key!("client_ip"), opening.client_ip.as_ref())?;
        self.word(key!("application"), opening.application.as_ref().map(ApplicationName::as_str));
        self.word(key!("route"), opening.route.as_ref().map(RouteName::as_str));
        self.word(key!("action"), opening.action.map(|action| action.as_str()));
        self.list_if_any(key!("categories"), opening.categories.iter().map(Category::as_str))?;
        self.text(key!("method"), opening.method.as_deref())?;
        self.text(key!("host"), opening.host.as_deref())?;
        self.text(key!("path"), opening.path.as_deref())?;
        self.json(key!("batch_entry"), opening.batch_entry.as_ref())?;
        self.list_if_any(key!("query_keys"), opening.query_keys.iter().map(String::as_str))?;
        if let Some(patient) = &opening.patient {
            self.quoted(key!("patient"), &patient.digest().hex());
        }
        self.json(key!("taken"), opening.taken.as_deref())?;
        self.kept(key!("subject"), opening.subject.as_deref())?;
        self.word(key!("verdict"), opening.verdict.as_str());
        self.list(key!("reasons"), opening.reasons.iter().map(|reason| reason.as_str()))?;
        self.list_if_any(key!("rules"), opening.rules.iter().map(|rule| &**rule))?;
        self.text(key!("rules_version"), opening.rules_version.as_deref())?;
        self.word(key!("credential"), opening.credential.as_ref().map(CredentialName::as_str));
        self.json(key!("justification"), opening.justification.as_ref())?;
        self.text(key!("note"), opening.note.as_deref())?;
        self.0.push(b'}');
        Ok(())
    }

    fn closing(&mut self, closing: &Closing) -> serde_json::Result<()> {
        self.quoted("{\"entry\":\"closing\",\"event\":", closing.event.encode(&mut [0; 36]).as_bytes());
        self.time(key!("time"), closing.time);
        self.word(key!("outcome"), closing.outcome.as_str());
        self.json(key!("status"), closing.status.as_ref())?;
        self.word(key!("reason"), closing.reason.map(|reason| reason.as_str()));
        self.count(key!("records"), closing.records)?;
        self.count(key!("patients"), closing.patients)?;
        self.json(key!("exceeded"), closing.exceeded.as_ref())?;
        self.word(key!("on_exceed"), closing.on_exceed.map(|what| what.as_str()));
        self.json(key!("found_file"), closing.found_file.then_some(&true))?;
        self.json(key!("bytes_in"), &closing.bytes_in)?;
        self.json(key!("bytes_out"), &closing.bytes_out)?;
        self.json(key!("duration_us"), &closing.duration_us)?;
        self.json(key!("upstream_us"), closing.upstream_us.as_ref())?;
        self.0.push(b'}');
        Ok(())
    }

    /// A text in which nothing has to be escaped.
    fn quoted(&mut self, key: &'static str, text: &[u8]) {
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b'"');
        self.0.extend_from_slice(text);
        self.0.push(b'"');
    }

    /// A name or a word of a closed list, if there is one: nothing in it has to be escaped.
    fn word<'a>(&mut self, key: &'static str, word: impl Into<Option<&'a str>>) {
        if let Some(word) = word.into() {
            self.quoted(key, word.as_bytes());
        }
    }

    fn text(&mut self, key: &'static str, text: Option<&str>) -> serde_json::Result<()> {
        let Some(text) = text else { return Ok(()) };
        self.0.extend_from_slice(key.as_bytes());
        self.string(text)
    }

    fn time(&mut self, key: &'static str, time: Timestamp) {
        match time.rfc3339() {
            Some(text) => self.quoted(key, &text),
            None => self.quoted(key, time.to_string().as_bytes()),
        }
    }

    /// Anything else, if it is there.
    fn json<'a, T: Serialize + 'a>(
        &mut self,
        key: &'static str,
        value: impl Into<Option<&'a T>>,
    ) -> serde_json::Result<()> {
        let Some(value) = value.into() else { return Ok(()) };
        self.0.extend_from_slice(key.as_bytes());
        serde_json::to_writer(&mut *self.0, value)
    }

    fn kept(&mut self, key: &'static str, subject: Option<&Kept<EventSubject>>) -> serde_json::Result<()> {
        match subject.map(|subject| (subject, subject.text())) {
            Some((_, Some(text))) => {
                self.0.extend_from_slice(key.as_bytes());
                self.0.extend_from_slice(text.get().as_bytes());
                Ok(())
            }
            Some((subject, None)) => self.json(key, subject),
            None => Ok(()),
        }
    }

    fn count(&mut self, key: &'static str, count: Count) -> serde_json::Result<()> {
        let (how, number) = match count {
            Count::Exactly(number) => ("{\"exactly\":", number),
            Count::AtLeast(number) => ("{\"at_least\":", number),
            Count::Unknown(_) => return self.json(key, &count),
            Count::NotCounted => return Ok(()),
        };
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(how.as_bytes());
        serde_json::to_writer(&mut *self.0, &number)?;
        self.0.push(b'}');
        Ok(())
    }

    fn list_if_any<'a>(
        &mut self,
        key: &'static str,
        texts: impl ExactSizeIterator<Item = &'a str>,
    ) -> serde_json::Result<()> {
        if texts.len() == 0 { Ok(()) } else { self.list(key, texts) }
    }

    fn list<'a>(
        &mut self,
        key: &'static str,
        texts: impl Iterator<Item = &'a str>,
    ) -> serde_json::Result<()> {
        self.0.extend_from_slice(key.as_bytes());
        let mut before = b'[';
        for text in texts {
            self.0.push(before);
            self.string(text)?;
            before = b',';
        }
        if before == b'[' {
            self.0.push(b'[');
        }
        self.0.push(b']');
        Ok(())
    }

    fn string(&mut self, text: &str) -> serde_json::Result<()> {
        if is_plain(text) {
            self.quoted("", text.as_bytes());
            return Ok(());
        }
        serde_json::to_writer(&mut *self.0, text)
    }
}

/// Whether nothing in it has to be escaped (RFC 8259 section 7). Looks at all of it, which the compiler makes
/// faster than stopping early.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}
