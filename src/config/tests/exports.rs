//! Exports: what is settled, and what nobody could mean.

use std::time::Duration;

use super::Folder;
use super::catalogue::ROLES;
use crate::features::export::settings::{Beginning, ExportSettings, OnRefused, Protocol, Target};

fn with(exports: &str) -> Folder {
    let folder = Folder::good();
    let roles = folder.read(ROLES);
    folder.write("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    folder.write("short", "whsec_c2hvcnQ=");
    folder.write(ROLES, &format!("{roles}\n{exports}\n"));
    folder
}

fn one(export: &str) -> ExportSettings {
    let folder = with(&format!("[export.x]\n{export}"));
    let loaded = folder.load();
    let mut exports = loaded.unwrap_or_else(|_| panic!("{}", folder.report())).settings.exports;
    assert_eq!(exports.len(), 1);
    let export = exports.remove(0);
    // The files of a folder that is gone.
    let refused = export.refused.strip_prefix(folder.0.path()).unwrap().to_owned();
    ExportSettings { refused, ..export }
}

#[test]
fn what_is_not_written_is_what_most_need() {
    let export = one("to = \"syslog+tls://siem.clinic.example\"");
    let Target::Syslog(target) = &export.target else { panic!("{export:?}") };
    assert_eq!(
        (target.host.as_str(), target.port, target.trust.is_some()),
        ("siem.clinic.example", 6514, true)
    );
    assert_eq!((export.from, export.batch, export.every), (Beginning::Now, 100, Duration::from_secs(1)));
    assert_eq!((export.timeout, export.on_refused), (Duration::from_secs(30), OnRefused::Keep));
    assert!(export.refused.ends_with("x.refused.ndjson"), "{export:?}");
    assert_eq!(export.selection, crate::features::export::settings::Selection::default());
}

#[test]
fn each_way_leads_where_it_says() {
    let ways = [
        ("to = \"syslog+tls://[::1]:7000\"", "syslog+tls://[::1]:7000"),
        ("to = \"syslog+tcp://10.0.0.7:514\"\ninsecure_plain = true", "syslog+tcp://10.0.0.7:514"),
        (
            "to = \"https://hooks.clinic.example/a?kind=b\"\nas = \"webhook\"\nsecret = \"file:hook\"",
            "https://hooks.clinic.example",
        ),
        ("to = \"http://127.0.0.1:8080/\"\nas = \"json\"", "http://127.0.0.1:8080"),
    ];
    for (written, told) in ways {
        assert_eq!(one(written).target.to_string(), told, "without what may be a secret");
    }
    let hook = one("to = \"https://hooks.clinic.example/a\"\nas = \"webhook\"\nsecret = \"file:hook\"");
    let Target::Http(target) = &hook.target else { panic!("{hook:?}") };
    assert_eq!((target.protocol, target.signing.is_some()), (Protocol::Webhook, true));
    assert!(!format!("{hook:?}").contains("MfKQ9"), "no secret is printed");
}

#[test]
fn what_cannot_be_meant_is_a_problem() {
    let cases = [
        ("to = \"syslog+tcp://10.0.0.7:514\"", "export.x.to: without TLS whoever is on the way"),
        ("to = \"syslog+tcp://10.0.0.7\"\ninsecure_plain = true", "export.x.to: the URL has no port"),
        ("to = \"syslog+tls://siem.clinic.example/path\"", "export.x.to: a receiver of syslog is only"),
        ("to = \"kafka://siem.clinic.example\"", "export.x.to: nothing is handed on that way"),
        (
            "to = \"https://hooks.clinic.example/\"",
            "export.x.to: it is not said how events are brought there",
        ),
        ("to = \"http://hooks.clinic.example/\"\nas = \"json\"", "export.x.to: "),
        (
            "to = \"https://ingest:pa55@hooks.clinic.example/\"\nas = \"json\"",
            "export.x.to: a URL here holds no name and no password",
        ),
        (
            "to = \"https://hooks.clinic.example/?source=a&apiKey=pa55\"\nas = \"json\"",
            "export.x.to: `apiKey` may open something, and what stands in an address is kept and shown",
        ),
        (
            "to = \"https://hooks.clinic.example/\"\nas = \"webhook\"",
            "export.x.as: a webhook is signed, and there is nothing to sign it with",
        ),
        (
            "to = \"https://hooks.clinic.example/\"\nas = \"webhook\"\nsecret = \"file:short\"",
            "export.x.secret: it is no secret of a webhook",
        ),
        (
            "to = \"https://hooks.clinic.example/\"\nas = \"json\"\nsecret = \"file:hook\"",
            "export.x.secret: only a webhook is signed",
        ),
        (
            "to = \"https://fhir.clinic.example/\"\nas = \"fhir\"",
            "export.x.as: `fhir` does not carry the format `json`",
        ),
        (
            "to = \"https://logs.clinic.example/v1/logs\"\nas = \"otlp\"",
            "export.x.as: `otlp` does not carry the format `json`",
        ),
        ("to = \"file:a\"\nformat = \"yaml\"", "export.x.format: `yaml` is no format"),
        ("to = \"file:a\"\ntoken = \"file:hook\"", "export.x.token: it means nothing for where `to` leads"),
        (
            "to = \"syslog+tls://siem.clinic.example\"\nrotate = \"1MiB\"",
            "export.x.rotate: it means nothing for where `to` leads",
        ),
        (
            "to = \"https://hooks.clinic.example/\"\nas = \"json\"\nheaders = { Authorization = \"Basic x\" }",
            "export.x.headers: `Authorization` cannot be sent so",
        ),
        (
            "to = \"file:a\"\napplications = [\"her\"]",
            "export.x.applications: no application is called `her`",
        ),
        ("to = \"file:a\"\nonly = [\"denied\"]", "export.x.only[1]: `denied` is not one of"),
        ("to = \"file:a\"\n[export.y]\nto = \"file:a\"", "export.y.to: `x` writes into the same file"),
        ("to = \"file:a\"\n[export.\"a b\"]\nto = \"file:b\"", "export.\"a b\": a name is 1 to 64"),
        ("format = \"json\"", "export.x.to: `to` is missing"),
    ];
    for (written, problem) in cases {
        let folder = with(&format!("[export.x]\n{written}"));
        let found: Vec<String> =
            folder.problems().iter().map(|found| format!("{}: {}", found.key, found.what)).collect();
        assert!(found.iter().any(|found| found.starts_with(problem)), "{written}: {found:?}");
    }
}

#[test]
fn there_are_at_most_16() {
    let exports = |number: u32| -> String {
        let export = |number| format!("[export.x{number}]\nto = \"file:{number}\"\n");
        (0..number).map(export).collect::<Vec<_>>().concat()
    };
    assert_eq!(with(&exports(16)).load().unwrap().settings.exports.len(), 16);
    let folder = with(&exports(17));
    assert_eq!(folder.problems()[0].key, "export.x16");
}
