//! What privacy officers try before it counts, on what a gateway has recorded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use leastway::cli::{Exit, run};
use leastway::domain::event::Verdict;
use leastway::foundation::clock::{Clock as _, SystemClock};
use serde_json::Value;

use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;

/// What a command says, and how it ends.
fn typed(words: &[&str]) -> (Exit, String) {
    let words = ["leastway"].iter().chain(words).map(OsString::from);
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let exit = run(words, &mut out, &mut problems);
    assert_eq!(String::from_utf8_lossy(&problems), "");
    (exit, String::from_utf8(out).unwrap())
}

/// What it says once the journal has all that it waits for: a closing entry comes a moment after its reply.
async fn typed_when(words: &[&str], is_there: impl Fn(&str) -> bool) -> (Exit, String) {
    for _ in 0..200 {
        let (exit, said) = typed(words);
        if is_there(&said) {
            return (exit, said);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{}", typed(words).1);
}

fn json(said: &str) -> Value {
    serde_json::from_str(said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Roles under which registrars look at nothing that is opened, only at lists, and nurses open one patient in a shift.
fn stricter_roles(root: &Path) -> PathBuf {
    let file = root.join("candidate-roles.toml");
    std::fs::copy(root.join("roles.toml"), &file).unwrap();
    edit(
        &file,
        "actions = [\"view\", \"search\", \"list\"]\ncategories = [\"demographics\", \"schedule\"]  # and no charts",
        "actions = [\"search\", \"list\"]\ncategories = [\"demographics\", \"schedule\"]",
    );
    edit(&file, "patients_opened_per_shift = 40", "patients_opened_per_shift = 1");
    file
}

fn candidate(root: &Path) -> PathBuf {
    stricter_roles(root);
    let main = root.join("candidate.toml");
    std::fs::copy(root.join("leastway.toml"), &main).unwrap();
    edit(&main, "\"roles.toml\"", "\"candidate-roles.toml\"");
    main
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_is_decided_again_under_a_candidate() {
    let house = House::open(Neighbors::All).await;
    let (registrar, nurse) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for (cookie, path) in [
        (&registrar, "/patients/100001"),
        (&registrar, "/patients/100002"),
        (&registrar, "/search?name=Ruiz"),
        (&nurse, "/patients/100001"),
        (&nurse, "/patients/100002"),
        (&nurse, "/patients/100001"),
    ] {
        assert_eq!(line.ask(path, &[("cookie", cookie)]).await.status, 200, "{path}");
    }
    let (root, journal) = (house.directory.root().to_owned(), house.directory.journal());
    let candidate = candidate(&root);
    let (main, candidate) = (house.directory.configuration(), candidate.to_str().unwrap());
    let (main, journal) = (main.to_str().unwrap(), journal.to_str().unwrap());

    let (exit, said) = typed(&["policy", "diff", main, candidate, "--json"]);
    assert_eq!(exit, Exit::No);
    let changes = json(&said)["changes"].clone();
    let told = |index: usize| [&changes[index]["id"], &changes[index]["direction"], &changes[index]["what"]];
    assert_eq!(told(0), ["registrar/1", "narrower", "actions: view, search, list → search, list"]);
    assert_eq!(told(1), ["nurse/patients_opened_per_shift", "narrower", "40 → 1"]);

    let replay = ["policy", "replay", "--journal", journal, "--json"];
    let all = |said: &str| json(said)["limits"].as_array().is_some_and(|limits| !limits.is_empty());
    let (exit, said) = typed_when(&[&replay[..], &[candidate]].concat(), all).await;
    assert_eq!(exit, Exit::No, "{said}");
    let report = json(&said);
    let change = &report["changes"][0];
    assert_eq!(
        (&change["from"], &change["to"], &change["reason"], &change["route"]),
        (&"permit".into(), &"deny".into(), &"no-rule-matched".into(), &"patient.open".into()),
        "{said}"
    );
    assert_eq!(
        (&change["rules_then"][0], &change["times"], &change["people"]),
        (&"registrar/1".into(), &2.into(), &1.into())
    );
    let limit = &report["limits"][0];
    assert_eq!(
        (&limit["limit"], &limit["allowed"], &limit["largest"]),
        (&"patients_opened_per_shift".into(), &1.into(), &2.into())
    );
    assert_eq!(
        (&limit["then"], &limit["times"]),
        (&"advise".into(), &1.into()),
        "care goes on, and a chart that was open is free"
    );
    assert!(!said.contains("10000") && !said.contains("Ruiz"), "no patient, no value: {said}");

    let (exit, said) = typed(&[&replay[..], &[main]].concat());
    assert_eq!(exit, Exit::Ok, "the rules in force say what they said: {said}");
    assert_eq!(json(&said)["undecidable"], serde_json::json!({}));
    // It proves, for which it has a runtime of its own.
    let tighten = ["policy", "tighten", "--config", main, "--journal", journal];
    let (exit, said) = tokio::task::block_in_place(|| typed(&tighten));
    assert_eq!(exit, Exit::No);
    let removed =
        " # registrar/2: not once\n-[[role.registrar.may]]\n-application = \"ehr\"\n-actions = [\"export\"]";
    assert!(
        said.contains(removed)
            && said
                .contains("-actions = [\"view\", \"search\", \"list\"]\n+actions = [\"view\", \"search\"]"),
        "{said}"
    );
    // Whether it is proven depends on whether there is a solver here; that it fails does not.
    let proof = said.lines().last().unwrap();
    let is_proven = proof == "# proven: nothing is permitted that was not permitted before";
    assert!(is_proven || proof.starts_with("# not proven, since there is no solver here: "), "{said}");
    let (_, said) = tokio::task::block_in_place(|| typed(&[&tighten[..], &["--json"]].concat()));
    let result = if is_proven { "proven" } else { "no_solver" };
    assert_eq!(json(&said)["proof"]["result"], result, "{said}");
    drop(line);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_in_the_shadow_are_told_and_stop_nobody() {
    let house = House::furnish(Neighbors::All, |directory| {
        stricter_roles(directory.root());
        append(&directory.configuration(), "[shadow]\ninclude = [\"candidate-roles.toml\"]");
        append(
            &directory.root().join("policies/clinic.cedar"),
            "@id(\"tried\") @shadow\nforbid (principal in Role::\"nurse\", action, resource == Route::\"ehr/chart.open\");",
        );
    })
    .await;
    let (registrar, nurse) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for (cookie, path) in [
        (&registrar, "/patients/100001"),
        (&registrar, "/patients/100001"),
        (&registrar, "/search?name=Ruiz"),
        (&nurse, "/patients/100001"),
        (&nurse, "/patients/100001/chart"),
    ] {
        assert_eq!(line.ask(path, &[("cookie", cookie)]).await.status, 200, "{path}");
    }
    assert_eq!(line.ask("/patients/100001/chart", &[("cookie", &registrar)]).await.status, 403);
    assert!(house.metric("leastway_shadow_decisions_total").await >= 6);
    let (_, metrics) = house.control("/metrics").await;
    let differing =
        "leastway_shadow_decisions_total{application=\"ehr\",verdict=\"deny\",differs=\"true\"} 4";
    assert!(metrics.contains(differing), "{metrics}");
    let journal = house.directory.journal();
    let query = ["audit", "query", "--journal", journal.to_str().unwrap(), "--shadow-differs", "--json"];
    let (_, said) = typed_when(&query, |said| said.lines().count() == 4).await;
    assert!(said.lines().all(|line| line.contains("\"shadow\":{\"decision\":\"deny\"")), "{said}");
    drop(line);
    let events = house.stop().await;
    let shadows = events.iter().filter_map(|event| Some((&event.opening, event.opening.shadow.as_deref()?)));
    let differing: Vec<_> = shadows.clone().filter(|(_, shadow)| shadow.differs).collect();
    assert!(differing.iter().all(|(opening, _)| opening.verdict == Verdict::Permit));
    let forbidden = differing.iter().filter(|(_, shadow)| shadow.rules.iter().any(|rule| &**rule == "tried"));
    assert_eq!(
        (differing.len(), forbidden.count()),
        (4, 1),
        "two charts, the first page, and what is forbidden"
    );
    let agreeing: Vec<_> =
        shadows.filter(|(opening, shadow)| !shadow.differs && opening.verdict == shadow.decision).collect();
    assert!(agreeing.iter().any(|(_, shadow)| shadow.decision == Verdict::Deny));
    assert!(agreeing.iter().any(|(_, shadow)| shadow.decision == Verdict::Permit));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_observed_becomes_routes_that_can_be_included() {
    let house = House::furnish(Neighbors::All, |directory| {
        let ehr = directory.root().join("applications/ehr.toml");
        edit(&ehr, "unmatched = \"deny\"", "unmatched = \"observe\"");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for path in [
        "/lab/results/4711?limit=500",
        "/lab/results/4712?limit=20&Rosa%20Ruiz",
        "/lab/orders",
        "/lab/file/9",
    ] {
        assert_eq!(line.ask(path, &[("cookie", &cookie)]).await.status, 200, "{path}");
    }
    let journal = house.directory.journal();
    let learn = ["policy", "learn", "--journal", journal.to_str().unwrap(), "--application", "ehr"];
    let (exit, said) = typed_when(&learn, |said| said.contains(" as 4 requests ")).await;
    assert_eq!(exit, Exit::Ok);
    assert!(said.contains("match = { method = [\"GET\"], path = \"/lab/results/{id}\" }"), "{said}");
    assert!(said.contains("path = \"/lab/orders\"") && said.contains("parameter `limit`"), "{said}");
    assert!(!said.contains("4711") && !said.contains("Ruiz"), "no value: {said}");

    append(&house.directory.root().join("applications/ehr.toml"), &said);
    let main = house.directory.configuration();
    let (exit, valid) = typed(&["validate", "--config", main.to_str().unwrap()]);
    assert_eq!(exit, Exit::Ok, "{valid}");
    drop(line);
    let events = house.stop().await;
    let observed: Vec<_> =
        events.iter().filter_map(|event| event.closing.as_ref()?.observed.clone()).collect();
    assert_eq!(observed.len(), 4);
    assert!(observed.iter().all(|observed| observed.media_type.is_some()));
    let others = events.iter().filter(|event| event.opening.route.is_some());
    assert!(others.filter_map(|event| event.closing.as_ref()).all(|closing| closing.observed.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_proposed_where_they_stand_in_what_was_observed() {
    let house = House::furnish(Neighbors::All, |directory| {
        let ehr = directory.root().join("applications/ehr.toml");
        edit(&ehr, "unmatched = \"deny\"", "unmatched = \"observe\"");
    })
    .await;
    let kinds = [
        ("members", "kind = \"json\", records = \"/data\""),
        ("results", "kind = \"json\", records = \"/results/items\""),
        ("bundle", "kind = \"fhir\""),
        ("lines", "kind = \"ndjson\""),
        ("rows", "kind = \"csv\""),
        ("table", "kind = \"html\", rows = \"table tbody tr\""),
        ("file", "kind = \"opaque\""),
    ];
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for (kind, _) in kinds {
        let reply = line.ask(&format!("/archive/{kind}"), &[("cookie", &cookie)]).await;
        assert_eq!(reply.status, 200, "{kind}: nobody is held to what is only observed");
    }
    let journal = house.directory.journal();
    let learn = ["policy", "learn", "--journal", journal.to_str().unwrap(), "--application", "ehr"];
    let (exit, said) = typed_when(&learn, |said| said.contains(" as 7 requests ")).await;
    assert_eq!(exit, Exit::Ok);
    for (kind, reply) in kinds {
        let (_, of) = said.split_once(&format!("name = \"archive.{kind}\"")).unwrap();
        let told = of.split_once("\n\n").map_or(of, |(of, _)| of);
        assert!(told.contains(&format!("reply = {{ {reply} }}")), "{kind}: {said}");
    }
    assert_eq!(said.matches("300 records in one reply").count(), 6, "{said}");
    assert_eq!(said.matches("# Candidate export: ").count(), 7, "{said}");

    append(&house.directory.root().join("applications/ehr.toml"), &said);
    let main = house.directory.configuration();
    let (exit, valid) = typed(&["validate", "--config", main.to_str().unwrap()]);
    assert_eq!(exit, Exit::Ok, "{valid}");
    drop(line);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_of_two_dates_are_compared_although_their_files_are_gone() {
    let house = House::open(Neighbors::All).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    line.ask("/patients/100001", &[]).await;
    let before = SystemClock.now().plus(Duration::from_millis(1));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (root, journal) = (house.directory.root().to_owned(), house.directory.journal());
    let house = house
        .restart_after(|| std::fs::rename(stricter_roles(&root), root.join("roles.toml")).unwrap())
        .await;
    house.running.stop().await.unwrap();
    std::fs::remove_file(root.join("roles.toml")).unwrap();

    let compare = |old: &str, new: &str| {
        let words = ["leastway", "policy", "diff", "--json", "--journal", journal.to_str().unwrap()];
        let words = words.into_iter().chain(["--as-of", old, "--as-of", new]).map(OsString::from);
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let exit = run(words, &mut out, &mut problems);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap())
    };
    let before = before.to_string();
    let (exit, said, problems) = compare(&before, "0s");
    assert_eq!(exit, Exit::No, "{problems}");
    let changes = json(&said)["changes"].clone();
    assert_eq!(changes[0]["id"], "registrar/1", "{said}");
    assert_eq!(changes[0]["direction"], "narrower", "{said}");
    let (exit, said, _) = compare(&before, &before);
    assert_eq!((exit, json(&said)["changes"].as_array().map(Vec::len)), (Exit::Ok, Some(0)), "{said}");
    let (exit, _, problems) = compare("2000-01-01T00:00:00Z", "0s");
    assert!(exit == Exit::No && problems.contains("no event before"), "{problems}");
}
