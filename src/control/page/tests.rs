use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use super::super::tests::{BROKEN, FOUND, House, NAME, TOKEN, start};
use super::operators::{ABSOLUTE, Admission, IDLE, Operators, SIGN_INS_MAX, WRONG_PER_MINUTE};
use super::words::Words;
use super::{
    BREAKS_PATH, DETECTIONS_PATH, END_PATH, EVIDENCE_PATH, REPORTS_PATH, SESSIONS_PATH, SIGN_IN_PATH,
    SIGN_OUT_PATH,
};
use crate::domain::revocation::{Cause, Revoked, Target};
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::secret::Secret;
use crate::platform::http::body::read_bounded;
use crate::platform::page::language::Language;
use crate::platform::page::messages::read;

const HOST: &str = "127.0.0.1:9443";

/// A browser of an administrator.
struct Browser<'a> {
    house: &'a House,
    cookie: Option<String>,
    language: &'static str,
}

/// What a page answers.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl<'a> Browser<'a> {
    fn new(house: &'a House) -> Self {
        Self { house, cookie: None, language: "en" }
    }

    async fn signed_in(house: &'a House) -> Self {
        let mut browser = Self::new(house);
        let answer = browser.post(SIGN_IN_PATH, &[("token", TOKEN), ("username", "leastway-control")]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, SESSIONS_PATH));
        let given = answer.header("set-cookie");
        browser.cookie = Some(given.split(';').next().unwrap().to_owned());
        browser
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request("POST", path).header("origin", format!("http://{HOST}"));
        self.send(request.header("sec-fetch-site", "same-origin").body(filled(form)).unwrap()).await
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        let request = request.header("accept-language", self.language);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        match &self.cookie {
            Some(cookie) => request.header("cookie", format!("other=1; {cookie}")),
            None => request,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let reply = self.house.router().oneshot(request).await.unwrap();
        let (status, headers) = (reply.status(), reply.headers().clone());
        let body = read_bounded(reply.into_body(), 1024 * 1024).await.unwrap();
        Answer { status, headers, html: String::from_utf8_lossy(&body).into_owned() }
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn asks_for_token(&self) -> bool {
        self.html.contains("type=\"password\"") && !self.html.contains(NAME)
    }
}

fn filled(form: &[(&str, &str)]) -> Body {
    let mut fields = url::form_urlencoded::Serializer::new(String::new());
    Body::from(fields.extend_pairs(form).finish())
}

/// The id of the one session that there is.
fn nadias(house: &House) -> String {
    house.state.sessions.list(9, start())[0].id.to_string()
}

fn ending<'f>(session: &'f str, scope: &'f str, reason: &'f str) -> [(&'f str, &'f str); 5] {
    let (person, provider) = (("person", "subject-of-nadia"), ("provider", "clinic"));
    [("session", session), person, provider, ("scope", scope), ("reason", reason)]
}

#[test]
fn both_languages_are_complete() {
    for language in Language::ALL {
        read::<Words>(language.messages()).map(drop).unwrap();
    }
}

#[tokio::test]
async fn without_the_cookie_there_is_a_form_and_nobody_is_named() {
    let house = House::open().await;
    let session = nadias(&house);
    let mut browser = Browser::new(&house);
    assert_eq!(browser.get("/").await.header("location"), SESSIONS_PATH);
    for cookie in [None, Some("leastway-control=guess"), Some("leastway-control=")] {
        browser.cookie = cookie.map(str::to_owned);
        for path in
            [SESSIONS_PATH, &format!("{END_PATH}?session={session}"), END_PATH, DETECTIONS_PATH, BREAKS_PATH]
        {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(answer.asks_for_token(), "{path}: {}", answer.html);
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"leastway-control\"");
        }
        let answer = browser.post(END_PATH, &ending(&session, "session", "left")).await;
        assert!(answer.status == StatusCode::UNAUTHORIZED && answer.asks_for_token());
    }
    assert!(house.administration().is_empty() && house.revocations().is_empty());
}

#[tokio::test]
async fn a_browser_is_given_nothing_but_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let house = House::open().await;
    let answer = Browser::new(&house).post(SIGN_IN_PATH, &[("token", TOKEN)]).await;
    let (cookie, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert_eq!(cookie.strip_prefix("leastway-control=").map(str::len), Some(43), "256 bits");

    let browser = Browser::signed_in(&house).await;
    let policy =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for path in [SESSIONS_PATH, DETECTIONS_PATH, BREAKS_PATH, "/", "/page.css"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
}

#[tokio::test]
async fn wrong_tokens_give_no_cookie_and_so_many_in_a_minute_are_looked_at() {
    let house = House::open().await;
    let browser = Browser::new(&house);
    for number in 0..WRONG_PER_MINUTE {
        let answer = browser.post(SIGN_IN_PATH, &[("token", &format!("guess {number}"))]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.asks_for_token() && answer.html.contains("role=\"alert\""), "{}", answer.html);
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.html.contains("guess"), "what was entered is not shown again");
    }
    house.clock.advance(Duration::from_secs(20));
    for token in ["guess", TOKEN] {
        let answer = browser.post(SIGN_IN_PATH, &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{token}");
        assert_eq!(answer.header("retry-after"), "40");
        assert!(answer.html.contains("Try again in 40 seconds."), "{}", answer.html);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    house.clock.advance(Duration::from_secs(40));
    let answer = browser.post(SIGN_IN_PATH, &[("token", TOKEN)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn without_a_token_in_the_settings_the_page_says_how_to_set_one() {
    let mut house = House::open().await;
    house.state.token = None;
    let browser = Browser::new(&house);
    for answer in [browser.get(SESSIONS_PATH).await, browser.post(SIGN_IN_PATH, &[("token", "")]).await] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.html.contains("[control]\ntoken = "), "{}", answer.html);
        assert!(!answer.html.contains("<form") && !answer.headers.contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn the_list_names_who_is_signed_in_and_to_look_is_an_event() {
    let house = House::open().await;
    let session = nadias(&house);
    let browser = Browser::signed_in(&house).await;
    assert!(house.administration().is_empty());
    let link = format!("href=\"/sessions/end?session={session}\"");
    for (query, expected) in [
        ("", true),
        ("?person=nadia", true),
        ("?person=+subject-of-nadia+", true),
        ("?person=subject", false),
    ] {
        let answer = browser.get(&format!("{SESSIONS_PATH}{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        for shown in [
            NAME,
            &link,
            "subject-of-nadia</bdi></td>",
            "ehr.clinic.example",
            ">clinic<",
            ">Open<",
            "<caption",
            "scope=\"row\"",
            "<table",
        ] {
            assert_eq!(answer.html.contains(shown), expected, "{query}: {shown}: {}", answer.html);
        }
        assert_eq!(answer.html.matches("<h1>").count(), 1);
        assert_eq!(answer.html.contains("Nobody is signed in who is called so."), !expected, "{query}");
        assert_eq!(answer.html.contains("08:00 UTC, now"), expected, "{query}");
        assert!(!answer.html.contains("<script") && !answer.html.contains(" style="));
    }
    let notes: Vec<_> = house.administration().into_iter().filter_map(|event| event.opening.note).collect();
    assert_eq!(notes, ["sessions were listed"; 4]);
}

#[tokio::test]
async fn nothing_is_shown_that_cannot_be_written_down() {
    let house = House::open().await;
    let session = nadias(&house);
    let browser = Browser::signed_in(&house).await;
    house.state.journal.close();
    for path in [SESSIONS_PATH, &format!("{END_PATH}?session={session}")] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!answer.html.contains(NAME) && answer.html.contains("<h1>"), "{path}: {}", answer.html);
    }
    let answer = browser.post(END_PATH, &ending(&session, "session", "left")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(house.state.sessions.list(9, start()).is_empty(), "they end all the same, as by the API");
    assert!(answer.html.contains("The sessions are ended"), "{}", answer.html);
}

#[tokio::test]
async fn a_session_ends_with_a_reason_and_the_page_says_what_was_ended() {
    let house = House::open().await;
    let session = nadias(&house);
    let browser = Browser::signed_in(&house).await;
    let asked = browser.get(&format!("{END_PATH}?session={session}")).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.html.contains(&format!("All sessions of {NAME} at the provider clinic")), "{}", asked.html);

    for reason in ["", " ", &"x".repeat(201), "two\nlines"] {
        let answer = browser.post(END_PATH, &ending(&session, "person", reason)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{reason:?}");
        let keeps = answer.html.contains("value=\"person\" required checked");
        assert!(keeps && answer.html.contains("aria-invalid=\"true\""), "{}", answer.html);
    }
    let answer = browser.post(END_PATH, &[("session", "nadia"), ("reason", "left")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(house.revocations().is_empty());

    let answer = browser.post(END_PATH, &ending(&session, "session", "has left")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.html);
    assert!(answer.html.contains("1 session was ended."), "{}", answer.html);
    let told = &house.revocations()[0];
    assert_eq!((told.cause, told.why.as_ref().unwrap().as_str()), (Cause::Administrator, "has left"));
    assert!(matches!(told.target, Target::Session(ended) if ended.to_string() == session));

    let gone = browser.get(&format!("{END_PATH}?session={session}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let again = browser.post(END_PATH, &ending(&session, "session", "has left")).await;
    assert!(again.html.contains("Nothing was ended"), "{}", again.html);
}

#[tokio::test]
async fn all_of_a_person_end_at_the_provider_that_is_named() {
    let house = House::open().await;
    let session = nadias(&house);
    let browser = Browser::signed_in(&house).await;
    let mut elsewhere = ending(&session, "person", "has left");
    elsewhere[2] = ("provider", "elsewhere");
    assert_eq!(browser.post(END_PATH, &elsewhere).await.status, StatusCode::BAD_REQUEST);
    let answer = browser.post(END_PATH, &ending(&session, "person", "has left")).await;
    assert!(answer.html.contains("1 session was ended."), "{}", answer.html);
    let told = &house.revocations()[0];
    assert!(matches!(&told.target, Target::Person(person) if &*person.sub == "subject-of-nadia"));
    assert_eq!(told.cause, Cause::Administrator);
}

#[tokio::test]
async fn streams_that_were_cut_and_those_that_had_not_ended_are_told() {
    let mut house = House::open().await;
    let revoked = Revoked { sessions: 2, streams: 1240, waiting: 3, ..Revoked::default() };
    house.state.revoke = Arc::new(move |_| {
        let revoked = revoked.clone();
        Box::pin(async move { Ok(revoked) })
    });
    let mut browser = Browser::signed_in(&house).await;
    let session = nadias(&house);
    let cases = [
        ("en", ["2 sessions were ended.", "1,240 long replies", "3 of these had not ended"]),
        ("es-MX", ["Han terminado 2 sesiones.", "1240 respuestas largas", "3 de ellas no hab"]),
    ];
    for (language, texts) in cases {
        browser.language = language;
        let answer = browser.post(END_PATH, &ending(&session, "person", "left")).await;
        assert!(texts.iter().all(|text| answer.html.contains(text)), "{}", answer.html);
        assert!(language.starts_with(answer.header("content-language")));
    }
}

#[tokio::test]
async fn a_form_of_another_origin_or_for_another_host_is_refused() {
    let house = House::open().await;
    let session = nadias(&house);
    let browser = Browser::signed_in(&house).await;
    let ours = format!("http://{HOST}");
    let cases: [(&str, Option<&str>, Option<&str>, bool); 11] = [
        ("of ours", Some(&ours), Some("same-origin"), true),
        ("of ours, of a browser that does not say more", Some(&ours), None, true),
        ("of ours, by the other field", None, Some("same-origin"), true),
        ("of nobody", None, None, false),
        ("of another site", Some("http://evil.example"), Some("cross-site"), false),
        ("of another port here", Some("http://127.0.0.1:8080"), Some("same-site"), false),
        ("of another port, of a browser that does not say more", Some("http://127.0.0.1:8080"), None, false),
        ("by TLS", Some("https://127.0.0.1:9443"), None, false),
        ("of a page that hides", Some("null"), Some("cross-site"), false),
        ("fields that contradict", Some(&ours), Some("cross-site"), false),
        ("typed", None, Some("none"), false),
    ];
    for (name, origin, site, is_taken) in cases {
        for path in [SIGN_IN_PATH, END_PATH, SIGN_OUT_PATH] {
            let mut request = browser.request("POST", path);
            request = origin.into_iter().fold(request, |request, it| request.header("origin", it));
            request = site.into_iter().fold(request, |request, it| request.header("sec-fetch-site", it));
            let answer = browser.send(request.body(filled(&[])).unwrap()).await;
            assert_eq!(answer.status != StatusCode::FORBIDDEN, is_taken, "{name}: {path}");
        }
    }
    for host in ["evil.example:9443", ""] {
        let mut request = browser.request("POST", END_PATH).header("sec-fetch-site", "same-origin");
        request.headers_mut().unwrap().insert("host", host.parse().unwrap());
        let answer = browser.send(request.body(filled(&ending(&session, "session", "left"))).unwrap()).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert!(house.revocations().is_empty());
}

#[tokio::test]
async fn a_sign_in_ends_without_use_in_any_case_and_when_its_person_goes() {
    let house = House::open().await;
    let browser = Browser::signed_in(&house).await;
    let (stays, goes) = (Browser::signed_in(&house).await, Browser::signed_in(&house).await);
    let answer = goes.post(SIGN_OUT_PATH, &[]).await;
    assert!(answer.header("set-cookie").starts_with("leastway-control=; Path=/; Max-Age=0"));
    assert!(goes.get(SESSIONS_PATH).await.asks_for_token(), "the cookie that was kept is none");

    let nearly = IDLE.saturating_sub(Duration::from_secs(1));
    house.clock.advance(nearly);
    assert_eq!(stays.get("/sessions?person=x").await.status, StatusCode::OK);
    house.clock.advance(Duration::from_secs(1));
    assert!(browser.get(SESSIONS_PATH).await.asks_for_token(), "15 minutes without use");
    assert_eq!(stays.get("/sessions?person=x").await.status, StatusCode::OK);
    let mut passed = IDLE;
    while passed + nearly < ABSOLUTE {
        house.clock.advance(nearly);
        passed += nearly;
        assert_eq!(stays.get("/sessions?person=x").await.status, StatusCode::OK, "{passed:?}");
    }
    house.clock.advance(ABSOLUTE.saturating_sub(passed));
    assert!(stays.get(SESSIONS_PATH).await.asks_for_token(), "8 hours in any case");
}

#[test]
fn so_many_browsers_are_signed_in_and_one_more_puts_out_the_one_used_least_lately() {
    let (operators, token) = (Operators::default(), Secret::new(TOKEN.to_owned()));
    let at = |second: usize| start().plus(Duration::from_secs(second as u64));
    let enter = |second| match operators.sign_in(&token, TOKEN, at(second), &SystemEntropy) {
        Admission::Admitted(cookie) => cookie,
        Admission::Wrong | Admission::TooMany { .. } => panic!("the right token"),
    };
    let cookies: Vec<_> = (0..SIGN_INS_MAX).map(enter).collect();
    assert!(operators.knows(&cookies[0], at(SIGN_INS_MAX)), "and used by that");
    let late = enter(SIGN_INS_MAX + 1);
    let known = |cookie| operators.knows(cookie, at(SIGN_INS_MAX + 1));
    assert!(known(&late) && known(&cookies[0]) && known(&cookies[2]) && !known(&cookies[1]));
}

#[tokio::test]
async fn what_was_found_is_shown_and_reviewed_in_both_languages() {
    let house = House::open().await;
    let mut browser = Browser::signed_in(&house).await;
    let page = browser.get(DETECTIONS_PATH).await;
    for shown in [NAME, "412 records were taken away", "High", "name=\"finding\"", FOUND] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let say =
        |state, finding, note| [("detection", FOUND), ("state", state), ("finding", finding), ("note", note)];
    for (form, expected) in [
        (say("closed", "", ""), StatusCode::BAD_REQUEST),
        (say("closed", "guilty", ""), StatusCode::BAD_REQUEST),
        (say("closed", "fine", "<b>monthly</b>"), StatusCode::SEE_OTHER),
        (say("seen", "", ""), StatusCode::CONFLICT),
    ] {
        let answer = browser.post(DETECTIONS_PATH, &form).await;
        assert_eq!(answer.status, expected, "{form:?}: {}", answer.html);
    }
    let page = browser.get(DETECTIONS_PATH).await;
    assert!(!page.html.contains("name=\"finding\"") && !page.html.contains("<b>"), "{}", page.html);
    browser.language = "es";
    assert!(browser.get(DETECTIONS_PATH).await.html.contains("Correcto: parte de su trabajo"));
    let reviews = house.administration().into_iter().filter(|event| event.opening.review.is_some());
    assert_eq!(reviews.count(), 1, "what was not taken left no event of a review");
}

#[tokio::test]
async fn emergency_access_is_shown_and_reviewed_in_both_languages() {
    let house = House::open().await;
    let mut browser = Browser::signed_in(&house).await;
    let page = browser.get(BREAKS_PATH).await;
    for shown in [NAME, "The patient cannot wait", "Still open", "name=\"finding\"", BROKEN] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let say = |state, finding, reviewer, note| {
        [("break", BROKEN), ("state", state), ("finding", finding), ("reviewer", reviewer), ("note", note)]
    };
    for (form, expected) in [
        (say("closed", "", "Petra", ""), StatusCode::BAD_REQUEST),
        (say("closed", "guilty", "Petra", ""), StatusCode::BAD_REQUEST),
        (say("closed", "justified", NAME, ""), StatusCode::FORBIDDEN),
        (say("closed", "justified", "<b>Petra</b>", ""), StatusCode::SEE_OTHER),
        (say("triaged", "", "Petra", ""), StatusCode::CONFLICT),
    ] {
        let answer = browser.post(BREAKS_PATH, &form).await;
        assert_eq!(answer.status, expected, "{form:?}: {}", answer.html);
    }
    let page = browser.get(BREAKS_PATH).await;
    assert!(!page.html.contains("name=\"finding\"") && !page.html.contains("<b>"), "{}", page.html);
    browser.language = "es";
    assert!(browser.get(BREAKS_PATH).await.html.contains("Justificado"));
}

#[tokio::test]
async fn a_report_is_asked_for_by_a_form_and_comes_as_a_file() {
    let house = House::open().await;
    let browser = Browser::signed_in(&house).await;
    let page = browser.get(REPORTS_PATH).await;
    for shown in ["Accounting of disclosures", "name=\"patient\"", "type=\"datetime-local\""] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let form = |report, patient, since| {
        let rest = [("application", "ehr"), ("person", ""), ("until", ""), ("by_role", "yes")];
        let own = [
            ("report", report),
            ("patient", patient),
            ("since", since),
            ("format", "html"),
            ("language", "es"),
        ];
        [&own[..], &rest].concat()
    };
    for (form, expected, told) in [
        (form("disclosures", "47-11", "2026-02-01T00:00"), StatusCode::OK, "Relación de comunicaciones"),
        (form("coverage", "", ""), StatusCode::OK, "Cobertura"),
        (form("disclosures", " ", ""), StatusCode::BAD_REQUEST, "Say which patient"),
        (form("disclosures", "47-11", "soon"), StatusCode::BAD_REQUEST, "was not understood"),
        (form("everything", "47-11", ""), StatusCode::BAD_REQUEST, "was not understood"),
    ] {
        let answer = browser.post(REPORTS_PATH, &form).await;
        assert_eq!(answer.status, expected, "{form:?}: {}", answer.html);
        assert!(answer.html.contains(told), "{told}: {}", answer.html);
        let is_file = answer.header("content-disposition").starts_with("attachment; filename=");
        assert_eq!(is_file, expected == StatusCode::OK);
        assert!(!answer.html.contains("47-11"), "a number is not given back: {}", answer.html);
    }
    let notes: Vec<_> = house.administration().into_iter().filter_map(|event| event.opening.note).collect();
    assert_eq!(notes, ["the report disclosures was read as html", "the report coverage was read as html"]);
}

#[tokio::test]
async fn an_evidence_pack_is_asked_for_by_a_form_and_comes_as_a_file() {
    let house = House::open().await;
    let browser = Browser::signed_in(&house).await;
    let page = browser.get(EVIDENCE_PATH).await;
    for shown in
        ["45 CFR 164.312(b): Audit controls", "name=\"164.528\"", "name=\"all\"", "type=\"datetime-local\""]
    {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let period = [("since", "2026-02-01T00:00"), ("until", "2026-03-02T00:00"), ("language", "es")];
    for (form, expected, told) in [
        (
            [&period[..], &[("164.312(b)", "yes"), ("164.528", "yes")]].concat(),
            StatusCode::OK,
            "manifest.json",
        ),
        ([&period[..], &[("all", "yes")]].concat(), StatusCode::OK, "manifest.sig"),
        (period.to_vec(), StatusCode::BAD_REQUEST, "Choose one or more safeguards"),
        (vec![("all", "yes"), ("since", "")], StatusCode::BAD_REQUEST, "say from when on"),
        (vec![("all", "yes"), ("since", "soon")], StatusCode::BAD_REQUEST, "was not understood"),
        ([&period[..], &[("164.1", "yes")]].concat(), StatusCode::BAD_REQUEST, "was not understood"),
    ] {
        let answer = browser.post(EVIDENCE_PATH, &form).await;
        assert_eq!(answer.status, expected, "{form:?}: {}", answer.html);
        assert!(answer.html.contains(told), "{told}: {}", answer.html);
        let is_pack = answer.header("content-type") == "application/zip";
        assert_eq!(is_pack, expected == StatusCode::OK, "{form:?}");
    }
    let period = "from 2026-02-01T00:00:00.000Z to 2026-03-02T00:00:00.000Z";
    let notes: Vec<_> = house.administration().into_iter().filter_map(|event| event.opening.note).collect();
    let expected = ["164.312(b), 164.528", "all safeguards"]
        .map(|about| format!("an evidence pack was made of {about}, {period}"));
    assert_eq!(notes, expected);
}
