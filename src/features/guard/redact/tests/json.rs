use super::*;

fn at(places: &[&str], body: &str) -> Result<String, Fault> {
    redacted(&json_kind(), places, body)
}

#[test]
fn a_value_is_masked_whatever_it_is_and_all_else_keeps_its_bytes() {
    let cases = [
        (
            r#"{ "patients" : [ { "mrn":1, "ssn" : "123-45" } ] }"#,
            r#"{ "patients" : [ { "mrn":1, "ssn" : "[withheld]" } ] }"#,
        ),
        (r#"{"patients":[{"ssn":123.5e-1,"b":1.0}]}"#, r#"{"patients":[{"ssn":"[withheld]","b":1.0}]}"#),
        (
            r#"{"patients":[{"ssn":null},{"ssn":true}]}"#,
            r#"{"patients":[{"ssn":"[withheld]"},{"ssn":"[withheld]"}]}"#,
        ),
        (
            r#"{"patients":[{"ssn":{"a":["}",{"b":"\"]"}]},"c":[]}]}"#,
            r#"{"patients":[{"ssn":"[withheld]","c":[]}]}"#,
        ),
        (
            r#"{"patients":[{"ssn":[1,[2,"]"]] , "c":"\\"}]}"#,
            r#"{"patients":[{"ssn":"[withheld]" , "c":"\\"}]}"#,
        ),
        (r#"{"patients":[{"name":"Núñez \u00e9\n"}]}"#, r#"{"patients":[{"name":"Núñez \u00e9\n"}]}"#),
        ("{\"patients\":[]}\r\n", "{\"patients\":[]}\r\n"),
        (r#"{"patients":null}"#, r#"{"patients":null}"#),
    ];
    for (body, expected) in cases {
        assert_eq!(at(&["/patients/*/ssn"], body).as_deref(), Ok(expected), "{body}");
    }
}

#[test]
fn pointers_lead_through_objects_arrays_and_numbers() {
    let body = r#"{"a":{"b":[{"c":1},{"c":2}]},"d":[[1,2],[3,4]],"e/f":5,"c":6}"#;
    let cases = [
        (
            "/a/b/*/c",
            r#"{"a":{"b":[{"c":"[withheld]"},{"c":"[withheld]"}]},"d":[[1,2],[3,4]],"e/f":5,"c":6}"#,
        ),
        ("/a/b/1/c", r#"{"a":{"b":[{"c":1},{"c":"[withheld]"}]},"d":[[1,2],[3,4]],"e/f":5,"c":6}"#),
        ("/d/*/0", r#"{"a":{"b":[{"c":1},{"c":2}]},"d":[["[withheld]",2],["[withheld]",4]],"e/f":5,"c":6}"#),
        ("/e~1f", r#"{"a":{"b":[{"c":1},{"c":2}]},"d":[[1,2],[3,4]],"e/f":"[withheld]","c":6}"#),
        (
            "member:c",
            r#"{"a":{"b":[{"c":"[withheld]"},{"c":"[withheld]"}]},"d":[[1,2],[3,4]],"e/f":5,"c":"[withheld]"}"#,
        ),
        ("/a", r#"{"a":"[withheld]","d":[[1,2],[3,4]],"e/f":5,"c":6}"#),
    ];
    for (place, expected) in cases {
        assert_eq!(at(&[place], body).as_deref(), Ok(expected), "{place}");
    }
}

#[test]
fn a_name_is_the_same_however_it_is_written_and_however_often() {
    let body = r#"{"patients":[{"\u0073sn":"1","s\u0073n":"2","ssn":"3","ssn ":"4"}]}"#;
    let expected =
        r#"{"patients":[{"\u0073sn":"[withheld]","s\u0073n":"[withheld]","ssn":"[withheld]","ssn ":"4"}]}"#;
    assert_eq!(at(&["/patients/*/ssn"], body).as_deref(), Ok(expected));
    let twice = r#"{"patients":[{"ssn":1}],"patients":[{"ssn":2}]}"#;
    let expected = r#"{"patients":[{"ssn":"[withheld]"}],"patients":[{"ssn":"[withheld]"}]}"#;
    assert_eq!(at(&["/patients/*/ssn"], twice).as_deref(), Ok(expected), "in both readings");
}

#[test]
fn records_that_are_found_by_name_are_no_way_around_a_list() {
    let body = r#"{"patients":{"100001":{"ssn":"1"},"100002":{"ssn":"2"}}}"#;
    let expected = r#"{"patients":{"100001":{"ssn":"[withheld]"},"100002":{"ssn":"[withheld]"}}}"#;
    assert_eq!(at(&["/patients/*/ssn"], body).as_deref(), Ok(expected));
}

#[test]
fn a_field_may_be_missing_and_what_it_stands_in_may_not() {
    assert!(at(&["/patients/*/ssn"], r#"{"patients":[{"mrn":1}]}"#).is_ok());
    for moved in [
        r#"{"rows":[{"ssn":"1"}]}"#,
        r#"{"data":{"patients":[{"ssn":"1"}]}}"#,
        r#"{"patients":"none"}"#,
        r#"[{"ssn":"1"}]"#,
        r#"{"patients":["1"]}"#,
        r#"{"patients":[[{"ssn":"1"}]]}"#,
        r#"{"patients":{"items":[{"ssn":"1"}]}}"#,
        r"{}",
        r#""123-45""#,
        "17",
    ] {
        assert_eq!(at(&["/patients/*/ssn"], moved), Err(Fault::Misfit), "{moved}");
    }
    assert!(
        at(&["/a/*/b/ssn"], r#"{"a":[{"b":{"ssn":1}},{"c":{"ssn":1}}]}"#).is_err(),
        "in one of them it is elsewhere"
    );
    for (place, list) in [("/ssn", r#"[{"ssn":"1"}]"#), ("/patient/ssn", r#"{"patient":[{"ssn":"1"}]}"#)] {
        assert_eq!(at(&[place], list), Err(Fault::Misfit), "a list stands in place of the one: {list}");
    }
    assert!(at(&["member:ssn"], r#"{"rows":[{}]}"#).is_ok(), "it may stand anywhere");
}

#[test]
fn each_line_is_a_document() {
    let lines = "{\"ssn\":1}\n\n{\"a\":{\"ssn\":2},\"ssn\":3}\r\n{\"b\":4}";
    let expected = "{\"ssn\":\"[withheld]\"}\n\n{\"a\":{\"ssn\":2},\"ssn\":\"[withheld]\"}\r\n{\"b\":4}";
    assert_eq!(redacted(&ReplyKind::Ndjson, &["/ssn"], lines).as_deref(), Ok(expected));
    assert_eq!(
        redacted(&json_kind(), &["/ssn"], lines),
        Err(Fault::Malformed),
        "of one document it is no JSON"
    );
}
