//! Pages that say something and offer what to do next: one function each, one template for all.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::messages::{Messages, Section};
use super::step::{Step, Way};
use super::{HELD_PATH, PageFrame, SIGN_OUT_PATH, Written, application, layout, link};
use crate::domain::action::Action;
use crate::domain::asked::Overreach;
use crate::domain::assurance::{AssuranceNeed, Lack, Unproven};
use crate::domain::count::WhyUnknown;
use crate::domain::decision::WayOn;
use crate::domain::limit::{Exceeded, Measure, OnExceed};
use crate::domain::reason::Reason;
use crate::domain::risk::Sign;
use crate::features::route::settings::Downtime;
use crate::foundation::id::HoldId;
use crate::platform::page::Layout;
use crate::platform::page::messages::Text;

/// What happened, why, what was kept, and what to do.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct Notice<'a> {
    layout: Layout<'a>,
    section: &'a Section,
    happened: Vec<String>,
    figures: Vec<(String, String)>,
    why: Option<String>,
    /// Where it is written down.
    written: Option<String>,
    kept: Vec<String>,
    steps: Vec<Step>,
    sign_out_path: &'static str,
}

/// A frame and its words: what every page here is made from.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) frame: &'a PageFrame<'a>,
    pub(super) messages: &'a Messages,
}

impl Notice<'_> {
    fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

impl<'a> Desk<'a> {
    pub(super) fn denied(
        self,
        reason: Reason,
        action: Option<Action>,
        ways_on: &[WayOn],
        return_to: &str,
    ) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = messages.reason.of(reason);
        let application = self.application();
        let happened = match action {
            Some(action) => messages
                .denied
                .happened
                .with(&[("action", messages.action.of(action)), ("application", &application)]),
            None => messages.denied.happened_generic.with(&[("application", &application)]),
        };
        let mut steps = self.ways_on(ways_on, return_to);
        if steps.is_empty() {
            steps.push(Step::words(texts.next.as_str()));
        }
        steps.push(self.ask(&messages.way.ask));
        steps.extend(Step::leave(self.frame, messages));
        steps.extend(Step::elsewhere(self.frame, messages, return_to));
        let notice = self.notice(&texts.title, vec![happened], steps).because(texts.why.as_str());
        Notice { kept: vec![self.about(&messages.kept.not_sent), messages.kept.typed.to_string()], ..notice }
    }

    pub(super) fn too_much(
        self,
        exceeded: &Exceeded,
        action: Action,
        ways_on: &[WayOn],
        return_to: &str,
    ) -> Notice<'a> {
        let Self { messages, .. } = self;
        let limit = messages.limit.of(exceeded.limit);
        let happened = messages
            .too_much
            .happened
            .with(&[("action", messages.action.of(action)), ("application", &self.application())]);
        let happened = format!("{happened} {}", messages.exceeded(exceeded));

        let mut steps = vec![Step::words(limit.narrow.as_str())];
        steps.extend(self.ways_on(ways_on, return_to));
        if !exceeded.limit.is_window() {
            steps.push(Step::words(messages.too_much.template.as_str()));
        }
        steps.push(self.ask(&messages.too_much.raise));

        let notice = self
            .notice(&limit.title, vec![happened], steps)
            .because(messages.on_exceed.of(OnExceed::Block).as_str());
        Notice {
            figures: self.figures(exceeded),
            kept: vec![messages.kept.not_released.to_string()],
            ..notice
        }
    }

    pub(super) fn count_unknown(self, action: Action, why: WhyUnknown) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = messages.reason.of(Reason::CountUnknown);
        let happened = messages
            .count_unknown
            .happened
            .with(&[("action", messages.action.of(action)), ("application", &self.application())]);
        let steps = [&messages.count_unknown.on_screen, &messages.way.back];
        let steps =
            steps.map(|text| Step::words(text.as_str())).into_iter().chain([self.ask(&messages.way.ask)]);
        let notice = self.notice(&texts.title, vec![happened], steps.collect()).because(format!(
            "{} {}",
            messages.uncounted(why),
            texts.why
        ));
        Notice { kept: vec![messages.kept.not_released.to_string()], ..notice }
    }

    pub(super) fn unredactable(self, action: Action) -> Notice<'a> {
        self.stays_here(Reason::RedactionImpossible, action)
    }

    pub(super) fn too_long(self, action: Action) -> Notice<'a> {
        self.stays_here(Reason::ReplyTooLong, action)
    }

    /// What came back stays here, whatever it is.
    fn stays_here(self, reason: Reason, action: Action) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = messages.reason.of(reason);
        let happened = messages
            .unredactable
            .happened
            .with(&[("action", messages.action.of(action)), ("application", &self.application())]);
        let steps = [&texts.next, &messages.way.back, &messages.way.ask];
        let steps = steps.map(|text| Step::words(text.as_str())).into();
        let notice = self.notice(&texts.title, vec![happened], steps).because(texts.why.as_str());
        Notice { kept: vec![messages.kept.not_released.to_string()], ..notice }
    }

    pub(super) fn asked(self, overreach: &Overreach) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = messages.reason.of(overreach.reason);
        let steps = [&texts.next, &messages.way.back].map(|text| Step::words(text.as_str()));
        let steps = steps.into_iter().chain([self.ask(&messages.way.ask)]).collect();
        let notice =
            self.notice(&texts.title, vec![messages.allowed(overreach)], steps).because(texts.why.as_str());
        Notice { kept: vec![self.about(&messages.kept.not_sent)], ..notice }
    }

    pub(super) fn step_up(
        self,
        need: &AssuranceNeed,
        (risk, exceeded): (Option<Sign>, Option<&Exceeded>),
        return_to: &str,
        (sent, held): (bool, Option<Duration>),
    ) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = &messages.step_up;
        let class = messages.assurance_class(&need.class);
        let needs = texts.happened.with(&[("application", &self.application()), ("class", &class)]);
        let fresh = need.fresh.map(|fresh| texts.fresh.with(&[("duration", &messages.duration(fresh))]));
        let href = link::step_up(need, return_to);
        let go_on = if sent {
            self.way_back(href, held, &texts.go_on_tab, &texts.go_on)
        } else {
            Step::words(texts.go_on_text.as_str()).link(href, &texts.go_on)
        };
        let steps = vec![
            go_on,
            Step::words(texts.cancel_text.as_str())
                .link(link::or_first_page(return_to).to_owned(), &texts.cancel),
            Step::words(texts.help.as_str()),
        ];
        let mut notice = self.notice(&texts.title, std::iter::once(needs).chain(fresh).collect(), steps);
        if let Some(sign) = risk {
            notice = notice.because(messages.reason.of(sign.reason()).why.as_str());
        }
        let signed_in = self.about(&messages.kept.signed_in);
        let held = held.map(|lifetime| self.held(lifetime));
        match exceeded {
            None => {
                let kept = held.into_iter().chain([self.about(&messages.kept.not_sent), signed_in]).collect();
                Notice { kept, ..notice }
            }
            // Limits are found in replies, so the request has been passed on.
            Some(exceeded) => Notice {
                figures: self.figures(exceeded),
                kept: held.into_iter().chain([messages.kept.not_released.to_string(), signed_in]).collect(),
                ..notice.because(format!(
                    "{} {}",
                    messages.exceeded(exceeded),
                    messages.on_exceed.of(OnExceed::StepUp)
                ))
            },
        }
    }

    pub(super) fn sign_in(
        self,
        return_to: &str,
        expired: bool,
        held: Option<(HoldId, Duration)>,
    ) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = &messages.sign_in;
        let (title, happened, why) = if expired {
            (&texts.title_expired, &texts.happened_expired, &texts.why)
        } else {
            (&texts.title_new, &texts.happened_new, &texts.why_new)
        };
        let href = link::sign_in(return_to, held.map(|(id, _)| id));
        let lifetime = held.map(|(_, lifetime)| lifetime);
        let steps = vec![self.way_back(href, lifetime, &texts.go_on_tab, &texts.go_on)];
        let notice = self.notice(title, vec![self.about(happened)], steps).because(self.about(why));
        let kept = lifetime.map_or_else(|| messages.kept.nothing_lost.to_string(), |time| self.held(time));
        Notice { kept: vec![kept], ..notice }
    }

    pub(super) fn locked(self, return_to: &str, sent: bool, held: Option<(HoldId, Duration)>) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = &messages.locked;
        let lifetime = held.map(|(_, lifetime)| lifetime);
        let href = link::sign_in(return_to, held.map(|(id, _)| id));
        let unlock = match (sent, lifetime) {
            (false, _) => Step::words(texts.go_on_text.as_str()).link(href, &texts.go_on),
            (true, Some(_)) => Step::words(texts.held_next.as_str()).link(href, &texts.go_on),
            (true, None) => Step::words(texts.resend.as_str())
                .link_in_new_tab(href.clone(), &texts.go_on_tab)
                .link(href, &texts.go_on),
        };
        let another = if self.frame.is_choice { link::sign_in_as_another } else { link::sign_in_anew };
        let not_me = Step::words(texts.not_me_text.as_str()).link(another("/"), &texts.not_me);
        let mut happened = vec![self.about(&texts.happened)];
        happened.extend(sent.then(|| self.about(&texts.not_sent)));
        let kept = lifetime.map_or_else(|| self.about(&texts.kept), |time| self.held(time));
        let notice = self.notice(&texts.title, happened, vec![unlock, not_me]).because(texts.why.as_str());
        Notice { kept: vec![kept], ..notice }
    }

    /// How to come back to what was posted: it is kept, or the browser sends it again.
    fn way_back(self, href: String, held: Option<Duration>, go_on_tab: &Text, go_on: &Text) -> Step {
        let texts = &self.messages.kept;
        match held {
            Some(_) => Step::words(texts.held_next.as_str()).link(href, go_on),
            None => {
                Step::words(texts.resend.as_str()).link_in_new_tab(href.clone(), go_on_tab).link(href, go_on)
            }
        }
    }

    fn held(self, lifetime: Duration) -> String {
        self.messages.kept.held.with(&[("duration", &self.messages.duration(lifetime))])
    }

    pub(super) fn not_taken(self, status: StatusCode, return_to: &str) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = &messages.held;
        let happened =
            texts.not_taken.with(&[("application", &self.application()), ("status", &status.as_str())]);
        let steps = vec![
            Step::words(texts.not_taken_copy.as_str()).link(HELD_PATH.to_owned(), &texts.not_taken_go),
            Step::words(texts.not_taken_again.as_str())
                .link(link::or_first_page(return_to).to_owned(), &texts.go_on),
        ];
        let notice = self.notice(&texts.not_taken_title, vec![happened], steps);
        Notice { kept: vec![self.about(&messages.kept.maybe_arrived)], ..notice }
    }

    pub(super) fn not_ready(self, return_to: &str) -> Notice<'a> {
        let texts = &self.messages.held;
        let happened = texts.not_ready.with(&[("application", &self.application())]);
        let steps = vec![
            Step::words(texts.not_ready_copy.as_str()).link(HELD_PATH.to_owned(), &texts.not_taken_go),
            Step::words(texts.not_taken_again.as_str())
                .link(link::or_first_page(return_to).to_owned(), &texts.go_on),
        ];
        let notice = self.notice(&texts.not_ready_title, vec![happened], steps);
        Notice { kept: vec![self.about(&self.messages.kept.not_sent)], ..notice }
    }

    pub(super) fn assurance_not_proven(self, unproven: &Unproven, return_to: &str) -> Notice<'a> {
        let Self { messages, .. } = self;
        let (texts, need) = (&messages.assurance_not_proven, &unproven.need);
        let reason = messages.reason.of(Reason::AssuranceNotProven);
        let (happened, why, try_again, help) = match unproven.lack {
            Lack::Proof => (&texts.happened, &reason.why, &texts.try_again, &texts.set_up),
            Lack::Freshness => {
                (&texts.happened_old, &texts.why_old, &texts.try_again_old, &texts.not_asked_old)
            }
        };
        let happened = happened.with(&[("class", &messages.assurance_class(&need.class))]);
        let fresh = need.fresh.filter(|_| unproven.lack == Lack::Freshness);
        let fresh =
            fresh.map(|fresh| messages.step_up.fresh.with(&[("duration", &messages.duration(fresh))]));
        let mut steps = vec![
            Step::words(try_again.as_str()).link(link::step_up(need, return_to), &texts.go_on),
            Step::words(help.as_str()),
            Step::words(messages.step_up.cancel_text.as_str()).link("/".to_owned(), &texts.cancel),
        ];
        steps.extend(Step::leave(self.frame, messages));
        steps.extend(Step::elsewhere(self.frame, messages, return_to));
        let happened = std::iter::once(happened).chain(fresh).collect();
        let notice = self.notice(&reason.title, happened, steps).because(why.as_str());
        Notice { kept: vec![self.about(&messages.kept.signed_in)], ..notice }
    }

    pub(super) fn sign_in_problem(self, reason: Reason, return_to: &str) -> Notice<'a> {
        let Self { messages, .. } = self;
        let texts = messages.reason.of(reason);
        let again = &messages.sign_in_problem;
        // The provider knows them, and has not asked.
        let is_known = reason == Reason::AuthTooOld;
        let href = if is_known { link::sign_in_anew(return_to) } else { link::sign_in(return_to, None) };
        let mut steps = vec![
            Step::words(texts.next.as_str()),
            Step::words(again.try_again.as_str()).link(href, &again.go_on),
        ];
        steps.extend(Step::elsewhere(self.frame, messages, return_to));
        self.trouble(reason, steps)
    }

    pub(super) fn barred(self, reason: Reason) -> Notice<'a> {
        let Self { messages, .. } = self;
        let steps =
            [&messages.reason.of(reason).next, &messages.way.ask].map(|text| Step::words(text.as_str()));
        let elsewhere = Step::elsewhere(self.frame, messages, "/");
        let notice = self.trouble(reason, steps.into_iter().chain(elsewhere).collect());
        Notice { kept: vec![messages.kept.nothing_lost.to_string()], ..notice }
    }

    pub(super) fn unavailable(
        self,
        reason: Reason,
        retry: Option<&str>,
        downtime: Option<&Downtime>,
    ) -> Notice<'a> {
        let Self { messages, .. } = self;
        // The house's own words come first: they say how care goes on.
        let mut steps: Vec<_> =
            downtime.and_then(|it| it.instructions.as_deref()).map(Step::words).into_iter().collect();
        if let Some(read_only) = downtime.and_then(|it| it.read_only.as_deref()) {
            let texts = &messages.unavailable;
            steps.push(
                Step::words(texts.read_only.as_str())
                    .link_in_new_tab(read_only.to_owned(), &texts.read_only_go),
            );
        }
        steps.push(Step::words(messages.reason.of(reason).next.as_str()));
        if let Some(retry) = retry {
            let texts = &messages.unavailable;
            steps.push(
                Step::words(texts.retry.as_str()).link(link::or_first_page(retry).to_owned(), &texts.go_on),
            );
        }
        let notice = self.trouble(reason, steps);
        let kept = match retry {
            None if stopped_before_sending(reason) => self.about(&messages.kept.not_sent),
            None => self.about(&messages.kept.maybe_arrived),
            Some(_) => messages.kept.nothing_lost.to_string(),
        };
        Notice { kept: vec![kept], ..notice }
    }

    /// Ending comes first, whatever becomes of it: nobody is to go on in a session because of a fault of ours.
    pub(super) fn ended_unkept(self, reason: Reason) -> Notice<'a> {
        let texts = &self.messages.signed_out;
        let steps = [&texts.close, &texts.unkept_next].map(|text| Step::words(text.as_str()));
        let why = self.messages.reason.of(reason).why.as_str();
        let notice = self.notice(&texts.title_unkept, vec![texts.ended_unkept.to_string()], steps.into());
        Notice { kept: vec![self.messages.kept.nothing_lost.to_string()], ..notice.because(why) }
    }

    pub(super) fn not_understood(self, reason: Reason) -> Notice<'a> {
        let Self { messages, .. } = self;
        let steps = vec![
            Step::words(messages.reason.of(reason).next.as_str()),
            Step::words(messages.way.back.as_str()),
            Step::words(messages.way.ask.as_str()),
        ];
        let notice = self.trouble(reason, steps);
        Notice { kept: vec![self.about(&messages.kept.not_sent)], ..notice }
    }

    pub(super) fn signed_out(self, at_provider: bool, sign_in: &str) -> Notice<'a> {
        let texts = &self.messages.signed_out;
        let ended = if at_provider { &texts.here_and_there } else { &texts.here_only };
        let mut steps = vec![
            Step::words(texts.close.as_str()),
            Step::words(texts.again.as_str()).link(link::or_first_page(sign_in).to_owned(), &texts.go_on),
        ];
        steps.extend(Step::elsewhere(self.frame, self.messages, "/"));
        let notice = self.notice(&texts.title, vec![ended.to_string()], steps);
        Notice { kept: vec![self.messages.kept.nothing_lost.to_string()], ..notice }
    }

    pub(super) fn signed_in(self, script: &'static str) -> Notice<'a> {
        let texts = &self.messages.signed_in;
        let steps = vec![
            Step::words(texts.close.as_str()),
            Step::words(texts.first.as_str()).link("/".to_owned(), &texts.go_on),
        ];
        let mut notice = self.notice(&texts.title, vec![texts.happened.to_string()], steps);
        notice.layout.script = Some(script);
        notice
    }

    /// A notice whose reason says it all.
    fn trouble(self, reason: Reason, steps: Vec<Step>) -> Notice<'a> {
        let texts = self.messages.reason.of(reason);
        self.notice(&texts.title, vec![texts.why.to_string()], steps)
    }

    fn notice(self, title: &Text, happened: Vec<String>, steps: Vec<Step>) -> Notice<'a> {
        Notice {
            layout: layout(self.frame, self.messages, title.as_str()),
            section: &self.messages.section,
            happened,
            figures: Vec::new(),
            why: None,
            written: self.frame.written.map(|written| self.written(&written)),
            kept: Vec::new(),
            steps: Step::lead(steps),
            sign_out_path: SIGN_OUT_PATH,
        }
    }

    /// Which rules say so, in which version, by which standard, and for which risk.
    fn written(self, written: &Written<'_>) -> String {
        let texts = &self.messages.section;
        let (version, reference) = (&written.version, &written.reference);
        let rules: Vec<_> = written.rules.iter().map(ToString::to_string).collect();
        let said = if rules.is_empty() {
            texts.written.with(&[("version", version), ("reference", reference)])
        } else {
            let rules = self.messages.list.and(&rules);
            texts.written_in.with(&[("rules", &rules), ("version", version), ("reference", reference)])
        };
        match written.risk {
            Some(risk) => format!("{said} {}", texts.risk.with(&[("risk", &risk)])),
            None => said,
        }
    }

    /// Whom to ask, and by when they have an answer; `usually` where nobody is named.
    fn ask(self, usually: &Text) -> Step {
        let (texts, written) = (&self.messages.way, self.frame.written);
        let ask = match written.and_then(|written| written.contact) {
            Some(contact) => texts.ask_contact.with(&[("contact", &contact)]),
            None => usually.to_string(),
        };
        match written.and_then(|written| written.answer_within) {
            Some(within) => {
                let within = self.messages.duration(within);
                Step::words(format!("{ask} {}", texts.answered.with(&[("duration", &within)])))
            }
            None => Step::words(ask),
        }
    }

    fn ways_on(self, ways_on: &[WayOn], return_to: &str) -> Vec<Step> {
        let step = |way_on| Step::way_on(way_on, self.frame, self.messages, return_to);
        ways_on.iter().filter_map(step).collect()
    }

    /// The two numbers that everything turns on, large.
    fn figures(self, exceeded: &Exceeded) -> Vec<(String, String)> {
        let Messages { figure, number, .. } = self.messages;
        let actual = number.write(exceeded.actual);
        let asked = match exceeded.limit.window() {
            Some((Measure::Exports | Measure::Opened, _)) => actual,
            // Counting may have stopped once it was too many.
            Some((Measure::Records | Measure::Listed | Measure::Exported | Measure::Bytes, _)) | None => {
                figure.at_least.with(&[("n", &actual)])
            }
        };
        vec![(figure.actual.to_string(), asked), (figure.allowed.to_string(), number.write(exceeded.allowed))]
    }

    fn application(self) -> &'a str {
        application(self.frame, self.messages)
    }

    /// `text` with the application's name.
    fn about(self, text: &Text) -> String {
        text.with(&[("application", &self.application())])
    }
}

/// Whether a request that ends like this has certainly not reached the application. Of all others it
/// is said that they may have: whoever sends an order twice does more harm than whoever looks twice.
fn stopped_before_sending(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AuditUnavailable
            | Reason::StoreUnavailable
            | Reason::ProviderUnavailable
            | Reason::TooManyRequests
            | Reason::Overloaded
    )
}
