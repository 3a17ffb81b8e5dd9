//! Against other parsers: what they read of what comes out is what they read of what came in, with the values in question
//! replaced.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\{}\\[\\],:é\u{1F600} \n]{0,6}".prop_map(Value::from),
    ];
    let name = || prop_oneof![Just("ssn".to_owned()), Just("a".to_owned()), "[a-z\"\\\\é]{0,3}"];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn masked(value: Value) -> Value {
    match value {
        Value::Array(all) => Value::from(all.into_iter().map(masked).collect::<Vec<_>>()),
        Value::Object(members) => {
            let mask = |(name, value): (String, Value)| {
                let value = if name == "ssn" { json!("[withheld]") } else { masked(value) };
                (name, value)
            };
            Value::from(members.into_iter().map(mask).collect::<Map<_, _>>())
        }
        leaf @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => leaf,
    }
}

pub(super) fn in_pieces<'b>(body: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    at.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in at.into_iter().chain([body.len()]) {
        pieces.push(&body[from..cut]);
        from = cut;
    }
    pieces
}

proptest! {
    #[test]
    fn json_is_the_same_but_for_what_is_withheld(
        value in any_json(),
        pretty in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let (plan, head) = (plan(&json_kind(), &["member:ssn"]), head(200, "application/json", None));
        let (whole, record) = passed(&plan, &head, [text.as_bytes()]).unwrap();
        let cut = passed(&plan, &head, in_pieces(text.as_bytes(), &cuts)).unwrap();
        prop_assert_eq!(&cut, &(whole.clone(), record));
        let expected = masked(value);
        // Byte for byte what serde_json writes of the document with the values replaced, for compact text.
        if !pretty {
            prop_assert_eq!(std::str::from_utf8(&whole).unwrap(), expected.to_string());
        }
        prop_assert_eq!(serde_json::from_slice::<Value>(&whole).unwrap(), expected);
    }

    #[test]
    fn rows_are_the_same_but_for_what_is_withheld(
        rows in prop::collection::vec(prop::collection::vec("[a-z0-9 \",;\n\r]{0,5}", 4), 0..6),
        column in 0_usize..4,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let header: Vec<&str> = (0..4).map(|at| if at == column { "Ssn" } else { ["a", "b", "c", "d"][at] }).collect();
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::NonNumeric).from_writer(Vec::new());
        writer.write_record(&header).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let (plan, head) = (plan(&CSV, &["column:ssn"]), head(200, "text/csv", None));
        let (whole, record) = passed(&plan, &head, [&*text]).unwrap();
        prop_assert_eq!(record.values, rows.len() as u64);
        prop_assert_eq!(&passed(&plan, &head, in_pieces(&text, &cuts)).unwrap(), &(whole.clone(), record));
        let mut reader = csv::Reader::from_reader(&*whole);
        prop_assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), header);
        let came: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let expected: Vec<Vec<String>> = rows
            .into_iter()
            .map(|mut row| {
                row[column] = "[withheld]".to_owned();
                row
            })
            .collect();
        prop_assert_eq!(came, expected);
    }

    #[test]
    fn whatever_comes_is_cut_in_any_way_with_one_answer(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            prop::collection::vec(prop::sample::select(b"{}[]\",:\\ \nsn1".to_vec()), 0..48),
        ],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for (kind, place, media_type) in [
            (json_kind(), "member:sn", "application/json"),
            (ReplyKind::Ndjson, "/sn", "application/json"),
            (ReplyKind::FhirBundle, "Patient.sn", "application/json"),
            (CSV, "column:sn", "text/csv"),
        ] {
            let (plan, head) = (plan(&kind, &[place]), head(200, media_type, None));
            let whole = passed(&plan, &head, [&*body]);
            let cut = passed(&plan, &head, in_pieces(&body, &cuts));
            prop_assert_eq!(whole.is_ok(), cut.is_ok());
            if let (Ok(whole), Ok(cut)) = (whole, cut) {
                prop_assert_eq!(whole, cut);
            }
        }
    }
}
