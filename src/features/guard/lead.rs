//! What the first bytes of a body show.

use super::count::ARCHIVES;
use super::media::Form;
use super::rows::Rows;

/// The first bytes of a body, without the white space and byte order mark before them.
#[derive(Debug)]
pub(super) struct Lead {
    bytes: [u8; LEAD_BYTES_MAX],
    length: usize,
    skipped: usize,
    /// UTF-16, of which every other byte is zero where it matters.
    wide: bool,
    /// What its first lines show, where they matter.
    rows: Option<Rows>,
}

/// Text shows in so many bytes what it is.
const LEAD_BYTES: usize = 16;

/// Some files have their mark further behind. It is looked for in what comes, and waited for only where the first
/// bytes promise one.
const LEAD_BYTES_MAX: usize = 264;

/// What stands behind more white space is not waited for.
const BLANK_BYTES_MAX: usize = 4096;

impl Default for Lead {
    fn default() -> Self {
        Self { bytes: [0; LEAD_BYTES_MAX], length: 0, skipped: 0, wide: false, rows: None }
    }
}

impl Lead {
    /// Rows could come where none are expected.
    pub(super) fn watch_for_rows(&mut self) {
        self.rows = Some(Rows::default());
    }

    /// The head says that it is UTF-16.
    pub(super) const fn widen(&mut self) {
        self.wide = true;
    }

    /// Whether there is nothing more to wait for.
    pub(super) fn is_complete(&self) -> bool {
        let is_told = self.length == LEAD_BYTES_MAX
            || self.length >= LEAD_BYTES && !may_be_marked_further(self.first())
            || self.skipped > BLANK_BYTES_MAX;
        is_told && self.are_rows_told()
    }

    /// Whether nothing that still comes is looked at.
    pub(super) fn is_full(&self) -> bool {
        self.length == LEAD_BYTES_MAX && self.are_rows_told()
    }

    fn are_rows_told(&self) -> bool {
        self.rows.as_ref().is_none_or(Rows::is_decided)
    }

    /// Takes what is missing from the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if self.length == 0 {
            self.wide |= self.skipped == 0 && matches!(rest.first(), Some(0xFE | 0xFF));
            let skippable = |byte: &&u8| {
                byte.is_ascii_whitespace()
                    || matches!(**byte, 0xEF | 0xBB | 0xBF | 0xFE | 0xFF)
                    || self.wide && **byte == 0
            };
            let blank = rest.iter().take_while(skippable).count();
            self.skipped += blank;
            rest = rest.get(blank..).unwrap_or_default();
        }
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        let wide = self.wide;
        let told = || rest.iter().copied().filter(move |byte| !wide || *byte != 0);
        self.length += free.iter_mut().zip(told()).map(|(slot, byte)| *slot = byte).count();
        if let Some(rows) = &mut self.rows {
            rows.push(told());
        }
    }

    /// Whether more than white space and a mark has come.
    pub(super) const fn has_begun(&self) -> bool {
        self.length > 0
    }

    /// What has come has to tell what it is.
    pub(super) fn settle(&mut self) {
        if let Some(rows) = &mut self.rows {
            rows.settle();
        }
    }

    fn first(&self) -> &[u8] {
        self.bytes.get(..self.length.min(LEAD_BYTES)).unwrap_or_default()
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether a body that begins so cannot have this form.
    pub(super) fn contradicts(&self, form: Form) -> bool {
        let lead = self.bytes();
        match form {
            Form::Json => self.is_document() || lead.starts_with(b"<"),
            Form::Rows => {
                self.is_document()
                    || lead.starts_with(b"<")
                    || lead.starts_with(b"{")
                    || lead.starts_with(b"[{")
            }
            // A page begins as it likes, and what else has to begin in one way is read so.
            Form::Page | Form::Xml | Form::Hl7v2 | Form::Multipart => self.is_document(),
            Form::Sql => self.is_packed_or_document(),
            // Its counter looks at its first bytes itself.
            Form::File | Form::Any => false,
        }
    }

    /// Whether a body that begins so is a document, an archive, a database, or rows where none are expected.
    pub(super) fn is_document(&self) -> bool {
        let is_marked = |(at, mark): (usize, &[u8])| self.bytes().get(at..at + mark.len()) == Some(mark);
        self.is_packed_or_document()
            || self.begins(SQL_MAGIC)
            || FURTHER_MAGIC.into_iter().any(is_marked)
            || self.rows.as_ref().is_some_and(Rows::is_table)
    }

    fn is_packed_or_document(&self) -> bool {
        self.begins(ARCHIVES) || self.begins(DOCUMENTS)
    }

    fn begins(&self, magics: &[&[u8]]) -> bool {
        magics.iter().any(|magic| self.bytes().starts_with(magic))
    }
}

/// What is no archive: PDF, OLE (XLS, DOC), RTF, SQLite, Access, Parquet, Avro.
const DOCUMENTS: &[&[u8]] = &[
    b"%PDF",
    b"\xD0\xCF\x11\xE0",
    b"{\\rtf",
    b"SQLite format 3",
    b"PAR1",
    b"\0\x01\0\0Standard ",
    b"Obj\x01",
];

/// SQL dumps.
const SQL_MAGIC: &[&[u8]] = &[
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"/*M!999999\\- ena",
    b"-- PostgreSQL da",
    b"-- phpMyAdmin SQ",
    b"-- Adminer ",
];

/// Whether a body that begins so can have one of the marks that stand further behind: a preamble of nothing or of TIFF, or a
/// name that is filled up. Whatever else is binary, such as a stream of messages, is not waited for.
fn may_be_marked_further(first: &[u8]) -> bool {
    let (name, filling) =
        first.split_at_checked(first.iter().take_while(|byte| **byte != 0).count()).unwrap_or_default();
    let is_filled = !filling.is_empty() && filling.iter().all(|byte| *byte == 0);
    let is_name = name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_filled && is_name || first.starts_with(b"II*\0") || first.starts_with(b"MM\0*")
}

/// DICOM (PS3.10 section 7.1) and tar (POSIX `ustar`), and where their marks stand.
const FURTHER_MAGIC: [(usize, &[u8]); 2] = [(128, b"DICM"), (257, b"ustar")];
