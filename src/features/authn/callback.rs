//! The way back: the response is matched with its transaction, the code exchanged, the ID token
//! verified, the person described, and what was asked for proven or not.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use openidconnect::core::{CoreErrorResponseType, CoreIdToken, CoreTokenResponse};
use openidconnect::{
    AccessToken, AuthorizationCode, HttpRequest, HttpResponse, OAuth2TokenResponse as _, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, StandardErrorResponse, TokenResponse as _,
};

use super::RelyingParty;
use super::assurance::{self, Answer};
use super::claims::{self, Claims};
use super::error::{self, AuthnError, IdTokenFault, ProviderFault, RefusalCode};
use super::id_token::{self, Expected, Verified};
use super::provider::{Asker, Discovered, Provider, check_endpoint};
use super::response::{AuthorizationResponse, Outcome};
use super::return_to::ReturnTo;
use super::transaction::Transaction;
use crate::domain::application::ProviderName;
use crate::domain::assurance::{Assurance, AssuranceNeed, Lack, Unproven};
use crate::domain::subject::{Subject, SubjectId};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{HoldId, SessionId};
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::FetchError;
use crate::platform::signed_token::TokenFault;

/// A sign-in that has succeeded.
#[derive(Debug)]
pub struct Finished {
    /// Who.
    pub subject: Subject,
    /// Every class that the answer proves, and when it was proven. Meets `need`.
    pub assurance: Assurance,
    /// When they authenticated by the provider's word, as late as the clocks allow; none where it does not say.
    pub authenticated: Option<Timestamp>,
    /// Whether there are groups of theirs that are not said here: the directory has to know them.
    pub groups_are_elsewhere: bool,
    /// Which provider vouches for them.
    pub provider: ProviderName,
    /// The provider's own session.
    pub sid: Option<Arc<str>>,
    /// The ID token, for the sign-out at the provider.
    pub id_token: Secret,
    /// Where the person wanted to go.
    pub return_to: ReturnTo,
    /// The session that the browser had when this began.
    pub previous: Previous,
    /// What was to be proven, and is.
    pub need: Option<AssuranceNeed>,
    /// When it was begun.
    pub begun: Timestamp,
    /// Whether the browser has come back like this time and again, and each time asked for the same page as somebody
    /// who is not signed in.
    pub goes_round: bool,
    /// What is kept of what the person typed, and had them sign in.
    pub held: Option<HoldId>,
}

/// The session that a browser had when its sign-in began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    /// It had none: a new session.
    None,
    /// It was this person's: the session goes on under a new token.
    Same(SessionId),
    /// It was somebody else's: it ends, and a new one begins.
    OfAnother(SessionId),
}

impl RelyingParty {
    /// Finishes the sign-in to which the callback's `query` belongs. `binding` is the value of the
    /// binding cookie, `redirect_uri` the callback that was called.
    pub async fn finish(
        &self,
        query: &str,
        binding: Option<&str>,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Finished, AuthnError> {
        let response = AuthorizationResponse::parse(query)?;
        let transaction = self.take(&response.state, binding, redirect_uri, now).await?;
        let provider = self.provider(&transaction.provider)?;
        if provider.settings.issuer != transaction.issuer {
            return Err(AuthnError::OtherIssuer);
        }
        let discovered = provider.discovered(now).await?;
        check_issuer(&discovered, &provider.settings.issuer, response.issuer.as_deref())?;
        let code = match response.outcome {
            Outcome::Code(code) => code,
            Outcome::Error(code) => return Err(refusal(code, transaction)),
        };
        let assertion = provider.assertion(&discovered, &*self.entropy, now)?;
        let tokens = exchange(&provider, &discovered, &code, &transaction, assertion).await?;
        let id_token = tokens.id_token().ok_or(AuthnError::IdToken(IdTokenFault::Missing))?;
        let expected = Expected {
            nonce: &transaction.nonce,
            begun: transaction.begun,
            access_token: tokens.access_token(),
        };
        // It comes from the provider itself, just now, so that it tells of its clock even where it does not hold.
        if let Some(issued) = id_token::issued(&id_token.to_string()) {
            provider.note_clock(issued, now);
        }
        let verified = verify(&provider, discovered.clone(), id_token, &expected, now).await?;
        let (subject, groups_are_elsewhere) =
            describe(&provider, &discovered, &verified, tokens.access_token()).await?;
        let assurance = prove(&provider, &verified, &tokens, &transaction, now)?;
        Ok(Finished {
            goes_round: self.transactions.goes_round(&transaction, now),
            previous: previous(&transaction, &subject.id()),
            subject,
            groups_are_elsewhere,
            assurance,
            authenticated: verified.auth_time.map(|moment| moment.plus(provider.settings.clock_skew)),
            provider: transaction.provider,
            sid: verified.sid,
            id_token: Secret::new(id_token.to_string()),
            return_to: transaction.return_to,
            need: transaction.need,
            begun: transaction.begun,
            held: transaction.held,
        })
    }
}

impl RelyingParty {
    async fn take(
        &self,
        state: &str,
        binding: Option<&str>,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Transaction, AuthnError> {
        if let Some(shared) = self.shared.as_ref().filter(|_| self.transactions.is_new_here(state))
            && let Some(elsewhere) = shared.find(state, now).await?
        {
            self.transactions.adopt(state, elsewhere, now);
        }
        let transaction = self.transactions.take(state, binding, redirect_uri, now)?;
        // Another node may have finished it.
        match &self.shared {
            Some(shared) if !shared.take(state).await? => Err(AuthnError::UnknownTransaction),
            Some(_) | None => Ok(transaction),
        }
    }

    /// Where the sign-in led to which the callback's `query` belongs, whatever has become of it; asked by the browser
    /// that began it.
    pub fn led(&self, query: &str, binding: Option<&str>, now: Timestamp) -> Option<ReturnTo> {
        let response = AuthorizationResponse::parse(query).ok()?;
        self.transactions.led(&response.state, binding?, now)
    }

    /// Where the sign-in leads to which the callback's `query` belongs and that is under way, whichever browser asks; from
    /// another address than the one where it was begun, to the first page.
    pub fn leads(&self, query: &str, redirect_uri: &str, client: IpAddr) -> Option<ReturnTo> {
        let response = AuthorizationResponse::parse(query).ok()?;
        self.transactions.leads(&response.state, redirect_uri, client)
    }
}

/// `iss` in the response (RFC 9207): what is there is ours, and it is there if it was promised.
fn check_issuer(provider: &Discovered, issuer: &str, in_response: Option<&str>) -> Result<(), AuthnError> {
    let promised =
        provider.metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true);
    match in_response {
        Some(named) if named == issuer => Ok(()),
        None if !promised => Ok(()),
        Some(_) | None => Err(AuthnError::OtherIssuer),
    }
}

/// What an error response means (RFC 6749, 4.1.2.1; OpenID Connect Core 3.1.2.6).
fn refusal(code: RefusalCode, transaction: Transaction) -> AuthnError {
    match (code.as_str(), transaction.need) {
        ("unmet_authentication_requirements", Some(need)) => {
            let unproven = Unproven { need, lack: Lack::Proof };
            AuthnError::AssuranceNotProven { unproven, return_to: transaction.return_to }
        }
        ("server_error" | "temporarily_unavailable", _) => ProviderFault::OutOfOrder(code).into(),
        ("unauthorized_client", _) => ProviderFault::Credentials.into(),
        _ => AuthnError::Refused(code),
    }
}

async fn exchange(
    provider: &Provider,
    discovered: &Discovered,
    code: &Secret,
    transaction: &Transaction,
    assertion: Vec<(&'static str, String)>,
) -> Result<CoreTokenResponse, AuthnError> {
    let redirect_uri = RedirectUrl::new(transaction.redirect_uri.clone())
        .map_err(|_| ProviderFault::Unusable { what: "callback URL" })?;
    let http = telling(provider.http());
    let mut request = discovered
        .client
        .exchange_code(AuthorizationCode::new(code.reveal().to_owned()))
        .set_redirect_uri(Cow::Owned(redirect_uri))
        .set_pkce_verifier(PkceCodeVerifier::new(transaction.verifier.reveal().to_owned()));
    for (name, value) in assertion {
        request = request.add_extra_param(name, value);
    }
    request.request_async(&http).await.map_err(|fault| match fault {
        RequestTokenError::Request(fault) => fault,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderFault::Unusable { what: TOKEN_ENDPOINT }.into()
        }
    })
}

/// An HTTP client that tells what a token endpoint means which gives no token: behind it, the status is known no more.
fn telling(
    http: impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, FetchError>> + Send + Sync,
) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, AuthnError>> + Send + Sync {
    move |request| {
        let sent = http(request);
        Box::pin(async move {
            let reply = sent.await.map_err(ProviderFault::Silent)?;
            if reply.status() == StatusCode::OK { Ok(reply) } else { Err(token_refused(&reply)) }
        })
    }
}

/// What a token endpoint means that gives no token (RFC 6749 5.2). Of all that it may say only two errors are about this
/// very sign-in, and they come with 400, from some providers with 403. All else is out of order there, or is wrong with how we
/// are registered; it is told by the status and by an error of the closed list, never in the provider's words.
fn token_refused(reply: &HttpResponse) -> AuthnError {
    let status = reply.status();
    let answer = serde_json::from_slice::<StandardErrorResponse<CoreErrorResponseType>>(reply.body()).ok();
    let error = answer.as_ref().and_then(|answer| error::listed(answer.error()));
    match (status, error) {
        (StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN, Some("invalid_grant" | "invalid_request")) => {
            AuthnError::CodeRejected
        }
        _ => ProviderFault::Answered { what: TOKEN_ENDPOINT, status: status.as_u16(), error }.into(),
    }
}

/// Verifies the ID token; if no known key fits, once more with the provider's keys of now.
async fn verify(
    provider: &Provider,
    discovered: Arc<Discovered>,
    token: &CoreIdToken,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, AuthnError> {
    let verify =
        |discovered: &Discovered| id_token::verify(token, &provider.settings, discovered, expected, now);
    let fault = match verify(&discovered) {
        Ok(verified) => return Ok(verified),
        Err(fault) => fault,
    };
    if fault == IdTokenFault::Token(TokenFault::Signature) {
        let key = id_token::key_id(&token.to_string());
        if let Some(rotated) = provider.with_new_keys(&discovered, key, Asker::SignIn, now).await? {
            return verify(&rotated).map_err(AuthnError::IdToken);
        }
    }
    Err(AuthnError::IdToken(fault))
}

/// The person, from the ID token and, where it says too little, from userinfo; and whether there are groups of theirs
/// that neither says.
async fn describe(
    provider: &Provider,
    discovered: &Discovered,
    verified: &Verified,
    access_token: &AccessToken,
) -> Result<(Subject, bool), AuthnError> {
    let settings = &provider.settings;
    let of = |claims: &Claims| {
        let subject = claims::subject(settings, &verified.sub, claims)?;
        Ok((subject, claims::groups_are_elsewhere(settings, claims)))
    };
    let endpoint = discovered.metadata.userinfo_endpoint();
    if let Some(endpoint) = endpoint.filter(|_| claims::lacks_any(settings, &verified.claims)) {
        check_endpoint(endpoint.url(), "userinfo endpoint")?;
        let mut all = userinfo(provider, endpoint.url(), access_token).await?;
        // Userinfo is not signed: `sub` is what ties it to the ID token (OpenID Connect Core 5.3.2).
        if all.get("sub").and_then(|sub| sub.as_str()) != Some(&*verified.sub) {
            return Err(AuthnError::OtherSubject);
        }
        all.extend(verified.claims.clone());
        return of(&all);
    }
    of(&verified.claims)
}

async fn userinfo(
    provider: &Provider,
    endpoint: &url::Url,
    access_token: &AccessToken,
) -> Result<Claims, AuthnError> {
    let unusable = || ProviderFault::Unusable { what: "userinfo endpoint" };
    let request = http::Request::get(endpoint.as_str())
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, format!("Bearer {}", access_token.secret()))
        .body(Vec::new())
        .map_err(|_| unusable())?;
    let response = provider.fetch.send(request).await.map_err(ProviderFault::Silent)?;
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json =
        content_type.is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    if !response.status().is_success() || !is_json {
        return Err(unusable().into());
    }
    serde_json::from_slice(response.body()).map_err(|_| unusable().into())
}

fn prove(
    provider: &Provider,
    verified: &Verified,
    tokens: &CoreTokenResponse,
    transaction: &Transaction,
    now: Timestamp,
) -> Result<Assurance, AuthnError> {
    let scopes: Vec<String> =
        tokens.scopes().into_iter().flatten().map(|scope| scope.as_str().to_owned()).collect();
    let answer = Answer { verified, scopes: &scopes };
    let assurance = assurance::proven(&provider.settings, &answer, transaction.need.as_ref(), now);
    let unproven = transaction.need.as_ref().and_then(|need| {
        let lack = assurance.lacks(need, now)?;
        Some(Unproven { need: need.clone(), lack })
    });
    match unproven {
        Some(unproven) => {
            Err(AuthnError::AssuranceNotProven { unproven, return_to: transaction.return_to.clone() })
        }
        None => Ok(assurance),
    }
}

fn previous(transaction: &Transaction, subject: &SubjectId) -> Previous {
    match &transaction.current {
        None => Previous::None,
        // By another provider it is another sign-in, even if both have one issuer: what one vouches for is not the other's.
        Some(current) if current.subject == *subject && current.provider == transaction.provider => {
            Previous::Same(current.session)
        }
        Some(current) => Previous::OfAnother(current.session),
    }
}

const TOKEN_ENDPOINT: &str = "token endpoint";
