//! The routes of one application by their paths, segment by segment: recognizing a request among a
//! thousand routes takes a look-up per segment, not a thousand comparisons.
//!
//! Where several patterns match a path, they are visited from the most specific to the least. Segment
//! by segment from the left: a literal is more specific than `{name}`, that than `*`, the end of the
//! pattern than `**`. Two patterns that match one path are therefore always in order, unless they are
//! the same but for the names of their captures; then their routes share a [`Group`].

use std::collections::{BTreeSet, HashMap};

use super::body::{Body, BodyFault, BodyNeeds, Content};
use super::call::Call;
use super::condition::{Held, Relation, body_holds, head_holds, is_for_persisted, needs, relation};
use super::pattern::{PathPattern, Segment};
use super::quirks::Quirks;
use super::settings::{Access, Match, RouteSettings};
use super::view::{RequestView, Segments};

/// A place in the tree: what may follow the segments that led here.
#[derive(Debug, Default)]
pub(super) struct Tree {
    literals: HashMap<Box<str>, Self>,
    capture: Option<Box<Self>>,
    one: Option<Box<Self>>,
    ends: Group,
    rest: Group,
}

/// Routes with the same path.
#[derive(Debug, Default)]
pub(super) struct Group {
    routes: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    route: usize,
    matching: Match,
    public: bool,
    /// What of the body has to be read to tell whether it is this route, or for its entries.
    needs: BodyNeeds,
    /// It is only looking.
    looks: bool,
    /// The positions in the group of those that are less specific.
    beats: Vec<usize>,
}

/// What the routes of a path say about a request with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This route.
    Route(usize),
    /// It depends on the body.
    NeedsBody(BodyNeeds),
    /// The body is not of a kind that its routes ask about, or cannot be told by them.
    BodyUnreadable(BodyFault),
    /// Several routes match, and none is the most specific.
    Ambiguous,
    /// The things that the request calls are not the same choice.
    Mixed,
}

impl Tree {
    /// Adds a route; where its path has `{a,b}`, at each of them.
    pub(super) fn insert(&mut self, route: usize, settings: &RouteSettings, quirks: Quirks) {
        let segments: Vec<&Segment> = significant(&settings.matching.path).collect();
        self.insert_below(&segments, &|group| group.push(route, settings), quirks);
    }

    fn insert_below(&mut self, segments: &[&Segment], push: &dyn Fn(&mut Group), quirks: Quirks) {
        let Some((segment, below)) = segments.split_first() else { return push(&mut self.ends) };
        match segment {
            Segment::Literal(text) => self.literal(text, quirks).insert_below(below, push, quirks),
            Segment::OneOf(texts) => {
                // Two texts may be one to an application that folds case.
                let texts: BTreeSet<String> = texts.iter().map(|text| quirks.comparable(text)).collect();
                for text in texts {
                    self.literal(&text, quirks).insert_below(below, push, quirks);
                }
            }
            Segment::Capture(_) => self.capture.get_or_insert_default().insert_below(below, push, quirks),
            Segment::One => self.one.get_or_insert_default().insert_below(below, push, quirks),
            Segment::Rest => push(&mut self.rest),
        }
    }

    fn literal(&mut self, text: &str, quirks: Quirks) -> &mut Self {
        self.literals.entry(quirks.comparable(text).into_boxed_str()).or_default()
    }

    /// Settles which route is the more specific in every group, and tells of those that tie.
    pub(super) fn settle(&mut self, quirks: Quirks, tie: &mut impl FnMut(usize, usize, Relation)) {
        self.ends.settle(quirks, tie);
        self.rest.settle(quirks, tie);
        let below =
            self.literals.values_mut().chain(self.capture.as_deref_mut()).chain(self.one.as_deref_mut());
        below.for_each(|tree| tree.settle_dyn(quirks, tie));
    }

    fn settle_dyn(&mut self, quirks: Quirks, tie: &mut dyn FnMut(usize, usize, Relation)) {
        self.settle(quirks, &mut |a, b, why| tie(a, b, why));
    }

    /// The first choice among the groups whose path matches, the most specific first.
    pub(super) fn choose(&self, question: &Question<'_>) -> Option<Choice> {
        self.choose_at(0, question)
    }

    fn choose_at(&self, position: usize, question: &Question<'_>) -> Option<Choice> {
        let Some(segment) = question.view.path.matched.get(position) else {
            return self.ends.choose(question).or_else(|| self.rest.choose(question));
        };
        let below = |tree: &Self| tree.choose_at(position + 1, question);
        let literal = if self.literals.is_empty() { None } else { self.literals.get(segment) };
        literal
            .and_then(below)
            .or_else(|| self.capture.as_deref().and_then(below))
            .or_else(|| self.one.as_deref().and_then(below))
            .or_else(|| self.rest.choose(question))
    }
}

/// What is asked of the tree.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The request.
    pub(super) view: &'a RequestView<'a>,
    /// Its body, if it has been read.
    pub(super) body: Option<&'a Body>,
    /// One of the calls that it makes.
    pub(super) call: Option<&'a Call>,
    /// How the application reads.
    pub(super) quirks: Quirks,
}

impl Group {
    fn push(&mut self, route: usize, settings: &RouteSettings) {
        let entries = BodyNeeds { json: settings.entries.is_some(), ..BodyNeeds::default() };
        self.routes.push(Candidate {
            route,
            matching: settings.matching.clone(),
            public: settings.access == Access::Public,
            needs: needs(&settings.matching).and(entries),
            looks: settings.action.is_looking(),
            beats: Vec::new(),
        });
    }

    fn settle(&mut self, quirks: Quirks, tie: &mut impl FnMut(usize, usize, Relation)) {
        let matches: Vec<(usize, Match)> =
            self.routes.iter().map(|candidate| (candidate.route, candidate.matching.clone())).collect();
        for (position, candidate) in self.routes.iter_mut().enumerate() {
            for (other_position, (other, matching)) in matches.iter().enumerate() {
                if position == other_position {
                    continue;
                }
                match relation(&candidate.matching, matching, quirks) {
                    Relation::Ordered(std::cmp::Ordering::Less) => candidate.beats.push(other_position),
                    why @ (Relation::Same | Relation::Crossing) if position < other_position => {
                        tie(candidate.route, *other, why);
                    }
                    Relation::Ordered(_) | Relation::Apart | Relation::Same | Relation::Crossing => {}
                }
            }
        }
    }

    fn choose(&self, question: &Question<'_>) -> Option<Choice> {
        match self.routes.as_slice() {
            [] => return None,
            // Nearly always: one route, and its head tells all.
            [candidate] if candidate.needs.is_nothing() => {
                let held = head_holds(&candidate.matching, question.view, question.quirks);
                return if candidate.accepts(held) { choose(&[(0, candidate, held)]) } else { None };
            }
            _ => {}
        }
        let held: Vec<(usize, &Candidate, Held)> = self
            .routes
            .iter()
            .enumerate()
            .map(|(position, candidate)| {
                (position, candidate, head_holds(&candidate.matching, question.view, question.quirks))
            })
            .filter(|(_, candidate, held)| candidate.accepts(*held))
            .collect();
        let needs =
            held.iter().fold(BodyNeeds::default(), |needs, (_, candidate, _)| needs.and(candidate.needs));
        if needs.is_nothing() {
            return choose(&held);
        }
        let body = match question.body {
            None => return Some(Choice::NeedsBody(needs)),
            Some(body) if !body.answers().covers(needs) => {
                return Some(Choice::NeedsBody(needs.and(body.answers())));
            }
            Some(body) if !may_tell(body.content(), needs) => {
                return Some(Choice::BodyUnreadable(BodyFault::MediaType));
            }
            Some(body) => body,
        };
        let is_persisted = needs.graphql && question.call == Some(&Call::Persisted);
        let holding = held.into_iter().filter_map(|(position, candidate, held)| {
            let held = held.and(body_holds(&candidate.matching, body, question.call, question.quirks));
            candidate.accepts(held).then_some((position, candidate, held))
        });
        // What a persisted query does is known to nobody here, so that only a route which says so takes it.
        let holding: Vec<Holding<'_>> = holding
            .filter(|(_, candidate, _)| !is_persisted || is_for_persisted(&candidate.matching))
            .collect();
        if is_persisted && holding.is_empty() {
            return Some(Choice::BodyUnreadable(BodyFault::Persisted));
        }
        choose(&holding)
    }
}

impl Candidate {
    /// Whether the route matches. Any value that matches counts, but what lets everybody in must hold
    /// whichever value the application takes.
    fn accepts(&self, held: Held) -> bool {
        match held {
            Held::No => false,
            Held::Partly => !self.public,
            Held::Wholly => true,
        }
    }
}

/// Whether routes with these needs can be told by a body that holds this.
const fn may_tell(content: &Content, needs: BodyNeeds) -> bool {
    match content {
        Content::Empty => true,
        Content::Form(_) => needs.form || needs.graphql,
        Content::Json(_) => needs.json || needs.rpc || needs.graphql,
        Content::Calls => needs.rpc || needs.graphql,
    }
}

/// The position of a route in its group, the route, and how far its conditions hold.
type Holding<'c> = (usize, &'c Candidate, Held);

/// The most specific of those that match. Looking that holds for some values only (`limit=50&limit=5000`)
/// would hide what the application does with the others: those decide, and where there are none, nobody.
fn choose(matching: &[Holding<'_>]) -> Option<Choice> {
    let Some(best) = most_specific(matching) else {
        return (!matching.is_empty()).then_some(Choice::Ambiguous);
    };
    let hides = |(_, candidate, held): &Holding<'_>| candidate.looks && *held == Held::Partly;
    if !hides(best) {
        return Some(Choice::Route(best.1.route));
    }
    let others: Vec<Holding<'_>> = matching.iter().filter(|holding| !hides(holding)).copied().collect();
    Some(most_specific(&others).map_or(Choice::Ambiguous, |(_, candidate, _)| Choice::Route(candidate.route)))
}

fn most_specific<'h, 'c>(matching: &'h [Holding<'c>]) -> Option<&'h Holding<'c>> {
    matching.iter().find(|(position, candidate, _)| {
        matching.iter().all(|(other, ..)| other == position || candidate.beats.contains(other))
    })
}

/// The segments of a pattern that tell paths apart: a trailing slash does not.
pub(super) fn significant(pattern: &PathPattern) -> impl Iterator<Item = &Segment> {
    pattern.segments().iter().filter(|segment| !matches!(segment, Segment::Literal(text) if text.is_empty()))
}

/// Whether a pattern, whose text is as it is compared, matches a path.
pub(super) fn matches(pattern: &PathPattern, path: Segments<'_>) -> bool {
    let mut segments = path.iter();
    for wanted in significant(pattern) {
        match (wanted, segments.next()) {
            (Segment::Rest, _) => return true,
            (Segment::Literal(text), Some(found)) if text == found => {}
            (Segment::OneOf(texts), Some(found)) if texts.iter().any(|text| text == found) => {}
            (Segment::Capture(_) | Segment::One, Some(_)) => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}
