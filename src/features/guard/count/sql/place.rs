//! Where in a dump one is.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    NoColumns,
    NotAmong,
    At(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Between,
    /// In a statement without rows: what its last word means.
    Skipped(Said),
    /// Between `INSERT` and `VALUES`; after `SYSTEM` or `USER`.
    Insert(bool),
    /// Between `COPY` and its rows: how far.
    Copy(CopyHead),
    /// Names of columns, for `INSERT` or `COPY`.
    Columns(bool),
    /// Before a row: whether there was one, and a comma.
    Rows(Before),
    /// In one, at this depth of parentheses.
    Row(usize),
    /// `ON DUPLICATE KEY UPDATE …` and the like.
    Tail,
    /// A line of `psql`, before its command.
    Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Values,
    Strings,
    StringsAre,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopyHead {
    Name,
    From,
    Stdin,
    Ready,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    First,
    Comma,
    Another,
}

/// The line of `COPY` that is read.
#[derive(Debug, Default)]
pub(super) struct Copying {
    pub(super) field: usize,
    /// Enough to see the end.
    pub(super) beginning: Vec<u8>,
    pub(super) any: bool,
}
