//! The rules in force, as they are kept beside the journal: their texts, and what changed from one to the next.

use std::io::{Seek, Write};
use std::path::Path;

use super::MakeError;
use crate::domain::rulebook::{RuleText, Rulebook};
use crate::features::audit::rulebooks::{Kept, read};
use crate::features::evidence::versions::{Version, changes};
use crate::features::evidence::{Exhibit, Packing, Shown};

/// Packs the versions: a list of them, the texts of each, and the changes between two that follow one another.
pub(super) fn pack_rulebooks<W: Write + Seek>(
    directory: &Path,
    versions: &[Version],
    left_out: u64,
    packing: &mut Packing<W>,
) -> Result<Shown, MakeError> {
    let versions_path = "policies/versions.csv";
    let mut files = vec![versions_path.to_owned()];
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(["number", "version", "first_event", "last_event", "events", "texts"])?;
    let mut before: Option<(usize, Rulebook)> = None;
    for (number, version) in (1_usize..).zip(versions) {
        let kept = read(directory, &version.name)?;
        let word = match &kept {
            Kept::Whole(_) => "kept",
            Kept::Changed => "changed since",
            Kept::Absent => "not kept",
        };
        let (first, last, events) =
            (version.first.to_string(), version.last.to_string(), version.events.to_string());
        out.write_record([number.to_string().as_str(), &version.name, &first, &last, &events, word])?;
        let Kept::Whole(book) = kept else { continue };
        for (place, text) in (1_usize..).zip(&book.texts) {
            let name = name_of(text);
            packing.add(
                &format!("policies/{number:04}-{}/{place:02}-{name}", version.name),
                text.text.as_bytes(),
            )?;
        }
        if let Some((earlier, old)) = &before {
            let path = format!("policies/changes/{earlier:04}-to-{number:04}.diff");
            packing.add(&path, changes(&old.texts, &book.texts).as_bytes())?;
            if files.len() < NAMED_MAX {
                files.push(path);
            }
        }
        before = Some((number, book));
    }
    let table = out.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    packing.add(versions_path, &table)?;
    Ok(Shown { exhibit: Exhibit::Policies, files, rows: Some(versions.len() as u64), left_out })
}

/// A name for a text's file: the last part of its path, of characters that every system takes.
fn name_of(text: &RuleText) -> String {
    let last = text.path.rsplit('/').next().unwrap_or_default();
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    last.chars().map(harmless).take(NAME_CHARACTERS_MAX).collect()
}

const NAME_CHARACTERS_MAX: usize = 100;
/// Changes that the first page leads to; all are in the manifest.
const NAMED_MAX: usize = 20;
