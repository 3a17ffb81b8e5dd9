//! Entries in order, in batches, in time.

use super::*;
use crate::features::audit::JournalError;
use crate::features::audit::directory::segments;
use crate::features::audit::tray::Tray;

#[test]
fn entries_stand_in_the_order_in_which_they_were_submitted() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 1 << 20);
    let journal = open(&settings);
    on_a_worker(async {
        let desk = journal.desk();
        let mut pending = Vec::new();
        for number in 1..=20 {
            pending.push(desk.submit(&opening(number)).unwrap().1);
            if number % 2 == 0 {
                desk.close(&closing(number - 1));
            }
        }
        for pending in pending {
            let _durable = pending.durable().await.unwrap();
        }
    });
    journal.close();

    let mut expected = Vec::new();
    for number in (2..=20).step_by(2) {
        expected.extend([number - 1, number, -(number - 1)]);
    }
    assert_eq!(numbers(directory.path(), 21), expected);
    assert_eq!(report(directory.path()).misfit, None);
}

#[test]
fn a_clock_that_is_set_back_changes_no_order() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 1 << 20);
    // Each number's time is so many seconds after the morning.
    let journal = open(&settings);
    on_a_worker(async {
        let desk = journal.desk();
        for number in [500, 501, 3, 4, 600] {
            let _durable = desk.submit(&opening(number)).unwrap().1.durable().await.unwrap();
        }
    });
    journal.close();
    assert_eq!(numbers(directory.path(), 601), [500, 501, 3, 4, 600]);
    let report = report(directory.path());
    assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
    assert_eq!(
        report.longest_silence.map(crate::features::audit::verify::Silence::lasts),
        Some(Duration::from_secs(500))
    );
}

#[test]
fn what_one_turn_submits_is_one_batch_and_one_sync() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 1 << 20));
    on_a_worker(async {
        let desk = journal.desk();
        // The journal's own first entry is behind us then.
        let _durable = desk.submit(&opening(0)).unwrap().1.durable().await.unwrap();
        let before = journal.counters();
        let pending: Vec<_> = (1..=64).map(|number| desk.submit(&opening(number)).unwrap().1).collect();
        assert_eq!(journal.counters().waiting, 64);
        for pending in pending {
            let _durable = pending.durable().await.unwrap();
        }
        let after = journal.counters();
        assert_eq!(after.entries - before.entries, 64);
        assert_eq!(after.batches - before.batches, 1);
        assert_eq!(after.syncs - before.syncs, 1);
        assert_eq!(after.waiting, 0);
        assert!(after.bytes - before.bytes > 64 * 200, "{after:?}");
    });
}

#[test]
fn workers_and_the_control_plane_write_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 32 << 10));
    let workers: Vec<_> = (0..3_u64)
        .map(|worker| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                on_a_worker(async {
                    let desk = journal.desk();
                    let tasks: Vec<_> = (0..50)
                        .map(|number| {
                            let (desk, number) = (desk.clone(), worker * 50 + number);
                            tokio::task::spawn_local(async move {
                                let (_journaled, pending) = desk.submit(&opening(number)).unwrap();
                                let _durable = pending.durable().await.unwrap();
                                desk.close(&closing(number));
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                });
            })
        })
        .collect();
    on_a_worker(async { journal.record(&opening(500), Some(&closing(500))).await.unwrap() });
    for worker in workers {
        worker.join().unwrap();
    }
    journal.close();

    let report = report(directory.path());
    assert_eq!(report.misfit, None);
    // The journal's own two events as well.
    assert_eq!((report.openings, report.closings, report.under_way), (153, 153, 0));
    assert!(report.segments > 1);
    assert_eq!(events(directory.path()).len(), 151);
    assert!(events(directory.path()).iter().all(|event| event.closing.is_some()));
}

#[test]
fn a_clean_stop_loses_no_closing_entry() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 1 << 20));
    on_a_worker(async {
        let desk = journal.desk();
        let _durable = desk.submit(&opening(1)).unwrap().1.durable().await.unwrap();
        // Neither handed over nor waited for: the worker ends in this very turn.
        desk.close(&closing(1));
        journal.close();
        assert!(matches!(desk.submit(&opening(2)), Err(JournalError::Closed)));
        desk.close(&closing(2));
    });
    assert_eq!(journal.counters().lost_closings, 1);
    assert!(!journal.is_writable());
    assert_eq!(numbers(directory.path(), 3), [1, -1]);
}

#[test]
fn a_worker_that_ends_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 1 << 20));
    on_a_worker(async {
        let desk = journal.desk();
        desk.close(&closing(1));
    });
    journal.close();
    assert_eq!(numbers(directory.path(), 2), [-1]);
}

#[test]
fn a_second_process_is_refused_and_the_next_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 4096);
    let journal = open(&settings);
    let clock = Arc::new(TestClock::at(MORNING));
    let second = Journal::open(&settings, clock, Arc::new(SystemEntropy));
    let error = second.unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
    assert!(error.to_string().ends_with("is in use by another process"), "{error}");
    drop(journal);
    open(&settings).close();
}

#[test]
fn segments_follow_each_other_and_are_made_ahead() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 4096);
    write(&settings, 0..30);
    write(&settings, 30..40);
    let segments = segments(directory.path()).unwrap();
    assert!(segments.len() > 5, "{segments:?}");
    for segment in &segments {
        assert_eq!(std::fs::metadata(&segment.path).unwrap().len(), 4096);
    }
    let report = report(directory.path());
    assert_eq!(report.misfit, None);
    assert_eq!(report.segments, segments.len() as u64);
    assert_eq!(report.entries, 2 * 40 + 8, "each opening of the journal leaves two events");
    assert_eq!(entries(directory.path()).last().unwrap().sequence, 88);
}

#[test]
fn the_size_of_segments_may_change_between_two_starts() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 4096), 0..10);
    write(&settings(directory.path(), 8192), 10..30);
    write(&settings(directory.path(), 2048), 30..40);
    assert_eq!(report(directory.path()).misfit, None);
    assert_eq!(events(directory.path()).len(), 40);
}

#[test]
fn synced_within_a_time_nobody_waits_and_a_clean_stop_keeps_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), 1 << 20);
    settings.sync = Sync::Within(Duration::from_secs(3600));
    let journal = open(&settings);
    on_a_worker(async {
        let desk = journal.desk();
        for number in 0..100 {
            let _durable = desk.submit(&opening(number)).unwrap().1.durable().await.unwrap();
        }
        journal.record(&opening(100), None).await.unwrap();
    });
    assert_eq!(journal.counters().syncs, 0);
    journal.close();
    assert_eq!(numbers(directory.path(), 101).len(), 101);
    assert_eq!(report(directory.path()).misfit, None);
}

#[test]
fn synced_within_a_time_means_within_that_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), 1 << 20);
    settings.sync = Sync::Within(Duration::from_millis(5));
    let journal = open(&settings);
    let head = journal.head();
    on_a_worker(async {
        let _durable = journal.desk().submit(&opening(1)).unwrap().1.durable().await.unwrap();
        let begin = std::time::Instant::now();
        while journal.head().sequence < head.sequence + 3 {
            assert!(begin.elapsed() < Duration::from_secs(20), "it was never synced");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(journal.counters().syncs > 0);
}

#[test]
fn more_than_may_wait_is_refused_but_closing_entries_find_room() {
    let tray = Tray::new(64 << 10, None);
    let mut large = opening(1);
    large.note = Some("x".repeat(60 << 10));
    let refused = (0..1000).find_map(|_| tray.open(&large, None).err());
    assert!(matches!(refused, Some(JournalError::Overloaded)));
    tray.close(&closing(1)).unwrap();
    let taken = tray.take(Vec::new(), None);
    assert_eq!(taken.payloads().count() as u64, taken.entries);
    assert_eq!(taken.ticket, taken.entries - 1);
    let _ticket = tray.open(&large, None).unwrap();
}

#[test]
fn an_entry_that_is_too_large_is_refused_and_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 4096));
    on_a_worker(async {
        let mut large = opening(1);
        large.note = Some("x".repeat(4096));
        let desk = journal.desk();
        let _durable = desk.submit(&opening(2)).unwrap().1.durable().await.unwrap();
        assert!(matches!(desk.submit(&large), Err(JournalError::TooLarge { allowed: 3976, .. })));
        assert!(journal.record(&large, Some(&closing(1))).await.is_err());
        let _durable = desk.submit(&opening(3)).unwrap().1.durable().await.unwrap();
    });
    journal.close();
    assert_eq!(numbers(directory.path(), 4), [2, 3]);
}
