//! The attempts that are one request each.

use http::Method;
use serde_json::json;

/// One way around.
pub(super) struct Attempt {
    /// Which of the forty; some are beside them.
    pub(super) number: Option<usize>,
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Vec<u8>,
    pub(super) status: u16,
    pub(super) reason: &'static str,
}

fn get(name: &'static str, path: &str, status: u16, reason: &'static str) -> Attempt {
    let (headers, body) = (Vec::new(), Vec::new());
    Attempt { number: None, name, method: Method::GET, path: path.to_owned(), headers, body, status, reason }
}

fn post(name: &'static str, path: &str, body: &str, status: u16, reason: &'static str) -> Attempt {
    let headers = vec![("content-type", "application/json")];
    Attempt {
        method: Method::POST,
        body: body.as_bytes().to_vec(),
        headers,
        ..get(name, path, status, reason)
    }
}

impl Attempt {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        self.headers.push((name, value));
        self
    }

    /// Which of the forty it is.
    fn of(mut self, number: usize) -> Self {
        self.number = Some(number);
        self
    }
}

const TOO_MANY: &str = "export-over-request-limit";
const TOO_MANY_TO_SEE: &str = "records-over-response-limit";
const UNKNOWN: &str = "count-unknown";
const NOT_THERE: &str = "route-not-found";

pub(super) fn attempts() -> Vec<Attempt> {
    let mut attempts = ways_to_encode();
    attempts.extend(ways_to_disguise());
    attempts.extend(ways_to_narrow());
    attempts.extend(ways_to_ask());
    attempts.extend(ways_to_spell());
    attempts
}

/// How it comes.
fn ways_to_encode() -> Vec<Attempt> {
    let mut attempts: Vec<_> = ["gzip", "deflate", "br", "zstd"]
        .into_iter()
        .map(|coding| {
            get("a coded body", &format!("/csv/{coding}"), 403, TOO_MANY)
                .with("accept-encoding", "gzip, deflate, br, zstd")
                .of(4)
        })
        .collect();
    attempts.extend([
        get("in parts: Range", "/csv/plain", 403, TOO_MANY).with("range", "bytes=0-999").of(1),
        get("in parts: a 206 that nobody asked for", "/csv/partial", 403, UNKNOWN).of(2),
        get("a coding that nobody knows", "/csv/unknown-coding", 403, UNKNOWN).of(4),
        get("two codings, one in the other", "/csv/twice", 403, UNKNOWN).of(4),
        get("UTF-16", "/csv/utf16", 403, TOO_MANY).of(12),
        get("semicolons", "/csv/semicolons", 403, TOO_MANY).of(13),
        get("tabs", "/csv/tabs", 403, TOO_MANY).of(13),
        get("line breaks in quotes", "/csv/quoted", 403, TOO_MANY).of(14),
        get("many pieces", "/csv/pieces", 403, TOO_MANY),
        get("a quote that never closes", "/csv/unclosed", 403, UNKNOWN).of(14),
        get("an error's status around it", "/csv/error", 403, TOO_MANY),
    ]);
    attempts
}

/// As what it comes.
fn ways_to_disguise() -> Vec<Attempt> {
    vec![
        get("a file where one only looks", "/screen/attachment", 403, UNKNOWN),
        get("text, shown inline", "/csv/inline", 403, TOO_MANY).of(7),
        get("a ZIP", "/zip/zip", 403, TOO_MANY).of(11),
        get("a ZIP where one only looks", "/screen/zip", 403, UNKNOWN).of(11),
        get("a ZIP that is said to be a page", "/screen/zip-as-page", 403, UNKNOWN).of(11),
        get("a ZIP on a route for CSV", "/csv/zip", 403, UNKNOWN).of(11),
        get("a packed file", "/packed/gz", 403, TOO_MANY).of(11),
        get("a packed file of one row", "/packed/gz-few", 200, "").of(11),
        get("a packed file of many members", "/packed/gz-members", 403, TOO_MANY).of(11),
        get("a packed file in a packed file", "/packed/gz-twice", 403, UNKNOWN).of(11),
        get("a packed file in a coded body", "/packed/gz-coded", 403, TOO_MANY)
            .with("accept-encoding", "gzip")
            .of(11),
        get("a packed file on a route for CSV", "/csv/gz", 403, UNKNOWN).of(11),
        get("a packed file where one only looks", "/screen/gz", 403, UNKNOWN).of(11),
        get("rows on a route for packed files", "/packed/plain", 403, UNKNOWN).of(11),
        get("a workbook", "/xlsx/xlsx", 403, TOO_MANY).of(10),
        get("a workbook on a route for CSV", "/csv/xlsx", 403, UNKNOWN).of(10),
        get("a PDF where one only looks", "/screen/pdf", 403, UNKNOWN),
        get("CSV in a text of JSON", "/in/text", 403, TOO_MANY).of(8),
        get("CSV in base64", "/in/base64", 403, TOO_MANY).of(9),
        get("the print view", "/print/all", 403, TOO_MANY).of(15),
        get("data for a script to make a file of", "/json/all", 403, TOO_MANY_TO_SEE).of(40),
        get("CSV where JSON was declared", "/json/csv", 403, UNKNOWN),
        get("events of the server where JSON was declared", "/json/events", 403, UNKNOWN)
            .with("accept", "text/event-stream")
            .of(27),
    ]
}

/// How much of it is asked for.
fn ways_to_narrow() -> Vec<Attempt> {
    vec![
        get("without a limit", "/finder?q=smith", 200, "").of(33),
        get("without its partner", "/finder?q=smith&length=600", 200, "").of(34),
        get("a negative limit", "/finder?q=smith&length=-1&start=0", 200, "").of(35),
        get("a huge limit", "/finder?q=smith&length=99999999999999999999&start=0", 200, "").of(36),
        get("two limits", "/finder?q=smith&length=10&length=600&start=0", 403, "page-size-rejected").of(38),
        get("a wildcard", "/finder?q=%25&length=600&start=0", 403, "search-too-wide").of(32),
        get("another wildcard", "/finder?q=*&length=600&start=0", 403, "search-too-wide").of(32),
        get("a query that was saved", "/finder?q=smith&saved=7", 403, TOO_MANY_TO_SEE).of(30),
        post("a query to be saved", "/queries", "{}", 404, NOT_THERE).of(30),
        get("many at once", "/r4/Patient?_count=100000", 200, "").of(36),
        post("a search that is posted", "/r4/Patient/_search", "_count=600", 200, "")
            .with("content-type", "application/x-www-form-urlencoded")
            .of(24),
        post(
            "a search that is posted, where none is declared",
            "/r4/Observation/_search",
            "",
            404,
            NOT_THERE,
        )
        .of(24),
    ]
}

/// What is asked for.
fn ways_to_ask() -> Vec<Attempt> {
    let batch = |url: &str| {
        json!({ "resourceType": "Bundle", "type": "batch",
                "entry": [{ "request": { "method": "GET", "url": url } }] })
        .to_string()
    };
    let graph = r#"{"query":"{rows{mrn}}"}"#;
    vec![
        post("mailed elsewhere", "/mail", r#"{"to":"me@elsewhere.example"}"#, 403, "destination-not-allowed")
            .of(28),
        get("reverse chaining", "/r4/Patient?_has:Observation:patient:code=1", 403, "join-not-allowed"),
        get("what else is included", "/r4/Patient?_revinclude=Observation:subject", 403, "join-not-allowed"),
        post("in a batch", "/r4", &batch("Patient?_has:Observation:patient:code=1"), 403, "join-not-allowed")
            .with("accept", "application/fhir+json")
            .of(23),
        post("what no route is for, in a batch", "/r4", &batch("Observation"), 404, NOT_THERE).of(23),
        post("GraphQL", "/graph", graph, 403, TOO_MANY_TO_SEE).of(25),
        post("GraphQL under another name", "/graph", r#"{"query":"{a:rows{mrn}}"}"#, 403, TOO_MANY_TO_SEE)
            .of(25),
        post(
            "a connection of GraphQL",
            "/connection",
            r#"{"query":"{rows{edges{node{mrn}}}}"}"#,
            403,
            TOO_MANY_TO_SEE,
        )
        .of(25),
        post(
            "60 of it, under another name",
            "/connection",
            r#"{"query":"{a:rows{edges{node{mrn}}}}"}"#,
            200,
            "",
        )
        .of(25),
        post(
            "60 of it, twice",
            "/connection",
            r#"{"query":"{a:rows{edges{node{mrn}}} b:rows{edges{node{mrn}}}}"}"#,
            403,
            TOO_MANY_TO_SEE,
        )
        .of(25),
        post("GraphQL that nobody has declared", "/graphql", graph, 404, NOT_THERE).of(25),
        get("a file on the server, from another address", "/files/export.csv", 404, NOT_THERE).of(29),
        post("a file to be kept on the server", "/csv/plain?onserver=1", "{}", 404, NOT_THERE).of(29),
        post("a definition of a report", "/reports/definitions", "{}", 404, NOT_THERE).of(39),
        get("events of the server", "/stream", 404, NOT_THERE).with("accept", "text/event-stream").of(27),
        get("an attachment that lies elsewhere", "/r4/DocumentReference", 502, "leads-elsewhere").of(22),
        get("an attachment", "/r4/Binary/plain", 403, UNKNOWN).of(22),
        get("an attachment at an address of its own", "/attachments/7", 404, NOT_THERE).of(22),
        get("another method by header", "/csv/plain", 403, TOO_MANY).with("x-http-method-override", "GET"),
        get("a format by header", "/json/all", 403, TOO_MANY_TO_SEE).with("accept", "text/csv"),
        get("a format over the header", "/json/as?_format=csv", 403, UNKNOWN).of(6),
        get("XML in place of JSON", "/json/as?accept=xml", 403, UNKNOWN).of(6),
        get("XML in place of FHIR's JSON", "/r4/Patient?_format=xml", 403, UNKNOWN).of(6),
        get("a format that is not allowed", "/formats?_format=csv", 403, "format-not-allowed").of(6),
    ]
}

/// How it is spelled.
fn ways_to_spell() -> Vec<Attempt> {
    vec![
        get("two slashes", "//csv/plain", 400, "path-rejected").of(37),
        get("a slash in code", "/csv%2fplain", 400, "path-rejected").of(37),
        get("dots", "/screen/../csv/plain", 400, "path-rejected").of(37),
        get("dots in code", "/screen/%2e%2e/csv/plain", 400, "path-rejected").of(37),
        get("dots and a semicolon", "/screen/..;/csv/plain", 400, "path-rejected").of(37),
        get("a backslash", "/screen/..%5ccsv/plain", 400, "path-rejected").of(37),
        get("a style sheet's name", "/finder/x.css?q=smith", 404, NOT_THERE).of(37),
        get("a dot at the end", "/finder.?q=smith", 400, "path-rejected").of(37),
        get("a NUL", "/csv/plain%00.css", 400, "path-rejected").of(37),
    ]
}
