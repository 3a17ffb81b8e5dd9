//! Routes out of what was observed.

use crate::domain::count::Count;
use crate::domain::event::{Closing, EventKind, EventObserved, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::route::learn::Learning;
use crate::features::route::pattern::PathPattern;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::RequestId;

struct Came<'a> {
    method: &'static str,
    path: &'a str,
    keys: &'a [&'a str],
    media_type: &'a str,
    attachment: bool,
    records: Count,
    at: Option<&'a str>,
    bundle: bool,
    status: u16,
}

impl Default for Came<'_> {
    fn default() -> Self {
        let (method, path, media_type) = ("GET", "/", "text/html");
        Self {
            method,
            path,
            keys: &[],
            media_type,
            attachment: false,
            records: Count::NotCounted,
            at: None,
            bundle: false,
            status: 200,
        }
    }
}

fn learned(came: &[Came<'_>]) -> String {
    let mut learning = Learning::of("ehr".parse().unwrap());
    for (number, came) in (0..).zip(came) {
        let now = Timestamp::from_seconds(number);
        let event = RequestId::new(now, &SeededEntropy::new(7));
        let opening = Opening {
            application: Some("ehr".parse().unwrap()),
            method: Some(came.method.into()),
            path: Some(came.path.into()),
            query_keys: came.keys.iter().map(ToString::to_string).collect(),
            verdict: Verdict::Permit,
            reasons: vec![Reason::UnmatchedObserved],
            ..Opening::begin(event, EventKind::Request, now)
        };
        let observed = EventObserved {
            media_type: Some(came.media_type.to_owned()).filter(|it| !it.is_empty()),
            attachment: came.attachment,
            records_at: came.at.map(str::to_owned),
            bundle: came.bundle,
        };
        let closing = Closing {
            status: Some(came.status),
            records: came.records,
            observed: Some(Box::new(observed)),
            ..Closing::of(event, now, Outcome::Completed)
        };
        learning.add(&opening, Some(&closing));
    }
    learning.propose()
}

fn patterns(proposal: &str) -> Vec<String> {
    let parsed: toml::Table = proposal.parse().unwrap();
    let routes = parsed["application"]["ehr"]["route"].as_array().unwrap();
    let of = |route: &toml::Value| route["match"]["path"].as_str().unwrap().to_owned();
    routes.iter().map(of).collect()
}

#[test]
fn what_varies_becomes_a_capture_and_files_are_candidates() {
    let proposal = learned(&[
        Came { path: "/", ..Came::default() },
        Came { path: "/patients/100001/chart", ..Came::default() },
        Came { path: "/patients/100002/chart", ..Came::default() },
        Came { path: "/orders/5f0c2d1e-8f0a-4a6e-9d5c-1b2a3c4d5e6f", method: "PUT", ..Came::default() },
        Came {
            path: "/report",
            keys: &["pageSize", "4711", "Rosa Ruiz"],
            media_type: "application/json",
            records: Count::Exactly(900),
            ..Came::default()
        },
        Came { path: "/download", media_type: "text/csv", attachment: true, ..Came::default() },
        Came { path: "/download", method: "POST", media_type: "application/zip", ..Came::default() },
        Came { path: "/gone", status: 404, ..Came::default() },
    ]);
    insta::assert_snapshot!(proposal, @r#"
    # Routes of `ehr` as 7 requests were observed that none matched, 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:07.000Z.
    # Names, actions and what is counted are guesses: read each before it counts. No role may use the category
    # `to-be-sorted`: write what kind of data it is instead.
    # 1 requests more were answered by an error, and make no route.

    # 1 request of 0 people, at most 0 bytes; text/html
    [[application."ehr".route]]
    name = "home"
    match = { method = ["GET"], path = "/" }
    action = "view"
    category = ["to-be-sorted"]

    # 1 request of 0 people, at most 0 bytes; text/csv
    # Candidate export: an attachment, type text/csv
    [[application."ehr".route]]
    name = "download"
    match = { method = ["GET"], path = "/download" }
    action = "export"
    category = ["to-be-sorted"]
    reply = { kind = "csv" }

    # 1 request of 0 people, at most 0 bytes; application/zip
    # Candidate export: type application/zip
    [[application."ehr".route]]
    name = "download.post"
    match = { method = ["POST"], path = "/download" }
    action = "export"
    category = ["to-be-sorted"]
    reply = { kind = "opaque" }

    # 1 request of 0 people, at most 0 bytes; text/html
    [[application."ehr".route]]
    name = "orders.id"
    match = { method = ["PUT"], path = "/orders/{id}" }
    action = "update"
    category = ["to-be-sorted"]

    # 2 requests of 0 people, at most 0 bytes; text/html
    [[application."ehr".route]]
    name = "patients.patient.chart"
    match = { method = ["GET"], path = "/patients/{patient}/chart" }
    action = "view"
    category = ["to-be-sorted"]

    # 1 request of 0 people, at most 0 bytes; application/json; parameters pageSize
    # Candidate export: 900 records in one reply, parameter `pageSize`
    [[application."ehr".route]]
    name = "report"
    match = { method = ["GET"], path = "/report" }
    action = "list"
    category = ["to-be-sorted"]
    reply = { kind = "json" }
    "#);
}

#[test]
fn many_neighbors_are_one_place_that_varies() {
    let names: Vec<String> = (0..30_u8)
        .map(|number| {
            format!("/people/{}{}", char::from(b'a' + number % 26), "x".repeat(usize::from(number)))
        })
        .collect();
    let came: Vec<_> = names.iter().map(|path| Came { path, ..Came::default() }).collect();
    assert_eq!(patterns(&learned(&came)), ["/people/{id}"]);
    assert_eq!(patterns(&learned(&came[..3])).len(), 3);
}

#[test]
fn whatever_comes_makes_routes_that_can_be_read() {
    let odd = [
        "/{id}",
        "/a*b",
        "/**",
        "/..",
        "//",
        "/a//b",
        "/\u{1}\"\\",
        "/é",
        "/?x",
        "/#",
        "/%41",
        "/a b",
        "",
        "x",
        "/./.",
    ];
    let came: Vec<_> = odd.iter().map(|path| Came { path, ..Came::default() }).collect();
    let proposal = learned(&came);
    for pattern in patterns(&proposal) {
        assert!(pattern.parse::<PathPattern>().is_ok(), "{pattern}");
    }
    let deep = format!("/{}", "a/".repeat(200));
    let (many, keys): (Vec<String>, Vec<String>) = (0..60_000_u32)
        .map(|number| (format!("/{}/{}/x", letters(number), letters(number / 64)), letters(number)))
        .unzip();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let came: Vec<_> =
        many.iter().chain([&deep]).map(|path| Came { path, keys: &keys[..100], ..Came::default() }).collect();
    let proposal = learned(&came);
    assert!(proposal.len() < 100_000, "{}", proposal.len());
}

/// A word without digits for each number.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect()
}

#[test]
fn what_is_counted_is_said_with_the_place_where_it_stands() {
    let json = "application/json";
    let of = |records, at| Came { media_type: json, records: Count::Exactly(records), at, ..Came::default() };
    let cases = [
        ("a member", of(300, Some("/data")), "kind = \"json\", records = \"/data\""),
        (
            "members of members",
            of(300, Some("/results/items")),
            "kind = \"json\", records = \"/results/items\"",
        ),
        ("the whole", of(300, Some("")), "kind = \"json\""),
        ("a name that is none", of(300, Some("/100001/items")), "kind = \"json\""),
        ("what would end the text", of(300, Some("/a\"b")), "kind = \"json\""),
        ("a bundle", Came { bundle: true, ..of(300, Some("/entry")) }, "kind = \"fhir\""),
        (
            "a bundle by its type",
            Came { media_type: "application/fhir+json", ..of(300, None) },
            "kind = \"fhir\"",
        ),
        (
            "a page with a long table",
            Came { media_type: "text/html", ..of(300, None) },
            "kind = \"html\", rows = \"table tbody tr\"",
        ),
        (
            "a workbook",
            Came {
                media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ..of(300, None)
            },
            "kind = \"xlsx\"",
        ),
        ("rows", Came { media_type: "text/tab-separated-values", ..of(300, None) }, "kind = \"tsv\""),
        ("lines", Came { media_type: "application/fhir+ndjson", ..of(300, None) }, "kind = \"ndjson\""),
        ("a file of no type", Came { media_type: "", attachment: true, ..of(0, None) }, "kind = \"opaque\""),
        ("a file that says json", Came { attachment: true, ..of(0, None) }, "kind = \"opaque\""),
    ];
    for (name, came, reply) in cases {
        let (is_many, is_file) = (came.records.at_least() > 200, came.attachment);
        let proposal = learned(&[came]);
        assert!(proposal.contains(&format!("reply = {{ {reply} }}\n")), "{name}: {proposal}");
        assert_eq!(proposal.contains("300 records in one reply"), is_many, "{name}: {proposal}");
        assert_eq!(proposal.contains("an attachment"), is_file, "{name}: {proposal}");
        assert!(proposal.contains("# Candidate export: "), "{name}: {proposal}");
        assert!(proposal.parse::<toml::Table>().is_ok(), "{name}: {proposal}");
    }
}

#[test]
fn what_is_said_of_one_patient_is_no_list_and_no_candidate() {
    let of = |media_type, method, records, at| {
        learned(&[Came { media_type, method, records: Count::Exactly(records), at, ..Came::default() }])
    };
    let chart = of("application/json", "GET", 3, Some("/names"));
    assert!(chart.contains("action = \"view\"") && !chart.contains("Candidate"), "{chart}");
    let page = of("text/html", "GET", 6, None);
    assert!(page.contains("action = \"view\"") && !page.contains("reply"), "{page}");
    let asked = of("application/json", "POST", 40, Some("/hits"));
    assert!(asked.contains("action = \"search\"") && asked.contains("records = \"/hits\""), "{asked}");
}

#[test]
fn of_many_replies_the_largest_tells_where_records_stand() {
    let of = |records, at| Came {
        media_type: "application/json",
        records: Count::Exactly(records),
        at: Some(at),
        ..Came::default()
    };
    let proposal = learned(&[of(4, "/errors"), of(250, "/data"), of(3, "/tags")]);
    assert!(proposal.contains("records = \"/data\""), "{proposal}");
}
