//! The segments one after the other: their joints, the events in them, and the times between.

use std::collections::HashSet;
use std::sync::Arc;

use super::held::Held;
use super::report::{Report, Silence};
use super::seen::{Seen, What};
use super::segment::Checked;
use crate::features::audit::error::{Misfit, Problem};
use crate::features::audit::format::Head;
use crate::features::audit::read::follows;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// The report as it grows.
pub(super) struct Walk {
    report: Report,
    /// The last entry before those that are here.
    begins_after: u64,
    open: HashSet<RequestId>,
    /// What comes after this entry is not looked at.
    through: Option<Head>,
    /// The latest time so far.
    latest: Option<Timestamp>,
    /// Whether the last entry belongs to an orderly end: then nothing is written until the next start.
    is_closed: bool,
    /// The segment that was read last, and the byte after its last entry.
    place: (Arc<str>, u64),
}

impl Walk {
    pub(super) fn new(segments: u64, before: Head, through: Option<Head>) -> Self {
        let report = Report { segments, ..Report::empty(before) };
        Self {
            report,
            begins_after: before.sequence,
            open: HashSet::new(),
            through,
            latest: None,
            is_closed: false,
            place: ("".into(), 0),
        }
    }

    pub(super) const fn entries(&self) -> u64 {
        self.report.entries
    }

    /// Takes a segment in; gives what does not fit.
    pub(super) fn take(&mut self, checked: Checked, held: &mut Held<'_>) -> Option<Misfit> {
        let Some(before) = checked.before else { return checked.misfit };
        if let Err(misfit) = follows(&checked.name, before, self.report.head()) {
            return Some(misfit);
        }
        let left = self.through.map_or(u64::MAX, |through| through.sequence.saturating_sub(before.sequence));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        for seen in checked.entries.iter().take(left) {
            self.see(seen, held);
        }
        self.place = (checked.name, checked.offset);
        let (last, misfit) = match self.through.filter(|through| through.sequence < checked.head.sequence) {
            // That this is its hash was seen when it was read; whatever is wrong behind it is not asked for.
            Some(through) if checked.entries.len() > left => (through, None),
            Some(_) | None => (checked.head, checked.misfit),
        };
        self.report.last_sequence = last.sequence;
        self.report.last_hash = last.hash;
        misfit
    }

    /// Whether the noted head lies behind the end.
    pub(super) fn cut_before(&self, noted: Head) -> Option<Misfit> {
        let (segment, offset) = self.place.clone();
        (noted.sequence > self.report.last_sequence).then(|| Misfit {
            segment,
            offset,
            sequence: self.report.last_sequence.saturating_add(1),
            problem: Problem::Cut { noted },
        })
    }

    fn see(&mut self, seen: &Seen, held: &mut Held<'_>) {
        let report = &mut self.report;
        report.entries += 1;
        report.first.get_or_insert(seen.time);
        report.last = Some(seen.time);
        if let Some(latest) = self.latest.filter(|_| !self.is_closed)
            && seen.time.since(latest) > report.longest_silence.map_or_else(Default::default, Silence::lasts)
        {
            report.longest_silence = Some(Silence { from: latest, to: seen.time });
        }
        self.latest = self.latest.max(Some(seen.time));
        match &seen.what {
            What::Opened(event) => {
                report.outcome_unknown += self.open.len() as u64;
                self.open.clear();
                self.is_closed = false;
                self.open(*event);
            }
            What::Closed(event) => {
                self.is_closed = true;
                self.open(*event);
            }
            What::Key(event, told) => {
                held.told(told);
                self.open(*event);
            }
            What::Removed(event, through) => {
                if *through == self.begins_after {
                    report.archived_by = Some(through.saturating_add(report.entries));
                }
                self.open(*event);
            }
            What::Gap(event, requests) => {
                report.gaps += 1;
                report.gap_requests = report.gap_requests.saturating_add(*requests);
                self.open(*event);
            }
            What::Opening(event) => self.open(*event),
            What::Closing(event) => {
                report.closings += 1;
                if !self.open.remove(event) {
                    report.closings_alone += 1;
                }
            }
        }
        held.grow(seen.leaf);
    }

    fn open(&mut self, event: RequestId) {
        self.report.openings += 1;
        self.open.insert(event);
    }

    pub(super) fn end(mut self, misfit: Option<Misfit>, held: Held<'_>) -> Report {
        self.report.under_way = self.open.len() as u64;
        held.end(&mut self.report, misfit.is_none());
        self.report.misfit = misfit;
        self.report
    }
}
