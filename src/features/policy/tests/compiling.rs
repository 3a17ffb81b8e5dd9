use super::*;
use crate::features::policy::problem::PolicySource;

fn full_may() -> MaySettings {
    MaySettings {
        application: "ehr".parse().unwrap(),
        actions: vec![Action::View, Action::Export],
        routes: vec!["patient.*".to_owned(), "report.csv".to_owned()],
        categories: categories(&["demographics"]),
        withhold: Vec::new(),
        shadow: false,
        when: WhenSettings {
            assurance: Some(need("mfa", Some(900))),
            justification: true,
            hours: Some("22:00-06:00".parse().unwrap()),
            location: vec!["front desk".to_owned()],
            device: vec!["desk".parse().unwrap(), "ward".parse().unwrap()],
            device_places: BTreeMap::new(),
            purpose: Vec::new(),
            relationship: vec!["facility".to_owned(), "treatment_team".to_owned()],
            on_shift: true,
            department: vec!["cardiology".to_owned()],
            facility: Vec::new(),
            not_flagged: vec!["vip".to_owned()],
        },
    }
}

#[test]
fn many_rules_keep_their_order_and_are_each_what_they_say() {
    let names: Vec<String> = (0..700).map(|number| format!("role-{number}")).collect();
    let view = || may("ehr", &[Action::View], WhenSettings::default());
    let roles: Vec<_> = names.iter().map(|name| role(name, Purpose::Operations, vec![view()])).collect();
    let rules = compile(&roles, "");
    let of_roles = rules.shown().filter(|rule| matches!(rule.source, PolicySource::May(..)));
    let ids: Vec<_> = of_roles.map(|rule| (rule.id.to_owned(), rule.cedar.to_owned())).collect();
    assert_eq!(ids.len(), names.len());
    for ((id, cedar), name) in ids.iter().zip(&names) {
        assert_eq!(*id, format!("{name}/1"));
        assert!(cedar.contains(&format!("principal in Role::\"{name}\"")), "{cedar}");
    }
}

#[test]
fn a_may_reads_as_one_cedar_rule() {
    let registrar =
        RoleSettings { not_self: true, ..role("registrar", Purpose::Operations, vec![full_may()]) };
    let rules = compile(&[registrar], "");
    let shown: Vec<_> = rules.shown().map(|rule| (rule.id, rule.cedar)).collect();
    let expected = r#"@id("registrar/1")
permit (
  principal in Role::"registrar",
  action in [Action::"view", Action::"export"],
  resource in Application::"ehr"
)
when { resource.name like "patient.*" || resource.name == "report.csv" }
when { ["demographics"].containsAll(resource.categories) }
when { ["operations"].contains(context.purpose) }
when { context.assurance has "mfa" && context.assurance["mfa"] <= 900 }
when { context.justified }
when { context.minute_of_day >= 1320 || context.minute_of_day < 360 }
when { principal has location && principal.location.containsAny(["front desk"]) }
when { principal has department && principal.department.containsAny(["cardiology"]) }
when { ["desk", "ward"].contains(context.device) }
when { (context.relationship has "facility" && context.relationship["facility"]) || (context.relationship has "treatment_team" && context.relationship["treatment_team"]) }
when { context has on_shift && context.on_shift }
when { context has patient_flags && !context.patient_flags.containsAny(["vip"]) }
when { context has own_chart && !context.own_chart };"#;
    assert_eq!(shown, [("registrar/1", expected)]);
}

#[test]
fn words_that_mean_something_to_cedar_are_only_words() {
    let hostile = "\"]) || true || [\"\\ * \u{1b}\n'é";
    let mut may = full_may();
    may.routes = vec![format!("patient{hostile}*"), "*".to_owned()];
    may.when = WhenSettings { location: vec![hostile.to_owned()], ..WhenSettings::default() };
    let rules = compile(&[role("registrar", Purpose::Operations, vec![may])], "");
    let denial = denied(decide(&rules, &person(&["registrar"]).at("ward"), ("ehr", "patient.open")));
    assert_eq!(denial.reasons, [Reason::LocationMismatch]);
}

#[test]
fn every_problem_is_told_at_once_and_where() {
    let roles = [
        role("registrar", Purpose::Operations, vec![may("erh", &[Action::View], WhenSettings::default())]),
        role("nurse", Purpose::Treatment, vec![may("ehr", &[Action::Admin], WhenSettings::default())]),
        RoleSettings { groups: Vec::new(), ..role("idle", Purpose::Quality, Vec::new()) },
    ];
    let text = "// the clinic's own\npermit (principal, action, resource) when { context.purpos == \"x\" };\n\n  forbid (principal, action, resource)\n  when { 1 < };\npermit (principal == ?principal, action, resource);\n";
    let problems = try_compile(&roles, text).unwrap_err();
    let told: Vec<_> =
        problems.iter().map(|problem| (problem.source.to_string(), problem.what.as_str())).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    assert_eq!(told[0], ("role `registrar`, `may` number 1".to_owned(), "there is no application `erh`"));
    assert_eq!(told[1].0, "role `nurse`, `may` number 1");
    assert!(told[1].1.starts_with("it can never fire"), "{}", told[1].1);
    assert_eq!(told[2].1, "no group gives this role, so nobody can hold it");
    assert_eq!(told[3].0, "policies/clinic.cedar:5:14");
    assert_eq!(told[4].0, "policies/clinic.cedar:6:22");
}

#[test]
fn a_cedar_rule_is_held_to_the_schema() {
    struct Case {
        name: &'static str,
        text: &'static str,
        at: &'static str,
        what: &'static str,
    }
    let cases = [
        Case {
            name: "an attribute that nobody knows",
            text: "permit (principal, action, resource)\nwhen { context.purpos == \"x\" };",
            at: ":2:8",
            what: "`purpos`",
        },
        Case {
            name: "an optional attribute without its guard",
            text: "forbid (principal, action, resource) when { principal.location.contains(\"x\") };",
            at: ":1:45",
            what: "optional attribute",
        },
        Case {
            name: "a class of assurance that nobody proves",
            text: "forbid (principal, action, resource) unless { context.assurance has mfb };",
            at: ":1:1",
            what: "no provider tells the assurance `mfb`",
        },
        Case {
            name: "an action that is not in the list",
            text: "permit (principal, action == Action::\"exprot\", resource);",
            at: ":1:30",
            what: "exprot",
        },
        Case {
            name: "a role that is not configured",
            text: "forbid (principal in Role::\"clrek\", action, resource);",
            at: ":1:1",
            what: "the configuration has no `Role::\"clrek\"`",
        },
        Case {
            name: "a route that is not configured",
            text: "forbid (principal, action, resource == Route::\"ehr/hoem\");",
            at: ":1:1",
            what: "the configuration has no `Route::\"ehr/hoem\"`",
        },
        Case {
            name: "a rule for a public route",
            text: "forbid (principal, action, resource == Route::\"ehr/static\");",
            at: ":1:1",
            what: "can never fire",
        },
        Case {
            name: "an id that a role's rule has",
            text: "@id(\"clerk/1\") forbid (principal, action, resource);",
            at: ":1:1",
            what: "the id `clerk/1` is taken by role `clerk`",
        },
        Case {
            name: "an id that cannot stand in an event",
            text: "@id(\"a\\nb\") forbid (principal, action, resource);",
            at: ":1:1",
            what: "cannot be the id",
        },
    ];
    for case in cases {
        let Err(problems) = try_compile(&clerk(WhenSettings::default()), case.text) else {
            panic!("{} is accepted", case.name)
        };
        let [problem] = problems.as_slice() else { panic!("{}: {problems:#?}", case.name) };
        assert!(problem.source.to_string().ends_with(case.at), "{}: {problem}", case.name);
        assert!(problem.what.contains(case.what), "{}: {problem}", case.name);
    }
}

#[test]
fn a_may_that_can_never_fire_is_a_problem() {
    struct Case {
        name: &'static str,
        change: fn(&mut MaySettings),
    }
    let cases = [
        Case { name: "no such route", change: |may| may.routes = vec!["patients.*".to_owned()] },
        Case { name: "no such category", change: |may| may.categories = categories(&["genomics"]) },
        Case { name: "no such action here", change: |may| may.actions = vec![Action::Delete] },
        Case { name: "no such class", change: |may| may.when.assurance = Some(need("otp", None)) },
        Case { name: "no such purpose", change: |may| may.when.purpose = vec![Purpose::Research] },
    ];
    for case in cases {
        let mut may = full_may();
        (case.change)(&mut may);
        let problems = try_compile(&[role("registrar", Purpose::Operations, vec![may])], "").unwrap_err();
        assert_eq!(problems.len(), 1, "{}: {problems:#?}", case.name);
        assert!(matches!(problems[0].source, PolicySource::May(_, 1)), "{}", case.name);
        assert!(problems[0].what.starts_with("it can never fire"), "{}: {}", case.name, problems[0].what);
    }
}

#[test]
fn a_role_that_no_rule_uses_is_a_problem_unless_a_file_uses_it() {
    let idle = role("idle", Purpose::Quality, Vec::new());
    let problems = try_compile(std::slice::from_ref(&idle), "").unwrap_err();
    assert_eq!(problems[0].what, "no rule uses this role");
    compile(&[idle], "permit (principal in Role::\"idle\", action, resource);");
}

#[test]
fn a_time_zone_that_does_not_exist_is_a_problem() {
    let problems =
        Rules::compile(&clerk(WhenSettings::default()), &[], catalog(), "Europe/Nowhere", Digest::ZERO)
            .unwrap_err();
    assert_eq!(problems[0].source, PolicySource::TimeZone);
}

#[test]
fn the_published_schema_and_its_example_are_the_one_that_is_used() {
    let rules = compile(&clerk(WhenSettings::default()), "");
    for word in ["\"location\"?: Set<String>", "\"mfa\"?: Long", "action \"view\", \"search\""] {
        assert!(rules.schema().contains(word), "{word} is missing in\n{}", rules.schema());
    }
    assert!(!rules.schema().contains("//@"));
}

#[test]
fn groups_give_roles_in_the_order_of_the_configuration() {
    let rules = compile(
        &[
            role("nurse", Purpose::Treatment, vec![may("ehr", &[Action::View], WhenSettings::default())]),
            role("clerk", Purpose::Operations, vec![may("ehr", &[Action::View], WhenSettings::default())]),
        ],
        "",
    );
    let groups = ["clinic-clerk", "elsewhere", "clinic-nurse"].map(str::to_owned);
    let clinic = "clinic".parse().unwrap();
    let roles = rules.roles_of(&clinic, &groups);
    assert_eq!(roles.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["nurse", "clerk"]);
    assert_eq!(rules.default_purpose(&roles), Some(Purpose::Treatment));
    assert_eq!(rules.purposes_of(&roles), [Purpose::Treatment, Purpose::Operations]);
    assert_eq!(rules.default_purpose(&rules.roles_of(&clinic, &[])), None);
}

#[test]
fn a_group_of_the_same_name_at_another_provider_gives_nothing() {
    let of = |name: &str, provider: &str| RoleSettings {
        groups: vec!["admins".to_owned()],
        providers: vec![provider.parse().unwrap()],
        ..role(name, Purpose::Treatment, vec![may("ehr", &[Action::View], WhenSettings::default())])
    };
    let mut catalog = catalog();
    catalog.applications[0].providers.push("partner".parse().unwrap());
    let rules = Rules::compile(
        &[of("admin", "clinic"), of("guest", "partner")],
        &[],
        catalog,
        "UTC",
        Digest::of(b""),
    )
    .unwrap();
    let roles = |provider: &str| rules.roles_of(&provider.parse().unwrap(), &["admins".to_owned()]);
    assert_eq!(roles("clinic"), ["admin".parse().unwrap()]);
    assert_eq!(roles("partner"), ["guest".parse().unwrap()]);
    assert_eq!(roles("elsewhere"), []);
}

#[test]
fn thousands_of_rules_load() {
    let roles: Vec<_> = (0..400)
        .map(|number| {
            let rule = |minute: usize| WhenSettings {
                hours: format!("06:{minute:02}-20:00").parse().ok(),
                ..WhenSettings::default()
            };
            let may = (0..5).map(|minute| may("ehr", &[Action::View], rule(minute))).collect();
            role(&format!("role-{number}"), Purpose::Operations, may)
        })
        .collect();
    let rules = compile(&roles, "");
    assert_eq!(rules.len(), 2000);
    let grounds = permitted(decide(&rules, &person(&["role-399"]), ("ehr", "home")));
    assert_eq!(grounds.rules.len(), 5);
}

#[test]
fn a_permit_of_ones_own_says_whose_people_it_is_for_where_several_providers_are_admitted() {
    let compiled = |providers: &[&str], text: &str| {
        let mut catalog = catalog();
        catalog.applications[0].providers = providers.iter().map(|name| name.parse().unwrap()).collect();
        Rules::compile(&clerk(WhenSettings::default()), &[cedar(text)], catalog, "UTC", Digest::ZERO)
    };
    let anybody = "permit (principal, action == Action::\"view\", resource);";
    let by_group =
        "permit (principal, action == Action::\"view\", resource) when { principal.groups.contains(\"g\") };";
    for text in [anybody, by_group] {
        assert!(compiled(&["clinic"], text).is_ok(), "{text}");
        let problems = compiled(&["clinic", "partner"], text).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
        assert!(problem.what.starts_with("`ehr` admits the people of several providers"), "{problem}");
    }
    for text in [
        "permit (principal in Role::\"clerk\", action == Action::\"view\", resource);",
        "permit (principal, action == Action::\"view\", resource) when { principal.provider == \"clinic\" };",
        "permit (principal, action == Action::\"view\", resource) when { principal.issuer == \"https://id.clinic.example\" };",
        "forbid (principal, action == Action::\"view\", resource);",
    ] {
        assert!(compiled(&["clinic", "partner"], text).is_ok(), "{text}");
    }
}
