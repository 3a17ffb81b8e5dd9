//! The head of a request: what goes on holds nothing that is ours or the connection's to say, and is the same when
//! it is stripped again; the target goes on as it came; the host is the one that was asked for.

use std::net::SocketAddr;
use std::sync::LazyLock;

use http::header::HOST;
use http::{Method, Request, Uri, Version};
use leastway::domain::action::Action;
use leastway::domain::given::WhenUnknown;
use leastway::features::route::settings::{ApplicationSettings, Quirk, RouteSettings, Unmatched};
use leastway::features::route::table::RouteTable;
use leastway::gateway::normalize::framing::BodyLength;
use leastway::gateway::normalize::host::Authority;
use leastway::gateway::normalize::{ConnectionFacts, head, headers};

use crate::input::Input;

static TABLE: LazyLock<RouteTable> = LazyLock::new(|| {
    let applications =
        [("ehr", "/", &[][..]), ("windows", "/iis", &[Quirk::FoldsCase, Quirk::PathParameters])];
    RouteTable::build(&applications.map(|(name, path, quirks)| ApplicationSettings {
        name: name.parse().expect("a name"),
        hosts: vec!["ehr.example".to_owned()],
        path: path.to_owned(),
        providers: vec!["clinic".parse().expect("a name")],
        unmatched: Unmatched::Deny,
        idle_ignore: Vec::new(),
        given: Vec::new(),
        patient_unknown: WhenUnknown::Deny,
        downtime: None,
        quirks: quirks.to_vec(),
        routes: vec![RouteSettings::new(
            "anything".parse().expect("a name"),
            Action::View,
            format!("{}/**", path.trim_end_matches('/')).parse().expect("a pattern"),
        )],
    }))
    .expect("a table")
});

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.byte();
    let mut words = input.line().splitn(2, |byte| *byte == b' ');
    let method = words.next().and_then(|word| Method::from_bytes(word).ok());
    let target = words.next().and_then(|word| Uri::try_from(word).ok());
    let (Some(method), Some(target)) = (method, target) else { return };
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = target.clone();
    parts.version = if choice & 1 == 0 { Version::HTTP_11 } else { Version::HTTP_2 };
    parts.headers = input.headers();
    let came = parts.headers.clone();
    let peer: SocketAddr = "192.0.2.1:4000".parse().expect("an address");
    let trusted = ["192.0.2.0/24".parse().expect("a network"), "10.0.0.0/8".parse().expect("a network")];
    let connection = ConnectionFacts {
        peer,
        sni: (choice & 2 != 0).then_some("ehr.example"),
        trusted_proxies: if choice & 4 != 0 { &trusted } else { &[] },
        head_bytes_max: 16 * 1024,
    };
    let Ok(head) = head(&mut parts, &connection) else { return };
    for name in parts.headers.keys() {
        let is_trace = matches!(name.as_str(), "traceparent" | "tracestate") && choice & 4 != 0;
        assert!(is_trace || !headers::is_protected(name.as_str()), "{name}");
        let hop =
            ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "content-length", "upgrade"];
        assert!(!hop.contains(&name.as_str()), "{name}");
        // A server that passes headers as variables finds nothing of ours either.
        let variable = name.as_str().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        assert!(!variable.starts_with("x-leastway-") && !variable.starts_with("remote-"), "{name}");
    }
    let once = parts.headers.clone();
    headers::strip(&mut parts.headers, choice & 4 != 0);
    assert_eq!(parts.headers, once);
    if let BodyLength::Bytes(length) = head.body {
        assert_eq!(came["content-length"].to_str().ok().and_then(|said| said.parse().ok()), Some(length));
    }
    assert!(choice & 4 != 0 || head.client == peer.ip());
    let said =
        came.get(HOST).and_then(|host| host.to_str().ok()).or(target.authority().map(|it| it.as_str()));
    assert_eq!(Authority::parse(said.expect("a host")).ok().as_ref(), Some(&head.authority));
    if let Ok(request) = head.resolve(&TABLE) {
        assert_eq!(Some(request.target()), target.path_and_query());
        assert_eq!(request.path.as_str(), target.path());
        assert_eq!(request.query.as_str(), target.query());
        let is_below = target.path().to_ascii_lowercase().starts_with("/iis");
        assert!(is_below || request.application.name.as_str() == "ehr");
    }
}
