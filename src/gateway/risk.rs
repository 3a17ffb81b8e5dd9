//! What is unusual about a request: asked before the policy decides, and told to whoever keeps it when somebody has proven who
//! they are, or was denied something.

use std::net::IpAddr;

use super::draft::Draft;
use super::handle::Moment;
use super::manner::Manner;
use super::sought::Part;
use super::subject::Person;
use super::worker::{Current, Worker};
use crate::domain::assurance::AssuranceClass;
use crate::domain::device::DeviceClass;
use crate::domain::risk::{EventRisk, RiskStep, Standing};
use crate::features::policy::settings::RaiseSettings;
use crate::features::risk::settings::RiskSettings;
use crate::features::risk::{BrowserToken, Proven, Whence};
use crate::features::route::table::Route;
use crate::features::session::Session;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::secret::Secret;

/// From where somebody asks.
#[derive(Clone, Debug)]
pub struct From<'a> {
    /// The class of the device.
    pub device: Option<&'a DeviceClass>,
    /// The browser; none where it has no name.
    pub browser: Option<Digest>,
    /// The caller's address.
    pub client: IpAddr,
    /// Whether it is a sign of the person: only that makes anything known.
    pub by_person: bool,
}

/// The risks that stand for whoever asks. None where none is declared, and for programs, which have bounds of their own.
pub fn standing(moment: &Moment, person: &Person, manner: &Manner, by_person: bool) -> Standing {
    let Some(known) = person.known().filter(|_| !moment.current.rules.risks.is_empty()) else {
        return Standing::NONE;
    };
    let (device, browser) = (moment.device.as_ref(), browser(moment, manner));
    let from = From { device, browser, client: moment.client, by_person };
    standing_of(&moment.worker, &moment.current, &known.session, &from, moment.now)
}

/// The same for what lives longer than a request.
pub fn standing_of(
    worker: &Worker,
    current: &Current,
    session: &Session,
    from: &From<'_>,
    now: Timestamp,
) -> Standing {
    if session.program.is_some() {
        return Standing::NONE;
    }
    current.risk.standing(&worker.shared.risk, &current.rules.risks, &whence(current, session, from, now))
}

/// The risks that stand for whoever asks and want a proof, wherever they count.
pub fn asking<'m>(
    moment: &'m Moment,
    person: &Person,
    manner: &Manner,
) -> impl Iterator<Item = &'m RiskSettings> + use<'m> {
    let risks = &moment.current.rules.risks;
    let standing = standing(moment, person, manner, false);
    standing.positions().filter_map(|position| risks.get(position)).filter(|risk| risk.need.is_some())
}

/// Whether a proof of this class has to be a new one: a risk asks for it that none from before it clears.
pub fn asks_anew(moment: &Moment, person: &Person, manner: &Manner, class: &AssuranceClass) -> bool {
    let is_it = |risk: &RiskSettings| {
        risk.when.sign().wants_later_proof() && risk.need.as_ref().is_some_and(|need| need.class == *class)
    };
    asking(moment, person, manner).any(is_it)
}

/// The browser that a request comes from; none where it has no name, or nobody asks for that.
pub fn browser(moment: &Moment, manner: &Manner) -> Option<Digest> {
    if moment.current.rules.risks.is_empty() {
        return None;
    }
    let sent = manner.browser();
    BrowserToken::read(sent.as_ref().map(Secret::reveal)).map(|token| token.digest())
}

/// Notes what stands on a route. Several requests in one body are one event.
pub fn note(draft: &mut Option<Draft>, moment: &Moment, route: &Route, standing: Standing) {
    if standing.is_none() {
        return;
    }
    for risk in moment.current.rules.policy.risks_on(route.index, standing) {
        put(draft, risk, if risk.need.is_some() { RiskStep::Raised } else { RiskStep::Noted });
    }
}

/// The policy has denied somebody something. What a page asks for by itself does not count.
pub fn denied(moment: &Moment, person: &Person, part: &Part) {
    let risks = &moment.current.rules.risks;
    let is_background = part.route.as_ref().is_some_and(|route| route.background);
    let Some(known) = person.known().filter(|known| known.session.program.is_none() && !is_background) else {
        return;
    };
    if !risks.is_empty() && moment.worker.shared.risk.denied(risks, &known.session.subject.id(), moment.now) {
        tracing::warn!(request.id = %moment.event, session.id = %known.session.id, "so many denials raise what is asked");
    }
}

/// Somebody has come back from the provider, and has proven this. What it answers is known from now on; gives the value for
/// `Set-Cookie` that names their browser.
pub fn came(
    moment: &Moment,
    manner: &Manner,
    (session, proven): (&Session, &Proven<'_>),
    draft: &mut Option<Draft>,
) -> Option<String> {
    let (rules, policy) = (&moment.current.rules.risks, &moment.current.rules.policy);
    if rules.is_empty() {
        return None;
    }
    let sent = manner.browser();
    let token = BrowserToken::of(sent.as_ref().map(Secret::reveal), &*moment.worker.shared.entropy);
    let (device, browser) = (moment.device.as_ref(), Some(token.digest()));
    let from = From { device, browser, client: moment.client, by_person: true };
    let whence = whence(&moment.current, session, &from, moment.now);
    let (stood, met) = moment.worker.shared.risk.proved(rules, &whence, proven);
    for position in stood.positions() {
        let Some(risk) = policy.risks().get(position) else { continue };
        match (&risk.need, met.has(position)) {
            (Some(_), true) => put(draft, risk, RiskStep::Cleared),
            (None, _) => put(draft, risk, RiskStep::Noted),
            // Where it counts, it is asked for.
            (Some(_), false) => {}
        }
    }
    Some(token.set_cookie())
}

/// What was proven is known at every node before the browser comes to one.
pub async fn share(moment: &Moment, session: &Session) {
    if moment.current.rules.risks.is_empty() {
        return;
    }
    if let Err(error) = moment.worker.shared.risk.share(&session.subject.id(), moment.now).await {
        // Then it is asked once more there, and not once less.
        tracing::warn!(request.id = %moment.event, %error, "what was proven is not known at other nodes yet");
    }
}

fn whence<'a>(current: &'a Current, session: &'a Session, from: &From<'a>, now: Timestamp) -> Whence<'a> {
    Whence {
        subject: &session.subject,
        session: session.id,
        device: from.device,
        browser: from.browser,
        client: from.client,
        now,
        by_person: from.by_person,
        zone: current.rules.policy.zone(),
    }
}

fn put(draft: &mut Option<Draft>, risk: &RaiseSettings, step: RiskStep) {
    let Some(draft) = draft else { return };
    draft.open(|opening| {
        if !opening.risks.iter().any(|known| known.rule == risk.name) {
            opening.risks.push(EventRisk { rule: risk.name.clone(), sign: risk.sign, step });
        }
    });
}
