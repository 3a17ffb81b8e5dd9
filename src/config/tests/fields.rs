//! Fields of replies: what nobody could take out is a problem.

use super::Folder;
use super::catalogue::{EHR, ROLES, case, check};

const CSV: &str = "reply = { kind = \"csv\", patient = \"column:ID\" }";
const FIELD: &str = "application.ehr.route[2].field[1]";

fn with(reply: &str, field: &str) -> &'static str {
    // Each is written once and lives as long as the test.
    Box::leak(format!("{reply}\n[[application.ehr.route.field]]\n{field}").into_boxed_str())
}

fn problem(key: &str, what: &str) -> &'static str {
    Box::leak(format!("{key}: {what}").into_boxed_str())
}

#[test]
fn a_field_is_where_its_kind_of_reply_can_hold_it() {
    let page = "reply = { kind = \"html\", rows = \"#list tr\" }";
    let ssn = |at: &str| format!("name = \"ssn\"\nat = \"{at}\"");
    let nowhere = "nothing can be taken out of this kind of reply there";
    let unknown = "nobody knows what the reply is: without `reply`, nothing can be taken out of it";
    let untold = |text: &str| format!("`{text}` does not say where a field stands");
    let at = format!("{FIELD}.at");
    check(&[
        case(EHR, CSV, with(page, &ssn("member:ssn")), problem(&at, nowhere)),
        case(EHR, CSV, with(page, &ssn("cell:0")), problem(&at, &untold("cell:0"))),
        case(EHR, CSV, with(page, &ssn("cell:1001")), problem(&at, &untold("cell:1001"))),
        case(
            EHR,
            CSV,
            with(page, &ssn("css:.ssn")),
            problem(&at, "`.ssn` does not say what the rows stand in"),
        ),
        case(EHR, CSV, with(CSV, &ssn("cell:3")), problem(&at, nowhere)),
        case(EHR, CSV, with(CSV, &ssn("css:#p .ssn")), problem(&at, nowhere)),
        case(EHR, CSV, with(CSV, &ssn("/ssn")), problem(&at, nowhere)),
        case(EHR, CSV, with("reply = { kind = \"opaque\" }", &ssn("member:ssn")), problem(&at, nowhere)),
        case(
            EHR,
            CSV,
            with("reply = { kind = \"csv\", header = false }", &ssn("column:SSN")),
            problem(&at, nowhere),
        ),
        case(EHR, CSV, with("", &ssn("column:SSN")), problem(&at, unknown)),
        case(EHR, CSV, with(CSV, &ssn("ssn")), problem(&at, &untold("ssn"))),
        case(EHR, CSV, with(CSV, &ssn("Patient.meta.tag")), problem(&at, &untold("Patient.meta.tag"))),
        case(EHR, CSV, with(CSV, "name = \"ssn\""), problem(&at, "`at` is missing")),
    ]);
}

#[test]
fn a_field_is_declared_once_and_only_where_somebody_decides() {
    let ssn = "name = \"ssn\"\nat = \"column:SSN\"";
    let twice = format!("{ssn}\n[[application.ehr.route.field]]\n{ssn}");
    check(&[
        case(EHR, CSV, with(CSV, &twice), "application.ehr.route[2].field: `ssn` is declared twice"),
        case(
            EHR,
            "access = \"public\"",
            with("access = \"public\"\nreply = { kind = \"csv\" }", ssn),
            "application.ehr.route[3].field: a public route is decided about by nobody, and nothing is withheld there",
        ),
        case(
            ROLES,
            "categories = \"demographics\"",
            "categories = \"demographics\"\nwithhold = \"not a name\"",
            "role.registrar.may[1].withhold: a name is 1 to 64 letters, digits, `-`, `_` or `.`, not `not a name`",
        ),
    ]);
}

#[test]
fn only_a_route_that_declares_it_is_cut_and_never_what_is_for_care() {
    let (limit, cutting) = ("records_per_export = 500", "records_per_export = 500\non_exceed = \"truncate\"");
    let unknown = "records_per_export = 500\non_unknown_count = \"truncate\"";
    check(&[
        case(
            ROLES,
            limit,
            cutting,
            "role.registrar.may[1]: beyond its limits the role gets the first records only, and `patient.list.csv` does not \
             say that its reply may be cut",
        ),
        case(
            ROLES,
            limit,
            unknown,
            "role.registrar.limit.on_unknown_count: what cannot be counted has no first records",
        ),
        case(
            EHR,
            "access = \"public\"",
            "access = \"public\"\ntruncate = true",
            "application.ehr.route[3].truncate: only replies whose records are counted one after the other can be cut",
        ),
    ]);
    let folder = Folder::good();
    folder.change(ROLES, limit, cutting);
    folder.change(EHR, CSV, &format!("truncate = true\n{CSV}"));
    assert_eq!(folder.problems().len(), 0, "{}", folder.report());
}

#[test]
fn what_a_limit_takes_out_is_known_of_each_reply_that_is_counted() {
    let (limit, redacting) = ("records_per_export = 500", "records_per_export = 500\non_exceed = \"redact\"");
    check(&[case(
        ROLES,
        limit,
        redacting,
        "role.registrar.may[1]: beyond its limits the role gets replies without what identifies people, and \
         `patient.list.csv` says of no field that it does",
    )]);
    let folder = Folder::good();
    folder.change(ROLES, limit, redacting);
    folder.change(EHR, CSV, with(CSV, "name = \"who\"\nat = \"column:Name\"\nidentifies = true"));
    assert_eq!(folder.problems().len(), 0, "{}", folder.report());
}
