use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::footing::Footing;
use super::settings::{LimitSettings, Rate};
use super::table::{PLACES, Table};
use super::*;
use crate::gateway::room::Room;
use crate::platform::http::pace::Pace;

fn rate(amount: u32, seconds: u64) -> Rate {
    Rate::new(amount, Duration::from_secs(seconds)).unwrap()
}

fn settings() -> LimitSettings {
    LimitSettings {
        connections_per_address: 2,
        connections_per_person: 2,
        new_connections_per_address: Some(rate(4, 10)),
        requests_per_address: Some(rate(2, 10)),
        requests_per_person: Some(rate(3, 10)),
        sign_ins_per_address: Some(rate(1, 60)),
        refused_events: Some(rate(2, 10)),
        reserved_percent: 25,
        idle: Duration::from_secs(75),
        unread: Duration::from_secs(60),
        body: Pace::Rate { bytes_per_second: 256, grace: Duration::from_secs(20) },
        streams: 100,
        resets: 20,
        control_frames: None,
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_bucket_gives_its_amount_at_once_and_then_one_after_the_other() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut bucket = Bucket::full(start);
    let rate = rate(4, 2);
    for _ in 0..4 {
        assert_eq!(bucket.take(rate, start), Ok(()));
    }
    assert_eq!(bucket.take(rate, start), Err(NotNow(Duration::from_millis(500))));
    assert_eq!(bucket.take(rate, at(499)), Err(NotNow(Duration::from_millis(1))), "asking takes nothing");
    assert_eq!(bucket.take(rate, at(500)), Ok(()));
    assert!(bucket.take(rate, at(500)).is_err());
    assert!(!bucket.is_full(at(2499)) && bucket.is_full(at(2500)));
    assert_eq!((0..9).filter(|_| bucket.take(rate, at(60_000)).is_ok()).count(), 4, "no more than full");
}

#[test]
fn one_caller_is_one_address_or_one_network_of_64_bits() {
    let same = [
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::c000:201", "192.0.2.1", false),
    ];
    for (one, other, expected) in same {
        assert_eq!(Source::of(address(one)) == Source::of(address(other)), expected, "{one} {other}");
    }
}

#[test]
fn people_are_measured_by_who_they_are_and_all_others_by_where_they_come_from() {
    let (limits, settings, now) = (Limits::new(Instant::now()), settings(), Instant::now());
    let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
    let person = |sub: &str| SubjectId { issuer: "https://id".into(), sub: sub.into() };
    let allowed = |ask: &dyn Fn() -> bool| (0..10).filter(|_| ask()).count();
    assert_eq!(allowed(&|| limits.request_from(here, &settings, now).is_ok()), 2);
    assert_eq!(allowed(&|| limits.request_by(&person("a"), &settings, now).is_ok()), 3);
    assert_eq!(allowed(&|| limits.request_by(&person("b"), &settings, now).is_ok()), 3);
    assert_eq!(allowed(&|| limits.request_from(there, &settings, now).is_ok()), 2);
    assert_eq!(allowed(&|| limits.sign_in_from(here, &settings, now).is_ok()), 1);
    let unlimited = LimitSettings { requests_per_address: None, ..settings };
    assert_eq!(allowed(&|| limits.request_from(here, &unlimited, now).is_ok()), 10);
}

#[test]
fn an_address_has_so_many_connections_at_once_and_makes_them_so_fast() {
    let (limits, settings, now) = (Limits::new(Instant::now()), settings(), Instant::now());
    let here = address("2001:db8::1");
    let first = limits.connect(here, &settings, now).unwrap();
    let second = limits.connect(address("2001:db8::2"), &settings, now).unwrap();
    assert_eq!(limits.connect(here, &settings, now).unwrap_err(), TurnedAway::TooMany);
    assert!(limits.connect(address("2001:db8:0:1::1"), &settings, now).is_ok(), "another network");
    drop(first);
    let third = limits.connect(here, &settings, now).unwrap();
    drop((second, third));
    assert_eq!(limits.connect(here, &settings, now).unwrap_err(), TurnedAway::TooFast);
    assert!(limits.connect(here, &settings, now + Duration::from_secs(10)).is_ok());
}

#[test]
fn a_connection_of_somebody_who_is_signed_in_does_not_count_at_its_address() {
    let settings = LimitSettings { new_connections_per_address: None, ..settings() };
    let (limits, now, here) = (Limits::new(Instant::now()), Instant::now(), address("192.0.2.1"));
    let room = Room::new(100);
    let connect =
        || limits.connect(here, &settings, now).map(|seat| Footing::new(room.enter().unwrap(), Some(seat)));
    let person = |sub: &str| SubjectId { issuer: "https://id".into(), sub: sub.into() };
    let held: Vec<Footing> = (0..4)
        .filter_map(|_| {
            let footing = connect().ok()?;
            footing.of(&limits, &settings, || person("nora"));
            footing.of(&limits, &settings, || unreachable!("asked for once"));
            Some(footing)
        })
        .collect();
    assert_eq!(held.len(), 4, "two of hers, and two that are as those of strangers");
    assert_eq!(connect().unwrap_err(), TurnedAway::TooMany);
    drop(held);
    assert_eq!(room.taken(), 0);
    let strangers: Vec<Footing> = (0..4).filter_map(|_| connect().ok()).collect();
    assert_eq!(strangers.len(), 2);
    assert_eq!(room.taken(), 2);
}

#[test]
fn so_many_refusals_leave_events_and_the_others_are_told_of_once() {
    let (limits, settings, now) = (Limits::new(Instant::now()), settings(), Instant::now());
    let leaving = (0..10).filter(|_| limits.leaves_event(&settings, now)).count();
    assert_eq!((leaving, limits.untold(), limits.untold()), (2, 8, 0));
    let all = LimitSettings { refused_events: None, ..settings };
    assert!((0..10).all(|_| limits.leaves_event(&all, now)));
    assert_eq!(limits.untold(), 0);
}

#[test]
fn more_addresses_than_there_are_places_share_what_is_left_and_use_no_more_memory() {
    let start = Instant::now();
    let (table, rate) = (Table::new(start), Some(rate(1, 100)));
    let caller = |number: u32| Source::of(Ipv4Addr::from_bits(number).into());
    let places = u32::try_from(PLACES * 16).unwrap();
    let passed = (0..4 * places).filter(|number| table.take(&caller(*number), rate, start).is_ok()).count();
    assert!(table.len() <= PLACES * 16, "{}", table.len());
    assert!(passed <= PLACES * 16 + 16, "those without a place share 16 buckets: {passed}");
    let later = start + Duration::from_secs(101);
    assert_eq!(table.take(&caller(4 * places), rate, later), Ok(()), "buckets that are full again make room");
    assert!(table.len() < PLACES * 16);
}
