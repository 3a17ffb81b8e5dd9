//! Several providers: whose people come where, whose groups are meant, and what would mix them up.

use super::Folder;
use super::catalogue::{EHR, MAIN, ROLES};

const PARTNER: &str = r#"
[[provider]]
name = "partner"
title = "Partner hospital"
domains = "partner.example"
issuer = "https://id.partner.example"
client_id = "leastway"
client_secret = "env:CLIENT_SECRET"
"#;

/// Two providers, each of which is said wherever it has to be.
fn folder() -> Folder {
    let folder = Folder::good();
    folder.write(MAIN, &format!("{}{PARTNER}", folder.read(MAIN)));
    folder.change(EHR, "upstream", "provider = [\"clinic\", \"partner\"]\nupstream");
    folder.change(ROLES, "groups = \"FrontDesk\"", "groups = \"FrontDesk\"\nproviders = \"clinic\"");
    folder
}

fn found(folder: &Folder) -> Vec<String> {
    folder.problems().iter().map(|problem| format!("{}: {}", problem.key, problem.what)).collect()
}

#[test]
fn several_providers_are_settled_and_one_needs_no_word() {
    let settings = folder().load().unwrap().settings;
    assert_eq!(settings.applications[0].providers, ["clinic".parse().unwrap(), "partner".parse().unwrap()]);
    assert_eq!(settings.roles[0].providers, ["clinic".parse().unwrap()]);
    let [clinic, partner] = &settings.providers[..] else { panic!("two") };
    assert_eq!((clinic.title.as_str(), clinic.domains.len()), ("clinic", 0));
    assert_eq!(
        (partner.title.as_str(), &partner.domains[..]),
        ("Partner hospital", &["partner.example".to_owned()][..])
    );
    assert_eq!(Folder::good().load().unwrap().settings.roles[0].providers, ["clinic".parse().unwrap()]);
}

#[test]
fn with_several_providers_nothing_is_left_to_be_guessed() {
    let cases = [
        (
            EHR,
            "provider = [\"clinic\", \"partner\"]\n",
            "",
            "application.ehr.provider: `provider` is missing, and there is not exactly one to take",
        ),
        (
            ROLES,
            "\nproviders = \"clinic\"",
            "",
            "role.registrar.providers: `providers` is missing, and there is not exactly one to take",
        ),
        (ROLES, "\"clinic\"", "\"clinik\"", "role.registrar.providers: no provider is called `clinik`"),
        (EHR, "\"partner\"", "\"partnr\"", "application.ehr.provider: no provider is called `partnr`"),
        (EHR, "\"partner\"", "\"clinic\"", "application.ehr.provider: `clinic` is listed twice"),
        (
            EHR,
            "[\"clinic\", \"partner\"]",
            "\"partner\"",
            "role.registrar.may[1]: `ehr` admits none of the providers of `registrar`, so this rule can never fire",
        ),
        (
            ROLES,
            "providers = \"clinic\"",
            "providers = [\"clinic\", \"partner\"]",
            "role.registrar.may[1].when.assurance: the provider `partner` cannot prove `mfa`, so this rule fires for \
             people of `clinic` only",
        ),
        (
            ROLES,
            "providers = \"clinic\"",
            "providers = \"partner\"",
            "role.registrar.may[1].when.assurance: the provider `partner` cannot prove `mfa`, so this rule can never fire",
        ),
    ];
    for (file, old, new, problem) in cases {
        let folder = folder();
        folder.change(file, old, new);
        let found = found(&folder);
        assert!(found.contains(&problem.to_owned()), "{problem}\n{}", folder.report());
    }
}

#[test]
fn people_of_two_providers_are_told_apart_or_it_does_not_load() {
    let clinic = "client_id = \"leastway\"";
    let cases = [
        (
            MAIN,
            clinic,
            "client_id = \"leastway\"\ndomains = [\"clinic.example\", \"PARTNER.example\"]",
            "application.ehr.provider: `partner.example` is a domain of both `clinic` and `partner`",
        ),
        (
            MAIN,
            clinic,
            "client_id = \"leastway\"\ntitle = \"Partner hospital\"",
            "application.ehr.provider: `clinic` and `partner` have one title: nobody can choose",
        ),
        (
            EHR,
            "provider =",
            "identity_headers = \"remote_user\"\nprovider =",
            "application.ehr.identity_headers: by these headers the application cannot tell one provider's people from \
             another's",
        ),
        (
            MAIN,
            "https://id.partner.example",
            "https://id.clinic.example",
            "provider[2].issuer: `ehr` admits `clinic` already, which is the same issuer",
        ),
    ];
    for (file, old, new, problem) in cases {
        let folder = folder();
        folder.change(file, old, new);
        assert_eq!(found(&folder), [problem.to_owned()], "{}", folder.report());
    }
}

#[test]
fn two_entries_of_one_issuer_keep_no_directory_and_have_no_programs() {
    let twice = |more: &str| {
        let folder = folder();
        folder.change(MAIN, "https://id.partner.example", "https://id.clinic.example");
        folder.change(EHR, "[\"clinic\", \"partner\"]", "\"clinic\"");
        folder.write(MAIN, &format!("{}{more}", folder.read(MAIN)));
        folder.write("token", "a token of a length that nobody guesses");
        found(&folder)
    };
    assert_eq!(twice(""), [""; 0]);
    assert_eq!(
        twice("[provider.scim]\ntoken = \"file:token\"\n"),
        [
            "provider[2].issuer: `clinic` is the same issuer, and a directory keeps out only who comes by the entry that it \
          is written under"
        ]
    );
    let signals = "[provider.signals]\ntoken = \"file:token\"\naudience = \"urn:ehr\"\n";
    assert_eq!(
        twice(signals),
        [
            "provider[2].issuer: `clinic` is the same issuer, and a signal bars only who comes by the entry that it is written under"
        ]
    );
    assert_eq!(
        twice(
            "[client.billing]\nprovider = \"clinic\"\nclient_id = \"billing\"\nowner = \"desk\"\n\
             groups = \"FrontDesk\"\npurpose = \"operations\"\nroutes = \"ehr/*\"\nexpires = \"2027-03-31\"\ntoken = \"jwt\"\n\
             audience = \"urn:ehr\"\n"
        ),
        [
            "provider[2].issuer: `clinic` is the same issuer, and by its tokens nobody can tell which is meant for the \
          program `billing`"
        ]
    );
}

#[test]
fn a_title_fits_on_a_button_and_a_domain_is_one() {
    for (old, new, problem) in [
        (
            "\"Partner hospital\"",
            &*format!("\"{}\"", "x".repeat(61)),
            "provider[2].title: it does not fit on a button",
        ),
        (
            "\"partner.example\"",
            "\"@partner.example\"",
            "provider[2].domains: `@partner.example` is not a host name",
        ),
    ] {
        let folder = folder();
        folder.change(MAIN, old, new);
        assert!(found(&folder).contains(&problem.to_owned()), "{}", folder.report());
    }
}
