//! Two providers at one application: people choose, or say their address; a browser remembers where; and nobody is taken
//! for somebody of the other, whose names and groups are the same.

use std::sync::Arc;
use std::time::Duration;

use leastway::app::reload::Reloaded;
use leastway::demo::browser::{Browser, Caller, Reply, form_fields};
use leastway::demo::people::Person;
use leastway::demo::{Clinic, Ports, WorkDirectory};
use leastway::domain::reason::Reason;
use leastway::domain::revocation::Cause;
use leastway::domain::subject::SubjectId;
use leastway::features::session::SessionSummary;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use leastway::foundation::entropy::SystemEntropy;

use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;

const MINUTE: Duration = Duration::from_secs(60);
const SIGN_IN: &str = "/.leastway/sign-in";
const REMEMBERED: &str = "__Host-leastway-p";
/// What people of the partner may do here: less than those of the clinic, though their groups have the same names.
const GUEST: &str = "[role.guest]\ngroups = [\"clinic-nursing\"]\nproviders = [\"partner\"]\npurposes = [\"operations\"]\n\
                     [[role.guest.may]]\napplication = \"ehr\"\nactions = [\"view\", \"search\", \"list\"]\n\
                     categories = [\"demographics\", \"schedule\"]\n\
                     [[role.guest.may]]\napplication = \"ehr\"\nactions = [\"export\"]\n\
                     categories = [\"demographics\"]\nwhen = { assurance = \"mfa\", fresh = \"15m\" }\n";

/// A house of two providers: the clinic's, and a partner's.
struct Houses {
    house: House,
    clock: Arc<TestClock>,
    partner: u16,
    _others: Clinic,
}

impl Houses {
    async fn open() -> Self {
        Self::furnish("").await
    }

    /// With more to be said of the partner.
    async fn furnish(more: &str) -> Self {
        let clock = Arc::new(TestClock::at(SystemClock.now()));
        let mut others = None;
        let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
            let ports = Ports { gateway: gateway_port(directory), provider: 0, ehr: 0, console: 0, control: 0 };
            let partner = Clinic::open(directory, ports, clock.clone(), Arc::new(SystemEntropy));
            let partner = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(partner)).unwrap();
            let provider = format!(
                "[[provider]]\nname = \"partner\"\ntitle = \"Partner hospital\"\ndomains = [\"partner.example\"]\n\
                 issuer = \"https://id.localhost:{0}\"\nconnect_to = \"127.0.0.1:{0}\"\nclient_id = \"leastway\"\n\
                 client_secret = \"file:secrets/client-secret\"\nauthorities = \"file:certs/authority.pem\"\n\
                 scopes = [\"openid\", \"profile\", \"groups\"]\n{1}\n\
                 assurance.mfa = {{ ask = {{ acr_values = \"urn:leastway-demo:mfa\" }}, proof = {{ acr = \"urn:leastway-demo:mfa\" }} }}\n",
                partner.provider().port(), more
            );
            others = Some(partner);
            append(&directory.configuration(), &provider);
            let ehr = directory.root().join("applications/ehr.toml");
            edit(&ehr, "provider = \"clinic\"", "provider = [\"clinic\", \"partner\"]");
            edit(&ehr, "identity_headers = [\"remote_user\"]", "");
            let roles = directory.root().join("roles.toml");
            edit(&roles, "\npurposes = ", "\nproviders = [\"clinic\"]\npurposes = ");
            append(&roles, GUEST);
        })
        .await;
        let others = others.unwrap();
        Self { house, clock, partner: others.provider().port(), _others: others }
    }

    async fn ask(&self, browser: &mut Browser, path: &str) -> Reply {
        browser.open(&format!("{}{path}", self.house.ehr())).await.unwrap()
    }

    /// Sends the form of a page where one chooses, with this.
    async fn choose(&self, browser: &mut Browser, page: &Reply, (name, value): (&str, &str)) -> Reply {
        let hidden = form_fields(&page.text(), SIGN_IN).unwrap_or_else(|| panic!("{}", page.text()));
        let hidden =
            hidden.iter().filter(|(name, _)| *name != "email").map(|(name, it)| (name.as_str(), it.as_str()));
        let fields: Vec<_> = hidden.chain([(name, value)]).collect();
        browser.submit(&format!("{}{SIGN_IN}", self.house.ehr()), &fields).await.unwrap()
    }

    /// Fills in the page of whichever provider it is.
    async fn enter(&self, browser: &mut Browser, page: &Reply, username: &str) -> Reply {
        let ticket = form_fields(&page.text(), "/sign-in").unwrap_or_else(|| panic!("{}", page.text()));
        let person = Person::named(username).unwrap();
        let fields =
            [("username", person.username), ("password", person.password), ("ticket", &ticket["ticket"])];
        let provider = format!("{}/sign-in", page.url.origin().ascii_serialization());
        browser.submit(&provider, &fields).await.unwrap()
    }

    /// A browser in which somebody of a provider has signed in.
    async fn signed_in(&self, provider: &str, username: &str) -> Browser {
        let mut browser = self.house.browser();
        let page = self.ask(&mut browser, "/").await;
        let page = self.choose(&mut browser, &page, ("provider", provider)).await;
        let back = self.enter(&mut browser, &page, username).await;
        assert_eq!((back.status.as_u16(), back.url.path()), (200, "/"), "{}", back.text());
        browser
    }

    fn sessions(&self) -> Vec<SessionSummary> {
        self.house.running.shared.sessions.list(100, self.clock.now())
    }
}

fn gateway_port(directory: &WorkDirectory) -> u16 {
    let text = std::fs::read_to_string(directory.configuration()).unwrap();
    let (_, rest) = text.split_once("listen = [\"127.0.0.1:").unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

fn port(reply: &Reply) -> u16 {
    assert_eq!(reply.url.host_str(), Some("id.localhost"), "{}: {}", reply.url, reply.text());
    reply.url.port().unwrap()
}

fn is_choice(reply: &Reply) -> bool {
    reply.url.path() == SIGN_IN && reply.text().contains("Where do you sign in?")
}

/// The first link of a page to a sign-in that has this in it.
fn link(page: &Reply, having: &str) -> String {
    let text = page.text().replace("&#38;", "&").replace("&amp;", "&");
    let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut found = links.filter(|link| link.starts_with(SIGN_IN) && link.contains(having));
    found.next().unwrap_or_else(|| panic!("no link with {having}: {text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_choose_once_and_the_browser_remembers_where() {
    let houses = Houses::open().await;
    let mut browser = houses.house.browser();
    let page = houses.ask(&mut browser, "/patients/100001").await;
    assert!(page.status == 200 && is_choice(&page), "{}", page.text());
    assert!(page.text().contains(">clinic</button>") && page.text().contains(">Partner hospital</button>"));
    let at = houses.choose(&mut browser, &page, ("provider", "clinic")).await;
    assert_eq!(port(&at), houses.house.ports.provider);
    assert_eq!(browser.cookie("ehr.localhost", REMEMBERED), None, "nobody has come yet");
    let back = houses.enter(&mut browser, &at, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients/100001"));
    assert_eq!(browser.cookie("ehr.localhost", REMEMBERED), Some("clinic"));

    // The next time it goes without a page, until they sign out: whoever comes next may be of the other provider.
    houses.clock.advance(13 * 60 * MINUTE);
    browser.forget("id.localhost");
    let at = houses.ask(&mut browser, "/").await;
    assert_eq!(port(&at), houses.house.ports.provider);
    assert_eq!(houses.enter(&mut browser, &at, "nurse").await.status, 200);
    browser.submit(&format!("{}/.leastway/sign-out", houses.house.ehr()), &[]).await.unwrap();
    assert_eq!(browser.cookie("ehr.localhost", REMEMBERED), None);
    let page = houses.ask(&mut browser, "/").await;
    assert!(is_choice(&page), "{}", page.text());

    // Whoever wants another one finds it on our pages.
    let out = houses.ask(&mut browser, "/.leastway/signed-out").await;
    let page = houses.ask(&mut browser, &link(&out, "elsewhere=1")).await;
    assert!(is_choice(&page), "{}", page.text());
    let at = houses.choose(&mut browser, &page, ("provider", "partner")).await;
    assert_eq!(port(&at), houses.partner);
    assert_eq!(houses.enter(&mut browser, &at, "nurse").await.status, 200);
    assert_eq!(browser.cookie("ehr.localhost", REMEMBERED), Some("partner"));

    // A device of a class is for whoever comes to it.
    append(&houses.house.directory.configuration(), "[device.desk]\nnetworks = [\"127.0.0.1\"]\n");
    assert!(matches!(houses.house.running.reload().await, Reloaded::Swapped(_)));
    let shared = houses.signed_in("clinic", "nurse").await;
    assert_eq!(shared.cookie("ehr.localhost", REMEMBERED), None);

    // A program is told as ever, and the console, which takes one, asks nobody.
    let once = browser.once(Caller::Program, &format!("{}/", houses.house.ehr())).await.unwrap();
    assert_eq!(once.status, 200);
    let mut program = houses.house.browser();
    let told = program.once(Caller::Program, &format!("{}/", houses.house.ehr())).await.unwrap();
    assert_eq!((told.status.as_u16(), told.header("content-type")), (401, "application/problem+json"));
    let console = format!("https://console.localhost:{}/", houses.house.ports.gateway);
    let page = houses.house.browser().open(&console).await.unwrap();
    assert_eq!(port(&page), houses.house.ports.provider);
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_leads_to_its_provider_and_is_kept_nowhere() {
    const MARKER: &str = "maria.marker@Partner.Example";
    let houses = Houses::open().await;
    let mut browser = houses.house.browser();
    let page = houses.ask(&mut browser, "/").await;
    for (entered, says) in
        [("maria.marker@elsewhere.example", "none of the organizations"), ("maria", "not an e-mail address")]
    {
        let told = houses.choose(&mut browser, &page, ("email", entered)).await;
        assert!(told.status == 422 && told.text().contains(says), "{}", told.text());
        assert!(told.text().contains("value=\"partner\"") && told.header("cache-control") == "no-store");
    }
    let told = houses.choose(&mut browser, &page, ("provider", "no-such")).await;
    assert!(told.status == 422 && is_choice(&told), "{}", told.text());
    let at = houses.choose(&mut browser, &page, ("email", MARKER)).await;
    assert_eq!(port(&at), houses.partner);
    assert!(at.text().contains(&format!("value=\"{MARKER}\"")), "filled in: {}", at.text());
    assert_eq!(houses.enter(&mut browser, &at, "nurse").await.status, 200);

    // Of another site's making it is nothing.
    let host = format!("ehr.localhost:{}", houses.house.ports.gateway);
    let form = "provider=partner&return_to=/";
    let head = format!(
        "host: {host}\r\norigin: https://evil.example\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nconnection: close",
        form.len()
    );
    let raw = format!("POST {SIGN_IN} HTTP/1.1\r\n{head}\r\n\r\n{form}");
    assert_eq!(houses.house.raw("ehr.localhost", &raw).await, 403);

    // Neither events nor the store have any of it.
    houses.house.running.stop().await.unwrap();
    let mut folders = vec![houses.house.directory.root().join("data")];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = std::fs::read(&entry).unwrap();
            looked += 1;
            assert!(memchr::memmem::find(&bytes, b"maria.marker").is_none(), "{}", entry.display());
        }
    }
    assert!(looked > 2, "{looked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_name_at_two_providers_is_two_people() {
    let houses = Houses::open().await;
    let mut clinic = houses.signed_in("clinic", "nurse").await;
    let mut partner = houses.signed_in("partner", "nurse").await;
    // The same group at the partner is another group: it gives what the partner's role may do, and no charts.
    assert_eq!(houses.ask(&mut clinic, "/patients/100001/chart").await.status, 200);
    assert_eq!(houses.ask(&mut partner, "/patients").await.status, 200);
    let denied = houses.ask(&mut partner, "/patients/100001/chart").await;
    assert_eq!((denied.status.as_u16(), denied.header("x-leastway-reason")), (403, "no-rule-matched"));
    let me = houses.ask(&mut partner, "/.leastway/me").await.text();
    assert!(me.contains("guest") && !me.contains("<dd>nurse</dd>") && me.contains("partner"), "{me}");

    // Nobody sees, or ends, the sessions of the other.
    let sessions = houses.sessions();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|one| &*one.sub == "nurse"));
    let stand = &houses.house.running.shared.sessions;
    for one in &sessions {
        let port =
            if one.provider.as_str() == "partner" { houses.partner } else { houses.house.ports.provider };
        let issuer = format!("https://id.localhost:{port}").into();
        let theirs = stand.list_theirs(&SubjectId { issuer, sub: one.sub.clone() }, houses.clock.now());
        assert_eq!(theirs.iter().map(|it| it.id).collect::<Vec<_>>(), [one.id]);
    }
    let all = [("all", "1")];
    partner.submit(&format!("{}/.leastway/me/end", houses.house.ehr()), &all).await.unwrap();
    assert_eq!(houses.sessions().len(), 2);

    // Who was refused goes to the other provider from the page that says so; what they had here ends.
    let page = houses.ask(&mut partner, &link(&denied, "elsewhere=1")).await;
    assert!(is_choice(&page));
    // At their own they are asked who they are, or they would come back as who they were.
    assert_eq!(port(&houses.choose(&mut partner, &page, ("provider", "partner")).await), houses.partner);
    let at = houses.choose(&mut partner, &page, ("provider", "clinic")).await;
    let back = houses.enter(&mut partner, &at, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients/100001/chart"));
    let left = houses.sessions();
    assert!(left.len() == 2 && left.iter().all(|one| one.provider.as_str() == "clinic"), "{left:?}");
    let events = houses.house.stop().await;
    let causes: Vec<_> =
        events.iter().filter_map(|event| Some(event.opening.revocation.as_ref()?.cause)).collect();
    assert_eq!(causes, [Cause::OwnList, Cause::OtherPerson]);
    assert!(events.iter().any(|event| event.opening.reasons.contains(&Reason::NoRuleMatched)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_session_and_a_step_up_go_to_the_provider_of_the_session() {
    let houses = Houses::open().await;
    let mut browser = houses.signed_in("partner", "nurse").await;
    let at = houses.ask(&mut browser, "/reports/patients?export=csv").await;
    assert_eq!(port(&at), houses.partner, "the step-up");
    assert!(
        at.url.query().unwrap_or_default().contains("mfa") || at.text().contains("code"),
        "{}",
        at.text()
    );

    houses.clock.advance(15 * MINUTE);
    let page = houses.ask(&mut browser, "/patients").await;
    assert_eq!((page.status.as_u16(), page.header("x-leastway-reason")), (401, "session-locked"));
    let not_me = link(&page, "elsewhere=1");
    assert!(not_me.contains("anew=1"), "{not_me}");
    assert!(is_choice(&houses.ask(&mut browser, &not_me).await));
    let at = houses.ask(&mut browser, &link(&page, "return_to=%2Fpatients")).await;
    assert_eq!(port(&at), houses.partner, "the lock");
    let back = houses.enter(&mut browser, &at, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients"));
    assert_eq!(houses.sessions().len(), 1);

    // Somebody of the other provider, whose name is the same, unlocks nothing.
    houses.clock.advance(15 * MINUTE);
    let page = houses.ask(&mut browser, "/patients").await;
    let page = houses.ask(&mut browser, &link(&page, "elsewhere=1")).await;
    let at = houses.choose(&mut browser, &page, ("provider", "clinic")).await;
    let before = houses.sessions()[0].id;
    assert_eq!(houses.enter(&mut browser, &at, "nurse").await.status, 200);
    let after = houses.sessions();
    assert!(after.len() == 1 && after[0].id != before && after[0].provider.as_str() == "clinic", "{after:?}");
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_by_one_provider_is_none_where_only_the_other_is_admitted() {
    let houses = Houses::open().await;
    let mut browser = houses.signed_in("partner", "nurse").await;
    let Houses { house, partner, _others, .. } = houses;
    edit(&house.file("applications/ehr.toml"), "[\"clinic\", \"partner\"]", "\"clinic\"");
    let roles = house.file("roles.toml");
    let text = std::fs::read_to_string(&roles).unwrap();
    std::fs::write(&roles, text.replace(GUEST, "")).unwrap();
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(port(&page), house.ports.provider, "though {partner} is remembered");
    let told = browser.once(Caller::Program, &format!("{}/", house.ehr())).await.unwrap();
    assert_eq!((told.status.as_u16(), told.header("x-leastway-reason")), (401, "sign-in-required"));
    assert_eq!(house.reached(), 1, "what was asked before");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_work_comes_through_the_choice() {
    let houses = Houses::open().await;
    let mut browser = houses.house.browser();
    let notes = format!("{}/patients/100001/notes", houses.house.ehr());
    let told = browser.submit(&notes, &[("text", "walks without pain"), ("kind", "progress")]).await.unwrap();
    assert_eq!(told.status, 401);
    let page = houses.ask(&mut browser, &link(&told, "hold=")).await;
    assert!(is_choice(&page), "{}", page.text());
    let at = houses.choose(&mut browser, &page, ("provider", "clinic")).await;
    let back = houses.enter(&mut browser, &at, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/.leastway/held"), "{}", back.text());
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_tabs_sign_in_at_once_and_finishing_one_lets_the_others_go_on() {
    let houses = Houses::open().await;
    let mut browser = houses.house.browser();
    let mut tabs = Vec::new();
    for number in 0..10 {
        let page = houses.ask(&mut browser, &format!("/patients?tab={number}")).await;
        assert!(is_choice(&page));
        let provider = if number % 2 == 0 { "clinic" } else { "partner" };
        tabs.push((number, houses.choose(&mut browser, &page, ("provider", provider)).await));
    }
    for (number, tab) in tabs.iter().rev() {
        let back = houses.enter(&mut browser, tab, "nurse").await;
        assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients"), "{number}: {}", back.text());
        assert_eq!(back.url.query(), Some(&*format!("tab={number}")));
    }
    assert_eq!(houses.sessions().len(), 1, "none goes on without a cookie");
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_of_anybodys_making_only_chooses() {
    let houses = Houses::open().await;
    let mut line = houses.house.line("ehr.localhost", Protocol::Http1).await;
    for (cookie, leads) in [
        ("__Host-leastway-p=partner", format!("https://id.localhost:{}/", houses.partner)),
        ("__Host-leastway-p=nobody", format!("{SIGN_IN}?")),
        ("__Host-leastway-p=../../x", format!("{SIGN_IN}?")),
        ("__Host-leastway-p=partner; __Host-leastway-p=clinic", format!("{SIGN_IN}?")),
    ] {
        let came = line.ask("/", &[("accept", "text/html"), ("cookie", cookie)]).await;
        let location = came.headers["location"].to_str().unwrap();
        assert!(came.status == 303 && location.starts_with(&leads), "{cookie}: {location}");
    }
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_of_its_own_takes_no_answer_of_another_provider() {
    let houses = Houses::furnish("own_callback = true").await;
    let mut line = houses.house.line("ehr.localhost", Protocol::Http1).await;
    let begin = [("accept", "text/html"), ("cookie", "__Host-leastway-p=partner")];
    let came = line.ask("/", &begin).await;
    let location = url::Url::parse(came.headers["location"].to_str().unwrap()).unwrap();
    let asked: std::collections::BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    let own = format!("{}/.leastway/callback/partner", houses.house.ehr());
    assert_eq!(asked["redirect_uri"], own);
    let binding = came.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    // The clinic's answer, with the state of the sign-in at the partner: no code goes to either.
    let state = &asked["state"];
    for path in ["/.leastway/callback", "/.leastway/callback/clinic"] {
        let answer = format!("{path}?code=of-the-clinic&state={state}");
        let told = line.ask(&answer, &[("accept", "text/html"), ("cookie", &binding)]).await;
        assert_eq!((told.status.as_u16(), told.reason()), (400, "sign-in-invalid"), "{path}");
    }
    assert!(houses.sessions().is_empty());
    houses.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_that_begin_at_once_in_a_new_browser_lead_to_their_pages_once_one_has_signed_in() {
    let houses = Houses::open().await;
    let mut line = houses.house.line("ehr.localhost", Protocol::Http1).await;
    // Neither request had a binding yet, so that each brings one, and the browser keeps the last.
    let fresh = [("accept", "text/html"), ("cookie", "__Host-leastway-p=clinic")];
    let first = line.ask("/patients?tab=1", &fresh).await;
    let location = url::Url::parse(first.headers["location"].to_str().unwrap()).unwrap();
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let mut browser = houses.signed_in("clinic", "nurse").await;
    let back = format!("{}/.leastway/callback?code=x&state={state}", houses.house.ehr());
    let page = browser.open(&back).await.unwrap();
    assert_eq!((page.status.as_u16(), page.url.query()), (200, Some("tab=1")), "{}", page.text());
    let mut stranger = houses.house.browser();
    let told = stranger.open(&back).await.unwrap();
    assert_eq!((told.status.as_u16(), told.header("x-leastway-reason")), (400, "sign-in-invalid"));
    // At the page where one chooses, the binding comes before anything begins.
    let page = houses.ask(&mut stranger, "/").await;
    assert!(is_choice(&page) && stranger.cookie("ehr.localhost", "__Host-leastway-b").is_some());
    houses.house.stop().await;
}
