//! Who asks is told to the application by the gateway alone.

use crate::house::{House, Neighbors};
use crate::line::Protocol;

/// What a caller makes up, and no application may ever see.
const FORGED: [(&str, &str); 12] = [
    ("x-leastway-assertion", "forged"),
    ("x_leastway_assertion", "forged"),
    ("remote-user", "forged"),
    ("remote_user", "forged"),
    ("remote.user", "forged"),
    ("x-forwarded-user", "forged"),
    ("x-forwarded-for", "203.0.113.9"),
    ("x_forwarded_for", "203.0.113.9"),
    ("forwarded", "for=203.0.113.9"),
    ("x-real-ip", "203.0.113.9"),
    ("x-original-url", "/forged"),
    ("x-http-method-override", "forged"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_caller_makes_up_about_itself_reaches_the_application() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let nobody = line.ask("/static/a.css", &FORGED).await;
        let mut signed_in = FORGED.to_vec();
        signed_in.extend([("cookie", cookie.as_str()), ("cookie", "theme=dark")]);
        let nurse = line.ask("/", &signed_in).await;

        for came in [&nobody, &nurse] {
            assert_eq!(came.status, 200, "{}", came.text);
            assert!(!came.text.contains("forged") && !came.text.contains("203.0.113.9"), "{}", came.text);
            assert!(came.text.contains("x-forwarded-for: 127.0.0.1\n"), "{}", came.text);
        }
        assert!(!nobody.text.contains("remote-user:"), "{}", nobody.text);
        assert_eq!(nurse.text.matches("remote-user: ").count(), 1, "{}", nurse.text);
        assert_eq!(nurse.text.matches("x-leastway-assertion: ey").count(), 1, "{}", nurse.text);
        assert!(nurse.text.contains("theme=dark") && !nurse.text.contains(&cookie), "{}", nurse.text);
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_can_check_it_by_a_key_that_no_application_can_put_another_in_the_place_of() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let told = line.ask("/", &[("cookie", &cookie)]).await;
    let assertion = told.text.lines().find_map(|line| line.strip_prefix("x-leastway-assertion: ")).unwrap();
    let reached = house.reached();

    let keys = line.ask("/.well-known/leastway/jwks.json", &[]).await;
    assert_eq!(keys.status, 200);
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys.text).unwrap();
    let id = jsonwebtoken::decode_header(assertion).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["ehr"]);
    let claims = jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &validation).unwrap().claims;
    assert_eq!(claims["iss"], "leastway");

    for (path, status) in [
        ("/.well-known/leastway/other.json", 404),
        ("/.leastway/jwks.json", 404),
        ("/.well-known/Leastway/jwks.json", 400),
        ("/.well-known/%6ceastway/jwks.json", 400),
    ] {
        assert_eq!(line.ask(path, &[("cookie", &cookie)]).await.status, status, "{path}");
    }
    assert_eq!(house.reached(), reached, "the application is asked for none of these");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_spoken_where_it_is_agreed_on_and_many_requests_share_a_connection() {
    let house = House::open(Neighbors::All).await;
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    for path in ["/static/a.css", "/static/b.css"] {
        let came = line.ask(path, &[]).await;
        assert_eq!((came.status.as_u16(), came.version), (200, http::Version::HTTP_2));
    }
    let refused = line.ask("/patients", &[("accept", "application/json")]).await;
    assert_eq!((refused.status.as_u16(), refused.version), (401, http::Version::HTTP_2));
    drop(line);
    let events = house.stop().await;
    let methods = events.iter().filter(|event| event.opening.method.as_deref() == Some("GET")).count();
    assert_eq!(methods, 3);
}
