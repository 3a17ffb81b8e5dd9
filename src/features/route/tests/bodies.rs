//! Routes that are told apart by what is posted.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

#[test]
fn the_body_is_asked_for_only_where_a_route_depends_on_it() {
    let table = table(vec![
        route("other", &[Method::POST], "/other"),
        by_form("plain", vec![]),
        by_form("export", vec![equals("export", "csv")]),
    ]);
    let unread = |target| Asked { body: None, ..Asked::post(target, Body::none()) };
    assert_eq!(ask(&table, &unread("/other")), "other");
    assert_eq!(
        ask(&table, &unread("/do")),
        "NeedsBody(BodyNeeds { form: true, json: false, rpc: false, graphql: false })"
    );
    assert_eq!(ask(&table, &Asked::get("/do")), "NoRoute");
    assert_eq!(ask(&table, &Asked::post("/do", Body::none())), "plain");
    assert_eq!(ask(&table, &Asked::post("/do", form("a=1"))), "plain");
    assert_eq!(ask(&table, &Asked::post("/do", form("export=csv&a=1"))), "export");
    let json = read("application/json", b"{}").unwrap();
    assert_eq!(ask(&table, &Asked::post("/do", json)), "BodyUnreadable(MediaType)");
}

#[test]
fn json_is_told_by_pointer_in_every_spelling() {
    let table = table(vec![
        by_json("other", vec![]),
        by_json("view", vec![equals("/method", "view")]),
        by_json("export", vec![equals("/method", "export")]),
    ]);
    let asked = |text: &str| {
        let body = read("application/json", text.as_bytes()).unwrap();
        ask(&table, &Asked::post("/do", body))
    };
    assert_eq!(asked(r#"{"method":"export"}"#), "export");
    assert_eq!(asked(r#"{"m\u0065thod":"\u0065xport"}"#), "export");
    assert_eq!(asked(r#"{"METHOD":"export"}"#), "export");
    assert_eq!(asked(r#"[{"method":"export"}]"#), "export");
    assert_eq!(asked(r#"[{"method":"view"},{"method":"export"}]"#), "Ambiguous");
    assert_eq!(asked(r#"{"params":{"method":"export"}}"#), "other");
}

#[test]
fn json_that_two_readers_would_read_differently_is_refused() {
    let deep = "[".repeat(65) + &"]".repeat(65);
    let cases: [(&str, &[u8]); 11] = [
        ("a duplicate key", br#"{"a":1,"a":2}"#),
        ("a duplicate key, escaped", br#"{"a":1,"\u0061":2}"#),
        ("a duplicate key in another case", br#"{"a":1,"A":2}"#),
        ("a duplicate key, deeper", br#"{"x":[{"a":1,"a":2}]}"#),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
        ("UTF-16", b"{\0}\0"),
        ("something after it", b"{} {}"),
        ("a comment", b"{/**/}"),
        ("a NUL", br#"{"a":"x\u0000y"}"#),
        ("not UTF-8", b"{\"a\":\"\xff\"}"),
        ("too deep", deep.as_bytes()),
    ];
    for (name, bytes) in cases {
        assert_eq!(read("application/json", bytes).unwrap_err(), BodyFault::Json, "{name}");
    }
}

#[test]
fn a_body_whose_type_the_route_cannot_be_told_by_is_refused() {
    for (name, media_type, fault) in [
        ("text", "text/plain", BodyFault::MediaType),
        ("XML", "application/xml", BodyFault::MediaType),
        ("UTF-16", "application/json; charset=utf-16", BodyFault::Charset),
        ("UTF-7", "application/x-www-form-urlencoded; charset=\"UTF-7\"", BodyFault::Charset),
        ("twice", "application/json; charset=utf-8; charset=utf-16", BodyFault::MediaType),
        ("no boundary", "multipart/form-data", BodyFault::Multipart),
        ("a list", "application/json, text/plain", BodyFault::MediaType),
        (
            "a name that ends in `boundary`",
            "multipart/form-data; xboundary=a; boundary=b",
            BodyFault::MediaType,
        ),
        ("a value that names it", "multipart/form-data; x=\"boundary=a\"; Boundary=b", BodyFault::MediaType),
    ] {
        assert_eq!(read(media_type, b"{}").unwrap_err(), fault, "{name}");
    }
    let mut headers = HeaderMap::new();
    assert_eq!(read_with(&headers, b"{}", BOTH).unwrap_err(), BodyFault::MediaType);
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(read_with(&headers, b"{}", BOTH).unwrap_err(), BodyFault::Coding);
    assert!(matches!(read_with(&headers, b"", BOTH).unwrap().content(), Content::Empty));
}

#[test]
fn multipart_fields_are_read() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"export\"\r\n\r\ncsv\r\n\
        --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\nContent-Type: image/png\r\n\r\n\0\x01\r\n\
        --b--\r\n";
    let body = read(BOUNDARY, body).unwrap();
    let Content::Form(fields) = body.content() else { panic!("it is a form") };
    assert_eq!(fields.iter().collect::<Vec<_>>(), [("export", "csv"), ("f", "\u{fffd}")]);
}

#[test]
fn multipart_that_readers_disagree_about_is_refused() {
    let part = |head: &str| format!("--b\r\n{head}\r\n\r\nv\r\n--b--");
    let named = "Content-Disposition: form-data; name=\"a\"";
    let cases = [
        ("a preamble", format!("x\r\n{}", part(named))),
        ("an epilogue", format!("{}x", part(named))),
        ("bare line ends", part(named).replace("\r\n", "\n")),
        ("no end", format!("--b\r\n{named}\r\n\r\nv\r\n")),
        ("no name", part("Content-Disposition: form-data")),
        ("two names", part("Content-Disposition: form-data; name=\"a\"; name=\"b\"")),
        ("two dispositions", part(&format!("{named}\r\n{named}"))),
        ("an extended name", part("Content-Disposition: form-data; name*=utf-8''a")),
        ("an escape", part("Content-Disposition: form-data; name=\"a\\\"b\"")),
        ("an unquoted name", part("Content-Disposition: form-data; name=a")),
        ("a folded header", part("Content-Disposition: form-data;\r\n name=\"a\"")),
        ("a transfer encoding", part(&format!("{named}\r\nContent-Transfer-Encoding: base64"))),
        ("nested", part(&format!("{named}\r\nContent-Type: multipart/mixed; boundary=c"))),
        ("a longer boundary", part(named).replace("--b--", "--bc--")),
        ("a part behind a bare LF", format!("--b\r\n{named}\r\n\r\nv\n--b\r\n{named}\r\n\r\nw\r\n--b--\r\n")),
        ("a part behind a bare CR", format!("--b\r\n{named}\r\n\r\nv\r--b\r\n{named}\r\n\r\nw\r\n--b--\r\n")),
    ];
    for (name, body) in cases {
        assert_eq!(read(BOUNDARY, body.as_bytes()).unwrap_err(), BodyFault::Multipart, "{name}");
    }
    assert!(read(BOUNDARY, part(named).as_bytes()).is_ok(), "and the plain one is read");
}

#[test]
fn parameters_that_no_application_should_be_sent_are_refused() {
    for (raw, fault) in [
        ("a=%", FieldsFault::Escape),
        ("a=%4", FieldsFault::Escape),
        ("a=%zz", FieldsFault::Escape),
        ("a=%u0041", FieldsFault::Escape),
        ("a=%00", FieldsFault::Control),
        ("a%0a=1", FieldsFault::Control),
        ("a=%c0%ae", FieldsFault::Overlong),
    ] {
        assert_eq!(Fields::parse(raw.as_bytes()).unwrap_err(), fault, "{raw}");
    }
    let many = "a&".repeat(Fields::COUNT_MAX + 1);
    assert_eq!(Fields::parse(many.as_bytes()).unwrap_err(), FieldsFault::TooMany);
}

#[test]
fn old_pages_send_latin_letters_and_line_ends() {
    let fields = Fields::parse(b"name=Garc%EDa&note=a%0D%0Ab+c&bare&=x").unwrap();
    let pairs: Vec<_> = fields.iter().collect();
    assert_eq!(pairs, [("name", "García"), ("note", "a\r\nb c"), ("bare", ""), ("", "x")]);
    assert!(is_key("bare[1]", "bare", false) && !is_key("barely", "bare", false));
}

#[test]
fn a_method_override_is_refused_unless_a_route_asks_about_it() {
    let table = table(vec![
        route("open", &[], "/a"),
        by_query("delete", "/b", vec![equals("_method", "DELETE")]),
        by_form("do", vec![present("x")]),
    ]);
    assert_eq!(ask(&table, &Asked::get("/a?_method=DELETE")), "MethodOverride");
    assert_eq!(ask(&table, &Asked::get("/a?_METHOD=DELETE")), "MethodOverride");
    assert_eq!(ask(&table, &Asked::get("/b?_method=DELETE")), "delete");
    assert_eq!(ask(&table, &Asked::post("/do", form("x=1&_method=PUT"))), "MethodOverride");
}

proptest! {
    #[test]
    fn a_common_reader_finds_no_field_that_is_not_known(raw in "[a-c=&;+%_\\[\\]]{0,12}(%C3%A4|%26|%3D)?[a-c=&;]{0,6}") {
        if let Ok(fields) = Fields::parse(raw.as_bytes()) {
            for reading in [raw.clone(), raw.replace(';', "&")] {
                for (key, value) in url::form_urlencoded::parse(reading.as_bytes()) {
                    // What is no UTF-8 is Latin-1 to us, and lost to this reader.
                    if key.contains('\u{fffd}') || value.contains('\u{fffd}') {
                        continue;
                    }
                    prop_assert!(fields.iter().any(|pair| pair == (&*key, &*value)), "{} = {} of {}", key, value, raw);
                }
            }
        }
    }

    #[test]
    fn a_multipart_body_written_anew_is_the_same(fields in prop::collection::vec(("[a-zä\\[\\]]{0,4}", "[a-b\r\n-]{0,6}|ö"), 1..5)) {
        let mut body = String::new();
        for (name, value) in &fields {
            write!(body, "--bc\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        }
        body.push_str("--bc--\r\n");
        let found = read("multipart/form-data; boundary=bc", body.as_bytes()).unwrap();
        let Content::Form(found) = found.content() else { panic!("a form") };
        prop_assert!(found.iter().eq(fields.iter().map(|(name, value)| (&**name, &**value))));
    }
}
