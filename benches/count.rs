//! How fast replies are counted, in bytes of plain text per second, beside a plain copy and beside `serde_json` and `csv`
//! reading the same.

#![expect(clippy::format_push_string, reason = "the bodies are made once, before anything is measured")]
#![expect(clippy::expect_used, reason = "a bench that cannot be made has failed")]

use std::hint::black_box;
use std::io::{Cursor, Write as _};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leastway::domain::reply_shape::{
    ArchiveShape, ElementPath, FileNames, PackedShape, Packing, PatientLocator, PdfRecord, RecordsPointer,
    ReplyKind,
};
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

/// The list as files: what is measured is their bytes as they are sent, packed where they are.
fn files() -> [(&'static str, ReplyKind, Vec<u8>); 5] {
    let list = rows();
    let mut sheet = String::from("<worksheet><sheetData>");
    for number in 0..BODY_BYTES / 100 {
        sheet.push_str(&format!(
            "<row r=\"{number}\"><c t=\"s\"><v>{}</v></c><c><v>{number}.5</v></c><c t=\"inlineStr\"><is><t>Person {number}</t></is></c></row>",
            number * 7919 % 10_007,
        ));
    }
    sheet.push_str("</sheetData></worksheet>");
    let csv = ReplyKind::Csv { delimiter: None, header: true };
    let shape = |of| ArchiveShape { entries: FileNames::any_of(["*"]), besides: FileNames::default(), of };
    let page =
        "7 0 obj\n<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 4 0 R>>>>/Contents 9 0 R>>\nendobj\n";
    let pages = format!("%PDF-1.7\n{}%%EOF\n", page.repeat(BODY_BYTES / 100));
    // An object of DICOM is mostly its picture, which is passed over.
    let element: &[u8] = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0\x10\0\x20\0LO\x02\x0017";
    let noise = |number: u32| number.wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let picture: Vec<u8> = (0..500_000).map(noise).collect();
    let object = [&[0; 128][..], b"DICM", element, &picture].concat();
    let objects: Vec<(String, &[u8])> = (0..16).map(|number| (format!("{number}.dcm"), &*object)).collect();
    let objects: Vec<(&str, &[u8])> = objects.iter().map(|(name, object)| (&**name, *object)).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(list.as_bytes()).expect("memory");
    let packed = PackedShape { by: Packing::Gzip, of: Box::new(csv.clone()) };
    [
        ("gzip", ReplyKind::Packed(packed), gzip.finish().expect("memory")),
        ("zip", ReplyKind::Zip(shape(Some(Box::new(csv)))), archive(&[("list.csv", list.as_bytes())])),
        (
            "xlsx",
            ReplyKind::Xlsx { header: true },
            archive(&[("xl/worksheets/sheet1.xml", sheet.as_bytes())]),
        ),
        ("dicom", ReplyKind::Zip(shape(Some(Box::new(ReplyKind::Dicom)))), archive(&objects)),
        ("pdf", ReplyKind::Pdf { record: PdfRecord::Page }, pages.into_bytes()),
    ]
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("an archive").into_inner()
}

fn benches(criterion: &mut Criterion) {
    let (bundle, lines, rows, small) = (bundle(), lines(), rows(), small());
    let list = format!("[{}]", lines.trim_end().replace('\n', ","));
    let connection = format!("{{\"data\":{{\"patients\":{{\"edges\":{list},\"pageInfo\":{{}}}}}}}}");
    let json = ReplyKind::Json { records: RecordsPointer::default() };
    let entries = ReplyKind::Json { records: RecordsPointer::read("/entries") };
    let csv = ReplyKind::Csv { delimiter: None, header: true };
    let member = PatientLocator::Member("mrn".to_owned());
    let column = PatientLocator::Column("ID".to_owned());

    let mut group = criterion.benchmark_group("count");
    group.sample_size(20);
    for (name, kind, body) in files() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group
            .bench_function(name, |bencher| bencher.iter(|| black_box(count(&kind, None, black_box(&body)))));
        group.bench_function(format!("{name}/copy"), |bencher| {
            bencher.iter(|| drop(black_box(black_box(&body).clone())));
        });
    }
    let mut bench = |name: &str, body: &str, read: &dyn Fn(&[u8])| {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| read(black_box(body.as_bytes()))));
    };
    let counted = |tally: Option<Tally>| {
        black_box(tally);
    };
    let ignored = |body: &[u8]| drop(black_box(serde_json::from_slice::<serde::de::IgnoredAny>(body)));
    let copied = |body: &[u8]| drop(black_box(body.to_vec()));

    bench("small", &small, &|body| counted(count(&entries, None, body)));
    bench("small/patients", &small, &|body| counted(count(&entries, Some(&member), body)));
    bench("small/serde_json", &small, &ignored);
    bench("json", &list, &|body| counted(count(&json, None, body)));
    bench("json/patients", &list, &|body| counted(count(&json, Some(&member), body)));
    bench("json/serde_json", &list, &ignored);
    bench("graphql", &connection, &|body| counted(count(&ReplyKind::Graphql, None, body)));
    bench("graphql/patients", &connection, &|body| counted(count(&ReplyKind::Graphql, Some(&member), body)));
    bench("json/copy", &list, &copied);
    bench("fhir", &bundle, &|body| counted(count(&ReplyKind::FhirBundle, None, body)));
    bench("fhir/serde_json", &bundle, &ignored);
    bench("fhir/copy", &bundle, &copied);
    bench("ndjson/patients", &lines, &|body| counted(count(&ReplyKind::Ndjson, Some(&member), body)));
    bench("csv/copy", &rows, &copied);
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
        bench(&format!("{name}/copy"), &body, &copied);
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
