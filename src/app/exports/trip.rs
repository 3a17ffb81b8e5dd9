//! One way through the journal: from the place that is kept, for as long as nothing gets lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::desk::{Desk, Stretch};
use super::{House, stopped};
use crate::domain::event::Event;
use crate::features::audit::archive::Gap;
use crate::features::export::courier::{Courier, Delivery};
use crate::features::export::settings::ExportSettings;
use crate::features::export::{Document, Position, Standing};
use crate::foundation::clock::Timestamp;

/// One way through the journal.
pub(super) struct Trip<'h> {
    house: &'h House,
    settings: &'h ExportSettings,
    standing: &'h Arc<Standing>,
    /// None while it is being read.
    desk: Option<Desk>,
    /// All was handed over up to here.
    reached: Position,
    /// What was handed over and may still turn out to be lost, with the moment.
    settling: VecDeque<(Instant, Position)>,
}

impl<'h> Trip<'h> {
    /// From the place that is kept; of a new export, from where it is to begin.
    pub(super) async fn begin(
        house: &'h House,
        settings: &'h ExportSettings,
        standing: &'h Arc<Standing>,
    ) -> anyhow::Result<Self> {
        let kept = house.shared.exports.position(&settings.name).await;
        let kept = kept.context("where it has come to cannot be read")?;
        let start = match &kept {
            Some(place) if house.has(place).await? => place.position,
            Some(_) => {
                let start = house.beginning(settings.from);
                tell_another(house, settings, standing, start).await?;
                start
            }
            None => house.beginning(settings.from),
        };
        let kept = kept.map(|place| place.position);
        let (desk, gap) = Desk::open(house.journal.clone(), start).await?;
        let reached = gap.map_or(start, |gap| Position {
            ended: gap.last.max(start.ended),
            resumes: gap.last.saturating_add(1),
            ..start
        });
        let trip = Self { house, settings, standing, desk: Some(desk), reached, settling: VecDeque::new() };
        if let Some(gap) = gap {
            trip.tell_missed(&gap).await?;
        }
        if kept != Some(reached) {
            trip.keep(reached).await;
        }
        standing.reached(reached.ended);
        Ok(trip)
    }

    /// Goes on until something gets lost or there is to be an end.
    pub(super) async fn go(
        &mut self,
        courier: &mut Courier,
        stop: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<Delivery> {
        let mut tick = interval(self.settings.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _now = tick.tick() => {}
                () = stopped(stop) => {
                    self.end(courier).await;
                    return Ok(Delivery::Stopped);
                }
            }
            if courier.has_lost(!self.settling.is_empty()) {
                return Ok(Delivery::Lost);
            }
            self.settle(courier.settles_in()).await;
            match self.catch_up(courier, stop).await? {
                Delivery::Done => self.standing.waits_since(None),
                Delivery::Lost => return Ok(Delivery::Lost),
                Delivery::Stopped => {
                    self.end(courier).await;
                    return Ok(Delivery::Stopped);
                }
            }
        }
    }

    /// Hands over all that is on the disk.
    async fn catch_up(
        &mut self,
        courier: &mut Courier,
        stop: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<Delivery> {
        loop {
            let head = self.house.shared.journal.home().sequence;
            let Some(desk) = self.desk.take() else { anyhow::bail!("the journal is not open") };
            if desk.read >= head {
                self.desk = Some(desk);
                return Ok(Delivery::Done);
            }
            let read_before = desk.read;
            let (desk, stretch) = desk.read(head, self.settings.batch).await?;
            let has_come_on = desk.read > read_before;
            self.desk = Some(desk);
            let delivery = self.hand_on(stretch, courier, stop).await;
            // What cannot be read yet can be with the next look.
            if delivery != Delivery::Done || !has_come_on {
                return Ok(delivery);
            }
        }
    }

    async fn hand_on(
        &mut self,
        Stretch { events, position }: Stretch,
        courier: &mut Courier,
        stop: &mut watch::Receiver<bool>,
    ) -> Delivery {
        let mut events = events.into_iter().peekable();
        let mut documents = Vec::new();
        while let Some((sequence, event)) = events.next() {
            if documents.is_empty() {
                self.standing.waits_since(Some(ended_at(&event)));
            }
            documents.extend(Document::of(self.settings, &self.house.node, sequence, &event));
            let next = events.peek().map(|(sequence, _)| *sequence);
            if documents.len() < self.settings.batch && next.is_some() {
                continue;
            }
            let delivery = courier.deliver(&documents, stop).await;
            if delivery != Delivery::Done {
                return delivery;
            }
            documents.clear();
            // Several events may end with one entry: it is behind us only with the last of them.
            if let Some(next) = next {
                let ended = sequence.min(next.saturating_sub(1)).max(self.reached.ended);
                self.reach(Position { ended, ..self.reached }, courier.settles_in()).await;
                self.settle(courier.settles_in()).await;
            }
        }
        self.reach(position, courier.settles_in()).await;
        Delivery::Done
    }

    async fn reach(&mut self, position: Position, settles_in: Option<Duration>) {
        let is_idle = position.ended == self.reached.ended;
        self.reached = position;
        self.standing.reached(position.ended);
        if is_idle {
            return;
        }
        if settles_in.is_some() {
            self.settling.push_back((Instant::now(), position));
        } else {
            self.keep(position).await;
        }
    }

    /// Keeps what has been handed over long enough ago to be taken.
    async fn settle(&mut self, settles_in: Option<Duration>) {
        let Some(settles_in) = settles_in else { return };
        let mut settled = None;
        while let Some((_, position)) =
            self.settling.front().filter(|(since, _)| since.elapsed() >= settles_in)
        {
            settled = Some(*position);
            self.settling.pop_front();
        }
        if let Some(position) = settled {
            self.keep(position).await;
        }
    }

    /// Ends what is open. What a receiver has read to its end is taken.
    async fn end(&mut self, courier: &mut Courier) {
        if courier.close().await
            && let Some((_, position)) = self.settling.pop_back()
        {
            self.keep(position).await;
        }
    }

    async fn keep(&self, position: Position) {
        let now = self.house.shared.clock.now();
        if let Err(error) = self
            .house
            .shared
            .exports
            .keep(&self.settings.name, position, &self.house.journal_name(), now)
            .await
        {
            // What is handed on meanwhile would come again after a restart, and is kept with the next place.
            tracing::error!(export = %self.settings.name, %error, "how far events were handed on cannot be saved");
        }
    }

    async fn tell_missed(&self, gap: &Gap) -> anyhow::Result<()> {
        self.standing.missed(gap.entries());
        let name = &self.settings.name;
        tracing::error!(
            export = %name, export.missed = gap.entries(),
            "{gap} before the export could send them: `leastway audit export --archive` gives those that are archived"
        );
        let note = format!("the export {name} has missed {} entries: {gap}", gap.entries());
        self.house.record(note).await
    }
}

/// The journal is another one than was followed, or its end is lost: where it begins now, and what is passed over.
async fn tell_another(
    house: &House,
    settings: &ExportSettings,
    standing: &Standing,
    start: Position,
) -> anyhow::Result<()> {
    let name = &settings.name;
    standing.missed(start.ended);
    tracing::error!(
        export = %name, export.missed = start.ended,
        "the journal is not the one that was followed: it is handed on from where `from` says"
    );
    let passed = match start.ended {
        0 => String::new(),
        entries => format!(", and {entries} entries of it are passed over"),
    };
    house
        .record(format!("the export {name} begins anew: the journal is not the one it followed{passed}"))
        .await
}

/// When an event ended; when it began, where that is unknown.
fn ended_at(event: &Event) -> Timestamp {
    event.closing.as_ref().map_or(event.opening.time, |closing| closing.time)
}
