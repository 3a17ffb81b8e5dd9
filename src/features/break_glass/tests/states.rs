//! One break, from its beginning to the end of its review.

use super::*;

fn said(state: BreakReview, finding: Option<BreakFinding>, reviewer: &str, note: Option<&str>) -> Asked {
    Asked { state, finding, reviewer: reviewer.to_owned(), note: note.map(|note| note.parse().unwrap()) }
}

#[test]
fn it_opens_until_its_time_and_ends_once() {
    let it = broken(now());
    assert!(it.is_active(now()) && it.is_active(now().plus(4 * HOUR).minus(Duration::from_millis(1))));
    assert!(!it.is_active(now().plus(4 * HOUR)), "not a moment longer, whether anybody has looked or not");
    let ended = it.clone().ended(now().plus(HOUR), BreakEnd::Person).unwrap();
    assert!(!ended.is_active(now().plus(HOUR)));
    assert_eq!(ended.ended(now().plus(2 * HOUR), BreakEnd::Time), Err(NotNow::Over));
    let late = it.ended(now().plus(9 * HOUR), BreakEnd::Time).unwrap();
    assert_eq!(late.standing, Standing::Over { at: late.until, end: BreakEnd::Time }, "it was over then");
}

#[test]
fn a_review_is_due_in_business_days_by_the_clocks_of_the_house() {
    struct Case {
        name: &'static str,
        began: &'static str,
        triage: &'static str,
        close: &'static str,
    }
    let cases = [
        Case {
            name: "Friday",
            began: "2026-03-06T15:00:00Z",
            triage: "2026-03-09T14:00:00Z",
            close: "2026-03-13T14:00:00Z",
        },
        Case {
            name: "Saturday",
            began: "2026-03-07T15:00:00Z",
            triage: "2026-03-09T14:00:00Z",
            close: "2026-03-13T14:00:00Z",
        },
        Case {
            name: "Monday",
            began: "2026-03-02T15:00:00Z",
            triage: "2026-03-03T15:00:00Z",
            close: "2026-03-09T14:00:00Z",
        },
    ];
    // The clocks of Chicago go forward on 8 March 2026: the same time of day is an hour earlier in UTC.
    let zone = TimeZone::get("America/Chicago").unwrap();
    for case in cases {
        let due = Due::of(case.began.parse().unwrap(), &BreakGlassSettings::default(), &zone);
        let expected = Due { triage: case.triage.parse().unwrap(), close: case.close.parse().unwrap() };
        assert_eq!(due, expected, "{}", case.name);
    }
}

#[test]
fn a_review_goes_forward_and_is_anybodys_but_the_persons() {
    let it = broken(now());
    let review = |it: &Break, asked| it.clone().reviewed(asked, now().plus(HOUR));
    let triaged = review(&it, said(BreakReview::Triaged, None, "Petra Privacy", None)).unwrap();
    assert_eq!(triaged.review.reviewer.as_deref(), Some("Petra Privacy"));
    let done = said(BreakReview::Closed, Some(BreakFinding::Justified), "Petra Privacy", None);
    let closed = review(&triaged, done.clone()).unwrap();
    assert_eq!(
        (closed.review.finding, closed.review.was_in_time()),
        (Some(BreakFinding::Justified), Some(true))
    );
    assert_eq!(review(&closed, done), Err(ReviewError::Backward(BreakReview::Closed)));

    for own in ["nurse", "NURSE", " Nadia Nurse "] {
        let own = said(BreakReview::Closed, Some(BreakFinding::Justified), own, None);
        assert_eq!(review(&it, own), Err(ReviewError::OwnBreak));
    }
    for (asked, error) in [
        (said(BreakReview::Closed, None, "Petra", None), ReviewError::NoFinding),
        (said(BreakReview::Closed, Some(BreakFinding::AutoExplained), "Petra", None), ReviewError::NoFinding),
        (said(BreakReview::Closed, Some(BreakFinding::NotJustified), "Petra", None), ReviewError::NoNote),
        (said(BreakReview::Triaged, None, "  ", None), ReviewError::NoReviewer),
        (said(BreakReview::Triaged, None, "a\nb", None), ReviewError::NoReviewer),
        (said(BreakReview::Open, None, "Petra", None), ReviewError::Backward(BreakReview::Open)),
    ] {
        assert_eq!(review(&it, asked), Err(error));
    }
    let joined = Break { joins: Some(it.id), ..it.clone() };
    assert_eq!(
        review(&joined, said(BreakReview::Triaged, None, "Petra", None)),
        Err(ReviewError::Joins(it.id)),
        "it has the review of the first"
    );
}

#[test]
fn what_nobody_looks_at_is_overdue() {
    let it = broken(now());
    assert!(!it.review.is_overdue(it.review.due.triage));
    assert!(it.review.is_overdue(it.review.due.triage.plus(HOUR)));
    let triaged = it.reviewed(said(BreakReview::Triaged, None, "Petra", None), now()).unwrap();
    assert!(!triaged.review.is_overdue(triaged.review.due.triage.plus(HOUR)));
    assert!(triaged.review.is_overdue(triaged.review.due.close.plus(HOUR)));
    let late = said(BreakReview::Closed, Some(BreakFinding::Inconclusive), "Petra", None);
    let closed = triaged.clone().reviewed(late, triaged.review.due.close.plus(HOUR)).unwrap();
    assert_eq!(
        (closed.review.is_overdue(now().plus(30 * DAY)), closed.review.was_in_time()),
        (false, Some(false))
    );
}

#[test]
fn a_relationship_within_a_day_explains_it_and_ends_it() {
    let it = broken(now());
    let explained = it.clone().related(now().plus(HOUR)).unwrap();
    assert_eq!(explained.standing, Standing::Over { at: now().plus(HOUR), end: BreakEnd::Related });
    assert_eq!(
        (explained.review.state, explained.review.finding),
        (BreakReview::Closed, Some(BreakFinding::AutoExplained))
    );
    assert_eq!(explained.related(now().plus(2 * HOUR)), Err(NotNow::Known));

    let over = it.clone().ended(now().plus(HOUR), BreakEnd::Person).unwrap();
    let later = over.clone().related(now().plus(23 * HOUR)).unwrap();
    assert_eq!(later.standing, over.standing, "it was over, and is explained");
    assert!(later.explained);
    assert_eq!(over.related(now().plus(25 * HOUR)), Err(NotNow::Known), "too late");

    let sampled = std::iter::repeat_with(|| RequestId::new(now(), &SystemEntropy))
        .find(|id| id.as_u128().is_multiple_of(state::SAMPLED_OF));
    let sampled = Break { id: sampled.unwrap(), ..it }.related(now().plus(HOUR)).unwrap();
    assert!(sampled.explained);
    assert_eq!(sampled.review.state, BreakReview::Open, "one of ten is looked at all the same");
}

#[test]
fn what_became_of_it_is_to_be_told_once_and_nothing_twice() {
    let (it, hour) = (broken(now()), now().plus(HOUR));
    let told = |it: &Break| it.untold.map(|untold| (untold.over, untold.explained));
    let ended = it.clone().ended(hour, BreakEnd::Time).unwrap().to_tell(&it, hour);
    assert_eq!(told(&ended), Some((true, false)));
    // Both wait, where the first could not be told.
    let related = ended.clone().related(hour).unwrap().to_tell(&ended, hour);
    assert_eq!(told(&related), Some((true, true)));
    let ended = ended.was_told().unwrap();
    assert_eq!(told(&ended), None);
    let related = ended.clone().related(hour).unwrap().to_tell(&ended, hour);
    assert_eq!(told(&related), Some((false, true)));
    let related = it.clone().related(hour).unwrap().to_tell(&it, hour);
    assert_eq!(told(&related), Some((true, true)));
    // Too late to explain it, it ends it all the same; and who has looked already has nothing explained.
    let late = now().plus(2 * DAY);
    let related = it.clone().related(late).unwrap().to_tell(&it, late);
    assert_eq!(told(&related), Some((true, false)));
    assert_eq!(it.was_told(), Err(NotNow::Known));
}

#[test]
fn what_is_owed_is_owed_until_it_is_there() {
    let it = broken(now());
    assert!(it.is_owed());
    let programme = it.clone().opened_programme(now()).unwrap();
    assert_eq!(programme.clone().opened_programme(now()), Err(NotNow::Known));
    let text = programme.attested(Attested { text: true, sheet: false }, now()).unwrap();
    assert!(text.is_owed(), "42 CFR 2.51(c) is still to be met");
    let both = text.attested(Attested { text: true, sheet: true }, now().plus(HOUR)).unwrap();
    assert_eq!((both.is_owed(), both.sheet), (false, Sheet::Filed(now().plus(HOUR))));
    assert_eq!(both.attested(Attested { text: true, sheet: true }, now()), Err(NotNow::NothingOwed));
}

#[test]
fn the_first_is_remembered_for_a_while_but_not_where_it_was_not_justified() {
    let it = broken(now());
    let memory = 7 * DAY;
    assert!(it.is_remembered(memory, now().plus(6 * DAY)));
    assert!(!it.is_remembered(memory, now().plus(7 * DAY)));
    assert!(!it.is_remembered(Duration::ZERO, now()));
    let joined = Break { joins: Some(it.id), began: now().plus(6 * DAY), ..it.clone() };
    assert!(!joined.is_remembered(memory, now().plus(8 * DAY)), "a memory is not made of memories");
    let wrong =
        said(BreakReview::Closed, Some(BreakFinding::NotJustified), "Petra", Some("no reason at all"));
    assert!(!it.reviewed(wrong, now()).unwrap().is_remembered(memory, now().plus(HOUR)));
}

#[test]
fn a_prompt_is_good_for_its_session_and_an_hour_and_only_as_we_have_made_it() {
    let prompt = Prompt {
        session: session(),
        application: "ehr".parse().unwrap(),
        patient: patient("100021"),
        ending: Some("21".to_owned()),
        relation: BreakRelation::Unknown,
        relationships: vec!["care-team".to_owned()],
        asked: now(),
    };
    let sealed = prompt.seal(&key()).unwrap();
    let open = |text: &str, at| Prompt::open(text, &key(), session(), at);
    assert_eq!(open(&sealed, now().plus(HOUR / 2)), Some(prompt));
    assert_eq!(open(&sealed, now().plus(HOUR)), None, "too old");
    assert_eq!(open(&sealed, now().minus(HOUR)), None, "not asked yet");
    let other = "01980000-0000-7000-8000-000000000008".parse().unwrap();
    assert_eq!(Prompt::open(&sealed, &key(), other, now()), None, "another session's");
    assert_eq!(Prompt::open(&sealed, &DigestKey::from_bytes(&[8; 32]), session(), now()), None);
    for place in 0..sealed.len() {
        let changed: String = sealed
            .char_indices()
            .map(|(at, c)| if at == place { if c == 'A' { 'B' } else { 'A' } } else { c })
            .collect();
        assert_eq!(open(&changed, now()), None, "changed at {place}");
    }
    for odd in ["", ".", "a.b", &"x".repeat(5000)] {
        assert_eq!(open(odd, now()), None);
    }
}

#[test]
fn of_a_number_no_more_is_shown_than_tells_it_from_others() {
    let ending = |number: &str| ending(&PatientRef::new("ehr".parse().unwrap(), number.to_owned()));
    assert_eq!(ending("100021").as_deref(), Some("21"));
    assert_eq!(ending("1021").as_deref(), Some("21"));
    for short in ["", "7", "21", "102", "1000<b"] {
        assert_eq!(ending(short), None, "{short}");
    }
}
