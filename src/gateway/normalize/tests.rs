//! What is refused, what passes, and that both have one reading.

use std::net::SocketAddr;

use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use proptest::prelude::*;

use super::cookies::{self, OwnCookie};
use super::framing::{BodyLength, Upgrade};
use super::path::{CanonicalPath, PathFault};
use super::{ConnectionFacts, Normalized, client, headers, normalize, own_path};
use crate::domain::action::Action;
use crate::features::route::body::Body;
use crate::features::route::quirks::Quirks;
use crate::features::route::settings::{Access, ApplicationSettings, Match, Quirk, RouteSettings, Unmatched};
use crate::features::route::table::{Recognized, RouteTable};

fn quirks(list: &[Quirk]) -> Quirks {
    list.iter().copied().collect()
}

fn segments(raw: &str, quirks: Quirks) -> Result<Vec<String>, PathFault> {
    CanonicalPath::parse(raw, quirks).map(|path| path.view().matched.iter().map(str::to_owned).collect())
}

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

fn route(name: &str, methods: &[Method], path: &str, action: Action) -> RouteSettings {
    RouteSettings {
        name: name.parse().unwrap(),
        matching: Match {
            methods: methods.to_vec(),
            path: path.parse().unwrap(),
            query: Vec::new(),
            form: Vec::new(),
            json: Vec::new(),
            header: Vec::new(),
        },
        action,
        background: false,
        categories: Vec::new(),
        reply: None,
        access: Access::Policy,
    }
}

fn application(name: &str, path: &str, quirks: &[Quirk], routes: Vec<RouteSettings>) -> ApplicationSettings {
    ApplicationSettings {
        name: name.parse().unwrap(),
        hosts: vec!["ehr.example".to_owned()],
        path: path.to_owned(),
        provider: "clinic".parse().unwrap(),
        unmatched: Unmatched::Deny,
        idle_ignore: Vec::new(),
        quirks: quirks.to_vec(),
        routes,
    }
}

/// An imaging server whose configuration is as wide as it can be but for the archive.
fn imaging() -> RouteTable {
    RouteTable::build(&[application(
        "imaging",
        "/",
        &[],
        vec![
            route("archive", &[], "/patients/{patient}/archive", Action::WholeRecord),
            route("anything", &[], "/**", Action::View),
        ],
    )])
    .unwrap()
}

fn facts() -> ConnectionFacts<'static> {
    ConnectionFacts {
        peer: "192.0.2.1:4000".parse().unwrap(),
        sni: Some("ehr.example"),
        trusted_proxies: &[],
        head_bytes_max: 65_536,
    }
}

fn parts(target: &str) -> Parts {
    Request::get(target).header("host", "ehr.example").body(()).unwrap().into_parts().0
}

fn with(headers: &[(&str, &str)]) -> Parts {
    let request =
        headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn fault(mut parts: Parts) -> Option<(StatusCode, &'static str)> {
    normalize(&mut parts, &facts(), &imaging()).err().map(|fault| (fault.status, fault.internal))
}

#[test]
fn eleven_spellings_of_one_archive_are_refused_or_are_the_archive() {
    let table = imaging();
    let spellings = [
        "/patients/ID/archive/",
        "//patients/ID/archive",
        "/%70atients/ID/%61rchive",
        "/system/../patients/ID/archive",
        "/system/%2e%2e/patients/ID/archive",
        "/patients/ID//archive",
        "/patients/ID/./archive",
        "/patients%2fID%2farchive",
        "/patients/ID/archive%00",
        "/patients\\ID\\archive",
        "/app/explorer.html/../../patients/ID/archive",
    ];
    let mut passed = Vec::new();
    for spelling in spellings {
        let mut parts = parts("/");
        parts.uri = spelling.parse().unwrap();
        let Ok(request) = normalize(&mut parts, &facts(), &table) else { continue };
        let view = request.view(&parts.method, &parts.headers);
        let recognized = table.recognize(&request.application, &view, Some(&Body::Empty));
        let Recognized::Route(matched) = &recognized else { panic!("{spelling}: {recognized:?}") };
        assert_eq!(matched.route.name.as_str(), "archive", "{spelling}");
        assert_eq!(request.target().as_str(), spelling);
        passed.push(spelling);
    }
    assert_eq!(passed, ["/patients/ID/archive/", "/%70atients/ID/%61rchive"]);
}

#[test]
fn there_is_exactly_one_host() {
    let refused = [
        ("none", vec![], 400),
        ("two", vec![("host", "ehr.example"), ("host", "ehr.example")], 400),
        ("user information", vec![("host", "ehr.example@other.example")], 400),
        ("a trailing dot", vec![("host", "ehr.example.")], 421),
        ("another than the handshake's", vec![("host", "other.example")], 421),
        ("empty", vec![("host", "")], 400),
        ("a port that is none", vec![("host", "ehr.example:x")], 400),
        ("a port too large", vec![("host", "ehr.example:65536")], 400),
        ("a list", vec![("host", "ehr.example, other.example")], 400),
        ("a path", vec![("host", "ehr.example/x")], 400),
        ("an empty label", vec![("host", "ehr..example")], 400),
    ];
    for (name, headers, status) in refused {
        assert_eq!(fault(with(&headers)).map(|(status, _)| status.as_u16()), Some(status), "{name}");
    }
    assert_eq!(fault(with(&[("host", "EHR.Example:8443")])), None);
}

#[test]
fn an_absolute_target_has_to_say_the_same_host() {
    let absolute = |target: &str| {
        let mut parts = with(&[("host", "ehr.example")]);
        parts.uri = target.parse().unwrap();
        fault(parts).map(|(status, _)| status.as_u16())
    };
    assert_eq!(absolute("https://ehr.example/"), None);
    assert_eq!(absolute("https://other.example/"), Some(400));
    assert_eq!(absolute("ftp://ehr.example/"), Some(400));
    assert_eq!(absolute("ehr.example:443"), Some(400));
    assert_eq!(absolute("*"), Some(400));
}

#[test]
fn the_authority_of_http_2_is_its_host() {
    let second = |headers: &[(&str, &str)]| {
        let mut parts = with(headers);
        parts.version = Version::HTTP_2;
        parts.uri = "https://ehr.example/".parse().unwrap();
        fault(parts).map(|(status, _)| status.as_u16())
    };
    assert_eq!(second(&[]), None);
    assert_eq!(second(&[("host", "ehr.example")]), None);
    assert_eq!(second(&[("host", "other.example")]), Some(400));
    assert_eq!(second(&[("transfer-encoding", "chunked")]), Some(400));
}

#[test]
fn framing_that_can_be_read_in_two_ways_is_refused() {
    let refused: [&[(&str, &str)]; 12] = [
        &[("content-length", "1"), ("transfer-encoding", "chunked")],
        &[("content-length", "1"), ("content-length", "1")],
        &[("content-length", "+1")],
        &[("content-length", "1, 1")],
        &[("content-length", "0x1")],
        &[("content-length", "99999999999999999999")],
        &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        &[("transfer-encoding", "chunked, chunked")],
        &[("transfer-encoding", "gzip, chunked")],
        &[("transfer-encoding", "identity")],
        &[("upgrade", "h2c"), ("connection", "upgrade, http2-settings")],
        &[("expect", "200-maybe")],
    ];
    for headers in refused {
        let headers = [&[("host", "ehr.example")], headers].concat();
        assert_eq!(fault(with(&headers)).map(|(status, _)| status.as_u16()), Some(400), "{headers:?}");
    }
    let mut old = with(&[("host", "ehr.example"), ("transfer-encoding", "chunked")]);
    old.version = Version::HTTP_10;
    assert!(fault(old).is_some());
}

fn normalized(headers: &[(&str, &str)]) -> (Normalized, HeaderMap) {
    let mut parts = with(&[&[("host", "ehr.example")], headers].concat());
    let request = normalize(&mut parts, &facts(), &imaging()).unwrap();
    (request, parts.headers)
}

#[test]
fn the_length_of_the_body_and_a_websocket_are_known() {
    assert_eq!(normalized(&[]).0.head.body, BodyLength::None);
    assert_eq!(normalized(&[("content-length", "0")]).0.head.body, BodyLength::None);
    assert_eq!(normalized(&[("content-length", "7")]).0.head.body, BodyLength::Bytes(7));
    assert_eq!(normalized(&[("transfer-encoding", "Chunked")]).0.head.body, BodyLength::Unknown);
    let socket = [("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade")];
    assert_eq!(normalized(&socket).0.head.upgrade, Some(Upgrade::WebSocket));
}

#[test]
fn methods_that_are_never_forwarded_are_refused() {
    for (method, status) in [
        ("TRACE", Some(405)),
        ("CONNECT", Some(405)),
        ("TRACK", Some(405)),
        ("track", Some(405)),
        ("DEBUG", Some(405)),
        ("get", Some(501)),
        ("PRI", Some(501)),
        ("A23456789012345678901234567890123", Some(501)),
        ("GET", None),
        ("PATCH", None),
        ("PROPFIND", None),
        ("VERSION-CONTROL", None),
    ] {
        let mut parts = parts("/");
        parts.method = method.parse().unwrap();
        assert_eq!(fault(parts).map(|(status, _)| status.as_u16()), status, "{method}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let mut many = parts("/");
    for number in 0..headers::HEADERS_MAX {
        many.headers.append("x-many", number.into());
    }
    assert_eq!(fault(many).unwrap().0.as_u16(), 431);
    let mut large = parts("/");
    large.headers.insert("x-large", "a".repeat(65_536).parse().unwrap());
    assert_eq!(fault(large).unwrap().0.as_u16(), 431);
}

#[test]
fn what_only_we_may_set_is_stripped_in_every_spelling() {
    for name in [
        "X-Leastway-Assertion",
        "x_leastway_assertion",
        "X.Leastway.Reason",
        "x~leastway~anything",
        "X-Forwarded-For",
        "X_Forwarded_Proto",
        "x+forwarded+user",
        "Forwarded",
        "X-Real-IP",
        "X_Real.IP",
        "Remote-User",
        "REMOTE_USER",
        "X-Remote-User",
        "X-Auth-Request-Email",
        "X-Request-Id",
        "Traceparent",
        "X-HTTP-Method-Override",
        "X_HTTP_Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Proxy",
        "Via",
        "Content_Length",
        "Transfer_Encoding",
        "TE",
        "Keep-Alive",
        "User_Agent",
        "content.type",
        "Proxy_Authorization",
        "Proxy-Authorization",
    ] {
        let (_, left) = normalized(&[(name, "x")]);
        assert!(!left.contains_key(name), "{name}");
    }
    for name in
        ["Authorization", "Accept", "Range", "Referer", "Origin", "X_Custom", "X-CSRF-Token", "SOAPAction"]
    {
        assert!(normalized(&[(name, "x")]).1.contains_key(name), "{name}");
    }
    assert!(headers::is_protected("user_agent") && !headers::is_protected("user-agent"));
}

#[test]
fn what_connection_names_is_stripped() {
    let (_, left) = normalized(&[("connection", "close, X-Secret"), ("x-secret", "1"), ("x-kept", "1")]);
    assert!(
        !left.contains_key("x-secret") && !left.contains_key("connection") && left.contains_key("x-kept")
    );
}

#[test]
fn a_trace_goes_on_from_a_trusted_proxy_only() {
    let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let strip = |value: &str, trusted: bool| {
        let mut headers = with(&[("traceparent", value), ("tracestate", "a=b")]).headers;
        headers::strip(&mut headers, trusted);
        headers.len()
    };
    assert_eq!(strip(valid, true), 2);
    assert_eq!(strip(valid, false), 0);
    assert_eq!(strip("00-0-0-01", true), 0);
    assert_eq!(strip(&valid.to_uppercase(), true), 0);
}

#[test]
fn our_cookies_never_reach_the_application() {
    let (request, left) = normalized(&[
        ("cookie", "a=1; __Host-leastway=s3cret; b=\"2\""),
        ("cookie", "__Host-leastway-b=t; __HOST-Leastway=x; c"),
    ]);
    assert_eq!(left.get("cookie").unwrap(), "a=1; b=\"2\"; c");
    assert!(request.head.session.value().unwrap().is("s3cret"));
    let (_, left) = normalized(&[("cookie", "__Host-leastway=s3cret")]);
    assert!(!left.contains_key("cookie"));
}

#[test]
fn two_session_cookies_are_no_session() {
    let (request, left) = normalized(&[("cookie", "__Host-leastway=a; __Host-leastway=b")]);
    assert!(matches!(request.head.session, OwnCookie::Several) && !left.contains_key("cookie"));
    assert!(matches!(normalized(&[("cookie", "__host-leastway=a")]).0.head.session, OwnCookie::None));
}

#[test]
fn the_application_never_sets_our_cookies() {
    let mut headers = HeaderMap::new();
    for line in [
        "kept=1; Path=/",
        "__Host-leastway=evil; Secure",
        " __HOST-leastway-b = evil",
        "=__Host-leastway=evil",
        "=kept",
    ] {
        headers.append("set-cookie", line.parse().unwrap());
    }
    cookies::strip_reply(&mut headers);
    let left: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(left, ["kept=1; Path=/", "=kept"]);
}

#[test]
fn a_reply_loses_hop_by_hop_fields_and_our_names() {
    let mut headers = with(&[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=1"),
        ("X-Leastway-Reason", "rule-matched"),
        ("content-type", "text/csv"),
    ])
    .headers;
    headers::strip_reply(&mut headers);
    assert_eq!(headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["content-type"]);
}

#[test]
fn the_callers_address_is_found_from_the_right_over_trusted_proxies() {
    let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let ask = |peer: &str, lines: &[&str]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let peer: SocketAddr = peer.parse().unwrap();
        client::address(&headers, peer, &trusted).to_string()
    };
    assert_eq!(ask("192.0.2.1:1", &["198.51.100.1"]), "192.0.2.1", "nobody is believed unless trusted");
    assert_eq!(ask("10.0.0.1:1", &[]), "10.0.0.1");
    assert_eq!(ask("10.0.0.1:1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(ask("10.0.0.1:1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1", "the left is hearsay");
    assert_eq!(ask("10.0.0.1:1", &["203.0.113.9, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
    assert_eq!(ask("10.0.0.1:1", &["203.0.113.9", "198.51.100.1,10.0.0.2"]), "198.51.100.1");
    assert_eq!(
        ask("10.0.0.1:1", &["203.0.113.9, unknown, 10.0.0.2"]),
        "10.0.0.2",
        "no address ends the walk"
    );
    assert_eq!(ask("[::ffff:10.0.0.1]:1", &["[2001:db8::1]:443"]), "2001:db8::1");
    assert_eq!(ask("10.0.0.1:1", &["198.51.100.1:5000"]), "198.51.100.1");
}

#[test]
fn our_own_paths_have_one_spelling_and_are_no_applications() {
    assert_eq!(own_path(&"/.leastway/me".parse().unwrap()), Some("me"));
    assert_eq!(own_path(&"/.leastway/../x".parse().unwrap()), None);
    assert_eq!(own_path(&"/.Leastway/me".parse().unwrap()), None);
    for target in ["/.leastway/me", "/.LEASTWAY/me", "/%2eleastway/me", "/.leastway"] {
        assert_eq!(fault(parts(target)), Some((StatusCode::BAD_REQUEST, "path: one of our own")), "{target}");
    }
}

#[test]
fn an_encoded_prefix_does_not_lead_to_another_application() {
    let table = RouteTable::build(&[
        application("root", "/", &[Quirk::PathParameters], vec![route("root", &[], "/**", Action::View)]),
        application(
            "admin",
            "/Admin/",
            &[Quirk::FoldsCase],
            vec![route("admin", &[], "/Admin/**", Action::Admin)],
        ),
    ])
    .unwrap();
    let ask = |target: &str| {
        let mut parts = parts(target);
        normalize(&mut parts, &facts(), &table)
            .map_or("refused".to_owned(), |request| request.application.name.to_string())
    };
    assert_eq!(ask("/x;y=1"), "root");
    assert_eq!(ask("/%41dmin/x"), "admin");
    assert_eq!(ask("/ADMIN/x"), "admin");
    assert_eq!(ask("/admin;x/y"), "refused", "it is the other's, which has no parameters");
}

#[test]
fn a_query_is_forwarded_as_it_came_and_its_names_are_told() {
    let mut parts = parts("/x?b=1&a=%20;c=2&b");
    let request = normalize(&mut parts, &facts(), &imaging()).unwrap();
    assert_eq!(request.query.as_str(), Some("b=1&a=%20;c=2&b"));
    assert_eq!(request.query.keys(), ["b", "a", "c"]);
    for target in ["/x?a=%00", "/x?a=%zz", "/x?%c0%ae"] {
        assert_eq!(fault(super::tests::parts(target)).unwrap().0.as_u16(), 400, "{target}");
    }
}
