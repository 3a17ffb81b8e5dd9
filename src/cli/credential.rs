//! `leastway credential`: whether the application accepts an account of ours, and a new secret for it.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Exit, MainFile};
use crate::app::rotation::account::Account;
use crate::app::rotation::files::read_secret;
use crate::app::rotation::{Ending, Rotation};
use crate::domain::application::{ApplicationName, CredentialName};
use crate::features::upstream::trial::Answer;

/// What to do with an account.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Asks the application whether it accepts the account; nothing changes
    Test(Whose),
    /// Puts a new secret into force, and sees that the old one is dead
    ///
    /// Set the new secret in the application first, or add it there. Then this tests it, puts it into the file of
    /// the account, makes the running gateway take it, and tests that the old one is refused; on failure it goes
    /// back to the old one. Run it as root, or as the owner of the file.
    ///
    /// Exit code: 0 rotated; 1 not rotated, the old secret is in force; 3 rotated, but the application does not
    /// refuse the old secret; 4 halfway, something has to be put right first. After 3 and 4, and after an
    /// interruption, run it again without --from.
    Rotate {
        #[command(flatten)]
        whose: Whose,
        /// The file of the new secret; `-` is standard input. Without it, what is under way is ended
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Whose {
    #[command(flatten)]
    main: MainFile,
    /// The application, as the configuration names it
    #[arg(long, value_name = "NAME")]
    application: ApplicationName,
    /// The account, as the configuration names it
    #[arg(long, value_name = "NAME")]
    account: CredentialName,
}

impl Whose {
    fn find(&self) -> anyhow::Result<Account> {
        Ok(Account::find(&self.main.file, &self.application, &self.account)?)
    }
}

pub(super) fn run(command: &Command, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    // Connections to applications are driven on the thread that opened them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    match command {
        Command::Test(whose) => local.block_on(&runtime, test(whose, out)),
        Command::Rotate { whose, from } => {
            local.block_on(&runtime, rotate(whose, from.as_deref(), out, problems))
        }
    }
}

async fn test(whose: &Whose, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let account = whose.find()?;
    let credential = account.present().context("the account is gone")?;
    let asked = account.ask(&[&credential]).await?;
    for line in asked.lines(&["the secret in force"]) {
        writeln!(out, "{line}")?;
    }
    Ok(if asked.least(0) == Answer::Accepted { Exit::Ok } else { Exit::No })
}

async fn rotate(
    whose: &Whose,
    from: Option<&Path>,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let account = whose.find()?;
    if from == Some(Path::new("-")) && std::io::stdin().is_terminal() {
        writeln!(
            problems,
            "leastway: what is typed here would be shown: give the new secret by a file or a pipe"
        )?;
        return Ok(Exit::Usage);
    }
    let new = from.map(read_secret).transpose()?;
    // What was told and cannot be read any more does not stop what is under way.
    let mut tell = |line: &str| drop(writeln!(out, "{line}"));
    let rotation = Box::pin(Rotation::begin(account, &mut tell)).await?;
    let ending = Box::pin(rotation.run(new)).await;
    let exit = match &ending {
        Ending::Rotated => Exit::Ok,
        Ending::Unchanged(_) | Ending::RolledBack(_) => Exit::No,
        Ending::OldRemains(..) => Exit::Remains,
        Ending::Halfway(_) => Exit::Halfway,
    };
    let written = if exit == Exit::Ok { writeln!(out, "{ending}") } else { writeln!(problems, "{ending}") };
    // Whether or not anybody reads it, the exit code tells.
    drop(written);
    Ok(exit)
}
