//! The conditions of a rule, judged in three values: true, false, and unknown.
//!
//! Cedar knows two. `principal has location && principal.location.contains("ward-3")` is simply false
//! for someone whose location nobody told us, which for a rule that forbids means: let them pass.
//! Here it is unknown, as Kleene has it, and what is unknown never permits. Every test is still
//! evaluated by Cedar; only the `&&`, `||` and `!` between the tests are ours.

use cedar_policy::pst::{BinaryOp, Clause, Expr, UnaryOp};
use cedar_policy::{Entities, EvalResult, Expression, Request};

use super::reads::{Fact, Reads};
use super::world::World;

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
        if let Expr::UnaryOp { op: UnaryOp::Not, expr } = expression {
            return Ok(Self::Not(Box::new(Self::of(expr)?)));
        }
        if let Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } = expression {
            let parts = vec![Self::of(left)?, Self::of(right)?];
            return Ok(if *op == BinaryOp::And { Self::All(parts) } else { Self::Any(parts) });
        }
        Test::of(expression).map(Self::Test)
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
                    for part in parts {
                        part.unmet(world, unmet);
                    }
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
