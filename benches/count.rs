//! How fast replies are counted, in bytes of plain text per second, beside `serde_json` and `csv` reading the same.

#![expect(clippy::format_push_string, reason = "the bodies are made once, before anything is measured")]
#![expect(clippy::expect_used, reason = "a bench that cannot be made has failed")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leastway::domain::reply_shape::{ElementPath, PatientLocator, RecordsPointer, ReplyKind};
use leastway::domain::row_selector::RowSelector;
use leastway::features::guard::count::{Counter, Tally};

/// What an application's reply comes in.
const PIECE_BYTES: usize = 16 * 1024;

const BODY_BYTES: usize = 8 * 1024 * 1024;

fn count(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &[u8]) -> Option<Tally> {
    let mut counter = Counter::new(kind, patient)?;
    body.chunks(PIECE_BYTES).for_each(|piece| counter.push(piece));
    Some(counter.finish())
}

/// A search's reply as a FHIR server sends it, compact.
fn bundle() -> String {
    let mut body = String::from(r#"{"resourceType":"Bundle","type":"searchset","total":9000,"entry":["#);
    let mut number = 0;
    while body.len() < BODY_BYTES {
        let separator = if number == 0 { "" } else { "," };
        let patient = number % 5000;
        body.push_str(&format!(
            r#"{separator}{{"fullUrl":"https://ehr.clinic.example/fhir/Observation/{number}","resource":{{"resourceType":"Observation","id":"{number}","meta":{{"versionId":"1","lastUpdated":"2026-03-01T08:00:00.000+00:00"}},"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}}],"text":"Heart rate"}},"subject":{{"reference":"Patient/{patient}"}},"encounter":{{"reference":"Encounter/{number}"}},"effectiveDateTime":"2026-03-01T08:00:00+00:00","valueQuantity":{{"value":{},"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"}}}},"search":{{"mode":"match"}}}}"#,
            60 + number % 40,
        ));
        number += 1;
    }
    body.push_str("]}");
    body
}

/// The rows of a patient list, one JSON object each.
fn lines() -> String {
    let mut body = String::new();
    let mut number = 0;
    while body.len() < BODY_BYTES {
        body.push_str(&format!(
            r#"{{"mrn":"{number:08}","name":"Example, Person {number}","born":"1970-01-{:02}","phone":"+1 555 01{:02}","ward":"4 West","active":true,"balance":{}.50}}"#,
            1 + number % 28,
            number % 100,
            number % 1000,
        ));
        body.push('\n');
        number += 1;
    }
    body
}

/// A patient list as Python writes it, which is what most replies are like: small, and of small pieces.
fn small() -> String {
    let entry = |number: usize| {
        format!(
            r#"{{"mrn": "{number:06}", "name": "Patient {number:05}", "born": "1970-01-01", "ward": "East"}}"#
        )
    };
    let entries: Vec<String> = (100_000..100_390).map(entry).collect();
    format!(r#"{{"entries": [{}]}}"#, entries.join(", "))
}

fn rows() -> String {
    let mut body = String::from("ID,Name,Born,Address,Phone,Note\r\n");
    let mut number = 0;
    while body.len() < BODY_BYTES {
        body.push_str(&format!(
            "{number:08},\"Example, Person {number}\",1970-01-{:02},\"{} Main Street, Springfield\",+1 555 01{:02},\"said \"\"fine\"\"\"\r\n",
            1 + number % 28,
            number % 900,
            number % 100,
        ));
        number += 1;
    }
    body
}

/// The same list as other applications send it: a page, XML, a dump, messages.
fn texts() -> [(&'static str, ReplyKind, Option<PatientLocator>, String); 4] {
    let many = |begin: &str, each: &dyn Fn(usize) -> String, end: &str| {
        let mut body = begin.to_owned();
        let mut number = 0;
        while body.len() < BODY_BYTES / 4 {
            body.push_str(&each(number));
            number += 1;
        }
        body + end
    };
    let page = many(
        "<!doctype html><title>Patients</title><table id=list class=\"report\"><thead><tr><th>MRN</thead><tbody>",
        &|n| {
            format!(
                "<tr class=\"even\">\n<td>{n:08}</td><td><a href=\"/patients/{n}\">Example, Person {n}</a></td><td>1970-01-01</td></tr>\n"
            )
        },
        "</tbody></table>",
    );
    let xml = many(
        "<report>",
        &|n| {
            format!(
                "<row status=\"active\"><ID>{n:08}</ID><Name>Example, Person {n}</Name><Born>1970-01-01</Born></row>\n"
            )
        },
        "</report>",
    );
    let dump = many(
        "INSERT INTO `patient` (`ID`, `name`, `note`) VALUES (0,'','')",
        &|n| format!(",\n({n},'Example, Person {n}','it\\'s said to be fine')"),
        ";\n",
    );
    let batch = many(
        "BHS|^~\\&|A|B\r",
        &|n| {
            format!(
                "MSH|^~\\&|A|B|C|D|2026||ADT^A01|{n}|P|2.5\rPID|1||{n:08}^^^MRN||Example^Person {n}||19700101|F\rPV1|1|I|4W^1^2\r"
            )
        },
        "BTS|1\r",
    );
    let cell = PatientLocator::Cell(1);
    let (element, column) =
        (PatientLocator::Element("ID".to_owned()), PatientLocator::Column("ID".to_owned()));
    let rows = RowSelector::read("#list tbody tr").expect("a selector");
    let records = ElementPath::read("/report/row").expect("a path");
    [
        ("html", ReplyKind::Html { rows }, Some(cell), page),
        ("xml", ReplyKind::Xml { records }, Some(element), xml),
        ("sql", ReplyKind::Sql, Some(column), dump),
        ("hl7v2", ReplyKind::Hl7v2, None, batch),
    ]
}

fn benches(criterion: &mut Criterion) {
    let (bundle, lines, rows, small) = (bundle(), lines(), rows(), small());
    let list = format!("[{}]", lines.trim_end().replace('\n', ","));
    let json = ReplyKind::Json { records: RecordsPointer::default() };
    let entries = ReplyKind::Json { records: RecordsPointer::read("/entries") };
    let csv = ReplyKind::Csv { delimiter: None, header: true };
    let member = PatientLocator::Member("mrn".to_owned());
    let column = PatientLocator::Column("ID".to_owned());

    let mut group = criterion.benchmark_group("count");
    group.sample_size(20);
    let mut bench = |name: &str, body: &str, read: &dyn Fn(&[u8])| {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| read(black_box(body.as_bytes()))));
    };
    let counted = |tally: Option<Tally>| {
        black_box(tally);
    };
    let ignored = |body: &[u8]| drop(black_box(serde_json::from_slice::<serde::de::IgnoredAny>(body)));

    bench("small", &small, &|body| counted(count(&entries, None, body)));
    bench("small/patients", &small, &|body| counted(count(&entries, Some(&member), body)));
    bench("small/serde_json", &small, &ignored);
    bench("json", &list, &|body| counted(count(&json, None, body)));
    bench("json/patients", &list, &|body| counted(count(&json, Some(&member), body)));
    bench("json/serde_json", &list, &ignored);
    bench("fhir", &bundle, &|body| counted(count(&ReplyKind::FhirBundle, None, body)));
    bench("fhir/serde_json", &bundle, &ignored);
    bench("ndjson/patients", &lines, &|body| counted(count(&ReplyKind::Ndjson, Some(&member), body)));
    bench("csv", &rows, &|body| counted(count(&csv, None, body)));
    bench("csv/patients", &rows, &|body| counted(count(&csv, Some(&column), body)));
    bench("csv/crate", &rows, &|body| {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
        let mut record = csv::ByteRecord::new();
        while matches!(reader.read_byte_record(&mut record), Ok(true)) {
            black_box(&record);
        }
    });
    for (name, kind, patient, body) in texts() {
        bench(&format!("{name}/patients"), &body, &|body| counted(count(&kind, patient.as_ref(), body)));
        bench(&format!("{name}/copy"), &body, &|body| drop(black_box(body.to_vec())));
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
