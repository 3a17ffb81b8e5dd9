//! A journal that somebody may have written or changed: it is read to its end or to the first entry that does not
//! fit, every change to what was whole is found, and nothing of it can move a terminal's cursor.
//!
//! The segment is written here after the format's description, by no code of the journal's own.

use std::path::PathBuf;
use std::sync::LazyLock;

use leastway::domain::event::Entry;
use leastway::features::audit::query::{Filter, Order, query};
use leastway::features::audit::read::Reader;
use leastway::features::audit::table::{write_json, write_table};
use leastway::features::audit::verify::{Expectations, verify};
use leastway::features::audit::{Misfit, Problem};
use leastway::foundation::digest::Digest;

use crate::input::Input;

static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("leastway-fuzz-journal-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a folder for the journal");
    directory
});

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 3 {
        0 => drop(verified(input.rest())),
        1 => lines(input.rest()),
        _ => changed(input),
    }
}

/// Whole in its chain, with lines as payloads: it ends where one is no entry.
fn lines(rest: &[u8]) {
    let payloads: Vec<&[u8]> =
        rest.split(|byte| *byte == b'\n').filter(|payload| !payload.is_empty()).take(64).collect();
    let readable = |payload: &&&[u8]| serde_json::from_slice::<Entry>(payload).is_ok();
    let expected = payloads.iter().take_while(readable).count();
    let misfit = verified(&segment(&payloads));
    match misfit {
        None => assert_eq!(expected, payloads.len()),
        Some(Misfit { problem: Problem::Unreadable(_), sequence, .. }) => {
            assert_eq!(sequence, expected as u64 + 1);
        }
        Some(other) => panic!("{other}"),
    }
    let entries = Reader::open(&DIRECTORY).expect("readable").take_while(Result::is_ok).count();
    assert_eq!(entries, expected);
}

/// Whole, and then changed at places that the input chooses.
fn changed(mut input: Input<'_>) {
    let whole = segment(&[CLOSING, CLOSING, CLOSING]);
    let mut changed = whole.clone();
    for _ in 0..input.byte() % 8 {
        let place = usize::from(input.byte()) << 8 | usize::from(input.byte());
        let length = changed.len();
        changed[place % length] = input.byte();
    }
    assert_eq!(verified(&changed).is_some(), changed != whole);
}

/// What the proof and the questions make of one segment.
fn verified(segment: &[u8]) -> Option<Misfit> {
    std::fs::write(DIRECTORY.join("00000000000000000001.segment"), segment).expect("room for a segment");
    let report = verify(&DIRECTORY, &Expectations::default()).expect("the folder is readable");
    assert!(report.entries == report.openings + report.closings && report.last_sequence == report.entries);
    if let Ok(answer) = query(&DIRECTORY, &Filter::default(), Order::NewestFirst, 16) {
        let mut table = Vec::new();
        write_table(&answer.events, &mut table).expect("memory");
        let table = String::from_utf8(table).expect("text");
        assert!(table.chars().all(|letter| letter == '\n' || !letter.is_control()), "{table:?}");
        let mut json = Vec::new();
        write_json(&answer.events, &mut json).expect("memory");
        assert_eq!(json.iter().filter(|byte| **byte == b'\n').count(), answer.events.len());
    }
    report.misfit
}

fn segment(payloads: &[&[u8]]) -> Vec<u8> {
    let length = 64 + payloads.iter().map(|payload| 56 + payload.len()).sum::<usize>() + 100;
    let mut header = b"LEASTWAY\0\0\0\x01".to_vec();
    header.extend((length as u64).to_be_bytes());
    header.extend([0; 8 + 32]);
    header.extend(crc32c::crc32c(&header).to_be_bytes());
    let (mut bytes, mut previous) = (header, Digest::ZERO);
    for (sequence, payload) in (1_u64..).zip(payloads) {
        let size = (payload.len() as u32).to_be_bytes();
        let covered =
            [&size, &sequence.to_be_bytes()[..], &(sequence - 1).to_be_bytes(), previous.as_bytes(), payload]
                .concat();
        bytes.extend(size);
        bytes.extend(crc32c::crc32c(&covered).to_be_bytes());
        bytes.extend(&covered[4..]);
        previous = Digest::of_parts(&[previous.as_bytes(), &sequence.to_be_bytes(), payload]);
    }
    bytes.resize(length, 0);
    bytes
}

const CLOSING: &[u8] = include_bytes!("../seeds/journal/closing.json");
