//! `leastway schema`: what may be written in the configuration, for editors and for readers.

use std::io::Write;

use crate::config::{json_schema, reference};

use super::Exit;

/// Prints the JSON schema of the configuration files.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the reference for readers instead, in Markdown
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if arguments.markdown {
        write!(out, "{}", reference())?;
    } else {
        writeln!(out, "{:#}", json_schema())?;
    }
    Ok(Exit::Ok)
}
