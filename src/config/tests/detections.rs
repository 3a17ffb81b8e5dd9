//! Detections: what is settled, and what nobody could mean.

use std::time::Duration;

use super::Folder;
use super::catalogue::ROLES;
use crate::domain::detection::{DetectionThen, Severity};
use crate::features::detect::settings::When;

fn with(rule: &str) -> Folder {
    let folder = Folder::good();
    let roles = folder.read(ROLES);
    folder.write(ROLES, &format!("{roles}\n[detect.x]\n{rule}\n"));
    folder
}

#[test]
fn each_kind_has_numbers_of_its_own() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let nights = When::OffHours("06:00-22:00".parse().unwrap());
    let (medium, high) = (Severity::Medium, Severity::High);
    let cases = [
        ("when = \"mass_export\"", When::RecordsTaken, 500, 60, 4, high),
        ("when = \"mass_export\"\nof = \"files\"", When::FilesTaken, 20, 60, 4, high),
        ("when = \"panel_sweep\"\nusual_times = 0", When::PanelSweep, 60, 60, 0, medium),
        ("when = \"list_sweep\"", When::ListSweep, 300, 60, 4, medium),
        ("when = \"sequential_ids\"", When::SequentialIds, 9, 10, 0, high),
        ("when = \"off_hours\"\nhours = \"06:00-22:00\"", nights, 100, 60, 0, medium),
        ("when = \"dormant\"", When::Dormant(minutes(45 * 24 * 60)), 20, 60, 0, medium),
        ("when = \"denials\"", When::Denials, 20, 10, 0, medium),
        ("when = \"after_break_glass\"", When::AfterBreakGlass, 0, 30, 0, high),
        ("when = \"elsewhere\"\nmore_than = 7", When::Elsewhere, 7, 15, 0, medium),
        ("when = \"nothing_to_do\"\nseverity = \"low\"", When::NothingToDo, 0, 60, 0, Severity::Low),
    ];
    for (rule, when, more_than, within, usual_times, severity) in cases {
        let settings = with(rule).load().unwrap().settings;
        let [settled] = settings.detections.as_slice() else { panic!("{rule}") };
        assert_eq!((&settled.when, settled.more_than), (&when, more_than), "{rule}");
        let measured = (settled.within, settled.usual_times, settled.severity);
        assert_eq!(measured, (minutes(within), usual_times, severity), "{rule}");
        assert_eq!((settled.then, settled.quiet), (DetectionThen::Flag, minutes(30 * 24 * 60)), "{rule}");
        assert!(settled.roles.is_empty() && settled.applications.is_empty() && !settled.in_treatment);
    }
}

#[test]
fn what_cannot_be_meant_is_a_problem() {
    let cases = [
        ("when = \"new_moon\"", "detect.x.when: `new_moon` is not one of"),
        ("when = \"off_hours\"", "detect.x.when: nothing is said of the hours of the house"),
        (
            "when = \"denials\"\nhours = \"06:00-22:00\"",
            "detect.x.hours: `hours` is a matter of `off_hours`, and this looks for `denials`",
        ),
        (
            "when = \"denials\"\nusual_times = 2",
            "detect.x.usual_times: nothing is usual for a person where `denials` is looked for",
        ),
        (
            "when = \"panel_sweep\"\nmore_than = 501",
            "detect.x.more_than: 501 different ones are not told apart",
        ),
        ("when = \"denials\"\nwithin = \"25h\"", "detect.x.within: `25h` is out of range"),
        ("when = \"denials\"\nroles = \"registar\"", "detect.x.roles: no role is called `registar`"),
        ("when = \"denials\"\napplications = \"eh\"", "detect.x.applications: no application is called `eh`"),
        (
            "when = \"denials\"\nthen = \"step_up\"",
            "detect.x.then: no risk says what the person is asked for then",
        ),
        (
            "when = \"denials\"\nin_treatment = true",
            "detect.x.in_treatment: nothing is asked where it is only told",
        ),
    ];
    for (rule, problem) in cases {
        let found: Vec<String> =
            with(rule).problems().iter().map(|found| format!("{}: {}", found.key, found.what)).collect();
        assert!(matches!(found.as_slice(), [one] if one.starts_with(problem)), "{rule}: {found:?}");
    }
}

#[test]
fn what_a_detection_asks_is_said_by_a_risk() {
    let risk = "[risk.found]\nwhen = \"detection\"\nthen = \"step_up\"\nassurance = \"mfa\"\nlasts = \"8h\"";
    let folder = with(&format!("when = \"denials\"\nthen = \"step_up\"\nin_treatment = true\n{risk}"));
    let settings = folder.load().unwrap().settings;
    assert_eq!(settings.detections[0].then, DetectionThen::StepUp);
    let lasts = Duration::from_secs(8 * 3600);
    assert_eq!(settings.risks[0].when, crate::features::risk::settings::When::Detection { lasts });
}
