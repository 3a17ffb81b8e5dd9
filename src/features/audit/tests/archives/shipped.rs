//! Put there and read back; whatever does not fit is found.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::features::audit::archive::{ArchiveError, ManifestError, Trust, fetch};
use crate::platform::objects::LockMode;
use crate::platform::objects::fake::{Shared, bucket_at};

#[test]
fn a_full_segment_is_shipped_and_proven_and_the_one_in_use_is_not() {
    let house = House::of(40);
    let shipped = house.ship();
    let there = crate::features::audit::directory::segments(house.path()).unwrap();
    assert_eq!(shipped.len() + 1, there.len());
    assert!(shipped.len() > 3);
    let first = shipped.first().unwrap();
    assert_eq!((first.first(), first.segment()), (1, "00000000000000000001.segment".to_owned()));
    assert_eq!(first.retain_until, "2036-04-01T00:00:00Z".parse().unwrap());
    for (receipt, next) in shipped.iter().zip(shipped.iter().skip(1)) {
        assert_eq!(receipt.through, next.before);
    }
    for object in shipped.iter().flat_map(Receipt::objects) {
        let mode = fs::metadata(house.stored(&object.name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400, "{}", object.name);
    }
    let archive = house.archive();
    for receipt in &shipped {
        let manifest = run(archive.prove(receipt)).unwrap();
        assert!(manifest.packed.bytes < manifest.raw.bytes);
    }
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
    assert_eq!((archive.now().archived, archive.now().waiting), (shipped.len() as u64, 0));
    assert!(
        !house
            .path()
            .join("archive")
            .read_dir()
            .unwrap()
            .any(|file| { file.unwrap().file_name().to_string_lossy().starts_with("scratch") })
    );
}

#[test]
fn what_has_no_index_or_no_checkpoint_waits() {
    let house = House::of(40);
    let first = house.path().join("00000000000000000001.index");
    fs::remove_file(&first).unwrap();
    let archive = house.archive();
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
    assert!(archive.now().waiting > 3 && archive.now().waiting_since == Some(MORNING));
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    fs::remove_file(house.path().join("checkpoint")).unwrap();
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
}

#[test]
fn a_segment_that_was_changed_here_is_not_shipped() {
    let house = House::of(40);
    let path = house.path().join("00000000000000000001.segment");
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, bytes).unwrap();
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Segment(_)), "{refused}");
    assert_eq!(fs::read_dir(house.elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_tree_that_is_not_what_was_signed_ships_nothing() {
    let (house, other) = (House::of(40), House::of(40));
    for name in ["checkpoint", "checkpoint.keys"] {
        fs::copy(other.path().join(name), house.path().join(name)).unwrap();
    }
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Contradicted { .. }), "{refused}");
}

#[test]
fn what_was_changed_in_the_archive_is_found() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let faults = |receipt: &Receipt| {
        let refused = run(archive.prove(receipt)).unwrap_err();
        let ArchiveError::Copy { why, .. } = refused else { panic!("{refused}") };
        why
    };
    house.overwrite(&shipped[0].packed.name, |bytes| bytes[40] ^= 1);
    assert!(matches!(faults(&shipped[0]), ManifestError::Sum { .. }));
    house.overwrite(&shipped[1].packed.name, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(matches!(faults(&shipped[1]), ManifestError::Sum { .. }));
    house.overwrite(&shipped[2].manifest.name, |bytes| *bytes.last_mut().unwrap() = b' ');
    assert_eq!(faults(&shipped[2]), ManifestError::Manifest);
    house.overwrite(&shipped[3].index.as_ref().unwrap().name, |bytes| bytes[9] ^= 1);
    assert!(matches!(faults(&shipped[3]), ManifestError::Sum { .. }));
    fs::remove_file(house.stored(&shipped[4].packed.name)).unwrap();
    assert!(run(archive.prove(&shipped[4])).unwrap_err().to_string().contains("is not in the bucket"));
}

#[test]
fn a_copy_that_was_written_anew_with_its_sums_is_not_what_was_signed() {
    let house = House::of(40);
    let shipped = house.ship();
    // All that whoever has the archive alone can do: entries of another journal, with a manifest that is true of them.
    let forged = House::of(41);
    let theirs = forged.ship();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(forged.stored(&theirs[0].manifest.name)).unwrap()).unwrap();
    let ours: serde_json::Value =
        serde_json::from_slice(&fs::read(house.stored(&shipped[0].manifest.name)).unwrap()).unwrap();
    for kept in ["origin", "checkpoint", "consistency", "edge", "keys"] {
        manifest[kept] = ours[kept].clone();
    }
    house.overwrite(&shipped[0].packed.name, |bytes| {
        *bytes = fs::read(forged.stored(&theirs[0].packed.name)).unwrap();
    });
    house.overwrite(&shipped[0].manifest.name, |bytes| *bytes = serde_json::to_vec(&manifest).unwrap());
    fs::remove_dir_all(house.path().join("archive")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let found = run(fetch(
        &house.archive(),
        (house.path(), to.path()),
        (None, None),
        &Trust::Keys(Vec::new()),
        MORNING,
    ));
    let why = found.unwrap_err();
    assert!(matches!(why, ArchiveError::Copy { why: ManifestError::Replaced, .. }), "{why}");
}

#[test]
fn the_place_of_another_journal_is_left_alone() {
    let (house, other) = (House::of(40), House::of(40));
    house.ship();
    let archive = other.archive_at(house.elsewhere.path());
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Foreign { .. }), "{refused}");
    let first = &receipts(house.path()).unwrap()[0].receipt;
    run(house.archive().prove(first)).unwrap();
}

#[test]
fn what_was_shipped_before_a_crash_is_shipped_again() {
    let house = House::of(40);
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    run(archive.ship(&due[0], &[], MORNING)).unwrap();
    assert_eq!(house.ship().len(), due.len());
}

#[test]
fn a_hold_is_laid_on_and_lifted_once() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let march: Period = "2026-03".parse().unwrap();
    assert_eq!(run(archive.unlike(&[])).unwrap(), Vec::new());
    for (receipt, is_held) in run(archive.unlike(&[march])).unwrap() {
        assert!(is_held);
        run(archive.hold(&receipt, is_held, MORNING)).unwrap();
    }
    assert_eq!(run(archive.unlike(&[march])).unwrap(), Vec::new());
    let lifted = run(archive.unlike(&[])).unwrap();
    assert_eq!((lifted.len(), lifted.iter().any(|(_, is_held)| *is_held)), (shipped.len(), false));
}

#[test]
fn half_a_receipt_counts_as_none_and_another_text_as_damage() {
    let house = House::of(40);
    let shipped = house.ship();
    let path = house.path().join("archive/receipts");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.get(..text.len() - 20).unwrap()).unwrap();
    assert_eq!(receipts(house.path()).unwrap().len(), shipped.len() - 1);
    assert_eq!(house.ship().len(), shipped.len());
    fs::write(&path, format!("{{\"step\":\"archived\"}}\n{text}")).unwrap();
    assert!(matches!(receipts(house.path()), Err(ArchiveError::Receipts { line: 1, .. })));
    fs::write(&path, "{\"step\":\"removed\",\"first\":1,\"at\":\"2026-03-01T08:00:00Z\"}\n").unwrap();
    assert!(matches!(receipts(house.path()), Err(ArchiveError::Receipts { line: 1, .. })));
}

#[test]
fn a_place_that_is_not_there_is_not_made() {
    let house = House::of(40);
    let gone = house.elsewhere.path().join("not-mounted");
    let archive = house.archive_at(&gone);
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Disk { .. }), "{refused}");
    assert!(!gone.exists());
    assert!(archive.note_failure(&refused) && !archive.note_failure(&refused));
    assert_eq!(archive.now().failures, 2);
    assert!(archive.note_success() && archive.now().fault.is_none());
}

#[test]
fn a_shipment_that_is_tried_again_leaves_no_second_version_of_what_is_there() {
    let house = House::of(40);
    run(async {
        let server = Shared::default();
        let place = ArchivePlace::Bucket(bucket_at(&server, Some(LockMode::Compliance)).await);
        let settings = ArchiveSettings { place, keep_local: KEPT, retain_years: 10 };
        let archive = Archive::new(house.path().to_owned(), settings).unwrap();
        let due = archive.due(MORNING).await.unwrap().remove(0);
        let put = || {
            let server = server.lock().unwrap();
            let puts = server.asked.iter().filter(|(method, ..)| method == "PUT");
            puts.map(|(_, target, _)| target.clone()).collect::<Vec<_>>()
        };
        let first = archive.ship(&due, &[], MORNING).await.unwrap();
        let before = put();
        assert!(before.len() >= 2, "{before:?}");
        // Nobody has kept the receipt: it is shipped again.
        let again = archive.ship(&due, &[], MORNING).await.unwrap();
        assert_eq!((again.packed, put()), (first.packed.clone(), before.clone()));

        // Of what is there, but is another or is not locked, there is a new version.
        let path = format!("/journal/gateway-1/{}", first.packed.name);
        server.lock().unwrap().objects.get_mut(&path).unwrap()[0] ^= 1;
        archive.ship(&due, &[], MORNING).await.unwrap();
        assert_eq!(put()[before.len()..], [format!("{path}?")]);
        server.lock().unwrap().locks.remove(&path).unwrap();
        archive.ship(&due, &[], MORNING).await.unwrap();
        assert_eq!(put()[before.len()..], [format!("{path}?"), format!("{path}?")]);
    });
}
