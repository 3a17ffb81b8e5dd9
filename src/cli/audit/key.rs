//! `leastway audit key` and `leastway audit rotate-key`.

use std::io::Write;

use super::{Answer, Locate, Place};
use crate::features::audit::tree::keys::{known, prepare};
use crate::foundation::entropy::SystemEntropy;

/// Arguments of `audit key`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
}

/// Arguments of `audit rotate-key`.
#[derive(Debug, clap::Args)]
pub struct RotateArguments {
    #[command(flatten)]
    place: Place,
}

/// The newest last.
pub(super) fn show(
    arguments: &Arguments,
    locate: Locate<'_>,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let keys = known(&directory)?;
    anyhow::ensure!(!keys.is_empty(), "no checkpoint was signed in `{}` yet", directory.display());
    keys.iter().try_for_each(|key| writeln!(out, "{key}"))?;
    Ok(Answer::Yes)
}

pub(super) fn rotate(
    arguments: &RotateArguments,
    locate: Locate<'_>,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let key = prepare(&directory, &SystemEntropy)?;
    writeln!(out, "{key}")?;
    writeln!(
        out,
        "The gateway takes it up within a second, or when it starts. Whoever holds the key before goes on with it: the \
         journal tells the new one, signed by both."
    )?;
    Ok(Answer::Yes)
}
