//! Replies out of which something is taken: whole, held, cut; and counted as they came.

use http::header::{CONTENT_LENGTH, ETAG};

use super::*;

pub(super) fn body(records: usize) -> Vec<u8> {
    let record = serde_json::json!({ "mrn": 1, "ssn": "123-45-6789" });
    serde_json::to_vec(&serde_json::json!({ "data": vec![record; records] })).unwrap()
}

pub(super) fn quiet(records: usize) -> Vec<u8> {
    String::from_utf8(body(records)).unwrap().replace("123-45-6789", "[withheld]").into_bytes()
}

pub(super) fn ssn() -> Place {
    Place::Pointer(RecordsPointer::read("/data/*/ssn"))
}

#[test]
fn what_is_withheld_is_taken_out_whatever_else_is_done() {
    for (action, hold_bytes) in
        [(Action::Export, 1 << 20), (Action::List, 1 << 20), (Action::List, 50), (Action::Export, 50)]
    {
        for size in [1, 7, 10_000] {
            let whole = body(10);
            let reply = Reply::pieces(Some(json_shape()), "application/json", whole.chunks(size));
            let reply = reply.without(ssn()).hold_bytes(hold_bytes);
            let reply = reply.header(CONTENT_LENGTH, &whole.len().to_string()).header(ETAG, "\"1\"");
            let released = reply.ask(&terms(action)).unwrap();
            assert!(
                !released.headers().contains_key(CONTENT_LENGTH) && !released.headers().contains_key(ETAG)
            );
            assert_eq!(released.headers()["x-leastway-withheld"], "ssn");
            let out = read(released);
            assert_eq!(String::from_utf8(out.bytes).unwrap(), String::from_utf8(quiet(10)).unwrap());
            assert_eq!((out.record.records, out.record.ended), (Count::Exactly(10), EndedHow::Complete));
        }
    }
}

#[test]
fn a_limit_holds_as_ever() {
    let withheld = Reply::of(Some(json_shape()), "application/json", body(11)).without(ssn());
    assert_eq!(withheld.withheld(&terms(Action::Export)).reason(), Reason::ExportOverRequestLimit);
    let cut = Reply::pieces(Some(json_shape()), "application/json", body(1000).chunks(64));
    let withheld = cut.without(ssn()).hold_bytes(100).withheld(&terms(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
}

#[test]
fn patients_are_counted_as_they_came() {
    let shape = ReplyShape { patient: Some(PatientLocator::Column("ID".to_owned())), ..csv_shape() };
    let reply = Reply::of(Some(shape), "text/csv", csv(5)).without(Place::Column("id".into()));
    let out = reply.released(&terms(Action::Export));
    assert_eq!((out.record.records, out.record.patients), (Count::Exactly(5), Count::Exactly(5)));
    assert!(String::from_utf8(out.bytes).unwrap().contains("\n[withheld],\"a name"));
}

#[test]
fn what_cannot_be_redacted_stays_here_and_past_what_can_be_held_it_is_cut() {
    let whole = body(10);
    let half = &whole[..whole.len() - 1];
    let reply = Reply::pieces(Some(json_shape()), "application/json", half.chunks(50)).without(ssn());
    let withheld = reply.withheld(&Terms { limits: Limits::NONE, ..terms(Action::View) });
    assert_eq!(withheld.reason(), Reason::RedactionImpossible);
    assert!(matches!(withheld.cause, Cause::Redaction(Fault::Malformed)));
    let reply = Reply::pieces(Some(json_shape()), "application/json", half.chunks(50)).without(ssn());
    let out = reply.hold_bytes(100).released(&Terms { limits: Limits::NONE, ..terms(Action::View) });
    assert!(matches!(out.error, Some(GuardError::Redaction(Fault::Malformed))));
    assert_eq!(out.record.ended, EndedHow::RedactionFailed);
    assert!(quiet(10).starts_with(&out.bytes) && !out.bytes.is_empty());
}

#[test]
fn a_message_that_something_went_wrong_passes_without_its_body() {
    let page = b"<html>No patient 123-45-6789</html>";
    let reply = |status| Reply::of(Some(json_shape()), "text/html", page).status(status).without(ssn());
    for status in [302, 404, 500] {
        let released = reply(status).ask(&terms(Action::View)).unwrap();
        assert_eq!(released.status(), status);
        assert_eq!(released.body().redacted().map(|redacted| redacted.body_left_out), Some(true));
        assert!(read(released).bytes.is_empty());
    }
    assert_eq!(reply(200).withheld(&terms(Action::View)).reason(), Reason::RedactionImpossible);
    let told = br#"{"error":"nobody","data":[{"ssn":"1"}]}"#;
    let told = Reply::of(Some(json_shape()), "application/json", told).status(404).without(ssn());
    assert_eq!(
        told.released(&terms(Action::View)).bytes,
        br#"{"error":"nobody","data":[{"ssn":"[withheld]"}]}"#
    );
}

#[test]
fn what_is_longer_than_can_be_held_does_not_leave_before_its_fields_have_come() {
    let elsewhere = String::from_utf8(body(1000)).unwrap().replace("\"data\"", "\"rows\"");
    let reply = Reply::pieces(None, "application/json", elsewhere.as_bytes().chunks(64));
    let reply = Reply { shape: Some(json_shape()), ..reply };
    let withheld =
        reply.without(ssn()).hold_bytes(100).withheld(&Terms { limits: Limits::NONE, ..terms(Action::View) });
    assert_eq!(withheld.reason(), Reason::RedactionImpossible);
    // What comes to be elsewhere after its fields have come is cut, and none of it has left.
    let (record, name) = (r#"{"ssn":"123-45-6789"},"#, "x".repeat(300));
    let turned = format!(
        r#"{{"data":[{record}{{"name":"{name}"}},[{{"ssn":"987-65-4321"}}],{{"ssn":"987-65-4321"}}]}}"#
    );
    let reply = Reply::pieces(Some(json_shape()), "application/json", turned.as_bytes().chunks(16));
    let out =
        reply.without(ssn()).hold_bytes(100).released(&Terms { limits: Limits::NONE, ..terms(Action::View) });
    assert_eq!(out.record.ended, EndedHow::RedactionFailed);
    assert!(!String::from_utf8(out.bytes).unwrap().contains("987"));
}

fn redacting(action: Action) -> Terms {
    let limits = Limits { on_exceed: OnExceed::Redact, ..terms(action).limits };
    Terms { limits, ..terms(action) }
}

#[test]
fn beyond_a_limit_it_passes_without_what_tells_whom_it_is_about() {
    for (hold_bytes, size) in [(1 << 20, 1), (1 << 20, 7), (1 << 20, 10_000)] {
        let reply = |records| {
            Reply::pieces(Some(json_shape()), "application/json", body(records).chunks(size))
                .without_beyond(ssn())
                .header(ETAG, "\"1\"")
                .hold_bytes(hold_bytes)
        };
        let within = reply(10).ask(&redacting(Action::Export)).unwrap();
        assert!(within.headers().contains_key(ETAG) && !within.headers().contains_key("x-leastway-withheld"));
        assert!(within.body().redacted().is_none());
        assert_eq!(read(within).bytes, body(10));
        let beyond = reply(11).ask(&redacting(Action::Export)).unwrap();
        assert_eq!(beyond.headers()["x-leastway-withheld"], "who");
        assert!(!beyond.headers().contains_key(ETAG));
        assert_eq!(beyond.body().redacted().unwrap().fields.len(), 1);
        let out = read(beyond);
        assert_eq!(out.bytes, quiet(11));
        assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Redact));
        assert_eq!((out.record.records, out.record.ended), (Count::Exactly(11), EndedHow::Complete));
        assert_eq!(out.record.exceeded().map(|exceeded| exceeded.allowed), Some(10));
    }
}

#[test]
fn what_is_longer_than_can_be_held_is_taken_to_be_beyond() {
    for records in [10, 1000] {
        let reply = Reply::pieces(Some(json_shape()), "application/json", body(records).chunks(64));
        let out = reply.without_beyond(ssn()).hold_bytes(100).released(&redacting(Action::List));
        assert_eq!(out.bytes, quiet(records));
        assert_eq!(out.record.ended, EndedHow::Complete);
        let exceeded = (records > 10).then_some(OnExceed::Redact);
        assert_eq!(out.record.verdict.on_exceed(), exceeded);
    }
}

#[test]
fn what_is_withheld_anyway_is_withheld_within_a_limit() {
    let whole = body(10);
    let name = Place::Pointer(RecordsPointer::read("/data/*/mrn"));
    let reply = || Reply::of(Some(json_shape()), "application/json", &whole).without(ssn());
    let out = reply().without_beyond(name.clone()).released(&redacting(Action::List));
    assert_eq!(out.bytes, quiet(10));
    let nowhere = Place::Pointer(RecordsPointer::read("/nowhere/*/mrn"));
    let many = Reply::of(Some(json_shape()), "application/json", body(11)).without_beyond(nowhere);
    assert_eq!(many.withheld(&redacting(Action::List)).reason(), Reason::RedactionImpossible);
}

#[test]
fn without_anything_to_take_out_it_is_blocked_and_care_goes_on_whole() {
    let reply = || Reply::of(Some(json_shape()), "application/json", body(11));
    let reason = reply().withheld(&redacting(Action::Export)).reason();
    assert_eq!(reason, Reason::ExportOverRequestLimit);
    let care = Terms { basis: Basis::Treatment, ..redacting(Action::Export) };
    let out = reply().without_beyond(ssn()).released(&care);
    assert_eq!(out.bytes, body(11));
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}
