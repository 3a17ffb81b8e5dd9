//! The break-glass register.

use super::*;
use crate::domain::break_glass::{
    BreakEnd, BreakFinding, BreakReason, BreakRelation, BreakReview, BreakStep, EventBreak, ReviewedBreak,
};
use crate::domain::law::Law;

fn id(number: u64) -> RequestId {
    RequestId::new(at(number), &SeededEntropy::new(number))
}

/// Event `number`, in that minute, that says this of a break.
fn says(number: u64, told: EventBreak) -> Event {
    let event = by(opened(number, number), "Nadia", "nurse", Purpose::BreakGlass);
    but(event, |opening| opening.break_glass = Some(Box::new(told)))
}

fn step(break_id: u64, step: BreakStep) -> EventBreak {
    EventBreak::of(Some(id(break_id)), step)
}

fn begun(break_id: u64, joins: Option<u64>) -> EventBreak {
    let kind = if joins.is_some() { BreakStep::Remembered } else { BreakStep::Started };
    EventBreak {
        reason: Some(BreakReason::Consult),
        relation: Some(BreakRelation::None),
        joins: joins.map(id),
        text_owed: joins.is_none(),
        ..step(break_id, kind)
    }
}

#[test]
fn a_break_and_what_joins_its_review_are_one_row_from_the_prompt_to_the_finding() {
    let review = ReviewedBreak {
        state: BreakReview::Closed,
        finding: Some(BreakFinding::Justified),
        reviewer: Some("Petra Privacy".to_owned()),
        note: None,
    };
    let of_programme = |opening: &mut Opening| {
        opening.laws = [Law::SudRecords].into();
        opening.categories = ["sud".parse().unwrap()].into();
    };
    let days = 2 * 1440;
    let events = [
        refused(says(1, EventBreak::of(None, BreakStep::Prompted))),
        refused(says(2, EventBreak::of(None, BreakStep::Prompted))),
        says(3, EventBreak::of(None, BreakStep::Cancelled)),
        says(10, begun(10, None)),
        says(11, step(10, BreakStep::Used)),
        says(40, EventBreak { end: Some(BreakEnd::Person), ..step(10, BreakStep::Ended) }),
        says(100, begun(100, Some(10))),
        but(says(101, step(100, BreakStep::Used)), of_programme),
        says(105, EventBreak { end: Some(BreakEnd::Session), ..step(100, BreakStep::Ended) }),
        says(200, EventBreak { discloser: Some("the desk".to_owned()), ..step(10, BreakStep::Attested) }),
        says(10 + days, EventBreak { review: Some(review), ..step(10, BreakStep::Reviewed) }),
    ];
    let report = made(asked(ReportName::BreakGlass), &events);
    let columns = [
        Column::Person,
        Column::Whom,
        Column::Given,
        Column::Relationship,
        Column::Times,
        Column::Minutes,
        Column::Data,
        Column::TextOwed,
        Column::Sheet,
        Column::Discloser,
        Column::Reviewer,
        Column::Finding,
        Column::DaysToClose,
    ];
    assert_eq!(
        cells(section(&report, SectionName::Breaks), &columns),
        [vec![
            text("Nadia"),
            text(&patient("4711").digest().short()),
            Cell::Given(BreakReason::Consult),
            Cell::Relation(BreakRelation::None),
            Cell::Number(2),
            Cell::Number(35),
            Cell::Texts(vec!["lab results".to_owned(), "sud".to_owned()]),
            Cell::Yes(false),
            Cell::Sheet(table::SheetState::Filed),
            text("the desk"),
            text("Petra Privacy"),
            Cell::Finding(BreakFinding::Justified),
            Cell::Number(2),
        ]]
    );
    let figures = [Column::Prompted, Column::Cancelled, Column::Breaks, Column::AutoExplained];
    assert_eq!(
        cells(section(&report, SectionName::BreakFigures), &figures),
        [vec![Cell::Number(2), Cell::Number(1), Cell::Number(2), Cell::Percent(0)]]
    );
    for said in ["A colleague asks for my advice", "Petra Privacy", "Justified", "Filed"] {
        assert!(written(&report, Format::Csv).contains(said), "{said}");
    }
}

#[test]
fn what_still_goes_on_has_no_minutes_and_what_was_opened_of_a_programme_is_owed() {
    let of_programme =
        but(says(11, step(10, BreakStep::Used)), |opening| opening.laws = [Law::SudRecords].into());
    let report =
        made(asked(ReportName::BreakGlass), &[says(10, begun(10, None)), of_programme, opened(12, 12)]);
    let columns = [Column::Minutes, Column::TextOwed, Column::Sheet, Column::Finding];
    let owed = Cell::Sheet(table::SheetState::Owed);
    assert_eq!(
        cells(section(&report, SectionName::Breaks), &columns),
        [vec![Cell::Nothing, Cell::Yes(true), owed, Cell::Nothing]]
    );
}
