//! What a permit withholds.

use super::*;
use crate::domain::field::FieldName;
use crate::features::policy::catalog::CatalogField;

/// The catalog, in which the patient's page and the chart have fields.
fn with_fields() -> Catalog {
    let mut catalog = catalog();
    let field = |name: &str, categories: &[&str]| CatalogField {
        name: name.parse().unwrap(),
        categories: categories.iter().map(|category| category.parse().unwrap()).collect(),
    };
    for route in &mut catalog.routes {
        if matches!(route.route.as_str(), "patient.open" | "chart.open") {
            route.fields = vec![field("ssn", &[]), field("phone", &[]), field("hiv", &["hiv"])];
        }
    }
    catalog
}

fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn views(withhold: &[&str], listed: &[&str]) -> MaySettings {
    MaySettings {
        withhold: names(withhold),
        categories: categories(listed),
        ..may("ehr", &[Action::View], WhenSettings::default())
    }
}

fn put_together(roles: &[RoleSettings], cedar: &str) -> Result<Rules, Vec<String>> {
    let file = CedarFile { path: "own.cedar".to_owned(), text: cedar.to_owned() };
    Rules::compile(roles, &[file], with_fields(), "UTC", Digest::ZERO)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn withheld(rules: &Rules, roles: &[&str], route: &str) -> Vec<String> {
    let permitted = permitted(decide(rules, &person(roles), ("ehr", route)));
    permitted.obligations.withheld.iter().map(ToString::to_string).collect()
}

#[test]
fn a_rule_withholds_what_it_names_and_what_is_of_a_category_that_it_does_not_list() {
    let role = |name, may| role(name, Purpose::Operations, vec![may]);
    let roles = [
        role("clerk", views(&["ssn"], &["demographics"])),
        role("nurse", views(&["phone"], &["demographics", "clinical", "hiv"])),
        role("physician", views(&[], &[])),
    ];
    let rules = put_together(&roles, "").unwrap();
    assert_eq!(withheld(&rules, &["clerk"], "patient.open"), ["hiv", "ssn"]);
    assert_eq!(withheld(&rules, &["nurse"], "patient.open"), ["phone"]);
    assert_eq!(withheld(&rules, &["physician"], "patient.open"), Vec::<String>::new());
    assert_eq!(withheld(&rules, &["clerk", "nurse"], "patient.open"), ["hiv", "phone", "ssn"], "of each");
    assert_eq!(withheld(&rules, &["clerk", "nurse"], "chart.open"), ["phone"], "of those that permit");
    assert_eq!(withheld(&rules, &["clerk", "physician"], "home"), Vec::<String>::new(), "it has no fields");
    let shown = rules.shown().next().unwrap().cedar;
    assert!(shown.starts_with("@id(\"clerk/1\")\n@withhold(\"ssn\")\npermit ("), "{shown}");
}

#[test]
fn cedar_withholds_by_an_annotation() {
    let rule = "@id(\"desk\") @withhold(\"ssn, phone\") permit(principal, action == Action::\"view\", resource == \
                Route::\"ehr/patient.open\");";
    let rules = put_together(&[], rule).unwrap();
    assert_eq!(withheld(&rules, &[], "patient.open"), ["phone", "ssn"]);
}

#[test]
fn a_slip_of_the_pen_withholds_nothing_and_is_a_problem() {
    let told = |roles: &[RoleSettings], cedar: &str| put_together(roles, cedar).map(drop).unwrap_err();
    let role = role("clerk", Purpose::Operations, vec![views(&["snn"], &[])]);
    assert_eq!(
        told(&[role], ""),
        [
            "role `clerk`, `may` number 1: no route that `clerk/1` permits has a field `snn`; one of `hiv`, `phone`, `ssn`"
        ]
    );
    let forbids = told(&[], "@withhold(\"ssn\") forbid(principal, action, resource);");
    assert!(forbids[0].contains("what is forbidden has no fields"), "{forbids:?}");
    let unreadable = told(&[], "@withhold(\"s s n\") permit(principal, action, resource);");
    assert!(unreadable[0].contains("`@withhold` names fields"), "{unreadable:?}");
}

#[test]
fn an_explanation_and_a_diff_tell_it() {
    let rules = |withhold: &[&str]| {
        put_together(&[role("clerk", Purpose::Operations, vec![views(withhold, &["demographics"])])], "")
            .unwrap()
    };
    let (old, new) = (rules(&[]), rules(&["ssn"]));
    let (identity, application) = (person(&["clerk"]), "ehr".parse().unwrap());
    let question = Question {
        identity: Some(&identity),
        application: &application,
        route: position(&new, "ehr", "patient.open"),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told: &crate::domain::told::NOTHING_TOLD,
        now: NOW,
    };
    let text = new.explain(&question).unwrap().to_string();
    assert!(text.contains("\nwithheld   hiv, ssn\n"), "{text}");
    let diff = crate::features::policy::diff::diff(&old, &new, (&[], &[]));
    let [change] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!(change.what, "withhold: nothing → ssn");
    assert_eq!(change.direction, crate::features::policy::diff::Direction::Narrower);
}
