//! The tree of a page, of which each element knows only what it stands in.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, QualName, local_name};

use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::PatientLocator;
use crate::domain::row_selector::RowSelector;
use crate::features::guard::count::Tally;
use crate::features::guard::count::patients::Patients;

use super::element::{DEPTH_MAX, Element, Nested, ancestors, declares_foreign};
use super::standing::{Selectors, Standing};

/// The one selector of a page whose rows are counted.
const ROWS: usize = 0;
/// The longest text of a patient's cell that is read.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// An element, the document, or whatever else stands in the tree.
#[derive(Debug)]
pub(super) struct Node {
    element: Element,
    parent: RefCell<Option<Rc<Self>>>,
    depth: Cell<usize>,
    standing: Standing,
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
    rows: Selectors,
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
    pub(super) fn new(rows: &RowSelector, patient: Option<PatientLocator>) -> Self {
        Self {
            document: Node::new(None, Vec::new()),
            rows: Selectors::new([rows]),
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

    pub(super) fn with_patients<R>(&self, act: impl FnOnce(&mut Patients) -> R) -> R {
        act(&mut self.patients.borrow_mut())
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
                } else if node.seen.replace(true) {
                    self.rows.note_move();
                } else {
                    self.look(parent, &node);
                }
            }
        }
    }

    /// An element has got its place.
    fn look(&self, parent: &Rc<Node>, node: &Rc<Node>) {
        if !self.found.get() {
            self.found.set(self.rows.holds(ROWS, node));
        }
        if node.element.is_cell()
            && let Some(row) = &*parent.row.borrow()
        {
            let number = row.cells.get().saturating_add(1);
            row.cells.set(number);
            if self.patient == Some(PatientLocator::Cell(number)) {
                node.is_cell.set(true);
                self.named.set(true);
            }
        }
        if self.rows.finds(ROWS, node) {
            self.records.set(self.records.get() + 1);
            self.begin_row(node);
        }
    }

    fn begin_row(&self, node: &Rc<Node>) {
        match &self.patient {
            Some(PatientLocator::Attribute(name)) => {
                if let Some(value) = node.element.attribute(name) {
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
}

impl Node {
    fn new(name: Option<QualName>, attributes: Vec<Attribute>) -> Rc<Self> {
        Rc::new(Self {
            element: Element::new(name, attributes),
            parent: RefCell::default(),
            depth: Cell::default(),
            standing: Standing::default(),
            seen: Cell::default(),
            row: RefCell::default(),
            is_cell: Cell::default(),
        })
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

impl TreeSink for Tree {
    type Handle = Rc<Node>;
    type Output = (Tally, Patients);
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> (Tally, Patients) {
        let unknown = |why| (Tally::unknown(why), Patients::default());
        if let Some(why) = self.broken.get() {
            return unknown(why);
        }
        if !self.found.get() {
            return unknown(WhyUnknown::Unparsable);
        }
        self.end_rows(usize::MAX);
        let (records, patients) = (Count::Exactly(self.records.get()), self.count(Patients::count));
        (Tally { records, patients }, self.patients.take())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> &'a QualName {
        target.element.qualified_name()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Rc<Node> {
        self.grown();
        if name.local == local_name!("meta") && declares_foreign(&attributes) {
            self.broken.set(Some(WhyUnknown::Charset));
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
        target.element.add(attributes);
        self.rows.note_move();
    }

    fn remove_from_parent(&self, target: &Rc<Node>) {
        target.parent.borrow_mut().take();
        self.rows.note_move();
    }

    /// Children are not known here. Those that the algorithm moves are open no more, but for elements of
    /// text (`b`, `font`), in which no row stands.
    fn reparent_children(&self, _: &Rc<Node>, _: &Rc<Node>) {}
}
