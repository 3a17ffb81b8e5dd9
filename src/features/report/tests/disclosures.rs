//! An accounting of disclosures, 45 CFR 164.528(b).

use super::*;
use crate::domain::event::EventJustification;

/// Event `number`: records go to public health, to `recipient`.
fn disclosed(number: u64, minute: u64, recipient: Option<&str>) -> Event {
    let event = by(opened(number, minute), "Olga", "officer", Purpose::PublicHealth);
    but(event, |opening| {
        opening.action = Some(Action::Disclose);
        opening.accounted = true;
        opening.justification = Some(EventJustification {
            code: "report".to_owned(),
            text: "as agreed by telephone".to_owned(),
            number: Some("PH-7".to_owned()),
            recipient: recipient.map(str::to_owned),
        });
    })
}

const TOLD: [Column; 4] = [Column::First, Column::Recipient, Column::Times, Column::Last];

#[test]
fn repeated_disclosures_to_one_recipient_are_first_frequency_and_last() {
    let county = Some("County Health");
    let events = [
        disclosed(1, 0, county),
        disclosed(2, 60, Some(" county health")),
        disclosed(3, 120, Some("The State")),
    ];
    let report = made(asked(ReportName::Disclosures), &events);
    assert_eq!(
        cells(section(&report, SectionName::Disclosed), &TOLD),
        [
            vec![Cell::Time(at(0)), text("County Health"), Cell::Number(2), Cell::Time(at(60))],
            vec![Cell::Time(at(120)), text("The State"), Cell::Number(1), Cell::Nothing],
        ]
    );
}

#[test]
fn recipients_whom_nobody_has_named_are_not_taken_for_one() {
    let events = [disclosed(1, 0, None), disclosed(2, 60, None)];
    let report = made(asked(ReportName::Disclosures), &events);
    assert_eq!(section(&report, SectionName::Disclosed).rows.len(), 2);
}

#[test]
fn care_is_not_accounted_for_and_neither_is_what_was_kept_back_or_was_of_another_patient() {
    let mut withheld = disclosed(2, 0, Some("The State"));
    withheld.closing = withheld.closing.map(|closing| Closing { outcome: Outcome::Withheld, ..closing });
    let other = but(disclosed(3, 0, Some("The State")), |opening| opening.patient = Some(patient("4712")));
    let report = made(asked(ReportName::Disclosures), &[opened(1, 0), withheld, other]);
    assert!(report.sections.iter().all(|section| section.rows.is_empty()));
}

#[test]
fn what_went_out_of_many_may_have_held_the_patient_and_is_told_as_such() {
    let mut many = but(disclosed(1, 0, Some("The State")), |opening| opening.patient = None);
    many.closing = many.closing.map(|closing| Closing { records: Count::Exactly(412), ..closing });
    let report = made(asked(ReportName::Disclosures), &[many]);
    assert!(section(&report, SectionName::Disclosed).rows.is_empty());
    let told = cells(section(&report, SectionName::MayHaveHeld), &[Column::Records, Column::Why]);
    assert_eq!(told, [[Cell::Count(Count::Exactly(412)), Cell::Basis(Purpose::PublicHealth)]]);
}

#[test]
fn what_went_out_of_many_is_this_patients_where_they_were_listed_and_nobody_elses() {
    let state = Some("The State");
    let events = [
        listing(disclosed(1, 0, state), Action::Disclose, &["4711", "4712"]),
        listing(disclosed(2, 60, Some("Another")), Action::Disclose, &["4712"]),
    ];
    let report = made(asked(ReportName::Disclosures), &events);
    let told = cells(section(&report, SectionName::Disclosed), &[Column::Recipient]);
    assert_eq!(told, [[text("The State")]]);
    assert!(section(&report, SectionName::MayHaveHeld).rows.is_empty(), "it is known who was in the other");
    let mut together = listing(disclosed(3, 0, state), Action::Disclose, &["4712"]);
    let all = Some(Listed::Together(*patient("any").digest()));
    together.closing = together.closing.map(|closing| Closing { listed: all, ..closing });
    let report = made(asked(ReportName::Disclosures), &[together]);
    assert_eq!(section(&report, SectionName::MayHaveHeld).rows.len(), 1, "one digest of all names nobody");
}

#[test]
fn an_accounting_reads_as_it_should() {
    let events = [
        disclosed(1, 0, Some("County Health")),
        disclosed(2, 60, Some("County Health")),
        but(disclosed(3, 70, Some("=HYPERLINK(\"https://evil.example\")")), |opening| opening.patient = None),
    ];
    let report = made(asked(ReportName::Disclosures), &events);
    insta::assert_snapshot!("accounting.html", written(&report, Format::Html));
    insta::assert_snapshot!("accounting.csv", written(&report, Format::Csv).replace("\r\n", "\n"));
    insta::assert_snapshot!("accounting.json", written(&report, Format::Json));
}
