//! Risks: what is settled, and what nobody could clear or meet.

use std::time::Duration;

use super::Folder;
use super::catalogue::{MAIN, ROLES};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::risk::Sign;
use crate::features::risk::settings::When;

fn with(risk: &str) -> Folder {
    let folder = Folder::good();
    let roles = folder.read(ROLES);
    folder.write(ROLES, &format!("{roles}\n[risk.x]\n{risk}\n"));
    folder
}

#[test]
fn a_risk_is_settled_with_its_defaults_and_one_for_the_policy_beside_it() {
    let folder = with("when = \"denials\"\nthen = \"step_up\"\nassurance = \"mfa\"\nactions = \"export\"");
    let settings = folder.load().unwrap().settings;
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let (risk, raise) = (&settings.risks[0], &settings.raises[0]);
    assert_eq!(risk.when, When::Denials { more_than: 5, within: minutes(10), lasts: minutes(60) });
    let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: Some(minutes(5)) };
    assert_eq!((risk.need.as_ref(), raise.need.as_ref()), (Some(&need), Some(&need)));
    assert_eq!((raise.name.as_str(), raise.sign, raise.actions.len()), ("x", Sign::Denials, 1));
    assert!(raise.applications.is_empty() && raise.routes.is_empty() && risk.unless_device.is_empty());
}

#[test]
fn what_cannot_come_to_pass_is_a_problem() {
    let step_up = "then = \"step_up\"\nassurance = \"mfa\"";
    let cases = [
        ("when = \"new_moon\"\nthen = \"note\"".to_owned(), "risk.x.when: `new_moon` is not one of"),
        ("when = \"new_device\"\nthen = \"block\"".to_owned(), "risk.x.then: `block` is not one of"),
        (
            "when = \"new_device\"\nthen = \"step_up\"".to_owned(),
            "risk.x.then: nothing is said that would clear it",
        ),
        (
            "when = \"new_device\"\nthen = \"note\"\nassurance = \"mfa\"".to_owned(),
            "risk.x.assurance: nothing is asked where it is only noted",
        ),
        (
            format!("when = \"new_device\"\n{step_up}\nhours = \"06:00-22:00\""),
            "risk.x.hours: `hours` is a matter of `unusual_hour`, and this is told by `new_device`",
        ),
        (
            "when = \"new_device\"\nthen = \"step_up\"\nassurance = \"key\"".to_owned(),
            "risk.x.assurance: the provider `clinic` cannot prove `key`, so nobody of its people could go on",
        ),
        (
            format!("when = \"new_device\"\n{step_up}\napplications = \"eh\""),
            "risk.x.applications: no application is called `eh`",
        ),
        (
            format!("when = \"new_device\"\n{step_up}\nroutes = \"patients.*\""),
            "risk.x.routes: no application where it counts has a route `patients.*`",
        ),
        (
            format!("when = \"new_device\"\n{step_up}\nactions = \"delete\""),
            "risk.x: no route has all that it asks for, so it counts nowhere",
        ),
        (
            format!("when = \"new_device\"\n{step_up}\nunless_device = \"ward\""),
            "risk.x.unless_device: there is no class of devices `ward`",
        ),
        (
            format!("when = \"told\"\nlevel = \"low\"\n{step_up}"),
            "risk.x.level: `low` is what is said of everybody, so this would never stand",
        ),
        (format!("when = \"denials\"\nmore_than = 0\n{step_up}"), "risk.x.more_than: 0 is out of range"),
    ];
    for (risk, problem) in cases {
        let report = with(&risk).report();
        assert!(report.contains(problem), "{risk}\n{report}");
        assert_eq!(report.matches(": error: ").count(), 1, "and nothing else: {report}");
    }
}

#[test]
fn there_are_no_more_than_can_stand_and_each_has_a_name_of_its_own() {
    let folder = Folder::good();
    let many: Vec<String> =
        (0..65).map(|number| format!("[risk.r{number}]\nwhen = \"told\"\nthen = \"note\"\n")).collect();
    folder.write(ROLES, &format!("{}\n{}", folder.read(ROLES), many.concat()));
    assert!(folder.report().contains("risk.r64: there are 64 risks before it"), "{}", folder.report());
    let folder = with("when = \"told\"\nthen = \"note\"");
    folder.change(MAIN, "[gateway]", "[risk.x]\nwhen = \"told\"\nthen = \"note\"\n[gateway]");
    assert!(folder.report().contains("there is another risk `x`"), "{}", folder.report());
}
