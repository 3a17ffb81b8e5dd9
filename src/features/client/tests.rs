//! Bounds: each refuses by itself, and the right visit is within.

use std::net::IpAddr;

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::bounds::{Outside, Visit};
use super::settings::{ClientSettings, Proof, Reach, StandingReason};
use super::*;
use crate::domain::application::RouteName;
use crate::foundation::clock::Timestamp;

fn client() -> ClientSettings {
    ClientSettings {
        name: "billing".parse().unwrap(),
        provider: "clinic".parse().unwrap(),
        client_id: "billing-export".into(),
        subject: "billing-export".into(),
        owner: "revenue desk".into(),
        groups: vec!["Billing".to_owned()],
        purpose: None,
        standing: StandingReason::default(),
        routes: vec!["ehr/fhir.*".parse().unwrap(), "pacs/home".parse().unwrap()],
        networks: vec!["10.1.0.0/16".parse().unwrap()],
        hours: Some("22:00-06:00".parse().unwrap()),
        expires: date(2026, 3, 31),
        proof: Proof::Signature { audience: vec!["urn:ehr".to_owned()] },
    }
}

fn visit(to: &str, from: &str, at: &str) -> Option<Outside> {
    let (application, route) = to.split_once('/').unwrap();
    let application = application.parse().unwrap();
    let route: Option<RouteName> = (!route.is_empty()).then(|| route.parse().unwrap());
    let (client_ip, now): (IpAddr, Timestamp) = (from.parse().unwrap(), at.parse().unwrap());
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    client().outside(&Visit { application: &application, route: route.as_ref(), client_ip, now, zone: &zone })
}

#[test]
fn each_bound_refuses_by_itself() {
    let night = "2026-03-01T23:30:00Z";
    let cases = [
        ("ehr/fhir.search", "10.1.2.3", night, None),
        ("pacs/home", "::ffff:10.1.2.3", night, None),
        ("ehr/patient.open", "10.1.2.3", night, Some(Outside::Route)),
        ("ehr/", "10.1.2.3", night, Some(Outside::Route)),
        ("pacs/fhir.search", "10.1.2.3", night, Some(Outside::Route)),
        ("pacs/home.page", "10.1.2.3", night, Some(Outside::Route)),
        ("ehr/fhir.search", "10.2.2.3", night, Some(Outside::Network)),
        ("ehr/fhir.search", "10.1.2.3", "2026-03-01T20:59:59Z", Some(Outside::Hours)),
        ("ehr/fhir.search", "10.1.2.3", "2026-03-01T21:00:00Z", None),
        // The last day ends at midnight in Madrid, which is 22:00 UTC in summer.
        ("ehr/fhir.search", "10.1.2.3", "2026-03-31T21:59:59Z", None),
        ("ehr/fhir.search", "10.1.2.3", "2026-03-31T22:00:00Z", Some(Outside::Expired)),
    ];
    for (to, from, at, expected) in cases {
        assert_eq!(visit(to, from, at), expected, "{to} from {from} at {at}");
    }
}

#[test]
fn without_networks_and_hours_it_may_come_from_anywhere_at_any_time() {
    let anywhere = ClientSettings {
        networks: Vec::new(),
        hours: None,
        routes: vec!["ehr/*".parse().unwrap()],
        ..client()
    };
    let application = "ehr".parse().unwrap();
    let (client_ip, now) = ("2001:db8::1".parse().unwrap(), "2026-03-01T12:00:00Z".parse().unwrap());
    let visit = Visit { application: &application, route: None, client_ip, now, zone: &TimeZone::UTC };
    assert_eq!(anywhere.outside(&visit), None);
}

#[test]
fn routes_are_an_application_and_names_or_their_beginning() {
    for good in ["ehr/patient.open", "ehr/patient.*", "ehr/*"] {
        assert!(good.parse::<Reach>().is_ok(), "{good}");
    }
    for bad in ["ehr", "ehr/", "/x", "ehr/a*b", "ehr/**", "ehr/a/b", "*/a", "ehr/ a"] {
        assert!(bad.parse::<Reach>().is_err(), "{bad}");
    }
}

#[test]
fn a_program_is_found_by_its_provider_and_its_identifier_together() {
    let introspected = ClientSettings {
        name: "lab".parse().unwrap(),
        provider: "lab-provider".parse().unwrap(),
        routes: vec!["lis/*".parse().unwrap()],
        proof: Proof::Introspection { audience: Vec::new(), lasts: std::time::Duration::from_secs(60) },
        ..client()
    };
    let clients = Clients::new([client(), introspected]);
    let found = |provider: &str, id| {
        clients.of(&provider.parse().unwrap(), id).map(|client| client.name.as_str().to_owned())
    };
    assert_eq!(found("clinic", "billing-export").as_deref(), Some("billing"));
    assert_eq!(found("lab-provider", "billing-export").as_deref(), Some("lab"));
    assert_eq!(found("clinic", "billing"), None);
    let application = |name: &str| name.parse::<ApplicationName>().unwrap();
    assert!(clients.come_to(&application("pacs")) && !clients.come_to(&application("console")));
    assert_eq!(clients.asked_about(&application("ehr")), None);
    assert_eq!(clients.asked_about(&application("lis")).unwrap().as_str(), "lab-provider");
}
