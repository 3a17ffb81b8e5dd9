//! A cookie keeps its name, value and all attributes but those that are changed; changed twice it says the same.

use std::collections::BTreeSet;

use leastway::features::rewrite::cookie::rewritten;
use leastway::features::rewrite::location::Origin;
use leastway::features::rewrite::settings::{CookieDomain, CookieRewrite, SameSite};

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.byte();
    let Some(line) = input.text() else { return };
    let own = [Origin { host: "ehr.internal".to_owned(), port: 80 }];
    let settings = CookieRewrite {
        domain: [CookieDomain::Own, CookieDomain::Any, CookieDomain::None][usize::from(choice % 3)],
        path: (choice & 4 != 0).then(|| "/ehr/".to_owned()),
        secure: choice & 8 != 0,
        same_site: (choice & 16 != 0).then_some(SameSite::Lax),
    };
    let Some(once) = rewritten(line, &settings, &own) else { return };
    assert_ne!(once, line);
    assert_eq!(once.split(';').next(), line.split(';').next());
    let (before, after) = (attributes(line), attributes(&once));
    let changed: Vec<&str> = before.symmetric_difference(&after).map(|(name, _)| name.as_str()).collect();
    assert!(
        changed.iter().all(|name| ["domain", "path", "secure", "samesite"].contains(name)),
        "{changed:?}"
    );
    assert!(!settings.secure || after.iter().any(|(name, _)| name == "secure"));
    assert!(settings.domain != CookieDomain::Any || after.iter().all(|(name, _)| name != "domain"));
    let twice = rewritten(&once, &settings, &own).unwrap_or_else(|| once.clone());
    assert_eq!(attributes(&twice), after);
}

fn attributes(line: &str) -> BTreeSet<(String, String)> {
    let attribute = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_ascii_lowercase(), value.trim().to_owned())
    };
    line.split(';').skip(1).map(attribute).collect()
}
