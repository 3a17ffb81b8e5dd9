//! What is cut is what another parser reads of the first records, however the body comes.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::properties::in_pieces;
use super::*;
use crate::domain::reply_shape::ReplyShape;

/// What is left of a body after so many records, in whole and in these pieces alike.
fn first(
    kind: &ReplyKind,
    media_type: &str,
    keep: u64,
    body: &[u8],
    cuts: &[Index],
) -> Result<Vec<u8>, Fault> {
    let shape = ReplyShape { kind: kind.clone(), patient: None, same_numbers: false };
    let plan = Arc::new(Plan::cut(&shape, []).unwrap());
    let head = head(200, media_type, None);
    let through = |pieces: Vec<&[u8]>| {
        let mut redaction = Redaction::new(plan.clone(), &head, &SETTINGS).keeping(keep, None);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&redaction.push(piece)?);
        }
        out.extend_from_slice(&redaction.finish()?);
        Ok(out)
    };
    let whole = through(vec![body]);
    assert_eq!(through(in_pieces(body, cuts)).is_ok(), whole.is_ok());
    if let Ok(pieces) = through(in_pieces(body, cuts)) {
        assert_eq!(Ok(pieces), whole);
    }
    whole
}

fn records() -> impl Strategy<Value = Vec<Value>> {
    let record = prop_oneof![
        any::<u32>().prop_map(Value::from),
        "[a-z\\\\\"\\[\\]{},é]{0,6}".prop_map(Value::from),
        Just(Value::Null),
        "[a-z]{1,3}".prop_map(|text| json!({ "id": text, "data": [[text], { "data": [1, 2] }] })),
    ];
    prop::collection::vec(record, 0..12)
}

proptest! {
    #[test]
    fn a_list_has_its_first_elements_and_all_that_stands_beside(
        records in records(),
        keep in 0..14_u64,
        pretty in any::<bool>(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let document = |records: &[Value]| json!({ "before": [1, 2], "data": records, "after": { "data": [3, 4, 5] } });
        let whole = document(&records);
        let text = if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) }.unwrap();
        let kind = ReplyKind::Json { records: RecordsPointer::read("/data") };
        let left = first(&kind, "application/json", keep, text.as_bytes(), &cuts).unwrap();
        let expected = document(&records[..records.len().min(usize::try_from(keep).unwrap())]);
        prop_assert_eq!(serde_json::from_slice::<Value>(&left).unwrap(), expected);
    }

    #[test]
    fn lines_are_the_first_lines(
        records in records(),
        keep in 0..14_u64,
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let records: Vec<_> = records.into_iter().filter(Value::is_object).collect();
        let lines = |records: &[Value]| {
            let lines: Vec<_> = records.iter().map(|it| it.to_string() + "\n").collect();
            lines.concat()
        };
        let left = first(&ReplyKind::Ndjson, "application/x-ndjson", keep, lines(&records).as_bytes(), &cuts).unwrap();
        let came: Vec<Value> = serde_json::Deserializer::from_slice(&left).into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(&*came, &records[..records.len().min(usize::try_from(keep).unwrap())]);
    }

    #[test]
    fn rows_are_the_first_rows_under_their_header(
        rows in prop::collection::vec(prop::collection::vec("[a-z0-9 \",;\n\r]{0,5}", 3), 0..8),
        keep in 0..10_u64,
        crlf in any::<bool>(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .terminator(terminator)
            .from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let left = first(&CSV, "text/csv", keep, &text, &cuts).unwrap();
        let mut reader = csv::Reader::from_reader(&*left);
        prop_assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        let came: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(&*came, &rows[..rows.len().min(usize::try_from(keep).unwrap())]);
        prop_assert!(text.starts_with(&left), "bytes are those that came");
    }

    #[test]
    fn a_bundle_stays_one(
        ids in prop::collection::vec("[a-z]{1,3}", 0..10),
        keep in 0..12_u64,
        pretty in any::<bool>(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let entries: Vec<Value> =
            ids.iter().map(|id| json!({ "resource": { "resourceType": "Condition", "id": id, "entry": [1, 2] } })).collect();
        let whole = json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries, "total": 9 });
        let text = if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) }.unwrap();
        let left = first(&ReplyKind::FhirBundle, "application/fhir+json", keep, text.as_bytes(), &cuts).unwrap();
        let mut came: Value = serde_json::from_slice(&left).unwrap();
        let kept = entries.len().min(usize::try_from(keep).unwrap());
        let left = came["entry"].as_array_mut().unwrap();
        if kept < entries.len() {
            let told = left.pop().unwrap();
            prop_assert_eq!(&told["resource"]["resourceType"], "OperationOutcome");
        }
        prop_assert_eq!(&**left, &entries[..kept]);
        prop_assert_eq!(&came["total"], 9);
    }

    #[test]
    fn whatever_comes_is_cut_with_one_answer(
        body in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ \nda1".to_vec()), 0..48),
        keep in 0..4_u64,
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let json = ReplyKind::Json { records: RecordsPointer::default() };
        for (kind, media_type) in [(json, "application/json"), (ReplyKind::Ndjson, "application/json"), (CSV, "text/csv")] {
            if let Ok(left) = first(&kind, media_type, keep, &body, &cuts) {
                let mut counter = crate::features::guard::count::Counter::new(&kind, None).unwrap();
                counter.push(&left);
                let tally = counter.finish();
                prop_assert!(left.is_empty() || tally.records.at_least() <= keep, "{:?}", tally);
            }
        }
    }
}

#[test]
fn a_bundle_that_is_signed_is_not_cut() {
    let entries =
        r#""entry":[{"resource":{"resourceType":"Condition"}},{"resource":{"resourceType":"Condition"}}]"#;
    let signature = r#""signature":{"data":"YQ=="}"#;
    let kind = ReplyKind::FhirBundle;
    for members in [format!("{entries},{signature}"), format!("{signature},{entries}")] {
        let body = format!(r#"{{"resourceType":"Bundle","total":2,{members}}}"#);
        let left = |keep| first(&kind, "application/fhir+json", keep, body.as_bytes(), &[]);
        assert_eq!(left(1), Err(Fault::Signed), "{body}");
        assert_eq!(left(2).as_deref(), Ok(body.as_bytes()));
    }
}
