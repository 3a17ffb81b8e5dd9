//! The tree of a page, of which each element knows only what it stands in.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, QualName, local_name};

use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::PatientLocator;
use crate::domain::row_selector::{Condition, RowSelector, Step};
use crate::features::guard::count::Tally;
use crate::features::guard::count::label::is_ascii_based;
use crate::features::guard::count::patients::{Named, Patients};

/// Browsers nest no deeper either.
const DEPTH_MAX: usize = 512;

/// The longest text of a patient's cell that is read.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// An element, the document, or whatever else stands in the tree.
#[derive(Debug)]
pub(super) struct Node {
    name: Option<QualName>,
    attributes: RefCell<Vec<Attribute>>,
    parent: RefCell<Option<Rc<Self>>>,
    depth: Cell<usize>,
    /// Counted already; what is moved afterwards is not counted again.
    seen: Cell<bool>,
    row: RefCell<Option<Rc<Row>>>,
    /// It is the cell that names the patient.
    is_cell: Cell<bool>,
}

/// A row that is counted, until nothing can come into it any more.
#[derive(Debug, Default)]
struct Row {
    cells: Cell<u16>,
    text: RefCell<String>,
}

/// Counts what is put into it.
pub(super) struct Tree {
    document: Rc<Node>,
    rows: RowSelector,
    patient: Option<PatientLocator>,
    /// Rows whose cell may still get text.
    open: RefCell<Vec<Rc<Row>>>,
    patients: RefCell<Patients>,
    records: Cell<u64>,
    /// What rows stand in was there.
    found: Cell<bool>,
    /// A row said who its patient is.
    named: Cell<bool>,
    steps: Cell<u64>,
    broken: Cell<Option<WhyUnknown>>,
}

impl Tree {
    pub(super) fn new(rows: RowSelector, patient: Option<PatientLocator>) -> Self {
        Self {
            document: Node::new(None, Vec::new()),
            rows,
            patient,
            open: RefCell::default(),
            patients: RefCell::default(),
            records: Cell::default(),
            found: Cell::default(),
            named: Cell::default(),
            steps: Cell::default(),
            broken: Cell::default(),
        }
    }

    /// How often it has grown.
    pub(super) const fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(super) const fn broken(&self) -> Option<WhyUnknown> {
        self.broken.get()
    }

    pub(super) fn take_named(&self) -> Vec<Named> {
        self.patients.borrow_mut().take_named()
    }

    pub(super) fn so_far(&self) -> Tally {
        Tally { records: Count::AtLeast(self.records.get()), patients: self.count(Patients::so_far) }
    }

    fn count(&self, count: impl Fn(&Patients) -> Count) -> Count {
        match self.patient {
            None => Count::NotCounted,
            Some(_) if self.records.get() > 0 && !self.named.get() => Count::Unknown(WhyUnknown::Unparsable),
            Some(_) => count(&self.patients.borrow()),
        }
    }

    fn grown(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    fn put(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.grown();
        match child {
            NodeOrText::AppendText(text) => self.text(parent, &text),
            NodeOrText::AppendNode(node) => {
                *node.parent.borrow_mut() = Some(Rc::clone(parent));
                node.depth.set(parent.depth.get() + 1);
                if node.depth.get() > DEPTH_MAX {
                    self.broken.set(Some(WhyUnknown::Unparsable));
                } else if !node.seen.replace(true) {
                    self.look(parent, &node);
                }
            }
        }
    }

    /// An element has got its place.
    fn look(&self, parent: &Rc<Node>, node: &Rc<Node>) {
        let Some((last, container)) = self.rows.steps().split_last() else { return };
        if !self.found.get() && container.last().is_some_and(|step| node.is(step)) {
            self.found.set(stands(node, container));
        }
        let is_cell = node.name.as_ref().is_some_and(|name| matches!(&*name.local, "td" | "th"));
        if is_cell && let Some(row) = &*parent.row.borrow() {
            let number = row.cells.get().saturating_add(1);
            row.cells.set(number);
            if self.patient == Some(PatientLocator::Cell(number)) {
                node.is_cell.set(true);
                self.named.set(true);
            }
        }
        if node.is(last) && stands(node, self.rows.steps()) {
            self.records.set(self.records.get() + 1);
            self.begin_row(node);
        }
    }

    fn begin_row(&self, node: &Rc<Node>) {
        match &self.patient {
            Some(PatientLocator::Attribute(name)) => {
                if let Some(value) = node.attribute(name) {
                    self.named.set(true);
                    self.patients.borrow_mut().name(value.trim().as_bytes());
                }
            }
            Some(PatientLocator::Cell(_)) => {
                self.end_rows(2);
                let row = Rc::new(Row::default());
                self.open.borrow_mut().push(Rc::clone(&row));
                *node.row.borrow_mut() = Some(row);
            }
            Some(PatientLocator::Column(_) | PatientLocator::Member(_) | PatientLocator::Element(_))
            | None => {}
        }
    }

    /// Rows that nobody holds but us get no more text. A row is held by its element, which is held by what is open.
    fn end_rows(&self, held: usize) {
        self.open.borrow_mut().retain(|row| {
            let goes_on = Rc::strong_count(row) >= held;
            if !goes_on {
                self.patients.borrow_mut().name(row.text.borrow().trim().as_bytes());
            }
            goes_on
        });
    }

    fn text(&self, parent: &Rc<Node>, text: &str) {
        if !matches!(self.patient, Some(PatientLocator::Cell(_))) || self.open.borrow().is_empty() {
            return;
        }
        for cell in ancestors(parent).filter(|node| node.is_cell.get()) {
            let row = cell.parent.borrow().as_ref().and_then(|row| row.row.borrow().clone());
            let Some(row) = row else { continue };
            let mut kept = row.text.borrow_mut();
            if kept.len() + text.len() > TEXT_BYTES_MAX {
                self.broken.set(Some(WhyUnknown::Unparsable));
            } else {
                kept.push_str(text);
            }
        }
    }

    /// A page that names an encoding which we do not read may be read in two ways.
    fn declaration(&self, attributes: &[Attribute]) {
        for attribute in attributes {
            let value = attribute.value.to_ascii_lowercase();
            let charset = match &*attribute.name.local {
                "charset" => value.trim(),
                "content" => value.split_once("charset=").map_or("", |(_, name)| name.trim()),
                _ => continue,
            };
            let charset = charset.trim_matches(['"', '\'']).split(';').next().unwrap_or_default();
            if !is_ascii_based(charset) && !charset.starts_with("utf-16") {
                self.broken.set(Some(WhyUnknown::Charset));
            }
        }
    }
}

impl Node {
    fn new(name: Option<QualName>, attributes: Vec<Attribute>) -> Rc<Self> {
        Rc::new(Self {
            name,
            attributes: RefCell::new(attributes),
            parent: RefCell::default(),
            depth: Cell::default(),
            seen: Cell::default(),
            row: RefCell::default(),
            is_cell: Cell::default(),
        })
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let attributes = self.attributes.borrow();
        attributes
            .iter()
            .find(|attribute| &*attribute.name.local == name)
            .map(|found| found.value.to_string())
    }

    fn is(&self, step: &Step) -> bool {
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

/// The element and what it stands in, from the inside out.
fn ancestors(node: &Rc<Node>) -> impl Iterator<Item = Rc<Node>> {
    std::iter::successors(Some(Rc::clone(node)), |node| node.parent.borrow().clone())
}

/// Whether an element that is as the last of the `steps` says also stands as the others say.
fn stands(node: &Rc<Node>, steps: &[Step]) -> bool {
    let Some((last, outer)) = steps.split_last() else { return true };
    let Some(wanted) = outer.last() else { return true };
    let mut around = ancestors(node).skip(1);
    if last.is_child {
        return around.next().is_some_and(|parent| parent.is(wanted) && stands(&parent, outer));
    }
    around.any(|ancestor| ancestor.is(wanted) && stands(&ancestor, outer))
}

impl TreeSink for Tree {
    type Handle = Rc<Node>;
    type Output = (Tally, Vec<Named>);
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> (Tally, Vec<Named>) {
        let unknown = |why| (Tally::unknown(why), Vec::new());
        if let Some(why) = self.broken.get() {
            return unknown(why);
        }
        if !self.found.get() {
            return unknown(WhyUnknown::Unparsable);
        }
        self.end_rows(usize::MAX);
        let (records, patients) = (Count::Exactly(self.records.get()), self.count(Patients::count));
        (Tally { records, patients }, self.take_named())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.document)
    }

    #[expect(clippy::expect_used, reason = "the tree builder asks for the names of elements alone")]
    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> &'a QualName {
        target.name.as_ref().expect("an element")
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Rc<Node> {
        self.grown();
        if name.local == local_name!("meta") {
            self.declaration(&attributes);
        }
        Node::new(Some(name), attributes)
    }

    fn create_comment(&self, _: StrTendril) -> Rc<Node> {
        self.grown();
        Node::new(None, Vec::new())
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Rc<Node> {
        Node::new(None, Vec::new())
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.put(parent, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Rc<Node>,
        previous: &Rc<Node>,
        child: NodeOrText<Rc<Node>>,
    ) {
        let has_parent = element.parent.borrow().is_some();
        if has_parent { self.append_before_sibling(element, child) } else { self.put(previous, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {
        self.grown();
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
        self.put(parent.as_ref().unwrap_or(&self.document), child);
    }

    fn add_attrs_if_missing(&self, target: &Rc<Node>, attributes: Vec<Attribute>) {
        let mut known = target.attributes.borrow_mut();
        for attribute in attributes {
            if !known.iter().any(|each| each.name == attribute.name) {
                known.push(attribute);
            }
        }
    }

    fn remove_from_parent(&self, target: &Rc<Node>) {
        target.parent.borrow_mut().take();
    }

    /// Children are not known here. Those that the algorithm moves are open no more, but for elements of
    /// text (`b`, `font`), in which no row stands.
    fn reparent_children(&self, _: &Rc<Node>, _: &Rc<Node>) {}
}
