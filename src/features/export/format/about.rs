//! Whom an event is about who does not act in it.

use crate::domain::event::Event;
use crate::domain::listed::Listed;
use crate::domain::patient::PatientDigest;
use crate::domain::provisioning::ResourceKind;
use crate::domain::revocation::Target;

/// A person by what a provider calls them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Person<'a> {
    /// The provider's issuer URL.
    pub issuer: Option<&'a str>,
    /// The provider's identifier, or ours where there is none.
    pub id: &'a str,
    /// Their name.
    pub name: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// Whose sessions end, whose account is changed, in whose doing something was found.
    pub(super) fn meant(event: &'a Event) -> Option<Self> {
        let opening = &*event.opening;
        let of = |issuer: &'a str, id: &'a str, name| Self { issuer: Some(issuer), id, name };
        if let Some(found) = &opening.detection {
            return Some(of(&found.person.issuer, &found.person.sub, Some(&found.name)));
        }
        let closing = event.closing.as_ref();
        if let Some(ended) = closing.and_then(|closing| closing.revoked.as_ref()?.person.as_ref()) {
            return Some(of(&ended.issuer, &ended.sub, None));
        }
        if let Some(ordered) = &opening.revocation {
            return match &ordered.target {
                Target::Person(person) => Some(of(&person.issuer, &person.sub, None)),
                Target::Others(others) => Some(of(&others.person.issuer, &others.person.sub, None)),
                Target::ProviderSession(session) => {
                    session.sub.as_ref().map(|sub| of(&session.issuer, sub, None))
                }
                Target::Session(_) | Target::SignIn(_) => None,
            };
        }
        if let Some(first) = opening.signal.as_ref().and_then(|signal| signal.people.first()) {
            return Some(of(&first.issuer, &first.sub, None));
        }
        let resource = opening.provisioning.as_ref()?.resource.as_ref()?;
        match resource.kind {
            ResourceKind::User => {
                let id = resource.external_id.as_deref().unwrap_or(&resource.name);
                Some(Self { issuer: None, id, name: Some(&resource.name) })
            }
            ResourceKind::Group => None,
        }
    }
}

/// The patients whom an event names, each once: by keyed digests, as the journal knows them. Of those whom its reply listed, as many
/// as it keeps one by one.
pub(super) fn patients(event: &Event) -> Vec<PatientDigest> {
    distinct(opened(event).chain(listed(event)))
}

/// Those of them whose record was asked for.
pub(super) fn patients_asked_for(event: &Event) -> Vec<PatientDigest> {
    distinct(opened(event))
}

/// The others, whom its reply only listed.
pub(super) fn patients_only_listed(event: &Event) -> Vec<PatientDigest> {
    distinct(listed(event).filter(|patient| !event.opening.concerns(patient)))
}

fn opened(event: &Event) -> impl Iterator<Item = PatientDigest> {
    let beside = event.opening.taken.as_ref().map_or(&[][..], |taken| &taken.opened);
    event.opening.patient.into_iter().chain(beside.iter().copied())
}

fn listed(event: &Event) -> impl Iterator<Item = PatientDigest> {
    let listed = event.closing.as_ref().and_then(|closing| closing.listed.as_ref());
    listed.map_or(&[][..], Listed::each).iter().copied()
}

fn distinct(patients: impl Iterator<Item = PatientDigest>) -> Vec<PatientDigest> {
    let mut patients: Vec<_> = patients.collect();
    patients.sort_unstable();
    patients.dedup();
    patients
}
