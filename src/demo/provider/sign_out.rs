//! Sign-out at the provider (OpenID Connect RP-Initiated Logout 1.0).

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::{SESSION_COOKIE, Shared, cookie, page, refusal, set_cookie};

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
    confirmed: Option<String>,
}

/// Ends the session of the ID token at once; without one, asks the person first.
pub(super) async fn sign_out(
    State(provider): Shared,
    headers: HeaderMap,
    parameters: Result<Form<Parameters>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(parameters)) = parameters else {
        return refusal(StatusCode::BAD_REQUEST, "The request cannot be read.");
    };
    let now = provider.clock.now();
    let claims = parameters.id_token_hint.as_deref().and_then(|token| provider.key.claims(token));
    let text = |name: &str| claims.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let (hinted_sub, hinted_sid) = (text("sub"), text("sid"));
    if hinted_sub.is_none() && parameters.confirmed.is_none() {
        // Anybody can make a browser come here: without the hint that only the client has, it is the
        // person who decides.
        return page(
            "Sign out?",
            "<form class=\"card\" method=\"post\" action=\"/sign-out\"><input type=\"hidden\" name=\"confirmed\" value=\"yes\">\
             <button>Sign out of everything</button></form>",
        );
    }

    let session_cookie = cookie(&headers, SESSION_COOKIE);
    {
        let mut memory = provider.memory();
        memory.sessions.remove_where(|session| hinted_sid.as_ref() == Some(&session.sid));
        if let Some(ticket) = session_cookie {
            let same = memory.sessions.look_up(ticket, now).is_some_and(|session| {
                hinted_sub.as_deref().is_none_or(|sub| sub == session.person.username)
            });
            if same {
                memory.sessions.take(ticket, now);
            }
        }
    }
    // Where to is believed only together with the hint.
    let back = parameters
        .post_logout_redirect_uri
        .filter(|address| hinted_sub.is_some() && provider.settings.is_client_page(address))
        .and_then(|address| Url::parse(&address).ok());
    let mut response = match back {
        Some(mut address) => {
            if let Some(state) = &parameters.state {
                address.query_pairs_mut().append_pair("state", state);
            }
            Redirect::to(address.as_str()).into_response()
        }
        None => page("Signed out", "<p>You are signed out.</p>"),
    };
    set_cookie(&mut response, SESSION_COOKIE, "");
    response
}
