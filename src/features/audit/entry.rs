//! The JSON of an entry, written in one pass.
//!
//! Byte for byte what serde writes of an [`Entry`](crate::domain::event::Entry), at a fraction of the work: keys
//! are copied as they stand, and so is what cannot hold anything to escape. Readers use serde; a test of random
//! events keeps both the same.

use serde::Serialize;

use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, CredentialName, RouteName};
use crate::domain::confidential::SealedText;
use crate::domain::count::Count;
use crate::domain::device::DeviceClass;
use crate::domain::event::{Closing, EventSubject, Opening};
use crate::domain::given::PatientContext;
use crate::domain::kept::Kept;
use crate::domain::limit::OnExceed;
use crate::domain::reason::Reason;
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
        // Taken apart, so that a member that is added cannot be forgotten here.
        let Opening {
            event,
            kind,
            time,
            client_ip,
            device,
            device_feed,
            certificate,
            application,
            route,
            action,
            categories,
            sensitivity,
            laws,
            method,
            host,
            path,
            batch_entry,
            query_keys,
            patient,
            may_list,
            patient_context,
            needed,
            taken,
            subject,
            verdict,
            reasons,
            rules,
            rules_version,
            credential,
            relationships,
            justification,
            accounted,
            purpose,
            break_glass,
            hold,
            lock,
            risks,
            keep_alive_ignored,
            outage_extension,
            shadow,
            asked,
            note,
            revocation,
            provisioning,
            signal,
            patients_in_steps,
            sealed,
            reading,
            detection,
            review,
            gap,
        } = opening;
        self.quoted("{\"entry\":\"opening\",\"event\":", event.encode(&mut [0; 36]).as_bytes());
        self.word(key!("kind"), kind.as_str());
        self.time(key!("time"), *time);
        self.json(key!("client_ip"), client_ip.as_ref())?;
        self.word(key!("device"), device.as_ref().map(DeviceClass::as_str));
        self.json(key!("device_feed"), device_feed.as_deref())?;
        self.text(key!("certificate"), certificate.as_deref())?;
        self.word(key!("application"), application.as_ref().map(ApplicationName::as_str));
        self.word(key!("route"), route.as_ref().map(RouteName::as_str));
        self.word(key!("action"), action.map(Action::as_str));
        self.list_if_any(key!("categories"), categories.iter().map(Category::as_str))?;
        self.list_if_any(key!("sensitivity"), sensitivity.iter().map(|code| code.as_str()))?;
        self.list_if_any(key!("laws"), laws.iter().map(|law| law.as_str()))?;
        self.text(key!("method"), method.as_deref())?;
        self.text(key!("host"), host.as_deref())?;
        self.text(key!("path"), path.as_deref())?;
        self.json(key!("batch_entry"), batch_entry.as_ref())?;
        self.list_if_any(key!("query_keys"), query_keys.iter().map(String::as_str))?;
        if let Some(patient) = patient {
            self.quoted(key!("patient"), &patient.digest().hex());
        }
        self.json(key!("may_list"), may_list.then_some(&true))?;
        self.word(key!("patient_context"), patient_context.map(PatientContext::as_str));
        self.json(key!("needed"), Some(needed).filter(|all| !all.is_empty()))?;
        self.json(key!("taken"), taken.as_deref())?;
        self.kept(key!("subject"), subject.as_deref())?;
        self.word(key!("verdict"), verdict.as_str());
        self.list(key!("reasons"), reasons.iter().map(|reason| reason.as_str()))?;
        self.list_if_any(key!("rules"), rules.iter().map(|rule| &**rule))?;
        self.text(key!("rules_version"), rules_version.as_deref())?;
        self.word(key!("credential"), credential.as_ref().map(CredentialName::as_str));
        self.json(key!("relationships"), Some(relationships).filter(|all| !all.is_empty()))?;
        self.json(key!("justification"), justification.as_ref())?;
        self.json(key!("accounted"), accounted.then_some(&true))?;
        self.json(key!("purpose"), purpose.as_deref())?;
        self.json(key!("break_glass"), break_glass.as_deref())?;
        self.json(key!("hold"), hold.as_deref())?;
        self.json(key!("lock"), lock.as_deref())?;
        self.json(key!("risks"), Some(risks).filter(|risks| !risks.is_empty()))?;
        self.json(key!("keep_alive_ignored"), keep_alive_ignored.then_some(&true))?;
        self.json(key!("outage_extension"), outage_extension.then_some(&true))?;
        self.json(key!("shadow"), shadow.as_deref())?;
        self.json(key!("asked"), asked.as_deref())?;
        self.text(key!("note"), note.as_deref())?;
        self.json(key!("revocation"), revocation.as_deref())?;
        self.json(key!("provisioning"), provisioning.as_deref())?;
        self.json(key!("signal"), signal.as_deref())?;
        self.json(key!("patients_in_steps"), patients_in_steps.as_ref())?;
        self.text(key!("sealed"), sealed.as_ref().map(SealedText::as_str))?;
        self.json(key!("reading"), reading.as_deref())?;
        self.json(key!("detection"), detection.as_deref())?;
        self.json(key!("review"), review.as_deref())?;
        self.json(key!("gap"), gap.as_deref())?;
        self.0.push(b'}');
        Ok(())
    }

    fn closing(&mut self, closing: &Closing) -> serde_json::Result<()> {
        // Taken apart, so that a member that is added cannot be forgotten here.
        let Closing {
            event,
            time,
            outcome,
            status,
            reason,
            records,
            patients,
            listed,
            exceeded,
            on_exceed,
            found_file,
            redacted,
            observed,
            given,
            hold,
            bytes_in,
            bytes_out,
            duration_us,
            upstream_us,
            revoked,
        } = closing;
        self.quoted("{\"entry\":\"closing\",\"event\":", event.encode(&mut [0; 36]).as_bytes());
        self.time(key!("time"), *time);
        self.word(key!("outcome"), outcome.as_str());
        self.json(key!("status"), status.as_ref())?;
        self.word(key!("reason"), reason.map(Reason::as_str));
        self.count(key!("records"), *records)?;
        self.count(key!("patients"), *patients)?;
        self.json(key!("listed"), listed.as_ref())?;
        self.json(key!("exceeded"), exceeded.as_ref())?;
        self.word(key!("on_exceed"), on_exceed.map(OnExceed::as_str));
        self.json(key!("found_file"), found_file.then_some(&true))?;
        self.json(key!("redacted"), redacted.as_deref())?;
        self.json(key!("observed"), observed.as_deref())?;
        self.json(key!("given"), Some(given).filter(|all| !all.is_empty()))?;
        self.json(key!("hold"), hold.as_deref())?;
        self.json(key!("bytes_in"), bytes_in)?;
        self.json(key!("bytes_out"), bytes_out)?;
        self.json(key!("duration_us"), duration_us)?;
        self.json(key!("upstream_us"), upstream_us.as_ref())?;
        self.json(key!("revoked"), revoked.as_deref())?;
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
    let is_plain = |byte: u8| !matches!(byte, 0..0x20 | b'"' | b'\\');
    text.bytes().filter(|byte| !is_plain(*byte)).count() == 0
}
