//! `leastway session`: who is signed in, and how somebody is out.

use std::io::Write;

use super::{Exit, MainFile, administered};
use crate::app::administer::{Leaving, Left, Listed};
use crate::domain::application::ProviderName;
use crate::domain::device::DeviceClass;
use crate::domain::revocation::Why;
use crate::foundation::clock::{Clock as _, SystemClock};
use crate::foundation::id::SessionId;
use crate::foundation::text::plain;

/// What to do with sessions. The gateway that runs is asked, by its control listener.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows who is signed in, the latest first
    List {
        #[command(flatten)]
        main: MainFile,
        /// Only whom the provider calls so (`sub`), or who has this in their name
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        /// As one line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Ends sessions at once, with all that goes on by them
    ///
    /// Somebody who has left is to be barred at the provider first: whom that lets in can sign in here again. The reason
    /// is written into the journal.
    ///
    /// Exit code: 0 sessions were ended; 1 none stood, or it failed.
    Revoke {
        #[command(flatten)]
        main: MainFile,
        #[command(flatten)]
        whose: Whose,
        /// The provider, as the configuration names it; needed where there are several
        #[arg(long, value_name = "NAME")]
        provider: Option<ProviderName>,
        /// Why: 1 to 200 characters
        #[arg(long, value_name = "TEXT")]
        reason: Why,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// All sessions of the person whom the provider calls so (`sub`, as `session list` shows it)
    #[arg(long, value_name = "SUB")]
    person: Option<String>,
    /// One session
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// The sessions that rest on one session at the provider
    #[arg(long, value_name = "SID")]
    provider_session: Option<String>,
}

pub(super) fn run(command: Command, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::List { main, person, limit, json } => {
            let asked = administered(&main)?;
            let listed = runtime.block_on(asked.sessions(person.as_deref(), limit.into()))?;
            if json {
                for one in &listed {
                    writeln!(out, "{}", serde_json::to_string(one)?)?;
                }
            } else {
                list(&listed, out)?;
            }
            Ok(Exit::Ok)
        }
        Command::Revoke { main, whose, provider, reason } => {
            let leaving = Leaving {
                session: whose.session,
                person: whose.person,
                provider_session: whose.provider_session,
                provider,
                reason: reason.as_str().to_owned(),
                asked: Some(SystemClock.now()),
            };
            let left = runtime.block_on(administered(&main)?.revoke(&leaving))?;
            tell(&left, out, problems)
        }
    }
}

fn list(listed: &[Listed], out: &mut dyn Write) -> anyhow::Result<()> {
    let row = |cells: [&str; 10]| -> String {
        let [id, state, seen, created, bound, device, provider, host, sub, name] = cells;
        let when = format!("{id:36}  {state:6}  {seen:24}  {created:24}  {bound:20}");
        let row = format!("{when}  {device:12}  {provider:12}  {host:24}  {sub:24}  {name}");
        row.trim_end().to_owned()
    };
    let head = [
        "SESSION",
        "STATE",
        "LAST SEEN",
        "SIGNED IN",
        "BOUND TO",
        "DEVICE",
        "PROVIDER",
        "HOST",
        "PERSON",
        "NAME",
    ];
    writeln!(out, "{}", row(head))?;
    for one in listed {
        let (id, seen, created) = (one.id.to_string(), one.last_seen.to_string(), one.created.to_string());
        let (host, sub, name) = (plain(&one.host), plain(&one.sub), plain(&one.name));
        let state = if one.locked { "locked" } else { "open" };
        let device = one.device.as_ref().map_or("-", DeviceClass::as_str);
        let bound: Vec<_> = one.bound_to.iter().map(|what| what.as_str()).collect();
        let bound = if bound.is_empty() { "-".to_owned() } else { bound.join(",") };
        let cells = [&id, state, &seen, &created, &bound, device, one.provider.as_str(), &host, &sub, &name];
        writeln!(out, "{}", row(cells))?;
    }
    Ok(())
}

fn tell(left: &Left, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    if left.ended == 0 {
        writeln!(
            problems,
            "leastway: no such session stood; `leastway session list` shows who is signed in"
        )?;
        return Ok(Exit::No);
    }
    let (ended, streams) = (left.ended, left.streams);
    writeln!(out, "sessions ended: {ended}, long replies and WebSockets cut: {streams}")?;
    if left.waiting > 0 {
        writeln!(
            out,
            "{} of these had not ended within a second: nothing more is let go to them",
            left.waiting
        )?;
    }
    Ok(Exit::Ok)
}
