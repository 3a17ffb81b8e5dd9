//! What comes out of a good configuration, and what a run with many problems tells.

use std::time::Duration;

use super::{Folder, NOW};
use crate::config::settings::Settings;
use crate::config::{Locations, Problems, load_kept};
use crate::domain::action::Action;
use crate::domain::device::Resume;
use crate::domain::limit::OnExceed;
use crate::domain::reply_shape::{PatientLocator, ReplyKind};
use crate::domain::rulebook::Rulebook;
use crate::features::audit::settings::Sync;
use crate::features::authn::client::{AssertionAudience, ClientCredential};
use crate::features::route::settings::{Access, Condition, Test, Unmatched};

#[test]
fn a_good_configuration_has_no_problem() {
    assert_eq!(Folder::good().report(), "");
}

#[test]
fn what_is_written_is_what_is_settled() {
    let settings = Folder::good().load().unwrap().settings;
    let [application] = settings.applications.as_slice() else { panic!("one application") };
    assert_eq!(application.hosts, ["ehr.clinic.example"]);
    assert_eq!(application.providers, ["clinic".parse().unwrap()], "the only provider");
    let [open, list, public] = application.routes.as_slice() else { panic!("three routes") };
    assert_eq!(open.matching.methods, [http::Method::GET]);
    assert_eq!(
        list.matching.form,
        [Condition { key: "export".to_owned(), test: Test::Equals("csv".to_owned()) }]
    );
    let shape = list.reply.clone().unwrap();
    assert_eq!(shape.kind, ReplyKind::Csv { delimiter: None, header: true });
    assert_eq!(shape.patient, Some(PatientLocator::Column("ID".to_owned())));
    assert_eq!((public.action, public.access), (Action::View, Access::Public));
    let [provider] = settings.providers.as_slice() else { panic!("one provider") };
    assert_eq!(secret(&settings), "correct horse");
    assert_eq!(provider.claims["groups"], "groups");
    assert_eq!(provider.claims["location"], "ward");
    let [role] = settings.roles.as_slice() else { panic!("one role") };
    let need = role.may[0].when.assurance.clone().unwrap();
    assert_eq!((need.class.as_str(), need.fresh), ("mfa", Some(Duration::from_secs(15 * 60))));
    assert_eq!(settings.upstreams[0].servers[0].host, "10.0.0.7");
    assert_eq!(settings.policies[0].text, super::CEDAR);
}

#[test]
fn what_is_not_written_has_the_documented_default() {
    let settings = Folder::good().load().unwrap().settings;
    assert_eq!(settings.gateway.connections, 10_000);
    assert_eq!(settings.gateway.head_bytes, 64 * 1024);
    assert_eq!(settings.gateway.hsts, Some(Duration::from_secs(365 * 24 * 3600)));
    assert_eq!(settings.gateway.drain, Duration::from_secs(30));
    assert!(settings.gateway.trusted_proxies.is_empty());
    assert_eq!(settings.control.listen.to_string(), "127.0.0.1:9443");
    assert_eq!(settings.journal.segment_bytes, 64 << 20);
    assert_eq!(settings.journal.sync, Sync::BeforeRelease);
    let times = settings.session.times;
    assert_eq!((times.lock, times.idle), (Duration::from_secs(15 * 60), Duration::from_secs(4 * 3600)));
    assert_eq!((times.absolute, times.resume), (Duration::from_secs(12 * 3600), Resume::Login));
    assert!(settings.devices.is_empty());
    assert_eq!(settings.guard.hold_bytes, 16 << 20);
    assert_eq!(settings.guard.decompression_ratio, 200);
    assert_eq!(settings.spill.directory, settings.store.directory.join("spill"));
    assert_eq!((settings.spill.reply_bytes_max, settings.spill.bytes_max), (1 << 30, 4 << 30));
    assert_eq!(settings.applications[0].unmatched, Unmatched::Deny);
    assert!(settings.upstreams[0].preserve_host);
    assert!(settings.providers[0].assurance.values().all(|class| class.ask.max_age));
}

#[test]
fn beyond_a_number_a_role_is_blocked_unless_all_its_purposes_forbid_that() {
    for (purposes, expected) in [
        (r#"["operations", "payment"]"#, OnExceed::Block),
        (r#"["operations", "treatment", "payment"]"#, OnExceed::Block),
        (r#"["treatment", "operations", "payment"]"#, OnExceed::Block),
        (r#"["treatment", "patient_request", "legal", "payment"]"#, OnExceed::Block),
        (r#"["patient_request", "payment"]"#, OnExceed::Block),
    ] {
        let folder = Folder::good();
        folder.change("roles.toml", r#"["operations", "payment"]"#, purposes);
        let limits = folder.load().unwrap().settings.roles[0].limits;
        assert_eq!((limits.on_exceed, limits.on_unknown_count), (expected, expected), "{purposes}");
    }
}

#[test]
fn paths_are_relative_to_the_file_that_names_them() {
    let folder = Folder::good();
    folder.certificate("upstream", &["a"]);
    folder.write("applications/ca.pem", &folder.read("certs/upstream.pem"));
    folder.change(
        "applications/ehr.toml",
        "http://10.0.0.7:8080\"",
        "https://a\"\nauthorities = \"file:ca.pem\"",
    );
    let settings = folder.load().unwrap().settings;
    let pem = settings.upstreams[0].trust.authorities.as_deref();
    assert_eq!(pem, Some(folder.read("applications/ca.pem").as_bytes()));
    assert_eq!(settings.store.place.to_string(), folder.path("data/leastway.db").display().to_string());
    assert_eq!(settings.store.directory, folder.path("data"));
}

#[test]
fn every_file_is_watched_and_all_but_secrets_make_the_version() {
    let folder = Folder::good();
    folder.write("secret", "correct horse\n");
    folder.change("leastway.toml", "env:CLIENT_SECRET", "file:secret");
    let before = folder.load().unwrap().settings;
    assert_eq!(secret(&before), "correct horse");
    let shared =
        ["leastway.toml", "applications/ehr.toml", "roles.toml", "policies/more.cedar", "certs/gateway.pem"];
    for name in shared.into_iter().chain(["certs/gateway.key", "secret"]) {
        assert!(before.files.contains(&folder.path(name)), "{name} is watched");
        folder.write(name, &format!("{}\n", folder.read(name)));
        let after = folder.load().unwrap().settings;
        assert_eq!(after.version != before.version, shared.contains(&name), "{name}");
        folder.write(name, folder.read(name).strip_suffix('\n').unwrap());
    }
    assert_eq!(folder.load().unwrap().settings.version, before.version);
}

#[test]
fn later_stages_can_point_at_what_they_find() {
    let loaded = Folder::good().load().unwrap();
    let application = &loaded.settings.applications[0];
    let key = loaded.locations.route(&application.name, &application.routes[1].name).unwrap();
    assert_eq!(key, "application.ehr.route[2]");
    assert_eq!(loaded.locations.nearest(key).unwrap().line, 12);
    assert_eq!(loaded.locations.nearest("application.ehr.route[2].match.path").unwrap().line, 14);
    let rule = Locations::rule(&loaded.settings.roles[0].name, 1);
    let problem = loaded.problem(&format!("{rule}.when.nothing"), "it is never true", "something else");
    assert_eq!((problem.place.line, problem.place.column), (10, 1));
}

#[test]
fn all_problems_of_all_files_are_told_in_one_run() {
    let folder = Folder::good();
    folder.change("leastway.toml", "time_zone = \"UTC\"", "time_zone = \"Mars/Olympus\"\ntimezone = 1");
    folder.change("leastway.toml", "127.0.0.1:8443", "localhost");
    folder.change("leastway.toml", "certs/gateway.pem", "certs/none.pem");
    folder.change("leastway.toml", "env:CLIENT_SECRET", "hunter2");
    folder.change("applications/ehr.toml", "/patients/{patient}", "/patients/**/x");
    folder.change("applications/ehr.toml", "action = \"export\"", "action = \"eksport\"");
    folder.change("roles.toml", "FrontDesk\"", "FrontDesk\"\nmembers = 3");
    folder.change("roles.toml", "\"mfa\"", "\"mfaa\"");
    folder.change("roles.toml", "500", "-500");
    insta::assert_snapshot!(folder.report());
}

#[test]
fn a_broken_file_is_told_without_blaming_those_who_refer_to_it() {
    let folder = Folder::good();
    folder.change("applications/ehr.toml", "[application.ehr]", "[application.ehr");
    folder.change("leastway.toml", "leastway\"", "leastway\"\ntimeout = \"1h\"");
    let report = folder.report();
    let lines: Vec<&str> = report.lines().filter(|line| !line.starts_with(' ')).collect();
    assert!(lines[0].starts_with("applications/ehr.toml:1:17: error: not TOML: "), "{report}");
    assert_eq!(
        lines.last().unwrap(),
        &"leastway.toml:18:11: error: provider[1].timeout: `1h` is out of range",
        "{report}"
    );
    assert!(!report.contains("roles.toml"), "{report}");
}

#[test]
fn no_problem_ever_shows_a_secret() {
    let folder = Folder::good();
    folder.change("leastway.toml", "client_secret = \"env:CLIENT_SECRET\"", "client_secret = \"hunter2\"");
    folder.change("leastway.toml", "name = \"clinic\"", "name = \"clinic\"\nclient_secrt = \"hunter2\"");
    folder.change("leastway.toml", "https://id.", "https://me:hunter2@id.");
    folder.change("leastway.toml", "file:certs/gateway.key", "hunter2");
    folder.change("applications/ehr.toml", "http://", "http://me:hunter2@");
    folder.change(
        "leastway.toml",
        "[gateway]",
        "[control]\ntoken = \"hunter2\"\n[store]\nurl = \"postgres://me:hunter2@db\"\n[gateway]",
    );
    let report = folder.report();
    assert!(report.lines().count() >= 14, "{report}");
    assert!(!report.contains("hunter2"), "{report}");
    folder.change("leastway.toml", "token = \"hunter2\"", "token = \"hunter2");
    assert!(!folder.report().contains("hunter2"));
    folder.change("leastway.toml", "token = \"hunter2", "token = hunter2");
    assert!(!folder.report().contains("hunter2"));
}

#[test]
fn a_certificate_out_of_its_dates_is_a_warning() {
    let folder = Folder::good();
    let far = crate::foundation::clock::Timestamp::from_seconds(70_000_000_000);
    let warnings = folder.load_at(far).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].what.starts_with("the certificate expired at 4096-01-01"), "{}", warnings[0]);
    assert!(folder.load_at(NOW).unwrap().warnings.is_empty());
}

#[test]
fn a_secret_that_everybody_may_read_is_a_warning() {
    let folder = Folder::good();
    folder.mode("certs/gateway.key", 0o644);
    let Ok(loaded) = folder.load() else { panic!("a warning does not make a configuration unusable") };
    assert_eq!(loaded.warnings[0].key, "gateway.certificate[1].key");
    assert_eq!(loaded.warnings[0].right, "mode 0640 or less: `chmod o-r`");
}

#[test]
fn a_gap_that_is_allowed_is_a_warning() {
    let folder = Folder::good();
    assert!(folder.load().unwrap().warnings.is_empty());
    folder.change("leastway.toml", "[gateway]", "[journal]\ngap = \"treatment-reads\"\n[gateway]");
    let warnings = folder.load().unwrap().warnings;
    assert_eq!(warnings.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["journal.gap"]);
}

#[test]
fn a_missing_main_file_is_a_problem() {
    let folder = Folder::good();
    std::fs::remove_file(folder.path("leastway.toml")).unwrap();
    let Err(Problems(problems)) = folder.load() else { panic!("it is missing") };
    assert_eq!(problems.len(), 1);
    assert!(problems[0].what.ends_with("cannot be read: there is no such file"));
}

fn secret(settings: &Settings) -> &str {
    let [provider] = settings.providers.as_slice() else { panic!("one provider") };
    let ClientCredential::Secret(secret) = &provider.credential else { panic!("a secret") };
    secret.reveal()
}

#[test]
fn a_client_may_have_a_key_in_place_of_a_secret() {
    let folder = Folder::good();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    folder.write("client.key", &key.serialize_pem());
    let table =
        "client_key = { key = \"file:client.key\", id = \"k-1\", certificate = \"file:certs/gateway.pem\" }";
    folder.change("leastway.toml", "client_secret = \"env:CLIENT_SECRET\"", table);
    let settings = folder.load().unwrap().settings;
    let ClientCredential::Key(key) = &settings.providers[0].credential else { panic!("a key") };
    assert_eq!((key.id.as_deref(), key.audience), (Some("k-1"), AssertionAudience::Issuer));
    // A SHA-256 is 43 characters of base64url.
    assert_eq!(key.certificate.as_ref().unwrap().sha256.len(), 43);
}

#[test]
fn what_was_kept_says_the_same_although_its_files_are_gone() {
    let folder = Folder::good();
    let settings = folder.load().unwrap().settings;
    let book = (*settings.rulebook).clone();
    drop(folder);
    let kept = load_kept(&book).unwrap().unwrap().settings;
    let names = |settings: &Settings| {
        let applications = settings.applications.iter();
        let routes = applications.flat_map(|it| it.routes.iter().map(|route| route.name.to_string()));
        let roles = settings.roles.iter().map(|role| role.name.to_string());
        let policies = settings.policies.iter().map(|policy| policy.text.clone());
        routes.chain(roles).chain(policies).collect::<Vec<_>>()
    };
    assert!(names(&settings).len() > 4);
    assert_eq!(names(&kept), names(&settings));
    assert!(load_kept(&Rulebook::default()).is_none());
}
