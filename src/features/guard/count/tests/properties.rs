//! The scanners against their oracles: `serde_json` and `csv`, over whole bodies and bodies cut anywhere.

#![expect(clippy::wildcard_enum_match_arm, reason = "the oracle's values are not our words")]

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::*;
use crate::domain::reply_shape::ElementPath;
use crate::domain::row_selector::RowSelector;

pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\\n/\u{e9}\u{1F600}]{0,12}".prop_map(Value::from),
        "[a-z,:{}\\[\\] \"\\\\\n]{50,150}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let name = prop_oneof![Just("data".to_owned()), Just("mrn".to_owned()), "[a-c\"\\\\]{0,3}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn distinct(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| distinct(element, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "mrn" && !text.is_empty() => {
                        found.insert(text.clone());
                    }
                    Value::Number(number) if name == "mrn" => {
                        found.insert(number.to_string());
                    }
                    _ => distinct(value, found),
                }
            }
        }
        _ => {}
    }
}

pub(super) fn cut<'a>(body: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = body;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(rest.len());
        let (piece, after) = rest.split_at(size);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn count_cut(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &[u8], sizes: &[usize]) -> Tally {
    let mut counter = Counter::new(kind, patient).unwrap();
    let mut least = 0;
    for piece in cut(body, sizes) {
        counter.push(piece);
        let so_far = counter.so_far().records;
        if !matches!(so_far, Count::Unknown(_)) {
            assert!(so_far.at_least() >= least, "a lower bound never sinks");
            least = so_far.at_least();
        }
    }
    counter.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn json_is_counted_as_serde_json_reads_it(
        value in any_json(),
        pretty in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let document = json!({ "first": value.clone(), "data": value.clone() });
        let body = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        let tally = count_cut(&json_shape("/data"), Some(&member("mrn")), &body, &sizes);
        match &value {
            Value::Array(elements) => {
                let mut found = HashSet::new();
                distinct(&value, &mut found);
                prop_assert_eq!(tally.records, Count::Exactly(elements.len() as u64));
                prop_assert_eq!(tally.patients, Count::Exactly(found.len() as u64));
            }
            Value::Null => prop_assert_eq!(tally.records, Count::Exactly(0)),
            _ => prop_assert_eq!(tally.records, UNPARSABLE),
        }
    }

    #[test]
    fn what_serde_json_refuses_is_unknown_and_the_reverse(
        value in any_json(),
        change in any::<prop::sample::Index>(),
        byte in prop_oneof![Just(b'"'), Just(b','), Just(b'{'), Just(b']'), Just(b'\\'), Just(b'0'), Just(b' '), Just(b'e'), 1_u8..128],
        kind in 0..3,
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut body = serde_json::to_vec(&json!([value])).unwrap();
        let at = change.index(body.len());
        match kind {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => body.truncate(at),
        }
        // The oracle also refuses broken UTF-8, which changes no structure.
        prop_assume!(std::str::from_utf8(&body).is_ok());
        let accepted = serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_ok();
        let tally = count_cut(&json_shape(""), None, &body, &sizes);
        let root = body.iter().find(|byte| !byte.is_ascii_whitespace());
        match root {
            None => prop_assert_eq!(tally.records, Count::Exactly(0)),
            Some(b'[') if accepted => {
                let expected = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(&body).unwrap().len();
                prop_assert_eq!(tally.records, Count::Exactly(expected as u64));
            }
            Some(_) if accepted => prop_assert!(matches!(tally.records, UNPARSABLE | Count::Exactly(0))),
            Some(_) => prop_assert_eq!(tally.records, UNPARSABLE, "{}", String::from_utf8_lossy(&body)),
        }
    }

    #[test]
    fn bundles_are_counted_as_serde_json_reads_them(
        entries in proptest::collection::vec((0_usize..4, 0..20, any::<bool>()), 0..40),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let modes = ["match", "include", "outcome"];
        let entry = |&(mode, patient, late): &(usize, i32, bool)| {
            let id = patient.to_string();
            let resource = if late {
                json!({ "id": id, "resourceType": "Patient" })
            } else {
                json!({ "resourceType": "Encounter", "id": "e", "subject": { "reference": format!("Patient/{id}") } })
            };
            match modes.get(mode) {
                Some(mode) => json!({ "resource": resource, "search": { "mode": mode } }),
                None => json!({ "resource": resource }),
            }
        };
        let entry: Vec<Value> = entries.iter().map(entry).collect();
        let body = serde_json::to_vec(&json!({ "resourceType": "Bundle", "entry": entry })).unwrap();
        let tally = count_cut(&ReplyKind::FhirBundle, None, &body, &sizes);
        let matched = entries.iter().filter(|(mode, _, _)| matches!(mode, 0 | 3)).count();
        let patients: HashSet<_> = entries.iter().map(|(_, patient, _)| patient).collect();
        prop_assert_eq!(tally.records, Count::Exactly(matched.max(patients.len()) as u64));
        prop_assert_eq!(tally.patients, Count::Exactly(patients.len() as u64));
    }

    #[test]
    fn rows_are_counted_as_the_csv_crate_reads_them(
        body in "([a-d,;\"\n\r ]|\"[a-c,\n]{0,4}\"|,|\n|\r\n){0,80}",
        header in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let kind = ReplyKind::Csv { delimiter: Some(b','), header };
        let tally = count_cut(&kind, Some(&column("b")), body.as_bytes(), &sizes);
        let plain = count_cut(&kind, None, body.as_bytes(), &sizes);
        prop_assert_eq!(tally.records, plain.records);

        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body.as_bytes());
        let rows: Vec<::csv::ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
        if tally.records == UNPARSABLE {
            prop_assert!(body.contains('"'));
        } else {
            let expected = (rows.len() as u64).saturating_sub(u64::from(header));
            prop_assert_eq!(tally.records, Count::Exactly(expected));
        }
        let place = rows.first().and_then(|row| row.iter().position(|name| name.trim_ascii() == b"b"));
        if let (true, Some(place), Count::Exactly(patients)) = (header, place, tally.patients) {
            let named = rows.iter().skip(1).filter_map(|row| row.get(place)).map(<[u8]>::trim_ascii);
            let named: HashSet<_> = named.filter(|name| !name.is_empty()).collect();
            prop_assert_eq!(patients, named.len() as u64);
        }
    }

    #[test]
    fn rows_that_the_csv_crate_writes_are_counted(
        rows in proptest::collection::vec(proptest::collection::vec("[a-z,;\"\n\r\t|]{0,6}", 3), 1..20),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t'), Just(b'|')],
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["ID", "first", "last"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let body = writer.into_inner().unwrap();
        let tally = count_cut(&CSV, Some(&column("ID")), &body, &sizes);
        let named: HashSet<_> = rows.iter().map(|row| row[0].trim_ascii_text()).filter(|name| !name.is_empty()).collect();
        prop_assert_eq!(tally.records, Count::Exactly(rows.len() as u64));
        prop_assert_eq!(tally.patients, Count::Exactly(named.len() as u64));
    }

    #[test]
    fn parts_hold_what_was_put_into_them(
        parts in proptest::collection::vec(proptest::collection::vec("[a-z -]{1,6}", 0..5), 0..4),
        end in prop_oneof![Just("\n"), Just("\r\n")],
        sizes in proptest::collection::vec(1_usize..20, 1..8),
    ) {
        let mut body = String::new();
        for rows in &parts {
            write!(body, "--b{end}content-type: text/csv{end}{end}name{end}").unwrap();
            for row in rows {
                write!(body, "\"{row}\"{end}").unwrap();
            }
        }
        write!(body, "--b--{end}").unwrap();
        let kind = ReplyKind::Multipart { of: Some(Box::new(CSV)) };
        let mut counter = Counter::labelled(&kind, None, &Label::read("boundary=b")).unwrap();
        cut(body.as_bytes(), &sizes).for_each(|piece| counter.push(piece));
        let expected: usize = parts.iter().map(Vec::len).sum();
        prop_assert_eq!(counter.finish().records, Count::Exactly(expected as u64));
    }

    #[test]
    fn no_bytes_upset_a_scanner(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let xml = ReplyKind::Xml { records: ElementPath::read("/*/b").unwrap() };
        let html = ReplyKind::Html { rows: RowSelector::read("* p").unwrap() };
        let kinds = [json_shape("/a/*/b"), ReplyKind::FhirBundle, ReplyKind::Ndjson, CSV, ReplyKind::Sql, ReplyKind::Hl7v2];
        for kind in kinds.into_iter().chain([xml, html, ReplyKind::Multipart { of: None }, ReplyKind::Multipart { of: Some(Box::new(CSV)) }]) {
            let tally = count_cut(&kind, Some(&member("a")), &body, &sizes);
            prop_assert_eq!(tally, count_cut(&kind, Some(&member("a")), &body, &[body.len().max(1)]));
        }
    }
}

trait TrimAscii {
    fn trim_ascii_text(&self) -> &[u8];
}

impl TrimAscii for String {
    fn trim_ascii_text(&self) -> &[u8] {
        self.as_bytes().trim_ascii()
    }
}
