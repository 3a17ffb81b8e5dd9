//! `leastway audit`: asks the journal, proves it and hands it on, offline, from its files alone.

mod archive;
mod export;
mod follow;
mod index;
mod key;
mod moment;
mod prove;
mod query;
mod selection;
mod tail;
mod verify;

#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

pub(in crate::cli) use self::archive::Asked;
pub use self::export::ExportArguments;
pub use self::moment::{Moment, MomentError};
pub use self::query::{Printed, QueryArguments};
pub use self::selection::Selection;
pub(in crate::cli) use self::selection::patient_keys;
pub use self::tail::TailArguments;
use crate::cli::usual_file;
use crate::config::journal_of;
use crate::foundation::clock::Clock;

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Prove that the journal is as it was written, or name the first entry that does not fit.
    Verify(verify::Arguments),
    /// Prove to an outsider that an event is in the journal, or that one checkpoint goes on from another.
    Prove(prove::Arguments),
    /// Check such a proof, with nothing but the public key.
    CheckProof(prove::CheckArguments),
    /// Show the public keys that sign checkpoints.
    Key(key::Arguments),
    /// Make a new key that signs checkpoints from now on, and have it told in the journal.
    RotateKey(key::RotateArguments),
    /// Who did what, when, to whom, and what was decided.
    Query(QueryArguments),
    /// Make the indexes of full segments that are not there, by which questions read less.
    Index(index::Arguments),
    /// Show what of the journal is kept elsewhere, read it back, or have the gateway ship it at once.
    Archive(archive::Arguments),
    /// Bring segments back from the archive, as a journal that verifies alone.
    Fetch(archive::FetchArguments),
    /// Show the newest entries, and those to come.
    Tail(TailArguments),
    /// Write events as other software reads them, one document in each line.
    Export(ExportArguments),
}

/// Which journal.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The journal's folder; by default the one that the configuration names.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub journal: Option<PathBuf>,
    /// Configuration files that name the journal.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub config: Vec<PathBuf>,
    /// The folder of the keys by which a patient is found; by default the one that the configuration names, or beside the journal.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// What a command has to say for a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is well.
    Yes,
    /// The answer is no.
    No,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Self::SUCCESS,
            Answer::No => Self::FAILURE,
        }
    }
}

/// Runs a command. `locate` finds the journal's folder by the configuration files that were given,
/// which may be none.
pub fn run(
    command: &AuditCommand,
    locate: &dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>,
    clock: &dyn Clock,
    out: &mut impl Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Answer> {
    match command {
        AuditCommand::Verify(arguments) => verify::run(arguments, locate, out),
        AuditCommand::Prove(arguments) => prove::run(arguments, locate, out, problems),
        AuditCommand::CheckProof(arguments) => prove::check(arguments, out),
        AuditCommand::Key(arguments) => key::show(arguments, locate, out),
        AuditCommand::RotateKey(arguments) => key::rotate(arguments, locate, out),
        AuditCommand::Query(arguments) => query::run(arguments, locate, clock.now(), out, problems),
        AuditCommand::Archive(arguments) => archive::run(arguments, clock.now(), out),
        AuditCommand::Fetch(arguments) => archive::bring(arguments, clock.now(), out),
        AuditCommand::Index(arguments) => index::run(arguments, locate, out),
        AuditCommand::Tail(arguments) => tail::run(arguments, locate, clock.now(), out),
        AuditCommand::Export(arguments) => {
            let is_seen = std::io::stderr().is_terminal();
            export::run(arguments, locate, clock.now(), out, (problems, is_seen))
        }
    }
}

type Locate<'a> = &'a dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>;

impl Place {
    pub(super) fn directory(&self, locate: Locate<'_>) -> anyhow::Result<PathBuf> {
        self.journal.clone().map_or_else(|| locate(&self.config), Ok)
    }

    /// Where the configuration has the keys, if the journal is the one that it names.
    fn keys_by_configuration(&self) -> Option<PathBuf> {
        let file = self.config.first().cloned().unwrap_or_else(usual_file);
        self.journal.is_none().then(|| journal_of(&file).ok().map(|journal| journal.keys))?
    }
}
