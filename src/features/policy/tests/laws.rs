//! What the law of a kind of data forbids, whatever rules permit.

use super::*;
use crate::domain::category::{Sensitivity, Terms};
use crate::domain::field::FieldName;
use crate::domain::law::Law;
use crate::domain::told::{Known, Marks, Told};
use crate::features::policy::catalog::CatalogField;

/// The clinic with notes, records of a programme and a page that shows a little of each.
fn sensitive() -> Catalog {
    let mut catalog = catalog();
    let field = |name: &str, category: &str| CatalogField {
        name: name.parse().unwrap(),
        categories: vec![category.parse().unwrap()],
    };
    for (name, of) in [
        ("notes.open", &["psychotherapy"][..]),
        ("counseling.open", &["clinical", "sud_counseling"]),
        ("sud.open", &["sud"]),
        ("hiv.open", &["hiv"]),
        ("claim.open", &["restricted"]),
    ] {
        let like = catalog.routes[3].clone();
        let categories = categories(of);
        let protection = catalog.categories.protection(&categories);
        catalog.routes.push(CatalogRoute { route: name.parse().unwrap(), categories, protection, ..like });
    }
    catalog.routes[2].fields =
        vec![field("notes", "psychotherapy"), field("sud", "sud"), field("phone", "demographics")];
    let fax = CatalogField { name: "fax".parse().unwrap(), categories: Vec::new() };
    catalog.routes[2].fields.push(fax);
    catalog.facts.relationships = vec!["originator".to_owned(), "treatment_team".to_owned()];
    catalog.facts.flags = vec!["sud-consent".to_owned(), "vip".to_owned()];
    let consent = Terms {
        sensitivity: vec![Sensitivity::Sud],
        law: Law::SudRecords,
        consent: Some("sud-consent".into()),
    };
    catalog.categories.declare("sud".parse().unwrap(), consent);
    catalog
}

/// Permits everything to everybody, as no file should.
const ALL: &str = "permit (principal, action, resource);";

fn compiled(roles: &[RoleSettings], text: &str) -> Rules {
    Rules::compile(roles, &[cedar(text)], sensitive(), "UTC", Digest::ZERO).unwrap()
}

fn problems_of(purposes: &[Purpose], listed: &[&str], when: WhenSettings) -> Vec<String> {
    let may = MaySettings { categories: categories(listed), ..may("ehr", &[Action::View], when) };
    let role = RoleSettings { purposes: purposes.to_vec(), ..role("clerk", purposes[0], vec![may]) };
    let compiled = Rules::compile(&[role], &[], sensitive(), "UTC", Digest::ZERO);
    compiled.map(drop).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn originator(known: Known) -> Told {
    let mut told = Told::default();
    told.note_relationship(0, known);
    if known == Known::No {
        told.note_known(0);
    }
    told
}

fn consented(flags: Marks) -> Told {
    Told { flags, flags_known: Known::Yes, ..Told::default() }
}

fn asked(rules: &Rules, identity: &Identity, route: &str, told: &Told) -> Decision {
    asked_with(rules, &Memory::default(), identity, route, told)
}

fn asked_with(rules: &Rules, memory: &Memory, identity: &Identity, route: &str, told: &Told) -> Decision {
    let question = Question {
        identity: Some(identity),
        application: &"ehr".parse().unwrap(),
        route: position(rules, "ehr", route),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told,
        now: NOW,
    };
    rules.decide(memory, &question)
}

#[test]
fn notes_are_opened_by_who_wrote_them_and_by_no_reason_emergency_or_file() {
    let rules = compiled(&[], ALL);
    let reason_of = |route: &str| match route {
        "notes.open" => Reason::PsychotherapyNotes,
        _ => Reason::SudCounselingNotes,
    };
    let care = person(&[]).working_for(Purpose::Treatment).justified("ehr", Duration::ZERO);
    for route in ["notes.open", "counseling.open"] {
        let permit = permitted(asked(&rules, &care, route, &originator(Known::Yes)));
        assert_eq!(&*permit.rules[0], "policies/clinic.cedar#1");
        assert!(permit.rested.has(0), "it rests on who wrote them, whatever permits it");
        for (known, reasons_told) in [
            (Known::No, vec![reason_of(route)]),
            (Known::Unknown, vec![reason_of(route), Reason::AttributeUnavailable]),
            (Known::Aged, vec![reason_of(route), Reason::AttributeStale]),
        ] {
            let denial = denied(asked(&rules, &care, route, &originator(known)));
            assert_eq!((denial.reasons, denial.ways_on), (reasons_told, vec![]), "{route}, {known:?}");
        }
        for purpose in [Purpose::BreakGlass, Purpose::Operations, Purpose::PatientRequest, Purpose::Research]
        {
            let other = care.clone().working_for(purpose);
            let denial = denied(asked(&rules, &other, route, &originator(Known::Yes)));
            assert_eq!(denial.reasons, [reason_of(route)], "{route} under {purpose}");
        }
    }
}

#[test]
fn paper_opens_notes_by_its_number() {
    let rules = compiled(&[], ALL);
    let legal = person(&[]).working_for(Purpose::Legal);
    let none = Told::default();
    assert_eq!(challenged(asked(&rules, &legal, "notes.open", &none)), Challenge::Justify);
    let mut given = legal.justified("ehr", Duration::ZERO);
    given.justification.as_mut().unwrap().number = Some("2026-CV-114".to_owned());
    permitted(asked(&rules, &given, "notes.open", &none));
}

#[test]
fn records_of_a_programme_are_opened_as_part_2_permits() {
    let rules = compiled(&[], ALL);
    let (consents, none) = (consented(Marks::NONE.with(0)), consented(Marks::NONE.with(1)));
    let of = |purpose| person(&[]).working_for(purpose);
    for purpose in [Purpose::Treatment, Purpose::BreakGlass, Purpose::Quality, Purpose::SystemAdministration]
    {
        permitted(asked(&rules, &of(purpose), "sud.open", &Told::default()));
    }
    for purpose in [Purpose::Payment, Purpose::Operations] {
        permitted(asked(&rules, &of(purpose), "sud.open", &consents));
        let refused = reasons(asked(&rules, &of(purpose), "sud.open", &none));
        assert_eq!(refused, [Reason::SudRecords]);
        let unknown = reasons(asked(&rules, &of(purpose), "sud.open", &Told::default()));
        assert_eq!(unknown, [Reason::SudRecords, Reason::AttributeUnavailable]);
    }
    for purpose in [Purpose::PublicHealth, Purpose::Marketing] {
        assert_eq!(reasons(asked(&rules, &of(purpose), "sud.open", &consents)), [Reason::SudRecords]);
    }
}

#[test]
fn other_laws_close_what_they_name() {
    let rules = compiled(&[], ALL);
    let refused = |purpose, route: &str| {
        let identity = person(&[]).working_for(purpose);
        reasons(asked(&rules, &identity, route, &Told::default()))
    };
    assert_eq!(refused(Purpose::Marketing, "hiv.open"), [Reason::StateLaw]);
    assert_eq!(refused(Purpose::Payment, "claim.open"), [Reason::PatientRestriction]);
    permitted(asked(&rules, &person(&[]), "hiv.open", &Told::default()));
    permitted(asked(&rules, &person(&[]), "claim.open", &Told::default()));
}

#[test]
fn a_rule_that_lists_nothing_leaves_notes_out() {
    let views = |listed: &[&str]| MaySettings {
        categories: categories(listed),
        ..may(
            "ehr",
            &[Action::View],
            WhenSettings { relationship: vec!["originator".to_owned()], ..WhenSettings::default() },
        )
    };
    let (notes, care) = (originator(Known::Yes), person(&["therapist"]).working_for(Purpose::Treatment));
    let rules = |listed: &[&str]| compiled(&[role("therapist", Purpose::Treatment, vec![views(listed)])], "");
    let wildcard = rules(&[]);
    assert_eq!(reasons(asked(&wildcard, &care, "notes.open", &notes)), [Reason::NoRuleMatched]);
    permitted(asked(&wildcard, &care, "hiv.open", &notes));
    let shown = wildcard.shown().next().unwrap().cedar;
    assert!(
        shown.contains("!resource.categories.containsAny([\"psychotherapy\", \"sud_counseling\"])"),
        "{shown}"
    );
    permitted(asked(&rules(&["psychotherapy"]), &care, "notes.open", &notes));
}

#[test]
fn fields_are_withheld_by_the_same_law() {
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<FieldName>>();
    let rules = compiled(&[], ALL);
    let withheld = |rules: &Rules, identity: &Identity, told: &Told| {
        permitted(asked(rules, identity, "patient.open", told)).obligations.withheld.to_vec()
    };
    let (desk, care) = (person(&[]), person(&[]).working_for(Purpose::Treatment));
    assert_eq!(withheld(&rules, &desk, &consented(Marks::NONE.with(0))), names(&["notes"]));
    assert_eq!(withheld(&rules, &desk, &consented(Marks::NONE)), names(&["notes", "sud"]));
    assert_eq!(withheld(&rules, &desk, &Told::default()), names(&["notes", "sud"]));
    assert_eq!(withheld(&rules, &care, &originator(Known::No)), names(&["notes"]));
    assert_eq!(withheld(&rules, &care, &originator(Known::Yes)), names(&[]));

    let memory = Memory::default();
    for (known, expected) in [(Known::Yes, &[][..]), (Known::No, &["notes"]), (Known::Yes, &[])] {
        let told = originator(known);
        let grounds = permitted(asked_with(&rules, &memory, &care, "patient.open", &told));
        assert_eq!(grounds.obligations.withheld.to_vec(), names(expected), "what is remembered minds it");
    }

    let wildcard = may("ehr", &[Action::View], WhenSettings::default());
    let by_role = compiled(&[role("nurse", Purpose::Treatment, vec![wildcard])], "");
    let nurse = person(&["nurse"]).working_for(Purpose::Treatment);
    assert_eq!(
        withheld(&by_role, &nurse, &originator(Known::Yes)),
        names(&["notes"]),
        "they are named or left out"
    );
}

#[test]
fn what_no_rule_could_lawfully_give_is_a_problem() {
    use Purpose::{BreakGlass, Legal, Marketing, Operations, Payment, PublicHealth, Research, Treatment};
    struct Case<'c> {
        purposes: &'c [Purpose],
        category: &'c str,
        when: WhenSettings,
        what: &'c str,
    }

    let to = |words: &[&str]| WhenSettings {
        relationship: words.iter().map(|&word| word.to_owned()).collect(),
        ..WhenSettings::default()
    };
    let own = || to(&["originator"]);
    let case = |purposes, category, when, what| Case { purposes, category, when, what };
    for Case { purposes, category, when, what } in [
        case(&[Treatment], "psychotherapy", own(), ""),
        case(&[Treatment, Legal], "psychotherapy", own(), ""),
        case(&[Legal], "psychotherapy", to(&[]), ""),
        case(
            &[Treatment],
            "psychotherapy",
            to(&[]),
            "under treatment, `psychotherapy` is open to its originator alone (45 CFR 164.508(a)(2))",
        ),
        case(
            &[Treatment],
            "psychotherapy",
            to(&["originator", "treatment_team"]),
            "under treatment, `psychotherapy` is open to its originator alone",
        ),
        case(
            &[Treatment, Operations],
            "psychotherapy",
            own(),
            "under operations, `psychotherapy` is open to nobody",
        ),
        case(&[BreakGlass], "psychotherapy", own(), "under break_glass, `psychotherapy` is open to nobody"),
        case(&[Research], "psychotherapy", own(), "under research, `psychotherapy` is open to nobody"),
        case(&[Operations], "sud", to(&[]), ""),
        case(&[PublicHealth], "sud", to(&[]), "under public_health, `sud` is open to nobody (42 CFR part 2)"),
        case(&[Marketing], "hiv", to(&[]), "under marketing, `hiv` is open to nobody (state law)"),
        case(
            &[Payment],
            "restricted",
            to(&[]),
            "under payment, `restricted` is open to nobody (45 CFR 164.522(a))",
        ),
    ] {
        let found = problems_of(purposes, &[category], when);
        let is_so =
            if what.is_empty() { found.is_empty() } else { found.len() == 1 && found[0].contains(what) };
        assert!(is_so, "{purposes:?} {category}: {found:?}");
    }
    let mut catalog = sensitive();
    catalog.categories = Categories::default();
    let may = MaySettings {
        categories: categories(&["sud"]),
        ..may("ehr", &[Action::View], WhenSettings::default())
    };
    let roles = [role("billing", Payment, vec![may])];
    let found = Rules::compile(&roles, &[], catalog, "UTC", Digest::ZERO).unwrap_err();
    assert_eq!(found[0].what, "under payment, `sud` takes the patient's consent (42 CFR 2.31 and 2.33)");
}

#[test]
fn care_is_kept_only_from_what_has_a_law_of_its_own() {
    let role = |purpose, withhold: &[&str], listed: &[&str]| {
        let may = MaySettings {
            categories: categories(listed),
            withhold: withhold.iter().map(|name| name.parse().unwrap()).collect(),
            ..may("ehr", &[Action::View], WhenSettings::default())
        };
        let compiled =
            Rules::compile(&[role("nurse", purpose, vec![may])], &[], sensitive(), "UTC", Digest::ZERO);
        compiled.map(drop).err().unwrap_or_default().into_iter().map(|found| found.what).collect::<Vec<_>>()
    };
    let none = Vec::<String>::new();
    assert_eq!(role(Purpose::Operations, &["phone", "sud", "notes"], &[]), none);
    assert_eq!(
        role(Purpose::Operations, &["fax"], &[]),
        none,
        "it belongs to no kind of data beyond its route's"
    );
    assert_eq!(role(Purpose::Treatment, &["fax"], &[]).len(), 1);
    assert_eq!(role(Purpose::Treatment, &["sud", "notes"], &[]), none);
    assert_eq!(role(Purpose::Treatment, &[], &["demographics"]), none, "what it does not list has laws");
    assert_eq!(
        role(Purpose::Treatment, &["phone"], &[]),
        [
            "under treatment, only what has a law of its own is withheld, and `phone` has none that counts here (45 CFR \
          164.502(b)(2)(i))"
        ]
    );
    assert_eq!(role(Purpose::BreakGlass, &["sud"], &[]).len(), 1, "an emergency is kept from notes alone");
    assert_eq!(role(Purpose::PatientRequest, &["notes"], &[]), none);
    let file = |purpose, condition: &str| {
        let text = format!(
            "@withhold(\"phone\") permit (principal in Role::\"nurse\", action, resource == Route::\"ehr/patient.open\"){condition};"
        );
        let nurse = super::role("nurse", purpose, vec![may("ehr", &[Action::View], WhenSettings::default())]);
        let compiled = Rules::compile(&[nurse], &[cedar(&text)], sensitive(), "UTC", Digest::ZERO);
        compiled.map(drop).err().unwrap_or_default().len()
    };
    assert_eq!(file(Purpose::Treatment, ""), 1, "nor by a file");
    assert_eq!(file(Purpose::Treatment, " when { context.purpose == \"operations\" }"), 0);
    assert_eq!(file(Purpose::Operations, ""), 0);
}

#[test]
fn an_explanation_and_what_is_shown_tell_law_and_sensitivity() {
    let rules = compiled(&[], ALL);
    let care = person(&[]).working_for(Purpose::Treatment);
    let (none, application) = (originator(Known::No), "ehr".parse().unwrap());
    let question = Question {
        identity: Some(&care),
        application: &application,
        route: position(&rules, "ehr", "counseling.open"),
        patient: None,
        client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        device: None,
        risks: crate::domain::risk::Standing::NONE,
        told: &none,
        now: NOW,
    };
    let text = rules.explain(&question).unwrap().to_string();
    assert!(text.starts_with("deny  sud-counseling-notes\n"), "{text}");
    assert!(text.contains("\nsensitive  SUD\nlaw        42 CFR 2.11 and 2.31(b)\n"), "{text}");
    assert!(text.contains("decided by law/sud_counseling\n"), "{text}");
    assert!(text.contains("  hit      forbid  law/sud_counseling") && !text.contains("law/hiv"), "{text}");
    let laws = rules.laws();
    let of = |name: &str| laws.iter().find(|law| law.starts_with(&format!("category/{name}: "))).unwrap();
    assert_eq!(
        of("sud"),
        "category/sud: 42 CFR part 2; sensitivity SUD; open with the patient's consent (`sud-consent`) under payment, \
         operations, patient_administration, training; open to nobody under public_health, marketing"
    );
    assert!(of("hiv").ends_with("sensitivity HIV; open to nobody under marketing"), "{laws:?}");
    assert!(!laws.iter().any(|law| law.starts_with("category/clinical")), "{laws:?}");
    let shown = rules.shown().find(|rule| rule.id == "law/psychotherapy").unwrap();
    assert_eq!(
        (shown.permits, shown.source.to_string().as_str()),
        (false, "category `psychotherapy`, 45 CFR 164.508(a)(2)")
    );
}
