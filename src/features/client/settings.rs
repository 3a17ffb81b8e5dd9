//! Declared programs, settled.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::domain::application::{ApplicationName, ClientName, NameError, ProviderName, RouteName};
use crate::domain::hours::Hours;
use crate::domain::purpose::Purpose;

/// A program that has an account of its own at a provider.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Its name in this configuration.
    pub name: ClientName,
    /// Which provider gives it its tokens.
    pub provider: ProviderName,
    /// What the provider calls it: the token's `client_id` or `azp`.
    pub client_id: Arc<str>,
    /// The token's `sub` when the program acts for itself. A token that was given for anybody else is not taken.
    pub subject: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// The groups by which it has roles.
    pub groups: Vec<String>,
    /// Why it works; `None`: the default of its roles.
    pub purpose: Option<Purpose>,
    /// What its purpose needs: the number by which it works, and to whom what it takes goes.
    pub standing: StandingReason,
    /// Where it may come to; never empty.
    pub routes: Vec<Reach>,
    /// Where it comes from; empty: anywhere.
    pub networks: Vec<IpNet>,
    /// Between which times of the day, in the gateway's time zone; `None`: at any.
    pub hours: Option<Hours>,
    /// The last day, in the gateway's time zone.
    pub expires: Date,
    /// How its tokens are proven.
    pub proof: Proof,
}

/// What a program's purpose needs. A program cannot be asked, so it is declared once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandingReason {
    /// The number of a protocol, a document or an authorization.
    pub number: Option<String>,
    /// To whom it goes.
    pub recipient: Option<String>,
}

/// How a token is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the provider's signature (RFC 9068).
    Signature {
        /// Whom a token has to be for: one of these. Never empty.
        audience: Vec<String>,
    },
    /// By asking the provider (RFC 7662).
    Introspection {
        /// Whom a token has to be for: one of these; empty: the provider's word is enough.
        audience: Vec<String>,
        /// How long an answer counts. 5 s to 15 min, default 60 s.
        lasts: Duration,
    },
}

impl Proof {
    /// Whom a token has to be for.
    pub fn audience(&self) -> &[String] {
        match self {
            Self::Signature { audience } | Self::Introspection { audience, .. } => audience,
        }
    }

    /// Whether a token for these is for us.
    pub fn takes(&self, audiences: &[String]) -> bool {
        let audience = self.audience();
        audience.is_empty() || audiences.iter().any(|named| audience.contains(named))
    }

    /// How long the provider's answer counts, where it is asked.
    pub const fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Signature { .. } => None,
            Self::Introspection { lasts, .. } => Some(*lasts),
        }
    }
}

/// Routes of one application: `ehr/patient.open`, `ehr/fhir.*` or `ehr/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The application.
    pub application: ApplicationName,
    /// The name of its routes, or the beginning of names.
    pub route: String,
    /// Whether `route` is the beginning of names.
    pub begins: bool,
}

/// A text that names no routes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReachError {
    /// There is no application in it.
    #[error("`{text}` is not an application and its routes")]
    Parts {
        /// The text.
        text: String,
    },
    /// A name cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Reach {
    /// Whether a route lies within it. A request that is on no route lies within all of an application's only.
    pub fn holds(&self, application: &ApplicationName, route: Option<&RouteName>) -> bool {
        let route = route.map_or("", RouteName::as_str);
        let fits = if self.begins { route.starts_with(&self.route) } else { route == self.route };
        self.application == *application && fits
    }
}

impl std::str::FromStr for Reach {
    type Err = ReachError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = || ReachError::Parts { text: text.chars().take(80).collect() };
        let (application, route) = text.split_once('/').ok_or_else(parts)?;
        let name = route.strip_suffix('*');
        let begins = name.is_some();
        let route = name.unwrap_or(route);
        if !(begins && route.is_empty()) {
            route.parse::<RouteName>()?;
        }
        Ok(Self { application: application.parse()?, route: route.to_owned(), begins })
    }
}

impl ClientSettings {
    /// Whether it comes to an application.
    pub fn comes_to(&self, application: &ApplicationName) -> bool {
        self.routes.iter().any(|reach| reach.application == *application)
    }
}
