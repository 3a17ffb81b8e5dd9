//! Searches of FHIR: what their resources say, and what keeps all of it from being taken.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::told::{Known, Marks, Place as Where};
use crate::features::facts::Feeds;
use crate::features::facts::fault::FeedFault;
use crate::features::facts::fhir::settings::{Element, FhirSettings, ResourceType};
use crate::features::facts::settings::UrlSettings;
use crate::features::facts::table::Table;

const LOGIN: &str = "urn:clinic:login";
const MRN: &str = "urn:clinic:mrn";

/// A search of these resources, by login and MRN.
pub(super) fn search(kind: FeedKind, resource: ResourceType) -> FeedSettings {
    let fhir = FhirSettings {
        resource,
        base: Some("https://fhir.clinic.example/r4".to_owned()),
        person_system: Some(LOGIN.to_owned()),
        patient_system: Some(MRN.to_owned()),
        places: Vec::new(),
    };
    let columns = resource.always(kind).unwrap();
    FeedSettings {
        relationships: if kind == FeedKind::Relationship {
            vec![("treatment_team".to_owned(), None)]
        } else {
            Vec::new()
        },
        ..settings(kind, Format::Fhir(fhir), columns)
    }
}

/// The same, where a place is told by an element.
fn with_place(mut feed: FeedSettings, column: Column, place: Where, element: Element) -> FeedSettings {
    feed.columns.insert(column, element.to_string());
    let Format::Fhir(fhir) = &mut feed.format else { panic!("no search") };
    fhir.places.push((place, element));
    feed
}

/// A search whose participants have one of two roles.
fn by_role(resource: ResourceType) -> FeedSettings {
    let mut feed = search(FeedKind::Relationship, resource);
    feed.columns.insert(Column::Relationship, "relationship".to_owned());
    feed.relationships = ties(Format::Csv).relationships;
    feed
}

pub(super) fn bundle(entries: &[Value]) -> Value {
    let mode = |it: &Value| match it["resourceType"].as_str().unwrap() {
        "Practitioner" | "Location" => "include",
        "OperationOutcome" => "outcome",
        _ => "match",
    };
    let entry = |it: &Value| json!({ "search": { "mode": mode(it) }, "resource": it });
    let entries: Vec<_> = entries.iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

pub(super) fn practitioner(login: &str) -> Value {
    json!({ "resourceType": "Practitioner", "id": format!("p-{login}"), "active": true,
        "identifier": [{ "system": "urn:other", "value": "1" }, { "system": LOGIN, "value": login }] })
}

/// A patient who is referred to by their MRN.
fn of_patient(mrn: &str) -> Value {
    json!({ "identifier": { "system": MRN, "value": mrn } })
}

pub(super) fn team(login: &str, mrn: &str) -> Value {
    json!({ "resourceType": "CareTeam", "id": "t", "status": "active", "subject": of_patient(mrn),
        "participant": [{ "member": { "reference": format!("Practitioner/p-{login}") } }] })
}

fn read(feed: &FeedSettings, entries: &[Value]) -> Result<Table, FeedFault> {
    Table::read(bundle(entries).to_string().as_bytes(), feed, NOW)
}

fn with(mut resource: Value, member: &str, value: Value) -> Value {
    resource[member] = value;
    resource
}

#[test]
fn a_team_cares_for_its_patient_while_it_is_active() {
    let feed = search(FeedKind::Relationship, ResourceType::CareTeam);
    let ties = |team: Value, now: Timestamp| {
        // A second team, so that there is always one of whom it is known.
        let table =
            read(&feed, &[team, self::team("ines", "18"), practitioner("noor"), practitioner("ines")]);
        table.unwrap().ties("noor", "17", now)
    };
    let holds = Marks::NONE.with(0);
    let plain = team("noor", "17");
    assert_eq!(ties(plain.clone(), NOW), holds);
    let absolute = json!([{ "member": { "reference": "https://fhir.clinic.example/r4/Practitioner/p-noor/_history/3" } }]);
    assert_eq!(ties(with(plain.clone(), "participant", absolute), NOW), holds);
    let said = json!([{ "member": { "identifier": { "system": LOGIN, "value": "noor" } } }]);
    assert_eq!(ties(with(plain.clone(), "participant", said), NOW), holds);
    let elsewhere = json!([{ "member": { "reference": "https://other.example/r4/Practitioner/p-noor" } }]);
    assert_eq!(ties(with(plain.clone(), "participant", elsewhere), NOW), Marks::NONE);
    for status in ["proposed", "suspended", "inactive", "entered-in-error"] {
        assert_eq!(ties(with(plain.clone(), "status", json!(status)), NOW), Marks::NONE, "{status}");
    }
    let month = with(plain.clone(), "period", json!({ "start": "2026-03", "end": "2026-03" }));
    assert_eq!(ties(month.clone(), "2026-03-31T23:59:59Z".parse().unwrap()), holds);
    assert_eq!(ties(month, "2026-04-01T00:00:00Z".parse().unwrap()), Marks::NONE);
    let narrower = json!([{ "member": { "reference": "Practitioner/p-noor" }, "period": { "end": "2026-03-02T09:00:00Z" } }]);
    assert_eq!(ties(with(plain, "participant", narrower), NOW), Marks::NONE, "both have to hold");
}

#[test]
fn an_encounter_relates_those_who_take_part_by_what_they_are_in_it() {
    let feed =
        FeedSettings { after: Duration::from_secs(7 * 24 * 60 * 60), ..by_role(ResourceType::Encounter) };
    let role = |code: &str| json!([{ "coding": [{ "code": code }] }]);
    let participant = json!([
        { "type": role("ATND"), "individual": { "reference": "Practitioner/p-noor" } },
        { "type": role("CON"), "individual": { "reference": "Practitioner/p-ines" } },
        { "type": role("PCP"), "actor": { "reference": "PractitionerRole/r1" } },
        { "type": role("ATND"), "individual": { "reference": "RelatedPerson/mother" } },
    ]);
    let of_ines = json!({ "resourceType": "PractitionerRole", "id": "r1", "practitioner": { "reference": "Practitioner/p-ines" } });
    let stay = json!({ "resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": of_patient("17"),
        "period": { "start": "2026-03-01T08:00:00Z" }, "participant": participant });
    let read = |stay: &Value| {
        let other = with(stay.clone(), "status", json!("in-progress"));
        let other = with(with(other, "subject", of_patient("18")), "period", json!({}));
        read(&feed, &[stay.clone(), other, of_ines.clone(), practitioner("noor"), practitioner("ines")])
            .unwrap()
    };
    let table = read(&stay);
    assert_eq!((table.rows, table.left_out), (8, 2), "nobody has declared what a consultant is");
    assert_eq!(table.ties("noor", "17", NOW), Marks::NONE.with(0));
    assert_eq!(table.ties("ines", "17", NOW), Marks::NONE.with(1), "by her role in the house");
    assert_eq!(table.ties("noor", "17", "2026-03-01T07:59:59Z".parse().unwrap()), Marks::NONE);
    for status in ["planned", "cancelled", "entered-in-error", "unknown"] {
        assert_eq!(
            read(&with(stay.clone(), "status", json!(status))).ties("noor", "17", NOW),
            Marks::NONE,
            "{status}"
        );
    }
    let over = with(stay.clone(), "status", json!("finished"));
    assert_eq!(read(&over).ties("noor", "17", NOW), Marks::NONE, "since when is not told");
    let over = with(over, "period", json!({ "start": "2026-02-20", "end": "2026-02-25T12:00:00Z" }));
    let until = |time: &str| read(&over).ties("noor", "17", time.parse().unwrap());
    assert_eq!(until("2026-03-04T11:59:59Z"), Marks::NONE.with(0), "letters are written afterwards");
    assert_eq!(until("2026-03-04T12:00:00Z"), Marks::NONE);
}

#[test]
fn a_patient_has_general_practitioners_and_logical_ids_do_where_no_system_is_declared() {
    let mut feed = search(FeedKind::Relationship, ResourceType::Patient);
    let patient = json!({ "resourceType": "Patient", "id": "p17", "identifier": [{ "system": MRN, "value": "17" }],
        "generalPractitioner": [{ "reference": "Practitioner/p-noor" }, { "reference": "Organization/o" }] });
    let table = read(&feed, &[patient.clone(), practitioner("noor")]).unwrap();
    assert_eq!((table.ties("noor", "17", NOW), table.left_out), (Marks::NONE.with(0), 1));
    let Format::Fhir(fhir) = &mut feed.format else { panic!("no search") };
    (fhir.person_system, fhir.patient_system) = (None, None);
    let table = read(&feed, &[patient]).unwrap();
    assert_eq!(table.ties("p-noor", "p17", NOW), Marks::NONE.with(0));
}

#[test]
fn schedules_and_slots_are_shifts_at_their_place() {
    let horizon = json!({ "start": "2026-03-02T07:00:00Z", "end": "2026-03-02T15:00:00Z" });
    let schedule = json!({ "resourceType": "Schedule", "id": "s", "planningHorizon": horizon,
        "actor": [{ "reference": "Practitioner/p-noor" }, { "reference": "Location/ward-3" }] });
    let place = |resource| {
        with_place(search(FeedKind::Shift, resource), Column::Department, Where::Department, Element::Actor)
    };
    let at = |table: &Table, time: &str| table.is_at_work("noor", time.parse().unwrap());
    let in_ward =
        |table: &Table, ward: &str| table.is_at_work_in("noor", Where::Department, &[ward.to_owned()], NOW);
    let table = read(&place(ResourceType::Schedule), &[schedule.clone(), practitioner("noor")]).unwrap();
    assert!(at(&table, "2026-03-02T14:59:59Z") && !at(&table, "2026-03-02T15:00:00Z"));
    assert!(in_ward(&table, "ward-3") && !in_ward(&table, "ward-4"));
    let endless = with(schedule.clone(), "planningHorizon", json!({ "start": "2026-03-02" }));
    let both = [endless, schedule.clone(), practitioner("noor")];
    assert_eq!(read(&place(ResourceType::Schedule), &both).unwrap().left_out, 1, "nobody works for ever");

    let slot = |status: &str| {
        json!({ "resourceType": "Slot", "id": "x", "status": status, "schedule": { "reference": "Schedule/s" },
            "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z" })
    };
    let included = json!({ "search": { "mode": "include" }, "resource": schedule });
    for (status, counts) in
        [("busy", true), ("free", true), ("busy-unavailable", false), ("entered-in-error", false)]
    {
        let mut page = bundle(&[
            slot(status),
            with(slot("free"), "end", json!("2026-03-02T09:00:01Z")),
            practitioner("noor"),
        ]);
        page["entry"].as_array_mut().unwrap().push(included.clone());
        let table = Table::read(page.to_string().as_bytes(), &place(ResourceType::Slot), NOW).unwrap();
        assert_eq!(at(&table, "2026-03-02T09:59:59Z"), counts, "{status}");
        assert_eq!(in_ward(&table, "ward-3"), counts, "{status}");
    }
}

#[test]
fn a_role_in_the_house_and_a_stay_share_a_department() {
    let role = |status: bool, period: Value| {
        json!({ "resourceType": "PractitionerRole", "id": "r", "active": status, "period": period,
            "practitioner": { "reference": "Practitioner/p-noor" }, "organization": { "reference": "Organization/surgery" } })
    };
    let people = with_place(
        search(FeedKind::Person, ResourceType::PractitionerRole),
        Column::Department,
        Where::Department,
        Element::Organization,
    );
    let table = read(&people, &[role(true, json!({})), practitioner("noor")]).unwrap();
    assert_eq!(table.workplace("noor").unwrap()[&Where::Department], ["surgery"]);
    for past in [role(false, json!({})), role(true, json!({ "end": "2026-03-01" }))] {
        assert_eq!(read(&people, &[past, practitioner("noor")]).unwrap_err(), FeedFault::Empty);
    }
    let stay = json!({ "resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": of_patient("17"),
        "serviceProvider": { "reference": "Organization/surgery" },
        "location": [{ "location": { "reference": "Location/bed-1" }, "status": "completed" }, { "location": { "reference": "Location/bed-2" } }] });
    let patients = with_place(
        search(FeedKind::Patient, ResourceType::Encounter),
        Column::Department,
        Where::Department,
        Element::ServiceProvider,
    );
    let patients = with_place(patients, Column::Location, Where::Location, Element::Location);
    let table = read(&patients, &[stay]).unwrap();
    let places = table.whereabouts("17").unwrap();
    assert_eq!(
        (&*places[&Where::Department], &*places[&Where::Location]),
        (&["surgery".to_owned()][..], &["bed-2".to_owned()][..])
    );
}

#[test]
fn whom_nobody_can_name_is_left_out_and_counted() {
    let feed = search(FeedKind::Relationship, ResourceType::CareTeam);
    let twice = with(
        practitioner("ines"),
        "identifier",
        json!([{ "system": LOGIN, "value": "ines" }, { "system": LOGIN, "value": "noor" }]),
    );
    let table = read(
        &feed,
        &[team("noor", "17"), team("ines", "17"), team("gone", "17"), practitioner("noor"), twice],
    );
    let table = table.unwrap();
    assert_eq!((table.rows, table.left_out), (3, 2));
    assert_eq!(table.ties("ines", "17", NOW), Marks::NONE);
    assert_eq!(read(&feed, &[team("noor", "17")]).unwrap_err(), FeedFault::Nameless { came: 1 });
    assert_eq!(read(&feed, &[]).unwrap_err(), FeedFault::Empty);
}

#[test]
fn what_is_no_whole_search_is_not_taken_and_nothing_of_it_is_told() {
    let feed = search(FeedKind::Relationship, ResourceType::CareTeam);
    let good = [team("noor", "17"), practitioner("noor")];
    let fault = |page: &Value| Table::read(page.to_string().as_bytes(), &feed, NOW).unwrap_err();
    assert_eq!(fault(&with(bundle(&good), "total", json!(2))), FeedFault::Short { came: 1, total: 2 });
    assert!(Table::read(with(bundle(&good), "total", json!(1)).to_string().as_bytes(), &feed, NOW).is_ok());
    let next = json!([{ "relation": "next", "url": "?page=2" }]);
    assert_eq!(fault(&with(bundle(&good), "link", next)), FeedFault::Partial);
    let outcome =
        |severity: &str| json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": severity }] });
    assert!(read(&feed, &[team("noor", "17"), practitioner("noor"), outcome("warning")]).is_ok());
    let told = |page: &Value| fault(page).to_string();
    assert_eq!(told(&bundle(&[outcome("error")])), "entry 1: says that the search went wrong");
    let wrong = with(team("noor", "17"), "period", json!({ "start": "SECRET" }));
    assert_eq!(told(&bundle(&[practitioner("noor"), wrong])), "entry 2: has a period that is none");
    let wrong = with(team("noor", "17"), "participant", json!("SECRET"));
    assert_eq!(told(&bundle(&[practitioner("noor"), wrong])), "entry 2: is not as FHIR has it");
    let long = team("noor", &"1".repeat(256));
    assert_eq!(
        told(&bundle(&[long, practitioner("noor")])),
        "entry 1, column `patient`: is longer than 255 bytes"
    );
    assert_eq!(told(&team("noor", "17")), "entry 1: is not as FHIR has it");
    let history = with(bundle(&good), "type", json!("history"));
    assert_eq!(told(&history), "entry 1: is in no Bundle of what a search has found");
    let twice = bundle(&good).to_string().replacen("\"status\"", "\"subject\":{},\"status\"", 1);
    let fault = Table::read(twice.as_bytes(), &feed, NOW).unwrap_err();
    assert_eq!(fault.to_string(), "entry 1: is not as FHIR has it", "a member that stands twice");
    let few = FeedSettings { rows_max: 1, ..feed.clone() };
    assert_eq!(read(&few, &good).unwrap_err(), FeedFault::TooMany { limit: 1 });
}

#[test]
fn a_shift_in_the_department_of_the_patient_is_a_relationship_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = |feed: FeedSettings, text: &str| {
        let path = folder.path().join(feed.name.as_str());
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(
            std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW.as_seconds()).unwrap()),
        )
        .unwrap();
        FeedSettings { source: Source::File(path), ..feed }
    };
    let shift_columns = [Column::Person, Column::From, Column::Until, Column::Department];
    let shifts = FeedSettings {
        max_age: Duration::from_secs(60),
        ..settings(FeedKind::Shift, Format::Csv, &shift_columns)
    };
    let roster = "person,from,until,department\nnoor,2026-03-02 07:00,2026-03-02 15:00,ward-3;ward-4\n\
                  noor,2026-03-02 15:00,2026-03-02 16:00,ward-5\nines,2026-03-01 07:00,2026-03-01 15:00,ward-3\n";
    let shifts = file(shifts, roster);
    let patients = settings(FeedKind::Patient, Format::Csv, &[Column::Patient, Column::Department]);
    let patients = file(patients, "patient,department\n17,ward-4\n18,ward-5\n");
    let feeds = Feeds::new(&[shifts, patients]);
    let word = feeds.words().relationship("shift_department").unwrap();
    assert_eq!(feeds.words().relationship("department"), None, "nobody tells where people work otherwise");
    let known = |who: &str, which: &str, now| {
        feeds.about(&person(who), Some(&patient(which)), None, now).relationship(word)
    };
    assert_eq!(known("noor", "17", NOW), Known::Unknown, "nothing was read yet");
    feeds.look(NOW);
    assert_eq!(known("noor", "17", NOW), Known::Yes);
    assert_eq!(known("noor", "18", NOW), Known::No, "that is her next shift");
    assert_eq!(known("ines", "17", NOW), Known::No, "she was there yesterday");
    assert_eq!(known("noor", "19", NOW), Known::Unknown, "nobody has told where the patient is");
    assert_eq!(known("noor", "17", NOW.plus(Duration::from_secs(61))), Known::Aged, "the roster is too old");
    let stranger = Identity { provider: "partner".parse().unwrap(), ..person("noor") };
    let told = feeds.about(&stranger, Some(&patient("17")), None, NOW);
    assert_eq!(told.relationship(word), Known::Unknown);
}

/// A server of pages, by what is asked after its origin.
pub(super) fn url(port: u16) -> UrlSettings {
    UrlSettings {
        url: format!("http://fhir.localhost:{port}/r4/CareTeam?status=active"),
        every: Duration::from_secs(300),
        timeout: Duration::from_secs(5),
        authorities: Some(authority()),
        credential: None,
    }
}

/// Loopback needs no TLS; a client has some authority all the same.
fn authority() -> Arc<[u8]> {
    let certificate = rcgen::generate_simple_self_signed(["fhir.localhost".to_owned()]).unwrap();
    certificate.cert.pem().into_bytes().into()
}

proptest! {
    /// Where a page ends makes no difference, nor does the order of what is included.
    #[test]
    fn a_search_says_the_same_however_it_is_paged(
        ties in proptest::collection::vec((0..4_u8, 0..6_u8), 1..30),
        cut in 0..60_usize,
    ) {
        let feed = search(FeedKind::Relationship, ResourceType::CareTeam);
        let mut entries: Vec<Value> = (0..4).map(|it| practitioner(&format!("n{it}"))).collect();
        entries.extend(ties.iter().map(|(who, whom)| team(&format!("n{who}"), &whom.to_string())));
        let Format::Fhir(fhir) = &feed.format else { panic!("no search") };
        for order in [entries.clone(), entries.iter().rev().cloned().collect()] {
            let (first, second) = order.split_at(cut.min(order.len()));
            let mut gathering = crate::features::facts::fhir::Gathering::new(fhir.clone(), &feed);
            let mut page = bundle(first);
            page["link"] = json!([{ "relation": "next", "url": "two" }]);
            let next = gathering.take(page.to_string().as_bytes(), NOW).unwrap();
            prop_assert_eq!(next.as_deref(), Some("two"));
            prop_assert_eq!(gathering.take(bundle(second).to_string().as_bytes(), NOW).unwrap(), None);
            let table = gathering.finish(&feed).unwrap();
            prop_assert_eq!(table.rows, ties.len() as u64);
            for who in 0..5_u8 {
                for whom in 0..7_u8 {
                    let holds = table.ties(&format!("n{who}"), &whom.to_string(), NOW).has(0);
                    prop_assert_eq!(holds, ties.contains(&(who, whom)));
                }
            }
        }
    }

    /// No bytes make it panic, and what is not taken is not told.
    #[test]
    fn any_resource_is_taken_or_refused(text in "[ -~]{0,80}", kind in 0..6_usize) {
        let resource = ResourceType::ALL[kind];
        let kind = FeedKind::ALL.iter().find(|kind| resource.always(**kind).is_some()).unwrap();
        let feed = search(*kind, resource);
        let raw = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"{resource}",{text}}}}}]}}"#);
        if let Err(fault) = Table::read(raw.as_bytes(), &feed, NOW) {
            prop_assert!(text.len() < 8 || !fault.to_string().contains(&text));
        }
    }
}
