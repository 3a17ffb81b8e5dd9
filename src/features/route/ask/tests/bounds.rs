//! Formats, columns, days, searches, destinations, numbers of ids.

use std::time::Duration;

use super::*;
use crate::domain::asked::{Format, Formats};
use crate::features::route::ask::is_date_format;
use crate::features::route::ask::settings::{
    ColumnsAsk, DestinationAsk, FormatAsk, IdsAsk, SearchAsk, SpanAsk,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn reason_of(asks: &Asks, ask: &Ask<'_>) -> Option<Reason> {
    ask.of(asks).err().map(|not| reason(&not))
}

fn formats(words: &[Format]) -> Formats {
    words.iter().copied().collect()
}

#[test]
fn a_format_is_one_of_those_that_route_and_role_allow() {
    let names = [(Format::Csv, "text/csv"), (Format::Pdf, "application/pdf"), (Format::Html, "text/html")];
    let names = names.map(|(format, name)| (format, name.to_owned())).to_vec();
    let format = FormatAsk {
        place: in_query("as"),
        names,
        allow: formats(&[Format::Csv, Format::Html]),
        missing: Some(Format::Html),
    };
    let must_be_told =
        Asks { format: Some(FormatAsk { missing: None, ..format.clone() }), ..Asks::default() };
    let asks = Asks { format: Some(format), ..Asks::default() };
    let refused = Some(Reason::FormatNotAllowed);
    for (query, expected) in [
        ("as=text/csv", None),
        ("as=TEXT%2FCSV", None),
        ("", None),
        ("as=application/pdf", refused),
        ("as=text/xml", refused),
        ("as=", refused),
        ("as=text/csv&as=application/pdf", refused),
        ("As=application/pdf", refused),
    ] {
        assert_eq!(reason_of(&asks, &Ask::get(&format!("/do?{query}"))), expected, "{query}");
    }
    assert_eq!(reason_of(&must_be_told, &Ask::get("/do")), refused);
    let bounds = Bounds { formats: Some(formats(&[Format::Html, Format::Pdf])), ..BOUNDS };
    assert_eq!(reason_of(&asks, &Ask { bounds, ..Ask::get("/do?as=text/html") }), None);
    assert_eq!(reason_of(&asks, &Ask { bounds, ..Ask::get("/do?as=text/csv") }), refused);
    // What leaves in which form is no volume: care does not open it.
    let care = Bounds { may_deny: false, ..bounds };
    assert_eq!(reason_of(&asks, &Ask { bounds: care, ..Ask::get("/do?as=text/csv") }), refused);
}

#[test]
fn columns_are_those_that_are_listed_however_they_are_given() {
    let of = |place| {
        let allow = vec!["id".to_owned(), "zip".to_owned()];
        let columns = ColumnsAsk { place, separator: ',', allow, may_miss: false };
        Asks { columns: Some(columns), ..Asks::default() }
    };
    let refused = Some(Reason::ColumnsNotAllowed);
    for (query, expected) in [
        ("f=id,zip", None),
        ("f=id&f=zip", None),
        ("f[]=zip", None),
        ("f=id,%20zip", None),
        ("f=id,name", refused),
        ("f=id&F=name", refused),
        ("f=id;f=name", refused),
        ("f=*", refused),
        ("f=", refused),
        ("", refused),
    ] {
        assert_eq!(reason_of(&of(in_query("f")), &Ask::get(&format!("/do?{query}"))), expected, "{query}");
    }
    for (body, expected) in [
        ("{\"params\":[[1],[\"id\",\"zip\"]]}", None),
        ("{\"params\":[[1],[\"id\",\"name\"]]}", refused),
        ("{\"params\":[[1],[\"id\",{\"x\":1}]]}", refused),
        ("{\"params\":[[1],[]]}", refused),
        ("{\"params\":[[1]]}", refused),
    ] {
        let asks = of(in_json("/params/1"));
        assert_eq!(reason_of(&asks, &Ask::post(JSON, body)), expected, "{body}");
    }
}

fn span(ends_today: bool) -> Asks {
    let span = SpanAsk {
        from: in_query("from"),
        to: in_query("to"),
        max: 31 * DAY,
        ends_today,
        dates: vec!["%m/%d/%Y".to_owned()],
    };
    Asks { span: Some(span), ..Asks::default() }
}

#[test]
fn a_span_of_days_is_no_longer_than_the_route_says() {
    let wide = Some(Reason::SpanTooWide);
    for (query, expected) in [
        ("from=2026-10-01&to=2026-11-01", None),
        ("from=2026-10-01T00:00:00Z&to=2026-10-31T23:59:59%2B01:00", None),
        ("from=20261001&to=20261031", None),
        ("from=10%2F01%2F2026&to=10/31/2026", None),
        ("from=2026-10-01&to=2026-11-02", wide),
        ("from=2026-11-02&to=2026-10-01", wide),
        ("from=2026-02-30&to=2026-03-01", wide),
        ("from=26-10-01&to=26-10-02", wide),
        ("from=yesterday&to=2026-10-01", wide),
        ("from=2026-10-01&to=", wide),
        ("from=2026-10-01", wide),
        ("to=2026-10-01", wide),
        ("from=2026-10-01&to=2026-10-02&to=2036-10-02", wide),
        ("from=2026-10-01&to=2026-10-02&TO=2036-10-02", wide),
        ("from=-2026-10-01&to=2026-10-02", wide),
    ] {
        assert_eq!(reason_of(&span(false), &Ask::get(&format!("/do?{query}"))), expected, "{query}");
    }
    assert_eq!(reason_of(&span(true), &Ask::get("/do?from=2026-11-01")), None);
    assert_eq!(reason_of(&span(true), &Ask::get("/do?from=2026-10-01")), wide);
    let care = Bounds { may_deny: false, ..BOUNDS };
    let (_, _, asked) = Ask { bounds: care, ..Ask::get("/do?from=2000-01-01") }.of(&span(false)).unwrap();
    assert_eq!(asked.beyond[0].reason, Reason::SpanTooWide);
}

#[test]
fn a_role_looks_back_only_so_many_days_or_is_advised() {
    let asks = span(false);
    let at = |bounds| Ask { bounds, ..Ask::get("/do?from=2026-10-01&to=2026-10-15") };
    let back = |days_back| Bounds { days_back: Some(days_back), ..BOUNDS };
    assert_eq!(reason_of(&asks, &at(back(58))), None);
    assert_eq!(reason_of(&asks, &at(back(57))), Some(Reason::SpanTooWide));
    for bounds in [Bounds { advises: true, ..back(57) }, Bounds { may_deny: false, ..back(57) }] {
        let (_, _, asked) = at(bounds).of(&asks).unwrap();
        assert_eq!(asked.beyond[0].allowed, Allowed::Days(57));
    }
    let ahead = Ask { bounds: back(0), ..Ask::get("/do?from=2026-12-01&to=2026-12-15") };
    assert_eq!(reason_of(&asks, &ahead), None);
}

#[test]
fn a_declared_day_has_year_month_and_day_once() {
    for (format, is) in
        [("%m/%d/%Y", true), ("%d.%m.%Y", true), ("%m/%Y", false), ("%Y%m%d%H", false), ("%Y-%m-%d%d", false)]
    {
        assert_eq!(is_date_format(format), is, "{format}");
    }
}

#[test]
fn a_search_for_everybody_is_refused_and_one_place_that_narrows_is_enough() {
    let places = vec![in_json("/Query/PatientName"), in_json("/Query/PatientID")];
    let asks = Asks { search: Some(SearchAsk { places, characters: 2 }), ..Asks::default() };
    let wide = Some(Reason::SearchTooWide);
    for (query, expected) in [
        (r#"{"PatientName":"SMI*","PatientID":"*"}"#, None),
        (r#"{"PatientID":"17"}"#, None),
        (r#"{"PatientName":"Ωμέγα"}"#, None),
        (r#"{"PatientName":"*"}"#, wide),
        (r#"{"PatientName":"%S_?*"}"#, wide),
        (r#"{"PatientName":""}"#, wide),
        (r#"{"PatientName":["SMITH","*"]}"#, wide),
        (r#"{"patientname":"SMITH"}"#, wide),
        ("{}", wide),
    ] {
        let body = format!("{{\"Level\":\"Study\",\"Query\":{query}}}");
        assert_eq!(reason_of(&asks, &Ask::post(JSON, &body)), expected, "{query}");
    }
    let plain =
        Asks { search: Some(SearchAsk { places: vec![in_query("q")], characters: 2 }), ..Asks::default() };
    assert_eq!(reason_of(&plain, &Ask::get("/do?q=%25%25")), wide);
    assert_eq!(reason_of(&plain, &Ask::get("/do?q=Li")), None);
    assert_eq!(reason_of(&plain, &Ask::get("/do?q=Li&q=%25")), wide);
}

#[test]
fn something_is_sent_only_where_it_may_be() {
    let of = |place| {
        let allow = vec!["@clinic.example".to_owned(), "PACS2".to_owned()];
        Asks { destination: Some(DestinationAsk { place, allow }), ..Asks::default() }
    };
    let refused = Some(Reason::DestinationNotAllowed);
    for (to, expected) in [
        (r#""a.b@clinic.example""#, None),
        (r#"["a@clinic.example","PACS2"]"#, None),
        (r#""a@CLINIC.example; b@clinic.example""#, None),
        (r#""a@evil.example""#, refused),
        (r#""a@clinic.example, b@evil.example""#, refused),
        (r#""a@evil.example@clinic.example""#, refused),
        (r#""a@clinic.example <b@evil.example>""#, refused),
        (r#""a%evil.example@clinic.example""#, refused),
        (r#""@clinic.example""#, refused),
        (r#""a@sub.clinic.example""#, refused),
        (r#""pacs2""#, refused),
        (r#"["PACS2",{"to":"x"}]"#, refused),
        (r#""""#, refused),
        ("[]", refused),
        ("null", refused),
    ] {
        let body = format!("{{\"to\":{to}}}");
        assert_eq!(reason_of(&of(in_json("/to")), &Ask::post(JSON, &body)), expected, "{to}");
    }
    let path = of(Place::Path("place".to_owned()));
    assert_eq!(reason_of(&path, &Ask::get("/modalities/PACS2/store")), None);
    assert_eq!(reason_of(&path, &Ask::get("/modalities/ELSEWHERE/store")), refused);
    let form = of(Place::Form("to".to_owned()));
    assert_eq!(reason_of(&form, &Ask::post(FORM, "to=PACS2&to=a@clinic.example")), None);
    assert_eq!(reason_of(&form, &Ask::post(FORM, "to=PACS2&to[]=a@evil.example")), refused);
    let care = Bounds { may_deny: false, ..BOUNDS };
    assert_eq!(reason_of(&path, &Ask { bounds: care, ..Ask::get("/modalities/X/store") }), refused);
}

#[test]
fn only_so_many_are_named_at_once() {
    let of = |place| Asks { ids: Some(IdsAsk { place, separator: ',', max: 2 }), ..Asks::default() };
    let many = Some(Reason::TooManyIds);
    for (body, expected) in [
        (r#"{"Resources":["a","b"]}"#, None),
        (r#"{"Resources":["a","b","c"]}"#, many),
        (r#"{"Resources":["a","b,c"]}"#, many),
        (r#"{"Resources":[["a","b","c"]]}"#, many),
        (r#"{"resources":["a","b","c"]}"#, many),
        ("{}", None),
    ] {
        assert_eq!(reason_of(&of(in_json("/Resources")), &Ask::post(JSON, body)), expected, "{body}");
    }
    for (query, expected) in
        [("id=1,2", None), ("id=1&id=2", None), ("id=1,2&id=3", many), ("id[]=1&ID=2&id=3", many)]
    {
        assert_eq!(reason_of(&of(in_query("id")), &Ask::get(&format!("/do?{query}"))), expected, "{query}");
    }
    let care = Bounds { may_deny: false, ..BOUNDS };
    let ask = Ask { bounds: care, ..Ask::get("/do?id=1,2,3") };
    assert_eq!(ask.of(&of(in_query("id"))).unwrap().2.beyond[0].allowed, Allowed::AtMost(2));
}
