//! `leastway demo`: opens the clinic, starts Leastway in front of it, and says what to try.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::Exit;
use super::audit::Answer;
use crate::app::running::{Running, StartError};
use crate::config::load;
use crate::demo::banner::{banner, program};
use crate::demo::loopback::only_listeners;
use crate::demo::people::{PEOPLE, Person, totp_seconds_left, totp_step};
use crate::demo::tour::{Tour, Verdict};
use crate::demo::{Clinic, Ports, WorkDirectory, start};
use crate::foundation::clock::{Clock, SystemClock};
use crate::foundation::entropy::{Entropy, SystemEntropy, random_text};
use crate::platform::telemetry;

/// What to do with the demo.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DemoArguments {
    /// Where it keeps its configuration, certificates and data; made if it is not there. By default
    /// `leastway-demo`, for a tour a new folder among the temporary ones, which is removed at its end.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Play everything by itself, print what happened, and end: 0 if all is as it should be, else 1.
    #[arg(long)]
    tour: bool,
    #[command(subcommand)]
    command: Option<DemoCommand>,
}

/// What else the demo can do.
#[derive(Debug, clap::Subcommand)]
pub enum DemoCommand {
    /// Print the code that somebody's authenticator shows now.
    Totp {
        /// The user name: registrar, nurse, analyst or administrator.
        name: String,
    },
}

impl DemoArguments {
    /// A tour wants to find things as they are shipped, whatever was tried out and used up before.
    fn folder(&self, entropy: &dyn Entropy) -> Folder {
        let name = || format!("leastway-tour-{}", random_text::<9>(entropy));
        match &self.directory {
            Some(named) => Folder::Kept(named.clone()),
            None if self.tour => Folder::Passing(std::env::temp_dir().join(name())),
            None => Folder::Kept(PathBuf::from("leastway-demo")),
        }
    }
}

/// Where the demo keeps its files.
enum Folder {
    /// They stay.
    Kept(PathBuf),
    /// They are removed at the end, however it ends.
    Passing(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        let (Self::Kept(path) | Self::Passing(path)) = self;
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Passing(path) = self
            && let Err(error) = std::fs::remove_dir_all(&*path)
        {
            tracing::debug!(folder = %path.display(), error = %error, "the tour's files were not removed");
        }
    }
}

/// Plays the demo, or the part of it that was asked for.
pub(super) fn play(
    arguments: &DemoArguments,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    telemetry::start();
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let serve = |file: PathBuf| async move {
        let settings = load(&file).map_err(|found| anyhow::anyhow!("{found}"))?.settings;
        only_listeners(&settings.gateway, &settings.control)?;
        super::serve::start(file).await.map_err(|error| match error {
            StartError::Configuration(found) => anyhow::anyhow!("{found}"),
            StartError::Other(error) => error,
        })
    };
    let played = super::serve::runtime()?.block_on(run(arguments, clock, entropy, serve, out));
    if let Err(error) = &played {
        tracing::debug!(error = %format!("{error:#}"), "the demo ended early");
        problems.flush()?;
    }
    played.map(Exit::from)
}

impl RunningGateway for Running {
    async fn stop(self) -> anyhow::Result<()> {
        Self::stop(self).await
    }
}

/// Leastway while it runs.
pub trait RunningGateway {
    /// Drains, closes the journal and ends.
    fn stop(self) -> impl Future<Output = anyhow::Result<()>>;
}

/// Runs the command. `serve` starts Leastway on a configuration file, having checked its settings
/// with [`only_listeners`].
pub async fn run<G, S, F>(
    arguments: &DemoArguments,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    serve: S,
    out: &mut dyn Write,
) -> anyhow::Result<Answer>
where
    G: RunningGateway,
    S: FnOnce(PathBuf) -> F,
    F: Future<Output = anyhow::Result<G>>,
{
    if let Some(DemoCommand::Totp { name }) = &arguments.command {
        return totp(name, &*clock, out);
    }
    let folder = arguments.folder(&*entropy);
    let (directory, clinic) = start(folder.path(), Arc::clone(&clock), Arc::clone(&entropy)).await?;
    let gateway = serve(directory.configuration()).await.context("Leastway did not start")?;
    if arguments.tour {
        let answer = tour(&directory, clinic, gateway, clock, entropy, out).await?;
        if matches!(folder, Folder::Passing(_)) {
            writeln!(out, "Its files are removed now; with --directory they stay, for the commands above.")?;
        }
        return Ok(answer);
    }
    write!(out, "{}", banner(&program(), &directory, Ports::SHIPPED, clock.now()))?;
    out.flush()?;
    super::serve::asked_to_stop().await?;
    gateway.stop().await?;
    clinic.close().await;
    Ok(Answer::Yes)
}

async fn tour<G: RunningGateway>(
    directory: &WorkDirectory,
    clinic: Clinic,
    gateway: G,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    out: &mut dyn Write,
) -> anyhow::Result<Answer> {
    let mut tour = Tour::new(directory, &clinic, Ports::SHIPPED, clock, entropy, out);
    tour.visit().await?;
    gateway.stop().await?;
    clinic.close().await;
    match tour.prove()? {
        Verdict::AllWell => Ok(Answer::Yes),
        Verdict::Failed { steps: _ } => Ok(Answer::No),
    }
}

fn totp(name: &str, clock: &dyn Clock, out: &mut dyn Write) -> anyhow::Result<Answer> {
    let names = PEOPLE.each_ref().map(|person| person.username).join(", ");
    let person =
        Person::named(name).with_context(|| format!("nobody is called `{name}`; there are {names}"))?;
    let now = clock.now();
    writeln!(out, "{} for another {} s", person.totp(totp_step(now)), totp_seconds_left(now))?;
    writeln!(out, "secret for an authenticator app: {}", person.totp_secret_text())?;
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tour_made_goes_with_it_and_what_was_named_stays() {
        let home = tempfile::tempdir().unwrap();
        let named = home.path().join("named");
        let arguments =
            |directory| DemoArguments { directory, tour: true, command: None }.folder(&SystemEntropy);
        let (kept, passing) = (arguments(Some(named.clone())), arguments(None));
        let made = passing.path().to_owned();
        for folder in [&named, &made] {
            std::fs::create_dir_all(folder.join("data")).unwrap();
        }
        drop((kept, passing));
        assert!(named.join("data").is_dir() && !made.exists(), "{}", made.display());
    }
}
