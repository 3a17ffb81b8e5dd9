//! What a person can do next: a sentence each, and where it leads.

use super::messages::Messages;
use super::{PageFrame, link};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::decision::WayOn;
use crate::platform::page::messages::Text;

/// Something a person can do next.
pub(super) struct Step {
    pub(super) text: String,
    pub(super) ways: Vec<Way>,
}

/// How it is done.
pub(super) enum Way {
    /// By going there.
    Link {
        href: String,
        label: String,
        /// In another tab, so that this page stays.
        new_tab: bool,
        /// The way that most people take: it stands out. At most one on a page.
        foremost: bool,
    },
    /// By ending the session.
    SignOut { label: String },
}

impl Step {
    /// Something that is done elsewhere.
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), ways: Vec::new() }
    }

    /// Also done by going to `href`.
    #[must_use]
    pub(super) fn link(mut self, href: String, label: &Text) -> Self {
        self.ways.push(Way::Link { href, label: label.to_string(), new_tab: false, foremost: false });
        self
    }

    /// Also done by going to `href` in another tab, so that this page stays to be reloaded.
    #[must_use]
    pub(super) fn link_in_new_tab(mut self, href: String, label: &Text) -> Self {
        self.ways.push(Way::Link { href, label: label.to_string(), new_tab: true, foremost: false });
        self
    }

    /// What `way_on` asks for. Of several, the first that can be done here is offered: once it is
    /// done, the request is decided anew and asks for the next.
    pub(super) fn way_on(
        way_on: &WayOn,
        frame: &PageFrame<'_>,
        messages: &Messages,
        return_to: &str,
    ) -> Option<Self> {
        let texts = &messages.way;
        let step = match way_on {
            WayOn::SignIn => {
                Self::words(texts.sign_in.as_str()).link(link::sign_in(return_to, None), &texts.sign_in_go)
            }
            WayOn::StepUp(need) => Self::words(step_up_text(need, messages))
                .link(link::step_up(need, return_to), &texts.step_up_go),
            WayOn::Justify | WayOn::JustifyWith(_) => Self::words(texts.justify.as_str())
                .link(link::justify(frame.application, return_to), &texts.justify_go),
            WayOn::BreakGlass => Self::words(texts.break_glass.as_str()),
            WayOn::All(all) => return Self::all(all, frame, messages, return_to),
            WayOn::Hours(hours) => Self::words(texts.hours.with(&[("hours", hours)])),
            WayOn::Device(devices) => {
                let devices: Vec<_> = devices.iter().map(ToString::to_string).collect();
                Self::words(texts.device.with(&[("devices", &messages.list.or(&devices))]))
            }
            WayOn::Location(locations) => {
                Self::words(texts.location.with(&[("locations", &messages.list.or(locations))]))
            }
            WayOn::Role(roles) => {
                let roles: Vec<_> = roles.iter().map(ToString::to_string).collect();
                Self::words(texts.role.with(&[("roles", &messages.list.or(&roles))]))
            }
            WayOn::Purpose(purposes) => {
                let purposes: Vec<_> = purposes.iter().map(|p| messages.purpose.of(*p).to_string()).collect();
                Self::words(texts.purpose.with(&[("purposes", &messages.list.or(&purposes))]))
                    .link(link::purpose_address(return_to), &texts.purpose_go)
            }
        };
        Some(step)
    }

    /// All of `ways_on`, one after the other.
    fn all(ways_on: &[WayOn], frame: &PageFrame<'_>, messages: &Messages, return_to: &str) -> Option<Self> {
        let mut steps = ways_on.iter().filter_map(|way_on| Self::way_on(way_on, frame, messages, return_to));
        let mut joined = steps.next()?;
        // What somebody else has to do first, or the clock, makes a circle of what one's own hands could do.
        let waits = ways_on.iter().any(WayOn::is_beyond_them);
        for step in steps {
            joined.text = format!("{} {} {}", joined.text, messages.way.then, step.text);
            if joined.ways.is_empty() {
                joined.ways = step.ways;
            }
        }
        if waits {
            joined.ways.clear();
        }
        Some(joined)
    }

    /// Lets the first link of `steps` stand out.
    pub(super) fn lead(mut steps: Vec<Self>) -> Vec<Self> {
        let first = steps.iter_mut().flat_map(|step| &mut step.ways).find_map(|way| match way {
            Way::Link { foremost, .. } => Some(foremost),
            Way::SignOut { .. } => None,
        });
        if let Some(foremost) = first {
            *foremost = true;
        }
        steps
    }

    /// What to do for somebody who belongs to another provider.
    pub(super) fn elsewhere(frame: &PageFrame<'_>, messages: &Messages, return_to: &str) -> Option<Self> {
        let texts = &messages.way;
        frame.is_choice.then(|| {
            Self::words(texts.elsewhere.as_str())
                .link(link::sign_in_elsewhere(return_to), &texts.elsewhere_go)
        })
    }

    /// What to do at another person's session.
    pub(super) fn leave(frame: &PageFrame<'_>, messages: &Messages) -> Option<Self> {
        let text = messages.way.not_you.with(&[("person", &frame.person?)]);
        Some(Self { text, ways: vec![Way::SignOut { label: messages.me.sign_out.to_string() }] })
    }
}

fn step_up_text(need: &AssuranceNeed, messages: &Messages) -> String {
    let class = messages.assurance_class(&need.class);
    match need.fresh {
        None => messages.way.step_up.with(&[("class", &class)]),
        Some(fresh) => {
            messages.way.step_up_fresh.with(&[("class", &class), ("duration", &messages.duration(fresh))])
        }
    }
}
