//! Tests that need a process of their own: for its memory, or for its log.

use std::process::Command;

/// Whether this process runs the test `name` alone. If not, the test has been run so in another process and has
/// passed there, and there is nothing left to do.
pub(crate) fn is_alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let itself = std::env::current_exe().unwrap();
    let output = Command::new(itself).args(["--exact", name]).env(ALONE, "yes").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

const ALONE: &str = "LEASTWAY_TEST_ALONE";
