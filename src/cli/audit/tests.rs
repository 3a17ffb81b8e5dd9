//! The verbs, as they are typed.

use std::sync::Arc;

use clap::Parser as _;

use super::*;
use crate::cli::archived::archived;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::Head;
use crate::features::audit::journal::Journal;
use crate::features::audit::rulebooks;
use crate::features::audit::settings::{JournalSettings, Sync};
use crate::features::audit::tree::keys::known;
use crate::features::export::format::Format;
use crate::foundation::clock::TestClock;
use crate::foundation::entropy::SystemEntropy;

#[derive(Debug, clap::Parser)]
struct Typed {
    #[command(subcommand)]
    command: AuditCommand,
}

/// A journal that was opened and closed: two events of its own.
fn journal() -> (tempfile::TempDir, Head) {
    let directory = tempfile::tempdir().unwrap();
    let settings = JournalSettings::usual(directory.path().to_owned(), 4096, Sync::BeforeRelease);
    let journal = Journal::open(&settings, Arc::new(clock()), Arc::new(SystemEntropy)).unwrap();
    journal.close();
    let head = journal.head();
    (directory, head)
}

fn clock() -> TestClock {
    TestClock::at("2026-03-01T08:00:00Z".parse().unwrap())
}

fn typed(directory: &std::path::Path, words: &[&str]) -> (anyhow::Result<Answer>, String) {
    let command = Typed::try_parse_from([&["audit"], words].concat()).unwrap().command;
    let mut out = Vec::new();
    let locate = |files: &[PathBuf]| {
        anyhow::ensure!(files.is_empty(), "no configuration in this test");
        Ok(directory.to_owned())
    };
    let answer = run(&command, &locate, &clock(), &mut out, &mut std::io::sink());
    (answer, String::from_utf8(out).unwrap())
}

#[test]
fn a_journal_that_fits_is_a_yes_and_a_changed_one_a_no_with_its_place() {
    let (directory, head) = journal();
    let (answer, text) = typed(directory.path(), &["verify"]);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert!(text.contains("The journal fits") && text.contains(&head.to_string()), "{text}");

    let segment = directory.path().join("00000000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[64 + 56 + 3] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (answer, text) = typed(directory.path(), &["verify"]);
    assert_eq!(answer.unwrap(), Answer::No);
    let place = "segment 00000000000000000001.segment, byte 64, entry 1: the checksum does not fit";
    assert!(text.contains(place), "{text}");
    let (_, json) = typed(directory.path(), &["verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["misfit"]["offset"], 64);
}

#[test]
fn kept_rules_that_were_changed_are_a_no_with_their_file() {
    let (directory, head) = journal();
    let mut book = Rulebook::default();
    book.add("leastway.toml".to_owned(), "version = 1\n".to_owned());
    rulebooks::keep(directory.path(), &book).unwrap();
    let folder = directory.path().join("rulebooks");
    std::fs::write(folder.join("cut-short.json.tmp"), "{").unwrap();
    assert_eq!(typed(directory.path(), &["verify"]).0.unwrap(), Answer::Yes);

    let name = format!("{}.json", book.version().short());
    let text = std::fs::read_to_string(folder.join(&name)).unwrap();
    std::fs::write(folder.join(&name), text.replace("version = 1", "version = 2")).unwrap();
    let (answer, text) = typed(directory.path(), &["verify"]);
    assert_eq!(answer.unwrap(), Answer::No);
    assert!(text.starts_with("The entries fit, but not the rules that are kept for them.\n"), "{text}");
    assert!(text.contains(&format!("  rulebooks/{name}: these are not the rules")), "{text}");
    assert!(text.contains(&head.to_string()), "all entries fit: {text}");
    let (_, json) = typed(directory.path(), &["verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["contradictions"][0]["file"], format!("rulebooks/{name}"));

    std::fs::remove_file(folder.join(&name)).unwrap();
    assert_eq!(typed(directory.path(), &["verify"]).0.unwrap(), Answer::Yes, "they may be kept elsewhere");
}

#[test]
fn a_noted_head_that_is_gone_is_a_no() {
    let (directory, head) = journal();
    let noted = format!("--expect-head={head}");
    assert_eq!(typed(directory.path(), &["verify", &noted]).0.unwrap(), Answer::Yes);
    let later = format!("--expect-head={}", Head { sequence: head.sequence + 1, ..head });
    let (answer, text) = typed(directory.path(), &["verify", &later]);
    assert_eq!(answer.unwrap(), Answer::No);
    assert!(text.contains("entries were cut off"), "{text}");
}

#[test]
fn events_are_asked_for_by_time_and_word() {
    let (directory, _) = journal();
    let lines =
        |words: &[&str]| typed(directory.path(), &[&["query", "--json"], words].concat()).1.lines().count();
    assert_eq!(lines(&[]), 2);
    assert_eq!(lines(&["--since", "1h"]), 2);
    assert_eq!(lines(&["--since", "2026-03-01T08:00:01Z"]), 0);
    assert_eq!(lines(&["--until", "1s"]), 0);
    assert_eq!(lines(&["--outcome", "completed", "--limit", "1"]), 1);
    assert_eq!(lines(&["--decision", "deny"]), 0);
    assert_eq!(lines(&["--break-glass"]), 0);
    assert_eq!(lines(&["--break-glass", "--outcome", "completed"]), 0);
    assert_eq!(lines(&["--break-glass", "01980000-0000-7000-8000-000000000000"]), 0);
    assert_eq!(lines(&["--patient", "4711", "--application", "ehr"]), 0);
    let (_, table) = typed(directory.path(), &["query"]);
    assert!(table.contains("journal closed in order"), "{table}");
    // A word that stands where applications do can be asked for as one.
    let column = table.find("APPLICATION").unwrap();
    let cells: Vec<&str> = table.lines().skip(1).map(|line| line.get(column..column + 2).unwrap()).collect();
    assert_eq!(cells, ["- ", "- "], "{table}");
    let (_, tail) = typed(directory.path(), &["tail", "--lines", "3"]);
    assert_eq!(tail.lines().count(), 3);
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    let wrong: [&[&str]; 10] = [
        &["query", "--break-glass", "somebody"],
        &["query", "--patient", "4711"],
        &["query", "--decision", "maybe"],
        &["query", "--since", "yesterday"],
        &["query", "--limit", "0"],
        &["verify", "--expect-head", "12"],
        &["verify", "--journal", "a", "--config", "b"],
        &["export"],
        &["export", "--format", "leef"],
        &["export", "--format", "cef", "--patient", "4711"],
    ];
    for words in wrong {
        let error = Typed::try_parse_from([&["audit"], words].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}

#[test]
fn an_event_is_proven_by_one_and_checked_by_another_who_has_the_key_alone() {
    let (directory, _) = journal();
    let (_, keys) = typed(directory.path(), &["key"]);
    let key = keys.lines().last().unwrap();
    let (_, events) = typed(directory.path(), &["query", "--json"]);
    let event: serde_json::Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    let event = event["opening"]["event"].as_str().or(event["event"].as_str()).unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("event.proof");
    let file = file.to_str().unwrap();
    let (answer, text) = typed(directory.path(), &["prove", &event, "--out", file]);
    assert_eq!(answer.unwrap(), Answer::Yes, "{text}");

    let nowhere = std::path::Path::new("/nowhere");
    let (answer, text) = typed(nowhere, &["check-proof", file, "--key", key]);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert!(text.contains(&event), "{text}");
    let proof = std::fs::read_to_string(file).unwrap().replace("journal closed", "journal opened");
    std::fs::write(file, proof).unwrap();
    let (answer, text) = typed(nowhere, &["check-proof", file, "--key", key]);
    assert_eq!(answer.unwrap(), Answer::No);
    assert!(text.contains("do not lead to what was signed"), "{text}");
}

#[test]
fn a_journal_is_held_against_what_a_witness_has_noted() {
    let (directory, _) = journal();
    let (_, keys) = typed(directory.path(), &["key"]);
    let key = keys.trim();
    let noted = directory.path().join("checkpoint");
    let noted = noted.to_str().unwrap();
    let (answer, text) = typed(directory.path(), &["verify", "--checkpoint", noted, "--key", key]);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert!(text.contains("witnessed  1 checkpoints fit"), "{text}");

    let (other, _) = journal();
    let (answer, text) = typed(other.path(), &["verify", "--checkpoint", noted, "--key", key]);
    assert_eq!(answer.unwrap(), Answer::No);
    assert!(text.contains("was replaced"), "{text}");
}

#[test]
fn a_new_key_is_made_once_and_waits_for_the_gateway() {
    let (directory, _) = journal();
    let (answer, text) = typed(directory.path(), &["rotate-key"]);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert!(!typed(directory.path(), &["key"]).1.contains(text.lines().next().unwrap()));
    assert!(typed(directory.path(), &["rotate-key"]).0.is_err());
}

#[test]
fn every_format_is_written_line_by_line_with_the_filters_of_a_query() {
    let (directory, _) = journal();
    for format in Format::ALL {
        let words = ["export", "--format", format.as_str(), "--node", "gateway-1"];
        let (answer, text) = typed(directory.path(), &words);
        assert_eq!(answer.unwrap(), Answer::Yes);
        assert_eq!(text.lines().count(), 2, "{format}: {text}");
        assert!(text.lines().all(|line| line.contains("gateway-1")), "{format}: {text}");
        let later = [&words[..], &["--since", "2026-03-01T08:00:01Z"]].concat();
        assert_eq!(typed(directory.path(), &later).1, "", "{format}");
    }
}

#[test]
fn a_file_is_whole_the_owners_own_and_never_another_ones_place() {
    use std::os::unix::fs::PermissionsExt as _;

    let (directory, _) = journal();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    let words = ["export", "--format", "fhir", "--out", file.to_str().unwrap()];
    let (answer, text) = typed(directory.path(), &words);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert!(text.starts_with("2 events in 2 lines of "), "{text}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().count(), 2);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let (again, _) = typed(directory.path(), &words);
    assert!(again.unwrap_err().to_string().contains("is there already"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn a_journal_that_does_not_fit_leaves_no_file_behind_that_seems_whole() {
    let (directory, _) = journal();
    let segment = directory.path().join("00000000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[64 + 56 + 3] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let file = directory.path().join("events.cef");
    let (answer, _) =
        typed(directory.path(), &["export", "--format", "cef", "--out", file.to_str().unwrap()]);
    assert!(format!("{:#}", answer.unwrap_err()).contains("could not be read to its end"));
    assert!(!file.exists());
}

#[test]
fn events_are_printed_in_the_format_that_is_asked_for() {
    let (directory, _) = journal();
    let printed = |format: &str| typed(directory.path(), &["query", "--oldest-first", "--format", format]).1;
    assert_eq!(printed("json"), typed(directory.path(), &["query", "--oldest-first", "--json"]).1);
    let table = printed("csv");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(reader.headers().unwrap().get(1), Some("person"));
    let notes: Vec<_> = reader.records().map(|row| row.unwrap()[3].to_owned()).collect();
    assert!(notes.len() == 2 && notes[1] == "journal closed in order", "{notes:?}");
}

/// Somebody who reads one line, and then has seen enough.
struct OneLine(Vec<u8>);

impl Write for OneLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.contains(&b'\n') {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_fits_is_followed_until_nobody_reads_any_more() {
    let (directory, _) = journal();
    let words = ["audit", "query", "--follow", "--since", "1h", "--outcome", "completed"];
    let command = Typed::try_parse_from(words).unwrap().command;
    let mut out = OneLine(Vec::new());
    let ended = run(&command, &|_| Ok(directory.path().to_owned()), &clock(), &mut out, &mut std::io::sink());
    let error = ended.unwrap_err().downcast::<std::io::Error>().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert!(String::from_utf8(out.0).unwrap().contains("journal opened"));
}

#[test]
fn indexes_are_made_where_no_gateway_runs() {
    let (directory, _) = journal();
    let (answer, told) = typed(directory.path(), &["index"]);
    assert_eq!(answer.unwrap(), Answer::Yes);
    assert_eq!(told, "0 segments were indexed, 0 had their index.\n");
}

#[test]
fn an_event_that_is_in_the_archive_alone_is_proven_where_that_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let (configuration, event) = archived(home.path(), clock().now());
    let (config, event) = (configuration.to_str().unwrap(), event.to_string());
    let typed = |words: &[&str]| {
        let command = Typed::try_parse_from([&["audit"], words].concat()).unwrap().command;
        let locate = |_: &[PathBuf]| Ok(home.path().join("journal"));
        let mut out = Vec::new();
        let answer = run(&command, &locate, &clock(), &mut out, &mut std::io::sink());
        answer.map(|answer| (answer, String::from_utf8(out).unwrap()))
    };
    let refused = typed(&["prove", &event, "--config", config]).unwrap_err().to_string();
    assert!(refused.contains("ask with `--archive`"), "{refused}");
    let (answer, proof) = typed(&["prove", &event, "--config", config, "--archive"]).unwrap();
    assert_eq!(answer, Answer::Yes);
    let key = known(&home.path().join("journal")).unwrap().pop().unwrap().to_string();
    let file = home.path().join("event.proof");
    std::fs::write(&file, proof).unwrap();
    let (answer, told) = typed(&["check-proof", file.to_str().unwrap(), "--key", &key]).unwrap();
    assert!(answer == Answer::Yes && told.contains(&event), "{told}");
    let both = ["audit", "prove", "--archive", "--consistency", "a", "b"];
    assert!(Typed::try_parse_from(both).is_err());
}
