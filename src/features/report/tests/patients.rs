//! What is told of one patient.

use super::*;
use crate::domain::event::Taken;

fn visits(all: bool, events: &[Event]) -> Report {
    made(Asked { all, ..asked(ReportName::WhoSaw) }, events)
}

#[test]
fn looks_within_half_an_hour_are_one_visit_and_later_ones_another() {
    let events = [
        opened(1, 0),
        by(opened(2, 5), "Dara", "physician", Purpose::Treatment),
        but(opened(3, 30), |opening| opening.action = Some(Action::Update)),
        opened(4, 61),
    ];
    let report = visits(false, &events);
    let told = cells(section(&report, SectionName::Visits), &[Column::Time, Column::Person, Column::Did]);
    let looked = Cell::Did(vec![Action::View]);
    assert_eq!(
        told,
        [
            vec![Cell::Span(at(0), at(30)), text("Nadia"), Cell::Did(vec![Action::View, Action::Update])],
            vec![Cell::Span(at(5), at(5)), text("Dara"), looked.clone()],
            vec![Cell::Span(at(61), at(61)), text("Nadia"), looked],
        ]
    );
}

#[test]
fn who_was_refused_stood_in_a_list_or_works_on_another_patient_has_seen_nothing() {
    let mut withheld = opened(5, 4);
    withheld.closing = withheld.closing.map(|closing| Closing { outcome: Outcome::Withheld, ..closing });
    let hidden = [
        refused(opened(1, 0)),
        but(opened(2, 1), |opening| opening.action = Some(Action::List)),
        but(opened(3, 2), |opening| opening.patient = Some(patient("4712"))),
        but(opened(4, 3), |opening| opening.keep_alive_ignored = true),
        withheld,
        but(opened(6, 5), |opening| opening.kind = EventKind::Administration),
    ];
    let visit = |all| section(&visits(all, &hidden), SectionName::Visits).rows.len();
    assert_eq!(visit(false), 0);
    assert_eq!(visit(true), 1, "the list and the page that asks by itself are one visit of the nurse");
}

#[test]
fn lists_and_files_in_which_a_patient_stood_are_told_apart_and_only_where_all_is_asked_for() {
    let mut withheld = listing(opened(5, 90), Action::Export, &["4711"]);
    withheld.closing = withheld.closing.map(|closing| Closing { outcome: Outcome::Withheld, ..closing });
    let events = [
        opened(1, 0),
        listing(opened(2, 1), Action::Search, &["4710", "4711"]),
        listing(opened(3, 2), Action::Export, &["4711", "4712"]),
        listing(opened(4, 3), Action::List, &["4710", "4712"]),
        withheld,
    ];
    let usual = visits(false, &events);
    assert_eq!(usual.sections.len(), 1);
    let all = visits(true, &events);
    let told = |name| cells(section(&all, name), &[Column::Time, Column::Did]);
    let opened = vec![Cell::Span(at(0), at(0)), Cell::Did(vec![Action::View])];
    assert_eq!(told(SectionName::Visits), [opened]);
    let listed = vec![Cell::Span(at(1), at(2)), Cell::Did(vec![Action::Search, Action::Export])];
    assert_eq!(told(SectionName::Listed), [listed], "a list and a file are no look at the record");
    let everything = made(asked(ReportName::Patient), &events);
    let rows = |name| section(&everything, name).rows.len();
    assert_eq!((rows(SectionName::Deliberate), rows(SectionName::Incidental)), (1, 3));
}

#[test]
fn what_may_have_been_seen_is_told_and_so_is_a_record_among_several() {
    let mut unknown = opened(1, 0);
    unknown.closing = None;
    let batch = but(opened(2, 90), |opening| {
        opening.patient = Some(patient("4712"));
        opening.taken = Some(Box::new(Taken { exports: 0, opened: vec![patient("4711"), patient("4712")] }));
    });
    assert_eq!(section(&visits(false, &[unknown, batch]), SectionName::Visits).rows.len(), 2);
}

#[test]
fn an_emergency_is_flagged_and_names_go_where_they_are_not_to_be_told() {
    let events = [by(opened(1, 0), "Dara", "physician", Purpose::BreakGlass)];
    let report = visits(false, &events);
    let told = cells(section(&report, SectionName::Visits), &[Column::Emergency]);
    assert_eq!(told, [[Cell::Yes(true)]]);
    let by_role = Asked { people: People::ByRole, ..asked(ReportName::WhoSaw) };
    for format in Format::ALL {
        let hidden = written(&made(by_role.clone(), &events), *format);
        assert!(!hidden.contains("Dara") && hidden.contains("physician"), "{hidden}");
    }
}

#[test]
fn everything_about_a_patient_has_what_was_meant_first_and_what_was_refused() {
    let events = [
        but(opened(1, 0), |opening| opening.action = Some(Action::Search)),
        refused(by(opened(2, 1), "Rosa", "registrar", Purpose::Operations)),
        but(opened(3, 2), |opening| {
            (opening.kind, opening.action, opening.route) = (EventKind::Administration, None, None);
            opening.note = Some("the report patient was read as csv".to_owned());
        }),
    ];
    let report = made(asked(ReportName::Patient), &events);
    let names: Vec<_> = report.sections.iter().map(|section| section.name).collect();
    assert_eq!(names, [SectionName::Deliberate, SectionName::Incidental]);
    let told = cells(&report.sections[0], &[Column::Person, Column::Route, Column::Outcome, Column::Reason]);
    assert_eq!(told[0][0], text("Rosa"));
    assert_eq!(told[0][3], Cell::Reason(Reason::NoRuleMatched));
    assert_eq!(told[1][1], text("the report patient was read as csv"), "who reads about them is told, too");
    assert_eq!(report.sections[1].rows.len(), 1);
}

#[test]
fn what_is_beyond_the_bound_is_counted_and_the_newest_stay() {
    let more = 7;
    let events: Vec<_> = (1..=ROWS_MAX as u64 + more).map(|number| opened(number, number)).collect();
    let report = made(asked(ReportName::Patient), &events);
    let deliberate = section(&report, SectionName::Deliberate);
    assert_eq!((deliberate.rows.len(), deliberate.left_out), (ROWS_MAX, more));
    assert_eq!(cells(deliberate, &[Column::Time])[0][0], Cell::Time(at(more + 1)));
    assert!(written(&report, Format::Html).contains("7 more rows are left out."));
}
