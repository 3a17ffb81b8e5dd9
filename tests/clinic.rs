//! The shipped configuration and the clinic that it describes fit together.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use leastway::config::load;
use leastway::demo::loopback::only_listeners;
use leastway::demo::people::{PEOPLE, Person};
use leastway::demo::{Ports, WorkDirectory};
use leastway::domain::limit::OnExceed;
use leastway::features::route::table::RouteTable;
use leastway::foundation::clock::SystemClock;
use leastway::foundation::entropy::SeededEntropy;

fn prepare(folder: &Path) -> WorkDirectory {
    WorkDirectory::prepare(folder, &SystemClock, &SeededEntropy::new(1)).unwrap()
}

#[test]
fn the_shipped_configuration_has_no_problem_and_nothing_to_warn_of() {
    let folder = tempfile::tempdir().unwrap();
    let directory = prepare(folder.path());
    let loaded = load(&directory.configuration()).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    only_listeners(&loaded.settings.gateway, &loaded.settings.control).unwrap();

    let ports = Ports::SHIPPED;
    assert_eq!(loaded.settings.gateway.listen[0].port(), ports.gateway);
    assert_eq!(loaded.settings.control.listen.port(), ports.control);
    assert_eq!(*loaded.settings.providers[0].issuer, *format!("https://id.localhost:{}", ports.provider));
    let upstream = |position: usize| loaded.settings.upstreams[position].servers[0].port;
    let mut upstreams = [upstream(0), upstream(1)];
    upstreams.sort_unstable();
    assert_eq!(upstreams, [ports.ehr, ports.console]);
    assert_eq!(loaded.settings.journal.directory, directory.journal());
}

#[test]
fn no_role_of_the_clinic_is_blocked_in_treatment_and_every_role_has_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let directory = prepare(folder.path());
    let settings = load(&directory.configuration()).unwrap().settings;
    for role in &settings.roles {
        let treats = role.purposes.iter().any(|purpose| !purpose.basis().volume_may_deny());
        assert!(!treats || role.limits.on_exceed == OnExceed::Advise, "{}", role.name);
        let has = |person: &&Person| {
            person.groups.iter().any(|group| role.groups.iter().any(|other| other == group))
        };
        assert_eq!(PEOPLE.iter().filter(has).count(), 1, "{}", role.name);
    }
}

#[test]
fn no_two_routes_of_the_clinic_tie() {
    let folder = tempfile::tempdir().unwrap();
    let settings = load(&prepare(folder.path()).configuration()).unwrap().settings;
    let table = RouteTable::build(&settings.applications).unwrap();
    assert_eq!(table.applications().len(), 2);
}
