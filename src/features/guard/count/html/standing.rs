//! Where the elements of a page stand, as selectors see it.
//!
//! All ways in which a selector may be met are followed at once: for each element a set says which of the selector's first
//! steps it completes, and another which of them were completed by it or by something that it stands in. Both come of those of
//! its parent, so that an element is looked at once, however deep it stands and however many steps are alike. Where elements
//! are moved, which is rare, the sets are found anew.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::element::Nested;
use crate::domain::row_selector::RowSelector;

/// The selectors of one page.
#[derive(Debug)]
pub(in crate::features::guard) struct Selectors {
    all: Box<[Selector]>,
    /// Rises with each move of an element.
    moves: Cell<u32>,
}

#[derive(Debug)]
struct Selector {
    steps: RowSelector,
    /// Steps that stand directly in the step before.
    children: Steps,
}

/// A set of the steps of a selector, of which there are no more than sixteen: the lowest bit is the outermost step.
type Steps = u16;

/// Which steps an element completes, with those before them around it.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    /// The element itself.
    here: Steps,
    /// The element or something that it stands in.
    within: Steps,
}

/// What each selector has of an element. It is found when it is asked for.
#[derive(Debug, Default)]
pub(in crate::features::guard) struct Standing {
    met: RefCell<Box<[Met]>>,
    as_of: Cell<u32>,
}

impl Selectors {
    pub(in crate::features::guard) fn new<'s>(selectors: impl IntoIterator<Item = &'s RowSelector>) -> Self {
        // Of no element is anything known before the first move, as it were.
        Self { all: selectors.into_iter().map(Selector::new).collect(), moves: Cell::new(1) }
    }

    /// An element was moved, or has got other attributes: others may stand elsewhere by it.
    pub(in crate::features::guard) fn note_move(&self) {
        self.moves.set(self.moves.get().wrapping_add(1).max(1));
    }

    /// Whether the selector of this number finds the element.
    pub(in crate::features::guard) fn finds<N: Nested>(&self, number: usize, node: &Rc<N>) -> bool {
        self.meets(number, node, 1)
    }

    /// Whether the element is what those that the selector of this number finds stand in.
    pub(in crate::features::guard) fn holds<N: Nested>(&self, number: usize, node: &Rc<N>) -> bool {
        self.meets(number, node, 2)
    }

    /// Whether the element completes the step that is the `from_last` of the selector, counted from 1.
    fn meets<N: Nested>(&self, number: usize, node: &Rc<N>, from_last: usize) -> bool {
        let Some(selector) = self.all.get(number) else { return false };
        let Some(step) = selector.steps.steps().len().checked_sub(from_last) else { return false };
        self.look(node);
        let met = node.standing().met.borrow();
        met.get(number).is_some_and(|met| met.here & bit(step) != 0)
    }

    /// Finds where an element stands, and first what it stands in, where that is not known. Elements nest no deeper than
    /// [`DEPTH_MAX`](super::element::DEPTH_MAX).
    fn look<N: Nested>(&self, node: &Rc<N>) {
        let standing = node.standing();
        if standing.as_of.get() == self.moves.get() {
            return;
        }
        let parent = node.parent();
        if let Some(parent) = &parent {
            self.look(parent);
        }
        let around = parent.as_ref().map(|parent| parent.standing().met.borrow());
        let of = |(number, selector): (usize, &Selector)| {
            let around = around.as_ref().and_then(|met| met.get(number).copied()).unwrap_or_default();
            selector.met(node, around)
        };
        let met = self.all.iter().enumerate().map(of).collect();
        *standing.met.borrow_mut() = met;
        standing.as_of.set(self.moves.get());
    }
}

impl Selector {
    fn new(selector: &RowSelector) -> Self {
        let steps = selector.steps().iter().enumerate();
        let children = steps.filter(|(_, step)| step.is_child).fold(0, |set, (number, _)| set | bit(number));
        Self { steps: selector.clone(), children }
    }

    fn met<N: Nested>(&self, node: &Rc<N>, around: Met) -> Met {
        let next = around.here << 1 & self.children | around.within << 1 & !self.children | bit(0);
        let steps = self.steps.steps().iter().enumerate();
        let is_met = |(number, step): (usize, _)| next & bit(number) != 0 && node.element().is(step);
        let here = steps.filter(|step| is_met(*step)).fold(0, |set, (number, _)| set | bit(number));
        Met { here, within: around.within | here }
    }
}

/// The set of one step.
fn bit(step: usize) -> Steps {
    u32::try_from(step).ok().and_then(|step| Steps::from(1_u8).checked_shl(step)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use html5ever::{Attribute, QualName, local_name, ns};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::row_selector::Step;
    use crate::features::guard::count::html::element::{Element, ancestors};

    /// An element of a tree of its own.
    struct Node {
        element: Element,
        parent: RefCell<Option<Rc<Self>>>,
        standing: Standing,
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

    fn node(parent: Option<&Rc<Node>>, name: &str, class: &str) -> Rc<Node> {
        let class = Attribute {
            name: QualName::new(None, ns!(), local_name!("class")),
            value: class.to_owned().into(),
        };
        let name = QualName::new(None, ns!(html), name.into());
        let parent = RefCell::new(parent.cloned());
        Rc::new(Node {
            element: Element::new(Some(name), vec![class]),
            parent,
            standing: Standing::default(),
        })
    }

    /// By trying each way after the other.
    fn stands(node: &Rc<Node>, steps: &[Step]) -> bool {
        let Some((last, outer)) = steps.split_last() else { return true };
        let Some(wanted) = outer.last() else { return true };
        let mut around = ancestors(node).skip(1);
        if last.is_child {
            return around.next().is_some_and(|parent| parent.element().is(wanted) && stands(&parent, outer));
        }
        around.any(|ancestor| ancestor.element().is(wanted) && stands(&ancestor, outer))
    }

    fn is_found(node: &Rc<Node>, steps: &[Step]) -> bool {
        steps.last().is_some_and(|last| node.element.is(last)) && stands(node, steps)
    }

    /// What happens to a tree.
    #[derive(Clone, Copy, Debug)]
    enum Happens {
        /// Another is put into this one of those that are there.
        Put { into: usize, name: &'static str, class: &'static str },
        /// One is moved into one that is older, so that nothing stands in itself.
        Moved { which: usize, into: usize },
    }

    fn any_happening() -> impl Strategy<Value = Happens> {
        let names = proptest::sample::select(vec!["a", "b", "i"]);
        let classes = proptest::sample::select(vec!["", "x", "x y"]);
        prop_oneof![
            8 => (any::<usize>(), names, classes)
                .prop_map(|(into, name, class)| Happens::Put { into, name, class }),
            1 => (any::<usize>(), any::<usize>()).prop_map(|(which, into)| Happens::Moved { which, into }),
        ]
    }

    fn any_selector() -> impl Strategy<Value = RowSelector> {
        let steps = proptest::sample::select(vec!["a", "b", "i", "*", ".x", "a.y", "i.x"]);
        let step = (any::<bool>(), steps)
            .prop_map(|(is_child, step)| if is_child { format!("> {step}") } else { step.to_owned() });
        proptest::collection::vec(step, 2..7).prop_map(|steps| {
            let text = steps.join(" ");
            RowSelector::read(text.trim_start_matches("> ")).unwrap()
        })
    }

    proptest! {
        #[test]
        fn all_ways_at_once_find_what_each_way_tried_after_the_other_finds(
            selectors in proptest::collection::vec(any_selector(), 1..4),
            happenings in proptest::collection::vec(any_happening(), 1..60),
        ) {
            let looked = Selectors::new(&selectors);
            let mut nodes = vec![node(None, "a", "")];
            for happens in happenings {
                match happens {
                    Happens::Put { into, name, class } => {
                        // Near the end, so that some stand deep.
                        let into = nodes.len() - 1 - into % nodes.len().min(3);
                        let new = node(Some(&nodes[into]), name, class);
                        nodes.push(new);
                    }
                    Happens::Moved { which, into } if nodes.len() > 1 => {
                        let which = 1 + which % (nodes.len() - 1);
                        *nodes[which].parent.borrow_mut() = Some(Rc::clone(&nodes[into % which]));
                        looked.note_move();
                    }
                    Happens::Moved { .. } => {}
                }
                for node in nodes.iter().rev().take(4) {
                    for (number, selector) in selectors.iter().enumerate() {
                        let steps = selector.steps();
                        prop_assert_eq!(looked.finds(number, node), is_found(node, steps));
                        prop_assert_eq!(looked.holds(number, node), is_found(node, &steps[..steps.len() - 1]));
                    }
                }
            }
        }
    }

    #[test]
    fn steps_that_are_all_alike_cost_no_more_than_others() {
        // Tried one after the other, there are more ways than atoms to put fifteen steps into five hundred elements.
        let selector = RowSelector::read(&format!("b{}", " i".repeat(15))).unwrap();
        let looked = Selectors::new([&selector]);
        let mut deepest = node(None, "a", "");
        let begun = Instant::now();
        for _ in 0..500 {
            deepest = node(Some(&deepest), "i", "x y z");
            assert!(!looked.finds(0, &deepest));
        }
        for _ in 0..10_000 {
            assert!(!looked.finds(0, &node(Some(&deepest), "i", "")));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
