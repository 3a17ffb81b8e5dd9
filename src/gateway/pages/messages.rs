//! The words of the pages, from `config/messages`, read once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::break_glass::BreakProblem;
use super::justification::{JustificationCode, JustifyProblem};
use crate::domain::action::Action;
use crate::domain::asked::{Allowed, Overreach};
use crate::domain::assurance::AssuranceClass;
use crate::domain::break_glass::BreakReason;
use crate::domain::count::WhyUnknown;
use crate::domain::degraded::Degraded;
use crate::domain::limit::{Exceeded, LimitName, OnExceed};
use crate::domain::purpose::{Number, Purpose};
use crate::domain::reason::Reason;
use crate::platform::page::LayoutTexts;
use crate::platform::page::language::Language;
use crate::platform::page::messages::{Counted, Each, InEach, Listed, Lists, Numbers, Text};
use crate::platform::page::time::Durations;

#[cfg(test)]
pub(super) const ENGLISH: &str = Language::English.messages();
#[cfg(test)]
pub(super) const SPANISH: &str = Language::Spanish.messages();

macro_rules! listed {
    ($($list:ty),+) => {
        $(impl Listed for $list {
            const MEMBERS: &'static [Self] = Self::ALL;
        })+
    };
}
listed!(
    Action,
    BreakProblem,
    BreakReason,
    Degraded,
    JustificationCode,
    JustifyProblem,
    LimitName,
    Number,
    OnExceed,
    Purpose,
    Reason
);

/// Declares the tables of a message file: a struct each, all of whose fields are texts.
macro_rules! texts {
    ($($table:ident { $($text:ident),+ $(,)? })+) => {
        $(#[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $table { $(pub(super) $text: Text),+ })+
    };
}

/// All the words of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Messages {
    pub(super) layout: LayoutTexts,
    pub(super) section: Section,
    pub(super) number: Numbers,
    pub(super) duration: Durations,
    pub(super) list: Lists,
    pub(super) action: Each<Action, Text>,
    pub(super) purpose: Each<Purpose, Text>,
    pub(super) assurance: AssuranceTexts,
    pub(super) limit: Each<LimitName, LimitTexts>,
    pub(super) on_exceed: Each<OnExceed, Text>,
    pub(super) why_unknown: WhyUnknownTexts,
    pub(super) figure: Figure,
    pub(super) kept: Kept,
    pub(super) denied: Denied,
    pub(super) too_much: TooMuch,
    pub(super) asked: Asked,
    pub(super) count_unknown: CountUnknown,
    pub(super) unredactable: UnredactableTexts,
    pub(super) justify: JustifyTexts,
    pub(super) break_glass: BreakGlassTexts,
    pub(super) step_up: StepUp,
    pub(super) sign_in: SignIn,
    pub(super) choose: Choose,
    pub(super) choose_purpose: ChoosePurpose,
    pub(super) locked: Locked,
    pub(super) assurance_not_proven: AssuranceNotProven,
    pub(super) sign_in_problem: SignInProblem,
    pub(super) unavailable: Unavailable,
    pub(super) held: Held,
    pub(super) signed_out: SignedOut,
    pub(super) signed_in: SignedIn,
    pub(super) beside: Beside,
    pub(super) degraded: Each<Degraded, Text>,
    pub(super) me: Me,
    pub(super) way: Way,
    pub(super) reason: Each<Reason, ReasonTexts>,
    /// Read by the control plane.
    #[serde(rename = "control")]
    _control: IgnoredAny,
    /// Read by reports.
    #[serde(rename = "report")]
    _report: IgnoredAny,
    /// Read by evidence packs.
    #[serde(rename = "evidence")]
    _evidence: IgnoredAny,
}

texts! {
    Section { why, next, written, written_in, risk }
    WhyUnknownTexts { undeclared, encoded, unexpected }
    Figure { actual, at_least, allowed }
    Kept { not_sent, not_released, typed, resend, held, held_next, signed_in, maybe_arrived, nothing_lost }
    Denied { happened, happened_generic }
    TooMuch { happened, template, raise }
    Asked { at_most, days, characters, one_of, none, once }
    CountUnknown { happened, on_screen }
    UnredactableTexts { happened }
    StepUp { title, happened, fresh, go_on, go_on_text, go_on_tab, cancel, cancel_text, help }
    SignIn { title_expired, happened_expired, title_new, happened_new, why, why_new, go_on, go_on_tab }
    Choose {
        title, happened, email, email_hint, email_go, from_list, remembered, unreadable, nobodys_domain,
    }
    Locked {
        title, happened, not_sent, why, kept, go_on_text, held_next, resend, go_on, go_on_tab, not_me_text, not_me,
    }
    AssuranceNotProven {
        happened, try_again, set_up, happened_old, why_old, try_again_old, not_asked_old, go_on, cancel,
    }
    SignInProblem { try_again, go_on }
    Unavailable { retry, go_on, read_only, read_only_go }
    Held {
        title, title_none, happened, look_first, none, none_why, heading, since, fields, more, whole, file, secret,
        copy_only, being_sent, uncertain, send, show, discard, go_on, first_page, not_taken_title, not_taken, not_taken_copy,
        not_taken_go, not_taken_again, not_ready_title, not_ready, not_ready_copy,
    }
    SignedOut { title, here_and_there, here_only, title_unkept, ended_unkept, unkept_next, close, again, go_on }
    SignedIn { title, happened, close, first, go_on }
    Beside { ended, more, locks, ends, sign_in, stay, later, aside }
    Me {
        title, intro, emergency, name, provider, roles, no_roles, purpose, purpose_change, since, assurance, assurance_none, lock_end, idle_end,
        absolute_end, sign_out_text, sign_out, sessions, sessions_only, last_seen, device, state, this, here, locked,
        open, end, end_all_text, end_all, places, places_text, this_browser, a_browser, network, known_since, forget_text,
        forget,
    }
    Way {
        sign_in, sign_in_go, step_up, step_up_fresh, step_up_go, justify, justify_go, break_glass, then, hours, location, device, role,
        purpose, purpose_go, ask, ask_contact, answered, not_you, elsewhere, elsewhere_go, back,
    }
    ReasonTexts { title, why, next }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssuranceTexts {
    known: BTreeMap<AssuranceClass, Text>,
    other: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitTexts {
    pub(super) title: Text,
    actual: Counted,
    sentence: Text,
    pub(super) narrow: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JustifyTexts {
    pub(super) title: Text,
    pub(super) happened: Text,
    pub(super) happened_generic: Text,
    pub(super) recorded: Text,
    pub(super) codes: Text,
    pub(super) text: Text,
    pub(super) text_hint: Text,
    pub(super) basis: Text,
    pub(super) notice: Text,
    pub(super) number: Each<Number, Text>,
    pub(super) number_hint: Text,
    pub(super) recipient: Text,
    pub(super) recipient_hint: Text,
    pub(super) submit: Text,
    pub(super) cancel: Text,
    pub(super) code: Each<JustificationCode, Text>,
    pub(super) problem: Each<JustifyProblem, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakGlassTexts {
    pub(super) title: Text,
    pub(super) happened: Text,
    pub(super) patient: Text,
    pub(super) opens: Text,
    pub(super) closed: Text,
    pub(super) closed_none: Text,
    pub(super) reviewed: Text,
    pub(super) reasons: Text,
    pub(super) text: Text,
    pub(super) text_now: Text,
    pub(super) text_later: Text,
    pub(super) text_hint: Text,
    pub(super) cancel: Text,
    pub(super) own_title: Text,
    pub(super) own_intro: Text,
    pub(super) open: Text,
    pub(super) open_none: Text,
    pub(super) one: Text,
    pub(super) ends: Text,
    pub(super) end: Text,
    pub(super) owed: Text,
    pub(super) owed_text: Text,
    pub(super) due: Text,
    pub(super) sheet: Text,
    pub(super) discloser: Text,
    pub(super) nature: Text,
    pub(super) keep: Text,
    pub(super) reason: Each<BreakReason, Text>,
    pub(super) problem: Each<BreakProblem, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoosePurpose {
    pub(super) title: Text,
    pub(super) happened: Text,
    pub(super) change: Text,
    pub(super) missing: Text,
    pub(super) remembered: Text,
    pub(super) choice: Each<Purpose, Text>,
}

impl Messages {
    /// The words of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static MESSAGES: InEach<Messages> = InEach::new();
        MESSAGES.of(language)
    }

    /// What was passed, in numbers: `That would be at least 1,240 records; your limit is 500 at a time.`
    pub(super) fn exceeded(&self, exceeded: &Exceeded) -> String {
        let limit = self.limit.of(exceeded.limit);
        let actual = limit.actual.of(exceeded.actual, &self.number);
        limit.sentence.with(&[("actual", &actual), ("allowed", &self.number.write(exceeded.allowed))])
    }

    /// What is allowed of something that was asked for.
    pub(super) fn allowed(&self, overreach: &Overreach) -> String {
        let (texts, parameter) = (&self.asked, &overreach.parameter);
        let numbered = |text: &Text, number: u64| {
            text.with(&[("parameter", parameter), ("n", &self.number.write(number))])
        };
        match &overreach.allowed {
            Allowed::AtMost(number) => numbered(&texts.at_most, *number),
            Allowed::Days(days) => numbered(&texts.days, *days),
            Allowed::Characters(characters) => numbered(&texts.characters, *characters),
            Allowed::OneOf(words) if words.is_empty() => texts.none.with(&[("parameter", parameter)]),
            Allowed::OneOf(words) => {
                texts.one_of.with(&[("parameter", parameter), ("list", &self.list.or(words))])
            }
            Allowed::Once => texts.once.with(&[("parameter", parameter)]),
        }
    }

    /// What a class of assurance asks of a person.
    pub(super) fn assurance_class(&self, class: &AssuranceClass) -> String {
        match self.assurance.known.get(class) {
            Some(text) => text.to_string(),
            None => self.assurance.other.with(&[("class", class)]),
        }
    }

    /// Why something could not be counted. People can do the same about several of the causes.
    pub(super) fn uncounted(&self, why: WhyUnknown) -> &Text {
        let texts = &self.why_unknown;
        match why {
            WhyUnknown::Opaque | WhyUnknown::Undeclared => &texts.undeclared,
            WhyUnknown::Coding | WhyUnknown::Undecodable | WhyUnknown::Charset => &texts.encoded,
            WhyUnknown::Unparsable | WhyUnknown::Mismatch | WhyUnknown::Partial | WhyUnknown::Incomplete => {
                &texts.unexpected
            }
        }
    }

    /// A duration in words.
    pub(super) fn duration(&self, duration: Duration) -> String {
        self.duration.write(duration, &self.number)
    }
}
