//! Removed here: what the journal is without, how it is asked all the same, and how it comes back and ends.

use super::*;
use crate::features::audit::archive::{
    ArchiveError, Elsewhere, Gap, ManifestError, Trust, elsewhere, fetch, fetch_fitting,
};
use crate::features::audit::prove::{Checked, Proof, ProveError, check, prove_event, sought};
use crate::features::audit::tree::keys;
use crate::features::audit::{Head, Problem};

#[test]
fn a_segment_goes_once_it_is_old_and_neither_needed_nor_held() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let going =
        |now, needed_from, held: &[Period]| run(archive.removable(now, needed_from, held)).unwrap().len();
    assert_eq!(going(MORNING.plus(KEPT.checked_sub(DAY).unwrap()), u64::MAX, &[]), 0);
    assert_eq!(going(later(), u64::MAX, &[]), shipped.len());
    assert_eq!(going(later(), 1, &[]), 0);
    assert_eq!(going(later(), shipped[1].through.sequence, &[]), 1);
    assert_eq!(going(later(), u64::MAX, &["2026-03".parse().unwrap()]), 0);
    assert_eq!(going(later(), u64::MAX, &["2026-02".parse().unwrap()]), shipped.len());
}

#[test]
fn what_stands_in_the_place_of_an_archived_segment_stays() {
    let house = House::of(40);
    house.ship();
    let (first, second) = ("00000000000000000001.segment", house.path().join("archive/receipts"));
    let text = fs::read_to_string(&second).unwrap();
    let through = &receipts(house.path()).unwrap()[0].receipt.through.hash.to_string();
    fs::write(&second, text.replace(through, &"0".repeat(64))).unwrap();
    assert!(house.path().join(first).exists());
    assert_eq!(run(house.archive().removable(later(), u64::MAX, &[])).unwrap().len(), 0);
}

#[test]
fn a_journal_whose_beginning_is_elsewhere_verifies_and_goes_on() {
    let house = House::of(40);
    let shipped = house.ship();
    let told = house.tell();
    assert_eq!(told, shipped);
    let all = entries(house.path());
    house.take(&told);
    let found = report(house.path());
    assert!(found.is_sound() && found.checkpoints > 0, "{found:?}");
    assert_eq!(found.last_sequence, all.last().unwrap().sequence);
    let telling = all.iter().find(|stored| Some(stored.sequence) == found.archived_by).unwrap();
    let Entry::Opening(telling) = &telling.entry else { panic!("{telling:?}") };
    assert!(telling.note.as_ref().unwrap().contains(&told.last().unwrap().segment()), "{telling:?}");
    write(&settings(house.path(), SEGMENT), 40..80);
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let found = report(house.path());
    assert!(found.is_sound() && found.segments > 3, "{found:?}");
    assert!(house.ship().len() > shipped.len());
    // Its own word counts, and no receipt's.
    fs::remove_dir_all(house.path().join("archive")).unwrap();
    assert!(report(house.path()).is_sound());
}

#[test]
fn a_beginning_that_is_gone_without_an_entry_was_cut_off_whatever_receipts_say() {
    let house = House::of(40);
    let shipped = house.ship();
    house.take(&shipped);
    let found = report(house.path());
    let through = shipped.last().unwrap().through.sequence;
    assert_eq!(found.misfit.as_ref().unwrap().problem, Problem::Missing { found: through + 1 }, "{found:?}");
    assert_eq!((found.entries, found.misfit.unwrap().sequence), (0, 1));
    // Told of one segment, two are gone.
    let house = House::of(40);
    house.ship();
    let told = house.tell();
    let next = crate::features::audit::directory::segments(house.path()).unwrap()[told.len()].clone();
    house.take(&told);
    assert!(report(house.path()).is_sound());
    write(&settings(house.path(), SEGMENT), 40..80);
    fs::remove_file(&next.path).unwrap();
    assert!(matches!(report(house.path()).misfit.unwrap().problem, Problem::Missing { .. }));
}

#[test]
fn what_no_checkpoint_covers_tells_nothing_of_the_beginning() {
    let house = House::of(40);
    house.ship();
    let signed = ["checkpoint", "checkpoints"].map(|name| (name, fs::read(house.path().join(name)).unwrap()));
    let told = house.tell();
    house.take(&told);
    assert!(report(house.path()).is_sound());
    // As somebody leaves it who can write the folder and has no key.
    for (name, bytes) in &signed {
        fs::write(house.path().join(name), bytes).unwrap();
    }
    assert!(matches!(report(house.path()).misfit.unwrap().problem, Problem::Missing { .. }));
}

#[test]
fn a_beginning_that_is_told_behind_what_is_asked_for_is_told() {
    let house = House::of(40);
    house.ship();
    let last =
        entries(house.path()).last().map(|stored| Head { sequence: stored.sequence, hash: stored.hash });
    let told = house.tell();
    house.take(&told);
    let through = Expectations { through: last, ..Expectations::default() };
    let found = verify(house.path(), &through).unwrap();
    assert!(found.is_sound() && found.last_sequence < found.archived_by.unwrap(), "{found:?}");
}

#[test]
fn a_receipt_alone_destroys_nothing_and_leads_nowhere() {
    let house = House::of(40);
    let shipped = house.ship();
    house.remove();
    let archive = house.archive();
    let over: Timestamp = "2036-04-01T00:00:00Z".parse().unwrap();
    let early = over.minus(Duration::from_secs(1));
    let refused = run(archive.prove_over(&shipped[0], early)).unwrap_err();
    assert!(matches!(&refused, ArchiveError::Kept { until, .. } if *until == over), "{refused}");
    run(archive.prove_over(&shipped[0], over)).unwrap();
    // What somebody else has removed needs no proof.
    fs::remove_file(house.stored(&shipped[1].packed.name)).unwrap();
    run(archive.prove_over(&shipped[1], early)).unwrap();
    let path = house.path().join("archive/receipts");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen(
            "\"00000000000000000001.segment.zst",
            "\"../../etc/00000000000000000001.segment.zst",
            1,
        ),
    )
    .unwrap();
    assert!(matches!(receipts(house.path()), Err(ArchiveError::Receipts { line: 1, .. })));
}

#[test]
fn a_question_is_answered_with_the_archive_as_it_was_before() {
    let house = House::of(60);
    let about = |number: u64| Filter {
        since: Some(MORNING.plus(Duration::from_secs(number))),
        until: Some(MORNING.plus(Duration::from_secs(number + 3))),
        ..Filter::default()
    };
    let filters = [
        Filter::default(),
        about(5),
        about(55),
        Filter { person: Some("sub-1".to_owned()), ..Filter::default() },
    ];
    house.ship();
    let told = house.tell();
    let before: Vec<_> = filters.iter().map(|it| answered(house.path(), it, Hints::Used)).collect();
    house.take(&told);
    assert_ne!(answered(house.path(), &filters[0], Hints::Used), before[0]);
    let archive = house.archive();
    for (filter, before) in filters.iter().zip(&before) {
        for hints in [Hints::Used, Hints::Ignored] {
            let chance = SystemEntropy;
            let asked = fetch_fitting(&archive, house.path(), (filter, None), hints, &chance);
            let (view, fetched) = run(asked).unwrap();
            assert_eq!(answered(view.directory(), filter, hints), *before, "{filter:?}");
            // What nothing is needed of is not even looked at; of the rest, what its index passes over is not fetched.
            let is_early = filter.since == filters[1].since;
            let is_passed_over = fetched.passed_over > 0;
            assert_eq!(
                is_passed_over,
                is_early && filter.since.is_some() && hints == Hints::Used,
                "{fetched:?}"
            );
            let place = view.directory().to_owned();
            drop(view);
            assert!(!place.exists() && house.path().join("patients.key").exists());
        }
    }
}

#[test]
fn what_is_not_here_any_more_is_told_by_its_time() {
    let house = House::of(60);
    let shipped = house.ship();
    let told = |since, until| elsewhere(house.path(), since, until).unwrap();
    assert_eq!(told(None, None).archived, None);
    house.remove();
    let last = shipped.last().unwrap();
    let all = told(None, None).archived.unwrap();
    assert_eq!((all.segments, all.first, all.last), (shipped.len() as u64, 1, last.through.sequence));
    assert_eq!(told(Some(last.to.plus(DAY)), None).archived, None);
    assert_eq!(told(None, Some(MORNING)).archived, None);
    let some = told(Some(last.from), None).archived.unwrap();
    assert!(some.segments < all.segments && some.last == all.last);
}

#[test]
fn whoever_follows_is_told_what_is_gone_and_where_it_is() {
    let house = House::of(60);
    let shipped = house.ship();
    house.remove();
    let begins_at = shipped.last().unwrap().through.sequence + 1;
    let gap = |needed| Gap::between(house.path(), needed, begins_at).unwrap();
    assert_eq!(gap(begins_at), None);
    assert_eq!(gap(begins_at + 5), None);
    let all = gap(1).unwrap();
    assert_eq!((all.first, all.last, all.entries()), (1, begins_at - 1, begins_at - 1));
    assert_eq!(all.elsewhere, elsewhere(house.path(), None, None).unwrap());
    let some = gap(shipped[1].first() + 1).unwrap();
    assert_eq!(some.elsewhere.archived.unwrap().first, shipped[1].first());
    let told = all.to_string();
    assert!(told.contains(&format!("entries 1 to {} were gone", begins_at - 1)), "{told}");
    assert!(told.contains(") are in the archive"), "{told}");
    fs::remove_dir_all(house.path().join("archive")).unwrap();
    assert!(gap(1).unwrap().to_string().ends_with("none of them was archived"));
}

#[test]
fn what_is_fetched_verifies_alone() {
    let house = House::of(60);
    let shipped = house.ship();
    house.remove();
    let all = (None, None);
    let part = (Some(shipped[2].from), Some(shipped[4].to));
    for (times, is_known) in [(all, true), (part, true), (all, false)] {
        if !is_known {
            fs::rename(house.path().join("archive"), house.path().join("lost")).unwrap();
        }
        let to = tempfile::tempdir().unwrap();
        let places = (house.path(), to.path());
        let fetched = run(fetch(&house.archive(), places, times, &Trust::Keys(Vec::new()), MORNING)).unwrap();
        let archived = fetched.begins_after;
        let found = verify(to.path(), &Expectations { archived, ..Expectations::default() }).unwrap();
        assert!(found.is_sound(), "{found:?}");
        // That it is a part has to be said.
        assert_eq!(report(to.path()).is_sound(), times == all);
        assert_eq!((found.segments, found.entries), (fetched.segments, fetched.entries));
        assert_eq!(fetched.segments == shipped.len() as u64, times == all);
    }
}

#[test]
fn an_event_that_is_in_the_archive_alone_is_proven_by_what_is_fetched() {
    let house = House::of(60);
    let shipped = house.ship();
    // Each of its ends is a checkpoint's, as a gateway that runs on signs them.
    write(&settings(house.path(), SEGMENT), 60..120);
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let shipped_later = house.ship().len() - shipped.len();
    assert!(shipped_later > 0);
    house.remove();
    let event = opening(2).event;
    let missing = |event: RequestId| elsewhere(house.path(), Some(event.time()), None).unwrap();
    let refused = prove_event(house.path(), event, &missing(event)).unwrap_err();
    assert!(matches!(refused, ProveError::Archived { .. }), "{refused}");
    let told = refused.to_string();
    assert!(told.contains(&format!("audit fetch --since {}", event.time())), "{told}");
    let unknown = opening(4_000_000_000).event;
    assert!(matches!(prove_event(house.path(), unknown, &missing(unknown)), Err(ProveError::Unknown(_))));

    let to = tempfile::tempdir().unwrap();
    let places = (house.path(), to.path());
    let since = Some(event.time());
    run(fetch(&house.archive(), places, (since, None), &Trust::Keys(Vec::new()), MORNING)).unwrap();
    let proof =
        serde_json::to_string(&Proof::Event(prove_event(to.path(), event, &Elsewhere::default()).unwrap()))
            .unwrap();
    let known = keys::known(house.path()).unwrap();
    assert!(matches!(check(&proof, &known), Ok(Checked::Event { event: proven, .. }) if proven == event));
    assert!(report(to.path()).is_sound());
}

#[test]
fn an_event_that_is_in_the_archive_alone_is_proven_where_it_is_fetched_for_that() {
    let house = House::of(60);
    write(&settings(house.path(), SEGMENT), 20_000..20_060);
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    house.ship();
    house.remove();
    let (archive, known) = (house.archive(), keys::known(house.path()).unwrap());
    for (number, hints, is_spared) in
        [(2, Hints::Used, true), (2, Hints::Ignored, false), (20_003, Hints::Used, false)]
    {
        let event = opening(number).event;
        let wanted = sought(event);
        let asking = fetch_fitting(&archive, house.path(), (&wanted, None), hints, &SystemEntropy);
        let (view, fetched) = run(asking).unwrap();
        assert_eq!(fetched.passed_over > 0, is_spared, "{number}: {fetched:?}");
        let proof = Proof::Event(prove_event(view.directory(), event, &Elsewhere::default()).unwrap());
        let text = serde_json::to_string(&proof).unwrap();
        assert!(matches!(check(&text, &known), Ok(Checked::Event { event: proven, .. }) if proven == event));
    }
    let absent = opening(4_000_000).event;
    let wanted = sought(absent);
    let asking = fetch_fitting(&archive, house.path(), (&wanted, None), Hints::Used, &SystemEntropy);
    let (view, _) = run(asking).unwrap();
    let refused = prove_event(view.directory(), absent, &Elsewhere::default()).unwrap_err();
    assert!(matches!(refused, ProveError::Unknown(_)), "all of it was looked at: {refused}");
}

#[test]
fn a_part_in_the_middle_proves_its_events_by_the_newest_checkpoint_within_it() {
    let house = House::of(60);
    let first = house.ship().len();
    write(&settings(house.path(), SEGMENT), 60..120);
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let all = house.ship();
    house.remove();
    // From a segment in the middle of the first that were shipped to one behind the checkpoint that covers them.
    let part = (Some(all[first - 2].from.plus(Duration::from_secs(1))), Some(all[first + 1].to));
    let to = tempfile::tempdir().unwrap();
    let places = (house.path(), to.path());
    let fetched = run(fetch(&house.archive(), places, part, &Trust::Keys(Vec::new()), MORNING)).unwrap();
    let archived = fetched.begins_after;
    assert!(archived.is_some());
    let newest = fs::read_to_string(to.path().join("checkpoint")).unwrap();
    assert!(fs::read_to_string(to.path().join("checkpoints")).unwrap().ends_with(&newest));
    let found = verify(to.path(), &Expectations { archived, ..Expectations::default() }).unwrap();
    assert!(found.is_sound() && found.checkpoints > 0, "{found:?}");
    let inside = entries(to.path()).into_iter().find_map(|stored| match stored.entry {
        Entry::Opening(opening) => Some(opening.event),
        Entry::Closing(_) => None,
    });
    let proof = Proof::Event(prove_event(to.path(), inside.unwrap(), &Elsewhere::default()).unwrap());
    let text = serde_json::to_string(&proof).unwrap();
    assert!(check(&text, &keys::known(house.path()).unwrap()).is_ok());
    // Without a checkpoint it is said what is missing, and not that a file is.
    fs::remove_file(to.path().join("checkpoint")).unwrap();
    let refused = prove_event(to.path(), inside.unwrap(), &Elsewhere::default()).unwrap_err();
    assert!(matches!(refused, ProveError::Unsigned(_)), "{refused}");
}

#[test]
fn without_a_key_the_archive_is_believed_only_where_somebody_says_so() {
    let house = House::of(40);
    house.ship();
    let nowhere = tempfile::tempdir().unwrap();
    let fetched = |trust: &Trust| {
        let to = tempfile::tempdir().unwrap();
        let fetched = run(fetch(&house.archive(), (nowhere.path(), to.path()), (None, None), trust, MORNING));
        fetched.map(|_| report(to.path()).is_sound())
    };
    let refused = fetched(&Trust::Keys(Vec::new())).unwrap_err();
    assert!(matches!(refused, ArchiveError::Untrusted), "{refused}");
    assert!(fetched(&Trust::Archive).unwrap());
    fs::write(nowhere.path().join("checkpoint.keys"), "no key\n").unwrap();
    let refused = fetched(&Trust::Keys(Vec::new())).unwrap_err();
    assert!(matches!(refused, ArchiveError::Journal(_)), "{refused}");
}

#[test]
fn what_another_key_has_signed_is_not_taken() {
    let (house, other) = (House::of(40), House::of(1));
    house.ship();
    let keys = keys::known(other.path()).unwrap();
    let to = tempfile::tempdir().unwrap();
    let refused =
        run(fetch(&house.archive(), (house.path(), to.path()), (None, None), &Trust::Keys(keys), MORNING));
    let why = refused.unwrap_err();
    assert!(matches!(why, ArchiveError::Copy { why: ManifestError::Unsigned, .. }), "{why}");
}

#[test]
fn checkpoints_within_what_is_fetched_are_held_against_it() {
    let house = House::of(60);
    house.ship();
    // More is signed later, so that what is shipped then is covered by other checkpoints.
    write(&settings(house.path(), SEGMENT), 60..120);
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    house.ship();
    house.remove();
    let to = tempfile::tempdir().unwrap();
    run(fetch(&house.archive(), (house.path(), to.path()), (None, None), &Trust::Keys(Vec::new()), MORNING))
        .unwrap();
    let found = report(to.path());
    assert!(found.is_sound() && found.checkpoints > 0 && found.signed_through > 60, "{found:?}");
}

#[test]
fn the_end_of_retention_removes_what_is_elsewhere_alone_and_not_held() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let over: Timestamp = "2036-04-01T00:00:00Z".parse().unwrap();
    let ended = |now, held: &[Period]| run(archive.ended(now, held)).unwrap().len();
    assert_eq!(ended(over, &[]), 0, "it is still here");
    house.remove();
    assert_eq!(ended(over.minus(Duration::from_secs(1)), &[]), 0);
    assert_eq!(ended(over, &["2026-03".parse().unwrap()]), 0);
    assert_eq!(ended(over, &[]), shipped.len());
    run(archive.retire(&shipped[0], over)).unwrap();
    assert!(shipped[0].objects().all(|object| !house.stored(&object.name).exists()));
    assert_eq!(ended(over, &[]), shipped.len() - 1);
    let told = elsewhere(house.path(), None, None).unwrap();
    assert_eq!(told.retired.unwrap().last, shipped[0].through.sequence);
    assert_eq!(told.archived.unwrap().first, shipped[1].first());
    assert!(report(house.path()).is_sound());
}
