//! What becomes of a break, by when it is reviewed, and what is kept of it; in `nodes`, where two nodes share it.

mod kept;
mod nodes;
mod states;

use std::time::Duration;

use jiff::tz::TimeZone;

use super::settings::BreakGlassSettings;
use super::*;
use crate::domain::break_glass::{
    BreakEnd, BreakFinding, BreakReason, BreakRelation, BreakReview, BreakStep,
};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::{RequestId, SessionId};
use crate::platform::store::Store;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// It is written down.
fn written() -> std::future::Ready<Result<(), std::convert::Infallible>> {
    std::future::ready(Ok(()))
}

/// A Friday.
fn now() -> Timestamp {
    "2026-03-06T15:00:00Z".parse().unwrap()
}

fn key() -> DigestKey {
    DigestKey::from_bytes(&[7; 32])
}

fn patient(number: &str) -> PatientDigest {
    PatientRef::new("ehr".parse().unwrap(), number.to_owned()).digest(&key())
}

fn nurse() -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: "nurse".into() }
}

fn session() -> SessionId {
    "01980000-0000-7000-8000-000000000007".parse().unwrap()
}

/// One that begins at `began`; none that is looked at although it is explained.
fn broken(began: Timestamp) -> Break {
    let id = std::iter::repeat_with(|| RequestId::new(began, &SystemEntropy));
    let id = id.into_iter().find(|id| !id.as_u128().is_multiple_of(state::SAMPLED_OF)).unwrap();
    let settings = BreakGlassSettings::default();
    Break {
        id,
        person: nurse(),
        name: "Nadia Nurse".to_owned(),
        roles: vec!["nurse".parse().unwrap()],
        session: session(),
        application: "ehr".parse().unwrap(),
        patient: patient("100021"),
        reason: BreakReason::Emergency,
        relation: BreakRelation::None,
        relationships: vec!["care-team".to_owned()],
        joins: None,
        began,
        until: began.plus(settings.lasts),
        standing: Standing::Active,
        text_due: Some(began.plus(settings.text_within)),
        sheet: Sheet::NotNeeded,
        explained: false,
        review: Review::open(Due::of(began, &settings, &TimeZone::UTC)),
        untold: None,
    }
}
