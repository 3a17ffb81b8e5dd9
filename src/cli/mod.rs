//! What an operator types.
//!
//! Each verb has a file of its own. What a verb answers goes to `out`, what is wrong to `problems`, and
//! the exit code tells programs: 0 ok, 1 the answer is no or invalid, 2 usage.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod audit;
pub mod demo;
mod schema;
mod validate;

/// A reverse proxy that enforces access policy in front of EHR applications and admin consoles.
#[derive(Debug, Parser)]
#[command(name = "leastway", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Validate(validate::Arguments),
    Schema(schema::Arguments),
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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Usage => Self::from(2),
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
        Verb::Validate(arguments) => validate::run(&arguments, out, problems),
        Verb::Schema(arguments) => schema::run(&arguments, out),
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
