//! What somebody should have said: what is unmatched, how an export is counted, who approved and who answers.

use super::Folder;
use super::catalogue::{EHR, MAIN, ROLES, case, check};
use crate::config::problem::Severity;

const APPROVED: &str = "approved_by = [\"privacy:m.ortiz\", \"security:d.chen\"]\n";

#[test]
fn what_is_decided_by_a_default_is_warned_of() {
    check(&[
        case(
            EHR,
            "unmatched = \"deny\"\n",
            "",
            "application.ehr.unmatched: nothing says what happens to a request that no route matches; it is denied",
        ),
        case(MAIN, APPROVED, "", "approved_by: nothing says who approved what is written here"),
    ]);
    let folder = Folder::good();
    folder.change(EHR, "unmatched = \"deny\"\n", "");
    folder.change(MAIN, APPROVED, "");
    let warnings = folder.load().unwrap().warnings;
    assert!(
        warnings.iter().all(|warning| warning.severity == Severity::Warning && !warning.right.is_empty())
    );
    let unmatched = warnings.iter().find(|warning| warning.key.ends_with("unmatched")).unwrap();
    assert!(unmatched.place.file.ends_with(EHR), "{unmatched}");
}

#[test]
fn two_people_approve_and_not_one_in_two_offices() {
    let alone = "approved_by: `m.ortiz` alone approved what is written here";
    check(&[
        case(MAIN, APPROVED, "approved_by = \"privacy:m.ortiz\"\n", alone),
        case(MAIN, APPROVED, "approved_by = [\"privacy:m.ortiz\", \"security: M.Ortiz\"]\n", alone),
        case(
            MAIN,
            APPROVED,
            "approved_by = [\"m.ortiz\", \" \"]\n",
            "approved_by[2]: that is no line that people could read",
        ),
        case(MAIN, APPROVED, "approved_by = []\n", "approved_by: the list is empty"),
    ]);
    let folder = Folder::good();
    folder.change(MAIN, APPROVED, "approved_by = [\"m.ortiz\", \"d.chen\", \"it:a.novak\"]\n");
    assert_eq!(folder.report(), "");
}

#[test]
fn an_export_says_how_it_is_counted() {
    let reply = "reply = { kind = \"csv\", patient = \"column:ID\" }\n";
    check(&[case(
        EHR,
        reply,
        "",
        "application.ehr.route[2]: `patient.list.csv` is an export, and nothing says how its records are counted",
    )]);
    let folder = Folder::good();
    folder.change(EHR, reply, "");
    assert!(folder.load().is_err());
    for (old, new) in
        [(reply, "reply = { kind = \"opaque\" }\n"), ("action = \"export\"", "action = \"start_job\"")]
    {
        let folder = Folder::good();
        folder.change(EHR, old, new);
        folder.change(ROLES, "actions = \"export\"", "actions = [\"export\", \"start_job\"]");
        assert_eq!(folder.report(), "", "{new}");
    }
}

#[test]
fn an_account_that_everybody_goes_by_is_answered_for() {
    let account = |more: &str| -> &'static str {
        let account = format!(
            "unmatched = \"deny\"\ncredential.a = {{ kind = \"bearer\", secret = \"env:CLIENT_SECRET\"{more} }}\n"
        );
        Box::leak(account.into_boxed_str())
    };
    let unmatched = "unmatched = \"deny\"\n";
    check(&[
        case(
            EHR,
            unmatched,
            account(""),
            "application.ehr.credential.a: everybody goes to the application by the account `a`, and nobody answers for it",
        ),
        case(
            EHR,
            unmatched,
            account(", owner = \"\""),
            "application.ehr.credential.a.owner: nobody answers for it",
        ),
    ]);
    let folder = Folder::good();
    folder.change(EHR, unmatched, account(""));
    assert!(folder.load().is_ok(), "a warning alone");
    let folder = Folder::good();
    folder.change(EHR, unmatched, account(", owner = \"imaging desk\""));
    assert_eq!(folder.report(), "");
}

/// A category of the house's own, and a role that may break the glass.
fn in_emergency(category: &str, more: &str) -> Folder {
    let folder = Folder::good();
    folder.change(ROLES, "groups = \"FrontDesk\"", "groups = \"FrontDesk\"\nbreak_glass = true");
    folder.change(MAIN, "[gateway]", &format!("{more}[category.{category}\n[gateway]"));
    folder
}

#[test]
fn what_has_a_law_of_its_own_opens_in_an_emergency_by_decision() {
    let unsaid =
        "category.donor.break_glass: `donor` has a law (state law), and nothing says whether it opens";
    let told = |category: &str, more: &str| in_emergency(category, more).report();
    let report = told("donor]\nlaw = \"state\"", "");
    assert!(report.contains("error: ") && report.contains(unsaid), "{report}");
    for said in ["donor]\nlaw = \"state\"\nbreak_glass = true", "donor]\nlaw = \"policy\"", "hiv]", "donor]"]
    {
        assert_eq!(told(said, ""), "", "{said}");
    }
    assert_eq!(told("donor]\nlaw = \"state\"", "[break_glass]\nclosed = \"donor\"\n"), "");
    let notes = told("talks]\nlaw = \"psychotherapy_notes\"\nbreak_glass = true", "");
    assert!(notes.contains("no emergency opens what this law closes (45 CFR 164.508(a)(2))"), "{notes}");
    assert_eq!(told("talks]\nlaw = \"psychotherapy_notes\"", ""), "", "the law has decided");

    let without = Folder::good();
    without.change(MAIN, "[gateway]", "[category.donor]\nlaw = \"state\"\n[gateway]");
    assert_eq!(without.report(), "", "nobody breaks the glass");
}

#[test]
fn what_a_category_closes_in_an_emergency_is_closed_to_every_role() {
    let folder =
        in_emergency("donor]\nlaw = \"state\"\nbreak_glass = false", "[break_glass]\nclosed = \"vip\"\n");
    let roles = folder.load().unwrap().settings.roles;
    let closed = &roles[0].break_glass.as_ref().unwrap().closed;
    assert_eq!(closed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["vip", "donor"]);
}
