//! What is declared of pages: one change to a good configuration, and the one problem that it makes.

use super::Folder;
use super::catalogue::{EHR, case, check};
use crate::features::browser::settings::ScriptUse;

const SERVER: &str = "upstream = \"http://10.0.0.7:8080\"\n";

#[test]
fn origins_are_written_as_browsers_write_them() {
    let wrong = [
        ("https://portal.clinic.example/", "`https://portal.clinic.example/` is not an origin by TLS"),
        ("https://portal.clinic.example:443", "`https://portal.clinic.example:443` is not an origin by TLS"),
        ("https://Portal.clinic.example", "`https://Portal.clinic.example` is not an origin by TLS"),
        ("http://portal.clinic.example", "`http://portal.clinic.example` is not an origin by TLS"),
        ("*", "`*` is not an origin by TLS"),
        ("null", "`null` is not an origin by TLS"),
    ];
    for (origin, problem) in wrong {
        let folder = Folder::good();
        folder.change(EHR, SERVER, &format!("{SERVER}cors = {{ origins = [\"{origin}\"] }}\n"));
        let found: Vec<_> =
            folder.problems().iter().map(|found| (found.key.clone(), found.what.clone())).collect();
        assert_eq!(found, [("application.ehr.cors.origins[1]".to_owned(), problem.to_owned())]);
    }
}

#[test]
fn a_sign_out_names_a_path_of_the_application_and_cookies_of_its_own() {
    check(&[
        case(
            EHR,
            SERVER,
            "upstream = \"http://10.0.0.7:8080\"\nsign_out = { cookies = \"S\" }\n",
            "application.ehr.sign_out.path: `path` is missing",
        ),
        case(
            EHR,
            SERVER,
            "upstream = \"http://10.0.0.7:8080\"\nsign_out = { path = \"https://other.example/out\" }\n",
            "application.ehr.sign_out.path: `https://other.example/out` is no address of the application",
        ),
        case(
            EHR,
            SERVER,
            "upstream = \"http://10.0.0.7:8080\"\nsign_out = { path = \"/out\", cookies = \"__Host-leastway\" }\n",
            "application.ehr.sign_out.cookies: `__Host-leastway` is not the name of a cookie of the application",
        ),
        case(
            EHR,
            SERVER,
            "upstream = \"http://10.0.0.7:8080\"\nsign_out = { path = \"/out\", method = \"DELETE\" }\n",
            "application.ehr.sign_out.method: `DELETE` is not one of GET, POST",
        ),
        case(
            EHR,
            SERVER,
            "upstream = \"http://10.0.0.7:8080\"\nscript = \"yes\"\n",
            "application.ehr.script: `yes` is not one of none, serve, inject",
        ),
    ]);
}

#[test]
fn a_cookie_that_our_sign_out_may_never_see_is_a_warning() {
    let declared = "sign_out = { path = \"/out\", cookies = \"S\", cookie_path = PATHS }\n";
    let cases = [
        ("[\"/\"]", "", false),
        ("[\"/openmrs\"]", "", true),
        ("[\"/\", \"/openmrs\"]", "", true),
        ("[\"/openmrs\"]", "cookies = \"keep\"\n", false),
    ];
    for (paths, more, is_warned) in cases {
        let folder = Folder::good();
        folder.change(EHR, SERVER, &format!("{SERVER}{more}{}", declared.replace("PATHS", paths)));
        let warnings = folder.load().unwrap().warnings;
        let warned: Vec<_> = warnings.iter().map(|warning| warning.key.as_str()).collect();
        let expected = if is_warned { &["application.ehr.sign_out.cookies"][..] } else { &[] };
        assert_eq!(warned, expected, "{paths} {more}");
    }
}

#[test]
fn what_binds_a_caller_to_a_server_has_to_be_theirs() {
    let (kept, bound) =
        ("cookies = \"keep\"\n", "balance = { sticky = \"application_cookie\", cookie = \"S\" }\n");
    for (more, problems) in [(format!("{kept}{bound}"), 1), (kept.to_owned(), 0), (bound.to_owned(), 0)] {
        let folder = Folder::good();
        folder.change(EHR, SERVER, &format!("{SERVER}{more}"));
        let found = folder.problems();
        assert_eq!(found.len(), problems, "{}", folder.report());
        assert!(found.iter().all(|problem| problem.key == "application.ehr.cookies"));
    }
}

#[test]
fn what_is_not_declared_is_not_done() {
    let folder = Folder::good();
    let settings = folder.load().unwrap().settings;
    let browser = &settings.browsers[0];
    assert!(browser.cors.is_none() && browser.sign_out.is_none() && browser.script == ScriptUse::None);
    folder.change(
        EHR,
        SERVER,
        &format!("{SERVER}path = \"/ehr/\"\nsign_out = {{ path = \"/ehr/out\", cookies = \"S\" }}\n"),
    );
    folder.write(
        EHR,
        &folder
            .read(EHR)
            .replace("path = \"/p", "path = \"/ehr/p")
            .replace("path = \"/r", "path = \"/ehr/r")
            .replace("path = \"/s", "path = \"/ehr/s"),
    );
    let settings = folder.load().unwrap().settings;
    let sign_out = settings.browsers[0].sign_out.clone().unwrap();
    assert_eq!(sign_out.cookie_paths, ["/", "/ehr/", "/ehr"]);
    assert!(!sign_out.ends_session);
}
