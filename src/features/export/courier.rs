//! Hands documents over, in order, for as long as it takes.
//!
//! What cannot be taken now is offered again, later and later; what never will be is put aside with the reason, and the next one
//! goes. A batch that is refused as a whole is halved until the one is found that is meant.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::answer::{Answer, Fate, Later, Refusal};
use super::document::Document;
use super::letters::Letters;
use super::settings::{ExportSettings, OnRefused};
use super::sink::Sink;
use super::standing::Standing;
use crate::foundation::clock::Clock;
use crate::platform::tls::client::TlsClientError;

/// Hands documents of one export over.
#[derive(Debug)]
pub struct Courier {
    settings: ExportSettings,
    sink: Sink,
    letters: Letters,
    standing: Arc<Standing>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

/// What became of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Each is taken or put aside; where a receiver acknowledges nothing, handed over.
    Done,
    /// What was handed over before may be lost with its connection: it has to come again from what is settled.
    Lost,
    /// There was to be an end before all was handed over.
    Stopped,
}

impl Courier {
    /// For an export of this node.
    pub fn new(
        settings: ExportSettings,
        node: &str,
        standing: Arc<Standing>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsClientError> {
        let sink = Sink::new(&settings, node)?;
        let letters = Letters::new(settings.name.clone(), settings.refused.clone());
        Ok(Self { settings, sink, letters, standing, clock, patience: PATIENCE_MIN })
    }

    /// How long what was handed over may still turn out to be lost; none where it cannot.
    pub const fn settles_in(&self) -> Option<Duration> {
        self.sink.settles_in()
    }

    /// Whether what was handed over may be lost, where some of it `awaits` that time: its connection has ended. One that ends
    /// while nothing is on it is no failure.
    pub fn has_lost(&mut self, awaits: bool) -> bool {
        match self.sink.look() {
            Err(why) if awaits => {
                self.failed(&why);
                true
            }
            Ok(()) | Err(_) => false,
        }
    }

    /// Ends what is open: whether all that was handed over was taken for sure.
    pub async fn close(&mut self) -> bool {
        self.sink.close().await
    }

    /// Hands all over, in order: at most as many at once as a batch has, and few enough to be read at once.
    pub async fn deliver(&mut self, documents: &[Document], stop: &mut watch::Receiver<bool>) -> Delivery {
        let mut rest = documents;
        let mut most = self.settings.batch;
        while !rest.is_empty() {
            if *stop.borrow() {
                return Delivery::Stopped;
            }
            let (these, _) = rest.split_at(most.min(fitting(rest)).min(rest.len()));
            let may_be_left = self.sink.may_be_left();
            let offered = tokio::select! {
                offered = self.offer(these) => offered,
                // A sender that is gone has stopped, too.
                _stopped = stop.wait_for(|stop| *stop), if may_be_left => return Delivery::Stopped,
            };
            // Whoever says anything of a document is there: only what fails on end is tried less and less often.
            if !matches!(offered, Offered::Again { gone: 0, .. }) {
                self.patience = PATIENCE_MIN;
            }
            match offered {
                Offered::Gone(number) => {
                    (rest, most) = (rest.split_at(number).1, self.settings.batch.min(most.saturating_mul(2)));
                }
                Offered::Halve => most = these.len() / 2,
                Offered::Again { gone, later, fewer } => {
                    rest = rest.split_at(gone).1;
                    if fewer {
                        most = (these.len() / 2).max(1);
                    }
                    self.failed(&later.why);
                    if self.wait(later.after, stop).await.is_none() {
                        return Delivery::Stopped;
                    }
                    if self.sink.settles_in().is_some() {
                        return Delivery::Lost;
                    }
                }
            }
        }
        Delivery::Done
    }

    /// Offers these once.
    async fn offer(&mut self, documents: &[Document]) -> Offered {
        let now = self.clock.now();
        match self.sink.hand_over(documents, now).await {
            Answer::Taken => {
                self.taken(documents.len());
                Offered::Gone(documents.len())
            }
            Answer::Later(later) => Offered::Again { gone: 0, later, fewer: false },
            Answer::Fewer(later) => Offered::Again { gone: 0, later, fewer: true },
            Answer::Refused(_) if documents.len() > 1 => Offered::Halve,
            Answer::Refused(refusal) => {
                match self.put_aside(documents, &refusal, documents.len() as u64).await {
                    Ok(()) => Offered::Gone(documents.len()),
                    Err(later) => Offered::Again { gone: 0, later, fewer: false },
                }
            }
            Answer::AllBut(refused, refusal) => match self.put_aside(documents, &refusal, refused).await {
                Ok(()) => {
                    self.taken(
                        documents.len().saturating_sub(usize::try_from(refused).unwrap_or(usize::MAX)),
                    );
                    Offered::Gone(documents.len())
                }
                Err(later) => Offered::Again { gone: 0, later, fewer: false },
            },
            Answer::Each(fates) => self.each(documents, fates).await,
        }
    }

    /// Goes through them up to the first that has to come again.
    async fn each(&self, documents: &[Document], fates: Vec<Fate>) -> Offered {
        let (mut gone, mut taken) = (0, 0);
        let mut again = None;
        for (document, fate) in documents.iter().zip(fates) {
            let later = match fate {
                Fate::Taken => {
                    taken += 1;
                    None
                }
                Fate::Refused(refusal) => {
                    self.put_aside(std::slice::from_ref(document), &refusal, 1).await.err()
                }
                Fate::Later(later) => Some(later),
            };
            if later.is_some() {
                again = later;
                break;
            }
            gone += 1;
        }
        if taken > 0 {
            self.taken(taken);
        }
        again.map_or(Offered::Gone(gone), |later| Offered::Again { gone, later, fewer: false })
    }

    /// Keeps what will never be taken, so that the next one can go; or says why nothing goes.
    async fn put_aside(&self, documents: &[Document], refusal: &Refusal, refused: u64) -> Result<(), Later> {
        let why = &refusal.why;
        match self.settings.on_refused {
            OnRefused::Stop => {
                let why = format!("it refuses what is next: {why} (`on_refused = \"stop\"`)");
                return Err(Later { why, after: Some(PATIENCE_MAX) });
            }
            OnRefused::Keep => {}
        }
        let kept = self.letters.keep(documents, refusal, self.clock.now()).await;
        kept.map_err(|error| Later::because(format!("what was refused cannot be kept: {error}")))?;
        self.standing.refused(refused);
        let file = self.settings.refused.display();
        tracing::error!(
            export = %self.settings.name, export.refused = refused, error = %why, file = %file,
            "the receiver refuses an event: it is kept in the file"
        );
        Ok(())
    }

    fn taken(&self, documents: usize) {
        self.standing.delivered(documents as u64, self.clock.now());
    }

    fn failed(&self, why: &str) {
        // Told once: what is tried each minute for a night would fill the log.
        if self.standing.failed(why) {
            tracing::error!(
                export = %self.settings.name, to = %self.settings.target, error = why,
                "events cannot be handed on: it is tried again, and nothing is lost"
            );
        }
    }

    /// Waits before the next attempt, twice as long each time, and at least as long as the receiver asks for; none where there is
    /// to be an end.
    async fn wait(&mut self, after: Option<Duration>, stop: &mut watch::Receiver<bool>) -> Option<()> {
        let wait = after.map_or(self.patience, |after| after.max(self.patience));
        self.patience = self.patience.saturating_mul(2).min(PATIENCE_MAX);
        tokio::select! {
            () = sleep(wait) => Some(()),
            // A sender that is gone has stopped, too.
            _stopped = stop.wait_for(|stop| *stop) => None,
        }
    }
}

/// What became of documents that were offered once.
enum Offered {
    /// So many, from the front, do not come again.
    Gone(usize),
    /// One of them is refused, and it is not said which.
    Halve,
    /// So many, from the front, do not come again; the others do, later.
    /// Where `fewer` may be taken, fewer are offered then.
    Again { gone: usize, later: Later, fewer: bool },
}

/// How many documents from the front are few enough bytes: at least one.
fn fitting(documents: &[Document]) -> usize {
    let mut bytes = 0_usize;
    let fits = |document: &&Document| {
        bytes = bytes.saturating_add(document.bytes.len());
        bytes <= BATCH_BYTES_MAX
    };
    documents.iter().take_while(fits).count().max(1)
}

/// Bytes of documents that are handed over at once, unless one alone has more.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
const PATIENCE_MIN: Duration = Duration::from_millis(500);
const PATIENCE_MAX: Duration = Duration::from_secs(60);
