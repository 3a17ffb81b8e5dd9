//! Which events an export wants, and how much each matters.

use super::*;
use crate::domain::action::Action;
use crate::domain::event::{Closing, Event, Opening, Outcome, Verdict};
use crate::features::export::settings::Pick;

fn event(kind: EventKind, verdict: Verdict, outcome: Option<Outcome>) -> Event {
    let id = RequestId::new(MORNING, &SystemEntropy);
    let opening = Opening { verdict, ..Opening::begin(id, kind, MORNING) };
    Event { sequence: 1, opening: Box::new(opening), closing: outcome.map(|it| Closing::of(id, MORNING, it)) }
}

#[test]
fn an_export_takes_what_it_wants_and_nothing_else() {
    use EventKind::{Detection, Request};
    use Outcome::{Completed, Failed, Refused, Withheld};
    use Verdict::{Challenge, Deny, Permit};
    let mut exported = event(Request, Permit, Some(Completed));
    exported.opening.action = Some(Action::Export);
    exported.opening.application = Some("ehr".parse().unwrap());
    let mut found = event(Request, Permit, Some(Completed));
    found.closing.as_mut().unwrap().found_file = true;
    let cases = [
        (Pick::Permit, event(Request, Permit, None), event(Request, Deny, Some(Refused))),
        (Pick::Challenge, event(Request, Challenge, Some(Refused)), event(Request, Permit, None)),
        (Pick::Deny, event(Request, Deny, Some(Refused)), event(Request, Challenge, Some(Refused))),
        (Pick::Withheld, event(Request, Permit, Some(Withheld)), event(Request, Permit, Some(Completed))),
        (Pick::Export, exported.clone(), event(Request, Permit, Some(Completed))),
        (Pick::Export, found, event(Detection, Permit, None)),
        (Pick::Failed, event(Request, Permit, Some(Failed)), event(Request, Permit, None)),
    ];
    for (pick, wanted, other) in cases {
        let selection = Selection { only: vec![pick], ..Selection::default() };
        assert!(selection.takes(&wanted), "{pick}");
        assert!(!selection.takes(&other), "{pick}");
        assert!(Selection::default().takes(&other));
    }
    let at_ehr = Selection { applications: vec!["ehr".parse().unwrap()], ..Selection::default() };
    assert!(at_ehr.takes(&exported) && !at_ehr.takes(&event(Request, Permit, None)));
    let detections = Selection { kinds: vec![Detection], only: vec![Pick::Permit], ..Selection::default() };
    assert!(detections.takes(&event(Detection, Permit, Some(Completed))));
    assert!(!detections.takes(&event(Detection, Deny, Some(Completed))));
    assert!(!detections.takes(&exported));
}

#[test]
fn an_event_matters_as_much_as_the_most_that_is_said_of_it() {
    let cases = [
        (event(EventKind::Request, Verdict::Permit, Some(Outcome::Completed)), Severity::Informational),
        (event(EventKind::Request, Verdict::Deny, Some(Outcome::Refused)), Severity::Warning),
        (event(EventKind::Request, Verdict::Permit, Some(Outcome::Withheld)), Severity::Warning),
        (event(EventKind::Request, Verdict::Permit, None), Severity::Warning),
        (event(EventKind::Request, Verdict::Permit, Some(Outcome::Failed)), Severity::Error),
        (event(EventKind::Revocation, Verdict::Permit, Some(Outcome::Completed)), Severity::Notice),
        (event(EventKind::Detection, Verdict::Permit, Some(Outcome::Completed)), Severity::Critical),
    ];
    for (event, severity) in cases {
        assert_eq!(Severity::of(&event), severity, "{event:?}");
    }
}

#[test]
fn a_document_tells_which_event_it_is_and_the_entry_that_ended_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = http(folder.path(), "127.0.0.1:1".parse().unwrap(), Protocol::Json);
    let event = event(EventKind::Request, Verdict::Deny, Some(Outcome::Refused));
    let documents = Document::of(&settings, "node-1", 9, &event);
    let [document] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!((document.sequence, document.event), (9, event.opening.event));
    let said: serde_json::Value = serde_json::from_slice(&document.bytes).unwrap();
    assert_eq!((&said["node"], &said["sequence"]), (&"node-1".into(), &1.into()));
    assert_eq!(said["opening"]["event"], event.opening.event.to_string());

    let selection = Selection { only: vec![Pick::Permit], ..Selection::default() };
    assert!(Document::of(&ExportSettings { selection, ..settings }, "node-1", 9, &event).is_empty());
}
