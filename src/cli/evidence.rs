//! `leastway evidence`: an evidence pack for auditors, and whether one is what was signed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::audit::{self, Moment, Place};
use super::{Exit, MainFile, control_of};
use crate::app::administer::Administered;
use crate::config;
use crate::control::evidence::{Question, Source, make};
use crate::features::audit::index::Hints;
use crate::features::audit::query::Filter;
use crate::features::audit::tree::keys::{known, last_signer};
use crate::features::evidence::check::{Checked, check};
use crate::features::evidence::pack::BYTES_MAX;
use crate::features::evidence::{Manifest, Safeguard};
use crate::foundation::clock::Timestamp;
use crate::foundation::text::plain;
use crate::platform::page::language::Language;
use crate::platform::signed_note::VerifierKey;

/// Makes an evidence pack for auditors: a signed ZIP about safeguards of the HIPAA rules and a period
///
/// For each safeguard it says what the gateway does, which files show that it did, and what no proxy can show; it holds the
/// reports and events that show it, the rules in force and what changed, and the verification of the journal. The gateway that
/// runs is asked, and writes down that it was; with `--journal` or `--archive` it is made of the files alone, and signed by the key
/// that is beside them.
///
/// Exit code: 0 it is made; 1 it failed, or the journal does not fit, which the pack tells; 2 usage.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    asked: Asked,
}

/// What else can be done with packs.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Says whether a pack is what was signed, with nothing but the public key
    ///
    /// Exit code: 0 it is; 1 it is not.
    Check {
        /// The pack
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The public key of the journal, from somebody other than who brought the pack
        #[arg(long, value_name = "KEY", required = true)]
        key: Vec<VerifierKey>,
        /// Print the manifest, too
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Asked {
    #[command(flatten)]
    main: MainFile,
    /// The journal's folder: the pack is made of its files alone, and nothing is written down
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Make it of the files of the journal that the configuration names, and of what the archive has of the time: fetched for that
    #[arg(long, conflicts_with = "journal")]
    archive: bool,
    /// Which safeguards, such as `164.312(b),164.502(b)`
    #[arg(
        long,
        value_name = "SECTION",
        value_delimiter = ',',
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    safeguards: Vec<Safeguard>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`
    #[arg(long, value_name = "TIME", required = true)]
    since: Option<Moment>,
    /// Before this moment; now, where it is not said
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Up to this entry, `SEQUENCE:HASH`, as an earlier pack names it: makes the same pack again
    #[arg(long, value_name = "HEAD")]
    through: Option<String>,
    /// The head at which earlier segments were moved to an archive: the journal has to go on from it
    #[arg(long, value_name = "HEAD")]
    archived_through: Option<String>,
    /// The language: en or es
    #[arg(long, value_name = "TAG", default_value = "en")]
    lang: Language,
    /// The pack: a new file, readable by you alone
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<PathBuf>,
}

pub(super) fn run(
    arguments: Arguments,
    now: Timestamp,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match arguments.command {
        Some(Command::Check { file, key, json }) => tell_checked(&file, &key, json, out),
        None => pack(arguments.asked, now, out, problems),
    }
}

fn pack(asked: Asked, now: Timestamp, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    let (main, from_archive) = (asked.main.file.clone(), asked.archive);
    let journal = if from_archive {
        Some(
            config::journal_of(&main)
                .context("the configuration does not say where the journal is")?
                .directory,
        )
    } else {
        asked.journal.clone()
    };
    let path = asked.out.clone().context("say with --out where the pack is to be")?;
    let question = asked.question(now);
    let order = match question.clone().order(now) {
        Ok(order) => order,
        Err(unclear) => {
            writeln!(problems, "leastway: {unclear}")?;
            return Ok(Exit::Usage);
        }
    };
    let named = || format!("`{}` cannot be written", path.display());
    if let Some(directory) = journal {
        let key = last_signer(&directory, None)?.with_context(|| {
            format!(
                "`{}` has no `checkpoint.key` that has signed it: without it, a pack proves nothing",
                directory.display()
            )
        })?;
        // All of it is verified, so all of it is fetched, whatever indexes say.
        let config = if from_archive { vec![main] } else { Vec::new() };
        let place = Place { journal: (!from_archive).then(|| directory.clone()), config, keys: None };
        let wanted = Filter { since: Some(order.since), until: Some(order.until), ..Filter::default() };
        let what = (&wanted, order.through, Hints::Ignored);
        let found = audit::Asked::find(directory, (&place, from_archive), what, problems)?;
        let file = new(&path).with_context(named)?;
        let (directory, missing) = (found.directory(), *found.missing());
        let source = Source { directory, key, bytes_max: BYTES_MAX, missing };
        let made =
            make(&source, &order, &|| true, &file).map_err(anyhow::Error::from).and_then(|(_, manifest)| {
                file.sync_all()?;
                Ok(manifest)
            });
        let manifest = made.inspect_err(|_| remove(&path))?;
        return tell_made(&path, &manifest, out, problems);
    }
    let control = control_of(&main)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bytes = runtime.block_on(Administered::that_packs(&control)?.evidence(&question))?;
    new(&path)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .with_context(named)?;
    // What it says of itself: whether it is right is for whoever has the key from elsewhere.
    let directory = config::journal_of(&main).map(|journal| journal.directory);
    let keys = directory.ok().and_then(|directory| known(&directory).ok()).unwrap_or_default();
    if let Ok(Checked { manifest, key: _ }) = check(std::io::Cursor::new(bytes), &keys) {
        return tell_made(&path, &manifest, out, problems);
    }
    writeln!(out, "The pack is in {}.", path.display())?;
    Ok(Exit::Ok)
}

fn new(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Half a pack is none.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "a pack that was not finished could not be removed");
    }
}

fn tell_made(
    path: &Path,
    manifest: &Manifest,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let (journal, files) = (&manifest.journal, manifest.files.len());
    writeln!(out, "The pack of {files} files is in {}, signed with", path.display())?;
    writeln!(out, "  {}", journal.key)?;
    if journal.is_sound && journal.fault.is_none() {
        return Ok(Exit::Ok);
    }
    let fault = journal.fault.as_deref().map(plain).unwrap_or_default();
    writeln!(problems, "leastway: the journal is not as it was written, and the pack tells that: {fault}")?;
    Ok(Exit::No)
}

fn tell_checked(file: &Path, keys: &[VerifierKey], json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    let Checked { manifest, key } = match check(std::io::BufReader::new(opened), keys) {
        Ok(checked) => checked,
        Err(error) => {
            writeln!(out, "The pack is not what was signed: {error}.")?;
            return Ok(Exit::No);
        }
    };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&manifest)?)?;
        return Ok(Exit::Ok);
    }
    writeln!(out, "The pack is what was signed, every byte of it.")?;
    writeln!(out, "  journal    {}", plain(&manifest.journal.origin))?;
    writeln!(out, "  period     {} to {}", manifest.since, manifest.until)?;
    let safeguards: Vec<&str> = manifest.safeguards.iter().map(|safeguard| safeguard.as_str()).collect();
    writeln!(out, "  safeguards {}", safeguards.join(", "))?;
    writeln!(out, "  files      {}", manifest.files.len())?;
    if let Some(last) = &manifest.journal.last {
        writeln!(out, "  through    {}", plain(last))?;
    }
    writeln!(out, "  signed by  {key}")?;
    if let Some(fault) = &manifest.journal.fault {
        writeln!(out, "It tells of a journal that is not as it was written: {}", plain(fault))?;
    }
    Ok(Exit::Ok)
}

impl Asked {
    fn question(self, now: Timestamp) -> Question {
        Question {
            safeguards: self.safeguards,
            all: self.all,
            since: self.since.map(|since| since.at(now)),
            until: self.until.map(|until| until.at(now)),
            language: Some(self.lang.code().to_owned()),
            through: self.through,
            archived_through: self.archived_through,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser as _;

    use super::*;
    use crate::cli::archived::archived;
    use crate::features::audit::journal::Journal;
    use crate::features::audit::settings::{JournalSettings, Sync};
    use crate::features::audit::tree::keys::known;
    use crate::foundation::clock::TestClock;
    use crate::foundation::entropy::SystemEntropy;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn now() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    fn typed(words: &[&str]) -> (Exit, String, String) {
        let arguments = Typed::try_parse_from([&["evidence"], words].concat()).unwrap().arguments;
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let exit = run(arguments, now(), &mut out, &mut problems).unwrap();
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap())
    }

    #[test]
    fn a_pack_is_made_of_a_journals_files_for_its_owner_alone_and_checked_by_the_key_alone() {
        let directory = tempfile::tempdir().unwrap();
        let settings = JournalSettings::usual(directory.path().join("journal"), 4096, Sync::BeforeRelease);
        Journal::open(&settings, Arc::new(TestClock::at(now())), Arc::new(SystemEntropy)).unwrap().close();
        let journal = settings.directory.to_str().unwrap();
        let path = directory.path().join("pack.zip");
        let file = path.to_str().unwrap();
        let asked = [
            "--journal",
            journal,
            "--safeguards",
            "164.312(b),164.502(b)",
            "--since",
            "30d",
            "--until",
            "0s",
        ];
        let (exit, out, problems) = typed(&[&asked[..], &["--out", file]].concat());
        assert!(exit == Exit::Ok && out.contains("signed with"), "{out}{problems}");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);

        let key = known(&settings.directory).unwrap().pop().unwrap().to_string();
        let (exit, out, _) = typed(&["check", file, "--key", &key]);
        assert!(exit == Exit::Ok && out.contains("safeguards 164.312(b), 164.502(b)"), "{out}");
        let (exit, out, _) = typed(&["check", file, "--key", &key, "--json"]);
        assert!(exit == Exit::Ok && out.contains("\"sha256\""), "{out}");

        let again = Typed::try_parse_from([&["evidence"], &asked[..], &["--out", file]].concat()).unwrap();
        assert!(
            run(again.arguments, now(), &mut Vec::new(), &mut Vec::new()).is_err(),
            "it is not overwritten"
        );
        assert!(path.exists(), "and stays what it was");

        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let (exit, out, _) = typed(&["check", file, "--key", &key]);
        assert!(exit == Exit::No && out.contains("is not what was signed"), "{out}");
    }

    #[test]
    fn a_pack_of_a_time_that_is_in_the_archive_alone_is_made_of_what_is_fetched() {
        let home = tempfile::tempdir().unwrap();
        let (configuration, _) = archived(home.path(), now());
        let config = ["--config", configuration.to_str().unwrap()];
        let asked = ["--safeguards", "164.312(b)", "--since", "90d", "--until", "0s", "--out"];
        let paths = ["here.zip", "all.zip"].map(|name| home.path().join(name));
        let [here, all] = paths.each_ref().map(|path| path.to_str().unwrap());
        let journal = home.path().join("journal");
        let alone = [&["--journal", journal.to_str().unwrap()], &asked[..], &[here]].concat();
        let (exit, _, problems) = typed(&alone);
        assert!(exit == Exit::Ok && problems.contains("were not looked at"), "{problems}");
        let (exit, out, problems) = typed(&[&config[..], &["--archive"], &asked, &[all]].concat());
        assert!(exit == Exit::Ok && out.contains("signed with"), "{out}{problems}");

        let keys = known(&journal).unwrap();
        let first = |path: &Path| check(File::open(path).unwrap(), &keys).unwrap().manifest.journal.first;
        assert_eq!(first(&paths[1]), Some(1));
        assert!(first(&paths[0]) > Some(1), "without it, the journal begins later, and the pack says so");
        assert!(!journal.join("00000000000000000001.segment").exists(), "nothing of it stays here");
    }

    #[test]
    fn what_is_missing_is_a_usage_error_and_without_the_key_nothing_is_made() {
        for words in [
            &["--all", "--since", "1d"][..],
            &["--all", "--out", "x.zip"],
            &["--since", "1d", "--out", "x.zip"],
            &["--all", "--safeguards", "164.312(b)", "--since", "1d", "--out", "x.zip"],
            &["--safeguards", "164.1", "--since", "1d", "--out", "x.zip"],
            &["check", "x.zip"],
        ] {
            assert!(Typed::try_parse_from([&["evidence"], words].concat()).is_err(), "{words:?}");
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pack.zip");
        let journal = directory.path().to_str().unwrap();
        let words = ["--journal", journal, "--all", "--since", "1d", "--out", file.to_str().unwrap()];
        let arguments = Typed::try_parse_from([&["evidence"], &words[..]].concat()).unwrap().arguments;
        let error = run(arguments, now(), &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("checkpoint.key") && !file.exists(), "{error:#}");
        let late = ["--journal", journal, "--all", "--since", "1d", "--until", "2d", "--out", "x.zip"];
        let (exit, _, problems) = typed(&late);
        assert!(exit == Exit::Usage && problems.contains("`since`"), "{problems}");
    }
}
