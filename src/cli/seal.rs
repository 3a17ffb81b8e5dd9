//! `leastway seal`: what events keep under seal, and the keys to it.

use std::io::Write;

use super::{Exit, MainFile, administered};
use crate::app::administer::{Periods, Unsealing};
use crate::domain::purpose::Purpose;
use crate::domain::revocation::Why;
use crate::features::audit::seal::{KeyKind, KeyName, Period, PeriodNow, PeriodState};
use crate::foundation::id::RequestId;
use crate::foundation::text::plain;

/// What to do with seals. The gateway that runs is asked, by its control listener.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows what events keep under seal: which patient, the query, and what a person said
    ///
    /// That it is read, for what and why, is an event of its own, written before anything is shown.
    ///
    /// Exit code: 0 all was shown; 1 some of it cannot be read, or it failed.
    Reveal {
        #[command(flatten)]
        main: MainFile,
        /// The events, by their references
        #[arg(required = true, value_name = "EVENT", num_args = 1..=100)]
        events: Vec<RequestId>,
        /// For what it is read: a purpose such as `operations` or `patient_request`
        #[arg(long, value_name = "PURPOSE")]
        purpose: Purpose,
        /// Why: 1 to 200 characters
        #[arg(long, value_name = "TEXT")]
        why: Why,
        /// As one line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Shows the months that have a key, and until when each is kept
    List {
        #[command(flatten)]
        main: MainFile,
        /// As one line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Destroys a month's key once its retention is over: nobody reads any more what was sealed in it
    ///
    /// The gateway does so by itself where nothing holds it. The journal verifies as before. Copies of the key in backups are yours to
    /// destroy.
    Destroy {
        #[command(flatten)]
        main: MainFile,
        /// The month, such as `2026-11`
        #[arg(value_name = "MONTH")]
        period: Period,
        /// The key by which patients were named until that month: they are found no more in events that are as old
        #[arg(long)]
        patients: bool,
        /// Why: 1 to 200 characters
        #[arg(long, value_name = "TEXT")]
        why: Why,
    },
    /// Has patients named by a new key from the gateway's next start on
    ///
    /// The one before still finds whom it has named, until its retention is over, counted from the month in which it was last used.
    RenewPatients {
        #[command(flatten)]
        main: MainFile,
        /// Why: 1 to 200 characters
        #[arg(long, value_name = "TEXT")]
        why: Why,
    },
}

/// A key, as one line of JSON.
#[derive(serde::Serialize)]
struct Told {
    kind: KeyKind,
    #[serde(flatten)]
    one: PeriodNow,
}

pub(super) fn run(command: Command, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Reveal { main, events, purpose, why, json } => {
            let asked = Unsealing { events, purpose, why };
            let revealed = runtime.block_on(administered(&main)?.reveal(&asked))?;
            for one in &revealed {
                if json {
                    writeln!(out, "{}", serde_json::to_string(one)?)?;
                    continue;
                }
                writeln!(out, "{}", one.event)?;
                let lines = [
                    ("patient", &one.patient),
                    ("query", &one.query),
                    ("justification", &one.justification),
                    ("not readable", &one.not),
                ];
                for (name, text) in lines {
                    if let Some(text) = text {
                        writeln!(out, "  {name}: {}", plain(text))?;
                    }
                }
            }
            Ok(if revealed.iter().any(|one| one.not.is_some()) { Exit::No } else { Exit::Ok })
        }
        Command::List { main, json } => {
            let Periods { periods, patients } = runtime.block_on(administered(&main)?.periods())?;
            let of = |kind| move |one| (kind, one);
            let all = periods.into_iter().map(of(KeyKind::Sealed));
            for (kind, one) in all.chain(patients.into_iter().map(of(KeyKind::Patients))) {
                if json {
                    writeln!(out, "{}", serde_json::to_string(&Told { kind, one })?)?;
                    continue;
                }
                let until = match (one.state, one.until) {
                    (PeriodState::Destroyed, _) => String::new(),
                    (PeriodState::Kept, Some(until)) => format!("until {until}"),
                    (PeriodState::Kept, None) => "legal hold".to_owned(),
                };
                let name = match kind {
                    KeyKind::Sealed => one.period.to_string(),
                    KeyKind::Patients => format!("{}  patients", one.period),
                };
                writeln!(out, "{}", format!("{name}  {:9}  {until}", one.state).trim_end())?;
            }
            Ok(Exit::Ok)
        }
        Command::Destroy { main, period, patients, why } => {
            let kind = if patients { KeyKind::Patients } else { KeyKind::Sealed };
            runtime.block_on(administered(&main)?.destroy(KeyName { kind, period }, &why))?;
            writeln!(out, "the key of {period} is destroyed; destroy its copies in your backups, too")?;
            Ok(Exit::Ok)
        }
        Command::RenewPatients { main, why } => {
            runtime.block_on(administered(&main)?.renew_patients(&why))?;
            writeln!(out, "patients are named by a new key from the gateway's next start on")?;
            Ok(Exit::Ok)
        }
    }
}
