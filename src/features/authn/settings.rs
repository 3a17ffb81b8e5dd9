//! OpenID providers, settled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::client::ClientCredential;
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceClass;
use crate::domain::closed_list;

/// An OpenID provider at which people sign in.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name in this configuration.
    pub name: ProviderName,
    /// What people read where they choose between providers.
    pub title: String,
    /// The domains of its people's e-mail addresses, in lower case, ASCII.
    pub domains: Vec<String>,
    /// Its issuer URL, exactly as it stands in its metadata and ID tokens.
    pub issuer: Arc<str>,
    /// Who we are there.
    pub client_id: String,
    /// What shows it that it is us.
    pub credential: ClientCredential,
    /// Whether requests go to it directly, rather than by the browser, where it offers that (RFC 9126). Where it demands it
    /// they do in any case.
    pub pushed_requests: bool,
    /// Whether it has a callback of its own.
    pub own_callback: bool,
    /// The scopes that a sign-in asks for; `openid` is among them.
    pub scopes: Vec<String>,
    /// Our word for an attribute → the claim that carries it, in the ID token or else in userinfo.
    /// `groups` is needed for roles; `name` defaults to the claim `name`.
    pub claims: BTreeMap<String, String>,
    /// Whether a directory that the provider keeps here knows the groups too: then a token that only points to them is no
    /// reason to refuse, as long as the directory knows the person.
    pub has_directory_groups: bool,
    /// The assurance classes that this provider can prove.
    pub assurance: BTreeMap<AssuranceClass, ClassSettings>,
    /// How it is asked to have somebody authenticate whom it knows already. Default: in both ways.
    pub login_again: LoginAgain,
    /// What its signed access tokens say that they are.
    pub access_token_type: AccessTokenType,
    /// Certificates, in PEM, of the authorities that vouch for the provider; `None`: the system's.
    pub authorities: Option<Arc<[u8]>>,
    /// How far the provider's clock may be from ours. Default 30 s, at most 5 min.
    pub clock_skew: Duration,
    /// How long one request to the provider may take. Default 5 s, 1 to 30 s.
    pub timeout: Duration,
    /// Where the provider is reached if that is not the issuer's address: `host:port`. For
    /// providers inside the network whose public name leads elsewhere.
    pub connect_to: Option<String>,
}

closed_list! {
    /// How a provider is asked to have somebody authenticate whom it knows already. Whether it did is told by `auth_time`.
    LoginAgain {
        /// By both.
        Both = "both",
        /// By `max_age`: what was done after the session was locked, for another host, is enough.
        MaxAge = "max_age",
        /// By `prompt=login`.
        Prompt = "prompt",
    }
}

/// What a signed access token says that it is: its `typ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessTokenType {
    /// `at+jwt` (RFC 9068 section 2.1), which no token of another kind has.
    AtJwt,
    /// `JWT` or nothing beside it, from providers that are older than that.
    Jwt,
}

/// How to ask for a class of assurance, and what proves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSettings {
    /// How to ask.
    pub ask: Ask,
    /// What proves it in what comes back.
    pub proof: Proof,
}

/// How a class is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Sent as `acr_values`.
    pub acr_values: Vec<String>,
    /// Added to the scopes.
    pub scope: Vec<String>,
    /// Sent as `prompt`.
    pub prompt: Option<String>,
    /// Whether a freshness that a rule asks for is sent as `max_age`. Default: yes. Some providers
    /// answer `max_age` with an error.
    pub max_age: bool,
}

/// What proves a class: any one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The `acr` is one of these.
    pub acr: Vec<String>,
    /// The `amr` has one of these.
    pub amr: Vec<String>,
    /// The token response's `scope` has one of these: for providers that bind a scope to a second
    /// factor and send no `acr`.
    pub scope: Vec<String>,
}
