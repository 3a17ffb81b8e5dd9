//! What an operator types.
//!
//! Each verb has a file of its own. What a verb answers goes to `out`, what is wrong to `problems`, and
//! the exit code tells programs: 0 ok, 1 the answer is no or invalid, 2 usage; `credential` has two more.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::app::administer::Administered;
use crate::app::resolve::resolve;
use crate::app::wiring::rules;
use crate::config::{self, load};
use crate::control::settings::ControlSettings;
use crate::foundation::clock::{Clock as _, SystemClock};

const USUAL_FILE: &str = "config/leastway.toml";
/// The variable that names another.
const NAMES_THE_FILE: &str = "LEASTWAY_CONFIG";

#[cfg(test)]
mod archived;
pub mod audit;
mod break_glass;
mod credential;
pub mod demo;
mod detections;
mod doctor;
mod evidence;
mod export;
mod isolation;
pub mod policy;
mod providers;
mod report;
mod schema;
mod seal;
mod serve;
mod session;
mod store;
mod validate;

/// A reverse proxy that enforces access policy in front of EHR applications and admin consoles.
#[derive(Debug, Parser)]
#[command(name = "leastway", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

// No doc comment: clap would take it for that of each verb.
#[derive(Debug, clap::Args)]
struct MainFile {
    /// The main file
    #[arg(
        long = "config",
        value_name = "FILE",
        global = true,
        default_value = USUAL_FILE,
        env = NAMES_THE_FILE
    )]
    file: PathBuf,
}

// A verb of several words. The main file may be named before the last of them, too: clap hands an argument down to one
// of the same name that was not given. No doc comment, as above.
#[derive(Debug, clap::Args)]
struct Within<C: Subcommand> {
    #[command(flatten)]
    _main: MainFile,
    #[command(subcommand)]
    command: C,
}

// The same where several files may be named.
#[derive(Debug, clap::Args)]
struct WithinAudit {
    /// Configuration files that name the journal
    #[arg(id = "config", long, value_name = "FILE", global = true)]
    _files: Vec<PathBuf>,
    #[command(subcommand)]
    command: audit::AuditCommand,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Arguments),
    /// Opens a small clinic on this machine with the gateway in front of it, to try it on
    Demo(demo::DemoArguments),
    Validate(validate::Arguments),
    /// Shows, explains and tests the rules
    Policy {
        #[command(flatten)]
        main: MainFile,
        /// What to do
        #[command(subcommand)]
        command: policy::PolicyCommand,
    },
    /// Tests and rotates the accounts of ours at applications
    Credential(Within<credential::Command>),
    /// Shows who is signed in, and ends sessions
    Session(Within<session::Command>),
    Detections(detections::Arguments),
    BreakGlass(break_glass::Arguments),
    /// Shows what events keep under seal, and keeps the keys to it
    Seal(Within<seal::Command>),
    /// Shows how far events were handed on
    Export(Within<export::Command>),
    Doctor(doctor::Arguments),
    /// Verifies and questions the journal, without a running gateway
    Audit(WithinAudit),
    Report(Box<report::Arguments>),
    Evidence(Box<evidence::Arguments>),
    Schema(schema::Arguments),
    /// Prints the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It is done, or the answer is yes.
    Ok,
    /// It failed, or the answer is no or invalid.
    No,
    /// What was typed is not understood.
    Usage,
    /// A secret is rotated, but the old one is not known to be dead.
    Remains,
    /// A rotation stopped on its way.
    Halfway,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Remains => Self::from(3),
            Exit::Halfway => Self::from(4),
        }
    }
}

/// Does what `arguments` say; the first is the program's own name.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain_usage(&error, out, problems),
    };
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(&arguments, problems),
        Verb::Demo(arguments) => demo::play(&arguments, out, problems),
        Verb::Validate(arguments) => validate::run(&arguments, out, problems),
        Verb::Policy { main, command } => ask_policy(&main.file, &command, out, problems),
        Verb::Credential(verb) => credential::run(&verb.command, out, problems),
        Verb::Session(verb) => session::run(verb.command, out, problems),
        Verb::Detections(arguments) => detections::run(&arguments, out, problems),
        Verb::BreakGlass(arguments) => break_glass::run(&arguments, out),
        Verb::Seal(verb) => seal::run(verb.command, out),
        Verb::Export(verb) => export::run(&verb.command, out),
        Verb::Doctor(arguments) => doctor::run(&arguments, out),
        Verb::Audit(verb) => {
            audit::run(&verb.command, &journal_of, &SystemClock, &mut &mut *out, problems).map(Exit::from)
        }
        Verb::Report(arguments) => report::run(*arguments, &journal_of, SystemClock.now(), out, problems),
        Verb::Evidence(arguments) => evidence::run(*arguments, SystemClock.now(), out, problems),
        Verb::Schema(arguments) => schema::run(&arguments, out),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "leastway", &mut &mut *out);
            Ok(Exit::Ok)
        }
    };
    match done {
        Ok(exit) => exit,
        // Whoever reads has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => Exit::Ok,
        Err(error) => {
            let _nobody_listens = writeln!(problems, "leastway: {error:#}");
            Exit::No
        }
    }
}

fn explain_usage<'w>(error: &clap::Error, out: &'w mut dyn Write, problems: &'w mut dyn Write) -> Exit {
    let (exit, to): (Exit, &'w mut dyn Write) =
        if error.use_stderr() { (Exit::Usage, problems) } else { (Exit::Ok, out) };
    let _nobody_listens = write!(to, "{}", error.render());
    exit
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn ask_policy(
    file: &Path,
    command: &policy::PolicyCommand,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match command {
        policy::PolicyCommand::Diff(arguments) => {
            return policy::diff::run(arguments, file, SystemClock.now(), out, problems);
        }
        policy::PolicyCommand::Replay(arguments) => {
            return policy::replay::run(arguments, file, out, problems);
        }
        policy::PolicyCommand::Learn(arguments) => return policy::learn::run(arguments, file, out),
        policy::PolicyCommand::Prove(arguments) => {
            return policy::prove::run(arguments, file, out, problems);
        }
        policy::PolicyCommand::Tighten(arguments) => {
            return policy::tighten::run(arguments, file, out, problems);
        }
        policy::PolicyCommand::Show(_)
        | policy::PolicyCommand::Explain(_)
        | policy::PolicyCommand::Test(_) => {}
    }
    let rules = match load(file).and_then(|loaded| rules(&loaded)) {
        Ok(rules) => rules,
        Err(found) => {
            write!(problems, "{found}")?;
            return Ok(Exit::No);
        }
    };
    let resolve = |method: &http::Method, url: &str| resolve(&rules, method, url, command.form());
    policy::run(command, (&rules.policy, &rules.feeds), &resolve, SystemClock.now(), out)
}

/// The journal's folder, as the configuration says that was named or is in its usual place.
fn journal_of(files: &[PathBuf]) -> anyhow::Result<PathBuf> {
    let file = files.first().cloned().unwrap_or_else(usual_file);
    let journal = config::journal_of(&file).with_context(|| {
        format!("`{}` does not say where the journal is; name its folder with --journal", file.display())
    })?;
    Ok(journal.directory)
}

/// The main file where nobody names one.
fn usual_file() -> PathBuf {
    std::env::var_os(NAMES_THE_FILE).map_or_else(|| USUAL_FILE.into(), PathBuf::from)
}

/// The gateway that runs by a configuration.
fn administered(main: &MainFile) -> anyhow::Result<Administered> {
    Ok(Administered::by(&control_of(&main.file)?)?)
}

/// How it is asked.
fn control_of(file: &Path) -> anyhow::Result<ControlSettings> {
    config::control_of(file).with_context(|| {
        format!("`{}` does not say where the gateway is to be asked (--config)", file.display())
    })
}

impl From<audit::Answer> for Exit {
    fn from(answer: audit::Answer) -> Self {
        match answer {
            audit::Answer::Yes => Self::Ok,
            audit::Answer::No => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_file_is_named_anywhere_behind_the_first_word_of_a_verb() {
        let verbs: [&[&str]; 8] = [
            &["policy", "show"],
            &["session", "list"],
            &["seal", "list"],
            &["export", "status"],
            &["break-glass", "list"],
            &["credential", "test", "--application", "ehr", "--account", "service"],
            &["audit", "verify"],
            &["audit", "archive"],
        ];
        let file = "/nowhere/leastway.toml";
        let named = ["--config", file];
        for words in verbs {
            let (first, others) = words.split_at(1);
            for typed in [[first, &named, others].concat(), [first, others, &named].concat()] {
                let typed = std::iter::once(&"leastway").chain(&typed).map(OsString::from);
                let (mut out, mut problems) = (Vec::new(), Vec::new());
                let exit = run(typed.collect::<Vec<_>>(), &mut out, &mut problems);
                let problems = String::from_utf8(problems).unwrap();
                assert_eq!(exit, Exit::No, "{words:?}: {problems}");
                assert!(problems.contains(file), "{words:?}: {problems}");
            }
        }
    }

    #[test]
    fn what_may_be_typed_holds_together() {
        Arguments::command().debug_assert();
    }
}
