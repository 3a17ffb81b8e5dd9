//! What rules read: what their answer can depend on, told from their text.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, Expr, Literal, Var};

use super::catalog::ALWAYS_KNOWN;
use crate::domain::told::Place;

/// Something that a rule may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    Device,
    /// Where the device stands.
    DevicePlace(Place),
    OnePatient,
    /// A relationship to the patient.
    Relationship(Arc<str>),
    OnShift,
    OwnChart,
    PatientFlags,
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
            // A feed that tells of which class the device is may be too old.
            Self::Device
            | Self::DevicePlace(_)
            | Self::Relationship(_)
            | Self::OnShift
            | Self::OwnChart
            | Self::PatientFlags => true,
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
            Self::Device => "device".to_owned(),
            Self::DevicePlace(place) => format!("{place} of the device"),
            Self::OnePatient => "patient".to_owned(),
            Self::Relationship(word) => format!("relationship `{word}`"),
            Self::OnShift => "shift".to_owned(),
            Self::OwnChart => "own chart".to_owned(),
            Self::PatientFlags => "patient's flags".to_owned(),
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

    /// Takes what an expression reads.
    pub(super) fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Literal(_) | Expr::Var(Var::Resource) => {}
            Expr::Var(Var::Principal) => self.fact(Fact::Person),
            Expr::Var(Var::Action) => self.fact(Fact::Action),
            Expr::BinaryOp { op, left, right } => {
                if let Some((class, seconds)) = compared_age(*op, left, right) {
                    self.fact(Fact::Assurance(class.clone()));
                    self.thresholds.insert((class, seconds));
                } else {
                    self.all([left, right]);
                }
            }
            Expr::GetAttr { expr, attr } => {
                // The comparisons that are told apart are caught above.
                self.every_second |= age(expression).is_some();
                self.attribute(expr, attr, None);
            }
            Expr::HasAttr { expr, attrs } => {
                let mut attrs = attrs.iter();
                if let Some(first) = attrs.next() {
                    self.attribute(expr, first, attrs.next().map(AsRef::as_ref));
                }
            }
            Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => self.expression(expr),
            Expr::Is { expr, in_expr, .. } => self.all([expr].into_iter().chain(in_expr)),
            Expr::IfThenElse { cond, then_expr, else_expr } => self.all([cond, then_expr, else_expr]),
            Expr::Set(members) => self.all(members),
            Expr::Record(members) => self.all(members.values()),
            // `context` on its own, what only templates have, and whatever Cedar may add: it may
            // depend on anything.
            Expr::Var(Var::Context) | Expr::Slot(_) | Expr::Unknown { .. } | _ => self.everything(),
        }
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Arc<Expr>>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn fact(&mut self, fact: Fact) {
        self.facts.insert(fact);
    }

    /// `of.attribute`, or `of has attribute.then`.
    fn attribute(&mut self, of: &Expr, attribute: &str, then: Option<&str>) {
        if let Expr::Var(variable) = of {
            match (variable, attribute, then) {
                (Var::Resource | Var::Action, _, _) => {}
                (Var::Principal, name, _) => self.fact(Fact::Attribute(name.into())),
                (Var::Context, "assurance", Some(class)) => self.fact(Fact::Assurance(class.into())),
                (Var::Context, RELATIONSHIP, Some(word)) => self.fact(Fact::Relationship(word.into())),
                (Var::Context, name, _) => self.circumstance(name),
            }
        } else if is_circumstance(of, "assurance") {
            self.fact(Fact::Assurance(attribute.into()));
        } else if is_circumstance(of, RELATIONSHIP) {
            self.fact(Fact::Relationship(attribute.into()));
        } else {
            // `(if … then principal else …).attribute`, and the like.
            self.fact(Fact::Attribute(attribute.into()));
            self.expression(of);
        }
    }

    fn circumstance(&mut self, name: &str) {
        match name {
            "purpose" => self.fact(Fact::Purpose),
            "justified" => self.fact(Fact::Justified),
            "minute_of_day" => self.fact(Fact::Minute),
            "weekday" => self.fact(Fact::Weekday),
            "networks" => self.fact(Fact::Networks),
            "device" => self.fact(Fact::Device),
            "one_patient" => self.fact(Fact::OnePatient),
            "on_shift" => self.fact(Fact::OnShift),
            "own_chart" => self.fact(Fact::OwnChart),
            "patient_flags" => self.fact(Fact::PatientFlags),
            _ => match Place::ALL.iter().find(|place| place.of_device() == name) {
                Some(place) => self.fact(Fact::DevicePlace(*place)),
                None => self.everything(),
            },
        }
    }
}

/// `context.name`.
fn is_circumstance(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::GetAttr { expr, attr }
        if attr == name && matches!(expr.as_ref(), Expr::Var(Var::Context)))
}

/// `context.assurance.class`, as a value.
fn age(expression: &Expr) -> Option<Arc<str>> {
    if let Expr::GetAttr { expr, attr } = expression
        && is_circumstance(expr, "assurance")
    {
        return Some(attr.as_str().into());
    }
    None
}

/// `context.assurance.class <= 900`, or a like comparison.
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
    let seconds = |expression: &Expr| {
        if let Expr::Literal(Literal::Long(seconds)) = expression { Some(*seconds) } else { None }
    };
    let (aged, seconds) = match (seconds(left), seconds(right)) {
        (None, Some(seconds)) => (left, seconds),
        (Some(seconds), None) => (right, seconds),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    age(aged).filter(|_| compares).map(|class| (class, seconds))
}

const RELATIONSHIP: &str = "relationship";
