//! Opens the store with the schema of all features, and the folder of what is this node's alone.

use std::path::Path;

use anyhow::Context as _;

use crate::features::guard::ledger;
use crate::features::upstream::assertion::AssertionKey;
use crate::features::upstream::node_keys;
use crate::features::{authn, break_glass, detect, directory, export, hold, risk, session, signals};
use crate::platform::store::{Migrations, Place, Store, StoreSettings};

/// The schema of all features.
pub const PARTS: [Migrations; 12] = [
    session::MIGRATIONS,
    session::PROGRAM_MIGRATIONS,
    hold::MIGRATIONS,
    break_glass::MIGRATIONS,
    directory::MIGRATIONS,
    signals::MIGRATIONS,
    risk::MIGRATIONS,
    detect::MIGRATIONS,
    export::MIGRATIONS,
    authn::MIGRATIONS,
    node_keys::MIGRATIONS,
    ledger::MIGRATIONS,
];

/// Opens the store and brings its schema up to date. Blocks.
pub(super) fn open(settings: &StoreSettings) -> anyhow::Result<Store> {
    Store::start(&settings.place, &PARTS)
        .with_context(|| format!("the store `{}` cannot be used", settings.place))
}

/// What tells this node from others that share the store; empty where the store is its own.
pub(super) fn node_of(settings: &StoreSettings) -> String {
    match &settings.place {
        Place::File(_) => String::new(),
        Place::Server(server) => server.node.clone(),
    }
}

/// What others know this node by: its name among the nodes, or else that of the machine.
pub(super) fn node_name(settings: &StoreSettings) -> String {
    match &settings.place {
        Place::File(_) => {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            if name.trim().is_empty() { "leastway".to_owned() } else { name.trim().to_owned() }
        }
        Place::Server(server) => server.node.clone(),
    }
}

/// The key that this node signs assertions with, readable by us alone; made where there is none.
pub(super) fn assertion_key(directory: &Path) -> anyhow::Result<AssertionKey> {
    let path = directory.join("assertion.key");
    let pkcs8 = match std::fs::read(&path) {
        Ok(pkcs8) => pkcs8,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let pkcs8 = AssertionKey::generate()?;
            let written = std::fs::create_dir_all(directory).and_then(|()| write_private(&path, &pkcs8));
            written.with_context(|| format!("`{}` cannot be written", path.display()))?;
            pkcs8
        }
        Err(error) => return Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    };
    AssertionKey::from_pkcs8(&pkcs8, "leastway".to_owned()).with_context(|| format!("`{}`", path.display()))
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_ours_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("data");
        let first = assertion_key(&directory).unwrap().jwk();
        assert_eq!(assertion_key(&directory).unwrap().jwk(), first);
        let mode = std::fs::metadata(directory.join("assertion.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
