//! What a part holds, where that is counted.
//!
//! A part says its type as a reply does, and what it holds is read as a reply of the declared kind. One of another type, in an encoding
//! that is not read, or coded for transfer (`base64`, `quoted-printable`) makes the number unknown.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::domain::count::WhyUnknown;
use crate::domain::reply_shape::{PatientLocator, ReplyKind};
use crate::features::guard::count::Tally;
use crate::features::guard::count::bodies::Bodies;
use crate::features::guard::count::patients::Patients;
use crate::features::guard::media::{Declared, Form};

/// What parts of one kind come to, one after the other.
#[derive(Debug)]
pub(super) struct Part {
    form: Form,
    bodies: Bodies,
    headers: HeaderMap,
    /// The header that is being read, which may go on in the next line.
    begun: Option<(HeaderName, Vec<u8>)>,
    /// The end of the last line, which is the part's only if another one follows.
    ending: &'static [u8],
    /// A carriage return that may belong to it.
    has_return: bool,
}

/// RFC 2045 section 6.
const CONTENT_TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// A header that goes on over several lines is no longer.
const HEADER_BYTES_MAX: usize = 8 * 1024;

impl Part {
    pub(super) fn new(kind: &ReplyKind, patient: Option<&PatientLocator>, ratio_max: u32) -> Self {
        Self {
            form: Form::of(kind),
            bodies: Bodies::new(kind, patient, ratio_max),
            headers: HeaderMap::new(),
            begun: None,
            ending: b"",
            has_return: false,
        }
    }

    pub(super) fn patients_mut(&mut self) -> &mut Patients {
        self.bodies.patients_mut()
    }

    pub(super) fn so_far(&self) -> Tally {
        self.bodies.so_far()
    }

    /// How many in all parts, which were complete.
    pub(super) fn whole(&self) -> Tally {
        self.bodies.whole()
    }

    /// The next part begins, with its headers.
    pub(super) fn begin(&mut self) {
        self.headers.clear();
        self.begun = None;
        self.ending = b"";
        self.has_return = false;
        self.bodies.begin();
    }

    /// A line of its headers.
    pub(super) fn header(&mut self, line: &[u8]) -> Result<(), WhyUnknown> {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let Some((_, value)) = &mut self.begun else { return Ok(()) };
            if value.len() + line.len() > HEADER_BYTES_MAX {
                return Err(WhyUnknown::Unparsable);
            }
            value.extend_from_slice(line.trim_ascii_end());
            return Ok(());
        }
        self.end_header()?;
        let at = memchr::memchr(b':', line).ok_or(WhyUnknown::Unparsable)?;
        let (name, value) = line.split_at_checked(at).ok_or(WhyUnknown::Unparsable)?;
        let name = HeaderName::from_bytes(name).map_err(|_| WhyUnknown::Unparsable)?;
        if [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_TRANSFER_ENCODING].contains(&name) {
            self.begun = Some((name, value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
        }
        Ok(())
    }

    /// Its headers are complete.
    pub(super) fn open(&mut self) -> Result<(), WhyUnknown> {
        self.end_header()?;
        let is_as_it_is = |value: &HeaderValue| {
            let plain = [b"7bit".as_slice(), b"8bit", b"binary"];
            plain.iter().any(|coding| value.as_bytes().eq_ignore_ascii_case(coding))
        };
        let is_coded = self.headers.contains_key(CONTENT_ENCODING)
            || !self.headers.get_all(CONTENT_TRANSFER_ENCODING).iter().all(is_as_it_is);
        if is_coded {
            return Err(WhyUnknown::Coding);
        }
        let declared = Declared::read(&self.headers);
        let label = declared.label();
        if !declared.may_be(self.form) {
            Err(WhyUnknown::Mismatch)
        } else if label.is_readable() && !label.is_wide() {
            Ok(())
        } else {
            Err(WhyUnknown::Charset)
        }
    }

    fn end_header(&mut self) -> Result<(), WhyUnknown> {
        let Some((name, value)) = self.begun.take() else { return Ok(()) };
        let value = HeaderValue::from_bytes(&value).map_err(|_| WhyUnknown::Unparsable)?;
        // Said twice, it can be read in two ways.
        if self.headers.insert(name, value).is_some() {
            return Err(WhyUnknown::Unparsable);
        }
        Ok(())
    }

    /// More of a line that it holds.
    pub(super) fn text(&mut self, more: &[u8]) {
        if more.is_empty() {
            return;
        }
        self.bodies.push(std::mem::take(&mut self.ending));
        if std::mem::take(&mut self.has_return) {
            self.bodies.push(b"\r");
        }
        let line = more.strip_suffix(b"\r");
        self.has_return = line.is_some();
        self.bodies.push(line.unwrap_or(more));
    }

    /// The line has ended.
    pub(super) fn end_line(&mut self) {
        // A line that held nothing leaves the end of the one before.
        self.bodies.push(std::mem::take(&mut self.ending));
        self.ending = if std::mem::take(&mut self.has_return) { b"\r\n" } else { b"\n" };
    }

    /// The part is complete.
    pub(super) fn end(&mut self) -> Result<(), WhyUnknown> {
        self.bodies.end()
    }
}
