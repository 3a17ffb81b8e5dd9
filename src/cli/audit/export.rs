//! `leastway audit export`: events in the words of another house, as a file or on the standard output.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::archive::Asked;
use super::{Answer, Locate, Place, Selection};
use crate::domain::event::Event;
use crate::features::audit::ReadError;
use crate::features::audit::index::Hints;
use crate::features::audit::query::{Filter, fitting};
use crate::features::export::format::{Format, Teller, documents, otel};
use crate::foundation::clock::Timestamp;

/// Arguments of `audit export`.
#[derive(Debug, clap::Args)]
pub struct ExportArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// In which words: json, cef, atna (DICOM audit messages), fhir (`AuditEvent` of R4), ocsf or otel (OTLP in JSON).
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Into this file, which must not be there yet; by default on the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What the node is called that tells of the events; by default the name of this machine.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Fetch from the archive what may fit and is not in the journal's folder any more.
    #[arg(long)]
    archive: bool,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    events: u64,
    lines: u64,
}

/// Writes the events that fit, a document in each line, in the order in which they ended. `progress` is told now and then how far
/// it has come, where somebody sees it.
pub(super) fn run(
    arguments: &ExportArguments,
    locate: Locate<'_>,
    now: Timestamp,
    out: &mut impl Write,
    (problems, is_seen): (&mut dyn Write, bool),
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let filter = arguments.selection.filter((&arguments.place, &directory), now)?;
    let place = (&arguments.place, arguments.archive);
    let asked = Asked::find(directory, place, (&filter, None, Hints::Used), problems)?;
    let directory = asked.directory();
    let mut progress = is_seen.then_some(problems);
    let node = arguments.node.clone().unwrap_or_else(machine);
    let teller = Teller { node: &node };
    let mut tell = |written: Written| match &mut progress {
        Some(progress) => writeln!(progress, "{} events", written.events),
        None => Ok(()),
    };
    let Some(path) = &arguments.out else {
        // The standard output by itself goes out line by line.
        let mut out = BufWriter::with_capacity(OUT_BYTES, out);
        write(directory, &filter, (arguments.format, &teller), &mut out, &mut tell)?;
        return Ok(Answer::Yes);
    };
    let draft = Draft::begin(path)?;
    let mut file = BufWriter::with_capacity(OUT_BYTES, &draft.file);
    let written = write(directory, &filter, (arguments.format, &teller), &mut file, &mut tell)?;
    file.flush().with_context(|| format!("`{}` cannot be written", path.display()))?;
    drop(file);
    draft.finish()?;
    writeln!(out, "{} events in {} lines of {}", written.events, written.lines, path.display())?;
    Ok(Answer::Yes)
}

fn write(
    directory: &Path,
    filter: &Filter,
    (format, teller): (Format, &Teller<'_>),
    out: &mut impl Write,
    tell: &mut dyn FnMut(Written) -> std::io::Result<()>,
) -> anyhow::Result<Written> {
    let mut written = Written::default();
    for event in fitting(directory, filter, Hints::Used)? {
        let event = match event {
            Ok(event) => event,
            Err(ReadError::Misfit(misfit)) => {
                let error = anyhow::Error::new(misfit);
                return Err(error.context("the journal could not be read to its end"));
            }
            Err(error) => return Err(error.into()),
        };
        for line in lines(format, &event, teller) {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
            written.lines += 1;
        }
        written.events += 1;
        if written.events.is_multiple_of(TOLD_EVERY) {
            tell(written)?;
        }
    }
    out.flush()?;
    Ok(written)
}

/// The lines of an event, each of which stands for itself.
fn lines(format: Format, event: &Event, teller: &Teller<'_>) -> Vec<Vec<u8>> {
    let documents = documents(format, event, teller);
    match format {
        Format::Json | Format::Cef | Format::Atna | Format::Fhir | Format::Ocsf => documents,
        Format::Otel => documents.iter().map(|record| otel::envelope([record.as_slice()], teller)).collect(),
    }
}

/// A file that is there under its name only once it is whole. It holds what the journal holds, so only its owner may read it.
struct Draft<'a> {
    file: File,
    path: &'a Path,
    writing: PathBuf,
}

impl<'a> Draft<'a> {
    fn begin(path: &'a Path) -> anyhow::Result<Self> {
        anyhow::ensure!(!path.exists(), "`{}` is there already", path.display());
        let name = path.file_name().with_context(|| format!("`{}` names no file", path.display()))?;
        let mut unfinished = name.to_owned();
        unfinished.push(".part");
        let writing = path.with_file_name(unfinished);
        // What an earlier export has left, which was stopped; whatever else stands there is not followed.
        match std::fs::remove_file(&writing) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("`{}` cannot be removed", writing.display()));
            }
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&writing);
        let file = file.with_context(|| format!("`{}` cannot be written", writing.display()))?;
        Ok(Self { file, path, writing })
    }

    fn finish(self) -> anyhow::Result<()> {
        self.file.sync_all()?;
        // Unlike a rename, a link never takes the place of a file that has come meanwhile.
        std::fs::hard_link(&self.writing, self.path)
            .and_then(|()| std::fs::remove_file(&self.writing))
            .with_context(|| format!("`{}` cannot be written", self.path.display()))
    }
}

/// The name of this machine, in a container that of the container.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "leastway".to_owned() } else { name.to_owned() }
}

const TOLD_EVERY: u64 = 10_000;
const OUT_BYTES: usize = 64 * 1024;
