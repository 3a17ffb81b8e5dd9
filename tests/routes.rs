//! The library of route files: each can be used as it is, says what it is proven by, and takes what leaves
//! for what it is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use leastway::app::resolve::resolve;
use leastway::app::wiring::rules;
use leastway::config::{Loaded, load};
use leastway::domain::action::Action;
use leastway::domain::reply_shape::{PackedShape, Packing, ReplyKind};
use leastway::domain::row_selector::RowSelector;
use leastway::foundation::clock::SystemClock;
use leastway::foundation::entropy::SeededEntropy;
use leastway::gateway::rules::Rules;

/// The shipped configuration with other applications: those of the library, or some of them.
struct Library {
    loaded: Loaded,
    rules: Rules,
}

impl Library {
    fn load(files: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = leastway::demo::WorkDirectory::prepare(
            &folder.path().join("clinic"),
            &SystemClock,
            &SeededEntropy::new(1),
        )
        .unwrap();
        let root = directory.root();
        fs::remove_dir_all(root.join("applications")).unwrap();
        fs::create_dir(root.join("applications")).unwrap();
        for file in files {
            fs::copy(file, root.join("applications").join(file.file_name().unwrap())).unwrap();
        }
        // Whom to permit what is for each house to say.
        fs::write(root.join("roles.toml"), "").unwrap();
        fs::write(root.join("policies/clinic.cedar"), "").unwrap();
        // Nor does anybody tell who cares for whom in applications that are not here.
        let text = fs::read_to_string(directory.configuration()).unwrap();
        let (before, feed) = text.split_once("[feed.care-team]").unwrap();
        let (_, after) = feed.split_once("\n[session]").unwrap();
        fs::write(directory.configuration(), format!("{before}[session]{after}")).unwrap();
        let loaded = load(&directory.configuration()).unwrap_or_else(|problems| panic!("{problems}"));
        let rules = rules(&loaded).unwrap_or_else(|problems| panic!("{problems}"));
        Self { loaded, rules }
    }

    /// What a request does, or why it is not let through at all.
    fn action(&self, method: &str, url: &str, form: &[&str]) -> Result<Action, String> {
        let method: Method = method.parse().unwrap();
        let form: Vec<String> = form.iter().map(|field| (*field).to_owned()).collect();
        let found = resolve(&self.rules, &method, url, &form)?;
        Ok(self.rules.routes.routes().get(found.route).unwrap().action)
    }

    /// How the records of its reply are counted.
    fn kind(&self, method: &str, url: &str, form: &[&str]) -> Option<ReplyKind> {
        let method: Method = method.parse().unwrap();
        let form: Vec<String> = form.iter().map(|field| (*field).to_owned()).collect();
        let found = resolve(&self.rules, &method, url, &form).unwrap();
        self.rules.routes.routes().get(found.route).unwrap().reply.as_ref().map(|reply| reply.kind.clone())
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/routes");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    files
}

#[test]
fn each_file_can_be_used_alone_and_with_the_others() {
    for file in files() {
        let library = Library::load(std::slice::from_ref(&file));
        assert_eq!(library.loaded.settings.applications.len(), 1, "{}", file.display());
    }
    assert_eq!(Library::load(&files()).loaded.settings.applications.len(), files().len());
}

#[test]
fn each_file_begins_with_what_it_is_proven_by() {
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let head = lines.join(" ");
        let scripts: Vec<&str> =
            head.split([' ', ',', '(', ')']).filter_map(|word| word.strip_prefix("tests/real/")).collect();
        assert_eq!(head.contains("# Proven by a run: "), !scripts.is_empty(), "{}", file.display());
        assert_ne!(
            head.contains("# Proven by a run: "),
            head.contains("# Not proven by a run. "),
            "{}",
            file.display()
        );
        for script in scripts {
            let name = script.trim_end_matches('.');
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name);
            assert!(path.is_file(), "{} names {}", file.display(), path.display());
        }
    }
}

#[test]
fn what_leaves_is_taken_for_what_it_is() {
    let library = Library::load(&files());
    let cases: &[(&str, &str, &[&str], Action)] = &[
        // OpenEMR: one field makes a file of a report, and PHP runs a script for longer paths too.
        (
            "POST",
            "https://ehr.clinic.example/interface/reports/patient_list.php",
            &["form_refresh=1"],
            Action::List,
        ),
        (
            "POST",
            "https://ehr.clinic.example/interface/reports/patient_list.php",
            &["form_csvexport=1"],
            Action::Export,
        ),
        (
            "POST",
            "https://ehr.clinic.example/interface/reports/patient_list.php/x",
            &["form_csvexport[]=1"],
            Action::Export,
        ),
        (
            "POST",
            "https://ehr.clinic.example/interface/other/page.php",
            &["form_csvexport=1"],
            Action::Export,
        ),
        ("POST", "https://ehr.clinic.example/interface/other/page.php", &["form_export=1"], Action::Export),
        ("GET", "https://ehr.clinic.example/interface/main/backup.php/x", &[], Action::ConfigExport),
        (
            "GET",
            "https://ehr.clinic.example/controller.php?document&retrieve&patient_id=1&document_id=2&as_file=true",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://ehr.clinic.example/controller.php?document&retrieve&patient_id=1&document_id=2&as_file=false",
            &[],
            Action::View,
        ),
        (
            "GET",
            "https://ehr.clinic.example/controller.php?document&retrieve&as_file=false&as_file=true",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://ehr.clinic.example/interface/main/finder/dynamic_finder_ajax.php?iDisplayStart=0&iDisplayLength=25",
            &[],
            Action::Search,
        ),
        (
            "GET",
            "https://ehr.clinic.example/interface/main/finder/dynamic_finder_ajax.php?iDisplayLength=25",
            &[],
            Action::Search,
        ),
        (
            "GET",
            "https://ehr.clinic.example/interface/main/finder/dynamic_finder_ajax.php?iDisplayStart=0&iDisplayLength=-1",
            &[],
            Action::Search,
        ),
        (
            "POST",
            "https://ehr.clinic.example/interface/patient_file/report/custom_report.php",
            &["pdf=1"],
            Action::WholeRecord,
        ),
        // OpenMRS
        ("GET", "https://emr.clinic.example/openmrs/ws/rest/v1/patient?q=a", &[], Action::Search),
        (
            "GET",
            "https://emr.clinic.example/openmrs/ws/rest/v1/reportingrest/reportdata/7;jsessionid=1",
            &[],
            Action::Export,
        ),
        ("GET", "https://emr.clinic.example/bahmnireports/report?responseType=text/csv", &[], Action::Export),
        // Mirth Connect
        (
            "GET",
            "https://interfaces.clinic.example/api/channels/1/messages?includeContent=false",
            &[],
            Action::List,
        ),
        (
            "GET",
            "https://interfaces.clinic.example/api/channels/1/messages?includeContent=true",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://interfaces.clinic.example/api/channels/1/messages?includeContent=false&includeContent=true",
            &[],
            Action::Export,
        ),
        ("POST", "https://interfaces.clinic.example/api/channels/1/messages/_export", &[], Action::Disclose),
        ("GET", "https://interfaces.clinic.example/api/server/configuration", &[], Action::ConfigExport),
        // Reporting Services: IIS folds letter case.
        ("GET", "https://reports.clinic.example/ReportServer?/Wards/Census", &[], Action::List),
        (
            "GET",
            "https://reports.clinic.example/reportserver?/Wards/Census&RS:FORMAT=CSV",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://reports.clinic.example/ReportServer?/Wards/Census&rs:Format=csv",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://reports.clinic.example/ReportServer?/Wards/Census&rs:Format=HTML5&rs:Format=PDF",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://reports.clinic.example/ReportServer/Reserved.ReportViewerWebControl.axd?OpType=Export&Format=CSV",
            &[],
            Action::Export,
        ),
        (
            "GET",
            "https://reports.clinic.example/ReportServer/Reserved.ReportViewerWebControl.axd?OpType=Resource&optype=Export",
            &[],
            Action::Export,
        ),
        // Metabase
        ("POST", "https://metrics.clinic.example/api/card/7/query", &[], Action::List),
        ("POST", "https://metrics.clinic.example/api/card/7/query/csv", &[], Action::Export),
        ("POST", "https://metrics.clinic.example/api/dataset", &[], Action::Query),
        ("POST", "https://metrics.clinic.example/api/dataset/xlsx", &[], Action::Export),
        // phpMyAdmin: `route` may be in the form.
        (
            "GET",
            "https://phpmyadmin.clinic.example/phpmyadmin/index.php?route=/sql&db=a&table=b",
            &[],
            Action::List,
        ),
        (
            "GET",
            "https://phpmyadmin.clinic.example/phpmyadmin/index.php?route=/sql&db=a&sql_query=select",
            &[],
            Action::Query,
        ),
        (
            "POST",
            "https://phpmyadmin.clinic.example/phpmyadmin/index.php?route=/export",
            &["what=sql", "output_format=astext"],
            Action::Export,
        ),
        (
            "POST",
            "https://phpmyadmin.clinic.example/phpmyadmin/index.php?route=/export",
            &["what=sql", "output_format=sendit", "compression=none"],
            Action::Export,
        ),
        (
            "POST",
            "https://phpmyadmin.clinic.example/phpmyadmin/index.php",
            &["route=/export", "pma_username=a"],
            Action::Admin,
        ),
        ("POST", "https://phpmyadmin.clinic.example/phpmyadmin/", &["route=/export"], Action::Admin),
    ];
    for (method, url, form, expected) in cases {
        assert_eq!(library.action(method, url, form), Ok(*expected), "{method} {url} {form:?}");
    }
}

#[test]
fn what_is_text_is_counted_as_its_kind() {
    let library = Library::load(&files());
    let csv = |delimiter| ReplyKind::Csv { delimiter, header: true };
    // The form of a dump says whether a line of names comes first: every line counts.
    let bare = |delimiter| ReplyKind::Csv { delimiter, header: false };
    let packed = |of| ReplyKind::Packed(PackedShape { by: Packing::Gzip, of: Box::new(of) });
    let page = ReplyKind::Html { rows: RowSelector::read("#mymaintable tbody tr").unwrap() };
    let report = "https://ehr.clinic.example/interface/reports/patient_list.php";
    let export = "https://phpmyadmin.clinic.example/phpmyadmin/index.php?route=/export";
    let (dump, table) =
        ("https://db.clinic.example/adminer/?dump=", "https://db.clinic.example/adminer/?select=patient");
    let cases: &[(&str, &[&str], Option<ReplyKind>)] = &[
        (report, &["form_refresh=1"], Some(page)),
        (report, &["form_refresh=1", "form_csvexport=1"], Some(csv(None))),
        (export, &["what=sql", "output_format=sendit", "compression=none"], Some(ReplyKind::Sql)),
        (export, &["what=sql", "output_format=sendit", "compression=gzip"], Some(ReplyKind::Opaque)),
        (export, &["what=sql", "output_format=astext", "compression=none"], Some(ReplyKind::Opaque)),
        (dump, &["output=text", "format=sql"], Some(ReplyKind::Sql)),
        (dump, &["output=file", "format=csv;"], Some(bare(None))),
        (dump, &["output=text", "format=tsv"], Some(bare(Some(b'\t')))),
        (table, &["export=1", "output=text", "format=csv"], Some(csv(None))),
        (dump, &["output=gz", "format=sql"], Some(packed(ReplyKind::Sql))),
        (dump, &["output=gz", "format=tsv"], Some(packed(bare(Some(b'\t'))))),
        (dump, &["output=zip", "format=sql"], Some(ReplyKind::Opaque)),
        (table, &["export=1", "output=text", "format=sql"], Some(ReplyKind::Sql)),
        (table, &["export=1", "output=gz", "format=csv"], Some(packed(csv(None)))),
        (table, &["export=1", "output=gz", "format=xml"], Some(ReplyKind::Opaque)),
    ];
    for (url, form, expected) in cases {
        assert_eq!(library.kind("POST", url, form), *expected, "{url} {form:?}");
    }
}

#[test]
fn what_is_no_door_of_people_is_not_there() {
    let library = Library::load(&files());
    for (method, url) in [
        ("GET", "https://ehr.clinic.example/sites/default/documents/1"),
        ("GET", "https://ehr.clinic.example/apis/default/fhir/$export"),
        ("POST", "https://fhir.clinic.example/fhir/R4"),
        ("POST", "https://fhir.clinic.example/fhir/R4/$graphql"),
        ("GET", "https://fhir.clinic.example/fhir/R4/Patient?_revinclude:iterate=Condition:subject"),
        ("GET", "https://fhir.clinic.example/fhir/R4/_search?_type=Patient"),
        ("GET", "https://metrics.clinic.example/api/public/card/1/query/csv"),
        ("GET", "https://metrics.clinic.example/public/question/1.csv"),
        ("POST", "https://reports.clinic.example/ReportServer/ReportService2010.asmx"),
        ("GET", "https://db.clinic.example/adminer/index.php?dump="),
        ("GET", "https://db.clinic.example/adminer/none?dump="),
        ("POST", "https://pacs.clinic.example/modalities/other/store"),
        ("POST", "https://terminal.clinic.example/plain"),
        ("GET", "https://emr.clinic.example/openmrs/admin/index.htm"),
        // Two values of which each is a route: nobody can say which it will be.
        (
            "GET",
            "https://emr.clinic.example/bahmnireports/report?responseType=text/html&responseType=text/csv",
        ),
    ] {
        assert!(library.action(method, url, &[]).is_err(), "{method} {url}");
    }
}
