//! What is told of people, privileges and of what the gateway sees.

use super::*;
use crate::domain::count::WhyUnknown;
use crate::domain::gap::Gap;

#[test]
fn people_are_compared_with_those_of_their_role_and_no_patient_is_named() {
    let mut events = Vec::new();
    for (name, patients) in [("Nadia", 3_u64), ("Nora", 1), ("Nell", 2)] {
        for number in 0..patients {
            let event = by(opened(events.len() as u64, number), name, "nurse", Purpose::Treatment);
            events.push(but(event, |opening| opening.patient = Some(patient(&number.to_string()))));
        }
    }
    events.push(refused(by(opened(90, 0), "Dara", "physician", Purpose::Treatment)));
    let report = made(asked(ReportName::UserActivity), &events);
    let columns = [Column::Person, Column::Patients, Column::Refused, Column::PatientsPercentile];
    let row = |name, patients, refused, percent| {
        vec![text(name), Cell::Count(Count::Exactly(patients)), Cell::Number(refused), percent]
    };
    assert_eq!(
        cells(section(&report, SectionName::People), &columns),
        [
            row("Dara", 0, 1, Cell::Nothing),
            row("Nadia", 3, 0, Cell::Percent(100)),
            row("Nell", 2, 0, Cell::Percent(50)),
            row("Nora", 1, 0, Cell::Percent(0)),
        ]
    );
    for format in Format::ALL {
        let digest = patient("0").digest().to_string();
        assert!(!written(&report, *format).contains(&digest), "{format}");
    }
}

#[test]
fn of_one_person_it_is_told_what_they_did_and_others_are_only_their_measure() {
    let events = [
        opened(1, 0),
        opened(2, 1),
        by(opened(3, 2), "Nora", "nurse", Purpose::Treatment),
        refused(opened(4, 3)),
    ];
    let report = made(Asked { person: Some("nadia".to_owned()), ..asked(ReportName::UserActivity) }, &events);
    assert_eq!(cells(section(&report, SectionName::People), &[Column::Person]), [[text("Nadia")]]);
    let times = cells(section(&report, SectionName::ByRoute), &[Column::Times]);
    assert_eq!(times, [[Cell::Number(2)], [Cell::Number(1)]]);
}

#[test]
fn what_was_let_through_without_events_is_a_blind_spot() {
    let gap = Gap {
        why: "no space left on device".to_owned(),
        since: at(0),
        requests: 42,
        from: at(1),
        to: at(7),
        shares: Vec::new(),
        others: 42,
    };
    let told = but(opened(2, 8), |opening| {
        opening.kind = EventKind::Lifecycle;
        opening.gap = Some(Box::new(gap));
    });
    let report = made(asked(ReportName::Coverage), &[opened(1, 0), told]);
    let columns = [Column::Time, Column::Last, Column::Requests, Column::Cause];
    assert_eq!(
        cells(section(&report, SectionName::Gaps), &columns),
        [[Cell::Time(at(1)), Cell::Time(at(7)), Cell::Number(42), text("no space left on device")]]
    );
    let whole = made(asked(ReportName::Coverage), &[opened(1, 0)]);
    assert!(section(&whole, SectionName::Gaps).rows.is_empty());
}

#[test]
fn a_register_of_privileges_has_exports_and_administration_and_no_care() {
    let export = but(opened(2, 1), |opening| opening.action = Some(Action::ConfigExport));
    let reload = but(opened(3, 2), |opening| {
        opening.kind = EventKind::Lifecycle;
        opening.note = Some("new rules are in force".to_owned());
    });
    let mut found_file = opened(4, 3);
    found_file.closing = found_file.closing.map(|closing| Closing { found_file: true, ..closing });
    let report = made(asked(ReportName::Privileged), &[opened(1, 0), export, reload, found_file]);
    let actions = cells(section(&report, SectionName::OfApplications), &[Column::Action]);
    assert_eq!(actions, [[Cell::Action(Action::ConfigExport)], [Cell::Action(Action::View)]]);
    let notes = cells(section(&report, SectionName::OfGateway), &[Column::Note]);
    assert_eq!(notes, [[text("new rules are in force")]]);
}

#[test]
fn blind_spots_are_told_as_they_are_and_no_path_is() {
    let unmatched = but(opened(2, 1), |opening| {
        (opening.route, opening.action, opening.patient) = (None, None, None);
        opening.path = Some("/patients/4711/notes".into());
        opening.reasons = vec![Reason::UnmatchedObserved];
    });
    let nameless = but(opened(3, 2), |opening| opening.patient = None);
    let mut unknown = opened(4, 3);
    let count = Count::Unknown(WhyUnknown::Opaque);
    unknown.closing = unknown.closing.map(|closing| Closing { records: count, ..closing });
    let report = made(asked(ReportName::Coverage), &[opened(1, 0), unmatched, nameless, unknown]);
    let columns = [
        Column::Requests,
        Column::Unmatched,
        Column::Observed,
        Column::Unknown,
        Column::NoPatient,
        Column::PatientShare,
    ];
    let numbers = [4, 1, 1, 1, 1].map(Cell::Number);
    let told = cells(section(&report, SectionName::Applications), &columns);
    assert_eq!(told, [[&numbers[..], &[Cell::Percent(66)]].concat()]);
    for format in Format::ALL {
        assert!(!written(&report, *format).contains("4711"), "{format}");
    }
}

#[test]
fn the_rules_at_a_date_are_those_that_its_last_event_names_with_their_texts() {
    let under = |number, minute, version: &str| {
        but(opened(number, minute), |opening| opening.rules_version = Some(version.into()))
    };
    let events =
        [under(1, 0, "00aa00aa00aa00aa"), under(2, 5, "00bb00bb00bb00bb"), under(3, 60, "00cc00cc00cc00cc")];
    let at_noon = Asked { until: Some(at(30)), ..asked(ReportName::Policy) };
    let told = |in_force: InForce| {
        let mut maker = Maker::new(at_noon.clone()).unwrap();
        for event in &events {
            maker.take(event);
        }
        for version in maker.versions() {
            let earlier = InForce::Whole(vec![("roles.toml".to_owned(), "[role.nurse]\n".to_owned())]);
            let is_last = &*version == "00bb00bb00bb00bb";
            maker.tell(version, if is_last { in_force.clone() } else { earlier });
        }
        maker.finish(Read::default())
    };
    let text = "[role.nurse]\n# <b>care</b>\n";
    let report = told(InForce::Whole(vec![("roles.toml".to_owned(), text.to_owned())]));
    let approved = |report: &Report| {
        cells(section(report, SectionName::Versions), &[Column::Version, Column::ApprovedBy])
    };
    let version = |text: &str| Cell::Text(text.to_owned());
    let unsaid = [[version("00aa00aa00aa00aa"), Cell::Nothing], [version("00bb00bb00bb00bb"), Cell::Nothing]];
    assert_eq!(approved(&report), unsaid);
    let columns = [Column::Version, Column::File, Column::Line, Column::Was, Column::Is];
    let changed = [
        Cell::Text("00bb00bb00bb00bb".to_owned()),
        Cell::Text("roles.toml".to_owned()),
        Cell::Number(2),
        Cell::Nothing,
        Cell::Written("# <b>care</b>\n".to_owned()),
    ];
    assert_eq!(cells(section(&report, SectionName::Changes), &columns), [changed]);
    let page = written(&report, Format::Html);
    assert!(page.contains("<pre>[role.nurse]\n# &#60;b&#62;care&#60;/b&#62;</pre>"), "{page}");
    let people = ["privacy:m.ortiz", "security:d.chen"].map(str::to_owned);
    let main = format!("version = 1\napproved_by = {people:?}\n");
    let texts = [("leastway.toml", main.as_str()), ("roles.toml", text), ("a.cedar", "permit();")];
    let whole = told(InForce::Whole(texts.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec()));
    let said = [version("00bb00bb00bb00bb"), Cell::Texts(people.to_vec())];
    assert_eq!(approved(&whole).last().unwrap(), &said);
    assert!(written(&told(InForce::Changed), Format::Html).contains("was changed since"));
    assert!(written(&told(InForce::Absent), Format::Csv).contains("No text is kept of this version"));
}
