//! Which elements of FHIR JSON are withheld, and what says so.
//!
//! An element goes with its name, so that what is left is still FHIR. Each resource of a type of which elements are withheld is
//! labelled `SUBSETTED` (a tag) and `REDACTED` (a security label), whether or not it had them: what is missing does not tell by
//! its absence. Its narrative (`text`) goes along, which says in words what the elements say. Resources are told by their
//! `resourceType`, wherever they stand: alone, in Bundles, contained, as parameters. It has to come before what depends on it.
//!
//! A reply in which a resource is signed (`signature`, of a Bundle or of a Provenance) passes whole or not at all: what is left would
//! not be what was signed.

use super::Fault;
use super::guide::{Fate, Guide, Step, Value};
use crate::domain::field::{FhirElement, Place};

/// The elements.
#[derive(Debug)]
pub(super) struct Elements {
    withheld: Vec<FhirElement>,
    has_missed: bool,
    /// A resource came that is signed.
    is_signed: bool,
    /// A resource came of which something is withheld.
    is_changed: bool,
}

/// What is known of an object or array.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The elements on whose way it is, and how many of their steps lead here.
    ways: Vec<(usize, usize)>,
    role: Role,
    is_array: bool,
    is_root: bool,
    early: Early,
    /// The labels that came in it.
    labels: Labels,
}

/// What came in an object, which matters if it says later that it is a resource.
#[derive(Clone, Copy, Debug, Default)]
struct Early {
    /// A member that depends on the type.
    dependent: bool,
    /// A signature.
    signature: bool,
}

/// What an object or array is to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// It has not said what it is.
    #[default]
    Untyped,
    /// A resource of a type of which nothing is withheld.
    Other,
    /// A resource of a type of which something is withheld.
    Redacted,
    /// The `meta` of one.
    Meta,
    /// The list of tags in that.
    Tags,
    /// The list of security labels in that.
    Security,
}

/// Which of the two lists came in a `meta`, and whether a `meta` came in a resource.
#[derive(Clone, Copy, Debug, Default)]
struct Labels {
    tags: bool,
    security: bool,
    meta: bool,
}

impl Elements {
    pub(super) fn new<'p>(places: impl Iterator<Item = &'p Place>) -> Self {
        let element =
            |place: &'p Place| if let Place::Element(element) = place { Some(element.clone()) } else { None };
        let withheld = places.filter_map(element).collect();
        Self { withheld, has_missed: false, is_signed: false, is_changed: false }
    }

    /// Whether what came was no resource at all, so that nobody knows what it is.
    pub(super) const fn has_missed(&self) -> bool {
        self.has_missed
    }

    /// What is signed is not changed, whichever of both comes first.
    const fn check_signed(&self) -> Result<(), Fault> {
        if self.is_signed && self.is_changed { Err(Fault::Signed) } else { Ok(()) }
    }

    fn is_first_step(&self, name: &[u8]) -> bool {
        let is_first = |element: &FhirElement| element.steps().first().is_some_and(|step| step.is(name));
        matches!(name, b"meta" | b"text" | b"_text") || self.withheld.iter().any(is_first)
    }

    /// A member of an object that is no `meta`.
    fn member(&mut self, node: &mut Node, name: &[u8], value: Value) -> Result<Fate<Node>, Fault> {
        if name == b"resourceType" && value == Value::Scalar {
            return Ok(Fate::Tell(Node::default()));
        }
        if name == b"signature" {
            node.early.signature = true;
            self.is_signed |= node.role != Role::Untyped;
            self.check_signed()?;
        }
        node.early.dependent |= node.role == Role::Untyped && self.is_first_step(name);
        if node.role == Role::Redacted {
            match name {
                b"text" | b"_text" => return Ok(Fate::GoAlong),
                b"meta" => {
                    // Two of them are two readings, and what is no object cannot be labelled.
                    if std::mem::replace(&mut node.labels.meta, true) || value != Value::Object {
                        return Err(Fault::Misfit);
                    }
                    return Ok(Fate::Keep(Node { role: Role::Meta, ..Node::default() }));
                }
                _ => {}
            }
        }
        let mut ways = Vec::new();
        for &(position, length) in &node.ways {
            let steps = self.withheld.get(position).map(FhirElement::steps).unwrap_or_default();
            if steps.get(length).is_some_and(|step| step.is(name)) {
                if length + 1 == steps.len() {
                    return Ok(Fate::Remove);
                }
                ways.push((position, length + 1));
            }
        }
        Ok(Fate::Keep(Node { ways, is_array: value == Value::Array, ..Node::default() }))
    }
}

impl Guide for Elements {
    type Frame = Node;

    fn begin(
        &mut self,
        within: Option<&mut Node>,
        step: Step<'_>,
        value: Value,
    ) -> Result<Fate<Node>, Fault> {
        let is_array = value == Value::Array;
        let Some(node) = within else {
            self.has_missed |= value != Value::Object;
            return Ok(Fate::Keep(Node { is_array, is_root: true, ..Node::default() }));
        };
        match (node.role, step) {
            (Role::Meta, Step::Member(name @ (b"tag" | b"security"))) => {
                let (seen, role) = match name {
                    b"tag" => (&mut node.labels.tags, Role::Tags),
                    _ => (&mut node.labels.security, Role::Security),
                };
                if std::mem::replace(seen, true) || !is_array {
                    return Err(Fault::Misfit);
                }
                Ok(Fate::Keep(Node { role, is_array, ..Node::default() }))
            }
            (Role::Meta | Role::Tags | Role::Security, _) => {
                Ok(Fate::Keep(Node { is_array, ..Node::default() }))
            }
            (Role::Untyped | Role::Other | Role::Redacted, Step::Member(name)) => {
                let name = name.to_vec();
                self.member(node, &name, value)
            }
            // Arrays do not show in paths.
            (Role::Untyped | Role::Other | Role::Redacted, Step::Element(_) | Step::Root) => {
                Ok(Fate::Keep(Node { ways: node.ways.clone(), is_array, ..Node::default() }))
            }
        }
    }

    fn told(&mut self, within: Option<&mut Node>, text: &[u8]) -> Result<(), Fault> {
        let Some(node) = within.filter(|node| !node.is_array) else { return Ok(()) };
        if node.role != Role::Untyped {
            return Err(Fault::Misfit);
        }
        let before = node.ways.len();
        let of_type = |(position, element): (usize, &FhirElement)| {
            (element.resource().as_bytes() == text).then_some((position, 0))
        };
        node.ways.extend(self.withheld.iter().enumerate().filter_map(of_type));
        let is_redacted = node.ways.len() > before;
        self.is_signed |= node.early.signature;
        self.is_changed |= is_redacted;
        self.check_signed()?;
        node.role = if is_redacted { Role::Redacted } else { Role::Other };
        if is_redacted && node.early.dependent { Err(Fault::TypeLate) } else { Ok(()) }
    }

    fn end(&mut self, node: Node) -> Result<String, Fault> {
        self.has_missed |= node.is_root && node.role == Role::Untyped;
        let Labels { tags, security, meta } = node.labels;
        let lists = || match (tags, security) {
            (true, true) => String::new(),
            (true, false) => format!("\"security\":[{REDACTED}]"),
            (false, true) => format!("\"tag\":[{SUBSETTED}]"),
            (false, false) => format!("\"tag\":[{SUBSETTED}],\"security\":[{REDACTED}]"),
        };
        Ok(match node.role {
            Role::Untyped | Role::Other => String::new(),
            Role::Redacted if meta => String::new(),
            Role::Redacted => format!("\"meta\":{{{}}}", lists()),
            Role::Meta => lists(),
            Role::Tags => SUBSETTED.to_owned(),
            Role::Security => REDACTED.to_owned(),
        })
    }
}

/// FHIR R4, Resource: a resource that is not whole has this tag, so that nobody writes it back as if it were.
const SUBSETTED: &str = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"subsetted"}"#;

/// HL7 v3 `SecurityIntegrityObservationValue`: something was taken out for those who may not see it.
const REDACTED: &str = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED","display":"redacted"}"#;
