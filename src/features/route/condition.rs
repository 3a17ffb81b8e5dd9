//! Whether the conditions of a route hold, and whether those of two routes can hold together.

use std::cmp::Ordering;

use http::{HeaderMap, Method};

use super::body::{Body, BodyNeeds, Content};
use super::call::{Call, PERSISTED, RPC_METHOD};
use super::fields::{Fields, is_key};
use super::json;
use super::quirks::Quirks;
use super::settings::{Condition, Match, Quirk, Test};
use super::view::RequestView;

/// How far something holds when a key has several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// For no value.
    No,
    /// For some of them: another reader, who takes another value, disagrees.
    Partly,
    /// Whichever value is taken.
    Wholly,
}

impl Held {
    /// Something must hold for one of the values.
    fn of_values(test: &Test, matches: impl Iterator<Item = bool>) -> Self {
        let (mut met, mut unmet) = (false, false);
        for hit in matches {
            if hit { met = true } else { unmet = true }
        }
        match test {
            Test::Present if met || unmet => Self::Wholly,
            Test::Absent if !met && !unmet => Self::Wholly,
            Test::Present | Test::Absent => Self::No,
            Test::Equals(_) | Test::OneOf(_) => match (met, unmet) {
                (true, false) => Self::Wholly,
                (true, true) => Self::Partly,
                (false, _) => Self::No,
            },
        }
    }

    /// Both must hold.
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

/// Whether `value` is what the test asks for; whatever it is where only presence counts.
pub(super) fn meets(test: &Test, mut same: impl FnMut(&str) -> bool) -> bool {
    match test {
        Test::Present | Test::Absent => true,
        Test::Equals(wanted) => same(wanted),
        Test::OneOf(list) => list.iter().any(|wanted| same(wanted)),
    }
}

/// Whether the method, the query and the headers are those of a route.
pub(super) fn head_holds(matching: &Match, view: &RequestView<'_>, quirks: Quirks) -> Held {
    if !allows(&matching.methods, view.method) {
        return Held::No;
    }
    let query = all(&matching.query, |condition| in_fields(condition, view.query, quirks));
    if query == Held::No {
        return Held::No;
    }
    query.and(all(&matching.header, |condition| in_headers(condition, view.headers)))
}

/// Whether the body is that of a route, and so is `call`, one of those that it makes.
pub(super) fn body_holds(matching: &Match, body: &Body, call: Option<&Call>, quirks: Quirks) -> Held {
    let nothing = Fields::none();
    let (form, document) = match body.content() {
        Content::Form(fields) => (fields, None),
        Content::Json(document) => (&nothing, Some(document)),
        Content::Empty | Content::Calls => (&nothing, None),
    };
    let form = all(&matching.form, |condition| in_fields(condition, form, quirks));
    let json = all(&matching.json, |condition| {
        let values = document.map(|document| json::at(document, &condition.key)).unwrap_or_default();
        let hits = values.iter().map(|value| meets(&condition.test, |wanted| json::is(value, wanted)));
        Held::of_values(&condition.test, hits)
    });
    let calls = all(&matching.calls, |condition| {
        let value = call.and_then(|call| call.value(&condition.key));
        let hits = value.map(|value| meets(&condition.test, |wanted| value == wanted));
        Held::of_values(&condition.test, hits.into_iter())
    });
    form.and(json).and(calls)
}

/// What of the body the conditions are about.
pub(super) fn needs(matching: &Match) -> BodyNeeds {
    let rpc = |condition: &Condition| condition.key == RPC_METHOD;
    BodyNeeds {
        form: !matching.form.is_empty(),
        json: !matching.json.is_empty(),
        rpc: matching.calls.iter().any(rpc),
        graphql: !matching.calls.iter().all(rpc),
    }
}

/// Whether the conditions are for a GraphQL query that is named and not written.
pub(super) fn is_for_persisted(matching: &Match) -> bool {
    matching.calls.iter().any(|condition| condition.key == PERSISTED)
}

/// Whether a list of methods has this one. Whoever may GET may HEAD: it is the same request.
pub(super) fn allows(methods: &[Method], method: &Method) -> bool {
    methods.is_empty()
        || methods.contains(method)
        || *method == Method::HEAD && methods.contains(&Method::GET)
}

fn all(conditions: &[Condition], mut holds: impl FnMut(&Condition) -> Held) -> Held {
    conditions.iter().fold(Held::Wholly, |held, condition| match held {
        Held::No => Held::No,
        Held::Partly | Held::Wholly => held.and(holds(condition)),
    })
}

fn in_fields(condition: &Condition, fields: &Fields, quirks: Quirks) -> Held {
    let folds = quirks.has(Quirk::FoldsCase);
    let values = fields.iter().filter(|(key, _)| is_key(key, &condition.key, folds));
    Held::of_values(
        &condition.test,
        values.map(|(_, value)| meets(&condition.test, |wanted| value == wanted)),
    )
}

/// A header's value is a list more often than not (`Accept: text/csv;q=1, */*`): any element counts.
fn in_headers(condition: &Condition, headers: &HeaderMap) -> Held {
    let lines = headers.get_all(&condition.key).iter().map(|line| {
        let Ok(line) = line.to_str() else { return matches!(condition.test, Test::Present | Test::Absent) };
        let elements = || line.split(',').map(|element| element.split(';').next().unwrap_or_default().trim());
        meets(&condition.test, |wanted| {
            line.trim().eq_ignore_ascii_case(wanted)
                || elements().any(|element| element.eq_ignore_ascii_case(wanted))
        })
    });
    Held::of_values(&condition.test, lines)
}

/// How two routes of one path stand to each other. `Less` and `Greater` tell which is the more
/// specific: whatever it matches, the other would match too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The first or the second is the more specific.
    Ordered(Ordering),
    /// They look exactly the same.
    Same,
    /// No request with one value for each key matches both.
    Apart,
    /// Some request matches both, and neither is the more specific.
    Crossing,
}

/// How `a` stands to `b`, which have the same path.
pub(super) fn relation(a: &Match, b: &Match, quirks: Quirks) -> Relation {
    match (implies(a, b, quirks), implies(b, a, quirks)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Ordered(Ordering::Less),
        (false, true) => Relation::Ordered(Ordering::Greater),
        (false, false) if are_apart(a, b, quirks) => Relation::Apart,
        (false, false) => Relation::Crossing,
    }
}

/// Whether every request that matches `a` matches `b`.
fn implies(a: &Match, b: &Match, quirks: Quirks) -> bool {
    let methods = b.methods.is_empty()
        || !a.methods.is_empty() && a.methods.iter().all(|method| allows(&b.methods, method));
    methods
        && lists(a, b).into_iter().all(|(a, b, fields)| {
            b.iter().all(|wanted| {
                a.iter().any(|given| {
                    same_key(given, wanted, fields, quirks) && test_implies(&given.test, &wanted.test)
                })
            })
        })
}

fn are_apart(a: &Match, b: &Match, quirks: Quirks) -> bool {
    let methods = !a.methods.is_empty()
        && !b.methods.is_empty()
        && !a.methods.iter().any(|method| allows(&b.methods, method))
        && !b.methods.iter().any(|method| allows(&a.methods, method));
    let asks = |conditions: &[Condition]| conditions.iter().any(|condition| condition.test != Test::Absent);
    // A body is a form or JSON, never both; no form is a remote procedure call.
    let document = |of: &Match| asks(&of.json) || needs(of).rpc;
    let bodies = asks(&a.form) && document(b) || document(a) && asks(&b.form);
    let calls = !a.calls.is_empty() && !b.calls.is_empty() && call_kind(a) != call_kind(b);
    methods
        || bodies
        || calls
        || lists(a, b).into_iter().any(|(a, b, fields)| {
            a.iter().any(|one| {
                b.iter().any(|other| {
                    same_key(one, other, fields, quirks) && tests_are_apart(&one.test, &other.test)
                })
            })
        })
}

/// A call is of one kind: a method, a root field, or a persisted query.
fn call_kind(matching: &Match) -> (bool, bool) {
    (needs(matching).rpc, is_for_persisted(matching))
}

/// The lists of conditions of two routes side by side, and whether their keys are names of fields.
fn lists<'m>(a: &'m Match, b: &'m Match) -> [(&'m [Condition], &'m [Condition], bool); 5] {
    [
        (&a.query, &b.query, true),
        (&a.form, &b.form, true),
        (&a.json, &b.json, false),
        (&a.calls, &b.calls, false),
        (&a.header, &b.header, false),
    ]
}

fn same_key(a: &Condition, b: &Condition, fields: bool, quirks: Quirks) -> bool {
    a.key == b.key || fields && quirks.has(Quirk::FoldsCase) && a.key.eq_ignore_ascii_case(&b.key)
}

/// The values that a test asks for, if it names them.
fn values(test: &Test) -> Option<&[String]> {
    match test {
        Test::Equals(value) => Some(std::slice::from_ref(value)),
        Test::OneOf(values) => Some(values),
        Test::Present | Test::Absent => None,
    }
}

fn test_implies(given: &Test, wanted: &Test) -> bool {
    match wanted {
        Test::Absent => *given == Test::Absent,
        Test::Present => *given != Test::Absent,
        Test::Equals(_) | Test::OneOf(_) => match (values(given), values(wanted)) {
            (Some(given), Some(wanted)) => given.iter().all(|value| wanted.contains(value)),
            _ => false,
        },
    }
}

fn tests_are_apart(a: &Test, b: &Test) -> bool {
    match (values(a), values(b)) {
        (Some(a), Some(b)) => !a.iter().any(|value| b.contains(value)),
        _ => (*a == Test::Absent) != (*b == Test::Absent),
    }
}
