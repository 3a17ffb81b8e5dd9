//! What is well by itself and wrong together with the rest.

use super::Folder;
use super::catalogue::{EHR, MAIN, ROLES, case, check};
use crate::domain::purpose::Purpose;

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = Folder::good();
    folder.certificate("other", &["ehr.clinic.example"]);
    folder.change(MAIN, "gateway.key", "other.key");
    assert!(folder.report().contains("does not belong to the first certificate of the chain"));
}

#[test]
fn a_host_without_a_certificate_is_a_warning() {
    let folder = Folder::good();
    for (name, host, served) in
        [("*.clinic.example", "ehr.clinic.example", true), ("*.example", "ehr.clinic.example", false)]
    {
        folder.certificate("gateway", &[name]);
        let warnings = folder.load().unwrap().warnings;
        assert_eq!(warnings.is_empty(), served, "{name} for {host}");
    }
}

#[test]
fn keys_in_the_folder_of_the_journal_that_they_keep_closed_are_a_warning() {
    for (keys, is_warned) in
        [("data/journal", true), ("data/journal/keys", true), ("data/keys", false), ("data/journals", false)]
    {
        let folder = Folder::good();
        folder.change(MAIN, "[gateway]", &format!("[journal.sealed]\nkeys = \"{keys}\"\n[gateway]"));
        let warnings = folder.load().unwrap().warnings;
        let warned: Vec<_> = warnings.iter().map(|warning| warning.key.as_str()).collect();
        let expected = if is_warned { &["journal.sealed.keys"][..] } else { &[] };
        assert_eq!(warned, expected, "{keys}");
    }
}

#[test]
fn names_that_lead_nowhere_or_are_used_twice() {
    check(&[
        case(
            EHR,
            "upstream",
            "provider = \"clinik\"\nupstream",
            "application.ehr.provider: no provider is called `clinik`",
        ),
        case(
            ROLES,
            "\"ehr\"",
            "\"her\"",
            "role.registrar.may[1].application: no application is called `her`, so this rule can never fire",
        ),
        case(
            ROLES,
            "\"demographics\"",
            "\"demography\"",
            "role.registrar.may[1].categories: no route of `ehr` has the category `demography`",
        ),
        case(
            ROLES,
            "\"patient.*\"",
            "\"patents.*\"",
            "role.registrar.may[1].routes: `ehr` has no route `patents.*`",
        ),
        case(
            MAIN,
            "[gateway]",
            "[role.registrar]\ngroups = \"x\"\npurposes = \"quality\"\n[[role.registrar.may]]\napplication = \"ehr\"\n\
             actions = \"view\"\n[gateway]",
            "role.registrar: there is another role `registrar`",
        ),
    ]);
}

#[test]
fn rules_that_can_never_fire_and_roles_that_nothing_uses() {
    check(&[
        case(
            ROLES,
            "actions = \"export\"",
            "actions = \"print\"",
            "role.registrar.may[1]: no route of `ehr` has all that this rule asks for, so it can never fire",
        ),
        case(
            ROLES,
            "\"mfa\"",
            "\"phishing_resistant\"",
            "role.registrar.may[1].when.assurance: the provider `clinic` cannot prove `phishing_resistant`, so this rule \
             can never fire",
        ),
        case(
            ROLES,
            "purpose = \"payment\"",
            "purpose = \"treatment\"",
            "role.registrar.may[1].when.purpose: nobody in the role `registrar` works for `treatment`",
        ),
        case(
            ROLES,
            "purpose = \"payment\"",
            "relationship = \"facility\"",
            "role.registrar.may[1].when.relationship: no feed tells of `facility`, so this rule can never fire",
        ),
        case(
            MAIN,
            "claims = { location = \"ward\" }",
            "",
            "role.registrar.may[1].when.location: the provider `clinic` does not say where people work, so this rule can \
             never fire",
        ),
        case(
            ROLES,
            "[role.registrar]",
            "[role.idle]\ngroups = \"x\"\npurposes = \"quality\"\n[role.registrar]",
            "role.idle: no rule uses the role `idle`: who has it may do nothing",
        ),
    ]);
}

#[test]
fn a_role_that_only_cedar_uses_is_used() {
    let folder = Folder::good();
    folder.change(
        ROLES,
        "[role.registrar]",
        "[role.idle]\ngroups = \"x\"\npurposes = \"quality\"\n[role.registrar]",
    );
    folder.write("policies/idle.cedar", "permit (principal in Role::\"idle\", action, resource);");
    assert_eq!(folder.report(), "");
}

#[test]
fn limits_that_would_stop_care_or_cannot_be_passed() {
    check(&[
        case(
            ROLES,
            "\n[role.registrar.limit]",
            "\n[role.nurse]\ngroups = \"Nurses\"\npurposes = [\"treatment\", \"operations\"]\n[[role.nurse.may]]\n\
             application = \"ehr\"\nactions = \"view\"\n[role.nurse.limit]\non_exceed = \"block\"\n[role.registrar.limit]",
            "role.nurse.limit.on_exceed: under treatment a limit may only advise, and this would block (45 CFR 164.502(b)(2)(i))",
        ),
        case(
            ROLES,
            "\n[role.registrar.limit]",
            "\n[role.records]\ngroups = \"Records\"\npurposes = [\"operations\", \"patient_request\"]\n[[role.records.may]]\n\
             application = \"ehr\"\nactions = \"view\"\n[role.records.limit]\non_unknown_count = \"step_up\"\n\
             [role.registrar.limit]",
            "role.records.limit.on_unknown_count: under patient_request a limit may only advise, and this would ask for a \
             step-up (45 CFR 164.502(b)(2)(ii))",
        ),
        case(
            ROLES,
            "\n[role.registrar.limit]",
            "\n[role.nurse]\ngroups = \"Nurses\"\npurposes = [\"treatment\", \"operations\"]\n[[role.nurse.may]]\n\
             application = \"ehr\"\nactions = \"view\"\n[role.nurse.limit]\nrecords_per_response_at_most = 1000\n\
             [role.registrar.limit]",
            "role.nurse.limit.records_per_response_at_most: under treatment a limit may only advise, and this would block \
             (45 CFR 164.502(b)(2)(i))",
        ),
        case(
            ROLES,
            "records_per_export = 500",
            "records_per_export = 500\nrecords_per_export_at_most = 499",
            "role.registrar.limit.records_per_export_at_most: nobody passes 499, and without a step 500 are allowed",
        ),
        case(
            ROLES,
            "records_per_export = 500",
            "on_unknown_count = \"explode\"",
            "role.registrar.limit.on_unknown_count: `explode` is not one of advise, justify, step_up, redact, truncate, block",
        ),
    ]);
    let folder = Folder::good();
    folder.change(
        ROLES,
        "records_per_export = 500",
        "records_per_export = 500\nrecords_per_export_at_most = 500",
    );
    assert_eq!(folder.report(), "");
    let folder = Folder::good();
    folder.change(MAIN, "assurance.mfa = {", "# {");
    folder.change(ROLES, "assurance = \"mfa\", fresh = \"15m\", ", "");
    folder.change(ROLES, "records_per_export = 500", "on_exceed = \"step_up\"");
    assert!(folder.report().contains("no provider can prove a stronger sign-in, so nobody could pass"));
}

#[test]
fn an_export_that_is_blocked_says_by_when_there_is_an_answer() {
    let warned = |limit: &str, help: &str| {
        let folder = Folder::good();
        folder.change(ROLES, "records_per_export = 500", limit);
        folder.change(MAIN, "help.answer_within = \"4h\"", help);
        folder.report()
    };
    let (blocked, nothing) = ("records_per_export = 500", "help.contact = \"the privacy office\"");
    let report = warned(blocked, nothing);
    assert!(report.contains("warning: role.registrar.limit: exports of the role are blocked"), "{report}");
    assert!(
        report.contains("(45 CFR 171.203)") && report.contains("`answer_within` in `[help]`"),
        "{report}"
    );
    assert!(!warned("on_unknown_count = \"block\"\non_exceed = \"advise\"", nothing).is_empty());
    assert!(!warned("on_unknown_count = \"advise\"\nrecords_per_export_at_most = 9", nothing).is_empty());
    assert_eq!(warned("on_unknown_count = \"advise\"\non_exceed = \"advise\"", nothing), "");
    assert_eq!(warned("on_unknown_count = \"advise\"\nrecords_per_response = 9", nothing), "");
    assert_eq!(warned(blocked, "help = { answer_within = \"4h\", risk = \"RA 3.2\" }"), "");
    assert!(warned(blocked, "help.risk = \"\"").contains("that is no line that people could read"));
}

#[test]
fn nothing_to_protect_and_nobody_to_sign_people_in() {
    let folder = Folder::good();
    folder.write(MAIN, "version = 1\n");
    let report = folder.report();
    assert!(
        report.contains("leastway.toml:1:1: error: application: no application is declared in any file"),
        "{report}"
    );
    assert!(
        report.contains("leastway.toml:1:1: error: provider: no provider is declared in any file"),
        "{report}"
    );
    assert!(
        report.contains("leastway.toml:1:1: error: gateway.certificate: `certificate` is missing"),
        "{report}"
    );
}

#[test]
fn two_applications_at_one_address() {
    let other = "[application.lab]\nhost = \"ehr.clinic.example\"\nupstream = \"http://10.0.0.8\"\nunmatched = \"deny\"\n";
    let folder = Folder::good();
    folder.write("applications/lab.toml", other);
    assert!(folder.load().is_err());
    assert!(folder.report().starts_with(
        "applications/lab.toml:2:8: error: application.lab.host: `ehr.clinic.example` with `/` is where `ehr` lives already"
    ));
    folder.write("applications/lab.toml", &format!("{other}path = \"/lab/\"\n"));
    assert!(folder.load().is_ok());
    assert!(
        folder
            .report()
            .contains("warning: application.lab.host: at `ehr.clinic.example`, `/lab/` and `/` of `ehr`")
    );
}

#[test]
fn what_purposes_are_called() {
    check(&[
        case(
            ROLES,
            "[role.registrar]",
            "[purpose.tretment]\ntitle = \"Care\"\n[role.registrar]",
            "purpose.tretment: `tretment` is not one of treatment, emergency_treatment, care_coordination, break_glass, payment, \
             operations, quality, patient_administration, system_administration, training, research, public_health, \
             patient_request, legal, marketing",
        ),
        case(
            ROLES,
            "[role.registrar]",
            "[purpose.research]\ntitle = \"A study\"\n[role.registrar]",
            "purpose.research: no role works for `research`",
        ),
    ]);
    let folder = Folder::good();
    folder.change(ROLES, "[role.registrar]", "[purpose.payment]\ntitle = \"Bills\"\n[role.registrar]");
    let titles = folder.load().unwrap().settings.purposes;
    assert_eq!(titles.into_iter().collect::<Vec<_>>(), [(Purpose::Payment, "Bills".into())]);
    folder.change(MAIN, "[gateway]", "[purpose.payment]\ntitle = \"Claims\"\n[gateway]");
    assert!(
        folder.report().contains("purpose.payment: `payment` has a title already"),
        "{}",
        folder.report()
    );
}
