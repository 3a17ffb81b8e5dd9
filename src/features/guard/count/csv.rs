//! Records of CSV: the rows after the header (RFC 4180).
//!
//! Rows end in CR, LF or CRLF; a blank line is no row; a field may be quoted and then hold delimiters, doubled
//! quotes and line ends; a quote inside a field that does not begin with one is itself. A quote that never
//! closes is [`WhyUnknown::Unparsable`]. So are a zero byte ([`WhyUnknown::Mismatch`]), and a header or a patient's
//! field beyond all measure. Where the column of the patient is not in the header, the rows are known and the
//! patients are not.

use super::Tally;
use super::patients::Patients;
use super::scan::any_of;
use crate::domain::count::{Count, WhyUnknown};

/// Counts rows, and the distinct values of one column.
#[derive(Debug)]
pub struct CsvScanner {
    delimiter: Option<u8>,
    header: bool,
    column: Option<Box<str>>,
    /// The first line, until its delimiter is known.
    first_line: Vec<u8>,
    place: Place,
    /// Which field of the row this is, and whether anything of the row came.
    field: usize,
    /// The header is being read.
    in_header: bool,
    patient_field: PatientField,
    /// What is kept of the field being read.
    kept: Vec<u8>,
    rows: u64,
    patients: Patients,
    broken: Option<WhyUnknown>,
}

/// Where in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first byte of a row.
    Row,
    /// Before the first byte of a further field.
    Field,
    /// In a field without quotes.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote in a quoted field: its end, or the first of two.
    Closing,
}

/// Where the patient stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatientField {
    NotAsked,
    Unknown,
    At(usize),
}

/// A first line, a header or a patient's field that is longer is refused.
const FIELD_BYTES_MAX: usize = 64 * 1024;

const DELIMITERS: [u8; 4] = *b",;\t|";

impl CsvScanner {
    /// A scanner for rows whose fields stand between `delimiter`s (`None`: read off the first line), after a
    /// `header`, and whose column `patient` names the patient.
    pub fn new(delimiter: Option<u8>, header: bool, patient: Option<&str>) -> Self {
        Self {
            delimiter,
            header,
            column: patient.map(Into::into),
            first_line: Vec::new(),
            place: Place::Row,
            field: 0,
            in_header: header,
            patient_field: if patient.is_some() { PatientField::Unknown } else { PatientField::NotAsked },
            kept: Vec::new(),
            rows: 0,
            patients: Patients::default(),
            broken: None,
        }
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.patients
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.broken.is_some() || piece.is_empty() {
            return;
        }
        if memchr::memchr(0, piece).is_some() {
            self.broken = Some(WhyUnknown::Mismatch);
            return;
        }
        match self.delimiter {
            Some(delimiter) => self.scan(piece, delimiter),
            None => self.sniff(piece),
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match self.broken {
            Some(why) => Tally::unknown(why),
            None => Tally { records: Count::AtLeast(self.records()), patients: self.count(Patients::so_far) },
        }
    }

    /// The last row is complete.
    pub fn finish(&mut self) -> Tally {
        if self.delimiter.is_none() {
            self.open();
        }
        if self.broken.is_none() && self.place == Place::Quoted {
            self.broken = Some(WhyUnknown::Unparsable);
        }
        if self.place != Place::Row {
            self.end_field();
            self.end_row();
        }
        match self.broken {
            Some(why) => Tally::unknown(why),
            None => Tally { records: Count::Exactly(self.records()), patients: self.count(Patients::count) },
        }
    }

    fn records(&self) -> u64 {
        let begun = u64::from(self.place != Place::Row);
        (self.rows + begun).saturating_sub(u64::from(self.header))
    }

    fn count(&self, count: impl Fn(&Patients) -> Count) -> Count {
        match self.patient_field {
            PatientField::NotAsked => Count::NotCounted,
            PatientField::Unknown if self.rows == 0 => count(&self.patients),
            PatientField::Unknown => Count::Unknown(WhyUnknown::Unparsable),
            PatientField::At(_) => count(&self.patients),
        }
    }

    fn sniff(&mut self, piece: &[u8]) {
        let line_end = memchr::memchr2(b'\n', b'\r', piece);
        let (line, rest) = piece.split_at_checked(line_end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        self.first_line.extend_from_slice(line);
        if self.first_line.len() > FIELD_BYTES_MAX {
            self.broken = Some(WhyUnknown::Unparsable);
        } else if line_end.is_some() {
            if self.first_line.is_empty() {
                // Blank lines before the header say nothing.
                let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
                return self.push(rest.get(blank..).unwrap_or_default());
            }
            self.open();
            self.push(rest);
        }
    }

    /// The first line is complete: takes the delimiter from it, and reads it.
    fn open(&mut self) {
        let line = std::mem::take(&mut self.first_line);
        // Spreadsheets read `sep=;` as the delimiter of what follows, not as a row.
        if let Some([delimiter]) = line.strip_prefix(b"sep=") {
            self.delimiter = Some(*delimiter);
            return;
        }
        let delimiter = likely_delimiter(&line);
        self.delimiter = Some(delimiter);
        self.scan(&line, delimiter);
    }

    fn scan(&mut self, piece: &[u8], delimiter: u8) {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            match self.place {
                Place::Row if matches!(byte, b'\n' | b'\r') => rest = after,
                Place::Row | Place::Field if byte == b'"' => {
                    self.place = Place::Quoted;
                    rest = after;
                }
                Place::Row | Place::Field | Place::Plain => rest = self.plain(rest, delimiter),
                Place::Quoted => rest = self.quoted(rest),
                Place::Closing => rest = self.closing(byte, rest, after),
            }
        }
    }

    fn quoted<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'"', rest);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part);
        if end.is_some() {
            self.place = Place::Closing;
        }
        after.get(1..).unwrap_or_default()
    }

    /// After a quote in a quoted field. A second one is a quote; anything else goes on without quotes, as
    /// spreadsheets and every common reader take it.
    fn closing<'a>(&mut self, byte: u8, rest: &'a [u8], after: &'a [u8]) -> &'a [u8] {
        if byte == b'"' {
            self.keep(b"\"");
            self.place = Place::Quoted;
            return after;
        }
        self.place = Place::Plain;
        rest
    }

    /// In a field without quotes, up to and with what ends it.
    fn plain<'a>(&mut self, rest: &'a [u8], delimiter: u8) -> &'a [u8] {
        self.place = Place::Plain;
        if !self.fields_matter() {
            return self.plain_row(rest, delimiter);
        }
        let end = any_of(rest, [delimiter, b'\n', b'\r']);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part);
        match after.first() {
            None => {}
            Some(b'\n' | b'\r') => {
                self.end_field();
                self.end_row();
            }
            Some(_) => {
                self.end_field();
                self.place = Place::Field;
            }
        }
        after.get(1..).unwrap_or_default()
    }

    /// Whether a field that somebody asks for is this one or still to come in this row.
    fn fields_matter(&self) -> bool {
        match self.patient_field {
            PatientField::NotAsked => false,
            PatientField::Unknown => self.in_header,
            PatientField::At(field) => self.field <= field,
        }
    }

    /// Where nobody asks for a field, only the ends of rows matter, and quotes that begin a field.
    fn plain_row<'a>(&mut self, rest: &'a [u8], delimiter: u8) -> &'a [u8] {
        let mut from = 0;
        while let Some(hit) = memchr::memchr3(b'"', b'\n', b'\r', rest.get(from..).unwrap_or_default()) {
            let at = from + hit;
            let after = rest.get(at + 1..).unwrap_or_default();
            if rest.get(at) != Some(&b'"') {
                self.end_row();
                return after;
            }
            // A field cannot begin at the first byte here but after a delimiter in this same stretch: the
            // others were seen by `scan`.
            if at.checked_sub(1).and_then(|before| rest.get(before)) == Some(&delimiter) {
                self.place = Place::Quoted;
                return after;
            }
            from = at + 1;
        }
        if rest.last() == Some(&delimiter) {
            self.place = Place::Field;
        }
        &[]
    }

    fn keep(&mut self, part: &[u8]) {
        let wanted = match self.patient_field {
            PatientField::NotAsked => false,
            PatientField::Unknown => self.in_header,
            PatientField::At(field) => field == self.field,
        };
        if !wanted {
            return;
        }
        if self.kept.len() + part.len() > FIELD_BYTES_MAX {
            self.broken = Some(WhyUnknown::Unparsable);
        } else {
            self.kept.extend_from_slice(part);
        }
    }

    fn end_field(&mut self) {
        if self.patient_field != PatientField::NotAsked {
            if self.in_header {
                let is_wanted = self
                    .column
                    .as_deref()
                    .is_some_and(|name| self.kept.trim_ascii() == name.trim().as_bytes());
                if is_wanted && self.patient_field == PatientField::Unknown {
                    self.patient_field = PatientField::At(self.field);
                    self.kept.clear();
                }
            } else if self.patient_field == PatientField::At(self.field) {
                self.patients.name(self.kept.trim_ascii());
            }
            self.kept.clear();
        }
        self.field += 1;
    }

    fn end_row(&mut self) {
        self.rows += 1;
        self.field = 0;
        self.in_header = false;
        self.place = Place::Row;
    }
}

/// The one of the usual delimiters that stands most often outside of quotes.
pub(in crate::features::guard) fn likely_delimiter(line: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
            *count += usize::from(!quoted && *byte == delimiter);
        }
    }
    let mut best = (0, b',');
    for (count, delimiter) in counts.into_iter().zip(DELIMITERS) {
        if count > best.0 {
            best = (count, delimiter);
        }
    }
    best.1
}
