//! As whom the application knows us: an account of its own, given to nobody.
//!
//! An application has accounts by name. The default one should be able to do little; another is used only
//! on a route that names it, or where every rule that permits names it. Where an application has any
//! account, nothing that a caller sends can pass for one: `Authorization` and the headers that carry our
//! secrets are removed from every request, in every spelling that a server might fold into one.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::bond::Errand;
use super::error::UpstreamError;
use super::form_login::{FormLogin, SignInFault, send_signed_in};
use super::kept::send_with_kept;
use super::pool::Pool;
use super::send::{ReplyBody, RequestBody};
use crate::domain::application::{CredentialName, RouteName};
use crate::domain::proof::{Journaled, Permit};
use crate::foundation::secret::Secret;

/// The accounts of one application.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// All of them.
    pub by_name: BTreeMap<CredentialName, Credential>,
    /// The one that is used where nothing else is said.
    pub default: Option<CredentialName>,
    /// Those that routes name.
    pub by_route: BTreeMap<RouteName, CredentialName>,
    /// Those that rules name, by the rule's stable id (`registrar/2`).
    pub by_rule: BTreeMap<String, CredentialName>,
    /// What is asked for to see whether the application accepts an account.
    pub tests: BTreeMap<CredentialName, PathAndQuery>,
}

/// One account, and how the application is told of it.
#[derive(Clone, Debug)]
pub enum Credential {
    /// By a header in every request: `Authorization`, or another.
    Header {
        /// Which.
        name: HeaderName,
        /// Its whole value.
        value: Secret,
    },
    /// By its own sign-in form; what it gives back stays with us.
    Form(Arc<FormLogin>),
}

impl Credentials {
    /// The account for a request on this route that these rules permit.
    pub fn choose(&self, route: Option<&RouteName>, rules: &[Arc<str>]) -> Option<&CredentialName> {
        if let Some(named) = route.and_then(|route| self.by_route.get(route)) {
            return Some(named);
        }
        // Where one rule permits without naming an account, the default is enough.
        let mut named = rules.iter().map(|rule| self.by_rule.get(&**rule));
        let first = named.next().flatten().filter(|first| named.all(|other| other == Some(*first)));
        first.or(self.default.as_ref())
    }

    /// Those that sign in by a form.
    pub(super) fn forms(&self) -> impl Iterator<Item = (&CredentialName, &Arc<FormLogin>)> {
        self.by_name.iter().filter_map(|(name, credential)| match credential {
            Credential::Form(form) => Some((name, form)),
            Credential::Header { .. } => None,
        })
    }

    /// Removes whatever could pass for one of our accounts, and says whose request it is now.
    pub fn write(&self, headers: &mut HeaderMap, chosen: Option<&CredentialName>) {
        if self.by_name.is_empty() {
            return;
        }
        headers.remove(AUTHORIZATION);
        for credential in self.by_name.values() {
            if let Credential::Header { name, .. } = credential {
                remove_folded(headers, name);
            }
        }
        let Some(Credential::Header { name, value }) = chosen.and_then(|chosen| self.by_name.get(chosen))
        else {
            return;
        };
        // That it can be a header was seen when the configuration was read.
        if let Ok(mut value) = HeaderValue::from_str(value.reveal()) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

/// Sends as [`super::send::send`] does, under the chosen account and with what is kept for its person.
pub async fn send_as(
    pool: &Rc<Pool>,
    request: &mut Request<RequestBody>,
    errand: &Errand,
    chosen: Option<&CredentialName>,
    permit: &Permit,
    journaled: &Journaled,
) -> Result<Response<ReplyBody>, UpstreamError> {
    let credentials = &pool.settings().credentials;
    match chosen.and_then(|chosen| credentials.by_name.get_key_value(chosen)) {
        Some((name, Credential::Form(form))) => {
            Box::pin(send_signed_in(pool, request, errand, (name, form), permit, journaled)).await
        }
        Some((_, Credential::Header { .. })) => {
            let reply = send_with_kept(pool, request, errand, permit, journaled).await?;
            // The account is ours, so a browser is not to ask a person for its password.
            if reply.status() == StatusCode::UNAUTHORIZED {
                return Err(UpstreamError::SignIn(SignInFault::Refused));
            }
            Ok(reply)
        }
        None => send_with_kept(pool, request, errand, permit, journaled).await,
    }
}

/// Servers that pass headers as variables fold `_`, `.` and other characters into one.
fn remove_folded(headers: &mut HeaderMap, name: &HeaderName) {
    let folds = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    let same = |other: &&HeaderName| other.as_str().bytes().map(folds).eq(name.as_str().bytes().map(folds));
    let found: Vec<HeaderName> = headers.keys().filter(same).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CredentialName {
        text.parse().unwrap()
    }

    fn credentials() -> Credentials {
        let header = |name: &'static str, value: &str| Credential::Header {
            name: HeaderName::from_static(name),
            value: Secret::new(value.to_owned()),
        };
        Credentials {
            by_name: [
                (name("reader"), header("authorization", "Basic cmVhZGVyOnRvcC1zZWNyZXQ=")),
                (name("admin"), header("x-api-key", "admin-secret")),
            ]
            .into(),
            default: Some(name("reader")),
            by_route: [("config.change".parse().unwrap(), name("admin"))].into(),
            by_rule: [("dba/1".to_owned(), name("admin")), ("dba/2".to_owned(), name("other"))].into(),
            tests: BTreeMap::new(),
        }
    }

    #[test]
    fn a_privileged_account_is_used_only_where_the_route_or_every_rule_says_so() {
        let credentials = credentials();
        let cases: [(&str, Option<&str>, &[&str], &str); 7] = [
            ("nothing says anything", None, &[], "reader"),
            ("a rule that says nothing", None, &["nurse/1"], "reader"),
            ("a rule that names it", None, &["dba/1"], "admin"),
            ("one rule names it and one does not", None, &["dba/1", "nurse/1"], "reader"),
            ("the other way round", None, &["nurse/1", "dba/1"], "reader"),
            ("two rules name two", None, &["dba/1", "dba/2"], "reader"),
            ("the route names it", Some("config.change"), &["nurse/1"], "admin"),
        ];
        for (case, route, rules, expected) in cases {
            let route = route.map(|route| route.parse().unwrap());
            let rules: Vec<Arc<str>> = rules.iter().map(|rule| (*rule).into()).collect();
            assert_eq!(credentials.choose(route.as_ref(), &rules), Some(&name(expected)), "{case}");
        }
    }

    #[test]
    fn nothing_that_a_caller_sends_passes_for_an_account() {
        let credentials = credentials();
        for chosen in [None, Some(name("reader")), Some(name("admin"))] {
            let mut headers = HeaderMap::new();
            for header in ["authorization", "x-api-key", "x_api_key", "x.api_key"] {
                headers.insert(HeaderName::from_static(header), HeaderValue::from_static("forged"));
            }
            credentials.write(&mut headers, chosen.as_ref());
            assert!(headers.values().all(|value| value != "forged"), "{headers:?}");
            assert_eq!(headers.len(), usize::from(chosen.is_some()));
            assert!(!format!("{headers:?}").contains("cmVhZGVyOnRvcC1zZWNyZXQ="), "{headers:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer theirs"));
        Credentials::default().write(&mut headers, None);
        assert_eq!(headers.len(), 1, "an application without accounts of ours is left alone");
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        let printed = format!("{:?}", credentials());
        assert!(!printed.contains("secret") && !printed.contains("cmVhZGVy"), "{printed}");
    }
}
