//! How applications are reached: one change to a good configuration, and the one problem that it makes.

use super::catalogue::{EHR, ROLES, case, check};
use super::{Folder, NOW};
use crate::config::{Instead, Locations, SecretPlace, Surroundings, load_in};
use crate::features::upstream::credential::Credential;
use crate::foundation::secret::Secret;

const SERVER: &str = "upstream = \"http://10.0.0.7:8080\"\n";

#[test]
fn servers_and_their_health() {
    let cases: [(&str, &str); 10] = [
        (
            "upstream = [\"http://10.0.0.7:8080\", \"http://10.0.0.7:8080\"]\n",
            "application.ehr.upstream: `10.0.0.7:8080` is listed twice",
        ),
        ("balance = { waiting = 5 }\n", "application.ehr.balance.waiting: without a limit nothing waits"),
        (
            "balance = { sticky = \"application_cookie\" }\n",
            "application.ehr.balance.sticky: it is not said which cookie",
        ),
        (
            "balance = { cookie = \"SID\" }\n",
            "application.ehr.balance.cookie: no cookie of the application is looked at",
        ),
        (
            "balance = { sticky = \"application_cookie\", cookie = \"__Host-Leastway\" }\n",
            "application.ehr.balance.cookie: `__Host-Leastway` is one of ours",
        ),
        (
            "health = { out = \"5m\", out_max = \"1m\" }\n",
            "application.ehr.health.out_max: a server would be out for longer than at most",
        ),
        (
            "health = { failure_status = [\"6xx\"] }\n",
            "application.ehr.health.failure_status[1]: `6xx` is not a status such as `503`, nor a class such as `5xx`",
        ),
        (
            "health = { check = { path = \"health\" } }\n",
            "application.ehr.health.check.path: `health` is not a path",
        ),
        (
            "health = { check = { path = \"/\", interval = \"1s\", timeout = \"2s\" } }\n",
            "application.ehr.health.check.timeout: the next check would begin before this one has ended",
        ),
        ("health = { check = {} }\n", "application.ehr.health.check.path: `path` is missing"),
    ];
    check_all(&cases);
}

#[test]
fn tls_to_applications() {
    check_all(&[
        ("tls = { pins = \"sha256/short\" }\n", "application.ehr.tls.pins: `sha256/short` is not a pin"),
        (
            "tls = { server_name = \"a b\" }\n",
            "application.ehr.tls.server_name: `a b` is not a name that TLS can ask for",
        ),
        (
            "tls = { insecure_any_certificate = true }\n",
            "application.ehr.tls.insecure_any_certificate: whoever answers at its address is taken for the application, and is sent patients' data",
        ),
        (
            "tls = { client_certificate = { chain = \"../certs/gateway.pem\", key = \"file:gone.key\" } }\n",
            "application.ehr.tls.client_certificate.key: `applications/gone.key` cannot be read: there is no such file",
        ),
    ]);
}

#[test]
fn accounts_at_applications() {
    let secret = "owner = \"imaging\", secret = \"env:CLIENT_SECRET\"";
    let account = |more: &str| format!("credential.a = {{ {more}, {secret} }}\n");
    let cases = [
        (account("kind = \"basic\""), "application.ehr.credential.a.user: `user` is missing"),
        (
            account("kind = \"bearer\", user = \"a\""),
            "application.ehr.credential.a.user: `user` means nothing for `bearer`",
        ),
        (
            account("kind = \"basic\", user = \"a:b\""),
            "application.ehr.credential.a.user: a name with `:` cannot be told apart from the password",
        ),
        (
            account("kind = \"header\", header = \"Cookie\""),
            "application.ehr.credential.a.header: `Cookie` is not the name of a header that can carry a secret",
        ),
        (
            account("kind = \"form\", user = \"a\", form = { action = \"login\" }"),
            "application.ehr.credential.a.form.action: `login` is not a path",
        ),
        (
            account("kind = \"bearer\", test = \"api\""),
            "application.ehr.credential.a.test: `api` is not a path",
        ),
        (
            "default_credential = \"b\"\n".to_owned(),
            "application.ehr.default_credential: this application has no credential `b`",
        ),
        (
            "credential.a = { kind = \"bearer\", secret = \"hunter2\", owner = \"imaging\" }\n".to_owned(),
            "application.ehr.credential.a.secret: what stands here is not a reference (it is not shown, in case it is a secret)",
        ),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(more, problem)| (more.as_str(), *problem)).collect();
    check_all(&cases);
    check(&[case(
        ROLES,
        "actions = \"export\"",
        "actions = \"export\"\ncredential = \"a\"",
        "role.registrar.may[1].credential: `ehr` has no credential `a`",
    )]);
}

#[test]
fn a_public_route_is_nobodys_account() {
    let folder = Folder::good();
    let account =
        "credential.a = { kind = \"bearer\", secret = \"env:CLIENT_SECRET\", owner = \"imaging\" }\n";
    folder.change(EHR, SERVER, &format!("{SERVER}{account}"));
    assert!(folder.load().is_ok(), "{}", folder.report());
    folder.change(EHR, "access = \"public\"", "access = \"public\"\ncredential = \"a\"");
    assert!(folder.report().contains("on a public route everybody would act under this account"));
}

#[test]
fn what_rules_and_routes_say_of_accounts_reaches_the_application_and_no_secret_is_printed() {
    let folder = Folder::good();
    let accounts = "credential.a = { kind = \"bearer\", secret = \"env:CLIENT_SECRET\", owner = \"imaging\" }\n\
                    credential.b = { kind = \"basic\", user = \"b\", secret = \"env:CLIENT_SECRET\", owner = \"imaging\" }\n\
                    default_credential = \"a\"\n";
    folder.change(EHR, SERVER, &format!("{SERVER}{accounts}"));
    folder.change(EHR, "action = \"view\"", "action = \"view\"\ncredential = \"b\"");
    folder.change(ROLES, "actions = \"export\"", "actions = \"export\"\ncredential = \"b\"");
    let loaded = folder.load().unwrap();
    let credentials = &loaded.settings.upstreams[0].credentials;
    let chosen = |route: Option<&str>, rule: &str| {
        let route = route.map(|route| route.parse().unwrap());
        credentials.choose(route.as_ref(), &[rule.into()]).unwrap().to_string()
    };
    assert_eq!(chosen(None, "nurse/1"), "a");
    assert_eq!(chosen(None, "registrar/1"), "b");
    assert_eq!(chosen(Some("patient.open"), "nurse/1"), "b");
    let bearer = &credentials.by_name[&"a".parse().unwrap()];
    assert!(matches!(bearer, Credential::Header { value, .. } if value.is("Bearer correct horse")));
    assert!(!format!("{loaded:?}").contains("correct horse"));
}

#[test]
fn a_secret_is_found_where_it_stands_and_another_can_be_tried_in_its_place() {
    let folder = Folder::good();
    let accounts = "credential.a = { kind = \"bearer\", secret = \"file:../ehr-token\", test = \"/api?deep=1\" }\n\
                    credential.b = { kind = \"basic\", user = \"b\", secret = \"env:CLIENT_SECRET\", owner = \"imaging\" }\n";
    folder.change(EHR, SERVER, &format!("{SERVER}{accounts}"));
    folder.write("ehr-token", "old token\n");
    folder.mode("ehr-token", 0o600);
    let loaded = folder.load().unwrap();
    let place = |account: &str| {
        let key = Locations::secret_of(&"ehr".parse().unwrap(), &account.parse().unwrap());
        loaded.locations.secrets().get(&key).cloned()
    };
    let Some(SecretPlace::File(file)) = place("a") else { panic!("{:?}", loaded.locations.secrets()) };
    assert_eq!(file, folder.path("applications/../ehr-token"));
    assert_eq!(place("b"), Some(SecretPlace::Variable("CLIENT_SECRET".to_owned())));
    let tests = &loaded.settings.upstreams[0].credentials.tests;
    assert_eq!(tests.len(), 1);
    assert_eq!(tests[&"a".parse().unwrap()], "/api?deep=1");

    let version = loaded.settings.version;
    let tried = |text: &str| {
        let variable = |_: &str| Some("correct horse".to_owned());
        let instead = Some(Instead { file: &file, secret: &Secret::new(text.to_owned()) });
        load_in(
            &folder.path("leastway.toml"),
            &Surroundings { now: NOW, variable: &variable, instead, stand_in: None, kept: None },
        )
    };
    let loaded = tried("new token").unwrap();
    let credentials = &loaded.settings.upstreams[0].credentials.by_name;
    assert!(
        matches!(&credentials[&"a".parse().unwrap()], Credential::Header { value, .. } if value.is("Bearer new token"))
    );
    assert_eq!(loaded.settings.version, version, "a secret is no part of it");
    let problems = tried("new\ntoken").unwrap_err();
    assert_eq!(problems.0[0].what, "the secret has characters that a header cannot carry");
    assert!(!format!("{problems:?}").contains("token\""), "{problems:?}");
    assert_eq!(folder.read("ehr-token"), "old token\n");
}

fn check_all(cases: &[(&str, &'static str)]) {
    for (more, problem) in cases {
        let folder = Folder::good();
        let kept = if more.starts_with("upstream") { String::new() } else { SERVER.to_owned() };
        folder.change(EHR, SERVER, &format!("{kept}{more}"));
        let found: Vec<String> =
            folder.problems().iter().map(|found| format!("{}: {}", found.key, found.what)).collect();
        let found: Vec<String> =
            found.iter().map(|found| found.replace(&format!("{}/", folder.0.path().display()), "")).collect();
        assert_eq!(found, [problem.to_string()], "{more}\n{}", folder.report());
    }
}
