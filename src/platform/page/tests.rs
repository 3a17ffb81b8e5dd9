use std::time::Duration;

use jiff::tz::TimeZone;

use super::language::Language;
use super::messages::{Lists, Numbers, Text, read};
use super::time::{Durations, on_the_clock};
use crate::foundation::clock::Timestamp;

#[test]
fn the_language_is_the_best_of_ours_that_the_caller_reads() {
    let cases = [
        ("nothing said", "", Language::English),
        ("spanish", "es", Language::Spanish),
        ("spanish of a country", "es-MX,es;q=0.9,en;q=0.8", Language::Spanish),
        ("any case", "ES-us", Language::Spanish),
        ("english before spanish", "en-US,en;q=0.9,es;q=0.8", Language::English),
        ("the weight decides, not the order", "en;q=0.3, es;q=0.7", Language::Spanish),
        ("the first of equals", "es;q=0.5,en;q=0.5", Language::Spanish),
        ("a language we lack, then one of ours", "fr-FR, de;q=0.9, es;q=0.2", Language::Spanish),
        ("only languages we lack", "fr, de", Language::English),
        ("spanish is refused", "es;q=0, fr", Language::English),
        ("a language that only begins like ours", "est", Language::English),
        ("a weight that is none", "es;q=2", Language::English),
        ("a weight with letters", "es;q=0.x", Language::English),
        ("noise", ";;,,q=1,-,*;;é", Language::English),
    ];
    for (name, header, language) in cases {
        assert_eq!(Language::preferred(header), language, "{name}");
    }
}

#[test]
fn a_language_far_down_a_hostile_list_is_not_looked_for() {
    let header = format!("{}es", "fr,".repeat(10_000));
    assert_eq!(Language::preferred(&header), Language::English);
}

#[test]
fn what_is_filled_in_is_not_read_again() {
    let text: Text = serde_json::from_str(r#""{a} and {b}, {unknown}, {broken""#).unwrap();
    assert_eq!(text.with(&[("a", &"{b}"), ("b", &2)]), "{b} and 2, {unknown}, {broken");
}

#[test]
fn numbers_are_written_as_the_language_does() {
    let english: Numbers = read("separator = ','\nfrom_digits = 4").unwrap();
    let spanish: Numbers = read("separator = ' '\nfrom_digits = 5").unwrap();
    let cases = [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_240, "1,240", "1240"),
        (12_345, "12,345", "12 345"),
        (1_000_000, "1,000,000", "1 000 000"),
    ];
    for (number, in_english, in_spanish) in cases {
        assert_eq!(english.write(number), in_english);
        assert_eq!(spanish.write(number), in_spanish);
    }
}

#[test]
fn a_list_is_joined_by_the_last_word() {
    let lists: Lists = read("and = '{first} and {last}'\nor = '{first} or {last}'").unwrap();
    let items = ["a", "b", "c"].map(String::from);
    assert_eq!(lists.and(&items[..0]), "");
    assert_eq!(lists.and(&items[..1]), "a");
    assert_eq!(lists.or(&items[..2]), "a or b");
    assert_eq!(lists.and(&items), "a, b and c");
}

#[test]
fn durations_are_said_in_their_two_largest_units() {
    let (durations, numbers) = english_durations();
    let cases = [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (119, "1 minute"),
        (900, "15 minutes"),
        (3_600, "1 hour"),
        (42_000, "11 hours 40 minutes"),
        (90_000, "1 day 1 hour"),
    ];
    for (seconds, words) in cases {
        assert_eq!(durations.write(Duration::from_secs(seconds), &numbers), words);
    }
}

#[test]
fn a_moment_is_ahead_or_ago() {
    let (durations, numbers) = english_durations();
    let now = Timestamp::from_seconds(1_000_000);
    let at = |seconds| durations.seen_from(now, Timestamp::from_seconds(seconds), &numbers);
    assert_eq!(at(1_000_660), "in 11 minutes");
    assert_eq!(at(999_940), "1 minute ago");
    assert_eq!(at(1_000_000), "now");
}

#[test]
fn the_clock_shows_local_time_and_the_date_only_if_it_is_another() {
    let zone = TimeZone::fixed(jiff::tz::offset(-6));
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let now = moment("2026-03-01T20:00:00Z");
    assert_eq!(on_the_clock(now, moment("2026-03-02T00:40:00Z"), &zone), "18:40");
    assert_eq!(on_the_clock(now, moment("2026-03-02T08:00:00Z"), &zone), "2026-03-02 02:00");
}

fn english_durations() -> (Durations, Numbers) {
    let durations = read(
        "second = { one = '1 second', many = '{n} seconds' }\n\
         minute = { one = '1 minute', many = '{n} minutes' }\n\
         hour = { one = '1 hour', many = '{n} hours' }\n\
         day = { one = '1 day', many = '{n} days' }\n\
         ahead = 'in {duration}'\nago = '{duration} ago'\nover = 'now'",
    );
    (durations.unwrap(), read("separator = ','\nfrom_digits = 4").unwrap())
}
