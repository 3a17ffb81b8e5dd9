//! What only a start reads, and whether it says something else now.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::domain::rulebook::Rulebook;

/// The tables, all of the main file, that a start alone reads…
const READ_AT_START: [&str; 4] = ["gateway", "control", "store", "journal"];

/// …but for what a reload takes of them.
const RELOADED: [&str; 5] = [
    "gateway.certificate",
    "gateway.client_certificate",
    "gateway.limits",
    "gateway.trusted_proxies",
    "journal.sealed.legal_hold",
];

/// The keys, such as `gateway.listen`, that were something else `before` and come into force by a restart alone. What a
/// secret is that is only referred to is not looked at.
pub fn needs_restart(before: &Rulebook, now: &Rulebook) -> Vec<String> {
    let (before, now) = (read_at_start(before), read_at_start(now));
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().filter(|key| before.get(*key) != now.get(*key)).cloned().collect()
}

fn read_at_start(book: &Rulebook) -> BTreeMap<String, Value> {
    let main =
        book.texts.first().and_then(|main| toml::from_str::<Table>(&main.text).ok()).unwrap_or_default();
    let mut keys = BTreeMap::new();
    for name in READ_AT_START {
        if let Some(value) = main.get(name) {
            flatten(name.to_owned(), value, &mut keys);
        }
    }
    keys
}

fn flatten(key: String, value: &Value, into: &mut BTreeMap<String, Value>) {
    if RELOADED.contains(&key.as_str()) {
        return;
    }
    if let Value::Table(table) = value {
        for (name, value) in table {
            flatten(format!("{key}.{name}"), value, into);
        }
    } else {
        into.insert(key, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(main: &str) -> Rulebook {
        let mut book = Rulebook::default();
        book.add("leastway.toml".to_owned(), main.to_owned());
        book
    }

    #[test]
    fn what_comes_into_force_by_a_restart_alone_is_named() {
        let before = book(
            "[gateway]\nlisten = [\"0.0.0.0:443\"]\ntrusted_proxies = []\n[journal]\ndirectory = \"a\"\n",
        );
        let now = book(
            "[gateway]\nlisten = [\"0.0.0.0:444\"]\ntrusted_proxies = [\"10.0.0.0/8\"]\nlimits = { streams = 5 }\n\
             drain = \"1m\"\n[journal]\ndirectory = \"a\"\n[journal.sealed]\nlegal_hold = []\nretain_years = 7\n\
             [session]\nidle = \"5m\"\n",
        );
        let keys = ["gateway.drain", "gateway.listen", "journal.sealed.retain_years"];
        assert_eq!(needs_restart(&before, &now), keys);
        assert_eq!(needs_restart(&now, &before), keys, "what is left out is changed, too");
        assert!(needs_restart(&now, &now).is_empty());
    }

    #[test]
    fn each_key_that_a_reload_takes_is_one_that_may_be_written() {
        for key in RELOADED {
            let (table, name) = key.rsplit_once('.').unwrap();
            let reference = crate::config::reference();
            let section = reference.split(&format!("## `[{table}]`")).nth(1).unwrap();
            let section = section.split("\n## ").next().unwrap();
            assert!(section.contains(&format!("| `{name}` |")), "{key}");
        }
    }
}
