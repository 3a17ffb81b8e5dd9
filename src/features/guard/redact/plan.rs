//! What is to be taken out of a reply, and of which kinds of reply that can be done.

use std::sync::Arc;

use crate::domain::field::{Field, FieldName, Place};
use crate::domain::reply_shape::{RecordsPointer, ReplyKind, ReplyShape};
use crate::domain::row_selector::RowSelector;

/// What is taken out of the replies to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the reply is; none where nothing can be taken out of it.
    target: Option<Target>,
    places: Vec<Place>,
    names: Vec<FieldName>,
    /// What the reply is, where what is beyond a number of records is left out.
    cut: Option<ReplyShape>,
}

/// What is taken out of the reply to one request.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    /// Whatever it holds.
    pub always: Option<Arc<Plan>>,
    /// In place of that where it is beyond a limit: that, and what tells whom its records are about.
    pub beyond: Option<Arc<Plan>>,
    /// In place of that where it is beyond a limit: that, and every record beyond it.
    pub cut: Option<Arc<Plan>>,
}

impl Plans {
    /// Whether what is taken out whatever it holds is all that is taken out beyond a limit.
    pub(in crate::features::guard) fn always_is_beyond(&self) -> bool {
        self.always
            .as_ref()
            .zip(self.beyond.as_ref())
            .is_some_and(|(always, beyond)| Arc::ptr_eq(always, beyond))
    }
}

/// What a reply is, out of which something is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Json { records: RecordsPointer },
    Ndjson,
    Fhir,
    Rows { delimiter: Option<u8> },
    Page { rows: RowSelector },
}

impl Target {
    /// Of replies of this kind; none where nothing can be taken out.
    fn of(kind: &ReplyKind) -> Option<Self> {
        match kind {
            ReplyKind::Json { records } => Some(Self::Json { records: records.clone() }),
            ReplyKind::Ndjson => Some(Self::Ndjson),
            ReplyKind::FhirBundle => Some(Self::Fhir),
            ReplyKind::Csv { delimiter, header: true } => Some(Self::Rows { delimiter: *delimiter }),
            ReplyKind::Html { rows } => Some(Self::Page { rows: rows.clone() }),
            // A query calls its members as it likes.
            ReplyKind::Graphql
            | ReplyKind::Csv { header: false, .. }
            | ReplyKind::LargestArray
            | ReplyKind::Xml { .. }
            | ReplyKind::Sql
            | ReplyKind::Hl7v2
            | ReplyKind::Multipart { .. }
            | ReplyKind::Zip(_)
            | ReplyKind::Packed(_)
            | ReplyKind::Xlsx { .. }
            | ReplyKind::Dicom
            | ReplyKind::Pdf { .. }
            | ReplyKind::Inside(_)
            | ReplyKind::Opaque => None,
        }
    }

    /// Whether its records stand one after the other, so that those behind a number of them can be left out.
    const fn can_be_cut(&self) -> bool {
        match self {
            Self::Json { .. } | Self::Ndjson | Self::Fhir | Self::Rows { .. } => true,
            Self::Page { .. } => false,
        }
    }

    /// Whether it can hold such a place.
    const fn can_hold(&self, place: &Place) -> bool {
        match place {
            Place::Pointer(_) | Place::Member(_) => matches!(self, Self::Json { .. } | Self::Ndjson),
            Place::Element(_) => matches!(self, Self::Fhir),
            Place::Column(_) => matches!(self, Self::Rows { .. } | Self::Page { .. }),
            Place::Cell(_) | Place::Selector(_) => matches!(self, Self::Page { .. }),
        }
    }
}

/// Whether replies of this kind can be cut.
pub fn can_be_cut(kind: &ReplyKind) -> bool {
    Target::of(kind).is_some_and(|target| target.can_be_cut())
}

/// Whether something at this place can be taken out of replies of that kind.
pub fn can_be_taken_out(place: &Place, kind: &ReplyKind) -> bool {
    Target::of(kind).is_some_and(|target| target.can_hold(place))
}

impl Plan {
    /// `fields` are taken out of replies of a kind. Nothing where there are none. Where one of them cannot be, no
    /// reply passes.
    pub fn new<'f>(kind: Option<&ReplyKind>, fields: impl IntoIterator<Item = &'f Field>) -> Option<Self> {
        let (mut places, mut names) = (Vec::new(), Vec::new());
        for field in fields {
            places.extend(field.places.iter().cloned());
            names.push(field.name.clone());
        }
        names.sort_unstable();
        names.dedup();
        let target = kind.and_then(Target::of);
        let target = target.filter(|target| places.iter().all(|place| target.can_hold(place)));
        (!names.is_empty()).then_some(Self { target, places, names, cut: None })
    }

    /// Of replies of this shape only the first records pass, without `fields`. None where they cannot be cut, or a field
    /// cannot be taken out.
    pub fn cut<'f>(shape: &ReplyShape, fields: impl IntoIterator<Item = &'f Field>) -> Option<Self> {
        let target = Target::of(&shape.kind).filter(Target::can_be_cut)?;
        let whole = Self { target: Some(target), places: Vec::new(), names: Vec::new(), cut: None };
        let plan = Self::new(Some(&shape.kind), fields).unwrap_or(whole);
        plan.can_be_carried_out().then(|| Self { cut: Some(shape.clone()), ..plan })
    }

    /// What the reply is, where it can be cut.
    pub(super) const fn shape(&self) -> Option<&ReplyShape> {
        self.cut.as_ref()
    }

    /// Whether there are replies out of which all of it can be taken.
    pub const fn can_be_carried_out(&self) -> bool {
        self.target.is_some()
    }

    pub(super) const fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The fields, by name, in order.
    pub fn names(&self) -> &[FieldName] {
        &self.names
    }
}
