//! What of a page is withheld, and what an element that is keeps of its attributes.

use crate::domain::field::{MARK, Place};
use crate::domain::row_selector::{Condition, RowSelector, Step};
use crate::features::guard::count::Element;

/// Rows, columns of them, and elements.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Which elements are rows.
    pub(super) rows: RowSelector,
    /// Columns by their number, from 0.
    pub(super) numbers: Vec<u32>,
    /// Columns by what stands at their head, folded.
    pub(super) names: Vec<String>,
    /// Elements.
    pub(super) elements: Vec<RowSelector>,
}

/// What becomes of an attribute of an element that is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Whole,
    /// It is there, and says nothing.
    Name,
    Nothing,
}

impl Wanted {
    pub(super) fn new<'p>(rows: &RowSelector, places: impl Iterator<Item = &'p Place>) -> Self {
        let mut wanted =
            Self { rows: rows.clone(), numbers: Vec::new(), names: Vec::new(), elements: Vec::new() };
        for place in places {
            match place {
                Place::Cell(number) => wanted.numbers.push(u32::from(*number).saturating_sub(1)),
                Place::Column(name) => wanted.names.push(folded(name)),
                Place::Selector(selector) => wanted.elements.push(selector.clone()),
                Place::Pointer(_) | Place::Member(_) | Place::Element(_) => {}
            }
        }
        wanted
    }

    /// Whether columns are withheld.
    pub(super) const fn has_columns(&self) -> bool {
        !self.numbers.is_empty() || !self.names.is_empty()
    }

    /// Whether an element has no attributes but those that may stay.
    pub(super) fn is_bare(&self, element: &Element) -> bool {
        element.attributes().iter().all(|attribute| match self.keeps(&attribute.name.local) {
            Keeps::Whole => true,
            Keeps::Name => attribute.value.is_empty(),
            Keeps::Nothing => matches!(&*attribute.name.local, "value" | "alt") && &*attribute.value == MARK,
        })
    }

    /// Writes its first tag with the attributes that may stay. One that cannot hold the mark shows it.
    pub(super) fn write_bare(&self, element: &Element, is_void: bool, out: &mut String) {
        out.push('<');
        out.push_str(element.name());
        for attribute in element.attributes().iter() {
            let name = &*attribute.name.local;
            match self.keeps(name) {
                Keeps::Whole => write_attribute(name, &attribute.value, out),
                Keeps::Name => write_attribute(name, "", out),
                Keeps::Nothing => {}
            }
        }
        match element.name() {
            "input" if is_void && self.keeps("value") == Keeps::Nothing => {
                write_attribute("value", MARK, out);
            }
            "img" if is_void && self.keeps("alt") == Keeps::Nothing => write_attribute("alt", MARK, out),
            _ => {}
        }
        out.push('>');
    }

    /// What says how it is laid out stays, and what it was declared by: that tells nothing which the operator has not written.
    fn keeps(&self, name: &str) -> Keeps {
        if matches!(name, "class" | "colspan" | "rowspan" | "scope") {
            return Keeps::Whole;
        }
        let last = self.elements.iter().filter_map(|selector| selector.steps().last());
        let said = last.flat_map(|step: &Step| step.conditions.iter());
        let keeps = said.filter_map(|condition| match condition {
            Condition::Id(_) => (name == "id").then_some(Keeps::Whole),
            Condition::Attribute(told, Some(_)) => (**told == *name).then_some(Keeps::Whole),
            Condition::Attribute(told, None) => (**told == *name).then_some(Keeps::Name),
            Condition::Class(_) => None,
        });
        keeps.reduce(|one, other| if one == Keeps::Name { one } else { other }).unwrap_or(Keeps::Nothing)
    }
}

fn write_attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A heading as it is compared: white space is a blank, and case does not matter.
pub(super) fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
