//! Which cells of a table stand in a column that is withheld.
//!
//! A cell may span columns, which are counted. One that spans rows moves what stands in those below it; where that touches a
//! row whose cells are withheld, nobody can say what stands where, and nothing passes.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::super::Fault;
use super::wanted::{Wanted, folded};
use crate::features::guard::count::Element;

/// A table, of which the first row may name its columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    has_header: Cell<bool>,
    headings: RefCell<Vec<Heading>>,
    /// The columns that are withheld by their heading, once a row needed them.
    named: OnceCell<Vec<Range<u32>>>,
}

#[derive(Debug)]
struct Heading {
    first: u32,
    columns: u32,
    text: String,
}

/// A part of a table in which a cell may span rows: what its rows stand in.
#[derive(Debug, Default)]
pub(super) struct Group {
    spans_rows: Cell<bool>,
    is_withheld_of: Cell<bool>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Row {
    table: Option<Rc<Table>>,
    group: Rc<Group>,
    is_header: bool,
    is_record: bool,
    /// How many columns its cells take so far.
    columns: Cell<u32>,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// Withheld.
    Withheld,
    /// What stands at the head of a column: the heading of this number.
    Heading(usize),
    Shown,
}

/// The longest heading that is read.
const HEADING_BYTES_MAX: usize = 4096;
/// The most headings of a table.
const HEADINGS_MAX: usize = 4096;
/// A cell spans no more columns (HTML, section 4.9.11).
const SPAN_MAX: u32 = 1000;

impl Table {
    /// More of the text of a heading.
    pub(super) fn tell(&self, heading: usize, text: &str) {
        let mut headings = self.headings.borrow_mut();
        let Some(heading) = headings.get_mut(heading) else { return };
        if heading.text.len() + text.len() <= HEADING_BYTES_MAX {
            heading.text.push_str(text);
        }
    }

    /// The columns of these names, each of which has to be there: apart from one another, from the first on.
    fn named(&self, names: &[String]) -> Result<&[Range<u32>], Fault> {
        if let Some(known) = self.named.get() {
            return Ok(known);
        }
        let headings = self.headings.borrow();
        let mut columns = Vec::new();
        for name in names {
            let found = headings.iter().filter(|heading| folded(&heading.text) == *name);
            let before = columns.len();
            columns.extend(found.map(|heading| heading.first..heading.first.saturating_add(heading.columns)));
            if columns.len() == before {
                return Err(Fault::Misfit);
            }
        }
        Ok(self.named.get_or_init(|| merged(columns)))
    }
}

impl Row {
    /// A row that begins in this part of this table.
    pub(super) fn new(table: Option<Rc<Table>>, group: Rc<Group>, is_record: bool) -> Result<Self, Fault> {
        if is_record {
            group.is_withheld_of.set(true);
        }
        let is_header = table.as_ref().is_some_and(|table| !table.has_header.replace(true));
        let row = Self { table, group, is_header, is_record, columns: Cell::new(0) };
        row.check_spans()?;
        Ok(row)
    }

    /// The next cell of the row.
    pub(super) fn cell(&self, cell: &Element, wanted: &Wanted) -> Result<Is, Fault> {
        let first = self.columns.get();
        let columns = spanned(cell);
        self.columns.set(first.saturating_add(columns));
        if cell.attribute("rowspan").is_some_and(|rows| rows.trim() != "1") {
            self.group.spans_rows.set(true);
            self.check_spans()?;
        }
        let is_in = |column: &u32| (first..first.saturating_add(columns)).contains(column);
        if self.is_record && wanted.numbers.iter().any(is_in) {
            return Ok(Is::Withheld);
        }
        if self.is_header {
            return self.heading(first, columns);
        }
        if self.is_record && !wanted.names.is_empty() {
            let table = self.table.as_ref().ok_or(Fault::Misfit)?;
            let named = table.named(&wanted.names)?;
            // The first that ends behind where the cell begins.
            let next = named.partition_point(|columns| columns.end <= first);
            if named.get(next).is_some_and(|named| named.start < first.saturating_add(columns)) {
                return Ok(Is::Withheld);
            }
        }
        Ok(Is::Shown)
    }

    /// The table whose heading it tells.
    pub(super) fn table(&self) -> Option<&Rc<Table>> {
        self.table.as_ref()
    }

    /// Whether it has come to its end without a column that is withheld, in which case its cells may stand in others.
    pub(super) fn is_ragged(&self, wanted: &Wanted) -> bool {
        let columns = self.columns.get();
        if !self.is_record || columns == 0 {
            return false;
        }
        let ends_before = |last: u32| last >= columns;
        let named = if wanted.names.is_empty() {
            false
        } else if self.is_header {
            // Of a record that is the head of its table nobody knows what stands where, unless it names the columns itself.
            self.table.as_ref().is_none_or(|table| table.named(&wanted.names).is_err())
        } else {
            let named = self.table.as_ref().and_then(|table| table.named.get()?.last());
            named.is_some_and(|last| ends_before(last.end.saturating_sub(1)))
        };
        named || wanted.numbers.iter().max().is_some_and(|last| ends_before(*last))
    }

    fn heading(&self, first: u32, columns: u32) -> Result<Is, Fault> {
        let Some(table) = &self.table else { return Ok(Is::Shown) };
        let mut headings = table.headings.borrow_mut();
        if headings.len() >= HEADINGS_MAX {
            return Err(Fault::TooLong);
        }
        headings.push(Heading { first, columns, text: String::new() });
        Ok(Is::Heading(headings.len() - 1))
    }

    fn check_spans(&self) -> Result<(), Fault> {
        let is_moved = self.group.spans_rows.get() && self.group.is_withheld_of.get();
        if is_moved { Err(Fault::Ragged) } else { Ok(()) }
    }
}

/// The same columns, none of them twice.
fn merged(mut columns: Vec<Range<u32>>) -> Vec<Range<u32>> {
    columns.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u32>> = Vec::new();
    for range in columns {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// How many columns a cell takes: what is no number is one.
fn spanned(cell: &Element) -> u32 {
    let Some(text) = cell.attribute("colspan") else { return 1 };
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).take(9).collect();
    digits.parse().unwrap_or(1).clamp(1, SPAN_MAX)
}
