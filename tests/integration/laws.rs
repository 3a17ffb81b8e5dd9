//! What the law of a kind of data forbids, through a whole gateway: notes are their originator's, records of a programme follow
//! 42 CFR part 2, and events, applications and people are told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::domain::category::Sensitivity;
use leastway::domain::event::Verdict;
use leastway::domain::law::Law;
use leastway::domain::reason::Reason;
use serde_json::Value;

use crate::house::{House, append, edit};
use crate::line::{Came, Protocol};

const ROUTES: &str = r#"
[[application.ehr.route]]
name = "notes.open"
match = { path = "/notes/{patient}" }
action = "view"
category = ["psychotherapy"]

[[application.ehr.route]]
name = "programme.open"
match = { path = "/programme/{patient}" }
action = "view"
category = ["sud"]

[[application.ehr.route]]
name = "hiv.open"
match = { path = "/hiv/{patient}" }
action = "view"
category = ["hiv", "clinical"]
"#;

/// Who wrote about whom, and which patients of the programme have consented.
const FEEDS: &str = r#"
[feed.notes]
kind = "relationship"
file = "feeds/notes.csv"
applications = ["ehr"]
provider = "clinic"
relationship = "originator"
max_age = "1h"

[feed.consents]
kind = "patient"
file = "feeds/consents.csv"
applications = ["ehr"]
columns = { flags = "marks" }
flags = { sud-consent = "C" }
max_age = "1h"

[category.sud]
consent = "sud-consent"
"#;

/// A file that permits everything to two roles, as none should.
const ALL: &str = r#"
@id("all-the-ward")
permit (principal in Role::"nurse", action, resource in Application::"ehr");
@id("all-the-desk")
permit (principal in Role::"registrar", action, resource in Application::"ehr");
"#;

async fn house(purpose_of_the_desk: &str) -> House {
    House::with_routes(ROUTES, |directory| {
        let root = directory.root();
        append(&directory.configuration(), FEEDS);
        append(&root.join("policies/clinic.cedar"), ALL);
        std::fs::write(root.join("feeds/notes.csv"), "person,patient\nnurse,100001\n").unwrap();
        std::fs::write(root.join("feeds/consents.csv"), "patient,marks\n100001,C\n100002,\n").unwrap();
        let roles = root.join("roles.toml");
        edit(&roles, "purposes = [\"operations\"]", &format!("purposes = [\"{purpose_of_the_desk}\"]"));
        edit(&roles, "on_exceed = \"block\"                        # advise", "on_exceed = \"advise\" # advise");
        edit(
            &roles,
            "[[role.nurse.may]]                         # who cares",
            "[[role.nurse.may]]\napplication = \"ehr\"\nactions = [\"view\"]\ncategories = [\"psychotherapy\"]\n\
             when = { relationship = [\"originator\"] }\n\n[[role.nurse.may]] # who cares",
        );
    })
    .await
}

/// What the application was told of the data.
fn asserted(came: &Came) -> (Value, Value) {
    let (_, rest) = came.text.split_once("x-leastway-assertion: ").unwrap_or_else(|| panic!("{}", came.text));
    let claims = URL_SAFE_NO_PAD.decode(rest.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    (claims["sensitivity"].clone(), claims["laws"].clone())
}

fn told(came: &Came) -> (u16, &str) {
    (came.status.as_u16(), came.reason())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_are_opened_by_who_wrote_them_and_neither_by_a_reason_nor_by_breaking_the_glass() {
    let house = house("break_glass").await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let own = line.ask("/notes/100001", &[("cookie", &ward)]).await;
    assert_eq!(told(&own), (200, ""));
    assert_eq!(asserted(&own), (serde_json::json!(["PSYTHPN"]), serde_json::json!(["psychotherapy_notes"])));
    let plain = line.ask("/patients/100001", &[("cookie", &ward)]).await;
    assert_eq!(asserted(&plain), (Value::Null, Value::Null), "of other data nothing is said");

    let before = house.reached();
    let others = line.ask("/notes/100002", &[("cookie", &ward), ("accept", "text/html")]).await;
    assert_eq!(told(&others), (403, "psychotherapy-notes"));
    assert!(others.text.contains("45 CFR 164.508(a)(2)") && others.text.contains("who wrote them"));
    let here = format!("https://ehr.localhost:{}", house.ports.gateway);
    let form = [
        ("cookie", ward.as_str()),
        ("origin", here.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let reason = b"code=care-coordination&text=It+is+urgent&return_to=%2Fnotes%2F100002";
    let given = line.post("/.leastway/justify", &form, reason).await;
    assert_eq!(given.status, 303, "{}", given.text);
    assert_eq!(told(&line.ask("/notes/100002", &[("cookie", &ward)]).await), (403, "psychotherapy-notes"));
    for patient in ["100001", "100002"] {
        let broken = line.ask(&format!("/notes/{patient}"), &[("cookie", &desk)]).await;
        assert_eq!(told(&broken), (403, "psychotherapy-notes"));
    }
    assert_eq!(house.reached(), before, "nothing has come through");
    assert_eq!(told(&line.ask("/programme/100002", &[("cookie", &desk)]).await), (200, ""), "42 CFR 2.51");

    let events = house.stop().await;
    let of_notes: Vec<_> = events
        .iter()
        .filter(|event| event.opening.route.as_ref().is_some_and(|route| route.as_str() == "notes.open"))
        .collect();
    assert_eq!(of_notes.len(), 5);
    for event in &of_notes {
        let opening = &event.opening;
        assert_eq!(&*opening.sensitivity, [Sensitivity::Psythpn]);
        assert_eq!(&*opening.laws, [Law::PsychotherapyNotes]);
        if opening.verdict != Verdict::Permit {
            assert_eq!(
                (opening.reasons[0], &*opening.rules[0]),
                (Reason::PsychotherapyNotes, "law/psychotherapy")
            );
        }
    }
    let permitted = of_notes.iter().filter(|event| event.opening.verdict == Verdict::Permit);
    let relationships: Vec<_> = permitted.flat_map(|event| &event.opening.relationships).collect();
    assert_eq!(relationships.len(), 1);
    assert_eq!(relationships[0].relationship, "originator");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_programme_take_consent_and_say_what_they_are() {
    const NOTICE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these records.";
    let house = house("payment").await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let notice =
        |came: &Came| came.headers.get("x-leastway-notice").map(|text| text.to_str().unwrap().to_owned());
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let consented = line.ask("/programme/100001", &[("cookie", &desk)]).await;
        assert_eq!((told(&consented), notice(&consented).as_deref()), ((200, ""), Some(NOTICE)));
        assert_eq!(asserted(&consented).1, serde_json::json!(["sud_records"]));
        for patient in ["100002", "100900"] {
            let refused = line
                .ask(&format!("/programme/{patient}"), &[("cookie", &desk), ("accept", "text/html")])
                .await;
            assert_eq!(told(&refused), (403, "sud-records"), "{patient}");
            assert!(refused.text.contains("42 CFR part 2"), "{}", refused.text);
        }
        let care = line.ask("/programme/100002", &[("cookie", &ward)]).await;
        assert_eq!(
            (told(&care), notice(&care).as_deref()),
            ((200, ""), Some(NOTICE)),
            "care needs no consent"
        );
        let hiv = line.ask("/hiv/100002", &[("cookie", &ward)]).await;
        assert_eq!((told(&hiv), notice(&hiv)), ((200, ""), None));
        assert_eq!(asserted(&hiv), (serde_json::json!(["HIV"]), serde_json::json!(["state"])));
    }
    let events = house.stop().await;
    let refused = events.iter().filter(|event| event.opening.reasons.contains(&Reason::SudRecords));
    assert_eq!(refused.count(), 4);
}
