//! Categories: what nobody knows, what no file may change, and whom a law would have to ask.

use super::catalogue::{EHR, MAIN, ROLES, case, check};

const KEY: &str = "application.ehr.route[2]";

#[test]
fn a_category_is_built_in_or_declared() {
    let problem = "application.ehr.route[2].category: no category is called `demografics`, so nobody knows what protects it";
    let more = "category = \"demographics\"\nreply = { kind = \"opaque\" }\n[category.stewardship]\nsensitivity = \"TBOO\"\n[[application.ehr.route]]\n\
                name = \"stewards\"\nmatch = { path = \"/stewards\" }\naction = \"view\"\ncategory = \"stewardships\"";
    let other = "application.ehr.route[3].category: no category is called `stewardships`, so nobody knows what protects it";
    check(&[
        case(
            EHR,
            "name = \"patient.list.csv\"",
            "name = \"patient.more\"\nmatch = { path = \"/more\" }\naction = \"view\"\ncategory = \"demografics\"\n\
             [[application.ehr.route]]\nname = \"patient.list.csv\"",
            problem,
        ),
        case(EHR, "category = \"demographics\"", more, other),
    ]);
}

#[test]
fn the_nearest_name_is_told_and_a_field_says_whose_it_is() {
    let folder = super::Folder::good();
    let field = "reply = { kind = \"csv\", patient = \"column:ID\" }\n[[application.ehr.route.field]]\nname = \"status\"\n\
                 at = \"column:HIV\"\ncategory = \"hivv\"";
    folder.change(EHR, "reply = { kind = \"csv\", patient = \"column:ID\" }", field);
    let found = folder.problems();
    let [problem] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(problem.key, format!("{KEY}.field[1].category"));
    assert_eq!(problem.right, "did you mean `hiv`? (or `[category.hivv]`)");
    assert!(problem.place.file.ends_with(EHR) && problem.place.line > 1, "{problem:?}");
}

#[test]
fn no_file_takes_a_law_from_what_is_built_in() {
    let declared = |text: &str| -> &'static str { Box::leak(format!("{text}\n[gateway]").into_boxed_str()) };
    check(&[
        case(
            MAIN,
            "[gateway]",
            declared("[category.psychotherapy]\nlaw = \"policy\""),
            "category.psychotherapy.law: `psychotherapy` is built in with its law (psychotherapy_notes), and no file takes \
             that from it",
        ),
        case(
            MAIN,
            "[gateway]",
            declared("[category.hiv]\nconsent = \"told\""),
            "category.hiv.consent: no consent opens more of what this law protects (state law)",
        ),
        case(
            MAIN,
            "[gateway]",
            declared("[category.sud]\nconsent = \"told\""),
            "category.sud.consent: no feed of patients tells of `told`, so nobody would have consented",
        ),
        case(
            MAIN,
            "[gateway]",
            declared("[category.sud]\nsensitivity = \"SAD\""),
            "category.sud.sensitivity: `SAD` is not one of BH, CEL, COGN, DVD, EMOTDIS, EMP, ETHUD, ETH, GDIS, HIV, MH, MST, OPIOIDUD, PDS, \
             PRS, PSY, PSYTHPN, SCA, SDV, SEX, SPI, STD, SUD, TBOO, VIO",
        ),
        case(
            MAIN,
            "[gateway]",
            declared("[category.mine]\nlaw = \"federal\""),
            "category.mine.law: `federal` is not one of general, policy, state, restriction, sud_records, \
             sud_counseling_notes, psychotherapy_notes",
        ),
    ]);
}

#[test]
fn what_has_a_law_is_never_public() {
    check(&[case(
        EHR,
        "match = { path = \"/static/**\" }",
        "match = { path = \"/static/**\" }\ncategory = \"hiv\"",
        "application.ehr.route[3].access: a public route is decided about by nobody, and `hiv` has a law (state law)",
    )]);
}

#[test]
fn a_rule_names_categories_of_fields_too() {
    let folder = super::Folder::good();
    let field = "reply = { kind = \"csv\", patient = \"column:ID\" }\n[[application.ehr.route.field]]\nname = \"status\"\n\
                 at = \"column:HIV\"\ncategory = \"hiv\"";
    folder.change(EHR, "reply = { kind = \"csv\", patient = \"column:ID\" }", field);
    folder.change(ROLES, "categories = \"demographics\"", "categories = [\"demographics\", \"hiv\"]");
    assert!(folder.problems().is_empty(), "{}", folder.report());
}
