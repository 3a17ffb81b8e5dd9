//! `leastway audit index`: the indexes that a gateway has not made yet.

use std::io::Write;

use super::{Answer, Locate, Place};
use crate::features::audit::index::{Look, Made, make_missing};
use crate::foundation::entropy::SystemEntropy;

/// Arguments of `audit index`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments, locate: Locate<'_>, out: &mut impl Write) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let Made { made, kept } = make_missing(&directory, Look::AtEach, &SystemEntropy, &|| true)?;
    writeln!(out, "{made} segments were indexed, {kept} had their index.")?;
    Ok(Answer::Yes)
}
