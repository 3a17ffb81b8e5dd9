//! Whoever follows a journal goes on from any place, and misses nothing.

use super::*;
use crate::features::audit::events::Follow;

/// What ends behind entry `known`, read in stretches of `most`: each with the entry that ended it.
fn followed(directory: &Path, from: u64, known: u64, last: u64, most: usize) -> Vec<(u64, RequestId)> {
    let mut follow = Follow::from_entry(directory, from).unwrap();
    let (mut found, mut read) = (Vec::new(), 0);
    loop {
        let before = read;
        read = follow
            .stretch_to(last, most, |sequence, event| {
                if sequence > known {
                    found.push((sequence, event.opening.event));
                }
            })
            .unwrap();
        if read == before {
            return found;
        }
    }
}

/// Events that overlap: each ends three later.
fn overlapping(settings: &JournalSettings, number: u64) {
    let journal = open(settings);
    on_a_worker(async {
        let desk = journal.desk();
        for it in 0..number + 3 {
            if it < number {
                let (_journaled, pending) = desk.submit(&opening(it)).unwrap();
                let _durable = pending.durable().await.unwrap();
            }
            // Two never end: their callers hold on.
            if (3..number + 3).contains(&it) && ![8, 9].contains(&it) {
                desk.close(&closing(it - 3));
            }
        }
    });
    journal.close();
}

#[test]
fn from_each_place_on_all_comes_that_ended_behind_it_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), 32 * 1024);
    overlapping(&settings, 60);
    // What never ended is given up where the journal is opened next: several events end with one entry.
    overlapping(&settings, 4);
    let directory = folder.path();
    let last = entries(directory).last().unwrap().sequence;
    let all = followed(directory, 1, 0, last, 7);
    assert!(all.len() > 60 && all.is_sorted_by_key(|(sequence, _)| *sequence), "{all:?}");

    for most in [1, 5, 1000] {
        let mut follow = Follow::from_entry(directory, 1).unwrap();
        let mut ended = 0;
        while ended < last {
            ended = follow.stretch_to(last, most, |_, _| {}).unwrap();
            let resumes = follow.resumes_from();
            let rest = followed(directory, resumes, ended, last, most);
            let expected: Vec<_> = all.iter().filter(|(sequence, _)| *sequence > ended).copied().collect();
            assert_eq!(rest, expected, "from {ended}, reading from {resumes}");
        }
    }
}

#[test]
fn nothing_behind_the_last_entry_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), 1024 * 1024);
    write(&settings, 0..5);
    let directory = folder.path();
    for last in 1..=entries(directory).len() as u64 {
        let mut follow = Follow::from_entry(directory, 1).unwrap();
        let read = follow.stretch_to(last, 1000, |sequence, _| assert!(sequence <= last)).unwrap();
        assert_eq!(read, last);
    }
}

#[test]
fn where_segments_are_gone_it_is_told_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), 32 * 1024);
    write(&settings, 0..200);
    let directory = folder.path();
    let mut segments: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "segment"))
        .collect();
    segments.sort();
    assert!(segments.len() > 2, "{segments:?}");
    assert_eq!(Follow::from_entry(directory, 1).unwrap().begins_at(), Some(1));
    std::fs::remove_file(&segments[0]).unwrap();
    let second: u64 = segments[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(Follow::from_entry(directory, 1).unwrap().begins_at(), Some(second));
    assert_eq!(Follow::from_entry(directory, second + 1).unwrap().begins_at(), Some(second));
}
