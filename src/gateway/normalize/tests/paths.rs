//! Paths: what is refused, and that what passes is what every server reads.

use super::*;

#[test]
fn a_path_that_can_be_read_in_two_ways_is_refused() {
    use PathFault::{
        BrokenEscape, Control, DotSegment, DoubleEncoding, EmptySegment, EncodedDelimiter, EncodedSlash,
        Fragment, InvalidUtf8, Lookalike, NotOriginForm, Parameters, RawCharacter, RawNonAscii, TooLong,
        TooManySegments, TrailingDotOrBlank,
    };
    let long = format!("/{}", "a".repeat(8192));
    let deep = "/a".repeat(129);
    for (raw, fault) in [
        ("", NotOriginForm),
        ("*", NotOriginForm),
        ("a", NotOriginForm),
        ("https://ehr.example/", NotOriginForm),
        ("//", EmptySegment),
        ("//a", EmptySegment),
        ("/a//b", EmptySegment),
        ("/a//", EmptySegment),
        ("/.", DotSegment),
        ("/..", DotSegment),
        ("/a/./b", DotSegment),
        ("/a/../b", DotSegment),
        ("/a/..", DotSegment),
        ("/a/%2e%2e/b", DotSegment),
        ("/a/.%2E/b", DotSegment),
        ("/a/%2e/b", DotSegment),
        ("/a/%252e%252e/b", DoubleEncoding),
        ("/a%252fb", DoubleEncoding),
        ("/a%25u002fb", DoubleEncoding),
        ("/a%2525", DoubleEncoding),
        ("/a%2fb", EncodedSlash),
        ("/a%2F", EncodedSlash),
        ("/a\\b", PathFault::Backslash),
        ("/a%5cb", PathFault::Backslash),
        ("/a%00", Control),
        ("/a%0d%0ab", Control),
        ("/a%7f", Control),
        ("/a%c2%85", Control),
        ("/a b", Control),
        ("/a\tb", Control),
        ("/a#b", Fragment),
        ("/a%23b", EncodedDelimiter),
        ("/a%3fb", EncodedDelimiter),
        ("/a%3bb", EncodedDelimiter),
        ("/a;b", Parameters),
        ("/a/..;/b", Parameters),
        ("/a%", BrokenEscape),
        ("/a%4", BrokenEscape),
        ("/a%zz", BrokenEscape),
        ("/a%u0041", BrokenEscape),
        ("/a%+1", BrokenEscape),
        ("/a%c0%af", InvalidUtf8),
        ("/a%e0%80%af", InvalidUtf8),
        ("/a%ed%a0%80", InvalidUtf8),
        ("/a%ff", InvalidUtf8),
        ("/é", RawNonAscii),
        ("/a\"", RawCharacter),
        ("/a<b", RawCharacter),
        ("/a|b", RawCharacter),
        ("/{a}", RawCharacter),
        ("/a?b", RawCharacter),
        ("/a.", TrailingDotOrBlank),
        ("/a%20", TrailingDotOrBlank),
        ("/a%2e/b", TrailingDotOrBlank),
        ("/...", TrailingDotOrBlank),
        ("/%20", TrailingDotOrBlank),
        ("/a%ef%bc%8fb", Lookalike),
        ("/%ef%bc%8e%ef%bc%8e/b", Lookalike),
        ("/e%cc%81", Lookalike),
        ("/a%e2%80%ae", Lookalike),
        (&long, TooLong),
        (&deep, TooManySegments),
    ] {
        assert_eq!(segments(raw, Quirks::STRICT).unwrap_err(), fault, "{raw}");
    }
}

#[test]
fn a_path_with_one_reading_is_matched_decoded_and_forwarded_as_it_came() {
    for (raw, expected) in [
        ("/", vec![]),
        ("/a", vec!["a"]),
        ("/a/", vec!["a"]),
        ("/%61/b", vec!["a", "b"]),
        ("/a%20b/c.d", vec!["a b", "c.d"]),
        ("/.well-known/x", vec![".well-known", "x"]),
        ("/a..b/~x", vec!["a..b", "~x"]),
        ("/a%2eb", vec!["a.b"]),
        ("/100%25", vec!["100%"]),
        ("/A/B", vec!["A", "B"]),
        ("/a:b@c,d=e", vec!["a:b@c,d=e"]),
        ("/a%C3%B1o", vec!["año"]),
        ("/Patient/$everything", vec!["Patient", "$everything"]),
    ] {
        assert_eq!(segments(raw, Quirks::STRICT).unwrap(), expected, "{raw}");
        assert_eq!(CanonicalPath::parse(raw, Quirks::STRICT).unwrap().as_str(), raw);
    }
}

#[test]
fn a_quirk_reads_as_the_application_reads_and_no_further() {
    let slash = quirks(&[Quirk::EncodedSlash]);
    assert_eq!(segments("/a%2Fb/c", slash).unwrap(), ["a/b", "c"]);
    assert_eq!(segments("/a%2F..%2Fb", slash).unwrap_err(), PathFault::DotSegment);
    assert_eq!(segments("/a%2F%2Fb", slash).unwrap_err(), PathFault::EmptySegment);

    let parameters = quirks(&[Quirk::PathParameters]);
    assert_eq!(segments("/a;jsessionid=1/b;x", parameters).unwrap(), ["a", "b"]);
    assert_eq!(segments("/a/..;/b", parameters).unwrap_err(), PathFault::DotSegment);
    assert_eq!(segments("/a/.;x/b", parameters).unwrap_err(), PathFault::DotSegment);
    assert_eq!(segments("/a/;x/b", parameters).unwrap_err(), PathFault::EmptySegment);
    assert_eq!(segments("/a;%2e%2e%2f/b", parameters).unwrap_err(), PathFault::EncodedSlash);
    assert_eq!(segments("/a%3Bb", parameters).unwrap_err(), PathFault::EncodedDelimiter);

    let folds = quirks(&[Quirk::FoldsCase]);
    assert_eq!(segments("/PaTients/%41%C3%91O", folds).unwrap(), ["patients", "año"]);
    assert_eq!(segments("/a::$DATA", folds).unwrap_err(), PathFault::WindowsName);
    assert_eq!(segments("/PATIEN~1", folds).unwrap_err(), PathFault::WindowsName);
    assert_eq!(segments("/%E2%84%AA", folds).unwrap_err(), PathFault::Lookalike);
    let path = CanonicalPath::parse("/AbC", folds).unwrap();
    assert_eq!(path.view().decoded.get(0), Some("AbC"), "a capture keeps its letters");
}

/// How other servers read a path; each bit of `habits` is one of their habits.
fn legacy_reading(raw: &str, habits: u16) -> Vec<Vec<u8>> {
    let has = |habit: u16| habits & (1 << habit) != 0;
    let cut_parameters = |bytes: Vec<u8>| {
        let segments = bytes.split(|byte| *byte == b'/');
        segments
            .map(|segment| segment.split(|byte| *byte == b';').next().unwrap())
            .collect::<Vec<_>>()
            .join(&b'/')
    };
    let mut bytes = raw.as_bytes().to_vec();
    if has(0) {
        bytes = cut_parameters(bytes);
    }
    bytes = lax_decode(&bytes);
    if has(1) {
        bytes = lax_decode(&bytes);
    }
    if has(2) {
        bytes = overlong_decode(&bytes);
    }
    if has(3) {
        bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    if has(4) {
        bytes = bytes.split(|byte| *byte == 0).next().unwrap().to_vec();
    }
    if has(5) {
        bytes = bytes.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap().to_vec();
    }
    if has(6) {
        bytes = cut_parameters(bytes);
    }
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in bytes.split(|byte| *byte == b'/') {
        let mut segment = segment.to_vec();
        match segment.as_slice() {
            b"" | b"." => continue,
            b".." => {
                segments.pop();
                continue;
            }
            _ => {}
        }
        while has(7) && segment.last().is_some_and(|byte| matches!(byte, b'.' | b' ')) {
            segment.pop();
        }
        segments.push(segment);
    }
    segments
}

fn lax_decode(bytes: &[u8]) -> Vec<u8> {
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// `C0 AF` is a slash to a decoder that does not look closely.
fn overlong_decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if let Some([lead @ (0xc0 | 0xc1), next @ 0x80..=0xbf]) = bytes.get(at..at + 2) {
            decoded.push((lead & 1) << 6 | next & 0x3f);
            at += 2;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

fn hostile_path() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "/",
        "/",
        "/",
        "/",
        "a",
        "patients",
        "archive",
        "A",
        "%41",
        "%61",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%252e",
        "%25",
        "%",
        "%2",
        ";",
        ";x=1",
        "%3b",
        "%00",
        "%c0%ae",
        "%c0%af",
        "%e0%80%af",
        "?",
        "#",
        "%3f",
        "%23",
        " ",
        "%20",
        "+",
        "%u002f",
        "%ef%bc%8f",
        "%c3%a9",
        "~1",
        ":",
        "-",
        "%7e",
        "25",
        "2e",
    ]);
    prop::collection::vec(pieces, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_server_reads_an_accepted_path_as_another(raw in hostile_path(), habits in any::<u16>()) {
        if let Ok(matched) = segments(&raw, Quirks::STRICT) {
            let matched: Vec<Vec<u8>> = matched.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(legacy_reading(&raw, habits), matched, "{}", raw);
        }
    }

    #[test]
    fn what_is_matched_with_parameters_is_what_a_servlet_reads(raw in hostile_path(), habits in any::<u16>()) {
        let servlet = quirks(&[Quirk::PathParameters]);
        if let Ok(matched) = segments(&raw, servlet) {
            let matched: Vec<Vec<u8>> = matched.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(legacy_reading(&raw, habits | 1), matched, "{}", raw);
        }
    }

    #[test]
    fn normalizing_twice_is_once_and_forwards_what_came(raw in hostile_path(), bits in 0_u8..8) {
        let list: Vec<Quirk> =
            Quirk::ALL.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, quirk)| *quirk).collect();
        let quirks = quirks(&list);
        if let Ok(once) = CanonicalPath::parse(&raw, quirks) {
            prop_assert_eq!(once.as_str(), &raw);
            let twice = CanonicalPath::parse(once.as_str(), quirks).unwrap();
            prop_assert_eq!(once.view().matched.iter().collect::<Vec<_>>(), twice.view().matched.iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn letter_case_makes_no_difference_where_it_is_folded(raw in "/[a-zA-Z/ñÑéÉ]{0,20}") {
        let folds = quirks(&[Quirk::FoldsCase]);
        prop_assert_eq!(segments(&encode(&raw), folds), segments(&encode(&raw.to_uppercase()), folds));
    }

    #[test]
    fn nothing_panics_on_any_target(raw in any::<String>()) {
        for quirk in Quirk::ALL {
            drop(CanonicalPath::parse(&raw, quirks(&[*quirk])));
        }
    }
}

/// Escapes what is not ASCII.
fn encode(text: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}
