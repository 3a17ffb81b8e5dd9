//! Which risks stand for one person, and what a proof changes about that.

use serde::{Deserialize, Serialize};

use super::burst::Bursts;
use super::place::Place;
use super::profile::Profile;
use super::settings::{RiskSettings, When};
use super::told::Told;
use crate::domain::assurance::Assurance;
use crate::domain::device::DeviceClass;
use crate::domain::network::Network;
use crate::domain::risk::{RiskName, Sign, Standing};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;

/// All that is known of one person here.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) profile: Profile,
    pub(super) told: Option<Told>,
    pub(super) bursts: Bursts,
    /// When something was last found in what is done under their name.
    pub(super) detected: Option<Timestamp>,
    /// The oldest first; at most [`ANSWERS_MAX`].
    pub(super) answers: Vec<Answer>,
    /// Whether it waits to be saved.
    pub(super) unsaved: bool,
    /// How often the row was written that this is of: the same at every node. Of what has no row, 0.
    pub(super) revision: i64,
}

/// A proof that somebody gave in one session, in answer to one risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    session: SessionId,
    rule: RiskName,
    browser: Option<Digest>,
    network: Network,
    given: Timestamp,
}

/// What somebody has proven at the provider.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// The classes, and when each was proven.
    pub assurance: &'a Assurance,
    /// When they authenticated by the provider's word, as late as the clocks allow; none where it does not say.
    pub authenticated: Option<Timestamp>,
}

/// In which session, where and when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) session: SessionId,
    pub(super) device: Option<&'a DeviceClass>,
    pub(super) place: Place,
    pub(super) now: Timestamp,
}

impl Person {
    /// What the store holds of somebody.
    pub(super) fn of(profile: Profile, told: Option<Told>, answers: Vec<Answer>, revision: i64) -> Self {
        Self { profile, told, answers, revision, ..Self::default() }
    }

    /// Another node has written this; what is counted here stays. What is not saved yet goes with it: one node must not
    /// lose what another has learned.
    pub(super) fn take_over(&mut self, there: Self) {
        if self.revision >= there.revision {
            return;
        }
        self.revision = there.revision;
        if !self.unsaved {
            (self.profile, self.told, self.answers) = (there.profile, there.told, there.answers);
            return;
        }
        self.profile.absorb(there.profile);
        let is_later = |own: &Told, told: &Told| own.since > told.since;
        let keeps =
            self.told.as_ref().zip(there.told.as_ref()).is_some_and(|(own, told)| is_later(own, told));
        if !keeps {
            self.told = there.told;
        }
        for answer in there.answers {
            if self.answers.len() < ANSWERS_MAX && !self.answers.contains(&answer) {
                self.answers.push(answer);
            }
        }
    }

    /// The risks that stand, and are not answered.
    pub(super) fn standing(&self, rules: &[RiskSettings], at: &At<'_>) -> Standing {
        let stands = |rule: &RiskSettings| {
            rule.is_for(at.device) && self.shows(rule, at) && !self.is_answered(rule, at)
        };
        let standing = rules.iter().enumerate().filter(|(_, rule)| stands(rule));
        standing.fold(Standing::NONE, |all, (position, _)| all.with(position))
    }

    /// Until when that may be taken for certain, as far as time alone changes it: `longest` at the most.
    pub(super) fn until(&self, rules: &[RiskSettings], now: Timestamp, longest: Timestamp) -> Timestamp {
        let raised =
            rules.iter().filter_map(|rule| self.bursts.since(&rule.name, now)).map(|(_, until)| until);
        let told = self.told.iter().filter_map(|told| told.until).filter(|until| *until > now);
        let detected = rules.iter().filter_map(|rule| self.detected_until(rule)).filter(|until| *until > now);
        raised.chain(told).chain(detected).fold(longest, Timestamp::min)
    }

    /// The person was at work, and nothing was unusual. A further hour is learned only where they were proven: whoever has but
    /// their password comes at a usual hour, and must not make the whole night usual.
    pub(super) fn worked(&mut self, rules: &[RiskSettings], at: &At<'_>) -> bool {
        let is_changed = self.profile.see(&at.place, at.now);
        let minds_hours = |rule: &&RiskSettings| matches!(rule.when, When::UnusualHour { usual: None });
        let mut minding = rules.iter().filter(minds_hours).peekable();
        if minding.peek().is_none() || self.profile.is_empty() {
            return is_changed;
        }
        // Where hours are only noted, a sign-in is all the proof that there is.
        if self.is_proven(at) || minding.all(|rule| rule.need.is_none()) {
            return self.profile.learn_hour(at.place.hour, at.now) || is_changed;
        }
        is_changed
    }

    /// The person has proven this, from here. Gives the risks that stood, and of these what is answered by it. Where all that
    /// stood of one kind is, the place or the hour is known from now on.
    pub(super) fn proved(
        &mut self,
        rules: &[RiskSettings],
        proven: &Proven<'_>,
        at: &At<'_>,
    ) -> (Standing, Standing) {
        let stood = self.standing(rules, at);
        let of = |standing: Standing| {
            rules.iter().enumerate().filter(move |(position, _)| standing.has(*position))
        };
        let is_late_enough = |rule: &RiskSettings| {
            let since = self.since(rule, at.now);
            since.is_none_or(|since| proven.authenticated.is_some_and(|moment| moment > since))
        };
        let is_met = |rule: &RiskSettings| {
            let need = rule.need.as_ref();
            need.is_none_or(|need| proven.assurance.meets(need, at.now) && is_late_enough(rule))
        };
        let met =
            of(stood).filter(|(_, rule)| is_met(rule)).fold(Standing::NONE, |all, (it, _)| all.with(it));
        for sign in Sign::ALL {
            let mut asked = of(stood).filter(|(_, rule)| rule.when.sign() == *sign).peekable();
            if asked.peek().is_some() && asked.all(|(position, _)| met.has(position)) {
                self.learn(*sign, at);
            }
        }
        for (_, rule) in of(met).filter(|(_, rule)| rule.need.is_some()) {
            self.answer(rule.name.clone(), at);
        }
        (stood, met)
    }

    /// Nothing is known of where and when they use to be any more.
    pub(super) fn forget(&mut self) {
        self.profile = Profile::default();
        self.answers.clear();
    }

    /// What was proven counts no more, so it has answered nothing.
    pub(super) fn unanswer(&mut self) {
        self.answers.clear();
    }

    /// Forgets what was not used for long, and what was answered long ago.
    pub(super) fn age(&mut self, now: Timestamp) {
        self.profile.age(now);
        self.answers.retain(|answer| answer.counts(now));
    }

    /// Whether there is nothing left to remember.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.profile.is_empty() && !self.is_raised(now) && self.bursts.is_over(now)
    }

    /// Whether more is asked of them by what was told or counted: that must not be forgotten.
    pub(super) fn is_raised(&self, now: Timestamp) -> bool {
        self.told.as_ref().is_some_and(|told| told.until.is_none_or(|until| now < until))
            || !self.bursts.is_over(now)
            || self.detected.is_some_and(|since| now.since(since) < DETECTED_LASTS)
    }

    fn shows(&self, rule: &RiskSettings, at: &At<'_>) -> bool {
        let At { place, now, .. } = *at;
        match &rule.when {
            When::NewDevice => !self.profile.knows_device(place.browser, now),
            When::NewNetwork { usual } => {
                let client = place.client.to_canonical();
                !usual.iter().any(|network| network.contains(&client))
                    && !self.profile.knows_network(place.network(), now)
            }
            When::UnusualHour { usual: Some(hours) } => !place.is_within(*hours),
            When::UnusualHour { usual: None } => !self.profile.knows_hour(place.hour, now),
            When::Denials { .. } => self.bursts.since(&rule.name, now).is_some(),
            When::Told { level } => self.told.as_ref().is_some_and(|told| told.stands(*level, now)),
            When::Detection { lasts } => self.detected.is_some_and(|since| now.since(since) < *lasts),
        }
    }

    /// Whether the person has answered it in this session, for where they are now.
    fn is_answered(&self, rule: &RiskSettings, at: &At<'_>) -> bool {
        let fits = |answer: &Answer| match &rule.when {
            When::NewDevice => answer.browser.is_some() && answer.browser == at.place.browser,
            When::NewNetwork { .. } => answer.network == at.place.network(),
            When::UnusualHour { .. } => true,
            When::Denials { .. } | When::Told { .. } | When::Detection { .. } => {
                self.since(rule, at.now).is_none_or(|since| answer.given >= since)
            }
        };
        self.answered(at).filter(|answer| answer.rule == rule.name).any(fits)
    }

    /// What the person has answered in this session.
    fn answered<'p>(&'p self, at: &At<'_>) -> impl Iterator<Item = &'p Answer> {
        let (session, now) = (at.session, at.now);
        self.answers.iter().filter(move |answer| answer.session == session && answer.counts(now))
    }

    /// Whether it is the person whose session this is, by more than the sign-in.
    fn is_proven(&self, at: &At<'_>) -> bool {
        self.profile.knows_device(at.place.browser, at.now) || self.answered(at).next().is_some()
    }

    /// Since when it stands, where only a later proof clears it.
    fn since(&self, rule: &RiskSettings, now: Timestamp) -> Option<Timestamp> {
        match &rule.when {
            When::NewDevice | When::NewNetwork { .. } | When::UnusualHour { .. } => None,
            When::Denials { .. } => self.bursts.since(&rule.name, now).map(|(since, _)| since),
            When::Told { .. } => self.told.as_ref().map(|told| told.since),
            When::Detection { .. } => self.detected,
        }
    }

    /// Until when a risk stands because something was found.
    fn detected_until(&self, rule: &RiskSettings) -> Option<Timestamp> {
        let When::Detection { lasts } = rule.when else { return None };
        self.detected.map(|since| since.plus(lasts))
    }

    fn answer(&mut self, rule: RiskName, at: &At<'_>) {
        let is_other = |answer: &Answer| answer.session != at.session || answer.rule != rule;
        self.answers.retain(|answer| answer.counts(at.now) && is_other(answer));
        if self.answers.len() >= ANSWERS_MAX {
            self.answers.remove(0);
        }
        let (browser, network) = (at.place.browser, at.place.network());
        self.answers.push(Answer { session: at.session, rule, browser, network, given: at.now });
    }

    fn learn(&mut self, sign: Sign, at: &At<'_>) {
        match sign {
            Sign::NewDevice => {
                if let Some(browser) = at.place.browser {
                    self.profile.learn_device(browser, at.now);
                }
            }
            Sign::NewNetwork => self.profile.learn_network(at.place.network(), at.now),
            Sign::UnusualHour => drop(self.profile.learn_hour(at.place.hour, at.now)),
            Sign::Denials | Sign::Told | Sign::Detection => {}
        }
    }
}

impl Answer {
    fn counts(&self, now: Timestamp) -> bool {
        now.since(self.given) < ANSWER_LASTS
    }
}

/// As many sessions as one person may have, and a few risks each.
const ANSWERS_MAX: usize = 256;
/// A proof counts for the shift that has begun with it.
const ANSWER_LASTS: std::time::Duration = std::time::Duration::from_secs(12 * 60 * 60);
/// The longest time for which what was found asks anything.
const DETECTED_LASTS: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
