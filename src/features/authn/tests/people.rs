//! Who it is, and which groups.

use super::*;

#[tokio::test]
async fn what_the_id_token_lacks_is_asked_of_userinfo() {
    let clinic = Clinic::with(|settings| {
        settings.claims.insert("location".to_owned(), "ward".to_owned());
        settings.claims.insert("roles".to_owned(), "realm_access.roles".to_owned());
        settings.claims.insert("shift".to_owned(), "shift".to_owned());
    })
    .await;
    clinic.provider.claim("groups", Value::Null);
    clinic.provider.claim("name", Value::Null);
    let userinfo = json!({
        "sub": "nurse-7", "name": "Nadia N. Nurse", "groups": "EHR-Nurses", "ward": ["7", 8],
        "realm_access": { "roles": ["clinical"] }, "acr": "urn:clinic:mfa", "iss": "https://id.another.example",
    });
    clinic.provider.script(|script| script.userinfo = userinfo.as_object().unwrap().clone());
    let finished = clinic.sign_in(None).await.unwrap();
    let subject = &finished.subject;
    assert_eq!(&*subject.name, "Nadia N. Nurse");
    assert_eq!(subject.groups, ["EHR-Nurses"]);
    assert_eq!(subject.attributes["location"], ["7", "8"]);
    assert_eq!(subject.attributes["roles"], ["clinical"]);
    assert!(!subject.attributes.contains_key("shift"), "unknown is not empty");
    assert_eq!(finished.assurance.acr, None, "userinfo proves no assurance");
    assert_eq!(clinic.provider.script(|script| script.userinfo_requests), 1);
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    for userinfo in
        [json!({ "sub": "registrar-2", "groups": ["EHR-Admins"] }), json!({ "groups": ["EHR-Admins"] })]
    {
        let clinic = Clinic::open().await;
        clinic.provider.claim("groups", Value::Null);
        clinic.provider.script(|script| script.userinfo = userinfo.as_object().unwrap().clone());
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::OtherSubject)), "{result:?}");
    }
}

#[tokio::test]
async fn a_pointer_to_the_groups_is_not_the_groups() {
    for (claim, value) in [
        ("_claim_names", json!({ "groups": "src1" })),
        ("hasgroups", json!(true)),
        ("groups", json!({ "too": "odd" })),
    ] {
        let clinic = Clinic::open().await;
        clinic.provider.claim("groups", Value::Null);
        clinic.provider.claim(claim, value);
        clinic.provider.script(|script| script.userinfo.insert("sub".to_owned(), json!("nurse-7")));
        let error = clinic.sign_in(None).await.unwrap_err();
        assert_eq!(error.reason(), Reason::GroupsIncomplete, "{claim}");
    }
}

#[tokio::test]
async fn four_hundred_groups_are_groups() {
    let clinic = Clinic::open().await;
    let groups: Vec<_> = (0..400).map(|number| format!("EHR-Group-{number:04}")).collect();
    clinic.provider.claim("groups", json!(groups));
    assert_eq!(clinic.sign_in(None).await.unwrap().subject.groups, groups);
}
