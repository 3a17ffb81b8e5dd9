//! An element of a page, as far as it matters what it is and what it stands in.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use html5ever::{Attribute, QualName};

use super::standing::Standing;
use crate::domain::row_selector::{Condition, Step};
use crate::features::guard::count::label::is_ascii_based;

/// Browsers nest no deeper either.
pub(in crate::features::guard) const DEPTH_MAX: usize = 512;

/// An element, or with no name the document or a comment.
#[derive(Debug)]
pub(in crate::features::guard) struct Element {
    name: Option<QualName>,
    attributes: RefCell<Vec<Attribute>>,
}

impl Element {
    pub(in crate::features::guard) const fn new(name: Option<QualName>, attributes: Vec<Attribute>) -> Self {
        Self { name, attributes: RefCell::new(attributes) }
    }

    /// Its name; the tree builder asks for the names of elements alone.
    #[expect(clippy::expect_used, reason = "the tree builder asks for the names of elements alone")]
    pub(in crate::features::guard) fn qualified_name(&self) -> &QualName {
        self.name.as_ref().expect("an element")
    }

    /// Its name without its namespace; empty of what is no element.
    pub(in crate::features::guard) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |name| &*name.local)
    }

    /// A cell of a table.
    pub(in crate::features::guard) fn is_cell(&self) -> bool {
        matches!(self.name(), "td" | "th")
    }

    pub(in crate::features::guard) fn attributes(&self) -> Ref<'_, Vec<Attribute>> {
        self.attributes.borrow()
    }

    pub(in crate::features::guard) fn attribute(&self, name: &str) -> Option<String> {
        let attributes = self.attributes.borrow();
        attributes
            .iter()
            .find(|attribute| &*attribute.name.local == name)
            .map(|found| found.value.to_string())
    }

    /// Adds those that it has not.
    pub(in crate::features::guard) fn add(&self, attributes: Vec<Attribute>) {
        let mut known = self.attributes.borrow_mut();
        for attribute in attributes {
            if !known.iter().any(|each| each.name == attribute.name) {
                known.push(attribute);
            }
        }
    }

    /// Whether it is what a step says, wherever it stands.
    pub(in crate::features::guard) fn is(&self, step: &Step) -> bool {
        let Some(name) = &self.name else { return false };
        step.name.as_ref().is_none_or(|wanted| (*name.local).eq_ignore_ascii_case(wanted))
            && step.conditions.iter().all(|condition| self.holds(condition))
    }

    /// Whether it has what a condition asks for. In some pages (quirks mode) the case of names does not matter; so it never
    /// does.
    fn holds(&self, condition: &Condition) -> bool {
        let (name, fits): (&str, &dyn Fn(&str) -> bool) = match condition {
            Condition::Id(id) => ("id", &|value| value.eq_ignore_ascii_case(id)),
            Condition::Class(class) => ("class", &|value| {
                value.split_ascii_whitespace().any(|each| each.eq_ignore_ascii_case(class))
            }),
            Condition::Attribute(name, None) => (name, &|_| true),
            Condition::Attribute(name, Some(wanted)) => (name, &|value| value.eq_ignore_ascii_case(wanted)),
        };
        self.attributes.borrow().iter().any(|each| &*each.name.local == name && fits(&each.value))
    }
}

/// A node of a tree that knows what it stands in.
pub(in crate::features::guard) trait Nested: Sized {
    fn element(&self) -> &Element;
    fn parent(&self) -> Option<Rc<Self>>;
    fn standing(&self) -> &Standing;
}

/// The element and what it stands in, from the inside out.
pub(in crate::features::guard) fn ancestors<N: Nested>(node: &Rc<N>) -> impl Iterator<Item = Rc<N>> {
    std::iter::successors(Some(Rc::clone(node)), |node| node.parent())
}

/// Whether the attributes of a `meta` name an encoding that we do not read: the page may then be read in two ways.
pub(in crate::features::guard) fn declares_foreign(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let value = attribute.value.to_ascii_lowercase();
        let charset = match &*attribute.name.local {
            "charset" => value.trim(),
            "content" => value.split_once("charset=").map_or("", |(_, name)| name.trim()),
            _ => return false,
        };
        let charset = charset.trim_matches(['"', '\'']).split(';').next().unwrap_or_default();
        !is_ascii_based(charset) && !charset.starts_with("utf-16")
    })
}
