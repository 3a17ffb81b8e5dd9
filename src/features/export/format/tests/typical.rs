//! Typical events: what they must be told as, and what they must not be taken for.

use serde_json::Value;

use super::cef::Parsed;
use super::samples::{
    completed, gap, patient, purpose, request, search_by_program, search_of_many, sign_in, told, view,
    withheld, worker_of,
};
use super::{object, objects, texts};
use crate::domain::action::Action;
use crate::domain::event::{Event, EventKind, Outcome, Verdict};
use crate::domain::listed::LISTED_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::features::export::document::Severity;
use crate::features::export::format::Format;

fn subtypes(event: &Event) -> Vec<String> {
    let resource = objects(Format::Fhir, event).remove(0);
    let codes = [&resource["type"]].into_iter().chain(resource["subtype"].as_array().unwrap());
    codes.map(|code| code["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_emergency_begins_with_110127_and_ends_with_110138() {
    let (care, emergency) = (Purpose::Treatment, Purpose::BreakGlass);
    assert_eq!(subtypes(&purpose(Some(care), emergency)), ["110113", "110127", "bg.start"]);
    assert_eq!(subtypes(&purpose(Some(emergency), care)), ["110113", "110138", "bg.stop"]);
    assert_eq!(subtypes(&purpose(None, care)), ["110113", "110136", "session.roles"]);
    // A refusal is a security alert as well, and never an override.
    assert_eq!(subtypes(&withheld()), ["110113", "AuthZ-Role", "http.withhold"]);
}

#[test]
fn client_and_server_change_places_between_a_read_and_a_query() {
    let parts = |event: &Event| -> Vec<String> {
        let resource = objects(Format::Fhir, event).remove(0);
        let agents = resource["agent"].as_array().unwrap();
        agents.iter().map(|agent| agent["type"]["coding"][0]["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(parts(&view()), ["110152", "110153", "IRCP"]);
    assert_eq!(parts(&search_by_program()), ["110153", "110152", "IRCP"]);
    assert_eq!(parts(&request(1, Action::Update, "patient.save")), ["110153", "110152", "AUT"]);
    assert_eq!(parts(&request(1, Action::Delete, "patient.remove")), ["110150", "custodian", "AUT"]);
}

#[test]
fn a_message_names_a_profile_only_where_it_has_all_that_the_profile_asks_for() {
    let profile = |event: &Event| objects(Format::Fhir, event).remove(0)["meta"]["profile"][0].clone();
    let named = |name: &str| {
        Value::from(format!("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{name}"))
    };
    assert_eq!(profile(&view()), named("PatientRead"));
    assert_eq!(profile(&search_by_program()), named("PatientQuery"));
    assert_eq!(profile(&request(1, Action::Create, "note.new")), named("Create"));
    assert_eq!(profile(&withheld()), Value::Null);
    let mut unplaced = view();
    unplaced.opening.client_ip = None;
    assert_eq!(profile(&unplaced), Value::Null);
    let mut broken = view();
    broken.closing.as_mut().unwrap().outcome = Outcome::Aborted;
    assert_eq!(profile(&broken), Value::Null);
}

#[test]
fn where_somebody_works_is_told_beside_them_in_every_format() {
    let event = worker_of("Ward 3");
    let resource = objects(Format::Fhir, &event).remove(0);
    let agents = resource["agent"].as_array().unwrap();
    let organization = agents.iter().find(|it| it["type"]["coding"][0]["code"] == "PROV").unwrap();
    assert_eq!(organization["who"]["identifier"]["value"], "Ward 3");
    assert_eq!(organization["requestor"], false);
    assert!(
        texts(Format::Atna, &event)[0]
            .contains(r#"UserID="Ward 3" UserName="Ward 3" UserIsRequestor="false""#)
    );
    assert_eq!(object(Format::Ocsf, &event)["actor"]["user"]["org"]["name"], "Ward 3");
    assert_eq!(Parsed::of(&event).value("LeastwayDepartment"), Some("Ward 3"));
    assert!(object(Format::Otel, &event).to_string().contains("leastway.department"));
    // What else their provider has told stays in the journal.
    for format in [Format::Cef, Format::Atna, Format::Fhir, Format::Ocsf, Format::Otel] {
        assert!(!texts(format, &event)[0].contains("seldom told"), "{format}");
    }
}

#[test]
fn how_sensitive_something_is_is_what_the_event_says_and_no_guess_by_a_name() {
    let labels = |event: &Event| {
        let resource = objects(Format::Fhir, event).remove(0);
        let entities = resource["entity"].as_array().unwrap();
        let labels = entities.iter().find_map(|entity| entity["securityLabel"].as_array()).unwrap();
        labels.iter().map(|label| label["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut event = view();
    assert_eq!(labels(&event), ["HIV", "clinical", "hiv"]);
    // The house has said that its category `hiv` is something else.
    event.opening.sensitivity = std::sync::Arc::default();
    assert_eq!(labels(&event), ["clinical", "hiv"]);
}

#[test]
fn ocsf_tells_the_device_the_factors_and_the_gateway_and_that_an_emergency_is_an_alert() {
    let told = object(Format::Ocsf, &view());
    assert_eq!(told["device"]["name"], "ward");
    assert_eq!(told["actor"]["session"]["is_mfa"], true);
    assert_eq!(told["proxy_endpoint"]["uid"], "gateway-1");
    assert!(told["metadata"]["profiles"].as_array().unwrap().contains(&"network_proxy".into()));
    assert_eq!(told["is_alert"], false);
    let (care, emergency) = (Purpose::Treatment, Purpose::BreakGlass);
    assert_eq!(object(Format::Ocsf, &purpose(Some(care), emergency))["is_alert"], true);
    assert_eq!(object(Format::Ocsf, &purpose(Some(emergency), care))["is_alert"], false);
    let program = object(Format::Ocsf, &search_by_program());
    assert!(program["actor"]["session"]["credential_uid"].is_string());
}

#[test]
fn each_patient_has_a_message_of_their_own_and_is_told_by_a_digest_alone() {
    let messages = objects(Format::Fhir, &search_by_program());
    let told: Vec<String> = messages
        .iter()
        .map(|message| {
            let entities = message["entity"].as_array().unwrap();
            let patients: Vec<_> = entities.iter().filter(|entity| entity["role"]["code"] == "1").collect();
            assert_eq!(patients.len(), 1);
            assert_eq!(patients[0]["what"]["identifier"]["system"], "urn:leastway:patient-digest");
            patients[0]["what"]["identifier"]["value"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut expected = ["4711", "4712"].map(|id| patient(id).digest().to_string());
    expected.sort();
    assert_eq!(told, expected);
    assert_ne!(messages[0]["id"], messages[1]["id"]);
    assert_eq!(texts(Format::Atna, &search_by_program()).len(), 2);
}

#[test]
fn a_search_that_lists_patients_is_a_message_for_each_and_says_whose_record_was_asked_for() {
    let search = search_of_many(3);
    let messages = objects(Format::Fhir, &search);
    let detail = |message: &Value, name: &str| {
        let entities = message["entity"].as_array().unwrap();
        let details = entities.last().unwrap()["detail"].as_array().unwrap();
        details.iter().find(|it| it["type"] == name).unwrap()["valueString"].as_str().unwrap().to_owned()
    };
    let mut stands: Vec<_> = messages.iter().map(|message| detail(message, "patient")).collect();
    stands.sort();
    assert_eq!(stands, ["asked for", "listed", "listed"]);
    for message in &messages {
        let entities = message["entity"].as_array().unwrap();
        let request = entities.iter().find(|it| it["type"]["code"] == "XrequestId").unwrap();
        assert_eq!(request["what"]["identifier"]["value"], search.opening.event.to_string());
        assert!(message["meta"]["profile"][0].as_str().unwrap().ends_with(".PatientQuery"));
    }
    assert_eq!(texts(Format::Atna, &search).len(), 3);
    let told = object(Format::Ocsf, &search).to_string();
    assert_eq!((told.matches("\"listed patient\"").count(), told.matches("\"patient\"").count()), (2, 1));
    assert!(Parsed::of(&search).value("cs3").unwrap().ends_with("(1 of 3)"));
    let record = object(Format::Otel, &search);
    let listed =
        record["attributes"].as_array().unwrap().iter().find(|it| it["key"] == "leastway.patient.listed");
    assert_eq!(listed.unwrap()["value"]["arrayValue"]["values"].as_array().unwrap().len(), 2);
}

#[test]
fn more_patients_than_an_event_keeps_are_one_message_with_the_digest_of_all() {
    let messages = objects(Format::Fhir, &search_of_many(LISTED_MAX));
    assert_eq!(messages.len(), LISTED_MAX);
    let mut search = search_of_many(LISTED_MAX + 1);
    search.opening.patient = None;
    let [message] = objects(Format::Fhir, &search).try_into().unwrap();
    assert!(message.to_string().contains("\"patients.digest\""));
    assert!(message["meta"]["profile"][0].as_str().unwrap().ends_with(".Query"));
}

#[test]
fn how_it_ended_is_told_by_each_formats_own_numbers() {
    struct Case {
        name: &'static str,
        verdict: Verdict,
        ended: Option<(Outcome, Option<Reason>)>,
        fhir: &'static str,
        ocsf: [u64; 3],
        cef: [&'static str; 2],
    }
    let case = |name, verdict, ended, fhir, ocsf, cef| Case { name, verdict, ended, fhir, ocsf, cef };
    let (permit, deny, challenge) = (Verdict::Permit, Verdict::Deny, Verdict::Challenge);
    let cases = [
        case("served", permit, Some((Outcome::Completed, None)), "0", [1, 1, 1], ["allowed", "success"]),
        case(
            "no rule",
            deny,
            Some((Outcome::Refused, Some(Reason::NoRuleMatched))),
            "4",
            [2, 2, 26],
            ["denied", "failure"],
        ),
        case(
            "two readings",
            deny,
            Some((Outcome::Refused, Some(Reason::PathRejected))),
            "4",
            [2, 2, 2],
            ["denied", "failure"],
        ),
        case(
            "step-up",
            challenge,
            Some((Outcome::Refused, Some(Reason::AcrInsufficient))),
            "4",
            [2, 2, 99],
            ["challenged", "failure"],
        ),
        case(
            "too many",
            permit,
            Some((Outcome::Withheld, Some(Reason::ExportOverRequestLimit))),
            "4",
            [2, 2, 2],
            ["withheld", "failure"],
        ),
        case(
            "application down",
            permit,
            Some((Outcome::Failed, Some(Reason::UpstreamUnreachable))),
            "8",
            [2, 99, 27],
            ["failed", "failure"],
        ),
        case(
            "journal down",
            deny,
            Some((Outcome::Failed, Some(Reason::AuditUnavailable))),
            "12",
            [2, 99, 27],
            ["failed", "failure"],
        ),
        case(
            "caller left",
            permit,
            Some((Outcome::Aborted, Some(Reason::CallerLeft))),
            "4",
            [2, 99, 27],
            ["aborted", "failure"],
        ),
        case("crash", permit, None, "0", [0, 0, 0], ["unknown", "unknown"]),
    ];
    for Case { name, verdict, ended, fhir, ocsf, cef } in cases {
        let mut event = view();
        event.opening.verdict = verdict;
        event.closing = ended.and_then(|(outcome, reason)| {
            event.closing.map(|closing| crate::domain::event::Closing { outcome, reason, ..closing })
        });
        assert_eq!(objects(Format::Fhir, &event)[0]["outcome"], fhir, "{name}");
        let written = object(Format::Ocsf, &event);
        let numbers = ["status_id", "action_id", "disposition_id"].map(|id| written[id].as_u64().unwrap());
        assert_eq!(numbers, ocsf, "{name}");
        let line = Parsed::of(&event);
        assert_eq!([line.value("act").unwrap(), line.value("outcome").unwrap()], cef, "{name}");
    }
}

#[test]
fn a_program_is_told_apart_from_a_person_and_the_journals_reading_from_other_administration() {
    let class = |event: &Event| object(Format::Ocsf, event)["class_uid"].as_u64().unwrap();
    assert_eq!(class(&view()), 6001);
    assert_eq!(class(&search_by_program()), 6003);
    assert_eq!(class(&sign_in()), 3002);
    assert_eq!(class(&purpose(None, Purpose::Treatment)), 3003);
    let mut read = completed(1, EventKind::Administration);
    read.opening.note = Some(crate::domain::note::EVENTS_READ.to_owned());
    assert_eq!(subtypes(&read), ["110101", "audit.read"]);
    read.opening.note = Some("the report who-saw was read as html".to_owned());
    assert_eq!(subtypes(&read), ["110101", "audit.read"]);
    read.opening.note = Some("sessions were listed".to_owned());
    assert_eq!(subtypes(&read), ["110113", "110129", "admin.action"]);
}

#[test]
fn what_the_gateway_tells_of_itself_is_called_by_its_name_in_every_format() {
    struct Case {
        event: Event,
        word: &'static str,
        title: &'static str,
        codes: &'static [&'static str],
        ocsf: [u64; 2],
        cef: &'static str,
        otel: u64,
    }

    let mut feed = told("the feed rota was taken: 40 rows");
    feed.opening.rules_version = Some("0011223344556677".into());
    let mut rules = told("new rules are in force");
    rules.opening.rules_version = Some("0011223344556677".into());
    let cases = [
        Case {
            event: gap(),
            word: "audit.gap",
            title: "Gap in the journal",
            codes: &["110113", "110133", "110134"],
            ocsf: [2004, 5],
            cef: "9",
            otel: 17,
        },
        Case {
            event: told("leastway checkpoint key\nbefore a\nnow b\n"),
            word: "key.rotate",
            title: "Signing key changed",
            codes: &["110113", "110129"],
            ocsf: [3004, 3],
            cef: "6",
            otel: 13,
        },
        Case {
            event: rules,
            word: "policy.change",
            title: "Configuration",
            codes: &["110113", "110129"],
            ocsf: [3004, 3],
            cef: "6",
            otel: 13,
        },
        Case {
            event: feed,
            word: "gateway.notice",
            title: "Notice",
            codes: &["110100"],
            ocsf: [0, 2],
            cef: "2",
            otel: 9,
        },
    ];
    for Case { event, word, title, codes, ocsf, cef, otel } in cases {
        let fhir = subtypes(&event);
        assert_eq!(
            fhir.split_last().unwrap(),
            (&word.to_owned(), &codes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..])
        );
        let [atna] = <[String; 1]>::try_from(texts(Format::Atna, &event)).unwrap();
        let tree = roxmltree::Document::parse(&atna).unwrap();
        let coded = |name: &str| {
            let found = tree.descendants().filter(|node| node.has_tag_name(name));
            found.filter_map(|node| node.attribute("csd-code").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!([coded("EventID"), coded("EventTypeCode")].concat(), fhir, "{word}");
        let written = object(Format::Ocsf, &event);
        assert_eq!(["class_uid", "severity_id"].map(|id| written[id].as_u64().unwrap()), ocsf, "{word}");
        assert_eq!(written["metadata"]["event_code"], word);
        let line = Parsed::of(&event);
        assert_eq!((&*line.header[4], &*line.header[6]), (word, cef));
        assert!(line.header[5].starts_with(title), "{:?}", line.header);
        let record = object(Format::Otel, &event);
        assert_eq!(record["eventName"], format!("leastway.{word}"));
        assert_eq!(record["severityNumber"], otel, "{word}");
    }
}

#[test]
fn a_gap_alerts_whoever_watches() {
    let written = object(Format::Ocsf, &gap());
    assert_eq!(written["is_alert"], true);
    assert_eq!(written["finding_info"]["title"], "Gap in the journal");
    assert_eq!(written["finding_info"]["desc"], "journal gap: 3 requests left no event");
    assert!(written["finding_info"]["first_seen_time"].is_u64());
    assert_eq!(Severity::of(&gap()), Severity::Critical);
    assert_eq!(Severity::of(&told("the clock was set back by 5000 ms")), Severity::Notice);
}

#[test]
fn an_address_of_version_6_stands_where_cef_has_a_place_for_it() {
    let line = Parsed::of(&search_by_program());
    assert_eq!((line.value("src"), line.value("c6a2")), (None, Some("2001:db8::7")));
    assert_eq!(line.value("c6a2Label"), Some("Source IPv6 Address"));
    let line = Parsed::of(&view());
    assert_eq!((line.value("src"), line.value("c6a2")), (Some("192.0.2.7"), None));
    assert_eq!(line.value("suser"), Some("Noor \"N|o=o\\r\" Nasser & <Söhne>"));
}

#[test]
fn a_disclosure_names_its_recipient_as_the_destination() {
    let mut event = request(1, Action::Disclose, "record.send");
    event.opening.justification = Some(crate::domain::event::EventJustification {
        code: "legal".to_owned(),
        text: String::new(),
        number: Some("4 C 17/26".to_owned()),
        recipient: Some("County court, Example".to_owned()),
    });
    let resource = object(Format::Fhir, &event);
    let destinations: Vec<&Value> = resource["agent"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|agent| agent["type"]["coding"][0]["code"] == "110152")
        .collect();
    assert_eq!(destinations.len(), 1);
    assert_eq!(destinations[0]["name"], "County court, Example");
    assert_eq!(subtypes(&event), ["110106", "disclose", "export.disclosed"]);
}
