//! An application with a sign-in form, a hidden field that guards it and a session of its own.

use std::cell::RefCell;
use std::collections::BTreeSet;

use http::Response;
use http::header::{COOKIE, LOCATION, SET_COOKIE};

use super::*;
use crate::domain::application::CredentialName;
use crate::features::upstream::credential::{Credential, send_as};
use crate::features::upstream::form_login::{FormLogin, SignInFault};
use crate::features::upstream::send::ReplyBody;
use crate::features::upstream::trial::{Answer, Trial};
use crate::foundation::secret::Secret;

const PASSWORD: &str = "correct horse & battery=staple";

/// What the application knows.
#[derive(Default)]
struct Known {
    /// Sessions that are good.
    sessions: RefCell<BTreeSet<String>>,
    /// Forms that came.
    forms: Cell<usize>,
    /// Orders that were placed.
    orders: RefCell<Vec<String>>,
    /// Whether strangers get the form itself rather than a redirect.
    shows_form: Cell<bool>,
}

const FORM: &str =
    "<html><form id=\"login-form\"><input type=hidden name=guard value=\"g&amp;1\"></form></html>";

fn html(text: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{more}content-length: {}\r\n\r\n{text}",
        text.len()
    )
}

fn found(location: &str, more: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\n{more}content-length: 0\r\n\r\n")
}

fn answer(known: &Known, request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let cookies = head.lines().find_map(|line| line.strip_prefix("cookie: ")).unwrap_or_default();
    if head.starts_with("GET /login ") {
        return html(FORM, "set-cookie: pre=1; Path=/login\r\n");
    }
    if head.starts_with("POST /login ") {
        known.forms.set(known.forms.get() + 1);
        let fields: Vec<(String, String)> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let has = |name: &str, value: &str| fields.contains(&(name.to_owned(), value.to_owned()));
        let is_right = has("user", "leastway") && has("pass", PASSWORD) && has("guard", "g&1");
        if !is_right || !cookies.contains("pre=1") || !head.contains("origin: https://ehr.example") {
            return found("/login?error=1", "");
        }
        let session = format!("s{}", known.forms.get());
        known.sessions.borrow_mut().insert(session.clone());
        return found("/home", &format!("set-cookie: SID={session}; Path=/; HttpOnly\r\n"));
    }
    let sessions = known.sessions.borrow();
    let Some(session) = sessions.iter().find(|session| cookies.contains(&format!("SID={session}"))) else {
        if known.shows_form.get() {
            return html(FORM, "");
        }
        return found("https://ehr.example/login?next=%2F", "set-cookie: SID=stranger; Path=/\r\n");
    };
    if head.starts_with("POST ") {
        known.orders.borrow_mut().push(body.to_owned());
    }
    html(session, "set-cookie: theme=dark\r\nset-cookie: XSRF-TOKEN=x; Path=/\r\n")
}

fn account() -> CredentialName {
    "reader".parse().unwrap()
}

async fn application_with_form(known: &Rc<Known>, password: &str, marker: Option<&str>) -> Rc<Pool> {
    let shared = known.clone();
    let address = server(move |request, _| {
        let reply = answer(&shared, &request);
        async move { reply }
    })
    .await;
    let mut settings = settings_of(&[address]);
    let form = FormLogin {
        page: Some("/login".parse().unwrap()),
        action: "/login".parse().unwrap(),
        user: ("user".to_owned(), "leastway".to_owned()),
        secret: ("pass".to_owned(), Secret::new(password.to_owned())),
        fields: Vec::new(),
        expired_status: StatusSet::new(vec!["401".parse().unwrap()]),
        expired_location: "/login".to_owned(),
        expired_marker: marker.map(str::to_owned),
        browser_cookies: vec!["XSRF-TOKEN".to_owned()],
    };
    settings.credentials.by_name.insert(account(), Credential::Form(Arc::new(form)));
    Pool::new(Arc::new(balanced(settings)))
}

fn person(seed: u64) -> Errand {
    Errand { session: Some(SessionId::new(Timestamp::from_seconds(1), &SeededEntropy::new(seed))), ..NOBODY }
}

async fn whole(
    pool: &Rc<Pool>,
    errand: &Errand,
    mut request: Request<RequestBody>,
) -> Result<Response<ReplyBody>, UpstreamError> {
    let (permit, journaled) = (Permit::assertion(), Journaled::assertion());
    send_as(pool, &mut request, errand, Some(&account()), &permit, &journaled).await
}

/// The application's session under which somebody was answered.
async fn session_of(pool: &Rc<Pool>, errand: &Errand, request: Request<RequestBody>) -> String {
    let reply = whole(pool, errand, request).await.unwrap();
    assert_eq!(reply.status(), 200, "{:?}", reply.headers().get(LOCATION));
    let set: Vec<_> = reply.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(set, ["XSRF-TOKEN=x; Path=/"], "the browser sees nothing else");
    String::from_utf8(read_bounded(reply.into_body(), 1024).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn each_person_is_signed_in_once_with_a_session_that_no_browser_sees() {
    let run = async {
        let known = Rc::new(Known::default());
        let pool = application_with_form(&known, PASSWORD, None).await;
        let (nora, rosa) = (person(1), person(2));
        for _ in 0..3 {
            let mut forged = request(Method::GET, "");
            forged.headers_mut().insert(COOKIE, "SID=s2; sid=s2".parse().unwrap());
            assert_eq!(session_of(&pool, &nora, forged).await, "s1");
        }
        assert_eq!(session_of(&pool, &rosa, request(Method::GET, "")).await, "s2");
        assert_eq!(known.forms.get(), 2);
        pool.upstream().forget(|_| false);
        assert_eq!(session_of(&pool, &nora, request(Method::GET, "")).await, "s3", "signed out, signed in");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn when_the_applications_session_has_expired_one_signs_in_once_more_and_nothing_is_lost_or_done_twice()
{
    let run = async {
        for marker in [None, Some("login-form")] {
            let known = Rc::new(Known::default());
            known.shows_form.set(marker.is_some());
            let pool = application_with_form(&known, PASSWORD, marker).await;
            let nora = person(1);
            assert_eq!(session_of(&pool, &nora, request(Method::POST, "order=1")).await, "s1");
            known.sessions.borrow_mut().clear();
            assert_eq!(session_of(&pool, &nora, request(Method::POST, "order=2")).await, "s2", "{marker:?}");
            assert_eq!(*known.orders.borrow(), ["order=1", "order=2"]);
            assert_eq!(known.forms.get(), 2);
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn many_requests_at_once_sign_in_once() {
    let run = async {
        let known = Rc::new(Known::default());
        let pool = application_with_form(&known, PASSWORD, None).await;
        let nora = person(1);
        let all = (0..8).map(|_| session_of(&pool, &nora, request(Method::GET, "")));
        assert_eq!(futures_util::future::join_all(all).await, ["s1"; 8]);
        assert_eq!(known.forms.get(), 1);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_password_that_is_refused_is_not_tried_again_and_again_and_stands_in_no_error() {
    let run = async {
        let known = Rc::new(Known::default());
        let pool = application_with_form(&known, "wrong horse", None).await;
        let mut faults = Vec::new();
        for seed in 1..5 {
            let failed = whole(&pool, &person(seed), request(Method::GET, "")).await.unwrap_err();
            assert_eq!(failed.reason().as_str(), "upstream-sign-in-failed");
            let printed = format!("{failed:?} {failed} {:?}", pool.settings());
            assert!(!printed.contains("wrong horse"), "{printed}");
            let UpstreamError::SignIn(fault) = failed else { panic!("{failed:?}") };
            faults.push(fault);
        }
        let waiting = SignInFault::Waiting;
        assert_eq!(faults, [SignInFault::Refused, waiting, waiting, waiting]);
        assert_eq!(known.forms.get(), 1, "or the account would be locked");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_page_that_was_looked_into_is_passed_on_whole() {
    let run = async {
        let text = "x".repeat(300_000);
        let page = html(&text, "");
        let address = server(move |request, _| {
            let reply = if request.starts_with("GET /x") { page.clone() } else { found("/home", "") };
            async move { reply }
        })
        .await;
        let known = Rc::new(Known::default());
        let pool = application_with_form(&known, PASSWORD, Some("login-form")).await;
        let mut settings = pool.settings().clone();
        settings.servers = settings_of(&[address]).servers;
        let pool = Pool::new(Arc::new(balanced(settings)));
        for _ in 0..2 {
            let reply = whole(&pool, &person(1), request(Method::GET, "")).await.unwrap();
            assert_eq!(http_body::Body::size_hint(reply.body()).exact(), Some(300_000));
            assert_eq!(read_bounded(reply.into_body(), 400_000).await.unwrap(), text);
        }
        assert_eq!(pool.upstream().report().servers[0].1.in_flight, 0);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_browser_is_never_asked_for_the_password_of_an_account_of_ours() {
    let run = async {
        let text = "HTTP/1.1 401 X\r\nwww-authenticate: Basic realm=x\r\ncontent-length: 0\r\n\r\n";
        let address = server(move |_, _| async move { text.to_owned() }).await;
        let mut settings = settings_of(&[address]);
        let name = http::header::AUTHORIZATION;
        let value = Secret::new("Basic d3Jvbmc6aG9yc2U=".to_owned());
        settings.credentials.by_name.insert(account(), Credential::Header { name, value });
        let pool = Pool::new(Arc::new(balanced(settings)));
        let failed = whole(&pool, &person(1), request(Method::GET, "")).await.unwrap_err();
        assert!(matches!(failed, UpstreamError::SignIn(SignInFault::Refused)), "{failed:?}");
        assert_eq!(
            ask(&pool, request(Method::GET, "")).await.unwrap().0,
            401,
            "without an account it passes"
        );
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_password_that_is_put_right_is_used_at_once_and_an_account_that_was_changed_is_left() {
    let run = async {
        let known = Rc::new(Known::default());
        let wrong = application_with_form(&known, "wrong horse", None).await;
        whole(&wrong, &person(1), request(Method::GET, "")).await.unwrap_err();
        let right = application_with_form(&known, PASSWORD, None).await;
        let reloaded = |settings: &UpstreamSettings, before: &Rc<Pool>| {
            let mut upstream = balanced(settings.clone());
            upstream.inherit(before.upstream());
            Pool::new(Arc::new(upstream))
        };
        let put_right = reloaded(right.settings(), &wrong);
        assert_eq!(session_of(&put_right, &person(1), request(Method::GET, "")).await, "s2");
        let same = reloaded(right.settings(), &put_right);
        assert_eq!(
            session_of(&same, &person(1), request(Method::GET, "")).await,
            "s2",
            "a reload signs nobody out"
        );
        let changed = reloaded(wrong.settings(), &same);
        whole(&changed, &person(1), request(Method::GET, "")).await.unwrap_err();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn whoever_still_signs_in_with_the_password_before_leaves_nothing_behind() {
    let run = async {
        let known = Rc::new(Known::default());
        let before = application_with_form(&known, PASSWORD, None).await;
        let mut settings = before.settings().clone();
        let Some(Credential::Form(form)) = settings.credentials.by_name.remove(&account()) else { panic!() };
        let mut form = (*form).clone();
        form.secret.1 = Secret::new("another horse".to_owned());
        settings.credentials.by_name.insert(account(), Credential::Form(Arc::new(form)));
        let mut upstream = balanced(settings);
        upstream.inherit(before.upstream());
        let now = Pool::new(Arc::new(upstream));
        // Requests that began under the rules before: one is signed in, one refused.
        assert_eq!(session_of(&before, &person(1), request(Method::GET, "")).await, "s1");
        whole(&now, &person(1), request(Method::GET, "")).await.unwrap_err();
        assert_eq!(known.forms.get(), 2, "it has tried the new password, not the old cookies");
        assert_eq!(
            session_of(&before, &person(2), request(Method::GET, "")).await,
            "s3",
            "nor the other way"
        );
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_trial_signs_in_by_the_form_once_and_asks_for_what_strangers_do_not_get() {
    let run = async {
        let id = RequestId::new(Timestamp::from_seconds(1), &SeededEntropy::new(1));
        for marker in [None, Some("login-form")] {
            let known = Rc::new(Known::default());
            known.shows_form.set(marker.is_some());
            let (home, login) = ("/home".parse().unwrap(), "/login".parse().unwrap());
            for (password, test, expected) in [
                (PASSWORD, &home, Answer::Accepted),
                ("wrong horse", &home, Answer::Refused),
                // The form is taken, and what comes then is the form again.
                (PASSWORD, &login, if marker.is_some() { Answer::Refused } else { Answer::Accepted }),
            ] {
                let pool = application_with_form(&known, password, marker).await;
                let account = &pool.settings().credentials.by_name[&account()];
                let trial = Trial { settings: pool.settings(), test, host: "ehr.example" };
                let forms = known.forms.get();
                trial.ask_as_stranger(0, account, id).await.unwrap();
                assert_eq!(known.forms.get(), forms, "a stranger sends no form");
                assert_eq!(trial.ask_as(0, account, id).await.unwrap(), expected, "{test} {marker:?}");
                assert_eq!(known.forms.get(), forms + 1);
            }
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_page_that_breaks_off_while_it_is_looked_into_is_not_taken_for_whole() {
    let run = async {
        let broken =
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
        let address = server(move |request, _| {
            let is_page = request.starts_with("GET /x");
            async move { if is_page { format!("{broken}no size\r\n") } else { found("/home", "") } }
        })
        .await;
        let pool = application_with_form(&Rc::new(Known::default()), PASSWORD, Some("login-form")).await;
        let mut settings = pool.settings().clone();
        settings.servers = settings_of(&[address]).servers;
        let pool = Pool::new(Arc::new(balanced(settings)));
        let reply = whole(&pool, &person(1), request(Method::GET, "")).await.unwrap();
        assert!(read_bounded(reply.into_body(), 1024).await.is_err());
    };
    LocalSet::new().run_until(run).await;
}
