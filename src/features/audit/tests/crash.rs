//! Killed while it writes: nothing that was acknowledged is lost.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;
use crate::foundation::clock::SystemClock;

const DIRECTORY: &str = "JOURNAL_OF_THE_CHILD";

#[test]
fn a_process_that_is_killed_loses_no_acknowledged_entry() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    let mut noted = Vec::new();
    for round in 0..12 {
        acknowledged.extend(killed_after(directory.path(), 40 + 61 * round));

        // Read as it was left, before anybody repairs it.
        let left: HashSet<_> =
            events(directory.path()).into_iter().map(|event| event.opening.event).collect();
        assert!(acknowledged.is_subset(&left), "round {round}: an acknowledged entry is missing");
        noted.extend(std::fs::read_to_string(directory.path().join("checkpoint")));
    }
    open(&settings(directory.path(), SEGMENT_BYTES)).close();
    // What was signed before each kill is there, and was never more than was on the disk.
    assert!(noted.len() > 6, "{}", noted.len());
    let expectations = Expectations { witnessed: noted.clone(), ..Expectations::default() };
    let report = verify(directory.path(), &expectations).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.witnessed, report.signed_through), (noted.len() as u64, report.last_sequence));
    assert!(report.segments > 1);
    assert!(report.outcome_unknown > 0, "a kill leaves requests under way: {report:?}");
    assert!(acknowledged.len() > 1000);
}

/// Lets a child write, kills it once it has acknowledged so many entries; gives those that it did.
fn killed_after(directory: &Path, acknowledged: usize) -> Vec<RequestId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "features::audit::tests::crash::the_child_writes_until_it_is_killed"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = |line: String| line.split_once("durable ").and_then(|(_, event)| event.parse().ok());
    let mut events: Vec<_> =
        lines.by_ref().map_while(Result::ok).filter_map(event).take(acknowledged).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(events.len(), acknowledged, "the child ended by itself");
    // What it had said before it died counts as well; its last line may be half a line.
    events.extend(lines.map_while(Result::ok).filter_map(event));
    events
}

#[test]
#[ignore = "the child of the test above, which kills it"]
fn the_child_writes_until_it_is_killed() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("only as a child"));
    let mut settings = settings(&directory, SEGMENT_BYTES);
    settings.checkpoints.every = Duration::from_millis(3);
    let journal = Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap();
    on_a_worker(async {
        let desk = journal.desk();
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let desk = desk.clone();
                tokio::task::spawn_local(async move {
                    // Far more than the parent waits for, but not for ever.
                    for _ in 0..5_000 {
                        let mut opening = opening(number);
                        opening.event = RequestId::new(MORNING, &SystemEntropy);
                        let (_journaled, pending) = desk.submit(&opening).unwrap();
                        let _durable = pending.durable().await.unwrap();
                        println!("durable {}", opening.event);
                        desk.close(&Closing { event: opening.event, ..closing(number) });
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

const SEGMENT_BYTES: u64 = 64 << 10;
