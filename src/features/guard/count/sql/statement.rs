//! What the tokens of a dump mean: which of its statements hold rows, and where in them a patient is named.

use super::lexer::{Broken, TEXT_BYTES_MAX, Token};
use super::place::{Before, CopyHead, Copying, Place, Said, Target};
use crate::domain::count::{Count, WhyUnknown};
use crate::features::guard::count::patients::Patients;

/// Statements that hold no rows.
const WITHOUT_ROWS: &[&str] = &[
    "alter", "analyze", "begin", "comment", "commit", "create", "drop", "flush", "grant", "lock", "optimize",
    "pragma", "revoke", "select", "set", "start", "truncate", "unlock", "use", "vacuum",
];

/// What may stand between `INSERT` and `VALUES` beside a name and columns.
const NO_VALUES: &[&str] = &["default", "exec", "execute", "select", "set", "table", "with"];

/// Whether somebody reads the text of what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Text,
    Keywords,
}

#[derive(Debug)]
pub(super) struct Statement {
    place: Place,
    column: Option<Box<str>>,
    /// Whether a backslash escapes in a string, once the dump shows it.
    escapes: Option<bool>,
    /// What ends a statement, if it is not a semicolon, and how much of it was there.
    delimiter: Box<[u8]>,
    delimited: usize,
    /// Of the statement with columns: which names the patient.
    target: Target,
    field: usize,
    kept: Vec<u8>,
    copy: Copying,
    rows: u64,
    patients: Patients,
    /// Some rows named patients.
    named: bool,
    /// Some rows did not say which columns they have.
    blind: bool,
}

impl Statement {
    pub(super) fn new(column: Option<&str>) -> Self {
        Self {
            place: Place::Between,
            column: column.map(Into::into),
            escapes: None,
            delimiter: Box::from(*b";"),
            delimited: 0,
            target: Target::NoColumns,
            field: 0,
            kept: Vec::new(),
            copy: Copying::default(),
            rows: 0,
            patients: Patients::default(),
            named: false,
            blind: false,
        }
    }

    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.patients
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn patients(&self) -> Count {
        match self.column {
            None => Count::NotCounted,
            Some(_) if self.blind || self.rows > 0 && !self.named => Count::Unknown(WhyUnknown::Unparsable),
            Some(_) => self.patients.count(),
        }
    }

    pub(super) const fn is_between(&self) -> bool {
        matches!(self.place, Place::Between)
    }

    /// Whether what comes is the command of a line of `psql`.
    pub(super) const fn is_command(&self) -> bool {
        matches!(self.place, Place::Command)
    }

    pub(super) const fn has_escapes(&self) -> Option<bool> {
        self.escapes
    }

    /// The dump shows whether a backslash escapes. Two answers are none.
    pub(super) fn escapes(&mut self, escapes: bool) -> Result<(), Broken> {
        if self.escapes.is_some_and(|known| known != escapes) {
            return Err(Broken);
        }
        self.escapes = Some(escapes);
        Ok(())
    }

    pub(super) fn wants(&self) -> Wants {
        let wanted = match self.place {
            Place::Columns(_) | Place::Skipped(_) => true,
            Place::Row(_) => self.target == Target::At(self.field),
            Place::Between
            | Place::Insert(_)
            | Place::Copy(_)
            | Place::Rows(_)
            | Place::Tail
            | Place::Command => false,
        };
        if wanted { Wants::Text } else { Wants::Keywords }
    }

    /// `DELIMITER` was said.
    pub(super) fn delimit(&mut self, by: &[u8]) -> Result<(), Broken> {
        if by.is_empty() || !by.iter().all(u8::is_ascii_punctuation) || by.contains(&b'#') {
            return Err(Broken);
        }
        self.delimiter = by.into();
        Ok(())
    }

    pub(super) fn token(&mut self, token: Token<'_>) -> Result<(), Broken> {
        if self.ends(token) {
            return self.end();
        }
        if self.is_between() {
            self.target = Target::NoColumns;
        }
        self.place = match self.place {
            Place::Between => begin(token)?,
            Place::Skipped(said) => self.skip(said, token)?,
            Place::Insert(after_system) => self.insert(after_system, token)?,
            Place::Copy(head) => self.copy_head(head, token)?,
            Place::Columns(of_copy) => self.columns(of_copy, token)?,
            Place::Rows(before) => self.between_rows(before, token)?,
            Place::Row(depth) => self.row(depth, token)?,
            Place::Tail => Place::Tail,
            Place::Command => command(token)?,
        };
        Ok(())
    }

    /// Whether the statement ends with this sign.
    fn ends(&mut self, token: Token<'_>) -> bool {
        let Token::Sign(byte, follows) = token else {
            self.delimited = 0;
            return false;
        };
        if !follows {
            self.delimited = 0;
        }
        self.delimited = match self.delimiter.get(self.delimited) {
            Some(wanted) if *wanted == byte => self.delimited + 1,
            _ => usize::from(self.delimiter.first() == Some(&byte)),
        };
        let ends = self.delimited == self.delimiter.len();
        if ends {
            self.delimited = 0;
        }
        ends
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.place = match self.place {
            Place::Between | Place::Skipped(_) | Place::Rows(Before::Another) | Place::Tail => Place::Between,
            Place::Copy(CopyHead::Stdin) => Place::Copy(CopyHead::Ready),
            Place::Insert(_)
            | Place::Copy(_)
            | Place::Columns(_)
            | Place::Rows(_)
            | Place::Row(_)
            | Place::Command => {
                return Err(Broken);
            }
        };
        Ok(())
    }

    /// The input has ended: what a client would run without a semicolon may stand last.
    pub(super) fn finish(&self) -> Result<(), Broken> {
        match self.place {
            Place::Between | Place::Skipped(_) | Place::Rows(Before::Another) | Place::Tail => Ok(()),
            Place::Insert(_)
            | Place::Copy(_)
            | Place::Columns(_)
            | Place::Rows(_)
            | Place::Row(_)
            | Place::Command => Err(Broken),
        }
    }

    fn skip(&mut self, said: Said, token: Token<'_>) -> Result<Place, Broken> {
        Ok(Place::Skipped(match (said, token) {
            // Rows where none are looked for. In a routine they are its own.
            (Said::Values, Token::Sign(b'(', _)) if *self.delimiter == *b";" => return Err(Broken),
            (Said::StringsAre, Token::Word(word)) => {
                self.escapes(!word.eq_ignore_ascii_case(b"on"))?;
                Said::Nothing
            }
            (Said::Strings, Token::Sign(b'=', _)) => Said::StringsAre,
            (_, Token::Word(word)) if is_any(word, &["values"]) => Said::Values,
            (Said::Values, Token::Word(word)) if is_any(word, &["row"]) => Said::Values,
            (_, Token::Word(word)) if is_any(word, &["standard_conforming_strings"]) => Said::Strings,
            (_, Token::Word(text) | Token::Quoted(text)) if holds(text, b"NO_BACKSLASH_ESCAPES") => {
                return Err(Broken);
            }
            (_, Token::Word(_) | Token::Quoted(_) | Token::Sign(..)) => Said::Nothing,
        }))
    }

    fn insert(&mut self, after_system: bool, token: Token<'_>) -> Result<Place, Broken> {
        match token {
            Token::Word(word) if is_any(word, NO_VALUES) => Err(Broken),
            Token::Word(word) if is_any(word, &["values"]) || is_any(word, &["value"]) && !after_system => {
                self.blind |= self.target == Target::NoColumns && self.column.is_some();
                Ok(Place::Rows(Before::First))
            }
            Token::Word(word) => Ok(Place::Insert(is_any(word, &["system", "user"]))),
            Token::Quoted(_) => Ok(Place::Insert(false)),
            Token::Sign(b'(', _) if self.target == Target::NoColumns => Ok(self.open_columns(false)),
            Token::Sign(..) => Err(Broken),
        }
    }

    fn open_columns(&mut self, of_copy: bool) -> Place {
        self.target = Target::NotAmong;
        self.field = 0;
        Place::Columns(of_copy)
    }

    fn columns(&mut self, of_copy: bool, token: Token<'_>) -> Result<Place, Broken> {
        match token {
            Token::Word(name) | Token::Quoted(name) => {
                let is_wanted =
                    self.column.as_ref().is_some_and(|wanted| name.eq_ignore_ascii_case(wanted.as_bytes()));
                if is_wanted {
                    self.target = Target::At(self.field);
                    self.named = true;
                }
            }
            Token::Sign(b',', _) => self.field += 1,
            Token::Sign(b')', _) if of_copy => return Ok(Place::Copy(CopyHead::Name)),
            Token::Sign(b')', _) => return Ok(Place::Insert(false)),
            Token::Sign(..) => return Err(Broken),
        }
        Ok(Place::Columns(of_copy))
    }

    fn between_rows(&mut self, before: Before, token: Token<'_>) -> Result<Place, Broken> {
        match (before, token) {
            (Before::First | Before::Comma, Token::Sign(b'(', _)) => {
                self.field = 0;
                self.kept.clear();
                self.rows += 1;
                Ok(Place::Row(1))
            }
            (Before::First | Before::Comma, Token::Word(word)) if is_any(word, &["row"]) => {
                Ok(Place::Rows(before))
            }
            (Before::Another, Token::Sign(b',', _)) => Ok(Place::Rows(Before::Comma)),
            (Before::Another, Token::Word(word)) if is_any(word, &["on", "returning", "as"]) => {
                Ok(Place::Tail)
            }
            (_, Token::Word(_) | Token::Quoted(_) | Token::Sign(..)) => Err(Broken),
        }
    }

    fn row(&mut self, depth: usize, token: Token<'_>) -> Result<Place, Broken> {
        let is_wanted = self.target == Target::At(self.field);
        match token {
            Token::Word(text) if is_wanted && !is_any(text, &["null"]) => self.keep(text)?,
            Token::Quoted(text) if is_wanted => self.keep(text)?,
            Token::Sign(b'(', _) => return Ok(Place::Row(depth + 1)),
            Token::Sign(b')', _) if depth > 1 => return Ok(Place::Row(depth - 1)),
            Token::Sign(b')', _) => {
                self.end_field();
                return Ok(Place::Rows(Before::Another));
            }
            Token::Sign(b',', _) if depth == 1 => self.end_field(),
            Token::Sign(b';', _) => return Err(Broken),
            Token::Sign(byte, _) if is_wanted => self.keep(&[byte])?,
            Token::Word(_) | Token::Quoted(_) | Token::Sign(..) => {}
        }
        Ok(Place::Row(depth))
    }

    fn keep(&mut self, text: &[u8]) -> Result<(), Broken> {
        if self.kept.len() + text.len() > TEXT_BYTES_MAX {
            return Err(Broken);
        }
        self.kept.extend_from_slice(text);
        Ok(())
    }

    fn end_field(&mut self) {
        if self.target == Target::At(self.field) {
            self.patients.name(&self.kept);
            self.kept.clear();
        }
        self.field += 1;
    }

    fn copy_head(&mut self, head: CopyHead, token: Token<'_>) -> Result<Place, Broken> {
        let next = match (head, token) {
            (CopyHead::Name, Token::Sign(b'(', _)) if self.target == Target::NoColumns => {
                return Ok(self.open_columns(true));
            }
            (CopyHead::Name, Token::Word(word)) if is_any(word, &["from"]) => CopyHead::From,
            (CopyHead::Name, Token::Word(_) | Token::Quoted(_)) => CopyHead::Name,
            (CopyHead::From, Token::Word(word)) if is_any(word, &["stdin"]) => CopyHead::Stdin,
            (_, Token::Word(_) | Token::Quoted(_) | Token::Sign(..)) => return Err(Broken),
        };
        Ok(Place::Copy(next))
    }

    /// A line ends where rows of `COPY` may begin.
    pub(super) fn copy_begins(&mut self) -> bool {
        let begins = self.place == Place::Copy(CopyHead::Ready);
        if begins {
            self.blind |= self.target == Target::NoColumns && self.column.is_some();
            self.kept.clear();
        }
        begins
    }

    pub(super) fn copy_part(&mut self, part: &[u8]) -> Result<(), Broken> {
        self.copy.any |= !part.is_empty();
        if self.copy.field == 0 && self.copy.beginning.len() < 4 {
            self.copy.beginning.extend(part.iter().take(4));
        }
        if self.target == Target::At(self.copy.field) { self.keep(part) } else { Ok(()) }
    }

    pub(super) fn copy_field_ends(&mut self) {
        if self.target == Target::At(self.copy.field) {
            if self.kept != b"\\N" {
                self.patients.name(&self.kept);
            }
            self.kept.clear();
        }
        self.copy.field += 1;
        self.copy.any = true;
    }

    /// A line of `COPY` ends; whether it was the last.
    pub(super) fn copy_line_ends(&mut self) -> bool {
        let is_end = self.copy.field == 0 && matches!(&*self.copy.beginning, b"\\." | b"\\.\r");
        if is_end {
            self.kept.clear();
            self.place = Place::Between;
        } else {
            if self.kept.last() == Some(&b'\r') {
                self.kept.pop();
            }
            self.copy_field_ends();
            self.rows += 1;
        }
        self.copy = Copying::default();
        is_end
    }

    /// The input ends among the rows of `COPY`, which is their end too.
    pub(super) fn copy_ends(&mut self) {
        if self.copy.any {
            self.copy_line_ends();
        }
        self.place = Place::Between;
    }
}

fn begin(token: Token<'_>) -> Result<Place, Broken> {
    match token {
        Token::Word(word) if is_any(word, &["insert", "replace"]) => Ok(Place::Insert(false)),
        Token::Word(word) if is_any(word, &["copy"]) => Ok(Place::Copy(CopyHead::Name)),
        Token::Word(word) if is_any(word, WITHOUT_ROWS) => Ok(Place::Skipped(Said::Nothing)),
        Token::Sign(b'\\', _) => Ok(Place::Command),
        Token::Word(_) | Token::Quoted(_) | Token::Sign(..) => Err(Broken),
    }
}

/// Of the commands of `psql` those that `pg_dump` writes; `\copy` would be followed by rows.
fn command(token: Token<'_>) -> Result<Place, Broken> {
    match token {
        Token::Word(word) if is_any(word, &["connect", "restrict", "unrestrict"]) => Ok(Place::Between),
        Token::Word(_) | Token::Quoted(_) | Token::Sign(..) => Err(Broken),
    }
}

fn is_any(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|candidate| word.eq_ignore_ascii_case(candidate.as_bytes()))
}

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}
