use serde_json::{Value, json};

use super::*;

const PLACES: &[&str] =
    &["Patient.identifier", "Patient.birthDate", "Patient.contact.telecom", "Observation.value[x]"];

fn out(body: &str) -> Result<String, Fault> {
    redacted(&ReplyKind::FhirBundle, PLACES, body)
}

fn labels() -> Value {
    let of = |code: &str, display: &str| json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": code, "display": display });
    json!({ "tag": [of("SUBSETTED", "subsetted")], "security": [of("REDACTED", "redacted")] })
}

fn value(body: &Value) -> Value {
    serde_json::from_str(&out(&body.to_string()).unwrap()).unwrap()
}

#[test]
fn elements_go_with_their_names_and_the_resource_says_so() {
    let body = json!({
        "resourceType": "Patient", "id": "1", "text": { "status": "generated", "div": "<div>123-45, born 1950</div>" },
        "identifier": [{ "value": "123-45" }], "name": [{ "family": "Pena" }],
        "birthDate": "1950-01-01", "_birthDate": { "extension": [] },
        "contact": [{ "name": { "text": "Bo" }, "telecom": [{ "value": "555" }] }, { "telecom": [] }],
    });
    let expected = json!({
        "resourceType": "Patient", "id": "1", "name": [{ "family": "Pena" }],
        "contact": [{ "name": { "text": "Bo" } }, {}], "meta": labels(),
    });
    assert_eq!(value(&body), expected);
}

#[test]
fn resources_are_told_wherever_they_stand_and_others_keep_their_bytes() {
    let other = r#"{"resourceType":"Practitioner","identifier":[ {"value":"7"} ],"text":{"div":"<div/>"}}"#;
    assert_eq!(out(other).as_deref(), Ok(other));
    let patient = json!({ "resourceType": "Patient", "identifier": [] });
    let quiet = json!({ "resourceType": "Patient", "meta": labels() });
    let weight = json!({ "resourceType": "Observation", "valueQuantity": { "value": 70 }, "code": { "text": "weight" } });
    let no_weight = json!({ "resourceType": "Observation", "code": { "text": "weight" }, "meta": labels() });
    let body = |patient: &Value, weight: &Value| {
        json!({ "resourceType": "Bundle", "total": 2, "entry": [
            { "fullUrl": "a", "resource": patient },
            { "resource": { "resourceType": "Bundle", "entry": [{ "resource": weight }] } },
            { "resource": { "resourceType": "Encounter", "contained": [patient, weight] } },
            { "resource": { "resourceType": "Parameters", "parameter": [{ "resource": patient }] } },
        ] })
    };
    assert_eq!(value(&body(&patient, &weight)), body(&quiet, &no_weight));
}

#[test]
fn labels_that_are_there_stay() {
    let tagged =
        |meta: Value| json!({ "resourceType": "Patient", "meta": meta, "identifier": 1, "active": true });
    let came = json!({ "versionId": "3", "tag": [{ "code": "a" }], "security": [] });
    let Value::Object(ours) = labels() else { unreachable!() };
    let expected = json!({
        "versionId": "3", "tag": [{ "code": "a" }, ours["tag"][0]], "security": ours["security"],
    });
    assert_eq!(value(&tagged(came))["meta"], expected);
    assert_eq!(value(&tagged(json!({})))["meta"], labels());
    assert_eq!(value(&tagged(json!({ "lastUpdated": "x", "security": [1] })))["meta"]["tag"], ours["tag"]);
}

#[test]
fn a_resource_that_is_not_known_in_time_does_not_pass() {
    let cases = [
        ("the type comes late", r#"{"identifier":[1],"resourceType":"Patient"}"#, Some(Fault::TypeLate)),
        (
            "meta before it cannot be labelled",
            r#"{"meta":{},"resourceType":"Patient"}"#,
            Some(Fault::TypeLate),
        ),
        (
            "what depends on nothing may come before",
            r#"{"id":"1","resourceType":"Patient","identifier":1}"#,
            None,
        ),
        ("of a type of which nothing is withheld", r#"{"identifier":[1],"resourceType":"Device"}"#, None),
        (
            "two types",
            r#"{"resourceType":"Device","resourceType":"Patient","identifier":1}"#,
            Some(Fault::Misfit),
        ),
        ("two metas", r#"{"resourceType":"Patient","meta":{},"meta":{}}"#, Some(Fault::Misfit)),
        ("a meta that is none", r#"{"resourceType":"Patient","meta":[]}"#, Some(Fault::Misfit)),
        ("tags that are none", r#"{"resourceType":"Patient","meta":{"tag":"x"}}"#, Some(Fault::Misfit)),
        ("no resource", r#"{"patient":{"identifier":1}}"#, Some(Fault::Misfit)),
        ("several in no Bundle", r#"[{"resourceType":"Patient","identifier":1}]"#, Some(Fault::Misfit)),
        ("an escaped type", r#"{"resourceType":"\u0050atient","identifier":1}"#, None),
        ("an escaped name", r#"{"\u0072esourceType":"Patient","identifie\u0072":1}"#, None),
    ];
    for (name, body, fault) in cases {
        match (out(body), fault) {
            (Ok(text), None) => {
                assert!(!text.contains("dentifie") || text.contains("Device"), "{name}: {text}");
            }
            (came, fault) => assert_eq!(came.err(), fault, "{name}"),
        }
    }
}

#[test]
fn what_is_signed_passes_whole_or_not_at_all() {
    let signed = r#""signature":{"sigFormat":"application/jose","data":"YQ=="}"#;
    let (patient, device) = (r#"{"resourceType":"Patient","identifier":1}"#, r#"{"resourceType":"Device"}"#);
    let bundle = |entry: &str, before: &str, behind: &str| {
        format!(r#"{{{before}"resourceType":"Bundle","entry":[{{"resource":{entry}}}]{behind}}}"#)
    };
    let provenance = format!(r#"{{"resourceType":"Provenance",{signed}}}"#);
    let behind = format!(",{signed}");
    let before = format!("{signed},");
    let cases = [
        ("a Bundle, signed at its end", bundle(patient, "", &behind), false),
        ("a Bundle, signed before its type", bundle(patient, &before, ""), false),
        ("nothing of it is withheld", bundle(device, "", &behind), true),
        ("a Bundle in a Bundle", bundle(&bundle(patient, "", &behind), "", ""), false),
        ("a resource of its own", format!(r#"{{"resourceType":"Patient","identifier":1,{signed}}}"#), false),
        ("a Provenance beside", bundle(&format!(r#"{provenance}}},{{"resource":{patient}"#), "", ""), false),
        ("a Provenance behind", bundle(&format!(r#"{patient}}},{{"resource":{provenance}"#), "", ""), false),
        ("a Provenance alone", provenance.clone(), true),
        (
            "an element that is called so",
            format!(r#"{{"resourceType":"Patient","identifier":1,"extension":[{{{signed}}}]}}"#),
            true,
        ),
        ("an escaped name", bundle(patient, "", r#","\u0073ignature":{}"#), false),
    ];
    for (name, body, passes) in cases {
        assert_eq!(out(&body).err(), (!passes).then_some(Fault::Signed), "{name}: {body}");
    }
}

#[test]
fn commas_are_right_whatever_goes() {
    for (members, left) in [
        (r#""identifier":1"#, ""),
        (r#""identifier":1,"a":2"#, r#""a":2,"#),
        (r#""a":1,"identifier":2"#, r#""a":1,"#),
        (r#""a":1 , "identifier":2 , "b":3"#, r#""a":1 , "b":3,"#),
        (r#""identifier":1,"_birthDate":2,"text":3,"a":4"#, r#""a":4,"#),
    ] {
        let text = out(&format!("{{{members}}}").replace('{', r#"{"resourceType":"Patient","#)).unwrap();
        let expected = format!(r#"{{"resourceType":"Patient",{left}"meta":{}}}"#, labels());
        assert_eq!(text.replace(' ', ""), expected.replace(' ', ""), "{members}");
    }
}
