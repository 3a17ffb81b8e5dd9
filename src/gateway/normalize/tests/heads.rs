//! Hosts, framing and headers.

use super::super::host::Authority;
use super::*;

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

#[test]
fn the_length_of_the_body_and_a_websocket_are_known() {
    assert_eq!(normalized(&[]).0.head.body, BodyLength::None);
    assert_eq!(normalized(&[("content-length", "0")]).0.head.body, BodyLength::None);
    assert_eq!(normalized(&[("content-length", "7")]).0.head.body, BodyLength::Bytes(7));
    assert_eq!(normalized(&[("transfer-encoding", "Chunked")]).0.head.body, BodyLength::Unknown);
    let socket =
        [("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"), ("sec-websocket-key", "key")];
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
        (
            "cookie",
            "__Host-leastway-b=t; __Host-leastway-p=clinic; __host-leastway-D=d; __HOST-Leastway=x; c",
        ),
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
fn a_cookie_that_binds_to_a_server_is_read_once_and_never_forwarded() {
    let line = "a=1; __Host-leastway-at-ehr=0af3; __Host-leastway-at-lab=1; __Host-leastway-at-lab=2; \
                __HOST-LEASTWAY-AT-ehr=ffff; b=__Host-leastway-at-ehr=ffff";
    let (request, left) = normalized(&[("cookie", line)]);
    let bound = |application: &str| cookies::server_of(&request.head.servers, application);
    assert_eq!(bound("ehr").as_deref(), Some("0af3"));
    assert_eq!(bound("lab"), None, "two are none");
    assert_eq!(left.get("cookie").unwrap(), "a=1; b=__Host-leastway-at-ehr=ffff");
}

#[test]
fn the_application_never_sets_our_cookies() {
    let mut headers = HeaderMap::new();
    for line in [
        "kept=1; Path=/",
        "__Host-leastway=evil; Secure",
        " __HOST-leastway-b = evil",
        "__Host-leastway-p=evil; Path=/",
        "__host-leastway-d=evil; Path=/",
        "__Host-Leastway-At-ehr=evil; Path=/",
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

proptest! {
    #[test]
    fn stripping_twice_is_once_and_keeps_the_callers_own(
        cookies in prop::collection::vec("(__[Hh]ost-leastway(-b|-at-ehr)?|theme|a b|)=?[a-z=\"]{0,4}", 0..6),
        named in "(x-a|cookie|keep-alive|x_leastway_b|te)(, ?(x-b|close|host))?",
        at_once: bool,
    ) {
        let ours = |crumb: &str| {
            let name = crumb.split('=').next().unwrap().trim().to_ascii_lowercase();
            matches!(&*name, "__host-leastway" | "__host-leastway-b") || name.starts_with("__host-leastway-at-")
        };
        let mut headers = HeaderMap::new();
        let lines = if at_once { vec![cookies.join("; ")] } else { cookies.clone() };
        for line in &lines {
            headers.append("cookie", line.parse().unwrap());
        }
        let mut alone = headers.clone();
        cookies::strip(&mut alone);
        let left: Vec<String> = alone.get_all("cookie").iter()
            .flat_map(|line| line.to_str().unwrap().split(';'))
            .map(|crumb| crumb.trim().to_owned())
            .filter(|crumb| !crumb.is_empty())
            .collect();
        let theirs: Vec<String> = cookies.iter().map(|crumb| crumb.trim().to_owned())
            .filter(|crumb| !crumb.is_empty() && !ours(crumb))
            .collect();
        prop_assert_eq!(left, theirs);

        for (name, value) in [("connection", &*named), ("x-a", "1"), ("x_forwarded.for", "1"), ("accept", "*/*")] {
            headers.append(name, value.parse().unwrap());
        }
        headers::strip(&mut headers, false);
        let once = headers.clone();
        headers::strip(&mut headers, false);
        prop_assert_eq!(&headers, &once);
        prop_assert!(headers.keys().all(|name| !headers::is_protected(name.as_str())) && headers.contains_key("accept"));
    }

    #[test]
    fn a_host_reads_the_same_a_second_time(text in "[a-zA-Z0-9.:@_\\[\\]-]{0,24}") {
        if let Ok(once) = Authority::parse(&text) {
            prop_assert_eq!(Authority::parse(once.as_str()).unwrap(), once);
        }
    }
}
