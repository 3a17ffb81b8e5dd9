//! Paths as a tree of segments: what varies from request to request becomes one branch.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};

use super::{Met, Proposal};
use crate::features::route::pattern::PathPattern;

/// The paths that were met.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Node,
    nodes: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// By their text.
    literals: BTreeMap<String, Self>,
    /// All whose text varies.
    any: Option<Box<Self>>,
    here: BTreeMap<String, Met>,
}

pub(super) fn hashed<T: Hash>(value: &T) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

impl Tree {
    /// What was met at a path. None for one that is too deep, or where there are too many.
    pub(super) fn at(&mut self, path: &str) -> Option<&mut BTreeMap<String, Met>> {
        let segments: Vec<_> = path.strip_prefix('/')?.split('/').collect();
        if segments.len() > DEPTH_MAX || self.nodes + segments.len() > NODES_MAX {
            return None;
        }
        let mut node = &mut self.root;
        for segment in segments {
            let (next, is_new) = node.step(segment);
            self.nodes += usize::from(is_new);
            node = next;
        }
        Some(&mut node.here)
    }

    /// What it comes to, by pattern.
    pub(super) fn proposals(self) -> Vec<Proposal> {
        let mut proposals = Vec::new();
        self.root.settled().told(&mut Vec::new(), &mut proposals);
        proposals
    }
}

impl Node {
    fn step(&mut self, segment: &str) -> (&mut Self, bool) {
        let is_full = self.literals.len() >= LITERALS_MAX && !self.literals.contains_key(segment);
        if varies(segment) || is_full {
            let is_new = self.any.is_none();
            return (self.any.get_or_insert_default(), is_new);
        }
        let is_new = !self.literals.contains_key(segment);
        (self.literals.entry(segment.to_owned()).or_default(), is_new)
    }

    /// The same, where each place with many neighbors that nothing tells apart has become one that varies.
    fn settled(mut self) -> Self {
        let leaves = self.literals.values().filter(|node| node.is_leaf()).count();
        if leaves > SIBLINGS_MAX {
            let (leaves, inner) =
                std::mem::take(&mut self.literals).into_iter().partition(|(_, node)| node.is_leaf());
            self.literals = inner;
            let leaves: BTreeMap<String, Self> = leaves;
            for leaf in leaves.into_values() {
                self.any.get_or_insert_default().merge(leaf);
            }
        }
        if self.literals.len() > SIBLINGS_MAX {
            let literals = std::mem::take(&mut self.literals);
            for node in literals.into_values() {
                self.any.get_or_insert_default().merge(node);
            }
        }
        self.literals = self.literals.into_iter().map(|(text, node)| (text, node.settled())).collect();
        self.any = self.any.map(|node| Box::new(node.settled()));
        self
    }

    fn is_leaf(&self) -> bool {
        self.literals.is_empty() && self.any.is_none()
    }

    fn merge(&mut self, other: Self) {
        for (text, node) in other.literals {
            self.literals.entry(text).or_default().merge(node);
        }
        if let Some(any) = other.any {
            self.any.get_or_insert_default().merge(*any);
        }
        for (method, met) in other.here {
            self.here.entry(method).or_default().extend(met);
        }
    }

    fn told(self, above: &mut Vec<String>, proposals: &mut Vec<Proposal>) {
        let pattern = format!("/{}", above.join("/"));
        if !self.here.is_empty() && pattern.parse::<PathPattern>().is_ok() {
            proposals.push(Proposal { pattern, methods: self.here });
        }
        for (text, node) in self.literals {
            above.push(text);
            node.told(above, proposals);
            above.pop();
        }
        if let Some(node) = self.any {
            above.push(capture(above));
            node.told(above, proposals);
            above.pop();
        }
    }
}

/// The name of what varies: the patient, behind the word for it.
fn capture(above: &[String]) -> String {
    let before = above.last().map(|text| text.to_ascii_lowercase()).unwrap_or_default();
    let base = if matches!(before.as_str(), "patient" | "patients") { "patient" } else { "id" };
    let names = (1..)
        .map(|number: u8| if number == 1 { format!("{{{base}}}") } else { format!("{{{base}{number}}}") });
    names.take(DEPTH_MAX).find(|name| !above.contains(name)).unwrap_or_else(|| "*".to_owned())
}

/// Whether a segment looks like an identifier, or anything else that another request would have otherwise.
pub(super) fn varies(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.$~".contains(&byte);
    let is_hexadecimal =
        segment.len() >= 8 && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    segment.len() > TEXT_MAX
        || !segment.bytes().all(plain)
        || digits * 2 >= segment.len().max(1)
        || digits >= 4
        || is_hexadecimal && digits > 0
}

const DEPTH_MAX: usize = 32;
const NODES_MAX: usize = 50_000;
/// As many neighbors are kept apart while events come.
const LITERALS_MAX: usize = 64;
/// More neighbors than these vary.
const SIBLINGS_MAX: usize = 16;
/// A longer text is no name that somebody gave a page.
const TEXT_MAX: usize = 40;
