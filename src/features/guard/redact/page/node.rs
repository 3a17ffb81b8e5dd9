//! What stands in the tree of a page.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::tendril::StrTendril;

use super::columns::{Group, Row, Table};
use crate::domain::field::MARK;
use crate::features::guard::count::{Element, Nested, Standing};

/// An element, the document, a comment.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) element: Element,
    pub(super) comment: StrTendril,
    pub(super) parent: RefCell<Option<Rc<Self>>>,
    pub(super) depth: Cell<usize>,
    standing: Standing,
    /// It has got its place; what is moved afterwards is not looked at again.
    pub(super) seen: Cell<bool>,
    /// What is withheld, if it is that or stands in it.
    pub(super) within: RefCell<Option<Rc<Withheld>>>,
    pub(super) table: RefCell<Option<Rc<Table>>>,
    pub(super) group: RefCell<Option<Rc<Group>>>,
    pub(super) row: RefCell<Option<Rc<Row>>>,
    /// The heading that it is.
    pub(super) heading: Cell<Option<usize>>,
}

/// What an element that is withheld holds.
#[derive(Debug, Default)]
pub(super) struct Withheld {
    /// No more than shows whether it is the mark.
    text: RefCell<String>,
    pub(super) has_nodes: Cell<bool>,
}

impl Withheld {
    /// Whether it holds what stands for a value, and nothing else; or nothing, if it can hold nothing.
    pub(super) fn is_marked(&self, is_void: bool) -> bool {
        !self.has_nodes.get() && *self.text.borrow() == if is_void { "" } else { MARK }
    }

    /// More of what it holds.
    pub(super) fn tell(&self, text: &str) {
        let mut kept = self.text.borrow_mut();
        let room = (MARK.len() + 1).saturating_sub(kept.len());
        kept.extend(text.chars().take(room));
    }
}

impl Node {
    pub(super) fn new(element: Element, comment: StrTendril) -> Rc<Self> {
        Rc::new(Self {
            element,
            comment,
            parent: RefCell::default(),
            depth: Cell::default(),
            standing: Standing::default(),
            seen: Cell::default(),
            within: RefCell::default(),
            table: RefCell::default(),
            group: RefCell::default(),
            row: RefCell::default(),
            heading: Cell::default(),
        })
    }

    /// What of it is withheld.
    pub(super) fn within(&self) -> Option<Rc<Withheld>> {
        self.within.borrow().clone()
    }
}

impl Nested for Node {
    fn element(&self) -> &Element {
        &self.element
    }

    fn parent(&self) -> Option<Rc<Self>> {
        self.parent.borrow().clone()
    }

    fn standing(&self) -> &Standing {
        &self.standing
    }
}
