//! Whom events are to keep of a reply: those who were handed on, under the names that events have for them, or nobody.

use super::*;
use crate::domain::listed::{LISTED_MAX, Listed};

fn names() -> PatientNames {
    PatientNames::of("ehr".parse().unwrap(), DigestKey::from_bytes(&[7; 32]).into())
}

fn digests(numbers: std::ops::Range<usize>) -> Vec<PatientDigest> {
    let mut digests: Vec<_> = numbers.map(|id| names().digest(id.to_string().as_bytes())).collect();
    digests.sort_unstable();
    digests
}

/// Nothing bounds what is only looked at.
fn unbounded() -> Terms {
    Terms { limits: Limits::NONE, ..terms(Action::View) }
}

/// Read to its end, or to where it breaks off.
fn listed(reply: Reply, terms: &Terms) -> Option<Listed> {
    let mut body = Reply { names: Some(names()), ..reply }.ask(terms).unwrap().into_body();
    run(async {
        while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
    });
    body.take_listed()
}

#[test]
fn each_patient_whom_a_reply_names_is_kept_in_one_order_however_it_comes() {
    for size in [1, 5, 10_000] {
        let whole = csv(3);
        let reply = Reply::pieces(Some(csv_shape()), "text/csv", whole.chunks(size));
        assert_eq!(listed(reply, &unbounded()).unwrap().each(), digests(0..3));
    }
}

#[test]
fn a_reply_of_too_many_keeps_that_they_were_these_and_no_others() {
    let kept = |rows| listed(Reply::of(Some(csv_shape()), "text/csv", csv(rows)), &unbounded());
    assert_eq!(kept(0), None);
    assert_eq!(kept(1).unwrap().each(), digests(0..1));
    assert_eq!(kept(LISTED_MAX).unwrap().each().len(), LISTED_MAX);
    let together = kept(LISTED_MAX + 1).unwrap();
    let mut all = crate::foundation::digest::Digester::default();
    for patient in digests(0..LISTED_MAX + 1) {
        all.update(patient.digest().as_bytes());
    }
    assert_eq!(together, Listed::Together(all.finish()));
}

#[test]
fn of_a_reply_that_is_cut_those_are_kept_who_are_left() {
    let limits = Limits { on_exceed: OnExceed::Truncate, ..terms(Action::Export).limits };
    let mut reply = Reply::of(Some(csv_shape()), "text/csv", csv(25));
    reply.plans.cut = Plan::cut(&csv_shape(), []).map(Arc::new);
    let kept = listed(reply, &Terms { limits, ..terms(Action::Export) });
    assert_eq!(kept.unwrap().each(), digests(0..10));
}

#[test]
fn nobody_is_kept_of_what_cannot_be_counted() {
    let broken = [csv(2), b"\"never closed".to_vec()].concat();
    let reply = Reply::of(Some(csv_shape()), "text/csv", broken);
    assert_eq!(listed(reply, &unbounded()), None);
}
