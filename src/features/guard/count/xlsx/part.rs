//! What a part of a workbook is, by its root element.

use crate::domain::reply_shape::ElementPath;
use crate::features::guard::count::xml::XmlScanner;

/// One part.
#[derive(Debug)]
pub(super) enum Part {
    /// Its first bytes, as long as the root did not come.
    Begun(Vec<u8>),
    /// Rows are counted in it.
    Rows { root: Root, scanner: Box<XmlScanner> },
    /// It is no XML.
    Binary,
    /// It has no rows.
    Passed,
    /// It could have rows that are not counted.
    Refused,
}

/// A root whose rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// A sheet (section 18.3).
    Sheet,
    /// What a pivot table keeps of its source (section 18.10).
    Cache,
}

/// A root that comes later is none.
const LEAD_BYTES_MAX: usize = 8 * 1024;

impl Default for Part {
    fn default() -> Self {
        Self::Begun(Vec::new())
    }
}

impl Part {
    pub(super) fn push(&mut self, piece: &[u8]) {
        match self {
            Self::Rows { scanner, .. } => scanner.push(piece),
            Self::Begun(lead) => {
                let room = LEAD_BYTES_MAX - lead.len().min(LEAD_BYTES_MAX);
                let (part, rest) = piece.split_at_checked(room).unwrap_or((piece, &[]));
                lead.extend_from_slice(part);
                let is_full = lead.len() == LEAD_BYTES_MAX;
                if let Some(mut known) = classify(lead, is_full) {
                    known.push(rest);
                    *self = known;
                }
            }
            Self::Binary | Self::Passed | Self::Refused => {}
        }
    }

    /// How many records it has come to.
    pub(super) fn rows_so_far(&self, header: bool) -> u64 {
        match self {
            Self::Rows { root, scanner } => root.records(scanner.so_far().records.at_least(), header),
            Self::Begun(_) | Self::Binary | Self::Passed | Self::Refused => 0,
        }
    }
}

impl Root {
    pub(super) fn records(self, rows: u64, header: bool) -> u64 {
        match self {
            Self::Sheet => rows.saturating_sub(u64::from(header)),
            Self::Cache => rows,
        }
    }

    fn part(self, lead: &[u8]) -> Part {
        let path = match self {
            Self::Sheet => "/*/sheetData/row",
            Self::Cache => "/pivotCacheRecords/r",
        };
        let Some(path) = ElementPath::read(path) else { return Part::Refused };
        let scanner = XmlScanner::new(&path, None);
        let mut scanner = Box::new(match self {
            Self::Sheet => scanner.with_text(),
            Self::Cache => scanner,
        });
        scanner.push(lead);
        Part::Rows { root: self, scanner }
    }
}

/// What a part is that begins so; none as long as more has to come.
fn classify(lead: &[u8], is_full: bool) -> Option<Part> {
    let text = match lead {
        // Text in UTF-16 is not read here; pictures begin so too.
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => return Some(Part::Binary),
        _ if b"\xEF\xBB\xBF".starts_with(lead) => return None,
        _ => lead.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(lead),
    };
    match root(text) {
        Ok(Some(name)) => Some(match name {
            b"worksheet" | b"macrosheet" | b"dialogsheet" => Root::Sheet.part(text),
            b"pivotCacheRecords" => Root::Cache.part(text),
            // It keeps what was in the cells that it refers to.
            b"externalLink" => Part::Refused,
            _ => Part::Passed,
        }),
        Ok(None) if is_full => Some(Part::Refused),
        Ok(None) => None,
        Err(NoXml) => Some(Part::Binary),
    }
}

/// What begins so is no XML, or has a document type.
struct NoXml;

/// The local name of the root, once it is complete.
fn root(text: &[u8]) -> Result<Option<&[u8]>, NoXml> {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [] | [b'<'] | [b'<', b'!'] | [b'<', b'!', b'-'] => return Ok(None),
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', ..] => return Err(NoXml),
            [b'<', inside @ ..] => {
                let end = inside.iter().position(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte));
                let name = end.and_then(|end| inside.get(..end));
                return Ok(name.map(|name| name.rsplit(|byte| *byte == b':').next().unwrap_or(name)));
            }
            _ => return Err(NoXml),
        };
        let Some(at) = rest.windows(end.len()).position(|part| part == end) else { return Ok(None) };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
}
