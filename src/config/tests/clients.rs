//! Programs: what is wrong with one, and what of several does not go together.

use super::Folder;
use super::catalogue::{ROLES, case, check};
use crate::domain::purpose::Purpose;
use crate::features::client::settings::Proof;

const CLIENT: &str = r#"[client.billing]
provider = "clinic"
client_id = "billing-export"
owner = "revenue desk"
groups = "FrontDesk"
purpose = "operations"
routes = "ehr/patient.*"
expires = "2027-03-31"
token = "jwt"
audience = "urn:ehr"
"#;

const ANCHOR: &str = "[role.registrar.limit]";

fn folder(change: impl FnOnce(&str) -> String) -> Folder {
    let folder = Folder::good();
    folder.change(ROLES, ANCHOR, &format!("{}\n{ANCHOR}", change(CLIENT)));
    folder
}

fn found(folder: &Folder) -> Vec<String> {
    folder.problems().iter().map(|problem| format!("{}: {}", problem.key, problem.what)).collect()
}

#[test]
fn a_client_is_settled_with_its_defaults() {
    let settings = folder(str::to_owned).load().unwrap().settings;
    let [client] = &settings.clients[..] else { panic!("one client") };
    assert_eq!((&*client.client_id, &*client.subject), ("billing-export", "billing-export"));
    assert_eq!(client.proof, Proof::Signature { audience: vec!["urn:ehr".to_owned()] });
    assert!(client.networks.is_empty() && client.hours.is_none());
    assert_eq!(client.purpose, Some(Purpose::Operations));
    let asked = folder(|text| text.replace("\"jwt\"\naudience = \"urn:ehr\"", "\"introspection\""));
    let lasts = std::time::Duration::from_secs(60);
    let proof = &asked.load().unwrap().settings.clients[0].proof;
    assert_eq!(*proof, Proof::Introspection { audience: Vec::new(), lasts });
}

#[test]
fn what_is_wrong_with_a_client_is_told() {
    let cases = [
        (
            "provider = \"clinic\"",
            "provider = \"clinik\"",
            "client.billing.provider: no provider is called `clinik`",
        ),
        (
            "\"FrontDesk\"",
            "\"FrontDsk\"",
            "client.billing.groups: none of its groups gives a role, so it may do nothing",
        ),
        ("owner = \"revenue desk\"", "owner = \" \"", "client.billing.owner: nobody answers for it"),
        ("ehr/patient.*", "her/patient.*", "client.billing.routes: no application is called `her`"),
        ("ehr/patient.*", "ehr/patents.*", "client.billing.routes: `ehr` has no route `patents.*`"),
        (
            "ehr/patient.*",
            "patient.*",
            "client.billing.routes: `patient.*` is not an application and its routes",
        ),
        ("2027-03-31", "2027-02-30", "client.billing.expires: `2027-02-30` is not a day"),
        ("2027-03-31", "2027-03-31T00:00", "client.billing.expires: `2027-03-31T00:00` is not a day"),
        ("\"jwt\"", "\"saml\"", "client.billing.token: `saml` is no proof of a token"),
        (
            "audience = \"urn:ehr\"",
            "",
            "client.billing.audience: a signed token says by its audience whom it is for, and none is asked for",
        ),
        (
            "\"urn:ehr\"",
            "\"leastway\"",
            "client.billing.audience: `leastway` is whom the ID tokens of `clinic` are for",
        ),
        (
            "\"billing-export\"",
            "\"leastway\"",
            "client.billing.client_id: the provider knows Leastway itself by this identifier",
        ),
        (
            "token =",
            "recheck = \"30s\"\ntoken =",
            "client.billing.recheck: nobody is asked about a token that is proven by its signature",
        ),
        (
            "token =",
            "networks = \"10.0.0.0/33\"\ntoken =",
            "client.billing.networks: `10.0.0.0/33` is not a network",
        ),
        ("\"operations\"", "\"quality\"", "client.billing.purpose: none of its roles is for `quality`"),
        (
            "purpose = \"operations\"\n",
            "",
            "client.billing.purpose: its roles are for several purposes, and a program cannot be asked for which it works",
        ),
        (
            "token =",
            "number = \"R-1\"\ntoken =",
            "client.billing.number: under operations nobody asks for a number",
        ),
        (
            "2027-03-31",
            "2026-03-31",
            "client.billing.expires: its last day is 2026-03-31: after that it is refused",
        ),
        ("2027-03-31", "2026-02-28", "client.billing.expires: its last day was 2026-02-28: it is refused"),
    ];
    for (old, new, problem) in cases {
        let folder = folder(|text| text.replace(old, new));
        assert_eq!(found(&folder), [problem], "{old} -> {new}");
    }
    assert!(found(&folder(|text| text.replace("2027-03-31", "2026-04-01"))).is_empty(), "31 days ahead");
}

#[test]
fn what_the_law_asks_for_is_declared_of_a_program_that_nobody_can_ask() {
    let reporting = |more: &str| {
        let client = CLIENT.replace("\"operations\"", &format!("\"public_health\"{more}"));
        let folder = folder(|_| client);
        folder.change(ROLES, r#"["operations", "payment"]"#, r#"["operations", "payment", "public_health"]"#);
        folder
    };
    assert_eq!(
        found(&reporting("")),
        [
            "client.billing.recipient: under public_health nothing is disclosed without a recipient (45 CFR 164.512(b) and (i)), \
             and a program cannot be asked for one"
        ]
    );
    let loaded = reporting("\nrecipient = \" County health department \"").load().unwrap();
    let standing = &loaded.settings.clients[0].standing;
    assert_eq!((&standing.number, standing.recipient.as_deref()), (&None, Some("County health department")));
}

#[test]
fn two_that_could_be_taken_for_one_another_are_refused() {
    let two = |change: &dyn Fn(String) -> String| {
        folder(|text| format!("{text}{}", change(text.replace("client.billing", "client.other"))))
    };
    let problem = "client.other.client_id: the provider `clinic` has one program of this name: `billing`";
    assert_eq!(found(&two(&|other| other)), [problem]);
    assert!(found(&two(&|other| other.replace("billing-export", "other"))).is_empty());
}

#[test]
fn a_client_s_name_is_used_once() {
    check(&[case(
        ROLES,
        ANCHOR,
        "[client.\"a b\"]\nprovider = \"clinic\"\nclient_id = \"x\"\nowner = \"x\"\ngroups = \"FrontDesk\"\n\
         routes = \"ehr/*\"\nexpires = \"2027-03-31\"\ntoken = \"introspection\"\n[role.registrar.limit]",
        "client.\"a b\": a name is 1 to 64 letters, digits, `-`, `_` or `.`, not `a b`",
    )]);
}
