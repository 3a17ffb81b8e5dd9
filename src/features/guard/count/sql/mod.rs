//! Rows of a dump: the tuples of `INSERT … VALUES (…),(…)` and the lines of `COPY … FROM stdin`.
//!
//! As `mysqldump`, `mariadb-dump`, phpMyAdmin, Adminer and `pg_dump` write them. Around the rows may stand what makes
//! tables, views and routines, settings and comments. Anything else is [`WhyUnknown::Unparsable`], an `INSERT … SELECT` among
//! it, and so is what databases read in different ways.

mod lexer;
mod place;
mod statement;

use self::lexer::Lexer;
use self::statement::Statement;
use super::Tally;
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};

/// Counts rows of a dump, and the distinct values of one column where the dump names columns.
#[derive(Debug)]
pub struct SqlScanner {
    lexer: Lexer,
    statement: Statement,
    broken: bool,
}

impl SqlScanner {
    /// A scanner for rows whose column `patient` names the patient.
    pub fn new(patient: Option<&str>) -> Self {
        Self { lexer: Lexer::default(), statement: Statement::new(patient), broken: false }
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        self.statement.patients_mut()
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.broken = self.broken || self.lexer.push(piece, &mut self.statement).is_err();
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.broken {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let patients = match self.statement.patients() {
            Count::Exactly(number) => Count::AtLeast(number),
            other @ (Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted) => other,
        };
        Tally { records: Count::AtLeast(self.statement.rows()), patients }
    }

    /// The dump is complete.
    pub fn finish(&mut self) -> Tally {
        self.broken = self.broken || self.lexer.finish(&mut self.statement).is_err();
        if self.broken {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::Exactly(self.statement.rows()), patients: self.statement.patients() }
    }
}
