//! The lexer against its oracle: `serde_json` refuses what it refuses, and reads the rest as it does, wherever
//! a body is cut and whatever is asked for.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::value::RawValue;

use super::super::json::JsonScanner;
use super::super::lexer::{Broken, DEPTH_MAX, Lexer, Sink, TEXT_BYTES_MAX, Wants};
use super::super::text::{NameFilter, Scalar, Text};
use super::properties::{any_json, cut};
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::RecordsPointer;

/// Writes down what it is told.
struct Log {
    wants: Wants,
    told: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq)]
enum Told {
    Open { array: bool },
    Close,
    Name(Vec<u8>),
    String(Vec<u8>),
    Number(Vec<u8>),
    Boolean,
    Null,
    Unread,
}

impl Sink for Log {
    fn wants(&self) -> Wants {
        self.wants
    }

    fn names(&self) -> NameFilter {
        FILTER
    }

    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        if self.wants == Wants::Names && !is_wanted(&name.decoded()) {
            return Ok(()); // What is not wanted may be told, or not.
        }
        assert!(name.is(&name.decoded()), "a name is what it means");
        self.told.push(Told::Name(name.decoded().into_owned()));
        Ok(())
    }

    fn open(&mut self, array: bool) -> Result<(), Broken> {
        self.told.push(Told::Open { array });
        Ok(())
    }

    fn close(&mut self) {
        self.told.push(Told::Close);
    }

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        self.told.push(match scalar {
            Scalar::String(text) => Told::String(text.decoded().into_owned()),
            Scalar::Number(text) => Told::Number(text.to_vec()),
            Scalar::Boolean => Told::Boolean,
            Scalar::Null => Told::Null,
            Scalar::Unread => Told::Unread,
        });
        Ok(())
    }
}

fn read<'a, const LINES: bool>(
    wants: Wants,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Told>, Broken> {
    let mut lexer = Lexer::<LINES>::default();
    let mut log = Log { wants, told: Vec::new() };
    for piece in pieces {
        lexer.push(piece, &mut log);
    }
    lexer.finish(&mut log).map(|()| log.told)
}

/// What to look for where only names are told.
const FILTER: NameFilter = NameFilter::NONE.with(b"data").with(b"a").with(b"b\"");

fn is_wanted(name: &[u8]) -> bool {
    matches!(name, b"data" | b"a" | b"b\"")
}

/// What is to be told of `value`.
fn tell(wants: Wants, value: &Value, told: &mut Vec<Told>) {
    let names = wants != Wants::Structure;
    let scalars = matches!(wants, Wants::Scalars | Wants::Strings);
    let scalar = match value {
        Value::Array(elements) => {
            told.push(Told::Open { array: true });
            for element in elements {
                tell(wants, element, told);
            }
            return told.push(Told::Close);
        }
        Value::Object(members) => {
            told.push(Told::Open { array: false });
            for (name, value) in members {
                let is_told = names && (wants != Wants::Names || is_wanted(name.as_bytes()));
                told.extend(is_told.then(|| Told::Name(name.clone().into_bytes())));
                tell(wants, value, told);
            }
            return told.push(Told::Close);
        }
        Value::String(text) if wants == Wants::Strings => Told::String(text.clone().into_bytes()),
        Value::String(_) => Told::Unread,
        Value::Number(number) => Told::Number(number.to_string().into_bytes()),
        Value::Bool(_) => Told::Boolean,
        Value::Null => Told::Null,
    };
    told.extend(scalars.then_some(scalar));
}

fn any_wants() -> impl Strategy<Value = Wants> {
    select(vec![Wants::Structure, Wants::Names, Wants::Scalars, Wants::Strings])
}

/// Sizes of pieces that fall on the edges of blocks, beside them and far from them.
fn any_sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1_usize..12, 60_usize..70, 1_usize..2100], 1..6)
}

/// `value` as text, with so many spaces to each level that its tokens stand anywhere in a block.
fn written(value: &Value, indent: usize) -> Vec<u8> {
    let (mut body, spaces) = (Vec::new(), vec![b' '; indent]);
    let mut writer = Serializer::with_formatter(&mut body, PrettyFormatter::with_indent(&spaces));
    serde::Serialize::serialize(value, &mut writer).unwrap();
    body
}

/// Whether both refuse `body`, or both read it and find what the other finds.
fn compare(body: &[u8], wants: Wants, sizes: &[usize]) -> Result<(), TestCaseError> {
    // The oracle also refuses broken UTF-8, which changes no structure; a body that is blank has no records, not an error.
    prop_assume!(std::str::from_utf8(body).is_ok() && !body.trim_ascii().is_empty());
    let accepted = serde_json::from_slice::<&RawValue>(body).is_ok();
    let whole = read::<false>(wants, std::iter::once(body));
    prop_assert_eq!(whole.is_ok(), accepted, "{}", String::from_utf8_lossy(body));
    prop_assert_eq!(read::<false>(wants, cut(body, sizes)), whole);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_document_is_read_as_serde_json_reads_it(
        value in any_json(),
        indent in 0_usize..80,
        wants in any_wants(),
        sizes in any_sizes(),
    ) {
        let mut expected = Vec::new();
        tell(wants, &value, &mut expected);
        let compact = serde_json::to_vec(&value).unwrap();
        for body in [compact, written(&value, indent)] {
            prop_assert_eq!(read::<false>(wants, cut(&body, &sizes)), Ok(expected.clone()));
        }
    }

    #[test]
    fn a_document_with_changed_bytes_is_refused_if_serde_json_refuses_it(
        value in any_json(),
        indent in 0_usize..40,
        compact in any::<bool>(),
        changes in proptest::collection::vec((any::<Index>(), select(br#""",,::{}[]\\0-1.eu tn"#.to_vec()), 0..3), 0..4),
        wants in any_wants(),
        sizes in any_sizes(),
    ) {
        let mut body = if compact { serde_json::to_vec(&value).unwrap() } else { written(&value, indent) };
        for (at, byte, kind) in changes {
            let at = at.index(body.len());
            match kind {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ if body.len() > 1 => drop(body.remove(at)),
                _ => {}
            }
        }
        compare(&body, wants, &sizes)?;
    }

    #[test]
    fn tokens_in_any_order_are_refused_if_serde_json_refuses_them(
        tokens in proptest::collection::vec(
            select(vec![
                "{", "}", "[", "]", ",", ":", "{\"a\":", ",\"b\":", "\"c\"", "\"\\\"\\\\\"", "\"\\u00e9\"", "\"", "\\",
                "1", "-0.5e+3", "true", "null", "[]", "{}", " ", "\n", "                                             ",
                "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
            ]),
            1..40,
        ),
        closed in any::<bool>(),
        wants in any_wants(),
        sizes in any_sizes(),
    ) {
        let body = if closed { format!("[{}]", tokens.join(",")) } else { tokens.concat() };
        compare(body.as_bytes(), wants, &sizes)?;
    }

    #[test]
    fn the_elements_of_a_list_are_as_many_as_serde_json_finds(
        elements in proptest::collection::vec(
            select(vec![
                r#"{"mrn":"100001","name":"Patient 00001","born":"1970-01-01","ward":"East"}"#,
                r#"{"mrn": "100001", "name": "Patient 00001", "born": "1970-01-01", "ward": "East"}"#,
                r#"{"a":1,"b":true, "c":-0.5e+3}"#, r#"{"}{":"[,]\"{"}"#, "{}", "{ }", "[]", "1", "null", r#""{}""#,
                r#"{"a":{"b":{}}}"#, r#"{"a":[{},{}]}"#, r#"[{"a":1}]"#,
            ]),
            0..30,
        ),
        between in select(vec![",", ", ", ",\n", " ,                                                   "]),
        changes in proptest::collection::vec((any::<Index>(), select(br#""",,::{}[]\0-1. tn"#.to_vec())), 0..3),
        sizes in any_sizes(),
    ) {
        let mut body = elements.join(between).into_bytes();
        for (at, byte) in changes {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        let body = [b"[", &*body, b"]"].concat();
        let expected = serde_json::from_slice::<Vec<IgnoredAny>>(&body).map_or(Count::Unknown(WhyUnknown::Unparsable), |elements| {
            Count::Exactly(elements.len() as u64)
        });
        for pieces in [vec![&*body], cut(&body, &sizes).collect()] {
            let mut scanner = JsonScanner::new(&RecordsPointer::default(), None);
            for piece in pieces {
                scanner.push(piece);
            }
            prop_assert_eq!(scanner.finish().records, expected, "{}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn lines_are_read_as_serde_json_reads_each(
        values in proptest::collection::vec(any_json(), 0..6),
        ends in proptest::collection::vec(select(vec!["\n", "\r\n", "\n\n \t\n"]), 6),
        indent in 0_usize..2,
        sizes in any_sizes(),
    ) {
        let (mut body, mut expected) = (Vec::new(), Vec::new());
        for (value, end) in values.iter().zip(&ends) {
            tell(Wants::Strings, value, &mut expected);
            body.extend_from_slice(" ".repeat(indent).as_bytes());
            serde_json::to_writer(&mut body, value).unwrap();
            body.extend_from_slice(end.as_bytes());
        }
        prop_assert_eq!(read::<true>(Wants::Strings, cut(&body, &sizes)), Ok(expected));
        // Two values on a line are refused.
        if let Some(at) = body.iter().position(|byte| *byte == b'\n') && values.len() > 1 {
            drop(body.splice(..at, *b"1 2"));
            prop_assert_eq!(read::<true>(Wants::Strings, cut(&body, &sizes)), Err(Broken));
        }
    }
}

#[test]
fn a_text_is_read_to_its_limit_and_no_longer_however_it_is_cut() {
    for (length, accepted) in [(TEXT_BYTES_MAX, true), (TEXT_BYTES_MAX + 1, false)] {
        let long = "1".repeat(length);
        for body in [format!("[\"{long}\"]"), format!("{{\"{long}\":0}}"), format!("[{long}]")] {
            for size in [1000, 64, body.len()] {
                let told = read::<false>(Wants::Strings, body.as_bytes().chunks(size));
                assert_eq!(told.is_ok(), accepted, "{length} in pieces of {size}");
            }
        }
        let unread = format!("[\"{long}\"]");
        assert!(
            read::<false>(Wants::Scalars, unread.as_bytes().chunks(1000)).is_ok(),
            "what nobody reads has no limit"
        );
    }
}

#[test]
fn a_bracket_closes_what_it_opened_at_any_depth() {
    let levels = DEPTH_MAX / 3;
    let right = format!("{}0,{{}}{}", "[{\"a\":[".repeat(levels), "]}]".repeat(levels));
    assert!(read::<false>(Wants::Structure, right.as_bytes().chunks(7)).is_ok());
    let (before, after) = right.rsplit_once('}').unwrap();
    let wrong = format!("{before}]{after}");
    assert_eq!(read::<false>(Wants::Structure, wrong.as_bytes().chunks(7)), Err(Broken));
}
