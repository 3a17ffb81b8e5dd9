//! Who is meant by a reference: by the identifier that is declared, or by the logical id.

use std::collections::HashMap;

use super::resource::{Identifier, Reference};

/// Whom the pages have named.
pub(super) struct Directory {
    base: Option<String>,
    person_system: Option<String>,
    patient_system: Option<String>,
    /// Practitioners and patients, by the reference to them.
    names: HashMap<Box<str>, Name>,
    /// Whose roles they are, by the reference to the role.
    roles: HashMap<Box<str>, Reference>,
}

/// What somebody is called.
enum Name {
    One(Box<str>),
    /// By none, or by several: which of them counts is nobody's guess.
    Unclear,
}

/// Who is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who<'d> {
    /// Somebody of this name.
    Named(&'d str),
    /// Nobody who works here: a patient, or a relative of one.
    NoStaff,
    /// It cannot be told.
    Unclear,
}

impl Directory {
    pub(super) fn new(
        base: Option<String>,
        person_system: Option<String>,
        patient_system: Option<String>,
    ) -> Self {
        Self { base, person_system, patient_system, names: HashMap::new(), roles: HashMap::new() }
    }

    /// How many are known.
    pub(super) fn len(&self) -> usize {
        self.names.len() + self.roles.len()
    }

    /// Takes a practitioner or a patient under each of these references.
    pub(super) fn note(&mut self, keys: &[String], is_patient: bool, identifiers: &[Identifier]) {
        let system = if is_patient { &self.patient_system } else { &self.person_system };
        let Some(system) = system else { return };
        for key in keys {
            self.names.insert(key.as_str().into(), name(system, identifiers));
        }
    }

    /// Takes whose role it is.
    pub(super) fn note_role(&mut self, keys: &[String], practitioner: &Reference) {
        for key in keys {
            self.roles.insert(key.as_str().into(), practitioner.clone());
        }
    }

    /// Which person is meant.
    pub(super) fn person<'d>(&'d self, reference: &'d Reference) -> Who<'d> {
        if let Some(name) = said(self.person_system.as_deref(), reference) {
            return Who::Named(name);
        }
        let Some(key) = self.key(reference) else { return Who::Unclear };
        match key.split_once('/').unwrap_or_default() {
            ("Patient" | "RelatedPerson", _) => Who::NoStaff,
            ("Practitioner", id) if self.person_system.is_none() => Who::Named(id),
            // A role is of a practitioner, never of another role.
            _ => match self.roles.get(key) {
                Some(practitioner) if !self.is_role(practitioner) => self.person(practitioner),
                Some(_) => Who::Unclear,
                None => self.named(key),
            },
        }
    }

    /// Which patient is meant; none where it cannot be told.
    pub(super) fn patient<'d>(&'d self, reference: &'d Reference) -> Option<&'d str> {
        if let Some(name) = said(self.patient_system.as_deref(), reference) {
            return Some(name);
        }
        let key = self.key(reference)?;
        match key.split_once('/').unwrap_or_default() {
            ("Patient", id) if self.patient_system.is_none() => Some(id),
            _ => match self.named(key) {
                Who::Named(name) => Some(name),
                Who::NoStaff | Who::Unclear => None,
            },
        }
    }

    /// The type and id that a reference leads to on this server, or the URN that it is.
    pub(super) fn key<'r>(&self, reference: &'r Reference) -> Option<&'r str> {
        local(self.base.as_deref(), reference.reference.as_deref()?)
    }

    fn is_role(&self, reference: &Reference) -> bool {
        self.key(reference).is_some_and(|key| self.roles.contains_key(key))
    }

    fn named(&self, key: &str) -> Who<'_> {
        match self.names.get(key) {
            Some(Name::One(name)) => Who::Named(name),
            Some(Name::Unclear) | None => Who::Unclear,
        }
    }
}

/// `Practitioner/17` of that, of `https://fhir.example/r4/Practitioner/17` and of `Practitioner/17/_history/2`. What another server
/// says of somebody with the same id is of somebody else.
fn local<'r>(base: Option<&str>, reference: &'r str) -> Option<&'r str> {
    if reference.starts_with("urn:") {
        return Some(reference);
    }
    let path =
        if reference.contains("://") { reference.strip_prefix(base?)?.strip_prefix('/')? } else { reference };
    let path = path.split_once("/_history/").map_or(path, |(path, _)| path);
    let (kind, id) = path.split_once('/')?;
    let is_plain = !kind.is_empty() && !id.is_empty() && !id.contains(['/', '?', '#']);
    is_plain.then_some(path)
}

/// What a reference says itself by the declared identifier.
fn said<'r>(system: Option<&str>, reference: &'r Reference) -> Option<&'r str> {
    let identifier = reference.identifier.as_ref()?;
    (identifier.system.as_deref() == Some(system?)).then_some(identifier.value.as_deref()?)
}

fn name(system: &str, identifiers: &[Identifier]) -> Name {
    let counts = |it: &&Identifier| it.system.as_deref() == Some(system) && it.used.as_deref() != Some("old");
    let mut values = identifiers.iter().filter(counts).filter_map(|it| it.value.as_deref());
    match values.next() {
        Some(first) if values.all(|other| other == first) => Name::One(first.into()),
        Some(_) | None => Name::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_to_this_server_or_to_nobody() {
        let base = Some("https://fhir.clinic.example/r4");
        let cases = [
            ("Practitioner/17", Some("Practitioner/17")),
            ("https://fhir.clinic.example/r4/Practitioner/17", Some("Practitioner/17")),
            ("Practitioner/17/_history/2", Some("Practitioner/17")),
            ("urn:uuid:0b6e0a5e", Some("urn:uuid:0b6e0a5e")),
            ("https://other.example/r4/Practitioner/17", None),
            ("https://fhir.clinic.example/r4x/Practitioner/17", None),
            ("#p1", None),
            ("Practitioner/", None),
            ("Practitioner/17/more", None),
            ("Practitioner?identifier=17", None),
        ];
        for (reference, key) in cases {
            assert_eq!(local(base, reference), key, "{reference}");
        }
        assert_eq!(local(None, "https://fhir.clinic.example/r4/Practitioner/17"), None);
    }
}
