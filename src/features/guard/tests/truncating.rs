//! Replies that are cut after the last record that is allowed: well-formed, said to be cut, and counted as they are handed on.

use http::header::{CONTENT_LENGTH, ETAG};
use serde_json::{Value, json};

use super::windows::{NOW, nurse};
use super::*;

fn truncating(action: Action) -> Terms {
    let limits = Limits { on_exceed: OnExceed::Truncate, ..terms(action).limits };
    Terms { limits, ..terms(action) }
}

impl Reply {
    /// Its route declares that it may be cut.
    fn may_be_cut(mut self) -> Self {
        let shape = self.shape.as_ref().expect("a shape");
        self.plans.cut = Plan::cut(shape, []).map(Arc::new);
        self
    }
}

fn bundle(entries: usize) -> Value {
    let patient =
        |id| json!({ "resource": { "resourceType": "Patient", "id": id }, "search": { "mode": "match" } });
    let entries: Vec<Value> = (0..entries).map(|id| patient(format!("p{id}"))).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries, "link": [] })
}

#[test]
fn what_is_beyond_the_limit_is_left_out_and_what_is_left_is_whole() {
    let lines = |records: usize| "{\"id\":1}\n".repeat(records).into_bytes();
    let ndjson = ReplyShape { kind: ReplyKind::Ndjson, patient: None, same_numbers: false };
    let kinds: [(ReplyShape, &str, Vec<u8>, Vec<u8>); 3] = [
        (csv_shape(), "text/csv", csv(25), csv(10)),
        (json_shape(), "application/json", json(25), json(10)),
        (ndjson, "application/x-ndjson", lines(25), lines(10)),
    ];
    for (shape, media_type, whole, first) in kinds {
        for size in [1, 7, 10_000] {
            for action in [Action::Export, Action::List] {
                let reply = Reply::pieces(Some(shape.clone()), media_type, whole.chunks(size)).may_be_cut();
                let reply = reply.header(CONTENT_LENGTH, &whole.len().to_string()).header(ETAG, "\"1\"");
                let released = reply.ask(&truncating(action)).unwrap();
                assert_eq!(released.headers()["x-leastway-truncated"], "10");
                for name in [CONTENT_LENGTH, ETAG] {
                    assert!(!released.headers().contains_key(&name), "{name}");
                }
                assert!(!released.headers().contains_key("x-leastway-withheld"));
                assert!(released.body().redacted().is_none(), "no field is withheld");
                let out = read(released);
                assert_eq!(
                    String::from_utf8_lossy(&out.bytes),
                    String::from_utf8_lossy(&first),
                    "{media_type}"
                );
                assert_eq!((out.record.records, out.record.ended), (Count::Exactly(10), EndedHow::Complete));
                assert_eq!(out.record.exceeded().map(|it| (it.allowed, it.actual)), Some((10, 25)));
                assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Truncate));
            }
        }
        let within = Reply::of(Some(shape), media_type, &first).may_be_cut().header(ETAG, "\"1\"");
        let within = within.ask(&truncating(Action::Export)).unwrap();
        assert!(
            within.headers().contains_key(ETAG) && !within.headers().contains_key("x-leastway-truncated")
        );
        assert_eq!(read(within).bytes, first);
    }
}

#[test]
fn a_bundle_says_in_its_last_entry_that_there_were_more() {
    let shape = ReplyShape { kind: ReplyKind::FhirBundle, patient: None, same_numbers: false };
    let whole = bundle(25).to_string();
    for size in [1, 7, 10_000] {
        let reply =
            Reply::pieces(Some(shape.clone()), "application/fhir+json", whole.as_bytes().chunks(size));
        let out = reply.may_be_cut().released(&truncating(Action::List));
        let came: Value = serde_json::from_slice(&out.bytes).unwrap();
        let entries = came["entry"].as_array().unwrap();
        assert_eq!((entries.len(), &came["total"]), (11, &json!(25)), "so many were found");
        assert_eq!(entries[..10], bundle(25)["entry"].as_array().unwrap()[..10]);
        assert_eq!(entries[10]["search"]["mode"], "outcome");
        assert_eq!(entries[10]["resource"]["issue"][0]["code"], "suppressed");
        assert_eq!((out.record.records, out.record.patients), (Count::Exactly(10), Count::Exactly(10)));
    }
}

#[test]
fn what_is_left_and_still_names_too_many_stays_here() {
    let shape = ReplyShape { kind: ReplyKind::FhirBundle, patient: None, same_numbers: false };
    let members: Vec<Value> =
        (0..30).map(|id| json!({ "entity": { "reference": format!("Patient/p{id}") } })).collect();
    let mut page = bundle(3);
    page["entry"][0]["resource"] = json!({ "resourceType": "Group", "member": members });
    let reply = Reply::of(Some(shape), "application/fhir+json", page.to_string()).may_be_cut();
    let withheld = reply.withheld(&truncating(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    assert!(matches!(withheld.cause, Cause::Block(_)));
}

#[test]
fn where_no_route_declares_it_and_where_it_cannot_be_done_it_is_blocked() {
    let reason = |reply: Reply| reply.withheld(&truncating(Action::Export)).reason();
    assert_eq!(reason(Reply::of(Some(csv_shape()), "text/csv", csv(11))), Reason::ExportOverRequestLimit);
    let page = ReplyShape {
        kind: ReplyKind::Html { rows: RowSelector::read("#list tr").unwrap() },
        patient: None,
        same_numbers: false,
    };
    assert!(Plan::cut(&page, []).is_none());
    // What does not end as it should is no reply to be cut.
    let whole = json(25);
    let half = Reply::of(Some(json_shape()), "application/json", &whole[..whole.len() - 1]).may_be_cut();
    assert_eq!(reason(half), Reason::RedactionImpossible);
    // Nobody can tell before its head has left.
    let long =
        Reply::pieces(Some(csv_shape()), "text/csv", csv(1000).chunks(64)).may_be_cut().hold_bytes(100);
    assert_eq!(reason(long), Reason::ExportOverRequestLimit);
    let care = Terms { basis: Basis::Treatment, ..truncating(Action::Export) };
    let out = Reply::of(Some(csv_shape()), "text/csv", csv(25)).may_be_cut().released(&care);
    assert_eq!(out.bytes, csv(25), "nothing clinical is shortened");
}

#[test]
fn fields_are_withheld_of_what_is_left() {
    let field = Field {
        name: "name".parse().unwrap(),
        categories: Vec::new(),
        identifies: false,
        places: vec![Place::Column("name".into())],
    };
    let mut reply = Reply::of(Some(csv_shape()), "text/csv", csv(25));
    reply.plans.cut = Plan::cut(&csv_shape(), [&field]).map(Arc::new);
    let released = reply.ask(&truncating(Action::Export)).unwrap();
    assert_eq!(released.headers()["x-leastway-withheld"], "name");
    let text = String::from_utf8(read(released).bytes).unwrap();
    assert_eq!((text.lines().count(), text.matches("[withheld]").count()), (11, 10));
}

#[test]
fn a_window_is_taken_by_what_is_handed_on_and_one_that_is_full_has_no_first_records() {
    let ledger = Ledger::new();
    let limits = Limits { records_exported_per_day: Some(25), ..truncating(Action::Export).limits };
    let terms = Terms { limits, ..truncating(Action::Export) };
    let ask = || {
        let claim = ledger.claim(&nurse(), &"ehr".parse().unwrap(), &terms.limits, NOW).unwrap();
        Reply::of(Some(csv_shape()), "text/csv", csv(1000)).may_be_cut().claiming(claim)
    };
    for _ in 0..2 {
        assert_eq!(ask().released(&terms).record.records, Count::Exactly(10));
    }
    let withheld = ask().withheld(&terms);
    assert_eq!(withheld.reason(), Reason::ExportOverWindowBudget, "of five it would have been ten");
}

#[test]
fn a_coded_reply_is_cut_in_plain() {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    coder.write_all(&csv(25)).unwrap();
    let packed = coder.finish().unwrap();
    for size in [1, 7, 10_000] {
        let reply = Reply::pieces(Some(csv_shape()), "text/csv", packed.chunks(size)).may_be_cut();
        let released = reply.header(CONTENT_ENCODING, "gzip").ask(&truncating(Action::Export)).unwrap();
        assert!(!released.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(read(released).bytes, csv(10));
    }
}
