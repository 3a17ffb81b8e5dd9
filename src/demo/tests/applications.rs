//! The EHR and the console.

use super::*;

#[tokio::test]
async fn every_export_has_the_records_that_it_says() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let report = stage.ehr("/reports/patients");

    let posted = browser.submit(&report, &[("ward", ""), ("export", "csv")]).await.unwrap();
    let linked = browser.open(&format!("{report}?export=csv")).await.unwrap();
    assert_eq!(posted.header("content-encoding"), "gzip");
    assert_eq!(posted.body, linked.body);
    let records = csv::Reader::from_reader(&*posted.body).into_records().map(Result::unwrap).count();
    assert_eq!(records, patients::PATIENTS);
    assert!(posted.text().lines().count() > patients::PATIENTS + 1, "some records have two lines");

    let east = browser.submit(&report, &[("ward", "East"), ("export", "csv")]).await.unwrap();
    let records: Vec<_> = csv::Reader::from_reader(&*east.body).into_records().map(Result::unwrap).collect();
    assert!(!records.is_empty() && records.iter().all(|record| &record[3] == "East"));

    for (url, pointer, count) in [
        ("/api/patients.json?limit=700", "/patients", 700),
        ("/api/patients.json", "/patients", 100),
        ("/fhir/Patient?_count=30", "/entry", 31),
        ("/fhir/Observation?_count=12", "/entry", 13),
        ("/fhir/Observation?patient=100001", "/entry", 4),
    ] {
        let reply = browser.open(&stage.ehr(url)).await.unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body.pointer(pointer).unwrap().as_array().unwrap().len(), count, "{url}");
    }

    for (export, member) in [("zip", "patients.csv"), ("xlsx", "xl/worksheets/sheet1.xml")] {
        let reply = browser.submit(&report, &[("export", export)]).await.unwrap();
        let mut archive = zip::ZipArchive::new(io::Cursor::new(reply.body)).unwrap();
        let text = io::read_to_string(archive.by_name(member).unwrap()).unwrap();
        let records =
            if export == "zip" { text.matches("\r\n").count() } else { text.matches("<row>").count() };
        assert_eq!(records, patients::PATIENTS + 1, "{export}");
    }
}

#[tokio::test]
async fn a_note_is_posted_and_shown_and_cannot_become_markup() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let note = [("text", "slept well <script>alert(1)</script>")];
    let chart = browser.submit(&stage.ehr("/patients/100001/notes"), &note).await.unwrap();
    assert_eq!(chart.url.path(), "/patients/100001/chart");
    assert!(chart.text().contains("slept well &lt;script&gt;"));
    assert!(!chart.text().contains("<script>"));
    assert!(chart.text().contains("Opened without Leastway"));
}

#[tokio::test]
async fn the_console_echoes_deletes_and_gives_its_configuration() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let console = |path: &str| format!("http://{}{path}", stage.clinic.console());
    let echo = browser.converse(&console("/live/socket"), "hello", "echo: ").await.unwrap().unwrap();
    assert_eq!(echo, "echo: hello");

    let all = browser.open(&console("/messages.csv")).await.unwrap();
    assert_eq!(all.text().matches("\r\n").count(), 1 + 140);
    browser.submit(&console("/queues/radiology/delete"), &[]).await.unwrap();
    let fewer = browser.open(&console("/messages.csv")).await.unwrap();
    assert_eq!(fewer.text().matches("\r\n").count(), 1 + 87);
    assert_eq!(browser.submit(&console("/queues/none/delete"), &[]).await.unwrap().status, 404);

    let configuration = browser.open(&console("/configuration.json")).await.unwrap();
    let configuration: Value = serde_json::from_slice(&configuration.body).unwrap();
    assert_eq!(configuration["channels"].as_array().unwrap().len(), 4);
}
