//! Messages of HL7 version 2, alone or in a batch (chapter 2, `FHS`, `BHS`, `MSH`, `BTS`, `FTS`).
//!
//! A segment ends in CR, as the standard has it, or in LF, as files often have it; the bytes that frame a message on the wire
//! (MLLP) are passed over. A message begins with `MSH` at the beginning of a segment, wherever that is: a line of text that
//! begins so is one message too many, never one too few. One that names several patients, as the answer to a query does,
//! is as many records. A body that does not begin with a header is [`WhyUnknown::Unparsable`].

use super::Tally;
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};

/// Counts messages, and the distinct patients in them: the first component of `PID-3`.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about what was read")]
pub struct Hl7v2Scanner {
    /// The beginning of the segment, as far as it is needed.
    head: Vec<u8>,
    /// The segment is one that matters no further.
    passed: bool,
    delimiters: Delimiters,
    begun: bool,
    messages: u64,
    /// `PID` segments of this message.
    named: u64,
    further: u64,
    patients: Patients,
    /// A patient without an identifier.
    unnamed: bool,
    broken: bool,
}

#[derive(Debug, Clone, Copy)]
struct Delimiters {
    field: u8,
    component: u8,
    repetition: u8,
    subcomponent: u8,
}

/// `PID-1` to `PID-3` are short; what is longer is not read.
const HEAD_BYTES_MAX: usize = 4096;

/// Those of nearly every message.
const USUAL: Delimiters = Delimiters { field: b'|', component: b'^', repetition: b'~', subcomponent: b'&' };

impl Default for Hl7v2Scanner {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            passed: false,
            delimiters: USUAL,
            begun: false,
            messages: 0,
            named: 0,
            further: 0,
            patients: Patients::default(),
            unnamed: false,
            broken: false,
        }
    }
}

impl Hl7v2Scanner {
    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.patients
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() && !self.broken {
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            self.keep(part);
            if end.is_some() {
                self.end_segment();
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.broken {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let begun = u64::from(!self.passed && is_header(&self.head, *b"MSH"));
        let patients = if self.unnamed { UNNAMED } else { self.patients.so_far() };
        Tally { records: Count::AtLeast(self.records() + begun), patients }
    }

    /// The last segment is complete.
    pub fn finish(&mut self) -> Tally {
        self.end_segment();
        if self.broken {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let patients = if self.unnamed { UNNAMED } else { self.patients.count() };
        Tally { records: Count::Exactly(self.records()), patients }
    }

    const fn records(&self) -> u64 {
        self.messages + self.further
    }

    fn keep(&mut self, part: &[u8]) {
        if self.passed {
            return;
        }
        let mut part = part;
        if self.head.is_empty() {
            let blank = part.iter().take_while(|byte| is_blank(**byte)).count();
            part = part.get(blank..).unwrap_or_default();
        }
        let room = HEAD_BYTES_MAX - self.head.len().min(HEAD_BYTES_MAX);
        self.head.extend_from_slice(part.get(..room).unwrap_or(part));
        let is_wanted = |name: &[u8]| self.head.iter().zip(name).all(|(byte, wanted)| byte == wanted);
        self.passed = self.begun && !is_wanted(b"MSH") && !is_wanted(b"PID");
    }

    fn end_segment(&mut self) {
        let head = std::mem::take(&mut self.head);
        let passed = std::mem::take(&mut self.passed);
        if head.is_empty() || passed {
            return;
        }
        if is_header(&head, *b"MSH") {
            self.messages += 1;
            self.named = 0;
            self.begin(&head);
        } else if !self.begun {
            let is_batch = is_header(&head, *b"FHS") || is_header(&head, *b"BHS");
            if is_batch { self.begin(&head) } else { self.broken = true }
        } else if head.starts_with(b"PID") && head.get(3) == Some(&self.delimiters.field) {
            self.patient(&head);
        }
    }

    fn begin(&mut self, header: &[u8]) {
        self.begun = true;
        let [field, component, repetition, _, rest @ ..] = header.get(3..).unwrap_or_default() else {
            self.delimiters = USUAL;
            return;
        };
        // Without subcomponents the field ends here.
        let subcomponent = rest.first().filter(|byte| *byte != field).copied().unwrap_or(*component);
        self.delimiters =
            Delimiters { field: *field, component: *component, repetition: *repetition, subcomponent };
    }

    fn patient(&mut self, segment: &[u8]) {
        // Before any message it stands for one.
        self.further += u64::from(self.named > 0 || self.messages == 0);
        self.named += 1;
        let Delimiters { field, component, repetition, subcomponent } = self.delimiters;
        let mut fields = segment.split(|byte| *byte == field);
        let identifiers = fields.nth(3).unwrap_or_default();
        // A field that goes on where reading ended is not known.
        let is_whole = segment.len() < HEAD_BYTES_MAX || fields.next().is_some();
        let ends = [component, repetition, subcomponent];
        let first = identifiers.split(|byte| ends.contains(byte)).next().unwrap_or_default().trim_ascii();
        // `""` says that there is none (chapter 2, null).
        if !is_whole || first.is_empty() || first == b"\"\"" {
            self.unnamed = true;
        } else {
            self.patients.name(first);
        }
    }
}

const UNNAMED: Count = Count::Unknown(WhyUnknown::Unparsable);

/// Space and what frames a message on the wire: VT before it, FS behind it.
const fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0x0B | 0x1C)
}

/// Whether a segment is that header, with a delimiter behind its name.
fn is_header(segment: &[u8], name: [u8; 3]) -> bool {
    let delimiter = segment.strip_prefix(&name).and_then(|rest| rest.first());
    delimiter.is_some_and(|byte| !byte.is_ascii_alphanumeric())
}
