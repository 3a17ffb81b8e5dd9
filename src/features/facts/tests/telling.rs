//! What feeds tell of a person and a patient: fresh, too old, missing.

use super::*;
use crate::domain::told::{Known, Told};
use crate::features::facts::feed::Looked;
use crate::features::facts::{Feed, Feeds};

/// Feeds with what stands in their files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a feed's file, as if at `made`.
    fn write(&self, feed: &FeedSettings, text: &str, made: Timestamp) -> FeedSettings {
        let path = self.0.path().join(feed.name.as_str());
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let millis = u64::try_from(made.as_millis()).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(millis)).unwrap();
        FeedSettings { source: Source::File(path), ..feed.clone() }
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn relationship(feeds: &Feeds, told: &Told, word: &str) -> Known {
    told.relationship(feeds.words().relationship(word).unwrap())
}

const TIES: &str =
    "person,patient,relationship,from,until\nnoor,17,ATND,,2026-03-02T10:00:00Z\nines,18,PCP,,\n";

#[test]
fn a_tie_ends_in_its_minute_and_a_feed_with_its_age() {
    let folder = Folder::new();
    let feeds = Feeds::new(&[folder.write(&ties(Format::Csv), TIES, NOW)]);
    let known = |who: &str, which: &str, now| {
        relationship(&feeds, &feeds.about(&person(who), Some(&patient(which)), now), "attending")
    };
    assert_eq!(known("noor", "17", NOW), Known::Unknown, "nothing was read yet");
    assert_eq!(feeds.look(NOW)[0].1, Looked::Taken(2));
    assert_eq!(feeds.look(NOW)[0].1, Looked::Same);
    let ends: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    assert_eq!(known("noor", "17", ends.minus(Duration::from_millis(1))), Known::Yes);
    assert_eq!(known("noor", "17", ends), Known::No);
    assert_eq!(known("ines", "17", NOW), Known::No);
    let oldest = NOW.plus(Duration::from_secs(24 * 60 * 60));
    assert_eq!(known("ines", "18", oldest), Known::No);
    assert_eq!(known("ines", "18", oldest.plus(Duration::from_millis(1))), Known::Aged);
    let told = feeds.about(&person("noor"), None, NOW);
    assert_eq!(relationship(&feeds, &told, "attending"), Known::Unknown, "no patient is named");
}

#[test]
fn a_person_of_another_provider_and_a_patient_of_another_application_are_nobodys() {
    let folder = Folder::new();
    let feeds = Feeds::new(&[folder.write(&ties(Format::Csv), TIES, NOW)]);
    feeds.look(NOW);
    let stranger = Identity { provider: "partner".parse().unwrap(), ..person("noor") };
    let told = feeds.about(&stranger, Some(&patient("17")), NOW);
    assert_eq!(relationship(&feeds, &told, "attending"), Known::Unknown);
    let elsewhere = PatientRef::new("lab".parse().unwrap(), "17".to_owned());
    let told = feeds.about(&person("noor"), Some(&elsewhere), NOW);
    assert_eq!(relationship(&feeds, &told, "attending"), Known::Unknown);
}

#[test]
fn people_are_found_by_the_one_value_of_an_attribute() {
    let folder = Folder::new();
    let by_email = FeedSettings { person: Some("email".to_owned()), ..ties(Format::Csv) };
    let feeds = Feeds::new(&[folder.write(&by_email, TIES, NOW)]);
    feeds.look(NOW);
    let known = |emails: &[&str]| {
        let mut who = person("f:1");
        let emails = emails.iter().map(ToString::to_string).collect();
        Arc::make_mut(&mut who.subject).attributes.insert("email".to_owned(), emails);
        relationship(&feeds, &feeds.about(&who, Some(&patient("17")), NOW), "attending")
    };
    assert_eq!(known(&["noor"]), Known::Yes);
    assert_eq!(known(&["ines"]), Known::No);
    assert_eq!(known(&["noor", "ines"]), Known::Unknown, "which of them is nobody's guess");
    assert_eq!(known(&[]), Known::Unknown);
}

#[test]
fn a_bad_file_leaves_in_force_what_was_known_until_that_is_too_old() {
    let folder = Folder::new();
    let feed = Feed::new(folder.write(&ties(Format::Csv), TIES, NOW));
    assert_eq!(feed.look(NOW), Looked::Taken(2));
    folder.write(&feed.settings, &format!("{TIES}noor,,ATND,,\n"), NOW.plus(minutes(1)));
    let Looked::Refused(fault) = feed.look(NOW.plus(minutes(1))) else { panic!("it was taken") };
    assert_eq!(fault.to_string(), "line 4, column `patient`: is empty");
    assert_eq!(feed.look(NOW.plus(minutes(2))), Looked::Same, "told once");
    let now = feed.now(NOW.plus(minutes(2)));
    assert_eq!((now.rows, now.age_seconds, now.stale, now.failures), (Some(2), Some(120), false, 1));
    assert_eq!(now.fault.as_deref(), Some("line 4, column `patient`: is empty"));
    assert_eq!(feed.revision(), 1);

    std::fs::remove_file(folder.0.path().join(feed.settings.name.as_str())).unwrap();
    assert!(matches!(feed.look(NOW.plus(minutes(3))), Looked::Refused(_)));
    assert!(feed.now(NOW.plus(Duration::from_secs(90_000))).stale);
    folder.write(
        &feed.settings,
        "person,patient,relationship,from,until\nines,18,PCP,,\n",
        NOW.plus(minutes(4)),
    );
    assert_eq!(feed.look(NOW.plus(minutes(4))), Looked::Taken(1));
    assert_eq!((feed.now(NOW.plus(minutes(4))).fault, feed.revision()), (None, 2));
}

#[test]
fn a_file_from_the_future_or_of_too_many_bytes_is_not_taken() {
    let folder = Folder::new();
    let ahead = Feed::new(folder.write(&ties(Format::Csv), TIES, NOW.plus(minutes(6))));
    assert!(
        matches!(ahead.look(NOW), Looked::Refused(fault) if fault.to_string().contains("later than now"))
    );
    let small = FeedSettings { bytes_max: 20, ..ties(Format::Csv) };
    let small = Feed::new(folder.write(&small, TIES, NOW));
    assert!(matches!(small.look(NOW), Looked::Refused(fault) if fault.to_string().contains("20 bytes")));
}

#[test]
fn a_place_that_is_told_of_both_relates_them() {
    let folder = Folder::new();
    let people = FeedSettings {
        max_age: minutes(60),
        ..settings(
            FeedKind::Person,
            Format::Csv,
            &[Column::Person, Column::Department, Column::OwnPatient, Column::Household],
        )
    };
    let people = folder.write(
        &people,
        "person,department,own_patient,household\nnoor,cardiology;surgery,7,8;9\nines,,,\n",
        NOW.minus(minutes(30)),
    );
    let patients = FeedSettings {
        flags: vec![("vip".to_owned(), "V".to_owned())],
        ..settings(FeedKind::Patient, Format::Csv, &[Column::Patient, Column::Department, Column::Flags])
    };
    let patients = folder.write(&patients, "patient,department,flags\n17,surgery,V;X\n18,oncology,\n", NOW);
    let feeds = Feeds::new(&[people, patients]);
    feeds.look(NOW);
    let about = |who: &str, which: &str, now| feeds.about(&person(who), Some(&patient(which)), now);
    let shared = |who: &str, which: &str, now| relationship(&feeds, &about(who, which, now), "department");
    assert_eq!(shared("noor", "17", NOW), Known::Yes);
    assert_eq!(shared("noor", "18", NOW), Known::No);
    assert_eq!(shared("noor", "19", NOW), Known::Unknown, "nobody has told where the patient is");
    assert_eq!(shared("ines", "17", NOW), Known::Unknown, "nor where she works");
    assert_eq!(shared("noor", "17", NOW.plus(minutes(31))), Known::Aged, "the older of both counts");

    let own = |who: &str, which: &str, now| about(who, which, now).own_chart;
    assert_eq!(
        [own("noor", "7", NOW), own("noor", "9", NOW), own("noor", "17", NOW)],
        [Known::Yes, Known::Yes, Known::No]
    );
    assert_eq!(own("nobody", "7", NOW), Known::Unknown);
    let late = NOW.plus(minutes(31));
    assert_eq!([own("noor", "7", late), own("noor", "17", late)], [Known::Yes, Known::Aged]);
    assert_eq!(feeds.about(&person("nobody"), None, NOW).own_chart, Known::No, "no chart is nobody's own");

    let flags = |which: &str| (about("noor", which, NOW).flags.has(0), about("noor", which, NOW).flags_known);
    assert_eq!(
        [flags("17"), flags("18"), flags("19")],
        [(true, Known::Yes), (false, Known::Yes), (false, Known::Yes)]
    );
    assert_eq!(feeds.about(&person("noor"), None, NOW).flags_known, Known::Unknown);
}

#[test]
fn a_shift_is_from_its_first_moment_to_before_its_last() {
    let folder = Folder::new();
    let columns = [Column::Person, Column::From, Column::Until];
    let shifts = settings(FeedKind::Shift, Format::Csv, &columns);
    let text = "person,from,until\nnoor,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z\nnoor,2026-03-02T22:00:00Z,2026-03-03T06:00:00Z\n";
    let feeds = Feeds::new(&[folder.write(&shifts, text, NOW)]);
    assert_eq!(feeds.about(&person("noor"), None, NOW).on_shift, Known::Unknown);
    feeds.look(NOW);
    let at = |who: &str, time: &str| feeds.about(&person(who), None, time.parse().unwrap()).on_shift;
    assert_eq!(at("noor", "2026-03-02T08:59:59.999Z"), Known::No);
    assert_eq!(at("noor", "2026-03-02T09:00:00Z"), Known::Yes);
    assert_eq!(at("noor", "2026-03-02T10:00:00Z"), Known::No);
    assert_eq!(at("noor", "2026-03-03T05:00:00Z"), Known::Yes);
    assert_eq!(at("ines", "2026-03-03T05:00:00Z"), Known::No);
    assert_eq!(at("noor", "2026-03-04T05:00:00Z"), Known::Aged);
}

#[test]
fn what_a_permit_rested_on_is_told_with_its_feed_and_age() {
    let folder = Folder::new();
    let feeds = Feeds::new(&[folder.write(&ties(Format::Csv), TIES, NOW.minus(minutes(5)))]);
    feeds.look(NOW);
    let (who, which) = (person("noor"), patient("17"));
    let rested = feeds.about(&who, Some(&which), NOW).holds;
    let told = feeds.told_by(&who, Some(&which), rested, NOW);
    let told: Vec<_> = told.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
    assert_eq!(told, [r#"{"relationship":"attending","feed":"relationships","age_seconds":300}"#]);
}

#[test]
fn over_a_reload_a_feed_keeps_what_it_knows_unless_its_settings_change() {
    let folder = Folder::new();
    let written = folder.write(&ties(Format::Csv), TIES, NOW);
    let before = Feeds::new(std::slice::from_ref(&written));
    before.look(NOW);
    let mut same = Feeds::new(std::slice::from_ref(&written));
    same.inherit(&before);
    assert_eq!(same.now(NOW)[0].rows, Some(2));
    let mut other = Feeds::new(&[FeedSettings { max_age: minutes(1), ..written }]);
    other.inherit(&before);
    assert_eq!(other.now(NOW)[0].rows, None);
}
