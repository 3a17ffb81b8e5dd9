//! At which provider somebody signs in where an application admits several: at the one by which they came last in this
//! browser, or at the one that they choose on a page.
//!
//! What a browser remembers is the provider's name alone, in a cookie that whoever sits there can write: it says where a
//! sign-in begins, never who somebody is. An e-mail address leads to a provider and goes nowhere else: it comes in the
//! body of a form, and stands in no address of ours, no event and no log.

use std::collections::BTreeMap;

use http::StatusCode;
use http::uri::PathAndQuery;
use hyper::body::Incoming;

use super::challenge::{self, Leading};
use super::handle::{Answer, Moment};
use super::manner::Manner;
use super::normalize::{self, cookies::PROVIDER_COOKIE};
use super::own_paths::{Asked, FORM_BYTES_MAX, application, lead, one, parameter, show, with_cookie};
use super::pages::{ANEW, ChooseProblem, ChooseView, ELSEWHERE, Page};
use super::refusal::Refusal;
use super::sought::unread;
use super::subject::Person;
use super::unlock;
use crate::domain::application::ProviderName;
use crate::features::authn::{ReturnTo, binding_cookie};
use crate::features::route::table::Application;
use crate::foundation::entropy::random_text;
use crate::foundation::id::HoldId;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// The providers, as people see them.
pub type Faces = BTreeMap<ProviderName, Face>;

/// A provider, as people see it.
#[derive(Clone, Debug)]
pub struct Face {
    /// What it is called.
    pub title: String,
    /// The domains of its people's e-mail addresses, in lower case, ASCII.
    pub domains: Vec<String>,
    /// Whether they come back to a callback of its own.
    pub own_callback: bool,
}

/// Where a sign-in begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// At this provider.
    At(ProviderName),
    /// On the page where people choose.
    Choose,
}

impl Door {
    /// Where somebody signs in at an application who has not said where.
    pub fn of(application: &Application, manner: &Manner) -> Self {
        if let [only] = application.providers.as_slice() {
            return Self::At(only.clone());
        }
        // The cookie may be of other days, or of another's making.
        let remembered = manner.remembered().filter(|provider| application.admits(provider));
        remembered.map_or(Self::Choose, Self::At)
    }

    /// The same of a sign-in that a page of ours led to. A locked session is unlocked where it was opened.
    fn asked(application: &Application, asked: &Asked) -> Self {
        let is_choice = application.providers.len() > 1;
        match &asked.person {
            _ if is_choice && parameter(asked, ELSEWHERE).is_some() => Self::Choose,
            Person::Locked(locked) if application.admits(&locked.session.provider) => {
                Self::At(locked.session.provider.clone())
            }
            Person::Locked(_) | Person::Known(_) | Person::Nobody(_) => Self::of(application, &asked.manner),
        }
    }
}

/// What a sign-in is for.
struct Wish {
    /// Where the person wants to go.
    target: String,
    /// What is kept of what they typed. Whoever comes back has it, if nobody else does.
    held: Option<HoldId>,
    /// Whether they want to be asked who they are.
    anew: bool,
    /// Whether they have chosen where, and are not only led on.
    is_chosen: bool,
}

impl Wish {
    fn of(field: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            target: ReturnTo::new(&field("return_to").unwrap_or_default()).as_str().to_owned(),
            held: field("hold").and_then(|id| id.parse().ok()),
            anew: field(ANEW).is_some(),
            is_chosen: false,
        }
    }
}

/// Somebody wants to sign in: they are led to the provider, or asked to which.
pub async fn sign_in(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let wish = Wish::of(|name| parameter(asked, name));
    let application = application(moment, asked, &wish.target).ok_or(Refusal::HostUnknown)?;
    match Door::asked(application, asked) {
        Door::At(provider) => enter(moment, asked, &provider, &wish, None).await,
        Door::Choose => Ok(page(moment, asked, (&**application, &wish), "", None)),
    }
}

/// They have chosen, or said their e-mail address; a POST from a page of this host.
pub async fn chosen(moment: &Moment, asked: &Asked, incoming: Paced<Incoming>) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let wish = Wish { is_chosen: true, ..Wish::of(|name| one(&form, name)) };
    let application = application(moment, asked, &wish.target).ok_or(Refusal::HostUnknown)?;
    let named: Option<ProviderName> = one(&form, "provider").and_then(|name| name.parse().ok());
    if let Some(provider) = named.filter(|provider| application.admits(provider)) {
        return enter(moment, asked, &provider, &wish, None).await;
    }
    let entered = one(&form, "email").unwrap_or_default();
    let problem = match Address::read(&entered) {
        None => ChooseProblem::Unreadable,
        Some(address) => match address.leads_to(application, &moment.current.rules.faces) {
            Some(provider) => return enter(moment, asked, provider, &wish, Some(address.whole)).await,
            None => ChooseProblem::NobodysDomain,
        },
    };
    Ok(page(moment, asked, (&**application, &wish), &entered, Some(problem)))
}

/// The provider by which somebody has come is where they begin the next time, until they sign out. Nothing is kept where
/// there is no choice, nor on a device of a class: the next one who comes there may be of the other provider.
pub fn remember(moment: &Moment, asked: &Asked, target: &str, provider: &ProviderName) -> Option<String> {
    application(moment, asked, target)
        .filter(|found| found.providers.len() > 1 && moment.device.is_none())
        .map(|_| cookie(provider.as_str(), REMEMBERED_SECONDS))
}

/// Whoever signs out leaves the browser to the next one, who chooses anew.
pub fn forget(manner: &Manner) -> Option<String> {
    manner.remembered().map(|_| cookie("", 0))
}

fn cookie(provider: &str, seconds: u32) -> String {
    format!("{PROVIDER_COOKIE}={provider}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

/// Whether one could sign in at another provider for what is at `target`: then our pages offer it.
pub fn is_choice(moment: &Moment, manner: &Manner, target: &str) -> bool {
    let rules = &moment.current.rules;
    let host = manner.authority().rsplit_once(':').map_or(manner.authority(), |(host, _)| host);
    let host = host.to_ascii_lowercase();
    let at = |target: &PathAndQuery| {
        let (application, _) = normalize::locate(&rules.routes, &host, target).ok()?;
        Some(application.providers.len() > 1)
    };
    let at_target = ReturnTo::page(target).parse().ok().and_then(|target| at(&target));
    rules.faces.len() > 1 && at_target.or_else(|| at(&PathAndQuery::from_static("/"))) == Some(true)
}

async fn enter(
    moment: &Moment,
    asked: &Asked,
    provider: &ProviderName,
    wish: &Wish,
    login_hint: Option<&str>,
) -> Result<Answer, Refusal> {
    let present = asked.person.known().map(|known| &*known.session);
    // Whoever is here by this provider and chooses it may be somebody else: its own session would bring back the same.
    let is_again = wish.is_chosen && present.is_some_and(|it| it.provider == *provider);
    let (locked, again) = unlock::by_sign_in(&asked.person, provider, wish.anew || is_again);
    // By another provider comes another person, so that the session ends by which they go now.
    let other = present.filter(|it| it.provider != *provider);
    let leading = Leading {
        provider,
        need: None,
        session: locked.or(other),
        again,
        return_to: &wish.target,
        held: wish.held,
        login_hint,
    };
    Ok(lead(moment, &challenge::begin(moment, leading, &asked.manner).await?))
}

fn page(
    moment: &Moment,
    asked: &Asked,
    (application, wish): (&Application, &Wish),
    entered: &str,
    problem: Option<ChooseProblem>,
) -> Answer {
    let faces = &moment.current.rules.faces;
    let theirs = || application.providers.iter().filter_map(|name| Some((name, faces.get(name)?)));
    let view = ChooseView {
        doors: theirs().map(|(name, face)| (name.as_str(), face.title.as_str())).collect(),
        by_address: theirs().any(|(_, face)| !face.domains.is_empty()),
        return_to: &wish.target,
        held: wish.held,
        anew: wish.anew,
        entered,
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let answer = show(moment, asked, status, &Page::Choose(view));
    // From here several tabs may go on at once: they have one binding, and not each one of its own that replaces the others.
    if asked.manner.binding().is_some() {
        return answer;
    }
    with_cookie(answer, &binding_cookie(&random_text::<32>(&*moment.worker.shared.entropy)))
}

/// An e-mail address, as far as it says whose people somebody belongs to.
struct Address<'t> {
    whole: &'t str,
    /// In lower case, ASCII (IDNA).
    domain: String,
}

impl<'t> Address<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let whole = text.trim();
        let (local, domain) = whole.rsplit_once('@')?;
        let is_plain = !local.is_empty() && !whole.contains(|it: char| it.is_control() || it.is_whitespace());
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return None };
        (is_plain && whole.len() <= ADDRESS_BYTES_MAX).then_some(Self { whole, domain })
    }

    fn leads_to<'a>(&self, application: &'a Application, faces: &Faces) -> Option<&'a ProviderName> {
        let has =
            |name: &&ProviderName| faces.get(name).is_some_and(|face| face.domains.contains(&self.domain));
        application.providers.iter().find(has)
    }
}

/// The longest address that mail is sent to (RFC 5321 section 4.5.3.1.3, without its brackets).
const ADDRESS_BYTES_MAX: usize = 254;
const REMEMBERED_SECONDS: u32 = 30 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_by_its_domain_alone_and_in_one_spelling() {
        let domain = |text| Address::read(text).map(|address| address.domain);
        for (text, expected) in [
            ("maria@clinic.example", Some("clinic.example")),
            ("  Maria.Lopez@CLINIC.Example ", Some("clinic.example")),
            ("\"a@b\"@clinic.example", Some("clinic.example")),
            ("maria@klinik-münchen.example", Some("xn--klinik-mnchen-3ob.example")),
            ("maria", None),
            ("@clinic.example", None),
            ("maria@", None),
            ("maria lopez@clinic.example", None),
            ("maria@clinic.example\r\nx", None),
            ("maria@192.0.2.1", None),
            ("maria@clinic.example/x", None),
        ] {
            assert_eq!(domain(text).as_deref(), expected, "{text:?}");
        }
        assert!(Address::read(&format!("{}@clinic.example", "m".repeat(240))).is_none());
    }
}
