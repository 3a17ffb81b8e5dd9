//! How the store is: what `leastway doctor` says of it.

use std::path::Path;

use super::doctor::{Finding, OURS_TO_WRITE, chain_of, probe};
use crate::app::store::PARTS;
use crate::foundation::clock::Clock;
use crate::platform::store::{
    Condition, Examined, Place, ServerSettings, StoreError, StoreSettings, examine, examine_server,
};

/// Clocks of nodes and server that differ by more, in milliseconds: what one node notes the others judge by theirs.
const CLOCK_AHEAD_MAX: u64 = 2_000;
const OLDER: &str = "of an earlier version, the next start brings it up to date";

/// Looks at the store, and changes nothing.
pub(super) async fn store(settings: &StoreSettings, clock: &dyn Clock) -> Vec<Finding> {
    match &settings.place {
        Place::File(path) => vec![file(path)],
        Place::Server(server) => {
            let own = format!("the node's own folder {}", settings.directory.display());
            let own = match probe(&settings.directory) {
                Ok(()) => Finding::ok(own, "can be written"),
                Err(error) => Finding::fail(own, error.to_string(), OURS_TO_WRITE),
            };
            let mut findings = database(server, examine_server(server, &PARTS, clock).await);
            findings.push(own);
            findings
        }
    }
}

fn file(path: &Path) -> Finding {
    let what = format!("store {}", path.display());
    if !path.exists() {
        return match probe(path.parent().unwrap_or(Path::new("."))) {
            Ok(()) => Finding::ok(what, "not there yet, can be made"),
            Err(error) => Finding::fail(what, error.to_string(), OURS_TO_WRITE),
        };
    }
    match examine(path, &PARTS) {
        Ok(Condition::UpToDate) => Finding::ok(what, "can be read"),
        Ok(Condition::Older) => Finding::ok(what, OLDER),
        Err(StoreError::InUse { .. }) => Finding::ok(what, "in use by a gateway that runs"),
        Err(error) => Finding::fail(what, error.to_string(), OURS_TO_WRITE),
    }
}

fn database(settings: &ServerSettings, examined: Result<Examined, StoreError>) -> Vec<Finding> {
    let what = format!("store {settings}");
    let Examined { condition, version, is_encrypted, may_write, is_durable, clock_ahead } = match examined {
        Ok(examined) => examined,
        Err(error @ StoreError::Newer { .. }) => {
            let to_do = "install the version that wrote it, or a later one";
            return vec![Finding::fail(what, chain_of(&error), to_do)];
        }
        Err(error) => {
            let to_do = "see that it runs, that `[store]` says where, and that its `pg_hba.conf` lets us in";
            return vec![Finding::fail(what, chain_of(&error), to_do)];
        }
    };
    let how = if is_encrypted { "by TLS" } else { "on this machine" };
    let stands = match condition {
        Condition::UpToDate => "up to date",
        Condition::Older => OLDER,
    };
    let mut findings = vec![if may_write {
        Finding::ok(what.clone(), format!("PostgreSQL {version}, reached {how}; {stands}"))
    } else {
        let to_do = "make our role the owner of the database, or of its schema and the tables in it";
        Finding::fail(what.clone(), "our role may not do there what it has to", to_do)
    }];
    if !is_durable {
        let to_do = "set `fsync`, `full_page_writes` and `synchronous_commit` of PostgreSQL to on";
        findings.push(Finding::warn(
            what.clone(),
            "a crash of its server may undo what it has committed",
            to_do,
        ));
    }
    if clock_ahead.unsigned_abs() > CLOCK_AHEAD_MAX {
        let found = format!("its clock and ours differ by {} ms", clock_ahead.unsigned_abs());
        findings.push(Finding::warn(what, found, "keep the time of all machines by NTP"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::doctor::Health;
    use super::*;
    use crate::platform::store::Host;

    fn settings() -> ServerSettings {
        ServerSettings {
            host: Host::Network("db.clinic.example".to_owned()),
            port: 5432,
            user: "leastway".to_owned(),
            database: "leastway".to_owned(),
            password: None,
            tls: None,
            node: "a".to_owned(),
            lease: Duration::from_secs(3),
        }
    }

    fn well() -> Examined {
        Examined {
            condition: Condition::UpToDate,
            version: "15.4".to_owned(),
            is_encrypted: true,
            may_write: true,
            is_durable: true,
            clock_ahead: -2_000,
        }
    }

    #[test]
    fn a_file_that_is_no_store_fails_and_one_that_is_not_there_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file(&folder.path().join("data/leastway.db")).health, Health::Ok);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        let path = folder.path().join("leastway.db");
        std::fs::write(&path, [7; 8192]).unwrap();
        assert_eq!(file(&path).health, Health::Fail);
    }

    #[test]
    fn what_is_not_well_with_a_database_is_told() {
        let cases = [
            ("well", Ok(well()), vec![Health::Ok]),
            ("a role without rights", Ok(Examined { may_write: false, ..well() }), vec![Health::Fail]),
            ("not synced", Ok(Examined { is_durable: false, ..well() }), vec![Health::Ok, Health::Warn]),
            ("another time", Ok(Examined { clock_ahead: 2_001, ..well() }), vec![Health::Ok, Health::Warn]),
            ("away", Err(StoreError::Away { cause: "refused".to_owned() }), vec![Health::Fail]),
        ];
        for (name, examined, expected) in cases {
            let found: Vec<_> =
                database(&settings(), examined).iter().map(|finding| finding.health).collect();
            assert_eq!(found, expected, "{name}");
        }
        let told = database(&settings(), Ok(well()))[0].to_string();
        let expected = "OK    store postgres://leastway@db.clinic.example:5432/leastway: PostgreSQL 15.4, reached by TLS; up to date";
        assert_eq!(told, expected);
    }
}
