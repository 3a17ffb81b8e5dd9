//! Rows of dumps, as their tools write them and as a database reads them; and text in UTF-16.

use std::fmt::Write as _;

use rusqlite::Connection;

use super::properties::cut;
use super::*;

const MYSQL: &str = "-- MySQL dump 10.13  Distrib 8.4.3\n--\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n\
    DROP TABLE IF EXISTS `patient`;\n/*!50503 SET character_set_client = utf8mb4 */;\n\
    CREATE TABLE `patient` (\n  `ID` int NOT NULL,\n  `note` text COMMENT 'a;b',\n  KEY (`ID`)\n)\n\
    /*!50100 PARTITION BY RANGE (`ID`) (PARTITION p0 VALUES LESS THAN (10)) */;\n\
    LOCK TABLES `patient` WRITE;\n/*!40000 ALTER TABLE `patient` DISABLE KEYS */;\n\
    INSERT INTO `patient` (`ID`, `note`) VALUES (1,'it\\'s ),( one'),(2,NULL),(1,'\\\\');\n\
    INSERT INTO `patient` (`ID`, `note`) VALUES (-3,_binary 'a''b;'),('3',0x1F),(4,(1+2)*3);\n\
    /*!40000 ALTER TABLE `patient` ENABLE KEYS */;\nUNLOCK TABLES;\nDELIMITER ;;\n\
    /*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `patient` FOR EACH ROW \
    BEGIN INSERT INTO log VALUES (NEW.ID); SET @x = 1; END */;;\nDELIMITER ;\n-- Dump completed on 2026-11-28\n";

const POSTGRES: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict Kx9'\n\nSET standard_conforming_strings = on;\n\
    SELECT pg_catalog.set_config('search_path', '', false);\n\
    CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $_$\nBEGIN INSERT INTO x VALUES ($1); END;\n$_$;\n\
    CREATE TABLE public.patient (\n    \"ID\" integer,\n    note text DEFAULT '\\'::text\n);\n\
    COPY public.patient (note, \"ID\") FROM stdin;\na;b\\tc\t1\n\\N\t2\n\\.x\t2\n\n\\.\n\n\
    INSERT INTO public.patient (\"ID\", note) VALUES (7, 'back\\'), (8, E'it\\'s'), (9, $$a'b$$) ON CONFLICT DO NOTHING;\n\
    \\unrestrict Kx9\n";

#[test]
fn rows_of_a_dump_are_counted_as_its_tool_writes_them() {
    let exactly = Count::Exactly;
    let adminer = "-- Adminer 4.8.1 MySQL 8.0.40 dump\n\nSET NAMES utf8;\nSET time_zone = '+00:00';\n\nTRUNCATE `p`;\n\
        INSERT INTO `p` (`ID`, `n`) VALUES\n(1,\t'a'),\n(2,\t'b')\nON DUPLICATE KEY UPDATE `ID` = VALUES(`ID`), `n` = VALUES(`n`);\n\n-- 2026-11-28\n";
    let phpmyadmin = "-- phpMyAdmin SQL Dump\nSET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\nSTART TRANSACTION;\n\
        CREATE TABLE `p` (`ID` int) ;\n\n--\n-- Dumping data for table `p`\n--\n\nINSERT INTO `p` (`ID`) VALUES\n(1),\n(2);\nCOMMIT;\n";
    let mariadb = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\nINSERT INTO `p` VALUES\n(1,'a'),\n(2,'b');\n";
    let cases = [
        ("mysqldump", MYSQL, exactly(6), exactly(5)),
        ("pg_dump", POSTGRES, exactly(7), exactly(5)),
        ("Adminer", adminer, exactly(2), exactly(2)),
        ("phpMyAdmin", phpmyadmin, exactly(2), exactly(2)),
        ("without names of columns", mariadb, exactly(2), UNPARSABLE),
        ("another column", "INSERT INTO p (x) VALUES (1);", exactly(1), UNPARSABLE),
        ("no rows", "DROP TABLE p;\n-- nothing\n", exactly(0), exactly(0)),
        ("no semicolon at the end", "INSERT INTO p (ID) VALUES (1), (2)", exactly(2), exactly(2)),
        ("no end of the rows", "COPY p (ID) FROM stdin;\n1\n2", exactly(2), exactly(2)),
        ("rows by name", "REPLACE INTO p (`ID`) VALUES ROW(1), ROW(2);", exactly(2), exactly(2)),
        (
            "their own values",
            "INSERT INTO p (id) OVERRIDING SYSTEM VALUE VALUES (1);",
            exactly(1),
            exactly(1),
        ),
        ("nobody", "INSERT INTO p (ID) VALUES (NULL), (null);", exactly(2), exactly(0)),
        ("nothing", "", exactly(0), exactly(0)),
    ];
    for (name, body, rows, patients) in cases {
        let tally = count(&ReplyKind::Sql, Some(&column("ID")), body);
        assert_eq!(tally, Tally { records: rows, patients }, "{name}");
        assert_eq!(records(&ReplyKind::Sql, body), rows, "{name}, without patients");
    }
}

#[test]
fn what_databases_read_in_different_ways_is_not_counted() {
    let cases = [
        ("rows of a query", "INSERT INTO p SELECT * FROM q;"),
        ("rows by assignment", "INSERT INTO p SET ID = 1;"),
        ("rows of a view", "CREATE VIEW v AS VALUES (1), (2);"),
        ("rows of a named query", "WITH x AS (VALUES (1)) SELECT * FROM x;"),
        ("a statement that we do not know", "LOAD DATA INFILE 'x' INTO TABLE p;"),
        ("a query to a file", "COPY (SELECT 1) TO stdout;"),
        ("another format", "COPY p FROM stdin WITH (FORMAT csv);\n1\n\\.\n"),
        ("a backslash before a quote", "INSERT INTO p VALUES ('\\'),('x');"),
        ("backslashes that are none, and some that are", "SET standard_conforming_strings = on; SELECT `x`;"),
        ("no backslashes", "SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES';"),
        ("a comment in a comment", "/* /* */ INSERT INTO p VALUES (1); */"),
        ("a comment or a number", "INSERT INTO p VALUES (1,5--3),(2,6);\n"),
        ("a string that never ends", "INSERT INTO p VALUES ('a),(2);\n"),
        ("a row that never ends", "INSERT INTO p VALUES (1,(2);\n"),
        ("a comma too many", "INSERT INTO p VALUES (1),;"),
        ("rows without a comma", "INSERT INTO p VALUES (1) (2);"),
        ("rows of another client", "\\copy p FROM stdin\n1\n\\.\n"),
        ("a page", "<html><body>Access denied</body></html>"),
        ("rows of CSV", "ID,name\n1,a\n"),
        ("a zero byte", "INSERT INTO p VALUES (1);\0"),
    ];
    for (name, body) in cases {
        assert_eq!(records(&ReplyKind::Sql, body), UNPARSABLE, "{name}");
    }
    let long = format!("INSERT INTO p (ID) VALUES ('{}');", "x".repeat(70_000));
    assert_eq!(count_in_pieces(&ReplyKind::Sql, None, long.as_bytes(), 999).records, Count::Exactly(1));
    let tally = count_in_pieces(&ReplyKind::Sql, Some(&column("ID")), long.as_bytes(), 999);
    assert_eq!(tally.records, UNPARSABLE);
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_are_counted_as_a_database_takes_them(
        inserts in proptest::collection::vec(
            proptest::collection::vec(("[a-c(),;'\"\n `-]{0,6}", "[ab]{0,2}"), 1..6), 0..6),
        space in prop::sample::select(vec!["", " ", "\n", " /* ), ( */ ", "\t-- ),(\n"]),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut dump = String::from("CREATE TABLE p (note TEXT, \"ID\" TEXT);\n-- INSERT\n");
        for rows in &inserts {
            let rows: Vec<String> =
                rows.iter().map(|(note, id)| format!("({space}{},{})", literal(note), literal(id))).collect();
            let rows = rows.join(&format!("{space},"));
            writeln!(dump, "INSERT INTO p (note,{space}\"ID\") VALUES{space}{rows};").unwrap();
        }
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(&dump).unwrap();
        let number = |query: &str| database.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
        let rows = number("SELECT count(*) FROM p").cast_unsigned();
        let patients = number("SELECT count(DISTINCT \"ID\") FROM p WHERE \"ID\" <> ''").cast_unsigned();
        let mut counter = Counter::new(&ReplyKind::Sql, Some(&column("id"))).unwrap();
        cut(dump.as_bytes(), &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish(), Tally { records: Count::Exactly(rows), patients: Count::Exactly(patients) });
    }

    #[test]
    fn a_dump_with_changed_bytes_is_counted_alike_however_it_is_cut(
        postgres in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"'\"`\\();,-*/$#\n\tE ".to_vec())), 0..4),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut body = if postgres { POSTGRES } else { MYSQL }.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let counted = |sizes: &[usize]| {
            let mut counter = Counter::new(&ReplyKind::Sql, Some(&column("ID"))).unwrap();
            cut(&body, sizes).for_each(|piece| counter.push(piece));
            counter.finish()
        };
        prop_assert_eq!(counted(&sizes), counted(&[body.len()]));
    }

    #[test]
    fn utf_16_is_counted_as_the_same_text_in_utf_8(
        rows in proptest::collection::vec("[a-c\"\n;,\u{e9}\u{1F600}]{0,5}", 0..12),
        big in any::<bool>(),
        marked in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(b'\t').from_writer(Vec::new());
        writer.write_record(["ID", "n"]).unwrap();
        for row in &rows {
            writer.write_record([row, "x"]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let wide = wide(&format!("{}{text}", if marked { "\u{feff}" } else { "" }), big);
        let label = Label::read(if marked { "" } else { "charset=UTF-16" });
        let kind = ReplyKind::Csv { delimiter: Some(b'\t'), header: true };
        let mut counter = Counter::labelled(&kind, Some(&column("ID")), &label).unwrap();
        cut(&wide, &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish(), count(&kind, Some(&column("ID")), text));
    }
}

fn wide(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn utf_16_is_read_where_it_is_marked_or_declared_and_nothing_in_it_is_broken() {
    let counted = |kind: &ReplyKind, label: &str, body: &[u8]| {
        let mut counter = Counter::labelled(kind, None, &Label::read(label)).unwrap();
        body.chunks(1).for_each(|byte| counter.push(byte));
        counter.finish().records
    };
    let charset = Count::Unknown(WhyUnknown::Charset);
    let json = wide("\u{feff}[1,\"\u{1F600}\"]", true);
    assert_eq!(counted(&json_shape(""), "", &json), Count::Exactly(2));
    assert_eq!(counted(&json_shape(""), "charset=utf-8", &json), Count::Exactly(2), "the mark is there");
    let sql = wide("\u{feff}INSERT INTO p VALUES (1),(2);", false);
    assert_eq!(counted(&ReplyKind::Sql, "", &sql), Count::Exactly(2));
    assert_eq!(counted(&ReplyKind::Ndjson, "charset=utf-16le", &wide("{}\n{}\n", false)), Count::Exactly(2));
    assert_eq!(counted(&ReplyKind::Ndjson, "charset=utf-16", &wide("{}\n{}\n", true)), Count::Exactly(2));
    assert_eq!(counted(&ReplyKind::Ndjson, "charset=utf-16be", &wide("{}\n{}\n", false)), charset);
    assert_eq!(counted(&ReplyKind::Ndjson, "charset=utf-16", b"{}\n{}\n"), charset);
    assert_eq!(counted(&ReplyKind::Ndjson, "", &wide("{}\n{}\n", false)), charset);
    assert_eq!(counted(&json_shape(""), "", &[&json[..], &[0]].concat()), charset, "half a character");
    assert_eq!(counted(&CSV, "", &[0xFF, 0xFE, b'a', 0, 0, 0xD8, b'\n', 0]), charset, "half a pair");
    assert_eq!(counted(&CSV, "", &[0xFF, 0xFE, 0, 0, b'a', 0, 0, 0]), charset, "UTF-32");
}
