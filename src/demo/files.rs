//! Patients as files: CSV, JSON, FHIR, ZIP and XLSX.

use std::fmt::Write as _;
use std::io::{self, Cursor, Write as _};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::html::Text;
use super::patients::Patient;

const COLUMNS: [&str; 6] = ["MRN", "Name", "Birth date", "Ward", "Phone", "Address"];

fn cells(patient: &Patient) -> [&str; 6] {
    [&patient.mrn, &patient.name, &patient.birth_date, patient.ward, &patient.phone, &patient.address]
}

/// RFC 4180: CRLF between records, quotes where a field needs them.
pub(super) fn csv(patients: &[&Patient]) -> String {
    let mut text = String::new();
    push_row(&mut text, &COLUMNS);
    for patient in patients {
        push_row(&mut text, &cells(patient));
    }
    text
}

/// The appointments of today.
pub(super) fn schedule_csv(patients: &[&Patient]) -> String {
    let mut text = String::new();
    push_row(&mut text, &["Time", "MRN", "Name", "Ward"]);
    for patient in patients {
        if let Some(time) = &patient.appointment {
            push_row(&mut text, &[time, &patient.mrn, &patient.name, patient.ward]);
        }
    }
    text
}

/// One record of a CSV file.
pub(super) fn push_row(text: &mut String, fields: &[&str]) {
    for (position, field) in fields.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push_str("\r\n");
}

/// What the application's own API gives.
pub(super) fn json(patients: &[&Patient], total: usize) -> Value {
    let record = |patient: &&Patient| {
        json!({
            "mrn": patient.mrn,
            "name": patient.name,
            "birth_date": patient.birth_date,
            "ward": patient.ward,
            "contacts": [{ "phone": patient.phone }, { "address": patient.address.lines().collect::<Vec<_>>() }],
        })
    };
    json!({ "total": total, "patients": patients.iter().map(record).collect::<Vec<_>>() })
}

/// A FHIR R4 `Patient`.
pub(super) fn fhir_patient(patient: &Patient) -> Value {
    let (family, given) = patient.name.split_once(", ").unwrap_or((&patient.name, ""));
    json!({
        "resourceType": "Patient",
        "id": patient.mrn,
        "identifier": [{ "system": "urn:leastway-demo:mrn", "value": patient.mrn }],
        "name": [{ "family": family, "given": [given] }],
        "gender": patient.gender,
        "birthDate": patient.birth_date,
        "telecom": [{ "system": "phone", "value": patient.phone }],
        "address": [{ "line": patient.address.lines().collect::<Vec<_>>() }],
        "managingOrganization": { "reference": "Organization/clinic" },
    })
}

/// What was measured, as FHIR R4 `Observation`s.
pub(super) fn fhir_observations(patient: &Patient) -> Vec<Value> {
    const WHAT: [(&str, &str, &str, f64); 3] = [
        ("8867-4", "Heart rate", "/min", 1.0),
        ("8480-6", "Systolic blood pressure", "mm[Hg]", 1.0),
        ("8310-5", "Body temperature", "Cel", 0.1),
    ];
    let observation = |((code, display, unit, scale), value): (&(&str, &str, &str, f64), &u16)| {
        // Tenths, so that 36.7 is not written 36.699999.
        let value = (f64::from(*value) * scale * 10.0).round() / 10.0;
        json!({
            "resourceType": "Observation",
            "id": format!("{}-{code}", patient.mrn),
            "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": code, "display": display }] },
            "subject": { "reference": format!("Patient/{}", patient.mrn) },
            "valueQuantity": { "value": value, "code": unit, "system": "http://unitsofmeasure.org" },
        })
    };
    WHAT.iter().zip(&patient.measured).map(observation).collect()
}

/// A FHIR `searchset`: what matched, and the clinic itself, included, which is no match.
pub(super) fn fhir_bundle(matches: Vec<Value>, total: usize) -> Value {
    let found = |resource: Value| json!({ "resource": resource, "search": { "mode": "match" } });
    let clinic = json!({
        "resource": { "resourceType": "Organization", "id": "clinic", "name": "Leastway demo clinic" },
        "search": { "mode": "include" },
    });
    let entries: Vec<Value> = matches.into_iter().map(found).chain([clinic]).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })
}

/// A ZIP archive with the CSV file in it.
pub(super) fn zip(patients: &[&Patient]) -> io::Result<Vec<u8>> {
    archive(&[("patients.csv", csv(patients))])
}

/// A workbook (ECMA-376) with one sheet: the fewest parts that a spreadsheet program opens.
pub(super) fn xlsx(patients: &[&Patient]) -> io::Result<Vec<u8>> {
    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

    let types = format!(
        "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{SPREADSHEET}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{SPREADSHEET}.worksheet+xml\"/></Types>"
    );
    let package = format!(
        "{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">\
         <Relationship Id=\"rId1\" Type=\"{DOCUMENT}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let workbook = format!(
        "{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{DOCUMENT}\">\
         <sheets><sheet name=\"Patients\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let parts = format!(
        "{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">\
         <Relationship Id=\"rId1\" Type=\"{DOCUMENT}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let mut sheet = format!("{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetData>");
    push_sheet_row(&mut sheet, &COLUMNS)?;
    for patient in patients {
        push_sheet_row(&mut sheet, &cells(patient))?;
    }
    sheet.push_str("</sheetData></worksheet>");

    archive(&[
        ("[Content_Types].xml", types),
        ("_rels/.rels", package),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", parts),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

fn push_sheet_row(sheet: &mut String, fields: &[&str]) -> io::Result<()> {
    sheet.push_str("<row>");
    for field in fields {
        write!(sheet, "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", Text(field))
            .map_err(io::Error::other)?;
    }
    sheet.push_str("</row>");
    Ok(())
}

fn archive(members: &[(&str, String)]) -> io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}
