//! `leastway demo --tour`: the four people do their work through real HTTPS, and every step says what was
//! done, what came back, and whether that is as it should be. For continuous integration, and for
//! whoever wants to see it before trying it.

mod journal;
mod steps;
mod visitor;

use std::io::{self, Write};
use std::sync::Arc;

use super::banner::{blocked_export_command, program};
use super::browser::BrowserError;
use super::{Clinic, Ports, WorkDirectory};
use crate::control::reports::{MakeError, Unclear};
use crate::foundation::clock::Clock;
use crate::foundation::entropy::Entropy;

/// A tour, and how it went so far.
pub struct Tour<'a> {
    directory: &'a WorkDirectory,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    places: Places,
    out: &'a mut dyn Write,
    steps: usize,
    failed: usize,
}

impl std::fmt::Debug for Tour<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tour")
            .field("steps", &self.steps)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Where everything is.
#[derive(Clone, Debug)]
struct Places {
    /// The EHR through Leastway.
    ehr: String,
    /// The console through Leastway.
    console: String,
    /// The provider.
    provider: String,
    /// The EHR itself: what would come if nobody stood in front of it.
    bare_ehr: String,
    /// The console itself.
    bare_console: String,
}

/// Why a step is not as it should be.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// No reply at all.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// Another reply than should have come.
    #[error("{0}")]
    Unexpected(String),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] crate::features::audit::ReadError),
    /// A report cannot be asked for.
    #[error(transparent)]
    Unclear(#[from] Unclear),
    /// A report cannot be made.
    #[error(transparent)]
    Report(#[from] MakeError),
}

/// What came back, in one line; or what is wrong with it.
type Outcome = Result<String, Trouble>;

/// How a tour went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every step was as it should be.
    AllWell,
    /// Some were not.
    Failed {
        /// How many.
        steps: usize,
    },
}

impl<'a> Tour<'a> {
    /// A tour through Leastway on `ports` in front of `clinic`.
    pub fn new(
        directory: &'a WorkDirectory,
        clinic: &Clinic,
        ports: Ports,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        out: &'a mut dyn Write,
    ) -> Self {
        let places = Places {
            ehr: format!("https://ehr.localhost:{}", ports.gateway),
            console: format!("https://console.localhost:{}", ports.gateway),
            provider: format!("https://id.localhost:{}", clinic.provider().port()),
            bare_ehr: format!("http://{}", clinic.ehr()),
            bare_console: format!("http://{}", clinic.console()),
        };
        Self { directory, clock, entropy, places, out, steps: 0, failed: 0 }
    }

    /// Everything that people and programs do. Afterwards stop Leastway, then [`Tour::prove`].
    pub async fn visit(&mut self) -> io::Result<()> {
        self.registrar().await?;
        self.analyst().await?;
        self.nurse().await?;
        self.program().await?;
        self.administrator().await
    }

    /// What the journal says about it, once Leastway has stopped; and how the tour went.
    pub fn prove(mut self) -> io::Result<Verdict> {
        self.tell(
            "The journal is verified, as `leastway audit verify` does",
            journal::verified(self.directory),
        )?;
        let command = blocked_export_command(&program(), self.directory);
        self.tell(
            &format!("The blocked export is found, as this does:\n      {command}"),
            journal::blocked_export(self.directory, "registrar"),
        )?;
        self.tell(
            "It is proven to somebody who has nothing but the public key, as `leastway audit prove` and `check-proof` do",
            journal::proven(self.directory, "registrar"),
        )?;
        self.tell(
            "The patient is told who saw their record, and officers what they ask, as `leastway report` does",
            journal::reports(self.directory),
        )?;
        if self.failed == 0 {
            writeln!(self.out, "\nAll {} steps are as they should be.", self.steps)?;
            Ok(Verdict::AllWell)
        } else {
            writeln!(self.out, "\n{} of {} steps are NOT as they should be.", self.failed, self.steps)?;
            Ok(Verdict::Failed { steps: self.failed })
        }
    }

    fn chapter(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}")
    }

    /// Tells of a step: what was done, what came back, and whether that is as it should be.
    fn tell(&mut self, done: &str, outcome: Outcome) -> io::Result<()> {
        self.steps += 1;
        let (mark, text) = match outcome {
            Ok(text) => ("OK    ", text),
            Err(trouble) => {
                self.failed += 1;
                ("FAILED", trouble.to_string())
            }
        };
        writeln!(self.out, "  {mark} {done}")?;
        for line in text.lines() {
            writeln!(self.out, "           {line}")?;
        }
        self.out.flush()
    }
}
