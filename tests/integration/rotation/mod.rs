//! `leastway credential rotate`, on a gateway that runs and an application whose passwords change.

mod application;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use application::Hospital;
use leastway::cli::{Exit, run};
use leastway::domain::event::Event;

use crate::alone::is_alone;
use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;
use crate::traces::{Log, files_below, find};

const OLD: &str = "Zebra-7-Quartz";
const NEW: &str = "Heron-9-Basalt";
const KINDS: [&str; 4] = [
    "kind = \"basic\", user = \"leastway\"",
    "kind = \"bearer\"",
    "kind = \"header\", header = \"x-api-key\"",
    "kind = \"form\", user = \"leastway\", form = { page = \"/login\", action = \"/login\" }",
];
const TEST: &str = ", test = \"/patients\"";

/// A gateway in front of a hospital, with an account of this kind under the old secret.
struct Ward {
    house: House,
    hospital: Hospital,
}

/// What a run of the command has said.
#[derive(Debug)]
struct Said {
    exit: Exit,
    text: String,
}

impl Ward {
    async fn open(hospital: Hospital, kind: &str) -> Self {
        let house = House::furnish(Neighbors::Application(hospital.address), |directory| {
            let root = directory.root();
            std::fs::write(root.join("secrets/ehr"), format!("{OLD}\n")).unwrap();
            std::fs::write(root.join("secrets/new"), format!("{NEW}\n")).unwrap();
            let provider = "provider = \"clinic\"\n";
            let account = format!(
                "{provider}default_credential = \"reader\"\n\
                 credential.reader = {{ secret = \"file:../secrets/ehr\", {kind} }}\n"
            );
            edit(&root.join("applications/ehr.toml"), provider, &account);
        })
        .await;
        Self { house, hospital }
    }

    async fn basic(accepted: &[&str]) -> Self {
        Self::open(Hospital::open(accepted).await, &format!("{}{TEST}", KINDS[0])).await
    }

    fn secret(&self) -> PathBuf {
        self.house.file("secrets/ehr")
    }

    fn in_force(&self) -> String {
        std::fs::read_to_string(self.secret()).unwrap().trim().to_owned()
    }

    /// The files that a rotation has left beside the secret.
    fn left(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.house.file("secrets")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("ehr.")).collect()
    }

    fn typed(&self, verb: &str, from: Option<&str>) -> Vec<String> {
        let config = self.house.directory.configuration().display().to_string();
        let mut typed: Vec<String> =
            ["leastway", "credential", verb, "--config", &config].map(str::to_owned).into();
        typed.extend(["--application", "ehr", "--account", "reader"].map(str::to_owned));
        if let Some(from) = from {
            typed.extend(["--from".to_owned(), self.house.file(from).display().to_string()]);
        }
        typed
    }

    async fn say(&self, verb: &str, from: Option<&str>) -> Said {
        let typed = self.typed(verb, from);
        let said = tokio::task::spawn_blocking(move || {
            let (mut out, mut problems) = (Vec::new(), Vec::new());
            let exit = run(typed.into_iter().map(Into::into), &mut out, &mut problems);
            let text = String::from_utf8([out, problems].concat()).unwrap();
            Said { exit, text }
        });
        let said = said.await.unwrap();
        assert!(!said.text.contains(OLD) && !said.text.contains(NEW), "{said:?}");
        said
    }

    async fn rotate(&self) -> Said {
        self.say("rotate", Some("secrets/new")).await
    }

    /// Which secret the application is told on behalf of somebody who is signed in; or the status.
    async fn told(&self, cookie: &str) -> String {
        let mut line = self.house.line("ehr.localhost", Protocol::Http1).await;
        let reply = line.ask("/patients/100001", &[("cookie", cookie)]).await;
        if reply.status == 200 { reply.text } else { reply.status.to_string() }
    }

    /// Starts the command as a process, and kills it when `secret` has come for the given time.
    async fn kill_at(&self, secret: &str, times: usize) {
        self.hospital.stall(secret, times);
        let typed = self.typed("rotate", Some("secrets/new"));
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_leastway"))
            .args(&typed[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let came = || self.hospital.came().iter().filter(|came| *came == secret).count();
        while came() < times {
            assert!(child.try_wait().unwrap().is_none(), "it has ended by itself");
            // Another process is waited for: there is nothing that would wake us.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.hospital.recover();
    }

    /// What the journal tells of rotations.
    async fn stop(self) -> Vec<String> {
        let events = self.house.stop().await;
        let note = |event: &Event| {
            let note = event.opening.note.clone()?;
            let note = note.strip_prefix("rotation of a secret")?.trim_start_matches([':', ' ']).to_owned();
            assert_eq!(event.opening.application.as_ref().unwrap().as_str(), "ehr");
            assert_eq!(event.opening.credential.as_ref().unwrap().as_str(), "reader");
            Some(note.split([':', ',', ';']).next().unwrap_or_default().to_owned())
        };
        events.iter().filter_map(note).collect()
    }
}

const SWITCHED: &str = "the new one is in its file";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_takes_the_place_of_the_old_one_whatever_the_kind_of_account() {
    for kind in KINDS {
        let ward = Ward::open(Hospital::open(&[OLD]).await, &format!("{kind}{TEST}")).await;
        let cookie = ward.house.cookie_of("nurse").await;
        assert_eq!(ward.told(&cookie).await, OLD, "{kind}");
        assert_eq!(ward.say("test", None).await.exit, Exit::Ok, "{kind}");

        ward.hospital.accept(&[NEW]);
        let before = ward.hospital.came().len();
        let said = ward.rotate().await;
        assert_eq!(said.exit, Exit::Ok, "{kind}: {said:?}");
        assert!(said.text.contains("old secret: refused, new secret: accepted"), "{said:?}");
        let tried = ward.hospital.came()[before..].to_vec();
        assert_eq!(tried, [OLD, NEW], "{kind}: one sign-in that fails, and then one that does not");
        assert_eq!(ward.in_force(), NEW);
        assert!(ward.left().is_empty(), "{:?}", ward.left());
        // By a form: nobody goes on in a session that the old password has opened.
        assert_eq!(ward.told(&cookie).await, NEW, "{kind}");
        assert_eq!(ward.say("test", None).await.exit, Exit::Ok, "{kind}");
        assert_eq!(ward.stop().await, ["begun", SWITCHED, "ended"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_that_the_application_refuses_changes_nothing() {
    for kind in KINDS {
        let ward = Ward::open(Hospital::open(&[OLD]).await, &format!("{kind}{TEST}")).await;
        let cookie = ward.house.cookie_of("nurse").await;
        let said = ward.rotate().await;
        assert_eq!(said.exit, Exit::No, "{said:?}");
        assert!(
            said.text
                .contains("nothing has changed: the application does not accept the new secret (refused)"),
            "{said:?}"
        );
        assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
        assert_eq!(ward.told(&cookie).await, OLD, "{kind}");
        assert!(ward.stop().await.is_empty(), "nothing was begun");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_secret_that_is_still_accepted_is_said_and_kept_until_it_is_dead() {
    for kind in KINDS {
        let ward = Ward::open(Hospital::open(&[OLD, NEW]).await, &format!("{kind}{TEST}")).await;
        let cookie = ward.house.cookie_of("nurse").await;
        assert_eq!(ward.told(&cookie).await, OLD);
        let said = ward.rotate().await;
        assert_eq!(said.exit, Exit::Remains, "{kind}: {said:?}");
        assert!(said.text.contains("STILL ACCEPTS THE OLD SECRET"), "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left()), (NEW, vec!["ehr.before".to_owned()]));
        assert_eq!(
            ward.told(&cookie).await,
            NEW,
            "{kind}: not even in a session that the old one has opened"
        );

        // Neither forgotten nor overwritten by the next one.
        std::fs::write(ward.house.file("secrets/newer"), "Marten-3-Slate").unwrap();
        let said = ward.say("rotate", Some("secrets/newer")).await;
        assert_eq!(said.exit, Exit::No, "{said:?}");
        assert!(said.text.contains("the last rotation comes first"), "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left()), (NEW, vec!["ehr.before".to_owned()]));

        ward.hospital.accept(&[NEW]);
        let said = ward.say("rotate", None).await;
        assert_eq!(said.exit, Exit::Ok, "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left().len()), (NEW, 0));
        let told = ward.stop().await;
        assert_eq!(told.first().map(String::as_str), Some("begun"));
        assert_eq!(told.last().map(String::as_str), Some("ended"));
        assert_eq!(told.iter().filter(|note| *note == "not ended").count(), 2, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_secret_of_which_nothing_is_known_is_kept_and_a_server_that_is_down_is_left_out() {
    // Bound, and listens to nobody: while the test runs, no other server gets the port.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let down = bound.local_addr().unwrap();
    let ward = Ward::basic(&[NEW]).await;
    let ehr = ward.house.file("applications/ehr.toml");
    let here = format!("\"http://{}\"", ward.hospital.address);
    let text = std::fs::read_to_string(&ehr).unwrap();
    let one = text.lines().find(|line| line.starts_with("upstream = ")).unwrap();
    edit(&ehr, one, &format!("upstream = [{here}, \"http://{down}\"]"));
    ward.house.running.reload().await;
    ward.hospital.lock(OLD);
    let said = ward.rotate().await;
    assert_eq!(said.exit, Exit::Remains, "{said:?}");
    assert!(said.text.contains("not known whether") && said.text.contains("423"), "{said:?}");
    assert!(said.text.contains(&format!("{down}: not asked, for no connection")), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left()), (NEW, vec!["ehr.before".to_owned()]));
    ward.hospital.recover();
    assert_eq!(ward.say("rotate", None).await.exit, Exit::Ok);
    ward.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_goes_down_after_the_switch_leads_back_to_the_old_secret() {
    let ward = Ward::basic(&[OLD, NEW]).await;
    // It has accepted both, and then takes no further connection.
    ward.hospital.on(|hospital, secret, times| {
        if (secret, times) == (NEW, 1) {
            hospital.fall();
        }
    });
    let said = ward.rotate().await;
    assert_eq!(said.exit, Exit::No, "{said:?}");
    assert!(said.text.contains("rolled back to the old secret: the application cannot be asked"), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
    assert_eq!(ward.stop().await, ["begun", SWITCHED, "rolled back"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_is_down_from_the_beginning_changes_nothing() {
    let ward = Ward::basic(&[OLD]).await;
    ward.hospital.fall();
    let said = ward.rotate().await;
    assert_eq!(said.exit, Exit::No, "{said:?}");
    assert!(said.text.contains("nothing has changed: the application cannot be asked"), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
    assert!(ward.stop().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_does_not_take_the_new_secret_leads_back_unless_the_old_one_is_dead() {
    for (accepted, exit, in_force) in [(&[OLD, NEW][..], Exit::No, OLD), (&[NEW], Exit::Halfway, NEW)] {
        let ward = Ward::basic(accepted).await;
        let roles = ward.house.file("roles.toml");
        let good = std::fs::read(&roles).unwrap();
        // Somebody saves a broken file in the meantime.
        let broken = roles.clone();
        ward.hospital.on(move |_, secret, times| {
            if (secret, times) == (NEW, 1) {
                append(&broken, "[role.");
            }
        });
        let said = ward.rotate().await;
        assert_eq!(said.exit, exit, "{said:?}");
        assert!(said.text.contains("the gateway does not take the files"), "{said:?}");
        assert!(said.text.contains("roles.toml"), "{said:?}");
        assert_eq!(ward.in_force(), in_force);

        std::fs::write(&roles, good).unwrap();
        ward.hospital.accept(&[NEW]);
        let again = if exit == Exit::Halfway { None } else { Some("secrets/new") };
        ward.hospital.on(|_, _, _| {});
        let said = ward.say("rotate", again).await;
        assert_eq!(said.exit, Exit::Ok, "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left().len()), (NEW, 0));
        let cookie = ward.house.cookie_of("nurse").await;
        assert_eq!(ward.told(&cookie).await, NEW);
        ward.house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_written_changes_nothing() {
    for (taken, exit) in [("ehr.next", Exit::No), ("ehr.before", Exit::No)] {
        let ward = Ward::basic(&[OLD, NEW]).await;
        // A folder stands where the file is to be.
        std::fs::create_dir(ward.house.file("secrets").join(taken)).unwrap();
        let said = ward.rotate().await;
        assert_eq!(said.exit, exit, "{said:?}");
        assert!(said.text.contains("nothing has changed") && said.text.contains(taken), "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left()), (OLD, vec![taken.to_owned()]));
        let cookie = ward.house.cookie_of("nurse").await;
        assert_eq!(ward.told(&cookie).await, OLD);
        assert!(ward.stop().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_cannot_be_made_leaves_the_old_secret_in_force() {
    let ward = Ward::basic(&[OLD, NEW]).await;
    let taken = ward.house.file("secrets/ehr.before");
    // When the new secret is proven and the old one is to be kept, a folder stands in its place.
    ward.hospital.on(move |_, secret, _| {
        if secret == NEW {
            std::fs::create_dir(&taken).unwrap();
        }
    });
    let said = ward.rotate().await;
    assert_eq!(said.exit, Exit::No, "{said:?}");
    assert!(said.text.contains("nothing has changed") && said.text.contains("ehr.before"), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left()), (OLD, vec!["ehr.before".to_owned()]));
    let cookie = ward.house.cookie_of("nurse").await;
    assert_eq!(ward.told(&cookie).await, OLD);
    assert_eq!(ward.stop().await, ["begun", "rolled back"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_is_ended_by_the_next_one() {
    // Before the switch: the new secret comes for the first time.
    let ward = Ward::basic(&[NEW]).await;
    ward.kill_at(NEW, 1).await;
    assert_eq!((ward.in_force().as_str(), ward.left()), (OLD, vec!["ehr.next".to_owned()]));
    ward.hospital.ail();
    let said = ward.say("rotate", None).await;
    assert!(said.exit == Exit::No && said.text.contains("a stranger is answered 503"), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left()), (OLD, vec!["ehr.next".to_owned()]), "it is not lost");
    ward.hospital.recover();
    let said = ward.say("rotate", None).await;
    assert_eq!(said.exit, Exit::Ok, "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (NEW, 0));
    assert_eq!(ward.stop().await, ["begun", SWITCHED, "ended"]);

    // After the switch: the old secret comes for the second time.
    let ward = Ward::basic(&[OLD, NEW]).await;
    ward.kill_at(OLD, 2).await;
    assert_eq!((ward.in_force().as_str(), ward.left()), (NEW, vec!["ehr.before".to_owned()]));
    ward.hospital.accept(&[NEW]);
    let said = ward.say("rotate", None).await;
    assert_eq!(said.exit, Exit::Ok, "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (NEW, 0));
    assert_eq!(ward.stop().await, ["begun", SWITCHED, SWITCHED, "ended"]);

    // The same, and the application has gone back to the old one meanwhile.
    let ward = Ward::basic(&[OLD, NEW]).await;
    ward.kill_at(OLD, 2).await;
    ward.hospital.accept(&[OLD]);
    let said = ward.say("rotate", None).await;
    assert_eq!(said.exit, Exit::No, "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
    let cookie = ward.house.cookie_of("nurse").await;
    assert_eq!(ward.told(&cookie).await, OLD);
    assert_eq!(ward.stop().await, ["begun", SWITCHED, "rolled back"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_neither_secret_is_accepted_a_third_one_ends_it() {
    let ward = Ward::basic(&[OLD, NEW]).await;
    ward.kill_at(OLD, 2).await;
    ward.hospital.accept(&["Marten-3-Slate"]);
    let said = ward.say("rotate", None).await;
    assert_eq!(said.exit, Exit::Halfway, "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left()), (NEW, vec!["ehr.before".to_owned()]));
    std::fs::write(ward.house.file("secrets/third"), "Marten-3-Slate").unwrap();
    let said = ward.say("rotate", Some("secrets/third")).await;
    assert_eq!(said.exit, Exit::Ok, "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), ("Marten-3-Slate", 0));
    ward.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_rotated_is_said_with_what_to_do() {
    let cases = [
        (KINDS[1], "", "has no `test`"),
        (KINDS[1], ", test = \"/login\"", "to anybody, so it tells nothing"),
    ];
    for (kind, test, expected) in cases {
        let ward = Ward::open(Hospital::open(&[OLD, NEW]).await, &format!("{kind}{test}")).await;
        let said = ward.rotate().await;
        assert_eq!(said.exit, Exit::No, "{said:?}");
        assert!(said.text.contains(expected), "{said:?}");
        assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
        ward.house.stop().await;
    }
    let ward = Ward::basic(&[OLD, NEW]).await;
    let said = ward.say("rotate", None).await;
    assert!(said.exit == Exit::No && said.text.contains("no rotation is under way"), "{said:?}");
    let said = ward.say("rotate", Some("secrets/ehr")).await;
    assert!(said.exit == Exit::No && said.text.contains("is the one that is in force"), "{said:?}");

    // Whoever runs it on other files than the gateway does nothing with them.
    append(&ward.house.file("roles.toml"), "# a change that was not taken");
    let said = ward.rotate().await;
    assert!(said.exit == Exit::No && said.text.contains("the gateway runs on version"), "{said:?}");

    let ehr = ward.house.file("applications/ehr.toml");
    append(&ehr, "[application.ehr.credential.other]\nkind = \"bearer\"\nsecret = \"file:../secrets/ehr\"");
    let said = ward.rotate().await;
    assert!(said.exit == Exit::No && said.text.contains("credential.other.secret`, too"), "{said:?}");
    edit(&ehr, "secret = \"file:../secrets/ehr\", kind", "secret = \"env:PATH\", kind");
    let said = ward.rotate().await;
    assert!(said.exit == Exit::No && said.text.contains("the variable `PATH` of the gateway's"), "{said:?}");
    assert_eq!((ward.in_force().as_str(), ward.left().len()), (OLD, 0));
    let Ward { house, .. } = ward;
    edit(&ehr, "secret = \"env:PATH\", kind", "secret = \"file:../secrets/new\", kind");
    let root = house.directory.configuration();
    house.running.stop().await.unwrap();
    let typed =
        ["leastway", "credential", "rotate", "--application", "ehr", "--account", "reader", "--config"];
    let typed = typed.map(Into::into).into_iter().chain([root.into_os_string()]);
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let exit = tokio::task::block_in_place(|| run(typed, &mut out, &mut problems));
    let problems = String::from_utf8(problems).unwrap();
    assert!(exit == Exit::No && problems.contains("the gateway does not answer at"), "{problems}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_secret_stands_in_a_log_an_event_an_error_or_any_other_file() {
    if !is_alone("rotation::neither_secret_stands_in_a_log_an_event_an_error_or_any_other_file") {
        return;
    }
    let log = Log::keep();
    for kind in KINDS {
        let ward = Ward::open(Hospital::open(&[OLD]).await, &format!("{kind}{TEST}")).await;
        let cookie = ward.house.cookie_of("nurse").await;
        let mut said = vec![ward.rotate().await];
        ward.hospital.accept(&[OLD, NEW]);
        said.push(ward.rotate().await);
        ward.told(&cookie).await;
        ward.hospital.accept(&[NEW]);
        said.push(ward.say("rotate", None).await);
        ward.told(&cookie).await;
        let exits: Vec<Exit> = said.iter().map(|said| said.exit).collect();
        assert_eq!(exits, [Exit::No, Exit::Remains, Exit::Ok], "{said:?}");
        let (_, metrics) = ward.house.control("/metrics").await;
        let mut places = vec![("metrics".to_owned(), metrics.into_bytes())];
        let root = ward.house.directory.root().to_owned();
        ward.hospital.fall();
        ward.house.running.stop().await.unwrap();
        files_below(&root, &mut places);
        let own = ["secrets/ehr", "secrets/new"].map(|name| root.join(name).display().to_string());
        places.retain(|(place, _)| !own.contains(place));
        assert!(places.iter().any(|(place, _)| place.ends_with(".segment")), "the journal is looked into");
        places.push(("log".to_owned(), log.bytes()));
        for (place, bytes) in &places {
            for secret in [OLD, NEW, "bGVhc3R3YXk6WmVicmEt", "bGVhc3R3YXk6SGVyb24t"] {
                assert!(!find(bytes, secret), "{kind}: a secret stands in {place}");
            }
        }
    }
    assert!(find(&log.bytes(), "new rules are in force"), "the log was kept");
}
