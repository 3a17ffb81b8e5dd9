//! What holds for every event that may be.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::cef::Parsed;
use super::{TELLER, objects, texts};
use crate::domain::any_event::any_event;
use crate::domain::event::Event;
use crate::features::export::format::about::patients;
use crate::features::export::format::deed::Deed;
use crate::features::export::format::ending::{Ending, severity};
use crate::features::export::format::{Format, documents, otel, text};

proptest! {
    #[test]
    fn every_event_is_one_line_or_some_in_every_format_and_each_time_the_same(event in any_event()) {
        for format in Format::ALL {
            let written = documents(*format, &event, &TELLER);
            prop_assert!(!written.is_empty(), "{}", format);
            for line in &written {
                prop_assert!(!line.is_empty(), "{}", format);
                prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "{}", format);
                prop_assert!(std::str::from_utf8(line).is_ok(), "{}", format);
            }
            prop_assert_eq!(&written, &documents(*format, &event.clone(), &TELLER), "{}", format);
        }
    }

    #[test]
    fn a_resource_of_fhir_has_what_r4_requires(event in any_event()) {
        let written = objects(Format::Fhir, &event);
        prop_assert_eq!(written.len(), patients(&event).len().max(1));
        let ids: BTreeSet<&str> = written.iter().filter_map(|it| it["id"].as_str()).collect();
        prop_assert_eq!(ids.len(), written.len());
        for resource in &written {
            let id = resource["id"].as_str().unwrap();
            prop_assert!((1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert!(resource["type"]["code"].is_string() && resource["recorded"].is_string());
            prop_assert!(resource["source"]["observer"].is_object());
            let agents = resource["agent"].as_array().unwrap();
            prop_assert!(!agents.is_empty() && agents.iter().all(|agent| agent["requestor"].is_boolean()));
            for entity in resource["entity"].as_array().unwrap() {
                // Constraint sev-1.
                prop_assert!(entity["name"].is_null() || entity["query"].is_null());
            }
            prop_assert!(nothing_is_blank(resource), "{}", resource);
        }
    }

    #[test]
    fn an_audit_message_is_xml_in_the_order_of_the_standard(event in any_event()) {
        for text in texts(Format::Atna, &event) {
            let tree = roxmltree::Document::parse(&text).unwrap();
            let names: Vec<&str> = tree.root_element().children().map(|child| child.tag_name().name()).collect();
            let mut order = names.clone();
            order.dedup();
            prop_assert_eq!(order, ["EventIdentification", "ActiveParticipant", "AuditSourceIdentification",
                "ParticipantObjectIdentification"]);
            for object in tree.descendants().filter(|it| it.has_tag_name("ParticipantObjectIdentification")) {
                let children: Vec<&str> = object.children().map(|child| child.tag_name().name()).collect();
                prop_assert_eq!(children[0], "ParticipantObjectIDTypeCode");
                prop_assert!(matches!(children[1], "ParticipantObjectName" | "ParticipantObjectQuery"));
                prop_assert!(children[2..].iter().all(|name| *name == "ParticipantObjectDetail"));
                prop_assert!(object.attribute("ParticipantObjectID").is_some_and(|id| !id.is_empty()));
            }
        }
    }

    #[test]
    fn a_line_of_cef_reads_back_as_what_was_meant(event in any_event()) {
        let line = Parsed::of(&event);
        prop_assert_eq!(&line.header[0], "CEF:0");
        prop_assert!(line.header[6].parse::<u8>().unwrap() <= 10);
        let names: BTreeSet<&str> = line.keys.iter().map(|(key, _)| key.as_str()).collect();
        prop_assert_eq!(names.len(), line.keys.len(), "a key twice: {:?}", line.keys);
        prop_assert!(names.iter().all(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        let meant = |said: &str| text::line(said).map(|line| line.chars().take(1023).collect::<String>());
        let subject = event.opening.subject.as_ref();
        prop_assert_eq!(line.value("suid").map(str::to_owned), subject.and_then(|it| meant(&it.sub)));
        prop_assert_eq!(line.value("suser").map(str::to_owned), subject.and_then(|it| meant(&it.name)));
        let path = event.opening.path.as_deref().and_then(meant);
        prop_assert_eq!(line.value("request").map(str::to_owned), path);
        prop_assert_eq!(line.value("externalId").unwrap(), event.opening.event.to_string());
    }

    #[test]
    fn an_event_of_ocsf_has_its_class_its_activity_and_what_every_event_has(event in any_event()) {
        let written = objects(Format::Ocsf, &event).remove(0);
        let number = |name: &str| written[name].as_u64().unwrap();
        prop_assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        prop_assert_eq!(number("class_uid") / 1000, number("category_uid"));
        for required in ["time", "severity_id", "action_id", "disposition_id", "status_id"] {
            prop_assert!(written[required].is_u64(), "{}", required);
        }
        prop_assert_eq!(&written["metadata"]["version"], "1.8.0");
        // Where the number says that the word is none of the framework's, the word has to be there.
        for (id, word) in [("action_id", "action"), ("disposition_id", "disposition"), ("activity_id", "activity_name")] {
            prop_assert!(written[id] != 99 || written[word].is_string());
        }
    }

    #[test]
    fn records_of_otlp_go_into_an_envelope(event in any_event()) {
        let record = documents(Format::Otel, &event, &TELLER).remove(0);
        let envelope = otel::envelope([record.as_slice(), record.as_slice()], &TELLER);
        let envelope: Value = serde_json::from_slice(&envelope).unwrap();
        let records = envelope["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
        prop_assert_eq!(records.len(), 2);
        let keys: Vec<&str> =
            records[0]["attributes"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
        prop_assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "an attribute twice: {:?}", keys);
        prop_assert!(records[0]["timeUnixNano"].as_str().unwrap().parse::<u64>().is_ok());
    }

    #[test]
    fn nothing_that_only_the_rules_may_know_is_told(event in any_event()) {
        let Some(event) = with_secrets(event) else { return Ok(()) };
        for format in [Format::Cef, Format::Atna, Format::Fhir, Format::Ocsf, Format::Otel] {
            for text in texts(format, &event) {
                prop_assert!(!text.contains("seldom-told"), "{}: {}", format, text);
            }
        }
    }

    #[test]
    fn how_much_an_event_troubles_is_0_to_10(event in any_event()) {
        prop_assert!(severity(&event, Deed::of(&event), Ending::of(&event)) <= 10);
    }
}

/// The event of somebody whose groups and attributes would show.
fn with_secrets(mut event: Event) -> Option<Event> {
    let mut subject = serde_json::to_value(&**event.opening.subject.as_ref()?).unwrap();
    subject["standing"]["groups"] = serde_json::json!(["seldom-told"]);
    subject["standing"]["attributes"] = serde_json::json!({ "seldom-told": ["seldom-told"] });
    // A time of centuries away does not read back.
    event.opening.subject = Some(serde_json::from_value(subject).ok()?);
    Some(event)
}

/// FHIR has no empty texts, no empty lists and no empty objects.
fn nothing_is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty() && values.iter().all(nothing_is_blank),
        Value::Object(members) => !members.is_empty() && members.values().all(nothing_is_blank),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    }
}
