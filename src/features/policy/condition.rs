//! The conditions of a rule, judged in three values: true, false, and unknown.
//!
//! Cedar knows two. `principal has location && principal.location.contains("ward-3")` is simply false
//! for someone whose location nobody told us, which for a rule that forbids means: let them pass.
//! Here it is unknown, as Kleene has it, and what is unknown never permits. Every test is still
//! evaluated by Cedar; only the `&&`, `||` and `!` between the tests are ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, UnaryOp, Var};
use cedar_policy::{Entities, EvalResult, Expression, Request};

use super::catalog::ALWAYS_KNOWN;
use super::world::World;

/// Something that a rule may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// Who it is.
    Person,
    /// An attribute of the person.
    Attribute(Arc<str>),
    /// Whether, and how long ago, a class of assurance was proven.
    Assurance(Arc<str>),
    Purpose,
    Justified,
    Minute,
    Weekday,
    Networks,
    OnePatient,
    Relationship,
    Action,
    /// The circumstances as a whole, so that no single fact can be told apart.
    Everything,
}

impl Fact {
    /// Whether nobody may have told us. A class of assurance that is absent is not unknown: it was not
    /// proven.
    pub(super) fn can_be_unknown(&self) -> bool {
        match self {
            Self::Attribute(name) => !ALWAYS_KNOWN.contains(&name.as_ref()),
            Self::Relationship => true,
            Self::Person
            | Self::Assurance(_)
            | Self::Purpose
            | Self::Justified
            | Self::Minute
            | Self::Weekday
            | Self::Networks
            | Self::OnePatient
            | Self::Action
            | Self::Everything => false,
        }
    }

    /// How messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Person => "person".to_owned(),
            Self::Attribute(name) => format!("attribute `{name}`"),
            Self::Assurance(class) => format!("assurance `{class}`"),
            Self::Purpose => "purpose".to_owned(),
            Self::Justified => "justification".to_owned(),
            Self::Minute => "time of day".to_owned(),
            Self::Weekday => "weekday".to_owned(),
            Self::Networks => "network".to_owned(),
            Self::OnePatient => "patient".to_owned(),
            Self::Relationship => "relationship".to_owned(),
            Self::Action => "action".to_owned(),
            Self::Everything => "circumstances".to_owned(),
        }
    }
}

/// What a rule, or a slice of rules, reads: what its answer can depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// The facts.
    pub(super) facts: BTreeSet<Fact>,
    /// The ages, in seconds, with which a class's age is compared.
    pub(super) thresholds: BTreeSet<(Arc<str>, i64)>,
    /// An age is used in another way than being compared, so that every second counts.
    pub(super) every_second: bool,
}

impl Reads {
    /// Whether the fact is read.
    pub(super) fn has(&self, fact: &Fact) -> bool {
        self.facts.contains(fact) || self.facts.contains(&Fact::Everything)
    }

    /// Takes what another reads, too.
    pub(super) fn extend(&mut self, other: &Self) {
        self.facts.extend(other.facts.iter().cloned());
        self.thresholds.extend(other.thresholds.iter().cloned());
        self.every_second |= other.every_second;
    }

    fn everything(&mut self) {
        self.facts.insert(Fact::Everything);
        self.every_second = true;
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Literal(_) => {}
            Expr::Var(Var::Principal) => drop(self.facts.insert(Fact::Person)),
            Expr::Var(Var::Action) => drop(self.facts.insert(Fact::Action)),
            Expr::Var(Var::Resource) => {}
            Expr::BinaryOp { op, left, right } => match compared_age(*op, left, right) {
                Some((class, seconds)) => {
                    self.facts.insert(Fact::Assurance(class.clone()));
                    self.thresholds.insert((class, seconds));
                }
                None => {
                    self.expression(left);
                    self.expression(right);
                }
            },
            Expr::GetAttr { expr, attr } => self.attribute(expr, attr, None),
            Expr::HasAttr { expr, attrs } => {
                let mut attrs = attrs.iter();
                if let Some(first) = attrs.next() {
                    self.attribute(expr, first, attrs.next().map(AsRef::as_ref));
                }
            }
            Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => self.expression(expr),
            Expr::Is { expr, in_expr, .. } => {
                self.expression(expr);
                in_expr.iter().for_each(|inner| self.expression(inner));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                [cond, then_expr, else_expr].into_iter().for_each(|inner| self.expression(inner));
            }
            Expr::Set(members) => members.iter().for_each(|inner| self.expression(inner)),
            Expr::Record(members) => members.values().for_each(|inner| self.expression(inner)),
            // `context` on its own, what only templates have, and whatever Cedar may add: it may
            // depend on anything.
            Expr::Var(Var::Context) | Expr::Slot(_) | Expr::Unknown { .. } | _ => self.everything(),
        }
    }

    /// `of.attribute`, or `of has attribute.then`.
    fn attribute(&mut self, of: &Expr, attribute: &str, then: Option<&str>) {
        let fact = match of {
            Expr::Var(Var::Context) => match attribute {
                "purpose" => Fact::Purpose,
                "justified" => Fact::Justified,
                "minute_of_day" => Fact::Minute,
                "weekday" => Fact::Weekday,
                "networks" => Fact::Networks,
                "one_patient" => Fact::OnePatient,
                "relationship" => Fact::Relationship,
                "assurance" if then.is_some() => Fact::Assurance(then.unwrap_or_default().into()),
                _ => return self.everything(),
            },
            Expr::Var(Var::Principal) => Fact::Attribute(attribute.into()),
            Expr::Var(Var::Resource) => return,
            assurance if is_assurance(assurance) => {
                // The mere presence is no age; `compared_age` has caught the comparisons.
                Fact::Assurance(attribute.into())
            }
            other => {
                self.facts.insert(Fact::Attribute(attribute.into()));
                return self.expression(other);
            }
        };
        self.facts.insert(fact);
    }
}

fn is_assurance(expression: &Expr) -> bool {
    matches!(expression, Expr::GetAttr { expr, attr }
        if attr == "assurance" && matches!(expr.as_ref(), Expr::Var(Var::Context)))
}

/// `context.assurance.class`, as a value.
fn age(expression: &Expr) -> Option<Arc<str>> {
    match expression {
        Expr::GetAttr { expr, attr } if is_assurance(expr) => Some(attr.as_str().into()),
        _ => None,
    }
}

fn compared_age(op: BinaryOp, left: &Expr, right: &Expr) -> Option<(Arc<str>, i64)> {
    let compares = matches!(
        op,
        BinaryOp::Eq
            | BinaryOp::NotEq
            | BinaryOp::Less
            | BinaryOp::LessEq
            | BinaryOp::Greater
            | BinaryOp::GreaterEq
    );
    match (left, right) {
        (aged, Expr::Literal(Literal::Long(seconds))) | (Expr::Literal(Literal::Long(seconds)), aged)
            if compares =>
        {
            age(aged).map(|class| (class, *seconds))
        }
        _ => None,
    }
}

/// Whether an age stands anywhere but in a comparison with a number.
fn uses_age_freely(expression: &Expr) -> bool {
    let freely = |inner: &Arc<Expr>| uses_age_freely(inner);
    match expression {
        Expr::BinaryOp { op, left, right } => {
            compared_age(*op, left, right).is_none() && (freely(left) || freely(right))
        }
        Expr::GetAttr { expr, .. } => age(expression).is_some() || freely(expr),
        Expr::HasAttr { expr, .. } => !is_assurance(expr) && freely(expr),
        Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => freely(expr),
        Expr::Is { expr, in_expr, .. } => freely(expr) || in_expr.iter().any(freely),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            freely(cond) || freely(then_expr) || freely(else_expr)
        }
        Expr::Set(members) => members.iter().any(freely),
        Expr::Record(members) => members.values().any(freely),
        Expr::Literal(_) | Expr::Var(_) => false,
        Expr::Slot(_) | Expr::Unknown { .. } | _ => true,
    }
}

/// A condition, taken apart at `&&`, `||` and `!`.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(Test),
}

/// A part of a condition that Cedar evaluates as a whole.
#[derive(Debug)]
pub(super) struct Test {
    /// As Cedar writes it.
    pub(super) text: String,
    /// What it reads.
    pub(super) reads: Reads,
    expression: Expression,
}

/// What came out of judging a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Unknown,
    /// Cedar could not evaluate it.
    Failed,
}

impl Condition {
    /// The condition of a clause.
    pub(super) fn of_clause(clause: &Clause) -> Result<Self, String> {
        match clause {
            Clause::When(expression) => Self::of(expression),
            Clause::Unless(expression) => {
                Self::of(expression).map(|condition| Self::Not(Box::new(condition)))
            }
        }
    }

    fn of(expression: &Expr) -> Result<Self, String> {
        match expression {
            Expr::BinaryOp { op: BinaryOp::And, left, right } => {
                let mut parts = Vec::new();
                for side in [left, right] {
                    match Self::of(side)? {
                        Self::All(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                Ok(Self::All(parts))
            }
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
                let mut parts = Vec::new();
                for side in [left, right] {
                    match Self::of(side)? {
                        Self::Any(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                Ok(Self::Any(parts))
            }
            Expr::UnaryOp { op: UnaryOp::Not, expr } => Ok(Self::Not(Box::new(Self::of(expr)?))),
            other => Test::of(other).map(Self::Test),
        }
    }

    /// Judges the condition. False wins over a failure, as it does in Cedar, where the guard
    /// `x has y` stands before `x.y`.
    pub(super) fn judge(&self, world: &World<'_>) -> Truth {
        match self {
            Self::All(parts) => fold(parts.iter().map(|part| part.judge(world)), Truth::False, Truth::True),
            Self::Any(parts) => fold(parts.iter().map(|part| part.judge(world)), Truth::True, Truth::False),
            Self::Not(inner) => match inner.judge(world) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                other @ (Truth::Unknown | Truth::Failed) => other,
            },
            Self::Test(test) => test.judge(world),
        }
    }

    /// The tests because of which the condition is not true.
    pub(super) fn unmet<'c>(&'c self, world: &World<'_>, unmet: &mut Vec<(&'c Test, Truth)>) {
        match self {
            Self::All(parts) => {
                // Behind a guard that fails there is nothing to tell.
                let decided = parts.iter().any(|part| part.judge(world) == Truth::False);
                for part in parts {
                    let truth = part.judge(world);
                    if truth == Truth::False || (!decided && truth != Truth::True) {
                        part.unmet(world, unmet);
                    }
                }
            }
            Self::Any(parts) => {
                if self.judge(world) != Truth::True {
                    parts.iter().for_each(|part| part.unmet(world, unmet));
                }
            }
            Self::Not(inner) => {
                let truth = self.judge(world);
                inner.tests(&mut |test| {
                    if truth == Truth::False || (truth != Truth::True && test.judge(world) == truth) {
                        unmet.push((test, truth));
                    }
                });
            }
            Self::Test(test) => match test.judge(world) {
                Truth::True => {}
                truth @ (Truth::False | Truth::Unknown | Truth::Failed) => unmet.push((test, truth)),
            },
        }
    }

    /// Whether the condition is about the route alone, and false there.
    pub(super) fn is_never(&self, request: &Request, entities: &Entities) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(|part| part.is_never(request, entities)),
            Self::Any(parts) => parts.iter().all(|part| part.is_never(request, entities)),
            Self::Test(test) => {
                test.reads.facts.is_empty() && test.evaluate(request, entities) == Truth::False
            }
            Self::Not(inner) => match inner.as_ref() {
                Self::Test(test) => {
                    test.reads.facts.is_empty() && test.evaluate(request, entities) == Truth::True
                }
                Self::All(_) | Self::Any(_) | Self::Not(_) => false,
            },
        }
    }

    /// Every test of the condition, in order.
    pub(super) fn tests<'c>(&'c self, each: &mut dyn FnMut(&'c Test)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.tests(each)),
            Self::Not(inner) => inner.tests(each),
            Self::Test(test) => each(test),
        }
    }

    /// What the condition reads.
    pub(super) fn reads(&self) -> Reads {
        let mut reads = Reads::default();
        self.tests(&mut |test| reads.extend(&test.reads));
        reads
    }
}

/// `deciding` wins, then a failure, then unknown; else it is `neutral`.
fn fold(parts: impl Iterator<Item = Truth>, deciding: Truth, neutral: Truth) -> Truth {
    let mut whole = neutral;
    for part in parts {
        if part == deciding {
            return deciding;
        }
        if part == Truth::Failed || (part == Truth::Unknown && whole != Truth::Failed) {
            whole = part;
        }
    }
    whole
}

impl Test {
    fn of(expression: &Expr) -> Result<Self, String> {
        let mut reads = Reads::default();
        reads.expression(expression);
        reads.every_second |= uses_age_freely(expression);
        let text = expression.to_string();
        let expression = text.parse().map_err(|error| format!("`{text}` cannot be read back: {error}"))?;
        Ok(Self { text, reads, expression })
    }

    /// The facts that it needs and nobody has told us.
    pub(super) fn unknown<'t>(&'t self, world: &World<'_>) -> Option<&'t Fact> {
        self.reads.facts.iter().find(|fact| fact.can_be_unknown() && !world.facts.knows(fact))
    }

    fn judge(&self, world: &World<'_>) -> Truth {
        if self.unknown(world).is_some() {
            return Truth::Unknown;
        }
        self.evaluate(&world.request, &world.entities)
    }

    fn evaluate(&self, request: &Request, entities: &Entities) -> Truth {
        match cedar_policy::eval_expression(request, entities, &self.expression) {
            Ok(EvalResult::Bool(true)) => Truth::True,
            Ok(EvalResult::Bool(false)) => Truth::False,
            Ok(_) | Err(_) => Truth::Failed,
        }
    }
}
