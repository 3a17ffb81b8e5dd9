//! Session times and classes of devices: what is settled, and what cannot come to pass.

use std::time::Duration;

use super::Folder;
use super::catalogue::{EHR, MAIN, ROLES, case, check};
use crate::domain::device::Resume;
use crate::domain::told::Place;
use crate::features::facts::settings::DeviceBy;

const DEVICES: &str = "[device.kiosk]\nnetworks = \"10.40.0.0/16\"\nlock = \"2m\"\nidle = \"2m\"\n\
                       [device.a-ward]\nheader = { X-Workstation = \"ward\" }\nresume = \"sso\"\n[gateway]";

#[test]
fn a_class_has_the_times_of_all_but_those_that_it_writes() {
    let folder = Folder::good();
    folder.change(MAIN, "[gateway]", DEVICES);
    let loaded = folder.load().unwrap();
    let settings = loaded.settings;
    let order: Vec<_> = settings.devices.iter().map(|device| device.class.as_str()).collect();
    assert_eq!(order, ["kiosk", "a-ward"], "as they are written");
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let of = |name: &str| settings.session.of(Some(&name.parse().unwrap()));
    let (kiosk, ward) = (of("kiosk"), of("a-ward"));
    assert_eq!((kiosk.lock, kiosk.idle, kiosk.absolute), (minutes(2), minutes(2), minutes(720)));
    assert_eq!((ward.lock, ward.idle, ward.resume), (minutes(15), minutes(240), Resume::Sso));
    assert_eq!(settings.devices[1].headers[0].0, "x-workstation");
    assert!(!kiosk.locks() && ward.locks());
    let warned: Vec<_> = loaded.warnings.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(warned, ["device.kiosk.lock"], "it is said that there is no lock");
}

#[test]
fn who_is_refused_where_nothing_is_locked_is_a_warning() {
    let cases = [
        ("lock = \"5m\"\nconcurrent = 1\nwhen_full = \"refuse\"", false),
        ("idle = \"15m\"\nconcurrent = 1\nwhen_full = \"refuse\"", true),
        ("idle = \"15m\"\nwhen_full = \"refuse\"", false),
        ("idle = \"15m\"\nconcurrent = 1", false),
    ];
    for (keys, warned) in cases {
        let folder = Folder::good();
        folder.change(MAIN, "[gateway]", &format!("[session]\n{keys}\n[gateway]"));
        let warnings = folder.load().unwrap().warnings;
        assert_eq!(warnings.iter().any(|problem| problem.key == "session.when_full"), warned, "{keys}");
    }
}

#[test]
fn a_rule_may_ask_for_a_class_that_there_is() {
    let folder = Folder::good();
    folder.change(MAIN, "[gateway]", DEVICES);
    folder.change(ROLES, "location = \"ward-3\"", "device = [\"a-ward\", \"kiosk\"]");
    let settings = folder.load().unwrap().settings;
    assert_eq!(settings.roles[0].may[0].when.device.len(), 2);
}

#[test]
fn what_cannot_come_to_pass_is_a_problem() {
    let device = |keys: &str| format!("[device.kiosk]\n{keys}\n[gateway]");
    let cases = [
        (
            "absolute = \"5m\"\nidle = \"10m\"\nnetworks = \"10.0.0.1\"",
            "device.kiosk.absolute: a session would end",
        ),
        ("lock = \"2m\"", "device.kiosk: nothing tells a device of this class"),
        ("networks = \"ward\"", "device.kiosk.networks: `ward` is not a network"),
        ("header = { cookie = \"a\" }", "device.kiosk.header: `cookie` is not a header of the proxy's own"),
        ("header = { x-kiosk = \"\\u0007\" }", "device.kiosk.header: `x-kiosk` cannot have this value"),
        ("networks = \"10.0.0.1\"\nresume = \"never\"", "device.kiosk.resume: "),
    ];
    for (keys, problem) in cases {
        let folder = Folder::good();
        folder.change(MAIN, "[gateway]", &device(keys));
        let report = folder.report();
        assert!(report.contains(problem), "{keys}: {report}");
    }
    check(&[case(
        ROLES,
        "location = \"ward-3\"",
        "device = \"kiosk\"",
        "role.registrar.may[1].when.device: there is no class of devices `kiosk`, so this rule can never fire",
    )]);
}

#[test]
fn a_lock_is_longer_than_what_the_clocks_may_differ() {
    for (lock, resume, problem) in [("9m", "login", true), ("10m", "login", false), ("9m", "sso", false)] {
        let folder = Folder::good();
        let session = format!("[session]\nlock = \"{lock}\"\nresume = \"{resume}\"\n[gateway]");
        folder.change(MAIN, "[gateway]", &session);
        folder.change(MAIN, "claims = {", "clock_skew = \"5m\"\nclaims = {");
        let report = folder.report();
        let said = "session.lock: a sign-in from before the lock could pass for one after it";
        assert_eq!(report.contains(said), problem, "{lock} {resume}: {report}");
    }
}

#[test]
fn a_certificate_tells_a_class_where_one_is_asked_for_and_can_be_believed() {
    let table = |keys: &str| format!("[gateway.client_certificate]\nauthorities = \"file:{keys}");
    let cases = [
        (String::new(), "device.cart.certificate: nobody is asked for one"),
        (table("certs/none.pem\""), "gateway.client_certificate.authorities: "),
        (table("certs/gateway.key\""), "`certs/gateway.key` holds no certificate"),
        (table("certs/gateway.pem\""), "is not the certificate of an authority"),
        (
            table("ca.pem\"\nhosts = \"her.clinic.example\""),
            "gateway.client_certificate.hosts: `her.clinic.example` is the host of no application",
        ),
        (table("ca.pem\"\nrevoked = \"file:certs/gateway.pem\""), "lists of revoked certificates"),
        (table("ca.pem\"\nhosts = \"EHR.clinic.example\""), ""),
    ];
    for (table, problem) in cases {
        let folder = Folder::good();
        folder.authority("ca.pem");
        folder.change(
            MAIN,
            "[[provider]]",
            &format!("{table}\n[device.cart]\ncertificate = \"cart-*\"\n[[provider]]"),
        );
        let report = folder.report();
        assert!(report.contains("device.cart.certificate: `cart-*` is no name"), "{report}");
        let folder = Folder::good();
        folder.authority("ca.pem");
        folder.change(
            MAIN,
            "[[provider]]",
            &format!("{table}\n[device.cart]\ncertificate = \"*.carts\"\n[[provider]]"),
        );
        let report = folder.report();
        assert!(
            if problem.is_empty() { report.is_empty() } else { report.contains(problem) },
            "{table}: {report}"
        );
    }
}

#[test]
fn an_application_asks_for_less_and_never_for_more() {
    let ward = "[device.ward]\nnetworks = \"10.0.0.1\"\nlock = \"1h\"\n[gateway]";
    for (key, value, device, is_longer) in [
        ("lock", "16m", "[gateway]", true),
        ("lock", "15m", "[gateway]", false),
        ("lock", "16m", ward, false),
        ("lock", "61m", ward, true),
        ("idle", "5h", "[gateway]", true),
        ("absolute", "13h", "[gateway]", true),
        ("absolute", "11h", "[gateway]", false),
    ] {
        let folder = Folder::good();
        folder.change(MAIN, "[gateway]", device);
        let written = format!("{}\n[application.ehr.session]\n{key} = \"{value}\"\n", folder.read(EHR));
        folder.write(EHR, &written);
        let report = folder.report();
        let said = format!("application.ehr.session.{key}: it is longer than what holds everywhere");
        assert_eq!(report.contains(&said), is_longer, "{key} = {value}: {report}");
    }
}

const INVENTORY: &str = "[device.kiosk]\nlock = \"2m\"\n[feed.inventory]\nkind = \"device\"\nfile = \"devices.csv\"\n\
                         device = \"x-asset\"\ncolumns = { class = \"type\", department = \"ward\", status = \"state\" }\n\
                         classes = { kiosk = \"Kiosk\" }\nin_use = \"in service\"\n[gateway]";

#[test]
fn a_feed_tells_a_class_that_has_no_conditions_and_rules_may_ask_where_a_device_stands() {
    let folder = Folder::good();
    folder.change(MAIN, "[gateway]", INVENTORY);
    folder.change(ROLES, "location = \"ward-3\"", "device_department = [\"cardiology\"]");
    let settings = folder.load().unwrap().settings;
    assert!(settings.devices[0].is_told_by_feeds_only());
    let devices = settings.feeds[0].devices.as_ref().unwrap();
    assert_eq!(devices.by, DeviceBy::Header("x-asset".parse().unwrap()));
    assert_eq!(
        (devices.classes[0].1.as_str(), devices.in_use.as_slice()),
        ("Kiosk", &["in service".to_owned()][..])
    );
    assert_eq!(settings.feeds[0].provider, None);
    let asked = &settings.roles[0].may[0].when.device_places;
    assert_eq!(asked.get(&Place::Department).map(Vec::as_slice), Some(&["cardiology".to_owned()][..]));
}

#[test]
fn what_a_feed_of_devices_could_not_tell_is_a_problem() {
    let cases = [
        ("device = \"x-asset\"\n", "", "feed.inventory.device: nothing says what of a device is compared"),
        ("\"x-asset\"", "\"serial\"", "feed.inventory.device: by `serial` no device is told from another"),
        (
            "classes = { kiosk = \"Kiosk\" }\n",
            "",
            "feed.inventory.classes: of which class a device is takes a column",
        ),
        (
            "in_use = \"in service\"\n",
            "",
            "feed.inventory.in_use: which devices are withdrawn takes a column",
        ),
        ("{ kiosk = ", "{ kioks = ", "feed.inventory.classes: there is no class of devices `kioks`"),
        ("{ kiosk = ", "{ kioks = ", "device.kiosk: nothing tells a device of this class"),
        (
            "device = \"x-asset\"",
            "device = \"x-asset\"\nperson = \"sub\"",
            "feed.inventory.person: devices are nobody's",
        ),
        (
            "kind = \"device\"",
            "kind = \"patient\"",
            "feed.inventory.device: only rows about devices tell that",
        ),
        (
            ", department = \"ward\"",
            "",
            "role.registrar.may[1].when.device_department: no feed tells the department of devices",
        ),
    ];
    for (was, is, problem) in cases {
        let folder = Folder::good();
        folder.change(ROLES, "location = \"ward-3\"", "device_department = [\"cardiology\"]");
        assert!(INVENTORY.contains(was), "{was}");
        folder.change(MAIN, "[gateway]", &INVENTORY.replacen(was, is, 1));
        let report = folder.report();
        assert!(report.contains(problem), "{was}: {report}");
    }
    let folder = Folder::good();
    let second =
        INVENTORY.replacen("[device.kiosk]\nlock = \"2m\"\n", "", 1).replacen("inventory", "again", 1);
    folder.change(MAIN, "[gateway]", &INVENTORY.replacen("[gateway]", &second, 1));
    assert!(
        folder.report().contains("feed.again: `inventory` tells the same of the same"),
        "{}",
        folder.report()
    );
}
