//! Within and beyond a limit.

use super::*;

#[test]
fn a_reply_within_its_limit_passes_byte_for_byte() {
    let body = csv(10);
    let out = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(7)).released(&terms(Action::Export));
    assert_eq!(out.bytes, body);
    assert_eq!(out.record.records, Count::Exactly(10));
    assert_eq!(out.record.patients, Count::Exactly(10));
    assert_eq!(out.record.verdict, Verdict::Within);
    assert_eq!(out.record.ended, EndedHow::Complete);
}

#[test]
fn a_reply_beyond_its_limit_is_withheld_whole_and_counted_to_its_end() {
    let body = csv(1000);
    let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(100));
    let withheld = reply.withheld(&terms(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    assert_eq!(withheld.tally.records, Count::Exactly(1000));
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("blocked") };
    assert_eq!((exceeded.limit, exceeded.allowed, exceeded.actual), (LimitName::RecordsPerExport, 10, 1000));
}

#[test]
fn a_step_that_would_do_is_named() {
    let mut terms = terms(Action::Export);
    terms.limits.on_exceed = OnExceed::Justify;
    let withheld = Reply::of(Some(json_shape()), "application/json", json(11)).withheld(&terms);
    assert!(matches!(withheld.cause, Cause::Needs(Step::Justify, Beyond::Exceeded(_))));
    terms.justified = true;
    let out = Reply::of(Some(json_shape()), "application/json", json(11)).released(&terms);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.actual), Some(11));
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}

#[test]
fn care_goes_on_and_nothing_waits_for_it() {
    let terms = Terms { basis: Basis::Treatment, ..terms(Action::Export) };
    let reply = Reply::pieces(Some(json_shape()), "application/json", json(100).chunks(10));
    let asked = Rc::clone(&reply.body.asked);
    let released = reply.ask(&terms).unwrap();
    assert!(*asked.borrow() <= 2, "nothing is held");
    let out = read(released);
    assert_eq!(out.bytes, json(100));
    assert_eq!(out.record.records, Count::Exactly(100));
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}

#[test]
fn past_what_memory_can_hold_nothing_leaves_of_a_reply_beyond_its_limit() {
    let body = csv(1000);
    let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(50)).hold_bytes(100);
    let asked = Rc::clone(&reply.body.asked);
    let withheld = reply.withheld(&terms(Action::Export));
    let Some(Verdict::Block(Beyond::Exceeded(exceeded))) = withheld.verdict() else { panic!("{withheld:?}") };
    assert_eq!((exceeded.limit, exceeded.allowed), (LimitName::RecordsPerExport, 10));
    assert!(*asked.borrow() < 10, "nothing is read once it is clear");
}

#[test]
fn what_streams_is_cut_at_its_limit_and_visibly() {
    let body = csv(1000);
    let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(50));
    let out = reply.streamed(&terms(Action::Export));
    assert!(matches!(out.error, Some(GuardError::Limit)));
    assert_eq!(out.record.ended, EndedHow::LimitReached);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.allowed), Some(10));
    let whole_rows = out.bytes.split(|byte| *byte == b'"').count() / 2;
    assert!(whole_rows <= 10, "{whole_rows} rows came out");
    assert!(body.starts_with(&out.bytes));
}

#[test]
fn a_reason_lifts_a_limit_up_to_the_number_that_nobody_passes() {
    let mut terms = Terms { justified: true, ..terms(Action::Export) };
    terms.limits.on_exceed = OnExceed::Justify;
    terms.limits.records_per_export_at_most = Some(20);
    let out = Reply::of(Some(csv_shape()), "text/csv", csv(20)).released(&terms);
    assert_eq!(
        (out.record.verdict.on_exceed(), out.record.ended),
        (Some(OnExceed::Advise), EndedHow::Complete)
    );
    let withheld = Reply::of(Some(csv_shape()), "text/csv", csv(21)).withheld(&terms);
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("blocked") };
    assert_eq!(
        (exceeded.limit, exceeded.allowed, exceeded.actual),
        (LimitName::RecordsPerExportAtMost, 20, 21)
    );
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    // Without a reason, one that would not help is not asked for either.
    let body = csv(1000);
    let unjustified = Terms { justified: false, ..terms };
    let withheld = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(100)).withheld(&unjustified);
    assert!(matches!(withheld.cause, Cause::Block(Beyond::Exceeded(it)) if it.actual == 1000));
    // Nor does what is too long for memory leave before it is known.
    let withheld =
        Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(50)).hold_bytes(100).withheld(&terms);
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("blocked") };
    assert_eq!((exceeded.limit, exceeded.allowed), (LimitName::RecordsPerExportAtMost, 20));
}

#[test]
fn past_what_can_be_held_a_reply_within_its_limit_comes_whole() {
    let body = json(10);
    let reply = Reply::pieces(Some(json_shape()), "application/json", body.chunks(9)).hold_bytes(20);
    let out = reply.released(&terms(Action::Export));
    assert_eq!(out.bytes, body);
    assert!(out.error.is_none());
    assert_eq!(out.record.records, Count::Exactly(10));
    assert_eq!(out.record.ended, EndedHow::Complete);
}

#[test]
fn what_turns_out_unreadable_at_its_end_stays_here_and_what_streams_never_looks_complete() {
    let mut body = json(10);
    body.pop();
    let reply = || Reply::pieces(Some(json_shape()), "application/json", body.chunks(9)).hold_bytes(20);
    assert_eq!(reply().withheld(&terms(Action::Export)).reason(), Reason::CountUnknown);
    let out = reply().streamed(&terms(Action::Export));
    assert!(matches!(out.error, Some(GuardError::Limit)));
    assert!(out.bytes.len() < body.len(), "the last piece stays here");
}

#[test]
fn an_application_that_breaks_off_is_not_an_export_within_its_limit() {
    let mut held = Reply::of(Some(csv_shape()), "text/csv", csv(3));
    held.body.pieces.push_back(Err("reset"));
    let withheld = held.withheld(&terms(Action::Export));
    assert!(matches!(withheld.cause, Cause::Upstream(_)));
    assert_eq!(withheld.reason(), Reason::UpstreamAborted);

    let mut streamed = Reply::of(Some(csv_shape()), "text/csv", csv(3));
    streamed.body.pieces.push_back(Err("reset"));
    let out = streamed.released(&Terms { basis: Basis::Treatment, ..terms(Action::Export) });
    assert_eq!(out.record.ended, EndedHow::UpstreamFailed);
    assert_eq!(out.record.records, Count::AtLeast(3));
}

#[test]
fn a_caller_who_leaves_is_told_of_with_what_they_had() {
    let record = Rc::new(RefCell::new(None));
    let reply = Reply::pieces(None, "text/html", ["one", "two"]).ask(&terms(Action::View)).unwrap();
    let mut body = reply.into_body();
    let told = Rc::clone(&record);
    body.on_end(move |ended| *told.borrow_mut() = Some(ended));
    run(poll_fn(|context| Pin::new(&mut body).poll_frame(context))).unwrap().unwrap();
    drop(body);
    let record = record.borrow().unwrap();
    assert_eq!((record.bytes, record.ended), (3, EndedHow::Dropped));
}

#[test]
fn whoever_stops_at_the_last_byte_has_had_it_all() {
    let reply = Reply::of(None, "text/html", "all").ask(&terms(Action::View)).unwrap();
    let mut body = reply.into_body();
    run(poll_fn(|context| Pin::new(&mut body).poll_frame(context))).unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(body.record().ended, EndedHow::Complete);
    let told = Rc::new(RefCell::new(None));
    let record = Rc::clone(&told);
    body.on_end(move |ended| *record.borrow_mut() = Some(ended.ended));
    drop(body);
    assert_eq!(*told.borrow(), Some(EndedHow::Complete));
}

#[test]
fn trailers_pass_where_nobody_counts_and_come_after_all_else() {
    let mut reply = Reply::of(None, "text/plain", b"ok");
    let trailers = [("x-checksum".parse().unwrap(), "5".parse().unwrap())].into_iter().collect();
    reply.body.pieces.push_back(Ok(Frame::trailers(trailers)));
    let looking = Terms { limits: Limits::NONE, ..terms(Action::View) };
    let reply = reply.header(http::header::TRAILER, "x-checksum").ask(&looking).unwrap();
    assert!(reply.headers().contains_key(http::header::TRAILER));
    let mut body = reply.into_body();
    let mut frames = Vec::new();
    run(async {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            assert!(frames.is_empty() || !body.is_end_stream() || body.record().ended == EndedHow::Complete);
            frames.push(frame.unwrap());
        }
    });
    let trailers = frames.pop().unwrap().into_trailers().unwrap();
    assert_eq!(trailers.get("x-checksum").unwrap(), "5");
    assert_eq!(frames.len(), 1);
    assert_eq!(body.record().ended, EndedHow::Complete);
}

#[test]
fn of_a_counted_reply_the_trailers_are_dropped_but_for_the_status_of_grpc() {
    let mut reply = Reply::of(Some(json_shape()), "application/grpc+json", json(1));
    let trailers: http::HeaderMap = [("grpc-status", "0"), ("grpc-message", "5551234")]
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .into_iter()
        .collect();
    reply.body.pieces.push_back(Ok(Frame::trailers(trailers)));
    let advised = Limits {
        on_unknown_count: OnExceed::Advise,
        on_exceed: OnExceed::Advise,
        ..terms(Action::Export).limits
    };
    let reply = reply.ask(&Terms { limits: advised, ..terms(Action::Export) }).unwrap();
    let mut body = reply.into_body();
    let mut last = None;
    run(async {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            last = Some(frame.unwrap());
        }
    });
    let trailers = last.unwrap().into_trailers().unwrap();
    assert_eq!(trailers.len(), 1);
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
}

#[test]
fn trailers_of_a_counted_reply_are_dropped() {
    let mut reply = Reply::of(Some(json_shape()), "application/json", json(1));
    let trailers = [("x-data".parse().unwrap(), "5551234".parse().unwrap())].into_iter().collect();
    reply.body.pieces.push_back(Ok(Frame::trailers(trailers)));
    let reply = reply.header(http::header::TRAILER, "x-data").ask(&terms(Action::Export)).unwrap();
    assert!(!reply.headers().contains_key(http::header::TRAILER));
    assert_eq!(read(reply).bytes, json(1));
}

#[test]
fn bytes_of_one_file_are_bounded_as_they_are_sent() {
    let body = csv(10);
    let of = |bytes: usize| {
        let mut terms = terms(Action::Export);
        terms.limits.records_per_export = None;
        terms.limits.bytes_per_export = Some(bytes as u64);
        terms
    };
    let reply = || Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(50));
    assert_eq!(reply().released(&of(body.len())).bytes, body);
    let withheld = reply().withheld(&of(body.len() - 1));
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("{withheld:?}") };
    assert_eq!(exceeded.limit, LimitName::BytesPerExport);
    assert!(exceeded.actual > exceeded.allowed && withheld.reason() == Reason::ExportOverRequestLimit);
    let packed = gzip(&body);
    assert!(packed.len() < body.len());
    let coded = || Reply::of(Some(csv_shape()), "text/csv", packed.clone()).header(CONTENT_ENCODING, "gzip");
    assert_eq!(coded().released(&of(packed.len())).bytes, packed);
    assert!(matches!(coded().withheld(&of(packed.len() - 1)).cause, Cause::Block(Beyond::Exceeded(_))));

    // What is advised of for one number is held to the other; what is looked at has none.
    let unknown = Terms { limits: Limits { on_unknown_count: OnExceed::Advise, ..of(9).limits }, ..of(9) };
    let opaque = Reply::of(None, "application/pdf", "%PDF-1.7 of ten").withheld(&unknown);
    assert!(
        matches!(opaque.cause, Cause::Block(Beyond::Exceeded(it)) if it.limit == LimitName::BytesPerExport)
    );
    assert_eq!(reply().released(&Terms { action: Action::List, ..of(9) }).bytes, body);
    // What streams is broken off, and treatment is advised of it.
    let care = Terms { basis: Basis::Treatment, ..of(9) };
    let out = reply().released(&care);
    assert_eq!((out.bytes == body, out.record.verdict.on_exceed()), (true, Some(OnExceed::Advise)));
    // It is no number of records after which one could cut.
    let cutting = Terms { limits: Limits { on_exceed: OnExceed::Truncate, ..of(9).limits }, ..of(9) };
    assert!(matches!(reply().withheld(&cutting).cause, Cause::Block(Beyond::Exceeded(_))));
}

#[test]
fn patients_of_one_file_are_bounded_and_what_does_not_tell_them_is_unknown() {
    let of = |patients| {
        let mut terms = terms(Action::Export);
        terms.limits.records_per_export = None;
        terms.limits.patients_per_export = Some(patients);
        terms
    };
    let reply = |body: &[u8]| Reply::of(Some(csv_shape()), "text/csv", body);
    assert_eq!(reply(&csv(10)).released(&of(10)).bytes, csv(10));
    assert_eq!(reply(b"ID\n1\n1\n1\n").released(&of(1)).record.patients, Count::Exactly(1));
    let withheld = reply(&csv(11)).withheld(&of(10));
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("{withheld:?}") };
    assert_eq!((exceeded.limit, exceeded.allowed), (LimitName::PatientsPerExport, 10));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    // No column tells them.
    assert_eq!(reply(b"name\nx\n").withheld(&of(10)).reason(), Reason::CountUnknown);
    let advised = Limits { on_unknown_count: OnExceed::Advise, ..of(10).limits };
    let out = reply(b"name\nx\n").released(&Terms { limits: advised, ..of(10) });
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}
