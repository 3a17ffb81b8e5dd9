//! Rows: what is taken, and what keeps a feed from being taken.

use proptest::prelude::*;

use super::*;
use crate::domain::told::Marks;
use crate::features::facts::fault::{FeedFault, Place};
use crate::features::facts::table::Table;

const HEAD: &str = "person,patient,relationship,from,until";

fn read(text: &str) -> Result<Table, FeedFault> {
    Table::read(text.as_bytes(), &ties(Format::Csv), NOW)
}

fn told(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn the_same_rows_are_read_from_csv_json_and_ndjson() {
    let csv = format!(
        "\u{feff}{HEAD},unit\r\nnoor,17,ATND,2026-03-01,2026-03-02T10:00Z,x\r\n\"noor\",18,PCP,,,\r\n"
    );
    let csv = csv.replace("T10:00Z", "T10:00:00Z");
    let json = r#"[{"person":"noor","patient":17,"relationship":"ATND","from":"2026-03-01","until":"2026-03-02T10:00:00Z"},
                   {"patient":"18","person":"noor","relationship":"PCP","unit":{"deep":[1]},"from":null}]"#;
    let ndjson = json.trim_matches(['[', ']']).replace("\"},\n", "\"}\n");
    for (format, text) in [
        (Format::Csv, csv.clone()),
        (Format::Csv, csv.replace(',', ";")),
        (Format::Csv, csv.replace(',', "\t")),
        (Format::Json, json.to_owned()),
        (Format::Ndjson, ndjson),
    ] {
        let shown = format!("{format:?}");
        let table = Table::read(text.as_bytes(), &ties(format), NOW)
            .unwrap_or_else(|fault| panic!("{shown}: {fault}"));
        assert_eq!(table.rows, 2, "{shown}");
        assert_eq!(table.ties("noor", "17", NOW), Marks::NONE.with(0), "{shown}");
        assert_eq!(table.ties("noor", "18", NOW), Marks::NONE.with(1), "{shown}");
        assert_eq!(table.ties("noor", "19", NOW), Marks::NONE, "{shown}");
        assert_eq!(table.ties("ines", "17", NOW), Marks::NONE, "{shown}");
    }
}

#[test]
fn what_is_wrong_is_told_by_line_and_column_and_never_by_what_stands_there() {
    let row = |row: &str| told(&format!("{HEAD}\nnoor,17,ATND,,\n{row}\n"));
    assert_eq!(row("secret,,ATND,,"), "line 3, column `patient`: is empty");
    assert_eq!(row("secret,17,,,"), "line 3, column `relationship`: is empty");
    assert_eq!(
        row("secret,17,ATND,soon,"),
        "line 3, column `from`: is no moment such as 2026-03-01T08:00:00Z"
    );
    assert_eq!(row("secret,17,ATND,2026-03-02,2026-03-01"), "line 3, column `until`: is not after `from`");
    assert_eq!(row("secret,17,ATND"), "line 3: has not as many cells as the header");
    assert_eq!(row("sec\u{7}ret,17,ATND,,"), "line 3, column `person`: holds a control character");
    assert_eq!(
        row(&format!("{},17,ATND,,", "s".repeat(256))),
        "line 3, column `person`: is longer than 255 bytes"
    );
    assert_eq!(
        row(&format!("{},17,ATND,,", "s".repeat(5000))),
        "line 3, column `person`: is longer than 4096 bytes"
    );
    assert_eq!(told("person,relationship,from,until\n"), "it has no column `patient`");
    assert_eq!(told(&format!("{HEAD},patient\nnoor,17,ATND,,,18\n")), "it has two columns `patient`");
    assert_eq!(told(&format!("{HEAD}\n")), "it has no row");
    assert_eq!(told(""), "it has no column `person`");
    // Also in what no column is read of.
    let line = b"{\"person\":\"no\",\"patient\":17,\"relationship\":\"ATND\",\"more\":\"\xff\"}";
    let wrong = FeedFault::Malformed { place: Place::Line(1), what: "is no UTF-8" };
    assert_eq!(Table::read(line, &ties(Format::Ndjson), NOW).unwrap_err(), wrong);
    let list = [b"[", &line[..], b"]"].concat();
    assert_eq!(Table::read(&list, &ties(Format::Json), NOW).unwrap_err(), wrong);
    let not_utf8 = [HEAD.as_bytes(), b"\nno\xff,17,ATND,,\n"].concat();
    let fault = Table::read(&not_utf8, &ties(Format::Csv), NOW).unwrap_err();
    assert_eq!(fault, FeedFault::Malformed { place: Place::Line(2), what: "is no UTF-8" });
}

#[test]
fn json_that_has_two_readings_is_not_taken() {
    let read = |format: Format, text: &str| {
        Table::read(text.as_bytes(), &ties(format), NOW).unwrap_err().to_string()
    };
    let good = r#"{"person":"noor","patient":"17","relationship":"ATND"}"#;
    let json = |row: &str| read(Format::Json, &format!("[{good},{row}]"));
    assert_eq!(json(r#"{"person":"secret","person":"noor"}"#), "row 2: a member stands twice");
    assert_eq!(json(r#"{"person":true}"#), "row 2: is neither a text, a number nor a list of these");
    assert_eq!(json("7"), "row 2: is no list of objects");
    assert_eq!(
        json(r#"{"person":["a","b"],"patient":"1","relationship":"PCP"}"#),
        "row 2, column `person`: is a list"
    );
    assert_eq!(read(Format::Json, &format!("[{good},")), "row 2: ends in the middle");
    assert_eq!(read(Format::Json, &format!("[{good}] x")), "row 2: is no JSON");
    assert_eq!(read(Format::Json, "{}"), "row 1: is no list of objects");
    assert_eq!(read(Format::Json, "[]"), "it has no row");
    assert_eq!(read(Format::Ndjson, &format!("{good}\n\n{good} {good}\n")), "line 3: is no JSON");
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(json(&format!(r#"{{"person":{deep}}}"#)), "row 2: is no JSON");
}

#[test]
fn rows_are_bounded_and_words_that_nobody_declared_are_left_out() {
    let rows = |number: usize| format!("{HEAD}\n{}", "noor,17,ATND,,\n".repeat(number));
    assert_eq!(read(&rows(1000)).unwrap().rows, 1000);
    assert_eq!(told(&rows(1001)), "it has more than 1000 rows (`rows_max`)");
    let table = read(&format!("{HEAD}\nnoor,17,CONSULT,,\nnoor,18,PCP,,\n")).unwrap();
    assert_eq!((table.rows, table.left_out), (2, 1));
    assert_eq!(table.ties("noor", "17", NOW), Marks::NONE);
}

#[test]
fn the_oldest_row_says_how_old_all_are() {
    let columns = [Column::Person, Column::From, Column::Until, Column::AsOf];
    let shifts = settings(FeedKind::Shift, Format::Csv, &columns);
    let text = "person,from,until,as_of\nnoor,2026-03-02 07:00,2026-03-02 15:00,2026-03-02\nines,2026-03-02,2026-03-02,2026-03-01\n";
    let table = Table::read(text.as_bytes(), &shifts, NOW).unwrap();
    assert_eq!(table.as_of, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    let open = text.replace("2026-03-02 07:00", "");
    let fault = Table::read(open.as_bytes(), &shifts, NOW).unwrap_err();
    assert_eq!(fault.to_string(), "line 2, column `from`: is empty");
}

/// A tie as it stands in a row: by whom, of whom, as what, from and until which minute.
type Written = (u8, u8, bool, Option<u8>, Option<u8>);

fn minute(number: u8) -> Timestamp {
    NOW.plus(Duration::from_secs(u64::from(number) * 60))
}

proptest! {
    /// The table against a search through the rows.
    #[test]
    fn a_table_says_what_its_rows_say(
        rows in proptest::collection::vec((0..4_u8, 0..6_u8, any::<bool>(), proptest::option::of(0..30_u8), proptest::option::of(30..60_u8)), 1..60),
        at in 0..60_u8,
    ) {
        let line = |(person, patient, is_pcp, from, until): &Written| {
            let end = |number: &Option<u8>| number.map(|it| minute(it).to_string()).unwrap_or_default();
            let word = if *is_pcp { "PCP" } else { "ATND" };
            format!("p{person},{patient},{word},{},{}\n", end(from), end(until))
        };
        let text = format!("{HEAD}\n{}", rows.iter().map(line).collect::<String>());
        let table = read(&text).unwrap();
        let now = minute(at);
        for person in 0..5_u8 {
            for patient in 0..7_u8 {
                let holds = |row: &&Written| {
                    row.0 == person && row.1 == patient
                        && row.3.is_none_or(|from| minute(from) <= now)
                        && row.4.is_none_or(|until| now < minute(until))
                };
                let expected = rows.iter().filter(holds).fold(Marks::NONE, |marks, row| marks.with(usize::from(row.2)));
                prop_assert_eq!(table.ties(&format!("p{person}"), &patient.to_string(), now), expected);
            }
        }
    }

    /// No bytes make it panic, and none that are not taken are told.
    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
        let format = if json { Format::Ndjson } else { Format::Csv };
        let _read = Table::read(&bytes, &ties(format), NOW);
    }
}
