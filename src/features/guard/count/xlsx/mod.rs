//! Rows of a workbook (ECMA-376, Office Open XML): of all sheets, shown or hidden, that have a value in any cell.
//!
//! What a part of the package is says its root element, not its name, which the package may choose. Rows are counted in
//! every sheet, and in what a pivot table keeps of its source, which can be more than the sheets show. A part that could
//! hold rows in another form (a binary sheet, a data model, what was linked or embedded) makes the number unknown. Text
//! that no cell refers to and that is in the table of texts all the same is no row.

mod part;

use self::part::{Part, Root};
use super::Tally;
use super::zip::{Inside, Walk};
use crate::domain::count::{Count, WhyUnknown};

/// Counts rows.
#[derive(Debug)]
pub struct XlsxScanner {
    walk: Walk,
    parts: Parts,
    broken: Option<WhyUnknown>,
}

#[derive(Debug)]
struct Parts {
    /// The first row of each sheet names the columns.
    header: bool,
    part: Part,
    /// The part may be binary.
    may_be_binary: bool,
    rows: u64,
    sheets: bool,
}

/// Parts that are no XML, and hold no rows: pictures, macros, and what printers were told. In lower case.
const BINARY: [&str; 9] =
    [".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".tiff", ".bmp", "vbaproject.bin"];

const PRINTERS: &str = "xl/printersettings/";

impl XlsxScanner {
    /// A scanner for a workbook whose sheets have a `header`, of which a byte becomes no more than `ratio_max` after the
    /// first MiB.
    pub fn new(header: bool, ratio_max: u32) -> Self {
        let parts = Parts { header, part: Part::default(), may_be_binary: false, rows: 0, sheets: false };
        Self { walk: Walk::new(ratio_max), parts, broken: None }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.broken.is_none() {
            self.broken = self.walk.push(piece, &mut self.parts).err();
        }
    }

    /// How many so far: a lower bound, or already unknown.
    pub fn so_far(&self) -> Tally {
        if let Some(why) = self.broken {
            return Tally::unknown(why);
        }
        let rows = self.parts.rows + self.parts.part.rows_so_far(self.parts.header);
        Tally { records: Count::AtLeast(rows), patients: Count::NotCounted }
    }

    /// The workbook is complete.
    pub fn finish(&mut self) -> Tally {
        if self.broken.is_none() && self.walk.is_empty() {
            return Tally::NONE;
        }
        match self.broken.or_else(|| self.walk.finish().err()) {
            Some(why) => Tally::unknown(why),
            // An archive without a sheet is another kind of document.
            None if !self.parts.sheets => Tally::unknown(WhyUnknown::Mismatch),
            None => Tally { records: Count::Exactly(self.parts.rows), patients: Count::NotCounted },
        }
    }
}

impl Inside for Parts {
    fn begin(&mut self, name: &[u8]) -> Result<(), WhyUnknown> {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        self.may_be_binary = name.starts_with(PRINTERS) || BINARY.iter().any(|end| name.ends_with(end));
        self.part = Part::default();
        Ok(())
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), WhyUnknown> {
        self.part.push(piece);
        match &self.part {
            Part::Rows { scanner, .. } => match scanner.so_far().records {
                Count::Unknown(why) => Err(why),
                Count::Exactly(_) | Count::AtLeast(_) | Count::NotCounted => Ok(()),
            },
            Part::Refused => Err(WhyUnknown::Mismatch),
            Part::Binary if !self.may_be_binary => Err(WhyUnknown::Mismatch),
            Part::Begun(_) | Part::Passed | Part::Binary => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), WhyUnknown> {
        match std::mem::take(&mut self.part) {
            Part::Rows { root, mut scanner } => {
                self.sheets |= root == Root::Sheet;
                match scanner.finish().records {
                    Count::Exactly(rows) => self.rows += root.records(rows, self.header),
                    Count::Unknown(why) => return Err(why),
                    Count::AtLeast(_) | Count::NotCounted => return Err(WhyUnknown::Unparsable),
                }
                Ok(())
            }
            // Its root never came.
            Part::Begun(lead) if !lead.is_empty() && !self.may_be_binary => Err(WhyUnknown::Mismatch),
            Part::Begun(_) | Part::Passed | Part::Binary | Part::Refused => Ok(()),
        }
    }
}
