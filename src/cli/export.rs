//! `leastway export`: how far events were handed on, and, for `leastway doctor`, whether they can be.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::doctor::{Finding, probe};
use super::{Exit, MainFile, administered};
use crate::features::export::settings::{ExportSettings, Target};
use crate::features::export::{ExportNow, reach};
use crate::foundation::text::plain;

/// What is asked of exports.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows how far each export of the running gateway has come, what waits, and what is wrong
    Status(StatusArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    main: MainFile,
    /// As one line of JSON for each
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Command::Status(arguments) = command;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = administered(&arguments.main)?;
    let exports = runtime.block_on(asked.exports())?;
    for export in &exports {
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(export)?)?;
        } else {
            writeln!(out, "{}", line(export))?;
        }
    }
    let is_well = exports.iter().all(|export| export.fault.is_none());
    Ok(if is_well { Exit::Ok } else { Exit::No })
}

fn line(now: &ExportNow) -> String {
    let ExportNow { export, to, format, delivered, refused, missed, lag_entries, lag_seconds, .. } = now;
    let mut line = format!("{export}  {format} to {}: {delivered} handed on", plain(to));
    if *lag_entries > 0 {
        line = format!("{line}, {lag_entries} entries ({lag_seconds} s) behind");
    }
    for (number, what) in [(refused, "refused and kept"), (missed, "entries missed")] {
        if *number > 0 {
            line = format!("{line}, {number} {what}");
        }
    }
    if let Some(fault) = &now.fault {
        line = format!("{line}; {}", plain(fault));
    }
    line
}

/// Whether each receiver can be reached.
pub(super) async fn exports(settings: &[ExportSettings]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for settings in settings {
        findings.push(export(settings).await);
    }
    findings
}

async fn export(settings: &ExportSettings) -> Finding {
    let what = format!("export {}", settings.name);
    let reached = match &settings.target {
        Target::File(file) => probe(file.path.parent().unwrap_or(Path::new("."))),
        Target::Syslog(_) | Target::Http(_) => reach(&settings.target, ANSWERS_WITHIN).await,
    };
    match reached {
        Ok(()) => Finding::ok(what, format!("{} can be reached", settings.target)),
        Err(error) => Finding::fail(
            what,
            format!("{}: {error}", settings.target),
            "see that the receiver runs and that its certificate is vouched for: until then events wait in the journal",
        ),
    }
}

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::syslog::SyslogTarget;

    #[test]
    fn a_line_tells_what_waits_and_what_is_wrong() {
        let well = ExportNow {
            export: "siem".parse().unwrap(),
            to: "syslog+tls://siem.clinic.example:6514".to_owned(),
            format: "json".to_owned(),
            delivered: 7,
            failed: 0,
            refused: 0,
            missed: 0,
            position: 14,
            lag_entries: 0,
            lag_seconds: 0,
            delivered_at: None,
            fault: None,
        };
        assert_eq!(line(&well), "siem  json to syslog+tls://siem.clinic.example:6514: 7 handed on");
        let fault = Some("it answered 503\u{1b}[2J".to_owned());
        let ill = ExportNow { refused: 2, missed: 3, lag_entries: 40, lag_seconds: 90, fault, ..well };
        let told = line(&ill);
        assert!(told.contains(
            "7 handed on, 40 entries (90 s) behind, 2 refused and kept, 3 entries missed; it answered 503"
        ));
        assert!(!told.contains('\u{1b}'), "{told}");
    }

    #[tokio::test]
    async fn a_receiver_is_reached_where_one_listens() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let host = "127.0.0.1".to_owned();
        let there = Target::Syslog(SyslogTarget { host, port, trust: None });
        assert!(reach(&there, ANSWERS_WITHIN).await.is_ok());
        drop(taken);
        assert!(reach(&there, ANSWERS_WITHIN).await.is_err());
    }
}
