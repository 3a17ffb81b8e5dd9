//! CSV that passes as it is written, but for the columns that are withheld.
//!
//! Read as records are counted (RFC 4180 and what spreadsheets write). A row leaves once it has ended and has as many
//! fields as the header: in one that has more or fewer, what stands in a column cannot be known. So cannot it where the header does
//! not name a column that is to be withheld.

use super::Fault;
use crate::domain::field::{MARK, Place};
use crate::features::guard::count::likely_delimiter;

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Rows {
    delimiter: Option<u8>,
    /// The names of the columns, folded.
    columns: Vec<String>,
    place: At,
    /// What of this row passes, so far.
    row: Vec<u8>,
    /// Where in it this field begins.
    begins: usize,
    is_quoted: bool,
    /// Which field of the row this is.
    field: usize,
    /// For each column whether it is withheld; none until the header has ended.
    header: Option<Vec<bool>>,
    /// The names of the header that is being read.
    names: Vec<String>,
    values: u64,
    /// How many rows pass behind the header; none: all.
    keep: Option<u64>,
    /// How many have come behind the header.
    came: u64,
}

/// Where in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before its first byte.
    Row,
    /// Before the first byte of a further field.
    Field,
    /// In a field without quotes, or behind those of one.
    Plain,
    /// Inside of quotes.
    Quoted,
    /// After a quote: the end of the field, or the first of two.
    Closing,
}

/// A row is no longer than this.
const ROW_BYTES_MAX: usize = 1024 * 1024;

impl Rows {
    pub(super) fn new<'p>(delimiter: Option<u8>, places: impl Iterator<Item = &'p Place>) -> Self {
        let column =
            |place: &'p Place| if let Place::Column(name) = place { Some(folded(name)) } else { None };
        Self {
            delimiter,
            columns: places.filter_map(column).collect(),
            place: At::Row,
            row: Vec::new(),
            begins: 0,
            is_quoted: false,
            field: 0,
            header: None,
            names: Vec::new(),
            values: 0,
            keep: None,
            came: 0,
        }
    }

    /// Leaves out what comes after so many rows.
    pub(super) const fn keep_first(&mut self, rows: u64) {
        self.keep = Some(rows);
    }

    /// Whether nothing passes any more.
    fn is_past(&self) -> bool {
        self.keep.is_some_and(|keep| self.came > keep)
    }

    /// How many values were taken out.
    pub(super) const fn values(&self) -> u64 {
        self.values
    }

    /// Reads the next piece, and writes what passes of it.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if memchr::memchr(0, piece).is_some() {
            return Err(Fault::Malformed);
        }
        match self.delimiter {
            Some(delimiter) => self.read(piece, delimiter, out),
            None => self.sniff(piece, out),
        }
    }

    /// The last row has ended; writes what is left of it.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.delimiter.is_none() {
            let line = std::mem::take(&mut self.row);
            self.open(&line, out)?;
        }
        match self.place {
            At::Row => {}
            At::Quoted => return Err(Fault::Malformed),
            At::Field | At::Plain | At::Closing => self.end_row(out)?,
        }
        Ok(())
    }

    /// Gathers the first line, which tells the delimiter.
    fn sniff(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let end = memchr::memchr2(b'\n', b'\r', piece);
        let (line, rest) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        self.keep(line)?;
        if end.is_none() {
            return Ok(());
        }
        if self.row.is_empty() {
            let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            let (blank, rest) = rest.split_at_checked(blank).unwrap_or((rest, &[]));
            out.extend_from_slice(blank);
            return if rest.is_empty() { Ok(()) } else { self.sniff(rest, out) };
        }
        let line = std::mem::take(&mut self.row);
        self.open(&line, out)?;
        self.push(rest, out)
    }

    fn open(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        // Spreadsheets read `sep=;` as the delimiter of what follows, not as a row.
        if let Some([delimiter]) = line.strip_prefix(b"sep=") {
            self.delimiter = Some(*delimiter);
            out.extend_from_slice(line);
            return Ok(());
        }
        let delimiter = likely_delimiter(line);
        self.delimiter = Some(delimiter);
        self.read(line, delimiter, out)
    }

    fn read(&mut self, piece: &[u8], delimiter: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            match self.place {
                At::Row if matches!(byte, b'\n' | b'\r') => {
                    out.extend(Some(byte).filter(|_| !self.is_past()));
                    rest = after;
                }
                At::Row | At::Field if byte == b'"' => {
                    self.keep(b"\"")?;
                    self.is_quoted = true;
                    self.place = At::Quoted;
                    rest = after;
                }
                At::Quoted => rest = self.quoted(rest)?,
                At::Closing if byte == b'"' => {
                    self.keep(b"\"")?;
                    self.place = At::Quoted;
                    rest = after;
                }
                At::Row | At::Field | At::Plain | At::Closing => rest = self.plain(rest, delimiter, out)?,
            }
        }
        Ok(())
    }

    fn quoted<'p>(&mut self, rest: &'p [u8]) -> Result<&'p [u8], Fault> {
        let end = memchr::memchr(b'"', rest).map(|at| at + 1);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part)?;
        if end.is_some() {
            self.place = At::Closing;
        }
        Ok(after)
    }

    /// Outside of quotes, up to and with what ends the field.
    fn plain<'p>(&mut self, rest: &'p [u8], delimiter: u8, out: &mut Vec<u8>) -> Result<&'p [u8], Fault> {
        self.place = At::Plain;
        let end = memchr::memchr3(delimiter, b'\n', b'\r', rest);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part)?;
        let Some((&byte, after)) = after.split_first() else { return Ok(after) };
        if byte == delimiter {
            self.end_field()?;
            self.keep(&[delimiter])?;
            self.begins = self.row.len();
            self.place = At::Field;
        } else {
            self.end_row(out)?;
            out.extend(Some(byte).filter(|_| !self.is_past()));
        }
        Ok(after)
    }

    fn end_field(&mut self) -> Result<(), Fault> {
        let field = self.row.get(self.begins..).unwrap_or_default();
        match &self.header {
            None => self.names.push(folded(&name(field))),
            Some(header) if header.get(self.field).copied().unwrap_or(false) => {
                let needs_quotes = self.delimiter.is_some_and(|byte| MARK.as_bytes().contains(&byte));
                let quote: &[u8] = if self.is_quoted || needs_quotes { b"\"" } else { b"" };
                self.row.truncate(self.begins);
                let mark = [quote, MARK.as_bytes(), quote].concat();
                self.keep(&mark)?;
                self.values += 1;
            }
            Some(_) => {}
        }
        self.field += 1;
        self.is_quoted = false;
        Ok(())
    }

    fn end_row(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.end_field()?;
        let fields = std::mem::take(&mut self.field);
        match &self.header {
            None => {
                let names = std::mem::take(&mut self.names);
                if !self.columns.iter().all(|column| names.contains(column)) {
                    return Err(Fault::Misfit);
                }
                self.header = Some(names.iter().map(|name| self.columns.contains(name)).collect());
            }
            Some(header) if header.len() != fields => return Err(Fault::Ragged),
            Some(_) => self.came += 1,
        }
        if self.is_past() {
            self.row.clear();
        }
        out.append(&mut self.row);
        self.begins = 0;
        self.place = At::Row;
        Ok(())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.row.len() + part.len() > ROW_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        self.row.extend_from_slice(part);
        Ok(())
    }
}

/// What a field of the header says.
fn name(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let text = text.trim();
    match text.strip_prefix('"') {
        Some(quoted) => {
            let unquoted = quoted.rfind('"').map_or_else(
                || quoted.to_owned(),
                |end| {
                    let (inside, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
                    format!("{inside}{}", after.trim_start_matches('"'))
                },
            );
            unquoted.replace("\"\"", "\"")
        }
        None => text.to_owned(),
    }
}

/// A name as it is compared.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}
