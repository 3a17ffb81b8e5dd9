//! What feeds tell of a person and a patient: fresh, too old, missing.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName};

use super::*;
use crate::domain::told::{Known, Told};
use crate::features::facts::devices::DeviceSeen;
use crate::features::facts::feed::Looked;
use crate::features::facts::settings::{DeviceBy, DeviceSettings};
use crate::features::facts::table::Table;
use crate::features::facts::{Feed, Feeds};
use crate::platform::tls::front::CallerCertificate;

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
        relationship(&feeds, &feeds.about(&person(who), Some(&patient(which)), None, now), "attending")
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
    let told = feeds.about(&person("noor"), None, None, NOW);
    assert_eq!(relationship(&feeds, &told, "attending"), Known::Unknown, "no patient is named");
}

#[test]
fn a_person_of_another_provider_and_a_patient_of_another_application_are_nobodys() {
    let folder = Folder::new();
    let feeds = Feeds::new(&[folder.write(&ties(Format::Csv), TIES, NOW)]);
    feeds.look(NOW);
    let stranger = Identity { provider: "partner".parse().unwrap(), ..person("noor") };
    let told = feeds.about(&stranger, Some(&patient("17")), None, NOW);
    assert_eq!(relationship(&feeds, &told, "attending"), Known::Unknown);
    let elsewhere = PatientRef::new("lab".parse().unwrap(), "17".to_owned());
    let told = feeds.about(&person("noor"), Some(&elsewhere), None, NOW);
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
        relationship(&feeds, &feeds.about(&who, Some(&patient("17")), None, NOW), "attending")
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
    let about = |who: &str, which: &str, now| feeds.about(&person(who), Some(&patient(which)), None, now);
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
    assert_eq!(
        feeds.about(&person("nobody"), None, None, NOW).own_chart,
        Known::No,
        "no chart is nobody's own"
    );

    let flags = |which: &str| (about("noor", which, NOW).flags.has(0), about("noor", which, NOW).flags_known);
    assert_eq!(
        [flags("17"), flags("18"), flags("19")],
        [(true, Known::Yes), (false, Known::Yes), (false, Known::Yes)]
    );
    assert_eq!(feeds.about(&person("noor"), None, None, NOW).flags_known, Known::Unknown);
}

#[test]
fn a_shift_is_from_its_first_moment_to_before_its_last() {
    let folder = Folder::new();
    let columns = [Column::Person, Column::From, Column::Until];
    let shifts = settings(FeedKind::Shift, Format::Csv, &columns);
    let text = "person,from,until\nnoor,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z\nnoor,2026-03-02T22:00:00Z,2026-03-03T06:00:00Z\n";
    let feeds = Feeds::new(&[folder.write(&shifts, text, NOW)]);
    assert_eq!(feeds.about(&person("noor"), None, None, NOW).on_shift, Known::Unknown);
    feeds.look(NOW);
    let at = |who: &str, time: &str| feeds.about(&person(who), None, None, time.parse().unwrap()).on_shift;
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
    let rested = feeds.about(&who, Some(&which), None, NOW).holds;
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

const DEVICES: &str = "device,class,department,status\npc-17.ward.example,nursing station,cardiology,in service\n\
                       pc-18.ward.example,tablet,surgery,in service\npc-19.ward.example,nursing station,cardiology,lost\n";

/// An inventory of devices, which are called so.
fn inventory(by: DeviceBy) -> FeedSettings {
    let columns = [Column::Device, Column::Class, Column::Department, Column::Status];
    let classes = vec![("ward".parse().unwrap(), "nursing station".to_owned())];
    let devices = DeviceSettings { by, classes, in_use: vec!["in service".to_owned()] };
    FeedSettings {
        provider: None,
        devices: Some(devices),
        ..settings(FeedKind::Device, Format::Csv, &columns)
    }
}

fn shown(hosts: &[&str], thumbprint: &str) -> CallerCertificate {
    CallerCertificate {
        thumbprint: thumbprint.into(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        uris: Vec::new(),
        ends: NOW,
    }
}

/// What a feed tells of a device that shows this: its class and whether it is withdrawn.
fn device(feeds: &Feeds, seen: DeviceSeen<'_>) -> Option<(Option<String>, bool)> {
    let facts = feeds.device(seen, NOW)?;
    Some((facts.class().map(ToString::to_string), facts.is_withdrawn()))
}

#[test]
fn a_device_is_known_by_its_certificate_and_withdrawn_with_any_of_its_names() {
    let folder = Folder::new();
    let feeds = Feeds::new(&[folder.write(&inventory(DeviceBy::Certificate), DEVICES, NOW)]);
    let said = HeaderMap::new();
    let of = |hosts: &[&str]| {
        let certificate = shown(hosts, "t");
        let seen = DeviceSeen { address: HERE, certificate: Some(&certificate), said: &said };
        device(&feeds, seen)
    };
    assert_eq!(of(&["pc-17.ward.example"]), None, "nothing was read yet");
    assert_eq!(feeds.look(NOW)[0].1, Looked::Taken(3));
    assert_eq!(feeds.now(NOW)[0].left_out, Some(1), "a class that nobody has declared");
    let ward = Some((Some("ward".to_owned()), false));
    assert_eq!(of(&["pc-17.ward.example"]), ward);
    assert_eq!(of(&["else.example", "pc-17.ward.example"]), ward);
    assert_eq!(of(&["pc-18.ward.example"]), Some((None, false)), "it is known, and of no class by the feed");
    assert_eq!(of(&["pc-19.ward.example"]), Some((None, true)));
    assert_eq!(of(&["pc-17.ward.example", "pc-19.ward.example"]), Some((None, true)));
    assert_eq!(of(&["pc-20.ward.example"]), None);
    let bare = DeviceSeen { address: HERE, certificate: None, said: &said };
    assert_eq!(device(&feeds, bare), None, "a device that proves nothing");
}

#[test]
fn a_device_is_known_by_thumbprint_header_or_the_smallest_network_around_it() {
    let folder = Folder::new();
    let asset = HeaderName::from_static("x-asset");
    let mut said = HeaderMap::new();
    said.insert(&asset, http::HeaderValue::from_static("PC-17"));
    let certificate = shown(&[], "Thumb");
    let seen = |address: &str| DeviceSeen {
        address: address.parse().unwrap(),
        certificate: Some(&certificate),
        said: &said,
    };
    let head = "device,class,department,status\n";
    let known = |by, rows: &str, address: &str| {
        let feeds = Feeds::new(&[folder.write(&inventory(by), &format!("{head}{rows}"), NOW)]);
        assert!(matches!(feeds.look(NOW)[0].1, Looked::Taken(_)), "{rows}");
        device(&feeds, seen(address)).map(|(class, is_withdrawn)| class.is_some() && !is_withdrawn)
    };
    let row = |name: &str| format!("{name},nursing station,x,in service\n");
    assert_eq!(known(DeviceBy::Thumbprint, &row("Thumb"), "10.0.0.1"), Some(true));
    assert_eq!(known(DeviceBy::Thumbprint, &row("thumb"), "10.0.0.1"), None, "base64url has a case");
    assert_eq!(known(DeviceBy::Header(asset.clone()), &row("PC-17"), "10.0.0.1"), Some(true));
    assert_eq!(known(DeviceBy::Header(asset), &row("PC-18"), "10.0.0.1"), None);

    let networks = format!("{}10.20.7.9,,x,lost\n{}", row("10.20.0.0/16"), row("2001:db8::/32"));
    let at = |address: &str| known(DeviceBy::Address, &networks, address);
    assert_eq!([at("10.20.7.8"), at("10.20.7.9"), at("10.21.0.1")], [Some(true), Some(false), None]);
    assert_eq!(
        [at("::ffff:10.20.7.9"), at("2001:db8::7"), at("2001:db9::7")],
        [Some(false), Some(true), None]
    );
}

#[test]
fn rows_that_differ_about_a_device_and_a_name_that_is_no_network_are_told() {
    let read = |by, rows: &str| {
        let text = format!("device,class,department,status\n{rows}");
        Table::read(text.as_bytes(), &inventory(by), NOW)
            .map(|table| table.rows)
            .map_err(|fault| fault.to_string())
    };
    let twice = "PC-1.example,nursing station,a,in service\npc-1.example,nursing station,a,in service\n";
    assert_eq!(read(DeviceBy::Certificate, twice), Ok(2), "the same twice is no riddle");
    let differ = twice.replacen("in service", "lost", 1);
    let told = "line 3, column `device`: stands in two rows that differ";
    assert_eq!(read(DeviceBy::Certificate, &differ), Err(told.to_owned()));
    for wrong in ["pc-1", "10.20.7.0/33", "10.20.7.1/24"] {
        let told = "line 2, column `device`: is neither an address nor a network such as 10.20.7.0/24";
        assert_eq!(
            read(DeviceBy::Address, &format!("{wrong},,a,in service\n")),
            Err(told.to_owned()),
            "{wrong}"
        );
    }
}

#[test]
fn a_patient_is_where_the_device_stands_as_long_as_both_are_told_in_time() {
    let folder = Folder::new();
    let devices = FeedSettings { max_age: minutes(60), ..inventory(DeviceBy::Certificate) };
    let devices = folder.write(&devices, DEVICES, NOW.minus(minutes(30)));
    let patients = settings(FeedKind::Patient, Format::Csv, &[Column::Patient, Column::Department]);
    let patients = folder.write(&patients, "patient,department\n17,cardiology\n18,oncology\n", NOW);
    let feeds = Feeds::new(&[devices, patients]);
    feeds.look(NOW);
    let at = |name: &str, which: &str, now| {
        let facts = feeds.device_called(name, now);
        let told = feeds.about(&person("noor"), Some(&patient(which)), facts.as_ref(), now);
        relationship(&feeds, &told, "device_department")
    };
    assert_eq!(at("pc-17.ward.example", "17", NOW), Known::Yes);
    assert_eq!(at("pc-17.ward.example", "18", NOW), Known::No);
    assert_eq!(at("pc-17.ward.example", "19", NOW), Known::Unknown, "nobody has told where the patient is");
    assert_eq!(at("pc-19.ward.example", "17", NOW), Known::Unknown, "a device that is lost stands nowhere");
    assert_eq!(at("pc-20.ward.example", "17", NOW), Known::Unknown);
    let late = NOW.plus(minutes(31));
    assert_eq!(at("pc-17.ward.example", "17", late), Known::Aged);
    let facts = feeds.device_called("pc-17.ward.example", late).unwrap();
    let told = feeds.about(&person("noor"), None, Some(&facts), late);
    assert!(told.device_class_aged && told.device_places_aged);
    let event = serde_json::to_string(&facts.event()).unwrap();
    assert_eq!(event, r#"{"feed":"devices","age_seconds":3660,"stale":true}"#);
    let lost = feeds.device_called("pc-19.ward.example", late).unwrap();
    assert!(lost.is_withdrawn() && lost.is_aged, "it does not come back by a feed's getting old");
}

#[test]
fn of_feeds_that_know_a_device_the_first_counts_and_one_that_withdraws_it() {
    let folder = Folder::new();
    let write = |name: &str, by, rows: &str| {
        let feed = FeedSettings { name: name.parse().unwrap(), ..inventory(by) };
        folder.write(&feed, &format!("device,class,department,status\n{rows}"), NOW)
    };
    let certificate = shown(&["pc-1.example", "pc-2.example"], "t");
    let said = HeaderMap::new();
    let seen = DeviceSeen { address: HERE, certificate: Some(&certificate), said: &said };
    let by_name = "pc-1.example,nursing station,cardiology,in service\n";
    for (status, expected) in [("in service", ("names", false)), ("stolen", ("addresses", true))] {
        let feeds = Feeds::new(&[
            write("names", DeviceBy::Certificate, by_name),
            write("addresses", DeviceBy::Address, &format!("10.0.0.0/8,,surgery,{status}\n")),
        ]);
        feeds.look(NOW);
        let facts = feeds.device(seen, NOW).unwrap();
        assert_eq!((facts.feed.as_str(), facts.is_withdrawn()), expected);
    }
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 1, 1));
