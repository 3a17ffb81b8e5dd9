//! `leastway report`: what officers and patients are told, made from the journal's files alone.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::audit::{Asked, Moment, Place, patient_keys};
use crate::control::reports::{Question, filter, make};
use crate::domain::application::ApplicationName;
use crate::domain::phi::Phi;
use crate::features::audit::Head;
use crate::features::audit::index::Hints;
use crate::features::report::{Format, ReportName, write};
use crate::foundation::clock::Timestamp;
use crate::platform::page::language::Language;

/// Tells officers and patients what happened, from the journal alone
///
/// `patient`: everything about one patient. `who-saw`: who has seen a patient's record, for the patient. `disclosures`: an
/// accounting of disclosures (45 CFR 164.528). `user-activity`: what people did, beside their peers. `privileged`: administration,
/// configuration and exports. `leavers`: what was done under the names of those who have left. `coverage`: what the gateway
/// recognizes, and where it is blind. `policy`: the rules in force at a date (`--until`), and what they say. A journal that does not fit is told in the report, and the answer is no.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which report
    #[arg(value_name = "NAME")]
    report: ReportName,
    #[command(flatten)]
    place: Place,
    /// The patient, as the application names them
    #[arg(long, value_name = "ID", requires = "application")]
    patient: Option<String>,
    /// The application
    #[arg(long, value_name = "NAME")]
    application: Option<ApplicationName>,
    /// The person: the provider's identifier, or a part of the name
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Up to this entry, `SEQUENCE:HASH`, as an earlier report names it: makes the same report again
    #[arg(long, value_name = "HEAD")]
    through: Option<Head>,
    /// Tell of people by their roles, not by name
    #[arg(long)]
    by_role: bool,
    /// With what nobody has meant: lists and files in which a patient stood, and pages that ask by themselves
    #[arg(long)]
    all: bool,
    /// html, csv or json
    #[arg(long, value_name = "WORD", default_value = "html")]
    format: Format,
    /// The language: en or es
    #[arg(long, value_name = "TAG", default_value = "en")]
    lang: Language,
    /// By which clocks times are told, such as `America/Chicago`
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Read every segment, whatever its index says
    #[arg(long)]
    no_index: bool,
    /// Fetch from the archive what may fit and is not in the journal's folder any more
    #[arg(long)]
    archive: bool,
    /// Write it into this new file, readable by you alone
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(
    arguments: Arguments,
    locate: &dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>,
    now: Timestamp,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let directory = arguments.place.directory(locate)?;
    let file = arguments.out.clone();
    let report = arguments.report;
    let hints = if arguments.no_index { Hints::Ignored } else { Hints::Used };
    let keys = arguments.patient.as_ref().map(|_| patient_keys(&arguments.place, &directory)).transpose()?;
    let (place, from_archive) = (arguments.place.clone(), arguments.archive);
    let order = match arguments.question(now).order(report, keys.as_ref(), now) {
        Ok(order) => order,
        Err(unclear) => {
            writeln!(problems, "leastway: {unclear}")?;
            return Ok(Exit::Usage);
        }
    };
    let wanted = filter(&order.asked);
    let asked = Asked::find(directory, (&place, from_archive), (&wanted, order.through, hints), problems)?;
    let report = make(asked.directory(), &order, hints, asked.missing(), &|| true)?;
    let bytes = write(&report, &order.style)?;
    match &file {
        Some(file) => {
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            made.and_then(|mut made| made.write_all(&bytes).and_then(|()| made.sync_all()))
                .with_context(|| format!("`{}` cannot be written", file.display()))?;
        }
        None => out.write_all(&bytes)?,
    }
    match &report.made_of.read.stopped {
        Some(misfit) => {
            writeln!(problems, "leastway: the journal could not be read to its end: {misfit}")?;
            Ok(Exit::No)
        }
        None => Ok(Exit::Ok),
    }
}

impl Arguments {
    fn question(self, now: Timestamp) -> Question {
        Question {
            patient: self.patient.map(Phi::new),
            application: self.application,
            person: self.person,
            since: self.since.map(|since| since.at(now)),
            until: self.until.map(|until| until.at(now)),
            by_role: self.by_role,
            all: self.all,
            format: self.format,
            language: Some(self.lang.code().to_owned()),
            zone: Some(self.zone),
            through: self.through.map(|through| through.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use clap::Parser as _;

    use super::*;
    use crate::features::audit::journal::Journal;
    use crate::features::audit::settings::{JournalSettings, Sync};
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

    /// A journal that was opened and closed.
    fn journal() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let settings = JournalSettings::usual(directory.path().to_owned(), 4096, Sync::BeforeRelease);
        Journal::open(&settings, Arc::new(TestClock::at(now())), Arc::new(SystemEntropy)).unwrap().close();
        directory
    }

    fn typed(directory: &Path, words: &[&str]) -> (Exit, String, String) {
        let arguments = Typed::try_parse_from([&["report"], words].concat()).unwrap().arguments;
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let locate = |_: &[PathBuf]| Ok(directory.to_owned());
        let exit = run(arguments, &locate, now(), &mut out, &mut problems).unwrap();
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap())
    }

    #[test]
    fn a_report_is_printed_or_written_into_a_new_file_for_its_owner_alone() {
        let directory = journal();
        let (exit, page, _) = typed(directory.path(), &["privileged", "--lang", "es"]);
        assert!(exit == Exit::Ok && page.contains("journal closed in order"), "{page}");
        let file = directory.path().join("privileged.csv");
        let path = file.to_str().unwrap();
        let (exit, nothing, _) = typed(directory.path(), &["privileged", "--format", "csv", "--out", path]);
        assert!(exit == Exit::Ok && nothing.is_empty(), "{nothing}");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let again = Typed::try_parse_from(["report", "privileged", "--out", path]).unwrap().arguments;
        let locate = |_: &[PathBuf]| Ok(directory.path().to_owned());
        assert!(
            run(again, &locate, now(), &mut Vec::new(), &mut Vec::new()).is_err(),
            "it is not overwritten"
        );
    }

    #[test]
    fn the_key_that_finds_patients_is_needed_where_one_is_asked_for_and_nowhere_else() {
        let directory = journal();
        let kept = directory.path().join("patients.key");
        std::fs::rename(&kept, directory.path().join("kept")).unwrap();
        for report in ["coverage", "user-activity", "policy"] {
            let (exit, page, problems) = typed(directory.path(), &[report]);
            assert!(exit == Exit::Ok && page.contains("<html"), "{report}: {problems}");
        }
        let words = ["report", "who-saw", "--patient", "4711", "--application", "ehr"];
        let ask = || {
            let arguments = Typed::try_parse_from(words).unwrap().arguments;
            let locate = |_: &[PathBuf]| Ok(directory.path().to_owned());
            run(arguments, &locate, now(), &mut Vec::new(), &mut Vec::new())
        };
        let told = format!("{:#}", ask().unwrap_err());
        assert!(told.contains("patients.key") && told.contains("--keys"), "{told}");
        std::fs::rename(directory.path().join("kept"), kept).unwrap();
        assert!(ask().unwrap() == Exit::Ok);
    }

    #[test]
    fn what_is_missing_is_a_usage_error_and_a_journal_that_does_not_fit_a_no() {
        let directory = journal();
        let (exit, _, problems) = typed(directory.path(), &["who-saw"]);
        assert!(exit == Exit::Usage && problems.contains("is about one patient"), "{problems}");
        let (exit, _, problems) = typed(directory.path(), &["coverage", "--zone", "Mars"]);
        assert!(exit == Exit::Usage && problems.contains("America/Chicago"), "{problems}");

        let segment = directory.path().join("00000000000000000001.segment");
        let mut bytes = std::fs::read(&segment).unwrap();
        bytes[64 + 56 + 3] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
        let (exit, page, problems) = typed(directory.path(), &["coverage"]);
        assert!(exit == Exit::No && problems.contains("the checksum does not fit"), "{problems}");
        assert!(page.contains("could not be read further"), "{page}");
    }
}
