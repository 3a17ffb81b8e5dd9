//! What the demo says when it is open: what to open, whom to be, what to try.

use std::fmt::Write as _;

use super::people::{PEOPLE, totp_seconds_left, totp_step};
use super::{Ports, WorkDirectory};
use crate::foundation::clock::Timestamp;

/// The command that shows the export that was blocked, typed as `program` was. `--tour` asks the same of
/// the journal.
pub fn blocked_export_command(program: &str, directory: &WorkDirectory) -> String {
    format!(
        "{program} audit query --config {} --person registrar --reason export-over-request-limit",
        shown(&directory.configuration())
    )
}

/// The text for whoever has started the demo as `program`.
pub fn banner(program: &str, directory: &WorkDirectory, ports: Ports, now: Timestamp) -> String {
    let Ports { gateway, control: _, provider, ehr: _, console: _ } = ports;
    let configuration = shown(&directory.configuration());
    let authority = shown(&directory.authority());
    let blocked = blocked_export_command(program, directory);
    let people = people(now);
    format!(
        "
The clinic is open. Nobody in it is real, and only this machine can reach it. Ctrl-C closes it.

OPEN
  https://ehr.localhost:{gateway}        the EHR, 1,000 patients
  https://console.localhost:{gateway}    the interface console
  https://id.localhost:{provider}/codes   everybody's password and code, as an authenticator shows it

  Your browser will warn about each of the two certificates: an authority made up for this demo signed
  them. Go on anyway, or trust {authority}.

BE
{people}
  A code works once. A new one: `{program} demo totp NAME`, or the page above.

TRY
  1. Be the registrar: open Report and save all wards as CSV. They are 1,000 records, 500 are allowed:
     the file does not leave, not even a part of it. Its event:
       {blocked}
  2. Be the analyst: save one ward as CSV. You are asked for a second factor first; then the file comes
     whole, counted while it passed.
  3. Be a program that is not signed in:
       curl --cacert {authority} https://ehr.localhost:{gateway}/api/patients.json

  Then change a number in {roles}, save it, and try again.

PROVE
  {program} audit verify --config {configuration}
  {program} demo --tour                   plays all of this by itself, when this one is closed
",
        roles = shown(&directory.root().join("roles.toml")),
    )
}

fn people(now: Timestamp) -> String {
    let mut text = format!("  {:<15}{:<17}{:<8}", "user name", "password", "code");
    push(&mut text, format_args!("(for another {} s)\n", totp_seconds_left(now)));
    for person in &PEOPLE {
        let code = person.totp(totp_step(now));
        push(
            &mut text,
            format_args!(
                "  {:<15}{:<17}{code}  {}: {}\n",
                person.username, person.password, person.name, person.work
            ),
        );
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    text.write_fmt(part).unwrap_or_default();
}

/// The program as whoever started it would type it again.
pub fn program() -> String {
    let name = std::env::args_os().next().map_or_else(|| "leastway".into(), std::path::PathBuf::from);
    let here = std::env::current_dir().unwrap_or_default();
    shown(name.strip_prefix(&here).unwrap_or(&name))
}

/// A path as a shell takes it.
fn shown(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-:\\".contains(character);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_named_with_what_they_need_to_sign_in() {
        let folder = tempfile::tempdir().unwrap();
        let clock = crate::foundation::clock::TestClock::at(Timestamp::from_seconds(1_800_000_000));
        let entropy = crate::foundation::entropy::SeededEntropy::new(1);
        let directory = WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
        let now = Timestamp::from_seconds(1_800_000_010);
        let text = banner("leastway", &directory, Ports::SHIPPED, now);
        for person in &PEOPLE {
            for part in [person.username, person.password, &person.totp(totp_step(now))] {
                assert!(text.contains(part), "{part}");
            }
        }
        assert!(text.contains("for another 20 s"));
    }

    #[test]
    fn a_path_is_quoted_where_a_shell_would_take_it_apart() {
        assert_eq!(shown("leastway-demo/leastway.toml".as_ref()), "leastway-demo/leastway.toml");
        assert_eq!(shown("my demo/it's".as_ref()), r"'my demo/it'\''s'");
    }
}
