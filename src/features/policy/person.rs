//! A person made up for a question: by a case file, or on the command line.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;

use super::bundle::Rules;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::assurance::{Assurance, AssuranceClass};
use crate::domain::patient::PatientRef;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Identity, Justification, Subject};
use crate::foundation::clock::Timestamp;

/// A person made up for a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// The name of a person of the same case file, from whom everything is taken that is not said here.
    pub like: Option<String>,
    /// The provider; by default the application's, if that has one alone.
    pub provider: Option<ProviderName>,
    /// The provider's identifier of the person; by default `someone`.
    pub sub: Option<String>,
    /// The provider's groups.
    pub groups: Option<Vec<String>>,
    /// What else the provider tells.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// How long ago each class of assurance was proven.
    pub assurance: BTreeMap<AssuranceClass, Ago>,
    /// Why they work; by default the first purpose of their first role.
    pub purpose: Option<Purpose>,
    /// How long ago they gave a reason for the application that is asked about.
    pub justified: Option<Ago>,
    /// The number of a request, protocol, document or authorization that they gave with the reason.
    pub number: Option<String>,
    /// To whom it goes, as they said with the reason.
    pub recipient: Option<String>,
}

impl Person {
    /// Takes from `other` what is not said here.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.provider = self.provider.or_else(|| other.provider.clone());
        self.sub = self.sub.or_else(|| other.sub.clone());
        self.groups = self.groups.or_else(|| other.groups.clone());
        self.purpose = self.purpose.or(other.purpose);
        self.justified = self.justified.or(other.justified);
        self.number = self.number.or_else(|| other.number.clone());
        self.recipient = self.recipient.or_else(|| other.recipient.clone());
        for (name, values) in &other.attributes {
            self.attributes.entry(name.clone()).or_insert_with(|| values.clone());
        }
        for (class, ago) in &other.assurance {
            self.assurance.entry(class.clone()).or_insert(*ago);
        }
        self
    }

    /// The person as the rules know them at `now`, asking about `application`. Fails on words that no
    /// provider could have told: a mistyped class would make every test pass that expects a no.
    pub fn identity(
        &self,
        rules: &Rules,
        application: &ApplicationName,
        now: Timestamp,
    ) -> Result<Identity, String> {
        let catalog = rules.catalog();
        let known =
            catalog.application(application).ok_or_else(|| format!("no application `{application}`"))?;
        let provider = self.provider_at(application, &known.providers)?;
        if let Some(class) = self.assurance.keys().find(|class| !catalog.proves(&provider, class)) {
            return Err(format!("provider `{provider}` cannot prove `{class}`"));
        }
        if let Some(name) = self.attributes.keys().find(|name| !catalog.attributes.contains(*name)) {
            return Err(format!("no provider tells `{name}`"));
        }
        let groups = self.groups.clone().unwrap_or_default();
        let roles = rules.roles_of(&provider, &groups);
        let sub: Arc<str> = self.sub.as_deref().unwrap_or("someone").into();
        let proven = self.assurance.iter().map(|(class, ago)| (class.clone(), now.minus(ago.0))).collect();
        let purpose = self.purpose.or_else(|| rules.default_purpose(&roles)).unwrap_or(Purpose::Operations);
        Ok(Identity {
            subject: Arc::new(Subject {
                issuer: format!("provider:{provider}").into(),
                name: sub.clone(),
                sub,
                groups,
                attributes: self.attributes.clone(),
            }),
            provider,
            roles,
            purpose,
            assurance: Assurance { auth_time: now, proven, ..Assurance::default() },
            justification: self.justified.map(|ago| Justification {
                code: "made-up".to_owned(),
                text: String::new(),
                application: application.clone(),
                given: now.minus(ago.0),
                number: self.number.clone(),
                recipient: self.recipient.clone(),
            }),
            version: 0,
        })
    }
}

impl Person {
    /// By which of the application's providers they come.
    fn provider_at(
        &self,
        application: &ApplicationName,
        admitted: &[ProviderName],
    ) -> Result<ProviderName, String> {
        let names: Vec<_> = admitted.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(" or ");
        match (&self.provider, admitted) {
            (Some(provider), _) if admitted.contains(provider) => Ok(provider.clone()),
            (None, [only]) => Ok(only.clone()),
            (Some(other), _) => Err(format!("`{application}` admits {names}, not `{other}`")),
            (None, _) => Err(format!("say at which provider: `{application}` admits {names}")),
        }
    }
}

/// How long ago: `now`, `30s ago`, `5m ago`, `2h ago`, `1d ago`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago(pub Duration);

/// A text that does not say how long ago.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{text}` is not like `now`, `30s ago`, `5m ago`, `2h ago` or `1d ago`")]
pub struct AgoError {
    text: String,
}

impl std::str::FromStr for Ago {
    type Err = AgoError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || AgoError { text: text.chars().take(80).collect() };
        if text == "now" {
            return Ok(Self(Duration::ZERO));
        }
        let span = text.strip_suffix(" ago").ok_or_else(error)?;
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
        units
            .into_iter()
            .find_map(|(unit, seconds)| {
                let number: u32 = span.strip_suffix(unit)?.parse().ok()?;
                Some(Self(Duration::from_secs(u64::from(number) * seconds)))
            })
            .ok_or_else(error)
    }
}

impl<'de> Deserialize<'de> for Ago {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::foundation::parsed::parsed(deserializer)
    }
}

/// A person by name, or written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PersonOrName(pub(super) Person);

impl<'de> Deserialize<'de> for PersonOrName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = PersonOrName;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a person, or a person")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(PersonOrName(Person { like: Some(name.to_owned()), ..Person::default() }))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Person::deserialize(MapAccessDeserializer::new(map)).map(PersonOrName)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// What a method and a URL lead to.
#[derive(Clone, Debug)]
pub struct ResolvedRoute {
    /// The application.
    pub application: ApplicationName,
    /// The route: its position in the catalog.
    pub route: usize,
    /// The patient whom the URL names.
    pub patient: Option<PatientRef>,
}

/// Finds the route of a method and a URL, or says why there is none.
pub type Resolve<'a> = &'a dyn Fn(&http::Method, &str) -> Result<ResolvedRoute, String>;

/// From where a question comes unless it says otherwise: a private network.
pub const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
