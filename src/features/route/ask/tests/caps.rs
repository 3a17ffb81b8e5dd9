//! Numbers.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;

fn finder() -> Asks {
    let also = vec![("iDisplayStart".to_owned(), 0)];
    caps(Cap { also, ..cap(in_query("iDisplayLength"), 100) })
}

#[test]
fn a_number_in_the_query_is_within_the_cap_or_nothing_is_sent() {
    const REJECTED: Result<&str, Reason> = Err(Reason::PageSizeRejected);
    let cases = [
        ("within", "limit=50&q=x", Ok("limit=50&q=x")),
        ("at it", "limit=100", Ok("limit=100")),
        ("over", "q=a%20b&limit=101&z", Ok("q=a%20b&limit=100&z")),
        ("all", "limit=-1", Ok("limit=100")),
        ("zero", "limit=0", Ok("limit=100")),
        ("huge", "limit=99999999999999999999999999", Ok("limit=100")),
        ("empty", "limit=", Ok("limit=100")),
        ("bare", "limit", Ok("limit=100")),
        ("octal", "limit=0777", Ok("limit=100")),
        ("hexadecimal", "limit=0x1", Ok("limit=100")),
        ("exponent", "limit=1e9", Ok("limit=100")),
        ("a fraction", "limit=5.5", Ok("limit=100")),
        ("a sign", "limit=%2B5", Ok("limit=100")),
        ("a blank", "limit=5+", Ok("limit=100")),
        ("digits of another script", "limit=%D9%A5", Ok("limit=100")),
        ("an escaped name", "%6Cimit=500", Ok("limit=100")),
        ("none", "q=x", Ok("q=x&limit=100")),
        ("nothing", "", Ok("limit=100")),
        ("an open end", "q=x&", Ok("q=x&limit=100")),
        ("twice", "limit=5&limit=5000", REJECTED),
        ("an array", "limit[]=5000", REJECTED),
        ("an element", "limit%5Ba%5D=5000", REJECTED),
        ("another case", "Limit=5000", REJECTED),
        ("a blank before", "+limit=5000", REJECTED),
        ("both spellings", "limit=5&LIMIT=5000", REJECTED),
        ("a semicolon", "a=1;limit=5000", REJECTED),
        ("behind a semicolon", "limit=5;limit=5000", REJECTED),
        ("split by some", "limit=5;a=1", REJECTED),
    ];
    let asks = caps(cap(in_query("limit"), 100));
    for (name, query, sent) in cases {
        let target = if query.is_empty() { "/do".to_owned() } else { format!("/do?{query}") };
        assert_eq!(Ask::get(&target).query(&asks).as_deref().map_err(|why| *why), sent, "{name}");
    }
}

#[test]
fn php_reads_dots_blanks_and_brackets_in_names_as_underscores() {
    let asks = caps(cap(in_query("page_size"), 100));
    for name in ["page.size", "page+size", "page%20size", "page[size", "page%5Bsize"] {
        assert_eq!(Ask::get(&format!("/do?{name}=9")).query(&asks), Err(Reason::PageSizeRejected), "{name}");
    }
}

#[test]
fn where_the_application_folds_case_the_one_spelling_that_is_there_is_the_number() {
    let asks = caps(cap(in_query("limit"), 100));
    let folding = |target| Ask { quirks: &[Quirk::FoldsCase], ..Ask::get(target) };
    assert_eq!(folding("/do?LIMIT=500").query(&asks).unwrap(), "limit=100");
    assert_eq!(folding("/do?LIMIT=50").query(&asks).unwrap(), "LIMIT=50");
    assert_eq!(folding("/do?LIMIT=50&limit=50").query(&asks), Err(Reason::PageSizeRejected));
}

#[test]
fn numbers_that_belong_to_it_are_there_too() {
    let asks = finder();
    let cases = [
        ("iDisplayStart=40&iDisplayLength=25", "iDisplayStart=40&iDisplayLength=25"),
        ("iDisplayLength=25", "iDisplayLength=25&iDisplayStart=0"),
        ("iDisplayStart=-1&iDisplayLength=25", "iDisplayStart=0&iDisplayLength=25"),
        ("sEcho=1", "sEcho=1&iDisplayLength=100&iDisplayStart=0"),
    ];
    for (query, sent) in cases {
        assert_eq!(Ask::get(&format!("/do?{query}")).query(&asks).unwrap(), sent);
    }
    let twice = Ask::get("/do?iDisplayLength=5&iDisplayStart=0&iDisplayStart=x");
    assert_eq!(twice.query(&asks), Err(Reason::PageSizeRejected));
}

#[test]
fn what_is_missing_is_added_refused_or_passes_as_the_route_says() {
    let of = |missing| caps(Cap { missing, ..cap(in_query("limit"), 100) });
    assert_eq!(Ask::get("/do").query(&of(Missing::Add)).unwrap(), "limit=100");
    assert_eq!(Ask::get("/do").query(&of(Missing::Pass)).unwrap(), "");
    assert_eq!(Ask::get("/do?limit=").query(&of(Missing::Pass)).unwrap(), "limit=100");
    assert_eq!(Ask::get("/do").query(&of(Missing::Refuse)), Err(Reason::PageSizeRejected));
    // Care goes on, and what is missing is noted.
    let care = Ask { bounds: Bounds { may_deny: false, ..BOUNDS }, ..Ask::get("/do") };
    let (query, _, asked) = care.of(&of(Missing::Refuse)).unwrap();
    assert_eq!((query.as_str(), asked.beyond[0].reason), ("", Reason::PageSizeRejected));
    assert_eq!(asked.beyond[0].allowed, Allowed::AtMost(100));
}

#[test]
fn zero_is_nothing_only_where_the_route_says_so() {
    let asks = caps(Cap { zero: Zero::Nothing, ..cap(in_query("_count"), 100) });
    assert_eq!(Ask::get("/do?_count=0").query(&asks).unwrap(), "_count=0");
    assert_eq!(Ask::get("/do?_count=00").query(&asks).unwrap(), "_count=100");
}

#[test]
fn a_role_s_page_is_smaller_and_never_larger() {
    let asks = caps(cap(in_query("limit"), 100));
    for (page_size, sent) in [(Some(20), "limit=20"), (Some(1000), "limit=100"), (None, "limit=100")] {
        let ask = Ask { bounds: Bounds { page_size, ..BOUNDS }, ..Ask::get("/do?limit=5000") };
        assert_eq!(ask.query(&asks).unwrap(), sent);
    }
}

#[test]
fn the_event_tells_names_and_numbers_and_no_other_value() {
    let (_, _, asked) = Ask::get("/do?sSearch=smith&iDisplayLength=-1").of(&finder()).unwrap();
    let lowered = Lowered { parameter: "iDisplayLength".to_owned(), from: Some(-1), to: 100 };
    assert_eq!(asked.lowered, [lowered]);
    assert_eq!(asked.added, ["iDisplayStart"]);
    let (_, _, asked) = Ask::get("/do?iDisplayLength=smith&iDisplayStart=0").of(&finder()).unwrap();
    assert_eq!(asked.lowered[0].from, None);
    let (_, _, asked) = Ask::get("/do?iDisplayLength=7&iDisplayStart=0").of(&finder()).unwrap();
    assert!(asked.is_empty());
}

#[test]
fn a_field_of_a_form_is_capped_and_the_others_stay_byte_for_byte() {
    let asks = caps(cap(Place::Form("limit_to".to_owned()), 250));
    let sent = |body| Ask::post(FORM, body).sent(&asks);
    assert_eq!(sent("a=%7e+x&limit_to=9999&b=").unwrap(), "a=%7e+x&limit_to=250&b=");
    assert_eq!(sent("a=1").unwrap(), "a=1&limit_to=250");
    assert_eq!(sent("limit_to=1&limit_to=2"), Err(Reason::PageSizeRejected));
    // `$_REQUEST` would find it in the query.
    let both = Ask { target: "/do?limit_to=9999", ..Ask::post(FORM, "limit_to=5") };
    assert_eq!(both.sent(&asks), Err(Reason::PageSizeRejected));
    let elsewhere = Ask { target: "/do?limit_to=9999", ..Ask::post(FORM, "a=1") };
    assert_eq!(elsewhere.sent(&asks), Err(Reason::PageSizeRejected));
}

#[test]
fn what_is_capped_in_the_query_cannot_come_in_a_form_as_well() {
    let asks = caps(cap(in_query("limit"), 100));
    let both = Ask { target: "/do?limit=5", ..Ask::post(FORM, "limit=5000") };
    assert_eq!(both.sent(&asks), Err(Reason::PageSizeRejected));
    let other = Ask { target: "/do?limit=5000", ..Ask::post(FORM, "a=1") };
    assert_eq!(other.query(&asks).unwrap(), "limit=100");
}

#[test]
fn a_multipart_form_is_read_and_never_written_anew() {
    let asks = caps(cap(Place::Form("limit".to_owned()), 100));
    let part = |value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"limit\"\r\n\r\n{value}\r\n--b--\r\n")
    };
    let sent = |body: &str| Ask::post("multipart/form-data; boundary=b", body).sent(&asks);
    assert_eq!(sent(&part("100")).unwrap(), part("100"));
    assert_eq!(sent(&part("101")), Err(Reason::PageSizeRejected));
}

#[test]
fn a_member_of_json_is_capped_and_all_else_stays_byte_for_byte() {
    let asks = caps(cap(in_json("/Limit"), 100));
    let cases = [
        ("{ \"Level\" : \"Study\", \"Limit\": 50 }", "{ \"Level\" : \"Study\", \"Limit\": 50 }"),
        ("{\"n\":1.10,\"Limit\":5000 , \"big\":1e400000}", ""),
        (
            "{\"n\":1.10,\"Limit\":5000 , \"x\":12345678901234567890}",
            "{\"n\":1.10,\"Limit\":100 , \"x\":12345678901234567890}",
        ),
        ("{\"Limit\":\"5000\"}", "{\"Limit\":100}"),
        ("{\"Limit\":\"50\"}", "{\"Limit\":\"50\"}"),
        ("{\"Limit\":-1}", "{\"Limit\":100}"),
        ("{\"Limit\":0}", "{\"Limit\":100}"),
        ("{\"Limit\":1e3}", "{\"Limit\":100}"),
        ("{\"Limit\":true}", "{\"Limit\":100}"),
        ("{\"Limit\":null}", "{\"Limit\":100}"),
        ("{\"Limit\":[5000]}", "{\"Limit\":100}"),
        ("{\"a\":1}", "{\"Limit\":100,\"a\":1}"),
        (" {} ", " {\"Limit\":100} "),
        ("{\"limit\":5}", ""),
        ("[{\"Limit\":5}]", ""),
        ("\"x\"", ""),
    ];
    for (body, sent) in cases {
        let found = Ask::post(JSON, body).sent(&asks).unwrap_or_default();
        assert_eq!(found, sent, "{body}");
    }
    assert_eq!(
        Ask { coding: Some("gzip"), ..Ask::post(JSON, "{}") }.sent(&asks),
        Err(Reason::BodyUnreadable)
    );
    assert_eq!(Ask::post("text/plain", "{\"Limit\":5}").sent(&asks), Err(Reason::BodyUnreadable));
    assert_eq!(Ask::get("/do").sent(&asks), Err(Reason::PageSizeRejected));
    // Orthanc's own pages post JSON as if it were a form.
    let as_form = Ask::post(FORM, "{\"Limit\":500}");
    assert_eq!(as_form.sent(&asks), Err(Reason::BodyUnreadable));
    let known = Ask { quirks: &[Quirk::JsonOfAnyType], ..as_form };
    assert_eq!(known.sent(&asks).unwrap(), "{\"Limit\":100}");
    assert_eq!(Ask { body: "Limit=500", ..known }.sent(&asks), Err(Reason::BodyUnreadable));
}

#[test]
fn a_member_within_others_is_capped_where_its_object_is_there() {
    let asks = caps(cap(in_json("/page/a~1b"), 10));
    let sent = |body| Ask::post(JSON, body).sent(&asks);
    assert_eq!(sent("{\"page\":{\"a/b\":11}}").unwrap(), "{\"page\":{\"a/b\":10}}");
    assert_eq!(sent("{\"page\":{\"x\":{}}}").unwrap(), "{\"page\":{\"a/b\":10,\"x\":{}}}");
    for body in ["{}", "{\"page\":null}", "{\"page\":[{\"a/b\":11}]}", "{\"Page\":{\"a/b\":1}}"] {
        assert_eq!(sent(body), Err(Reason::PageSizeRejected), "{body}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_not_sent() {
    let asks = caps(cap(in_json("/Limit"), 100));
    let duplicate = Ask::post(JSON, "{\"Limit\":5,\"Limit\":5000}").of(&asks);
    assert!(matches!(duplicate, Err(NotAsked::Unreadable(BodyFault::Json))), "{duplicate:?}");
}

/// Spellings of a parameter that some application takes for `limit`.
fn spelling() -> impl Strategy<Value = String> {
    let name = select(vec![
        "limit", "Limit", "limit[]", "limit[0]", "%6cimit", "+limit", "limit%20", "other", "", "limi.t",
    ]);
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (0_u64..200).prop_map(|number| number.to_string()),
        select(vec!["", "-1", "0x10", "all", "1e3", "007", "99999999999999999999", "5;limit=5000", "%35"])
            .prop_map(str::to_owned),
    ];
    let pair = (name, value, any::<bool>())
        .prop_map(|(name, value, is_bare)| if is_bare { name.to_owned() } else { format!("{name}={value}") });
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

/// Escapes decoded one after the other; what is broken stays as it is.
fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend(&part.as_bytes()[2..]);
            }
            None => out.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Every number that a lax reader finds under the name, by other code than ours.
fn lax_numbers(query: &str) -> Vec<Option<u64>> {
    let pieces = query.split(['&', ';']).filter(|piece| !piece.is_empty());
    let pairs = pieces.map(|piece| piece.split_once('=').unwrap_or((piece, "")));
    pairs
        .filter(|(name, _)| {
            let name = decoded(name).trim().to_lowercase();
            name == "limit" || name.starts_with("limit[")
        })
        .map(|(_, value)| decoded(value).parse().ok())
        .collect()
}

proptest! {
    #[test]
    fn whatever_the_spelling_what_is_sent_is_within_the_cap_and_twice_is_once(query in spelling()) {
        let asks = caps(cap(in_query("limit"), 100));
        let target = format!("/do?{query}");
        if let Ok(sent) = Ask::get(&target).query(&asks) {
            let numbers = lax_numbers(&sent);
            prop_assert!(matches!(numbers.as_slice(), [Some(1..=100)]), "{query} became {sent}");
            let (again, _, asked) = Ask::get(&format!("/do?{sent}")).of(&asks).unwrap();
            prop_assert_eq!(again, sent);
            prop_assert!(asked.is_empty());
        }
    }

    #[test]
    fn a_document_is_the_same_but_for_its_number(
        members in prop::collection::btree_map("[a-z]{1,4}", json_value(), 0..5),
        limit in prop::option::of(json_value()),
        pretty in any::<bool>(),
    ) {
        let asks = caps(cap(in_json("/Limit"), 100));
        let mut document: serde_json::Map<String, Value> = members.into_iter().collect();
        prop_assume!(!document.contains_key("limit"));
        if let Some(limit) = limit {
            document.insert("Limit".to_owned(), limit);
        }
        let mut document = Value::Object(document);
        let body = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let sent = Ask::post(JSON, &body.unwrap()).sent(&asks).unwrap();
        let mut read: Value = serde_json::from_str(&sent).unwrap();
        let number = read["Limit"].take();
        prop_assert!(
            number.as_u64().or_else(|| number.as_str()?.parse().ok()).is_some_and(|number| (1..=100).contains(&number)),
            "{sent}"
        );
        if let Some(members) = document.as_object_mut() {
            members.shift_remove("Limit");
        }
        if let Some(members) = read.as_object_mut() {
            members.shift_remove("Limit");
        }
        prop_assert_eq!(read, document);
        prop_assert_eq!(Ask::post(JSON, &sent).sent(&asks).unwrap(), sent);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-z0-9\"\\\\é]{0,4}".prop_map(Value::from),
        Just(json!(["limit", { "Limit": 7 }])),
        Just(Value::Null),
    ]
}
