//! One person under all rules.

use std::collections::{BTreeMap, VecDeque};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::seen::Work;
use super::settings::{DetectionSettings, When};
use super::track::{Found, Tally, Track};
use super::usual::Usual;
use super::watcher::Step;
use super::wording::why;
use crate::domain::detection::{Detection, DetectionName, DetectionThen};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::DetectionId;

/// What is known of one person.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) last_seen: Option<Timestamp>,
    /// When emergencies began: at most [`EMERGENCIES_MAX`], in order.
    emergencies: VecDeque<Timestamp>,
    /// One for each rule.
    pub(super) tracks: Vec<Track>,
    pub(super) unsaved: bool,
}

/// What of it survives a restart; the windows are read from the journal again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    last_seen: Option<Timestamp>,
    rules: BTreeMap<DetectionName, Kept>,
}

/// What survives of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(skip_serializing_if = "Usual::is_empty", default)]
    usual: Usual,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    woke: Option<(Timestamp, u64)>,
}

impl Person {
    pub(super) fn new(rules: &[DetectionSettings]) -> Self {
        Self { tracks: vec![Track::default(); rules.len()], ..Self::default() }
    }

    pub(super) fn of(body: &Body, rules: &[DetectionSettings]) -> Self {
        let mut person = Self::new(rules);
        person.last_seen = body.last_seen;
        for (rule, track) in rules.iter().zip(&mut person.tracks) {
            if let Some(kept) = body.rules.get(&rule.name) {
                track.usual = kept.usual.clone();
                track.woke = kept.woke;
            }
        }
        person
    }

    pub(super) fn body(&self, rules: &[DetectionSettings]) -> Body {
        let kept = |(rule, track): (&DetectionSettings, &Track)| {
            let kept = Kept { usual: track.usual.clone(), woke: track.woke };
            (kept != Kept::default()).then(|| (rule.name.clone(), kept))
        };
        Body { last_seen: self.last_seen, rules: rules.iter().zip(&self.tracks).filter_map(kept).collect() }
    }

    /// Under other rules: what was counted under one that has not changed stays.
    pub(super) fn under(&mut self, before: &[DetectionSettings], now: &[DetectionSettings]) {
        let mut tracks: Vec<Option<Track>> = std::mem::take(&mut self.tracks).into_iter().map(Some).collect();
        let mut inherit = |rule: &DetectionSettings| {
            let same = |it: &DetectionSettings| {
                (&it.name, &it.when, it.within) == (&rule.name, &rule.when, rule.within)
            };
            let place = before.iter().position(same)?;
            tracks.get_mut(place)?.take()
        };
        self.tracks = now.iter().map(|rule| inherit(rule).unwrap_or_default()).collect();
    }

    /// Takes in what was seen before, so that the windows are as they were: nothing is found.
    pub(super) fn recall(&mut self, rules: &[DetectionSettings], zone: &TimeZone, work: &Work) {
        self.mark(work);
        for (rule, track) in rules.iter().zip(&mut self.tracks) {
            if counts(rule, zone, work) {
                track.put(rule, work);
            }
        }
    }

    /// Takes in what is seen now, and says what is found.
    pub(super) fn see(
        &mut self,
        rules: &[DetectionSettings],
        zone: &TimeZone,
        work: &Work,
        is_quiet: &dyn Fn(&SubjectId, &DetectionName, Timestamp) -> bool,
        steps: &mut Vec<Step>,
    ) {
        self.mark(work);
        self.wake(rules, work);
        self.unsaved = true;
        let Self { tracks, emergencies, .. } = self;
        for (rule, track) in rules.iter().zip(tracks) {
            let is_minded = counts(rule, zone, work) && track.put(rule, work);
            // An event that ended late may make an emergency of what was seen before.
            let is_late = rule.when == When::AfterBreakGlass && work.is_emergency;
            if !is_minded && !is_late {
                continue;
            }
            let Some(tally) = track.tally(rule, emergencies) else { continue };
            let usual = if rule.usual_times > 0 { track.usual.before(work.time) } else { None };
            if rule.usual_times > 0 {
                track.usual.note(work.time, tally.count);
            }
            let is_unusual = usual.is_none_or(|usual| tally.count > usual.saturating_mul(rule.usual_times));
            if tally.count > rule.more_than && is_unusual {
                let quiet = || is_quiet(&work.person, &rule.name, work.time);
                steps.extend(find(rule, track, work, (tally, usual), quiet));
            }
        }
    }

    /// The person was not there for a day: what stood in windows is over.
    pub(super) fn rest(&mut self) {
        self.emergencies = VecDeque::new();
        self.tracks.iter_mut().for_each(Track::clear);
    }

    fn mark(&mut self, work: &Work) {
        if !work.is_emergency {
            return;
        }
        let place = self.emergencies.partition_point(|at| *at <= work.time);
        self.emergencies.insert(place, work.time);
        if self.emergencies.len() > EMERGENCIES_MAX {
            self.emergencies.pop_front();
        }
    }

    fn wake(&mut self, rules: &[DetectionSettings], work: &Work) {
        let before = self.last_seen.replace(self.last_seen.map_or(work.time, |last| last.max(work.time)));
        for (rule, track) in rules.iter().zip(&mut self.tracks) {
            let When::Dormant(silence) = rule.when else { continue };
            let slept = before.map(|last| work.time.since(last)).filter(|slept| *slept >= silence);
            if let Some(slept) = slept {
                track.woke = Some((work.time, slept.as_secs() / (24 * 60 * 60)));
            } else if let Some((woke, _)) = &mut track.woke
                && woke.since(work.time) < rule.within
            {
                // What began a little earlier has ended later.
                *woke = work.time.min(*woke);
            }
        }
    }
}

/// Whether a rule minds this at all.
fn counts(rule: &DetectionSettings, zone: &TimeZone, work: &Work) -> bool {
    let in_role = rule.roles.is_empty() || work.roles.iter().any(|role| rule.roles.contains(role));
    let is_here =
        rule.applications.is_empty() || work.application.iter().any(|it| rule.applications.contains(it));
    let is_then = match rule.when {
        When::OffHours(hours) => minute_of_day(work.time, zone).is_some_and(|minute| !hours.contain(minute)),
        When::RecordsTaken
        | When::FilesTaken
        | When::PanelSweep
        | When::ListSweep
        | When::SequentialIds
        | When::Dormant(_)
        | When::Denials
        | When::AfterBreakGlass
        | When::Elsewhere
        | When::NothingToDo => true,
    };
    in_role && is_here && is_then
}

fn find(
    rule: &DetectionSettings,
    track: &mut Track,
    work: &Work,
    (tally, usual): (Tally, Option<u64>),
    is_quiet: impl Fn() -> bool,
) -> Option<Step> {
    let (since, until) = (tally.since, tally.until);
    let belongs = |found: &&mut Found| until.max(found.began).since(until.min(found.began)) < rule.within;
    if let Some(found) = track.found.as_mut().filter(belongs) {
        let began = found.began;
        // Quiet, or no more than before.
        if tally.count <= found.count? {
            return None;
        }
        found.count = Some(tally.count);
        return Some(Step::Grown(detection(rule, track, work, began, (tally, usual))));
    }
    let quiet = is_quiet();
    track.found = Some(Found { began: until, count: (!quiet).then_some(tally.count) });
    if quiet {
        return Some(Step::Quiet(rule.name.clone()));
    }
    debug_assert!(since <= until, "entries are in the order of their times");
    Some(Step::Found(detection(rule, track, work, until, (tally, usual))))
}

fn detection(
    rule: &DetectionSettings,
    track: &Track,
    work: &Work,
    began: Timestamp,
    (tally, usual): (Tally, Option<u64>),
) -> Detection {
    let SubjectId { issuer, sub } = &work.person;
    let id = DetectionId::derived(began, &[rule.name.as_str().as_bytes(), issuer.as_bytes(), sub.as_bytes()]);
    let why = why(rule, &tally, usual, track.woke.map(|(_, days)| days));
    let Tally { count, since, until, requests } = tally;
    Detection {
        id,
        rule: rule.name.clone(),
        kind: rule.when.kind(),
        severity: rule.severity,
        person: work.person.clone(),
        name: work.name.to_string(),
        since,
        until,
        count,
        usual,
        why,
        requests,
        raises: rule.then == DetectionThen::StepUp && (rule.in_treatment || !work.in_care),
    }
}

/// The minute of the day there; none outside the calendar.
fn minute_of_day(time: Timestamp, zone: &TimeZone) -> Option<u16> {
    let there = zone.to_datetime(jiff::Timestamp::from_millisecond(time.as_millis()).ok()?);
    Some(u16::try_from(there.hour()).ok()? * 60 + u16::try_from(there.minute()).ok()?)
}

/// Emergencies that are remembered.
const EMERGENCIES_MAX: usize = 64;
