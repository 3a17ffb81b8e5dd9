//! A journal of millions of events, and what the shipped binary spends on it: proving, asking, reporting, handing on, starting.
//!
//! `cargo bench --bench large -- --events 10000000 --directory DIR`. The journal is made by the product's own writer in
//! `DIR/journal` and stays there: another run on the same folder measures it again, and words such as `verify` at the end of the
//! line choose what is measured. By default 200,000 events in a folder that is gone afterwards.

mod hospital;
mod made;
mod measured;
mod start;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use leastway::foundation::clock::{Clock as _, SystemClock};

use hospital::{APPLICATION, Hospital};
use measured::{Measured, measure};

/// What is measured: the binary that was built with this, unless `LEASTWAY` names another.
pub(crate) fn leastway() -> std::ffi::OsString {
    std::env::var_os("LEASTWAY").unwrap_or_else(|| env!("CARGO_BIN_EXE_leastway").into())
}

const START: &str = "serve, until it is ready";

/// What is asked for on the command line.
struct Arguments {
    events: u64,
    days: u64,
    directory: Option<PathBuf>,
    /// Only what has one of these in its name, if there are any.
    chosen: Vec<String>,
}

impl Arguments {
    fn read() -> anyhow::Result<Self> {
        let mut read = Self { events: 200_000, days: 90, directory: None, chosen: Vec::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value"));
            match word.as_str() {
                "--events" => read.events = value()?.parse()?,
                "--days" => read.days = value()?.parse()?,
                "--directory" => read.directory = Some(value()?.into()),
                // What cargo adds.
                "--bench" => {}
                option if option.starts_with('-') => {
                    anyhow::bail!("{option}: --events N, --days N and --directory DIR are known");
                }
                _ => read.chosen.push(word),
            }
        }
        Ok(read)
    }

    fn wants(&self, name: &str) -> bool {
        self.chosen.is_empty() || self.chosen.iter().any(|word| name.contains(word))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read()?;
    let passing = tempfile::tempdir()?;
    let directory = arguments.directory.clone().unwrap_or_else(|| passing.path().to_owned());
    let journal = directory.join("journal");
    let now = SystemClock.now();
    let hospital = Hospital::until(now, Duration::from_secs(arguments.days * 24 * 60 * 60), arguments.events);
    if !journal.exists() {
        made::make(&journal, &hospital)?;
    }
    let bytes = made::bytes(&journal, "segment")?;
    heading(arguments.events, bytes);
    let questions = questions(&hospital, &made::an_event(&journal)?);
    for (name, words) in questions.iter().filter(|(name, _)| arguments.wants(name)) {
        measured(name, &measure(words, &journal)?);
    }
    let index = made::bytes(&journal, "index")?;
    if arguments.wants(START) {
        measured(START, &start::until_ready(&directory)?);
    }
    ending(index, bytes);
    Ok(())
}

/// What is asked of the binary, each with the arguments by which.
fn questions(hospital: &Hospital, event: &str) -> Vec<(String, Vec<String>)> {
    let month = hospital.at(2, 3).to_string();
    let week = hospital.at(9, 10).to_string();
    let (patient, person) = (Hospital::patient_asked(), Hospital::person_asked());
    let questions: [(&str, &[&str]); 19] = [
        ("audit verify", &["audit", "verify"]),
        ("audit index", &["audit", "index"]),
        ("audit query --event", &["audit", "query", "--event", event]),
        ("audit query --patient", &["audit", "query", "--application", APPLICATION, "--patient", &patient]),
        (
            "the same, --no-index",
            &["audit", "query", "--application", APPLICATION, "--patient", &patient, "--no-index"],
        ),
        ("audit query --person", &["audit", "query", "--person", &person]),
        ("audit query --person, of a name", &["audit", "query", "--person", "Person 17"]),
        ("audit query --route", &["audit", "query", "--route", "export.*"]),
        ("audit query --reason", &["audit", "query", "--reason", "export-over-request-limit"]),
        ("audit query --since", &["audit", "query", "--since", &week, "--decision", "deny"]),
        ("report patient", &["report", "patient", "--application", APPLICATION, "--patient", &patient]),
        ("report who-saw", &["report", "who-saw", "--application", APPLICATION, "--patient", &patient]),
        (
            "report user-activity, a month",
            &["report", "user-activity", "--person", &person, "--since", &month],
        ),
        ("report coverage, a month", &["report", "coverage", "--since", &month]),
        ("report coverage", &["report", "coverage"]),
        ("audit export json", &["audit", "export", "--format", "json"]),
        ("audit export cef", &["audit", "export", "--format", "cef"]),
        ("audit export fhir, a week", &["audit", "export", "--format", "fhir", "--since", &week]),
        ("audit prove", &["audit", "prove", event]),
    ];
    questions
        .iter()
        .map(|(name, words)| ((*name).to_owned(), words.iter().map(|word| (*word).to_owned()).collect()))
        .collect()
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measures")]
fn heading(events: u64, bytes: u64) {
    println!("a journal of {events} events, {:.2} GB", giga(bytes));
    println!("{:<34} {:>9} {:>9} {:>10} {:>10} {:>8}", "", "seconds", "CPU s", "peak MiB", "read MB", "GB/s");
}

#[expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints what it measures, in three digits"
)]
fn measured(name: &str, measured: &Measured) {
    let seconds = measured.wall.as_secs_f64();
    println!(
        "{name:<34} {seconds:>9.3} {:>9.2} {:>10.1} {:>10.1} {:>8.2}",
        measured.processor.as_secs_f64(),
        measured.peak_kib as f64 / 1024.0,
        measured.read_bytes as f64 / 1e6,
        measured.read_bytes as f64 / seconds.max(1e-9) / 1e9,
    );
}

#[expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints what it measures, in three digits"
)]
fn ending(index: u64, bytes: u64) {
    println!(
        "indexes: {:.2} GB, {:.2} % of the segments",
        giga(index),
        index as f64 * 100.0 / bytes.max(1) as f64
    );
}

#[expect(clippy::cast_precision_loss, reason = "for a reader, in three digits")]
fn giga(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
