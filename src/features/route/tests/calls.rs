//! What a request calls by name: JSON-RPC, XML-RPC, GraphQL.

use http::Method;
use proptest::prelude::*;

use super::*;
use crate::features::route::call::{
    CALLS_MAX, Call, OPERATION, OPERATION_NAME, PERSISTED, ROOT_FIELD, RPC_METHOD,
};
use crate::features::route::graphql;
use crate::features::route::settings::OperationKind;
use crate::features::route::xml_rpc;

const ALL: BodyNeeds = BodyNeeds { form: true, json: true, rpc: true, graphql: true };

fn by_calls(name: &str, calls: Vec<Condition>) -> RouteSettings {
    let mut route = route(name, &[], "/do");
    route.matching.calls = calls;
    route
}

fn one_of(key: &str, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Condition { key: key.to_owned(), test: Test::OneOf(values) }
}

fn rpc() -> RouteTable {
    table(vec![
        by_calls("other", vec![]),
        by_calls("view", vec![one_of(RPC_METHOD, &["read", "search_read"])]),
        by_calls("export", vec![one_of(RPC_METHOD, &["export_data"])]),
    ])
}

fn graph() -> RouteTable {
    table(vec![
        by_calls("other", vec![]),
        by_calls("view", vec![one_of(OPERATION, &["query"]), one_of(ROOT_FIELD, &["patient", "me"])]),
        by_calls("export", vec![one_of(OPERATION, &["query"]), one_of(ROOT_FIELD, &["exportPatients"])]),
        by_calls("change", vec![one_of(OPERATION, &["mutation"])]),
    ])
}

/// What the table says of a request as it came: its route, or how it ended.
pub(super) fn whole(
    table: &RouteTable,
    method: &Method,
    target: &str,
    media_type: &str,
    bytes: &[u8],
) -> String {
    let mut headers = HeaderMap::new();
    if !media_type.is_empty() {
        headers.insert("content-type", HeaderValue::from_str(media_type).unwrap());
    }
    whole_with(table, method, target, &headers, bytes)
}

pub(super) fn whole_with(
    table: &RouteTable,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    bytes: &[u8],
) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let spans = spans(path);
    let segments = Segments::new(path, &spans);
    let query = Fields::parse(query.as_bytes()).unwrap();
    let view = RequestView {
        path: PathView { matched: segments, decoded: segments },
        method,
        query: &query,
        headers,
    };
    let application = table.application("ehr.example", segments).unwrap();
    let (recognized, _) = table.recognize_whole(application, &view, bytes, LIMITS);
    let Recognized::Route(matched) = &recognized else { return format!("{recognized:?}") };
    matched.route.name.to_string()
}

fn posted(table: &RouteTable, media_type: &str, text: &str) -> String {
    whole(table, &Method::POST, "/do", media_type, text.as_bytes())
}

#[test]
fn a_remote_procedure_call_is_told_by_its_method() {
    let table = rpc();
    let json = |text| posted(&table, "application/json", text);
    assert_eq!(json(r#"{"jsonrpc":"2.0","method":"export_data","params":[1],"id":1}"#), "export");
    assert_eq!(json(r#"{"method":"\u0065xport_data"}"#), "export");
    assert_eq!(json(r#"{"METHOD":"export_data"}"#), "export");
    assert_eq!(json(r#"{"method":"write"}"#), "other");
    assert_eq!(json(r#"{"params":{"method":"export_data"}}"#), "other");
    assert_eq!(posted(&table, "application/json-rpc", r#"{"method":"read"}"#), "view");
    let xml = |name: &str| {
        format!("<?xml version=\"1.0\"?>\n<methodCall><methodName>{name}</methodName></methodCall>")
    };
    assert_eq!(posted(&table, "text/xml", &xml("export_data")), "export");
    assert_eq!(posted(&table, "application/xml; charset=utf-8", &xml("read")), "view");
    assert_eq!(posted(&table, "text/xml", &xml("write")), "other");
}

#[test]
fn all_calls_of_a_batch_are_one_route_or_none() {
    let table = rpc();
    let json = |text| posted(&table, "application/json", text);
    assert_eq!(json(r#"[{"method":"read"},{"method":"search_read"}]"#), "view");
    assert_eq!(json(r#"[{"method":"read"},{"method":"export_data"}]"#), "Mixed");
    assert_eq!(
        json(r#"[{"method":"read"},{"method":"write"}]"#),
        "Mixed",
        "the one that is not listed counts"
    );
    assert_eq!(json(r#"[{"method":"read"},{"result":1}]"#), "Mixed");
    for refused in [
        "[]",
        "7",
        r#"[[{"method":"read"}]]"#,
        r#"[{"method":"read"},1]"#,
        r#"{"method":["read"]}"#,
        r#"{"method":""}"#,
        r#"{"method":" read"}"#,
        r#"{"method":"system.multicall","params":[[{"methodName":"export_data"}]]}"#,
    ] {
        assert_eq!(json(refused), "BodyUnreadable(Calls)", "{refused}");
    }
    let many: Vec<String> = (0..=CALLS_MAX).map(|number| format!("{{\"method\":\"m{number}\"}}")).collect();
    assert_eq!(json(&format!("[{}]", many.join(","))), "BodyUnreadable(Calls)");
}

#[test]
fn xml_that_two_readers_would_read_differently_is_refused() {
    let call = |name: &str| format!("<methodCall><methodName>{name}</methodName></methodCall>");
    let params = |text: &str| {
        format!(
            "<methodCall><methodName>read</methodName><params><param>{text}</param></params></methodCall>"
        )
    };
    for (name, text) in [
        ("a document type", format!("<!DOCTYPE methodCall [<!ENTITY e \"export_data\">]>{}", call("&e;"))),
        ("a document type without entities", format!("<!DOCTYPE methodCall>{}", call("read"))),
        ("an external entity", format!("<!DOCTYPE m SYSTEM \"file:///etc/passwd\">{}", call("read"))),
        ("an unknown entity", params("&e;")),
        ("a reference in the name", call("re&#97;d")),
        ("a comment in the name", call("re<!-- -->ad")),
        ("a comment", format!("<!-- -->{}", call("read"))),
        ("a processing instruction", format!("<?x y?>{}", call("read"))),
        ("CDATA in the name", call("<![CDATA[read]]>")),
        ("an element in the name", call("<b>read</b>")),
        ("a blank in the name", call(" read ")),
        ("no name", "<methodCall></methodCall>".to_owned()),
        ("an empty name", call("")),
        (
            "two names",
            "<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>".to_owned(),
        ),
        (
            "a name after the parameters",
            "<methodCall><params/><methodName>a</methodName></methodCall>".to_owned(),
        ),
        ("a name in the parameters", params("<methodName>export_data</methodName>")),
        ("a prefix", "<x:methodCall><x:methodName>read</x:methodName></x:methodCall>".to_owned()),
        (
            "a name in the declaration",
            format!("<?xml version=\"1.0\" x=\"<methodName>a</methodName>\"?>{}", call("read")),
        ),
        ("a control character", format!("<?xml version=\"1.0\" \u{1a}?>{}", call("read"))),
        ("a namespace", "<methodCall xmlns=\"x\"><methodName>read</methodName></methodCall>".to_owned()),
        ("two documents", format!("{}{}", call("read"), call("read"))),
        ("text after it", format!("{}x", call("read"))),
        ("an end that is missing", "<methodCall><methodName>read</methodName>".to_owned()),
        ("ends that cross", "<methodCall><methodName>read</methodCall></methodName>".to_owned()),
        ("a byte order mark", format!("\u{feff}{}", call("read"))),
        ("UTF-16 by its own word", format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>{}", call("read"))),
        ("UTF-7 by its own word", format!("<?xml version=\"1.0\" encoding=\"utf-7\"?>{}", call("read"))),
        ("XML 1.1", format!("<?xml version=\"1.1\"?>{}", call("read"))),
        ("a declaration that is not first", format!(" <?xml version=\"1.0\"?>{}", call("read"))),
        ("too deep", params(&("<a>".repeat(64) + &"</a>".repeat(64)))),
        ("calls within a call", call("system.multicall")),
    ] {
        assert_eq!(xml_rpc::method(text.as_bytes()), None, "{name}");
    }
    let read = Some(Call::Method("read".to_owned()));
    assert_eq!(xml_rpc::method(call("read").as_bytes()), read);
    assert_eq!(xml_rpc::method(params("<value>a &amp; b &#x41;<![CDATA[<x>]]></value>").as_bytes()), read);
    let wide: Vec<u8> = call("read").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(xml_rpc::method(&wide), None);
}

#[test]
fn a_graphql_request_is_told_by_its_root_fields() {
    let table = graph();
    let asked = |query: &str| {
        let text = serde_json::json!({ "query": query }).to_string();
        posted(&table, "application/json", &text)
    };
    for (query, expected) in [
        ("{ patient(id: 7) { name } }", "view"),
        ("query Q { me: patient { name } me { name } }", "view"),
        ("{ patient: exportPatients { csv } }", "export"),
        ("query { ...f } fragment f on Query { exportPatients { csv } }", "export"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a patient { x } }", "view"),
        ("{ ... on Query { ... { exportPatients } } }", "export"),
        ("{ patient { exportPatients } }", "view"),
        ("{ patient exportPatients }", "Mixed"),
        ("{ patient unheardOf }", "Mixed"),
        ("{ patient @skip(if: true) exportPatients @skip(if: true) }", "Mixed"),
        ("{ __typename patient }", "view"),
        ("{ __typename }", "other"),
        ("{ __schema { types { name } } }", "other"),
        ("mutation { patient }", "change"),
        ("query A { patient } query B { me }", "view"),
        ("query A { patient } query B { exportPatients }", "Mixed"),
        ("# exportPatients\n{ patient(note: \"\"\"} exportPatients {\"\"\") { name } }", "view"),
        ("{ # }\n exportPatients\n}", "export"),
        ("{ patient,, ,exportPatients }", "Mixed"),
    ] {
        assert_eq!(asked(query), expected, "{query}");
    }
}

#[test]
fn a_graphql_request_that_servers_would_read_differently_is_refused() {
    let table = graph();
    let deep = format!("{}{}", "{ a ".repeat(70), "}".repeat(70));
    let deep_list = format!("{{ a(x: {}{}) }}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_type = format!("query ($x: {}Int{}) {{ a }}", "[".repeat(5_000), "]".repeat(5_000));
    for (name, query) in [
        ("no braces", "patient"),
        ("open", "{ patient"),
        ("nothing asked", "{ }"),
        ("a schema", "type Query { patient: Int }"),
        ("a schema beside it", "{ patient } type Query { patient: Int }"),
        ("a fragment that is not there", "{ ...f }"),
        ("two fragments of one name", "{ ...f } fragment f on Q { me } fragment f on Q { exportPatients }"),
        ("two operations of one name", "query A { me } query A { exportPatients }"),
        ("an operation without a name beside another", "{ me } query A { patient }"),
        ("a byte order mark", "\u{feff}{ me }"),
        ("a NUL", "{ me }\0"),
        ("selections too deep", &deep),
        ("lists too deep", &deep_list),
        ("types too deep", &deep_type),
    ] {
        let text = serde_json::json!({ "query": query }).to_string();
        let expected = if name == "a NUL" { "BodyUnreadable(Json)" } else { "BodyUnreadable(Graphql)" };
        assert_eq!(posted(&table, "application/json", &text), expected, "{name}");
    }
    for text in [
        r#"{"query":["{ me }"]}"#,
        r#"{"query":"{ me }","operationName":"B"}"#,
        r#"{"query":"{ me }","documentId":"x"}"#,
    ] {
        assert_eq!(posted(&table, "application/json", text), "BodyUnreadable(Graphql)", "{text}");
    }
}

#[test]
fn graphql_is_asked_in_the_query_of_a_get_and_in_forms_too() {
    let table = graph();
    let get = |target| whole(&table, &Method::GET, target, "", b"");
    assert_eq!(get("/do?query=%7BexportPatients%7D"), "export");
    assert_eq!(get("/do?query={me}&variables={}"), "view");
    assert_eq!(get("/do?query={me}&query={exportPatients}"), "BodyUnreadable(Graphql)");
    assert_eq!(get("/do"), "other");
    assert_eq!(get("/do?extensions={\"persistedQuery\":{}}"), "BodyUnreadable(Persisted)");
    let body = r#"{"query":"{me}"}"#;
    let both =
        whole(&table, &Method::POST, "/do?query={exportPatients}", "application/json", body.as_bytes());
    assert_eq!(both, "BodyUnreadable(Graphql)");
    let named = whole(&table, &Method::POST, "/do?operationName=Q", "application/json", body.as_bytes());
    assert_eq!(named, "view", "a name alone asks for nothing");
    assert_eq!(posted(&table, "application/graphql", "{ exportPatients }"), "export");
    assert_eq!(posted(&table, "application/x-www-form-urlencoded", "query={exportPatients}"), "export");
    let upload = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n\
        {\"query\":\"{ exportPatients }\"}\r\n--b--";
    assert_eq!(posted(&table, BOUNDARY, upload), "export");
    assert_eq!(posted(&table, "text/plain", "{ me }"), "BodyUnreadable(MediaType)");
}

#[test]
fn a_persisted_query_is_refused_unless_a_route_is_for_it() {
    let text = r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#;
    for named in [text, r#"{"id":"7"}"#, r#"{"query":null,"variables":{}}"#, r#"{"query":""}"#] {
        assert_eq!(posted(&graph(), "application/json", named), "BodyUnreadable(Persisted)", "{named}");
    }
    let persisted = Condition { key: PERSISTED.to_owned(), test: Test::Present };
    let with = table(vec![
        by_calls("other", vec![]),
        by_calls("view", vec![one_of(ROOT_FIELD, &["me"])]),
        by_calls("kept", vec![persisted]),
    ]);
    assert_eq!(posted(&with, "application/json", text), "kept");
    assert_eq!(posted(&with, "application/json", &format!("[{text},{text}]")), "kept");
    assert_eq!(posted(&with, "application/json", &format!("[{text},{{\"query\":\"{{me}}\"}}]")), "Mixed");
    assert_eq!(posted(&with, "application/json", r#"{"query":"{ me }"}"#), "view");
}

#[test]
fn routes_told_by_calls_tie_when_one_call_can_be_both() {
    let field = |name, fields: &[&str]| by_calls(name, vec![one_of(ROOT_FIELD, fields)]);
    let named = |name, names: &[&str]| by_calls(name, vec![one_of(OPERATION_NAME, names)]);
    let persisted = by_calls("b", vec![Condition { key: PERSISTED.to_owned(), test: Test::Present }]);
    let method = by_calls("b", vec![one_of(RPC_METHOD, &["x"])]);
    let mut form = by_calls("b", vec![]);
    form.matching.form = vec![present("f")];
    for (name, a, b, ties) in [
        ("other fields", field("a", &["x"]), field("b", &["y"]), false),
        ("a field in common", field("a", &["x", "z"]), field("b", &["y", "z"]), true),
        ("a field and a name", field("a", &["x"]), named("b", &["y"]), true),
        ("a field and a persisted query", field("a", &["x"]), persisted, false),
        ("a field and a method", field("a", &["x"]), method.clone(), false),
        ("a method and a form", method, RouteSettings { name: "a".parse().unwrap(), ..form.clone() }, false),
        ("GraphQL, which may be a form", field("a", &["x"]), form, true),
    ] {
        let built = RouteTable::build(&[application("ehr", "/", vec![a, b])]);
        assert_eq!(built.is_err(), ties, "{name}");
    }
}

#[test]
fn a_route_further_up_that_is_told_by_another_kind_of_body_is_asked_again() {
    let mut wide = by_calls("wide", vec![one_of(ROOT_FIELD, &["me"])]);
    wide.matching.path = "/**".parse().unwrap();
    let mut rest = by_calls("rest", vec![]);
    rest.matching.path = "/**".parse().unwrap();
    let mut near = by_calls("near", vec![one_of(RPC_METHOD, &["read"])]);
    near.matching.methods = vec![Method::POST];
    let table = table(vec![near, wide, rest]);
    assert_eq!(posted(&table, "application/json", r#"{"method":"read"}"#), "near");
    assert_eq!(posted(&table, "application/json", r#"{"query":"{ me }"}"#), "wide");
    assert_eq!(posted(&table, "application/json", r#"{"method":"write"}"#), "rest");
}

fn roots_of(text: &str) -> Option<Vec<Call>> {
    let mut calls = crate::features::route::call::Calls::default();
    graphql::add_text(text.as_bytes(), &mut calls).ok().map(|()| calls.into_vec())
}

proptest! {
    #[test]
    fn a_root_field_is_the_same_behind_any_alias_or_fragment(
        field in "[a-z]{1,8}", alias in "[a-z]{1,8}", fragment in "[A-Z]{1,8}", nested in 0_usize..20,
    ) {
        let expected = vec![Call::Root { operation: OperationKind::Query, name: None, field: field.clone() }];
        let inner = format!("{}{alias}: {field}{}", "... on Q {".repeat(nested), "}".repeat(nested));
        prop_assert_eq!(roots_of(&format!("{{ {inner} }}")), Some(expected.clone()));
        let spread = format!("fragment {fragment} on Q {{ {inner} }} query {{ ...{fragment} }}");
        prop_assert_eq!(roots_of(&spread), Some(expected));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(text in "[{}()\\[\\]:,.$@!# \\n\"a-z]{0,200}") {
        for call in roots_of(&text).unwrap_or_default() {
            let stands_there = matches!(&call, Call::Root { field, .. } if text.contains(field.as_str()));
            prop_assert!(stands_there);
        }
    }

    #[test]
    fn the_method_of_an_xml_call_is_the_text_that_stands_there(
        name in "[a-zA-Z0-9_.:/-]{1,20}", value in "[ a-z\u{e4}]{0,20}",
    ) {
        prop_assume!(!name.eq_ignore_ascii_case("system.multicall"));
        let text = format!(
            "<methodCall><methodName>{name}</methodName><params><param><value>{value}</value></param></params></methodCall>"
        );
        prop_assert_eq!(xml_rpc::method(text.as_bytes()), Some(Call::Method(name)));
    }

    #[test]
    fn any_bytes_are_an_xml_call_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(xml_rpc::method(&bytes).is_none());
    }
}

#[test]
fn everything_at_once_is_asked_for_where_everything_is_told_apart() {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let body = read_with(&headers, br#"{"method":"read","query":"{ me }"}"#, ALL).unwrap();
    assert_eq!(body.calls().len(), 2, "what could be either is both");
}
