//! One table of hostile requests: each is refused, or is the route that it would be to any reader.

use http::Method;

use super::calls::{whole, whole_with};
use super::*;
use crate::features::route::call::RPC_METHOD;

/// An application in which one body in many is an export, by form, by JSON and by method.
fn ehr() -> RouteTable {
    let at = |name: &str, path: &str| RouteSettings {
        action: if name.ends_with(".export") { Action::Export } else { Action::View },
        ..route(name, &[Method::POST], path)
    };
    let mut by_form = at("form.export", "/form");
    by_form.matching.form = vec![equals("export", "csv")];
    let mut by_json = at("json.export", "/json");
    by_json.matching.json = vec![equals("/report/format", "csv")];
    let mut by_method = at("rpc.export", "/rpc");
    by_method.matching.calls =
        vec![Condition { key: RPC_METHOD.to_owned(), test: Test::OneOf(vec!["export".to_owned()]) }];
    let mut either_form = at("either.form", "/either");
    either_form.matching.form = vec![equals("export", "csv")];
    let mut either_json = at("either.json", "/either");
    either_json.matching.json = vec![equals("/export", "csv")];
    let plain = ["/form", "/json", "/rpc", "/either"]
        .map(|path| at(&format!("plain{}", path.replace('/', ".")), path));
    let mut settings = application(
        "ehr",
        "/",
        plain
            .into_iter()
            .chain([by_form, by_json, by_method, either_form, either_json])
            .chain([at("stream", "/stream")])
            .collect(),
    );
    settings.quirks = vec![Quirk::MethodOverride];
    RouteTable::build(&[settings]).unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn hostile_bodies_are_refused_or_are_what_they_are_to_any_reader() {
    struct Case(&'static str, &'static str, &'static str, &'static [u8], &'static str);
    let unreadable = ["MediaType", "Charset", "Json", "Lookalike", "Calls", "Xml", "Multipart"];
    let cases = [
        // name, target, media type, body, what becomes of it
        Case("plain", "/form", FORM, b"export=csv", "form.export"),
        Case("first of two", "/form", FORM, b"export=csv&export=html", "form.export"),
        Case("last of two", "/form", FORM, b"export=html&export=csv", "form.export"),
        Case("an array", "/form", FORM, b"export[]=csv", "form.export"),
        Case("an encoded array", "/form", FORM, b"export%5B%5D=csv", "form.export"),
        Case("an array with a key", "/form", FORM, b"export[0]=csv", "form.export"),
        Case("semicolons", "/form", FORM, b"a=1;export=csv", "form.export"),
        Case("a semicolon in front", "/form", FORM, b";export=csv", "form.export"),
        Case("an encoded name", "/form", FORM, b"%65xport=%63sv", "form.export"),
        Case("a plus in front", "/form", FORM, b"+export=csv", "form.export"),
        Case("a bare key", "/form", FORM, b"export", "plain.form"),
        Case("a doubly encoded name", "/form", FORM, b"%2565xport=csv", "plain.form"),
        Case("a broken escape", "/form", FORM, b"export=%6", "Fields(Escape)"),
        Case("%u", "/form", FORM, b"%u0065xport=csv", "Fields(Escape)"),
        Case("a NUL in the name", "/form", FORM, b"export%00=csv", "Fields(Control)"),
        Case("a NUL in the value", "/form", FORM, b"export=csv%00", "Fields(Control)"),
        Case("an overlong name", "/form", FORM, b"%c1%a5xport=csv", "Fields(Overlong)"),
        Case("no media type", "/form", "", b"export=csv", "MediaType"),
        Case("another media type", "/form", "text/plain", b"export=csv", "MediaType"),
        Case("JSON at a form", "/form", JSON, b"{\"export\":\"csv\"}", "MediaType"),
        Case(
            "UTF-16 by parameter",
            "/form",
            "application/x-www-form-urlencoded; charset=utf-16",
            b"a=1",
            "Charset",
        ),
        Case(
            "EBCDIC by parameter",
            "/form",
            "application/x-www-form-urlencoded; charset=ibm037",
            b"a=1",
            "Charset",
        ),
        Case(
            "a blank before the parameter's `=`",
            "/form",
            "application/x-www-form-urlencoded; charset =utf-16",
            b"a=1",
            "MediaType",
        ),
        Case(
            "a charset twice",
            "/form",
            "application/x-www-form-urlencoded; charset=utf-8; charset=utf-16",
            b"a=1",
            "MediaType",
        ),
        Case(
            "an escape within quotes",
            "/form",
            "application/x-www-form-urlencoded; charset=\"utf\\-16\"",
            b"a=1",
            "MediaType",
        ),
        Case(
            "capitals in the media type",
            "/form",
            "Application/X-WWW-Form-URLEncoded",
            b"export=csv",
            "form.export",
        ),
        Case(
            "a multipart name with an escape",
            "/form",
            BOUNDARY,
            b"--b\r\nContent-Disposition: form-data; name=\"a\\\"; name=\"export\"\r\n\r\ncsv\r\n--b--",
            "Multipart",
        ),
        Case("_method in a form", "/form", FORM, b"export=csv&_method=DELETE", "MethodOverride"),
        Case("_method in capitals", "/form", FORM, b"_METHOD=DELETE", "MethodOverride"),
        Case("_method in an array", "/form", FORM, b"_method[]=DELETE", "MethodOverride"),
        Case(
            "_method where no route depends on the body",
            "/stream",
            FORM,
            b"_method=DELETE",
            "MethodOverride",
        ),
        Case(
            "_method in multipart, likewise",
            "/stream",
            BOUNDARY,
            b"--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n--b--",
            "MethodOverride",
        ),
        Case(
            "a form that cannot be read, likewise",
            "/stream",
            FORM,
            b"_method%00=DELETE",
            "Fields(Control)",
        ),
        Case(
            "an unclear media type, likewise",
            "/stream",
            "application/x-www-form-urlencoded, text/plain",
            b"_method=DELETE",
            "MediaType",
        ),
        Case("no form, likewise", "/stream", JSON, b"not even JSON", "stream"),
        Case("_method in the query", "/stream?_method=DELETE", JSON, b"{}", "MethodOverride"),
        Case("_method in JSON", "/json", JSON, b"{\"_method\":\"DELETE\"}", "MethodOverride"),
        Case("plain", "/json", JSON, b"{\"report\":{\"format\":\"csv\"}}", "json.export"),
        Case(
            "escapes in keys",
            "/json",
            JSON,
            b"{\"\\u0072eport\":{\"f\\u006frmat\":\"\\u0063sv\"}}",
            "json.export",
        ),
        Case("capitals in keys", "/json", JSON, b"{\"Report\":{\"FORMAT\":\"csv\"}}", "json.export"),
        Case(
            "in an array",
            "/json",
            JSON,
            b"[{\"report\":[{\"format\":\"html\"},{\"format\":\"csv\"}]}]",
            "json.export",
        ),
        Case(
            "a duplicate key",
            "/json",
            JSON,
            b"{\"report\":{\"format\":\"html\"},\"report\":{\"format\":\"csv\"}}",
            "Json",
        ),
        Case(
            "a duplicate key by escape",
            "/json",
            JSON,
            b"{\"report\":{},\"\\u0072eport\":{\"format\":\"csv\"}}",
            "Json",
        ),
        Case(
            "a duplicate key by letter case",
            "/json",
            JSON,
            b"{\"report\":{},\"REPORT\":{\"format\":\"csv\"}}",
            "Json",
        ),
        Case("a byte order mark", "/json", JSON, b"\xef\xbb\xbf{\"report\":{\"format\":\"csv\"}}", "Json"),
        Case("UTF-16, little end first", "/json", JSON, b"\xff\xfe{\0}\0", "Json"),
        Case("UTF-16, big end first", "/json", JSON, b"\xfe\xff\0{\0}", "Json"),
        Case("UTF-16 without a mark", "/json", JSON, b"{\0}\0", "Json"),
        Case("UTF-32", "/json", JSON, b"\0\0\xfe\xff\0\0\0{\0\0\0}", "Json"),
        Case("a comment", "/json", JSON, b"{/*\"report\":{}}*/\"report\":{\"format\":\"csv\"}}", "Json"),
        Case("single quotes", "/json", JSON, b"{'report':{'format':'csv'}}", "Json"),
        Case("a trailing comma", "/json", JSON, b"{\"report\":{\"format\":\"csv\",}}", "Json"),
        Case("two documents", "/json", JSON, b"{}{\"report\":{\"format\":\"csv\"}}", "Json"),
        Case("NaN", "/json", JSON, b"{\"a\":NaN}", "Json"),
        Case("half a surrogate pair", "/json", JSON, b"{\"a\":\"\\ud800\"}", "Json"),
        Case("UTF-16 by parameter", "/json", "application/json; charset=utf-16", b"{}", "Charset"),
        Case("UTF-7 in quotes", "/json", "application/json; charset=\"UTF-7\"", b"{}", "Charset"),
        Case("JSON as text", "/json", "text/plain", b"{\"report\":{\"format\":\"csv\"}}", "MediaType"),
        Case("JSON as a form", "/json", FORM, b"{\"report\":{\"format\":\"csv\"}}", "Lookalike"),
        Case("two media types", "/json", "application/json, text/plain", b"{}", "MediaType"),
        Case(
            "JSON as a form where both are told apart",
            "/either",
            FORM,
            b"{\"export\":\"csv\"}",
            "Lookalike",
        ),
        Case("a form where both are told apart", "/either", FORM, b"export=csv", "either.form"),
        Case("JSON where both are told apart", "/either", JSON, b"{\"export\":\"csv\"}", "either.json"),
        Case("a batch", "/rpc", JSON, b"[{\"method\":\"read\"},{\"method\":\"export\"}]", "Mixed"),
        Case("a call in a call", "/rpc", JSON, b"{\"method\":\"system.multicall\"}", "Calls"),
        Case(
            "XML with a document type",
            "/rpc",
            "text/xml",
            b"<!DOCTYPE a [<!ENTITY e \"export\">]><methodCall><methodName>&e;</methodName></methodCall>",
            "Xml",
        ),
        Case(
            "XML as JSON",
            "/rpc",
            JSON,
            b"<methodCall><methodName>export</methodName></methodCall>",
            "Json",
        ),
        Case("JSON as XML", "/rpc", "text/xml", b"{\"method\":\"export\"}", "Xml"),
        Case("a form", "/rpc", FORM, b"method=export", "MediaType"),
    ];
    let table = ehr();
    for Case(name, target, media_type, body, expected) in cases {
        let expected = if unreadable.contains(&expected) || expected.starts_with("Fields") {
            format!("BodyUnreadable({expected})")
        } else {
            expected.to_owned()
        };
        assert_eq!(whole(&table, &Method::POST, target, media_type, body), expected, "{name}: {target}");
    }
}

#[test]
fn a_header_that_comes_twice_is_no_media_type() {
    let mut headers = HeaderMap::new();
    headers.append("content-type", HeaderValue::from_static(JSON));
    headers.append("content-type", HeaderValue::from_static("text/plain"));
    let told = whole_with(&ehr(), &Method::POST, "/json", &headers, b"{}");
    assert_eq!(told, "BodyUnreadable(MediaType)");
}

#[test]
fn nesting_beyond_the_bound_is_refused_and_never_overflows() {
    for depth in [65, 10_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let told = whole(&ehr(), &Method::POST, "/json", JSON, text.as_bytes());
            assert_eq!(told, "BodyUnreadable(Json)", "{depth} {open}");
        }
    }
}
