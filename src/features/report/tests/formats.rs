//! What must hold for every report, in every format and language.

use proptest::prelude::*;
use scraper::{Html, Selector};

use super::super::words::Words;
use super::*;
use crate::platform::page::messages::read;

/// Names as somebody would give them who means harm.
const HOSTILE: [&str; 5] =
    ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\u{202e}ardaN", "@SUM(1+1)", "a,\"b\"\r\nc"];

fn hostile() -> Vec<Event> {
    let people = HOSTILE.iter().enumerate();
    people
        .map(|(number, name)| {
            let number = number as u64;
            let event = by(opened(number, number), "Nadia", "nurse", Purpose::Treatment);
            but(event, |opening| {
                let mut subject = EventSubject::clone(&subject("Nadia", "nurse", Purpose::Treatment));
                subject.name = (*name).into();
                subject.sub = (*name).into();
                opening.subject = Some(Arc::new(Kept::new(subject)));
            })
        })
        .collect()
}

#[test]
fn both_languages_are_complete() {
    for language in Language::ALL {
        read::<Words>(language.messages()).map(drop).unwrap();
    }
}

#[test]
fn a_page_is_whole_in_both_languages_and_runs_and_loads_nothing() {
    let all = |html: &Html, selector: &str| html.select(&Selector::parse(selector).unwrap()).count();
    for report in ReportName::ALL {
        for language in Language::ALL {
            let report = made(asked(*report), &hostile());
            let page = write(&report, &style(Format::Html, *language)).unwrap();
            let page = String::from_utf8(page).unwrap();
            let html = Html::parse_document(&page);
            assert_eq!(all(&html, &format!("html[lang='{}']", language.code())), 1);
            assert_eq!((all(&html, "h1"), all(&html, "title"), all(&html, "main")), (1, 1, 1));
            for banned in ["script", "img", "link", "iframe", "form", "[onclick]", "[src]", "[href]"] {
                assert_eq!(all(&html, banned), 0, "{banned} in {page}");
            }
            let (columns, rows) = (all(&html, "thead th"), all(&html, "tbody tr"));
            assert_eq!(all(&html, "thead th[scope=col]"), columns);
            assert_eq!(all(&html, "tbody th[scope=row]"), rows);
            assert_eq!(all(&html, "table"), all(&html, "[role=region][tabindex][aria-labelledby] > table"));
            assert!(!page.contains('\u{202e}'), "a text could turn the direction of writing");
        }
    }
}

#[test]
fn a_table_is_read_by_whoever_keeps_to_rfc_4180_and_calculates_nothing() {
    for report in ReportName::ALL {
        let told = written(&made(asked(*report), &hostile()), Format::Csv);
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(told.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert!(!rows.is_empty(), "{report}");
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
    }
}

#[test]
fn a_program_reads_frozen_words() {
    let told = written(&made(asked(ReportName::WhoSaw), &[opened(1, 0)]), Format::Json);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["report"], "who-saw");
    let row = &told["tables"][0]["rows"][0];
    assert_eq!(
        (&row["person"], &row["purpose"][0], &row["did"][0]),
        (&"Nadia".into(), &"treatment".into(), &"view".into())
    );
    let made = &told["made_of"];
    assert_eq!((&made["first"], &made["last"], &made["events"]), (&1.into(), &"9:00ff".into(), &1.into()));
    assert_eq!(made["rules"][0], "0011223344556677");
}

#[test]
fn a_patient_reads_it_in_their_language_by_their_clocks() {
    let zone = TimeZone::get("America/Chicago").unwrap();
    let style = Style { format: Format::Html, language: Language::Spanish, zone };
    let report = made(asked(ReportName::WhoSaw), &[opened(1, 0)]);
    let page = String::from_utf8(write(&report, &style).unwrap()).unwrap();
    for told in
        ["Quién vio mi historia clínica", "2026-03-01 02:00", "lo miró", "lab results", "America/Chicago"]
    {
        assert!(page.contains(told), "{told} in {page}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_same_events_give_the_same_bytes(numbers in proptest::collection::vec((0..50_u64, 0..3_usize, any::<bool>()), 0..40)) {
        let people = ["Nadia", "Dara", "Rosa"];
        let events: Vec<Event> = numbers
            .iter()
            .enumerate()
            .map(|(sequence, (minute, person, is_refused))| {
                let event = by(opened(sequence as u64, *minute), people[*person], "nurse", Purpose::Research);
                if *is_refused { refused(event) } else { event }
            })
            .collect();
        for report in ReportName::ALL {
            for format in Format::ALL {
                let once = written(&made(asked(*report), &events), *format);
                let again = written(&made(asked(*report), &events), *format);
                prop_assert_eq!(once, again);
            }
        }
    }
}
