//! The tree of a page, in which what is withheld is found, and of which all else is written down.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, QualName, local_name};

use super::super::Fault;
use super::columns::{Is, Row};
use super::node::Node;
use super::wanted::Wanted;
use crate::features::guard::count::{DEPTH_MAX, Element, Selectors, ancestors, declares_foreign};

/// The identifier of what says in a page that something is withheld.
pub(super) const BANNER: &str = "leastway-withheld";

/// Finds what is withheld in what is put into it.
#[derive(Debug)]
pub(super) struct Tree<'w> {
    wanted: &'w Wanted,
    /// Of the rows, and then of each of the elements.
    selectors: Selectors,
    document: Rc<Node>,
    /// Elements that came to be withheld since this was last asked.
    begun: RefCell<Vec<Rc<Node>>>,
    has_begun_body: Cell<bool>,
    has_banner: Cell<bool>,
    rows: RefCell<Vec<Rc<Row>>>,
    /// Whether what the rows stand in was there, and what each of the elements stands in.
    has_met_rows: Cell<bool>,
    has_met: RefCell<Vec<bool>>,
    /// All that is not withheld, and where it was put.
    beside: RefCell<Vec<u8>>,
    beside_max: usize,
    fault: Cell<Option<Fault>>,
}

impl<'w> Tree<'w> {
    /// The tree of a page of so many bytes.
    pub(super) fn new(wanted: &'w Wanted, bytes: usize) -> Self {
        Self {
            wanted,
            selectors: Selectors::new(std::iter::once(&wanted.rows).chain(&wanted.elements)),
            document: Node::new(Element::new(None, Vec::new()), StrTendril::new()),
            begun: RefCell::default(),
            has_begun_body: Cell::default(),
            has_banner: Cell::default(),
            rows: RefCell::default(),
            has_met_rows: Cell::new(!wanted.has_columns()),
            has_met: RefCell::new(vec![false; wanted.elements.len()]),
            beside: RefCell::default(),
            beside_max: bytes.saturating_mul(GROWTH_MAX).saturating_add(64 * 1024),
            fault: Cell::default(),
        }
    }

    /// What came to be withheld by the last token.
    pub(super) fn take_begun(&self) -> Vec<Rc<Node>> {
        std::mem::take(&mut self.begun.borrow_mut())
    }

    /// Whether the last token has begun the body.
    pub(super) const fn take_begun_body(&self) -> bool {
        self.has_begun_body.replace(false)
    }

    pub(super) const fn has_banner(&self) -> bool {
        self.has_banner.get()
    }

    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    pub(super) fn fail(&self, fault: Fault) {
        self.fault.set(Some(fault));
    }

    /// Whether what the fields stand in was not there.
    pub(super) fn has_missed(&self) -> bool {
        !self.has_met_rows.get() || self.has_met.borrow().iter().any(|met| !met)
    }

    /// Whether a row ended before a column that is withheld.
    pub(super) fn is_ragged(&self) -> bool {
        self.rows.borrow().iter().any(|row| row.is_ragged(self.wanted))
    }

    pub(super) fn take_beside(&self) -> Vec<u8> {
        std::mem::take(&mut self.beside.borrow_mut())
    }

    fn note(&self, parts: &[&[u8]]) {
        let mut beside = self.beside.borrow_mut();
        let length: usize = parts.iter().map(|part| part.len() + 1).sum();
        if beside.len() + length > self.beside_max {
            self.fail(Fault::TooLong);
            return;
        }
        for part in parts {
            beside.extend_from_slice(part);
            // No byte of UTF-8.
            beside.push(0xFF);
        }
    }

    fn note_node(&self, what: &str, node: &Node) {
        let depth = node.depth.get().to_string();
        self.note(&[
            what.as_bytes(),
            depth.as_bytes(),
            node.element.name().as_bytes(),
            node.comment.as_bytes(),
        ]);
        // What is withheld comes without its attributes.
        if node.within.borrow().is_none() {
            for attribute in node.element.attributes().iter() {
                self.note(&[attribute.name.local.as_bytes(), attribute.value.as_bytes()]);
            }
        }
    }

    fn put(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>, how: &str) {
        match child {
            NodeOrText::AppendText(text) => self.text(parent, &text, how),
            NodeOrText::AppendNode(node) => {
                *node.parent.borrow_mut() = Some(Rc::clone(parent));
                node.depth.set(parent.depth.get() + 1);
                if node.depth.get() > DEPTH_MAX {
                    self.fail(Fault::TooLong);
                } else if node.seen.replace(true) {
                    self.selectors.note_move();
                    self.check_move(&node, parent);
                    self.note_node("move", &node);
                } else {
                    self.place(parent, &node, how);
                }
            }
        }
    }

    /// A node has got its place.
    fn place(&self, parent: &Rc<Node>, node: &Rc<Node>, how: &str) {
        if let Some(within) = &*parent.within.borrow() {
            within.has_nodes.set(true);
            *node.within.borrow_mut() = Some(Rc::clone(within));
            return;
        }
        if node.element.name() == "body" {
            self.has_begun_body.set(true);
        }
        if node.element.attribute("id").is_some_and(|id| id == BANNER) {
            self.has_banner.set(true);
            *node.within.borrow_mut() = Some(Rc::default());
            return;
        }
        match self.is_withheld(parent, node) {
            Ok(true) => {
                *node.within.borrow_mut() = Some(Rc::default());
                self.begun.borrow_mut().push(Rc::clone(node));
            }
            Ok(false) => {}
            Err(fault) => self.fail(fault),
        }
        self.note_node(how, node);
    }

    fn is_withheld(&self, parent: &Rc<Node>, node: &Rc<Node>) -> Result<bool, Fault> {
        let in_column = self.wanted.has_columns() && self.is_in_column(parent, node)?;
        let mut has_met = self.has_met.borrow_mut();
        let mut is_wanted = in_column;
        for (number, met) in (ROWS + 1..).zip(has_met.iter_mut()) {
            *met = *met || self.selectors.holds(number, node);
            is_wanted |= self.selectors.finds(number, node);
        }
        Ok(is_wanted)
    }

    fn is_in_column(&self, parent: &Rc<Node>, node: &Rc<Node>) -> Result<bool, Fault> {
        if !self.has_met_rows.get() {
            self.has_met_rows.set(self.selectors.holds(ROWS, node));
        }
        let is_record = self.selectors.finds(ROWS, node);
        match node.element.name() {
            "table" => *node.table.borrow_mut() = Some(Rc::default()),
            "tr" => {
                let table = ancestors(parent).find_map(|node| node.table.borrow().clone());
                let group = Rc::clone(parent.group.borrow_mut().get_or_insert_default());
                let row = Rc::new(Row::new(table, group, is_record)?);
                self.rows.borrow_mut().push(Rc::clone(&row));
                *node.row.borrow_mut() = Some(row);
            }
            // Cells stand in rows of tables alone.
            _ if is_record => return Err(Fault::Misfit),
            "td" | "th" => {
                let Some(row) = parent.row.borrow().clone() else { return Ok(false) };
                match row.cell(&node.element, self.wanted)? {
                    Is::Withheld => return Ok(true),
                    Is::Heading(number) => {
                        node.heading.set(Some(number));
                        node.table.borrow_mut().clone_from(&row.table().cloned());
                    }
                    Is::Shown => {}
                }
            }
            _ => {}
        }
        Ok(false)
    }

    fn text(&self, parent: &Rc<Node>, text: &str, how: &str) {
        if let Some(within) = &*parent.within.borrow() {
            within.tell(text);
            return;
        }
        self.note(&[how.as_bytes(), text.as_bytes()]);
        if self.wanted.names.is_empty() {
            return;
        }
        let heading = ancestors(parent).find_map(|node| node.heading.get().map(|number| (node, number)));
        if let Some((cell, number)) = heading
            && let Some(table) = &*cell.table.borrow()
        {
            table.tell(number, text);
        }
    }

    /// What is moved into or out of something that is withheld is found nowhere.
    fn check_move(&self, node: &Node, parent: &Node) {
        let (from, to) = (node.within.borrow(), parent.within.borrow());
        let is_same = match (&*from, &*to) {
            (None, None) => true,
            (Some(from), Some(to)) => Rc::ptr_eq(from, to),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            self.fail(Fault::Malformed);
        }
    }
}

/// What is written down of a page is no longer than so many times the page.
const GROWTH_MAX: usize = 16;
/// The selector of the rows.
const ROWS: usize = 0;

impl TreeSink for Tree<'_> {
    type Handle = Rc<Node>;
    type Output = ();
    type ElemName<'a>
        = &'a QualName
    where
        Self: 'a;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> &'a QualName {
        target.element.qualified_name()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Rc<Node> {
        if name.local == local_name!("meta") && declares_foreign(&attributes) {
            self.fail(Fault::Charset);
        }
        Node::new(Element::new(Some(name), attributes), StrTendril::new())
    }

    fn create_comment(&self, text: StrTendril) -> Rc<Node> {
        Node::new(Element::new(None, Vec::new()), text)
    }

    fn create_pi(&self, _: StrTendril, data: StrTendril) -> Rc<Node> {
        Node::new(Element::new(None, Vec::new()), data)
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.put(parent, child, "append");
    }

    fn append_based_on_parent_node(
        &self,
        element: &Rc<Node>,
        previous: &Rc<Node>,
        child: NodeOrText<Rc<Node>>,
    ) {
        let has_parent = element.parent.borrow().is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.put(previous, child, "append");
        }
    }

    fn append_doctype_to_document(&self, name: StrTendril, public: StrTendril, system: StrTendril) {
        self.note(&[name.as_bytes(), public.as_bytes(), system.as_bytes()]);
    }

    /// What a template holds counts where the template stands: a script puts it there.
    fn get_template_contents(&self, target: &Rc<Node>) -> Rc<Node> {
        Rc::clone(target)
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        let parent = sibling.parent.borrow().clone();
        self.put(parent.as_ref().unwrap_or(&self.document), child, "before");
    }

    fn add_attrs_if_missing(&self, target: &Rc<Node>, attributes: Vec<Attribute>) {
        for attribute in &attributes {
            self.note(&[b"add", attribute.name.local.as_bytes(), attribute.value.as_bytes()]);
        }
        target.element.add(attributes);
        self.selectors.note_move();
    }

    fn remove_from_parent(&self, target: &Rc<Node>) {
        if target.within.borrow().is_none() {
            self.note_node("remove", target);
        }
        target.parent.borrow_mut().take();
        self.selectors.note_move();
    }

    /// Children are not known here; those of what is withheld stay in it.
    fn reparent_children(&self, from: &Rc<Node>, to: &Rc<Node>) {
        self.check_move(from, to);
        if from.within.borrow().is_none() {
            self.note_node("from", from);
            self.note_node("to", to);
        }
    }
}
