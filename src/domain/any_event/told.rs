//! What events tell beside the request.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{MORNING, event, moment, name, session, text};
use crate::domain::asked::{Allowed, EventAsked, Lowered, Overreach};
use crate::domain::break_glass::{
    BreakEnd, BreakFinding, BreakReason, BreakRelation, BreakReview, BreakStep, EventBreak, ReviewedBreak,
};
use crate::domain::detection::{Detection, DetectionKind, Review, ReviewFinding, ReviewState, Severity};
use crate::domain::device::EventDeviceFeed;
use crate::domain::event::{EventHold, EventLock, EventReading, EventShadow, HoldStep, LockStep, Verdict};
use crate::domain::provisioning::{ProvisionedResource, Provisioning, ProvisioningStep, ResourceKind};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Others, ProviderSession, Revocation, Revoked, Target, Why};
use crate::domain::risk::{EventRisk, RiskStep, Sign};
use crate::domain::signal::{EventSignal, SignalKind, SignalStep};
use crate::domain::subject::SubjectId;
use crate::domain::told::EventRelationship;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{DetectionId, HoldId, ResourceId};

pub(super) fn hold() -> impl Strategy<Value = EventHold> {
    (any::<u64>(), select(HoldStep::ALL), option::of((text(), text()))).prop_map(|(seed, step, person)| {
        EventHold {
            id: HoldId::new(MORNING, &SeededEntropy::new(seed)),
            step,
            person: person.map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() }),
        }
    })
}

pub(super) fn lock() -> impl Strategy<Value = EventLock> {
    (session(), select(LockStep::ALL), moment()).prop_map(|(session, step, since)| EventLock {
        session,
        step,
        since,
    })
}

pub(super) fn shadow() -> impl Strategy<Value = EventShadow> {
    let answer = (select(Verdict::ALL), select(Reason::ALL), vec(text(), 0..3), any::<bool>());
    answer.prop_map(|(decision, reason, rules, differs)| EventShadow {
        decision,
        reason,
        rules: rules.into_iter().map(Into::into).collect(),
        differs,
    })
}

pub(super) fn event_asked() -> impl Strategy<Value = EventAsked> {
    let lowered = (text(), option::of(any::<i64>()), any::<u64>());
    let lowered = lowered.prop_map(|(parameter, from, to)| Lowered { parameter, from, to });
    let allowed = prop_oneof![
        any::<u64>().prop_map(Allowed::AtMost),
        any::<u64>().prop_map(Allowed::Days),
        any::<u64>().prop_map(Allowed::Characters),
        vec(text(), 0..3).prop_map(Allowed::OneOf),
        Just(Allowed::Once),
    ];
    let beyond = (select(Reason::ALL), text(), allowed);
    let beyond = beyond.prop_map(|(reason, parameter, allowed)| Overreach { reason, parameter, allowed });
    (vec(lowered, 0..3), vec(text(), 0..3), vec(beyond, 0..3))
        .prop_map(|(lowered, added, beyond)| EventAsked { lowered, added, beyond })
}

pub(super) fn relationship() -> impl Strategy<Value = EventRelationship> {
    let told = (text(), option::of(name()), option::of(any::<u64>()), any::<bool>());
    told.prop_map(|(relationship, feed, age_seconds, stale)| EventRelationship {
        relationship,
        feed,
        age_seconds,
        stale,
    })
}

pub(super) fn device_feed() -> impl Strategy<Value = EventDeviceFeed> {
    (name(), any::<u64>(), any::<bool>(), any::<bool>()).prop_map(|(feed, age_seconds, stale, withdrawn)| {
        EventDeviceFeed { feed, age_seconds, stale, withdrawn }
    })
}

pub(super) fn risk() -> impl Strategy<Value = EventRisk> {
    let risk = (name(), select(Sign::ALL), select(RiskStep::ALL));
    risk.prop_map(|(rule, sign, step)| EventRisk { rule, sign, step })
}

pub(super) fn resource() -> impl Strategy<Value = ResourceId> {
    any::<u64>().prop_map(|seed| ResourceId::new(MORNING, &SeededEntropy::new(seed)))
}

pub(super) fn provisioning() -> impl Strategy<Value = Provisioning> {
    let about = (select(ResourceKind::ALL), resource(), option::of(text()), text());
    let about =
        about.prop_map(|(kind, id, external_id, name)| ProvisionedResource { kind, id, external_id, name });
    let members = (vec(resource(), 0..3), vec(resource(), 0..3), 0..3_usize);
    (name(), select(ProvisioningStep::ALL), option::of(about), members).prop_map(
        |(provider, step, resource, (joined, left, more))| Provisioning {
            provider,
            step,
            resource,
            joined,
            left,
            more,
        },
    )
}

pub(super) fn found() -> impl Strategy<Value = DetectionId> {
    (moment(), any::<[u8; 4]>()).prop_map(|(time, about)| DetectionId::derived(time, &[&about]))
}

pub(super) fn detection() -> impl Strategy<Value = Detection> {
    let what = (found(), name(), select(DetectionKind::ALL), select(Severity::ALL));
    let who = (text(), text(), text());
    let figures = (moment(), moment(), any::<u64>(), option::of(any::<u64>()), any::<bool>());
    (what, who, figures, text(), vec(event(), 0..3)).prop_map(|(what, who, figures, why, requests)| {
        Detection {
            id: what.0,
            rule: what.1,
            kind: what.2,
            severity: what.3,
            person: SubjectId { issuer: who.0.into(), sub: who.1.into() },
            name: who.2,
            since: figures.0,
            until: figures.1,
            count: figures.2,
            usual: figures.3,
            why,
            requests,
            raises: figures.4,
        }
    })
}

pub(super) fn review() -> impl Strategy<Value = Review> {
    let said = (select(ReviewState::ALL), option::of(select(ReviewFinding::ALL)), any::<bool>());
    (found(), said, option::of(moment())).prop_map(|(detection, (state, finding, has_note), quiet_until)| {
        Review {
            detection,
            state,
            finding,
            note: has_note.then(|| "asked the desk".parse().unwrap()),
            quiet_until,
        }
    })
}

pub(super) fn signal() -> impl Strategy<Value = EventSignal> {
    let what = (option::of(select(SignalKind::ALL)), select(SignalStep::ALL), option::of(text()));
    let times = (option::of(moment()), option::of(moment()));
    (name(), what, times, vec(person(), 0..3), 0..3_usize).prop_map(
        |(provider, (kind, step, id), (happened, issued), people, more)| EventSignal {
            provider,
            kind,
            step,
            id,
            happened,
            issued,
            people,
            more,
        },
    )
}

pub(super) fn person() -> impl Strategy<Value = SubjectId> {
    (text(), text()).prop_map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() })
}

pub(super) fn target() -> impl Strategy<Value = Target> {
    let provider_session = (text(), text(), option::of(text())).prop_map(|(issuer, sid, sub)| {
        ProviderSession { issuer: issuer.into(), sid: sid.into(), sub: sub.map(Into::into) }
    });
    prop_oneof![
        session().prop_map(Target::Session),
        session().prop_map(Target::SignIn),
        person().prop_map(Target::Person),
        (person(), session()).prop_map(|(person, but)| Target::Others(Others { person, but })),
        provider_session.prop_map(Target::ProviderSession),
    ]
}

pub(super) fn revocation() -> impl Strategy<Value = Revocation> {
    let why = text().prop_map(|text| text.parse::<Why>().ok());
    let events = (option::of(event()), option::of(event()));
    (target(), select(Cause::ALL), why, events, moment(), moment()).prop_map(
        |(target, cause, why, (request, relayed), asked, received)| Revocation {
            target,
            cause,
            why,
            request,
            asked,
            received,
            relayed,
        },
    )
}

pub(super) fn revoked() -> impl Strategy<Value = Revoked> {
    let whose = (any::<u64>(), vec(session(), 0..3), option::of(person()));
    (whose, option::of(moment()), any::<u64>(), option::of(moment()), 0..3_u64).prop_map(
        |((sessions, listed, person), stored, streams, cut, waiting)| Revoked {
            sessions,
            listed,
            person,
            stored,
            streams,
            cut,
            waiting,
        },
    )
}

pub(super) fn break_glass() -> impl Strategy<Value = EventBreak> {
    let why = (option::of(select(BreakReason::ALL)), option::of(select(BreakRelation::ALL)));
    let which = (option::of(event()), select(BreakStep::ALL), why);
    let when = (option::of(event()), option::of(moment()), option::of(select(BreakEnd::ALL)), any::<bool>());
    let said = (select(BreakReview::ALL), option::of(select(BreakFinding::ALL)), option::of(text()));
    let review = said.prop_map(|(state, finding, reviewer)| ReviewedBreak {
        state,
        finding,
        reviewer,
        note: Some("a complaint".parse().unwrap()),
    });
    let who = option::of((text(), text()));
    (which, when, option::of(review), who, option::of(text())).prop_map(
        |((id, step, (reason, relation)), (joins, until, end, text_owed), review, who, discloser)| {
            EventBreak {
                id,
                step,
                reason,
                relation,
                joins,
                until,
                end,
                person: who.map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() }),
                text_owed,
                review,
                discloser,
            }
        },
    )
}

pub(super) fn reading() -> impl Strategy<Value = EventReading> {
    (vec(event(), 0..3), select(Purpose::ALL)).prop_map(|(events, purpose)| EventReading {
        events,
        purpose,
        why: "a complaint".parse().unwrap(),
    })
}
