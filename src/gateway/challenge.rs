//! Sign in, step up, justify: how a challenge is put, to a person by leading them there, to a program
//! by `WWW-Authenticate` (RFC 6750, RFC 9470).

use http::HeaderValue;

use super::chooser::Door;
use super::handle::Moment;
use super::manner::{Audience, Manner};
use super::refusal::Refusal;
use super::{callback, pages, turnstile};
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::decision::Challenge;
use crate::domain::reason::Reason;
use crate::domain::risk::Sign;
use crate::features::authn::{Again, AuthnError, Current, ReturnTo, SignIn};
use crate::features::session::Session;
use crate::foundation::id::HoldId;
use crate::foundation::secret::Secret;

/// Where a person is led.
#[derive(Debug)]
pub struct Redirect {
    /// The address.
    pub location: String,
    /// The cookie that binds the sign-in to the browser, if there is a new one.
    pub set_cookie: Option<String>,
}

/// Where a refused request leads at once: a person whose request can be repeated, and who has a step
/// to take. All others are told.
pub async fn redirect(
    moment: &Moment,
    refusal: &Refusal,
    manner: &Manner,
) -> Result<Option<Redirect>, Refusal> {
    let Refusal::Challenge(challenged) = refusal.alone() else { return Ok(None) };
    if manner.audience() != Audience::Person || !manner.is_repeatable() {
        return Ok(None);
    }
    let return_to = refusal.return_to().unwrap_or_else(|| manner.target());
    let need = match &challenged.step {
        // What waits for its person to come back says so first: whoever is there may be somebody else.
        Challenge::SignIn if challenged.reason == Reason::SessionLocked => return Ok(None),
        Challenge::SignIn => None,
        // Whoever is asked for more than usual is told why first.
        Challenge::StepUp(_, reason) if Sign::of(*reason).is_some() => return Ok(None),
        Challenge::StepUp(need, _) => Some(need),
        // The page that is shown is the form.
        Challenge::Justify | Challenge::BreakGlass => return Ok(None),
        Challenge::Purpose(_) => {
            let location = pages::purpose_address(return_to);
            return Ok(Some(Redirect { location, set_cookie: None }));
        }
    };
    let session = challenged.known.as_ref().map(|known| &*known.session);
    let provider = match session.filter(|_| need.is_some()) {
        // What a step-up proves is for the provider to say that vouches for the session.
        Some(session) => session.provider.clone(),
        None => match Door::of(&challenged.application, manner) {
            Door::At(provider) => provider,
            Door::Choose => {
                let location = pages::sign_in_address(return_to);
                return Ok(Some(Redirect { location, set_cookie: None }));
            }
        },
    };
    let leading = Leading {
        provider: &provider,
        need,
        session,
        again: Again::No,
        return_to,
        held: None,
        login_hint: None,
    };
    begin(moment, leading, manner).await.map(Some)
}

/// A sign-in that a person is led to.
#[derive(Debug)]
pub struct Leading<'a> {
    /// At which provider.
    pub provider: &'a ProviderName,
    /// What is to be proven, for a step-up.
    pub need: Option<&'a AssuranceNeed>,
    /// The session that goes on if its person comes back.
    pub session: Option<&'a Session>,
    /// Whether they have to authenticate although the provider knows them.
    pub again: Again,
    /// Where they want to go.
    pub return_to: &'a str,
    /// What is kept of what they typed, and had them sign in.
    pub held: Option<HoldId>,
    /// Who they say that they are, for the provider's form.
    pub login_hint: Option<&'a str>,
}

/// Begins a sign-in at the provider, and says where to go.
pub async fn begin(moment: &Moment, leading: Leading<'_>, manner: &Manner) -> Result<Redirect, Refusal> {
    turnstile::sign_in(moment)?;
    let Leading { provider, need, session, again, return_to, held, login_hint } = leading;
    let binding = manner.binding();
    let sign_in = SignIn {
        provider,
        redirect_uri: &callback::uri(moment, provider, manner.authority()),
        return_to: ReturnTo::new(return_to),
        need,
        current: session.map(|session| Current {
            session: session.id,
            provider: session.provider.clone(),
            subject: session.subject.id(),
        }),
        again,
        client: moment.client,
        binding: binding.as_ref().map(Secret::reveal),
        held,
        login_hint,
    };
    moment
        .worker
        .shared
        .authn
        .begin(sign_in, moment.now)
        .await
        .map(|begun| Redirect { location: begun.location, set_cookie: begun.set_cookie })
        .map_err(|error| failed(error, return_to))
}

/// A sign-in that went wrong, as a refusal.
pub fn failed(error: AuthnError, return_to: &str) -> Refusal {
    if let AuthnError::AssuranceNotProven { unproven, return_to } = error {
        return Refusal::AssuranceNotProven(unproven, return_to.as_str().to_owned());
    }
    if let AuthnError::Store(error) = &error {
        tracing::error!(%error, "a sign-in could not be kept");
        return Refusal::StoreUnavailable;
    }
    Refusal::SignInFailed(error, return_to.to_owned())
}

/// What a program has to bring.
pub fn www_authenticate(moment: &Moment, refusal: &Refusal) -> HeaderValue {
    let plain = HeaderValue::from_static("Bearer realm=\"leastway\"");
    let Refusal::Challenge(challenged) = refusal.alone() else { return plain };
    let Challenge::StepUp(need, _) = &challenged.step else { return plain };
    let provider = challenged.known.as_ref().map(|known| &known.session.provider);
    let assurances = provider.and_then(|provider| moment.current.rules.assurances.get(provider));
    let acr_values = assurances.and_then(|classes| classes.get(&need.class));
    let mut text = String::from("Bearer error=\"insufficient_user_authentication\"");
    if let Some(acr_values) = acr_values.filter(|values| !values.is_empty()) {
        text = format!("{text}, acr_values=\"{}\"", acr_values.join(" "));
    }
    if let Some(fresh) = need.fresh {
        text = format!("{text}, max_age=\"{}\"", fresh.as_secs());
    }
    HeaderValue::from_str(&text).unwrap_or(plain)
}
