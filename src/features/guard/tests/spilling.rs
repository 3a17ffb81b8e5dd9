//! Replies that are longer than memory may hold: they wait on the disk, sealed, and come whole or not at all.

use std::os::unix::fs::FileExt as _;

use proptest::prelude::*;

use super::redacting::{body as records, quiet, ssn};
use super::*;

const HOLD: usize = 100_000;
const ROWS: usize = 100_000;

/// Terms under which so many rows may be taken away, and not one more.
fn up_to(rows: usize) -> Terms {
    let limits = Limits { records_per_export: Some(rows as u64), ..terms(Action::Export).limits };
    Terms { limits, ..terms(Action::Export) }
}

fn long(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Reply {
    Reply::pieces(Some(csv_shape()), "text/csv", pieces).hold_bytes(HOLD)
}

/// How many names there are in the folder.
fn names(disk: &Disk) -> usize {
    std::fs::read_dir(&disk.settings.directory).unwrap().count()
}

/// The files of this folder that this process has open.
fn open_files(disk: &Disk) -> Vec<std::fs::File> {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let here = |path: &std::path::PathBuf| {
        std::fs::read_link(path).is_ok_and(|target| target.starts_with(&disk.settings.directory))
    };
    let opened = |path| std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    descriptors.filter(here).map(opened).collect()
}

#[test]
fn a_long_reply_within_its_limit_comes_byte_for_byte() {
    let (body, disk) = (csv(ROWS), Disk::with_room(1 << 30, 1 << 30));
    let released = long(body.chunks(10_007)).on(&disk).ask(&up_to(ROWS)).unwrap();
    assert_eq!(released.body().size_hint().exact(), Some(body.len() as u64));
    assert!(!released.body().is_end_stream());
    assert_eq!(names(&disk), 0, "what waits has no name");
    assert_eq!(open_files(&disk).len(), 1);
    let waits = disk.spills.bytes();
    assert!(waits > (body.len() - HOLD - 20_000) as u64, "{waits} bytes wait");
    let out = read(released);
    assert!(out.bytes == body && out.error.is_none());
    assert_eq!((out.record.records, out.record.ended), (Count::Exactly(ROWS as u64), EndedHow::Complete));
    assert_eq!((disk.spills.bytes(), open_files(&disk).len()), (0, 0));
}

#[test]
fn of_a_long_reply_beyond_its_limit_not_one_byte_leaves_and_nothing_is_read_on() {
    for on_exceed in [OnExceed::Block, OnExceed::StepUp, OnExceed::Justify] {
        let (body, disk) = (csv(ROWS), Disk::with_room(1 << 30, 1 << 30));
        let reply = long(body.chunks(10_000)).on(&disk);
        let asked = Rc::clone(&reply.body.asked);
        let limits = Limits { on_exceed, ..up_to(ROWS / 2).limits };
        let withheld = reply.withheld(&Terms { limits, ..up_to(ROWS / 2) });
        assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
        let half = body.len() / 20_000;
        assert!(*asked.borrow() < half + 10, "asked {} times, half is {half}", asked.borrow());
        assert_eq!((disk.spills.bytes(), names(&disk), open_files(&disk).len()), (0, 0, 0));
    }
}

#[test]
fn what_the_end_makes_unknown_stays_here_however_long_it_is() {
    let disk = Disk::with_room(1 << 30, 1 << 30);
    let mut body = csv(ROWS);
    body.extend_from_slice(b"1,\"never closed");
    let withheld = long(body.chunks(50_000)).on(&disk).withheld(&up_to(2 * ROWS));
    assert_eq!(withheld.reason(), Reason::CountUnknown);
    assert_eq!(disk.spills.bytes(), 0);
}

#[test]
fn what_nothing_can_deny_streams_and_never_waits() {
    let body = csv(ROWS);
    let justified = Terms {
        justified: true,
        limits: Limits {
            on_exceed: OnExceed::Justify,
            on_unknown_count: OnExceed::Advise,
            ..up_to(10).limits
        },
        ..up_to(10)
    };
    for terms in [Terms { basis: Basis::Treatment, ..up_to(10) }, justified] {
        let disk = Disk::with_room(1, 1);
        let reply = long(body.chunks(10_000)).on(&disk);
        let asked = Rc::clone(&reply.body.asked);
        let released = reply.ask(&terms).unwrap();
        assert!(*asked.borrow() <= 2, "nothing is held");
        assert!(read(released).bytes == body);
        assert!(!disk.settings.directory.exists());
    }
}

#[test]
fn what_is_no_longer_counted_once_it_waits_comes_in_its_order_all_the_same() {
    // Behind its rows stands what no JSON is: the count is unknown from there on, which is only advised of.
    let rows: Vec<String> = (0..ROWS).map(|number| format!("{{\"id\":{number}}}")).collect();
    let body = format!("[{}]{}", rows.join(","), "no JSON ".repeat(ROWS));
    let limits = Limits { on_unknown_count: OnExceed::Advise, ..up_to(2 * ROWS).limits };
    let terms = Terms { limits, ..up_to(2 * ROWS) };
    for size in [997, 50_000, 300_000] {
        let disk = Disk::with_room(1 << 30, 1 << 30);
        let pieces = body.as_bytes().chunks(size);
        let reply = Reply::pieces(Some(json_shape()), "application/json", pieces).hold_bytes(HOLD).on(&disk);
        let out = reply.released(&terms);
        assert!(out.bytes == body.as_bytes() && out.error.is_none(), "in pieces of {size}");
        assert_eq!(disk.spills.bytes(), 0);
    }
}

#[test]
fn what_memory_holds_touches_no_disk() {
    let disk = Disk::with_room(1, 1);
    let body = csv(10);
    let out = long([&body]).on(&disk).released(&up_to(10));
    assert_eq!(out.bytes, body);
    assert!(!disk.settings.directory.exists());
}

#[test]
fn without_its_fields_it_comes_from_the_disk_too() {
    let many = 10_000;
    let shape = Some(json_shape());
    let reply = Reply::pieces(shape, "application/json", records(many).chunks(10_000)).hold_bytes(HOLD);
    let released = reply.without(ssn()).ask(&up_to(many)).unwrap();
    let out = read(released);
    assert!(out.bytes == quiet(many) && out.error.is_none());
    assert_eq!(out.record.records, Count::Exactly(many as u64));
}

#[test]
fn what_waits_cannot_be_read_and_what_was_changed_there_is_broken_off() {
    let (body, disk) = (csv(ROWS), Disk::with_room(1 << 30, 1 << 30));
    let released = long(body.chunks(10_000)).on(&disk).ask(&up_to(ROWS)).unwrap();
    let file = open_files(&disk).pop().unwrap();
    let mut there = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut there, 0).unwrap();
    assert!(there.len() > 1_000_000 && !there.windows(6).any(|bytes| bytes == b"a name"));
    // In the second piece.
    let at = 300_000;
    file.write_all_at(&[there[at] ^ 1], at as u64).unwrap();
    let out = read(released);
    assert!(matches!(out.error, Some(GuardError::Spill(_))));
    assert_eq!(out.record.ended, EndedHow::SpillFailed);
    assert!(body.starts_with(&out.bytes) && out.bytes.len() < HOLD + 300_000, "{}", out.bytes.len());
    assert_eq!(disk.spills.bytes(), 0);
}

#[test]
fn what_finds_no_room_stays_here_and_takes_none() {
    let body = csv(ROWS);
    let reply = |disk| long(body.chunks(10_000)).on(disk);
    let unheld = |reply: Reply| {
        let withheld = reply.withheld(&up_to(ROWS));
        assert_eq!((withheld.reason(), withheld.verdict()), (Reason::ReplyTooLong, None));
        let Cause::Unheld(unheld) = withheld.cause else { panic!("{:?}", withheld.cause) };
        unheld
    };
    let small = Disk::with_room(body.len() as u64 / 2, 1 << 30);
    assert!(matches!(unheld(reply(&small)), Unheld::TooLong));
    assert_eq!(small.spills.bytes(), 0);

    let shared = Disk::with_room(1 << 30, body.len() as u64);
    let first = reply(&shared).ask(&up_to(ROWS)).unwrap();
    assert!(matches!(unheld(reply(&shared)), Unheld::NoRoom));
    assert!(read(first).bytes == body, "who has the room keeps it");
    assert!(read(reply(&shared).ask(&up_to(ROWS)).unwrap()).bytes == body);

    let taken = Disk::with_room(1 << 30, 1 << 30);
    std::fs::write(taken.folder.path().join("spill"), "no folder").unwrap();
    assert!(matches!(unheld(reply(&taken)), Unheld::Disk(_)));
    assert_eq!(taken.spills.bytes(), 0);
}

#[test]
fn a_caller_who_leaves_leaves_nothing_behind() {
    let (body, disk) = (csv(ROWS), Disk::with_room(1 << 30, 1 << 30));
    let released = long(body.chunks(10_000)).on(&disk).ask(&up_to(ROWS)).unwrap();
    let mut read = released.into_body();
    run(async {
        // All of memory, and one piece of the disk.
        for _ in 0..15 {
            poll_fn(|context| Pin::new(&mut read).poll_frame(context)).await.unwrap().unwrap();
        }
    });
    assert_eq!(read.record().ended, EndedHow::Dropped);
    drop(read);
    assert_eq!((disk.spills.bytes(), open_files(&disk).len()), (0, 0));

    // And one who leaves while it is still held.
    let mut reply = long(body.chunks(10_000)).on(&disk);
    reply.body.stalls = true;
    let (head, body) = reply.head.body(reply.body).unwrap().into_parts();
    let meter = Meter::new(reply.shape.as_ref(), &head, &reply.settings);
    let (terms, under) = (up_to(ROWS), disk.spills.under(&disk.settings));
    let taken = (None, Plans::default());
    let slow = Response::from_parts(head, body);
    let release = release(slow, meter, &terms, taken, Durable::assertion(), &reply.settings, under);
    run(async {
        let ended = tokio::time::timeout(Duration::from_millis(500), release).await;
        assert!(ended.is_err(), "it waits for its end");
    });
    assert_eq!((disk.spills.bytes(), open_files(&disk).len()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_it_is_cut_it_comes_back_as_it_came(
        sizes in proptest::collection::vec(1_usize..400_000, 1..12),
        rows in 1_usize..60_000,
    ) {
        let body = csv(rows);
        let (mut rest, mut pieces, mut sizes) = (&body[..], Vec::new(), sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        let out = long(pieces).hold_bytes(1_000).released(&up_to(rows));
        prop_assert!(out.bytes == body && out.record.ended == EndedHow::Complete);
    }
}
