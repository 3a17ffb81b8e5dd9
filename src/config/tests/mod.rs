//! A good configuration, and everything that can be wrong with it.

mod browser;
mod catalogue;
mod categories;
mod clients;
mod detections;
mod exports;
mod fields;
mod given;
mod keys;
mod loading;
mod providers;
mod risks;
mod sessions;
mod store;
mod together;
mod unsaid;
mod upstream;

use std::path::PathBuf;

use super::load::{Loaded, Surroundings, load_in};
use super::problem::{Problem, Problems};
use crate::foundation::clock::Timestamp;

/// 2026-03-01T08:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

const MAIN: &str = r#"version = 1
include = ["applications/*.toml", "roles.toml"]
policies = ["policies/*.cedar"]
time_zone = "UTC"
help.answer_within = "4h"
approved_by = ["privacy:m.ortiz", "security:d.chen"]
[gateway]
listen = ["127.0.0.1:8443"]

[[gateway.certificate]]
chain = "certs/gateway.pem"
key = "file:certs/gateway.key"

[[provider]]
name = "clinic"
issuer = "https://id.clinic.example"
client_id = "leastway"
client_secret = "env:CLIENT_SECRET"
claims = { location = "ward" }
assurance.mfa = { ask = { acr_values = "urn:mfa" }, proof = { acr = "urn:mfa" } }
"#;

const EHR: &str = r#"[application.ehr]
host = "ehr.clinic.example"
upstream = "http://10.0.0.7:8080"
unmatched = "deny"

[[application.ehr.route]]
name = "patient.open"
match = { method = "GET", path = "/patients/{patient}" }
action = "view"
category = "clinical"

[[application.ehr.route]]
name = "patient.list.csv"
match = { method = "POST", path = "/reports/patients", form = { export = "csv" } }
action = "export"
category = "demographics"
reply = { kind = "csv", patient = "column:ID" }

[[application.ehr.route]]
name = "static"
match = { path = "/static/**" }
access = "public"
"#;

const ROLES: &str = r#"[role.registrar]
groups = "FrontDesk"
purposes = ["operations", "payment"]

[[role.registrar.may]]
application = "ehr"
actions = "export"
routes = "patient.*"
categories = "demographics"
when = { assurance = "mfa", fresh = "15m", location = "ward-3", hours = "06:00-20:00", purpose = "payment" }

[role.registrar.limit]
records_per_export = 500
"#;

const CEDAR: &str = "forbid (principal, action, resource) when { context.hour > 24 };\n";

/// A folder with a good configuration, to be changed.
struct Folder(tempfile::TempDir);

impl Folder {
    fn good() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("leastway.toml", MAIN);
        folder.write("applications/ehr.toml", EHR);
        folder.write("roles.toml", ROLES);
        folder.write("policies/more.cedar", CEDAR);
        folder.certificate("gateway", &["ehr.clinic.example"]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        self.mode(name, 0o600);
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Puts `new` where `old` stands.
    fn change(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{name} does not hold {old}");
        self.write(name, &text.replacen(old, new, 1));
    }

    fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn certificate(&self, name: &str, hosts: &[&str]) {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(hosts).unwrap();
        self.write(&format!("certs/{name}.pem"), &made.cert.pem());
        self.write(&format!("certs/{name}.key"), &made.signing_key.serialize_pem());
    }

    fn authority(&self, name: &str) {
        let mut settings = rcgen::CertificateParams::default();
        settings.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = settings.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        self.write(name, &authority.pem());
    }

    fn load(&self) -> Result<Loaded, Problems> {
        self.load_at(NOW)
    }

    fn load_at(&self, now: Timestamp) -> Result<Loaded, Problems> {
        let variable = |name: &str| (name == "CLIENT_SECRET").then(|| "correct horse".to_owned());
        load_in(
            &self.path("leastway.toml"),
            &Surroundings { now, variable: &variable, instead: None, stand_in: None, kept: None },
        )
    }

    fn problems(&self) -> Vec<Problem> {
        match self.load() {
            Ok(loaded) => loaded.warnings,
            Err(Problems(problems)) => problems,
        }
    }

    /// Every problem as it is printed, without the path of the folder.
    fn report(&self) -> String {
        let lines: Vec<String> = self.problems().iter().map(ToString::to_string).collect();
        lines.join("\n").replace(&format!("{}/", self.0.path().display()), "")
    }
}
