//! `leastway audit archive` and `leastway audit fetch`: what is kept elsewhere of the journal, and how it comes back.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Answer, Moment, Place, follow};
use crate::cli::usual_file;
use crate::config::journal_of;
use crate::features::audit::Head;
use crate::features::audit::archive::{
    Archive, Elsewhere, Fetched, Receipt, Trust, View, elsewhere, fetch, fetch_fitting, lost_rules, receipts,
};
use crate::features::audit::index::{self, Hints};
use crate::features::audit::query::Filter;
use crate::features::audit::settings::JournalSettings;
use crate::features::audit::spool::spooled;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SystemEntropy;
use crate::platform::signed_note::VerifierKey;

/// Arguments of `audit archive`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration files that name the journal and its archive.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    config: Vec<PathBuf>,
    /// Have the gateway look at once, and wait until nothing is left that can be shipped: a minute at most.
    #[arg(long)]
    now: bool,
    /// Read every segment back from the archive, and hold it against chain, tree and checkpoints.
    #[arg(long, conflicts_with = "now")]
    verify: bool,
    /// A line of JSON for each archived segment.
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit fetch`.
#[derive(Debug, clap::Args)]
pub struct FetchArguments {
    /// Configuration files that name the journal and its archive.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    config: Vec<PathBuf>,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Into this folder, which must not hold anything yet.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The public key that has to have signed, noted elsewhere; without it, the journal's own word for its keys is taken.
    #[arg(long, value_name = "KEY")]
    key: Vec<VerifierKey>,
    /// Where no key is known: believe whoever has signed what is in the archive, by its own word.
    #[arg(long, conflicts_with = "key")]
    trust_archive: bool,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp, out: &mut impl Write) -> anyhow::Result<Answer> {
    let (directory, archive) = open(&arguments.config)?;
    let runtime = runtime()?;
    if arguments.verify {
        return verify(&runtime, &directory, &archive, out);
    }
    if arguments.now {
        Archive::wish(&directory)?;
        let begin = Instant::now();
        // The wish is heard first; then whatever can be shipped is.
        while archive.has_wish() || !runtime.block_on(archive.due(now))?.is_empty() {
            anyhow::ensure!(
                begin.elapsed() < SHIPPED_WITHIN,
                "the gateway has not shipped all within a minute"
            );
            follow::wait_for_more();
        }
    }
    runtime.block_on(archive.due(now))?;
    let known = receipts(&directory)?;
    if arguments.json {
        for entry in &known {
            writeln!(out, "{}", serde_json::to_string(entry)?)?;
        }
        return Ok(Answer::Yes);
    }
    let there: Vec<_> = known.iter().filter(|entry| entry.retired.is_none()).collect();
    let standing = archive.now();
    writeln!(out, "{} segments are in the archive, {} wait for it.", standing.archived, standing.waiting)?;
    if let (Some(first), Some(last)) = (there.first(), there.last()) {
        let (first, last) = (&first.receipt, &last.receipt);
        let bytes: u64 = there.iter().map(|entry| entry.receipt.packed.bytes).sum();
        let alone = there.iter().filter(|entry| entry.removed.is_some()).count();
        let held = there.iter().filter(|entry| entry.receipt.is_held).count();
        writeln!(out, "  entries  {} to {}", first.first(), last.through.sequence)?;
        writeln!(out, "  time     {} to {}", first.from, last.to)?;
        writeln!(out, "  packed   {bytes} bytes, the last at {}", last.place)?;
        writeln!(
            out,
            "  kept     until {} the first, until {} the last",
            first.retain_until, last.retain_until
        )?;
        writeln!(out, "  alone    {alone} are in the archive and not here any more, {held} are held")?;
    }
    Ok(Answer::Yes)
}

fn verify(
    runtime: &tokio::runtime::Runtime,
    directory: &Path,
    archive: &Archive,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let (mut fits, mut before): (u64, Option<index::Place>) = (0, None);
    let mut faults = Vec::new();
    for entry in receipts(directory)?.into_iter().filter(|entry| entry.retired.is_none()) {
        let Receipt { before: begins, through, .. } = entry.receipt;
        if before.is_some_and(|before| before != begins) {
            faults.push(format!("{} does not go on from the one before it", entry.receipt.segment()));
        }
        before = Some(through);
        match runtime.block_on(archive.prove(&entry.receipt)) {
            Ok(_) => fits += 1,
            Err(error) => faults.push(error.to_string()),
        }
    }
    writeln!(out, "{fits} archived segments were read back and fit, every byte of them.")?;
    for fault in &faults {
        writeln!(out, "  {fault}")?;
    }
    Ok(if faults.is_empty() { Answer::Yes } else { Answer::No })
}

pub(super) fn bring(
    arguments: &FetchArguments,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let (directory, archive) = open(&arguments.config)?;
    let is_free = std::fs::read_dir(&arguments.to).map_or(true, |mut files| files.next().is_none());
    anyhow::ensure!(is_free, "`{}` holds something already", arguments.to.display());
    let times = (arguments.since.map(|it| it.at(now)), arguments.until.map(|it| it.at(now)));
    let places = (directory.as_path(), arguments.to.as_path());
    let trust = if arguments.trust_archive { Trust::Archive } else { Trust::Keys(arguments.key.clone()) };
    let fetched = runtime()?.block_on(fetch(&archive, places, times, &trust, now))?;
    let folder = arguments.to.display();
    writeln!(
        out,
        "{} segments with {} entries were fetched and fit what was signed of them; `leastway audit query --journal {folder}` asks them.",
        fetched.segments, fetched.entries
    )?;
    if arguments.trust_archive {
        writeln!(
            out,
            "Who has signed that is the archive's own word: hold the key in `{folder}/checkpoint.keys` against one that was noted."
        )?;
    }
    if let Some(head) = fetched.begins_after {
        writeln!(
            out,
            "They begin after entry {}: `leastway audit verify --journal {folder} --archived-through {head}` verifies them.",
            head.sequence
        )?;
    }
    Ok(Answer::Yes)
}

/// Where a question is asked: the journal's folder, or a journal made of that and of what the archive has.
#[derive(Debug)]
pub(in crate::cli) struct Asked {
    place: Where,
    /// What is not looked at.
    missing: Elsewhere,
}

#[derive(Debug)]
enum Where {
    /// The folder.
    Folder(PathBuf),
    /// That, and what was fetched.
    View(View),
}

impl Asked {
    /// Finds it. What is in the spool is told, and without `from_archive`, what the folder does not have any more.
    pub(in crate::cli) fn find(
        directory: PathBuf,
        (place, from_archive): (&Place, bool),
        (filter, through, hints): (&Filter, Option<Head>, Hints),
        problems: &mut dyn Write,
    ) -> anyhow::Result<Self> {
        if let Some(spooled) = spooled(&directory)? {
            writeln!(problems, "leastway: {spooled}, and were not looked at")?;
        }
        let missing = elsewhere(&directory, filter.since, filter.until)?;
        if let Some(retired) = missing.retired {
            writeln!(problems, "leastway: {retired} were destroyed at the end of their retention")?;
        }
        if !from_archive {
            if let Some(archived) = missing.archived {
                writeln!(
                    problems,
                    "leastway: {archived} are in the archive and were not looked at: ask with --archive"
                )?;
            }
            return Ok(Self { place: Where::Folder(directory), missing });
        }
        if missing.archived.is_none() && lost_rules(&directory)? == 0 {
            return Ok(Self { place: Where::Folder(directory), missing });
        }
        anyhow::ensure!(
            place.journal.is_none(),
            "name the configuration that names the archive with --config"
        );
        let (_, archive) = open(&place.config)?;
        let fetching = fetch_fitting(&archive, &directory, (filter, through), hints, &SystemEntropy);
        let (view, fetched) = runtime()?.block_on(fetching)?;
        let Fetched { segments, passed_over, rules, rules_missing, .. } = fetched;
        writeln!(
            problems,
            "leastway: {segments} segments were fetched from the archive, {passed_over} hold nothing that fits"
        )?;
        if rules > 0 {
            writeln!(problems, "leastway: {rules} versions of the rules were lost here, and fetched too")?;
        }
        if rules_missing > 0 {
            writeln!(
                problems,
                "leastway: {rules_missing} versions of the rules are lost here and in the archive"
            )?;
        }
        Ok(Self { place: Where::View(view), missing: Elsewhere { archived: None, ..missing } })
    }

    /// The folder that is asked.
    pub(in crate::cli) fn directory(&self) -> &Path {
        match &self.place {
            Where::Folder(directory) => directory,
            Where::View(view) => view.directory(),
        }
    }

    /// What of the time that is asked for is not looked at.
    pub(in crate::cli) const fn missing(&self) -> &Elsewhere {
        &self.missing
    }
}

/// The journal's folder and its archive, by the configuration.
fn open(config: &[PathBuf]) -> anyhow::Result<(PathBuf, Archive)> {
    let file = config.first().cloned().unwrap_or_else(usual_file);
    let JournalSettings { directory, archive, .. } = journal_of(&file)
        .with_context(|| format!("`{}` does not say where the archive is (--config)", file.display()))?;
    let archive = archive.context("the journal has no archive (`[journal.archive]`)")?;
    Ok((directory.clone(), Archive::new(directory, archive)?))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

const SHIPPED_WITHIN: Duration = Duration::from_secs(60);
