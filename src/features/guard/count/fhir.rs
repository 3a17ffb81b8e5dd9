//! Records of FHIR JSON: the entries of its Bundles.
//!
//! An entry whose `search.mode` is `include` or `outcome` is no record, nor is one that holds a Bundle
//! itself (the reply to a batch): the inner Bundle's entries are. But a Bundle has no fewer records than it names
//! patients: one practitioner that is found with all of their patients by `_revinclude` is not one record. A document
//! without a Bundle is one record, an `OperationOutcome` none. A document that is no FHIR resource is
//! [`WhyUnknown::Unparsable`], unless it is an error message as [`super::json`] knows it.
//!
//! Patients are the `Patient` resources, by `id`, and whatever a `reference` names as `Patient/…`.

use super::lexer::{Broken, Lexer, Sink, Wants};
use super::patients::{Candidate, Patients};
use super::text::{NameFilter, Scalar, Text};
use super::{ERROR_BYTES_MAX, ERROR_MEMBERS, Tally};
use crate::domain::count::{Count, WhyUnknown};

/// Counts the entries of Bundles, and the distinct patients.
#[derive(Debug, Default)]
pub struct FhirScanner {
    lexer: Lexer<false>,
    resources: Resources,
    bytes: u64,
}

impl FhirScanner {
    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.lexer.push(piece, &mut self.resources);
    }

    /// The patients that it has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.resources.patients
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.lexer.is_broken() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let (entries, patients) =
            (self.resources.entries + self.resources.provisional(), self.resources.patients.so_far());
        let named = if self.resources.bundles { patients.at_least() } else { 0 };
        Tally { records: Count::AtLeast(entries.max(named)), patients }
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        if self.lexer.is_blank() {
            return Tally { records: Count::Exactly(0), patients: Count::Exactly(0) };
        }
        if self.lexer.finish(&mut self.resources).is_err() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let Resources { entries, bundles, root, error, ref patients, .. } = self.resources;
        let patients = patients.count();
        let records = match root {
            Kind::Untyped if error && self.bytes <= ERROR_BYTES_MAX => 0,
            Kind::Untyped => return Tally::unknown(WhyUnknown::Unparsable),
            Kind::Outcome if !bundles => 0,
            Kind::Bundle | Kind::Patient | Kind::Outcome | Kind::Other if bundles => {
                return Tally { records: no_fewer(entries, patients), patients };
            }
            Kind::Bundle | Kind::Patient | Kind::Outcome | Kind::Other => 1,
        };
        Tally { records: Count::Exactly(records), patients }
    }
}

/// So many entries, or as many as there are patients if these are more.
const fn no_fewer(entries: u64, patients: Count) -> Count {
    match patients {
        Count::Exactly(named) | Count::AtLeast(named) if named > entries => patients,
        Count::Exactly(_) | Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted => {
            Count::Exactly(entries)
        }
    }
}

/// What the `resourceType` of an object says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Untyped,
    Bundle,
    Patient,
    Outcome,
    Other,
}

/// What a container is to us.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Role {
    #[default]
    Object,
    Array,
    Entries,
    Entry,
    Search,
}

/// An open container.
#[derive(Debug, Default)]
struct Node {
    role: Role,
    kind: Kind,
    /// The patient whom the `id` of this object names, if it is one.
    id: Option<Candidate>,
    /// Its `entry` array came already.
    has_entries: bool,
    /// Entries of this object whose `resourceType` did not come yet.
    entries: u64,
    /// For an entry: how often `search.mode` came, and whether the last of it says that this is no record.
    modes: u8,
    aside: bool,
    /// For an entry: it holds a Bundle.
    nests: bool,
}

/// The member whose value comes now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Member {
    #[default]
    Other,
    ResourceType,
    Id,
    Entry,
    Search,
    Mode,
    Reference,
}

/// What [`Sink::key`] looks for.
const NAMES: NameFilter = NameFilter::NONE
    .with(b"resourceType")
    .with(b"id")
    .with(b"entry")
    .with(b"search")
    .with(b"mode")
    .with(b"reference")
    .with(b"error")
    .with(b"errors")
    .with(b"message")
    .with(b"detail")
    .with(b"fault");

#[derive(Debug, Default)]
struct Resources {
    open: Vec<Node>,
    member: Member,
    entries: u64,
    bundles: bool,
    root: Kind,
    error: bool,
    patients: Patients,
}

impl Resources {
    /// Entries of a root that has not said yet what it is: only a Bundle has any, in practice.
    fn provisional(&self) -> u64 {
        self.open.first().map_or(0, |root| root.entries)
    }

    fn type_of(&mut self, name: &[u8]) -> Result<(), Broken> {
        let kind = match name {
            b"Bundle" => Kind::Bundle,
            b"Patient" => Kind::Patient,
            b"OperationOutcome" => Kind::Outcome,
            _ => Kind::Other,
        };
        let is_root = self.open.len() == 1;
        let Some(node) = self.open.last_mut() else { return Ok(()) };
        if node.kind != Kind::Untyped {
            return Err(Broken);
        }
        node.kind = kind;
        if kind == Kind::Bundle {
            self.bundles = true;
            self.entries += std::mem::take(&mut node.entries);
        }
        if is_root {
            self.root = kind;
        }
        Ok(())
    }

    /// One more entry of the Bundle that is now innermost.
    fn count_entry(&mut self) {
        let Some(owner) = self.open.len().checked_sub(2).and_then(|at| self.open.get_mut(at)) else { return };
        match owner.kind {
            Kind::Bundle => self.entries += 1,
            Kind::Untyped => owner.entries += 1,
            Kind::Patient | Kind::Outcome | Kind::Other => {}
        }
    }

    fn mode(&mut self, text: &[u8]) {
        // The mode stands in `search`, which stands in the entry. Said twice, it is not believed.
        let Some([.., entry, search]) = self.open.get_mut(..) else { return };
        if search.role == Role::Search {
            entry.modes = entry.modes.saturating_add(1);
            entry.aside = entry.modes == 1 && matches!(text, b"include" | b"outcome");
        }
    }
}

impl Sink for Resources {
    #[inline]
    fn names(&self) -> NameFilter {
        NAMES
    }

    #[inline]
    fn wants(&self) -> Wants {
        if self.member != Member::Other {
            Wants::Strings
        } else if self.open.last().is_some_and(|node| node.role == Role::Entries) {
            Wants::Scalars
        } else {
            Wants::Names
        }
    }

    #[inline]
    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        let text = name.decoded();
        self.member = match text.as_ref() {
            b"resourceType" => Member::ResourceType,
            b"id" => Member::Id,
            b"entry" => Member::Entry,
            b"search" => Member::Search,
            b"mode" => Member::Mode,
            b"reference" => Member::Reference,
            _ => Member::Other,
        };
        if self.open.len() == 1 {
            self.error |= ERROR_MEMBERS.iter().any(|member| member.as_bytes() == text.as_ref());
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, array: bool) -> Result<(), Broken> {
        let member = std::mem::take(&mut self.member);
        let role = match (self.open.last_mut(), member, array) {
            (Some(node), Member::Entry, true) if matches!(node.role, Role::Object | Role::Entry) => {
                if std::mem::replace(&mut node.has_entries, true) {
                    return Err(Broken);
                }
                Role::Entries
            }
            (Some(node), _, false) if node.role == Role::Entries => Role::Entry,
            (Some(node), _, true) if node.role == Role::Entries => return Err(Broken),
            (Some(node), Member::Search, false) if node.role == Role::Entry => Role::Search,
            (_, _, true) => Role::Array,
            (_, _, false) => Role::Object,
        };
        self.open.push(Node { role, ..Node::default() });
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        let Some(node) = self.open.pop() else { return };
        match (node.kind, node.id) {
            (Kind::Patient, Some(id)) => self.patients.insert(id),
            (Kind::Bundle, _) => {
                if let Some(entry) = self.open.last_mut() {
                    entry.nests = true;
                }
            }
            (Kind::Untyped | Kind::Patient | Kind::Outcome | Kind::Other, _) => {}
        }
        if node.role == Role::Entry && !node.aside && !node.nests {
            self.count_entry();
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        let member = std::mem::take(&mut self.member);
        if self.open.last().is_some_and(|node| node.role == Role::Entries) {
            self.count_entry();
        }
        let Scalar::String(text) = scalar else { return Ok(()) };
        match member {
            Member::Other | Member::Entry | Member::Search => {}
            Member::ResourceType => self.type_of(&text.decoded())?,
            Member::Mode => self.mode(&text.decoded()),
            Member::Id => {
                let Some(node) = self.open.last_mut() else { return Ok(()) };
                // What has said that it is another resource is nobody.
                if matches!(node.kind, Kind::Untyped | Kind::Patient) {
                    node.id = Some(self.patients.candidate(&text.decoded()));
                }
            }
            Member::Reference => {
                if let Some(id) = patient_of(&text.decoded()) {
                    self.patients.name(id);
                }
            }
        }
        Ok(())
    }
}

/// The id in `Patient/id`, `https://…/Patient/id` or `Patient/id/_history/1`; the condition in
/// `Patient?identifier=…`.
fn patient_of(reference: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"Patient";
    let at = memchr::memmem::rfind(reference, NAME)?;
    let (before, rest) = reference.split_at_checked(at)?;
    if !matches!(before.last(), None | Some(b'/')) {
        return None;
    }
    match rest.get(NAME.len()..)? {
        [b'/', id @ ..] => id.split(|byte| matches!(byte, b'/' | b'?' | b'#' | b'|')).next(),
        [b'?', condition @ ..] => Some(condition),
        _ => None,
    }
}
