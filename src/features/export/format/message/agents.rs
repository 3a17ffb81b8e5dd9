//! Who takes part in an event: the program that asks, the application that is asked, the person, whoever decided.
//!
//! Where data flows from server to client (a read, an export), the server is the source and the client the destination; where
//! something flows the other way (a query's parameters, a change), it is the other way round (IHE BALP).

use super::code::{self, Code};
use super::kind::is_decision;
use super::{Agent, Identifier, Network, identified, own};
use crate::domain::event::{Event, EventStanding, EventSubject, Opening};
use crate::features::export::format::about::Person;
use crate::features::export::format::deed::{Access, Deed};
use crate::features::export::format::ending::Ending;
use crate::features::export::format::text;

/// What happened, and who tells it.
pub(super) struct Scene<'a> {
    pub event: &'a Event,
    pub deed: Deed,
    pub ending: Ending,
    pub node: &'a str,
}

impl Scene<'_> {
    /// Who takes part; never empty.
    pub(super) fn agents(&self) -> Vec<Agent> {
        let opening = &*self.event.opening;
        let mut agents = Vec::new();
        match self.deed.access() {
            Some(_) if is_decision(self.ending) => {
                agents.push(client(opening, code::APPLICATION));
                agents.push(Agent::new(code::AUTHORIZER, own("node", self.node)));
            }
            Some(access) => {
                let (of_client, of_server) = flow(access, opening);
                agents.push(client(opening, of_client));
                agents.push(self.server(of_server));
                agents.extend(recipient(opening));
            }
            None => {
                if opening.client_ip.is_some() {
                    agents.push(client(opening, code::SOURCE));
                }
                agents.push(Agent::new(code::APPLICATION, own("node", self.node)));
            }
        }
        if let Some(subject) = &opening.subject {
            agents.push(user(subject, opening, self.deed));
            agents.extend(departments(subject));
        } else if let Some(first) = agents.first_mut() {
            // Nobody is signed in: whatever came, came from the first.
            first.is_requestor = true;
        }
        agents
    }

    fn server(&self, role: Code) -> Agent {
        let opening = &*self.event.opening;
        let who = match &opening.application {
            Some(application) => own("application", application.as_str()),
            None => own("node", self.node),
        };
        Agent {
            alternative: opening.credential.as_ref().map(ToString::to_string),
            network: opening.host.as_deref().and_then(text::line).map(Network::Host),
            ..Agent::new(role, who)
        }
    }
}

/// The parts of client and server.
fn flow(access: Access, opening: &Opening) -> (Code, Code) {
    match access {
        // It goes on to somebody else, who is the destination then.
        Access::Export | Access::Disclose if named_recipient(opening).is_some() => {
            (code::APPLICATION, code::SOURCE)
        }
        Access::Read | Access::Export | Access::Disclose => (code::DESTINATION, code::SOURCE),
        Access::Search | Access::Create | Access::Update | Access::Execute => {
            (code::SOURCE, code::DESTINATION)
        }
        Access::Delete => (code::APPLICATION, code::CUSTODIAN),
    }
}

fn client(opening: &Opening, role: Code) -> Agent {
    let program = opening.subject.as_ref().and_then(|subject| subject.client.as_ref());
    let who = program.map_or_else(|| own("client", "browser"), |client| own("client", client.name.as_str()));
    Agent {
        name: opening.device.as_ref().map(|device| format!("device class {device}")),
        network: opening.client_ip.map(Network::Address),
        ..Agent::new(role, who)
    }
}

fn named_recipient(opening: &Opening) -> Option<String> {
    opening.justification.as_ref().and_then(|given| given.recipient.as_deref()).and_then(text::line)
}

fn recipient(opening: &Opening) -> Option<Agent> {
    let name = named_recipient(opening)?;
    Some(Agent { name: Some(name.clone()), ..Agent::new(code::DESTINATION, own("recipient", &name)) })
}

fn user(subject: &EventSubject, opening: &Opening, deed: Deed) -> Agent {
    let role = match deed.access() {
        Some(Access::Create | Access::Update | Access::Delete) => code::AUTHOR,
        Some(Access::Read | Access::Search | Access::Export | Access::Disclose | Access::Execute) | None => {
            code::RECIPIENT
        }
    };
    let who = identified(&Person { issuer: Some(&subject.issuer), id: &subject.sub, name: None });
    let version = opening.rules_version.as_deref().unwrap_or("unknown");
    let rules = opening.rules.iter().map(|rule| format!("urn:leastway:rule:{rule}@{version}"));
    let token = subject.client.as_ref().map(|client| format!("urn:leastway:token:{}", client.token));
    Agent {
        name: text::line(&subject.name),
        is_requestor: true,
        roles: subject.roles.iter().map(ToString::to_string).collect(),
        policies: rules.chain(token).filter_map(|policy| text::uri(&policy)).collect(),
        purpose: Some(subject.purpose),
        ..Agent::new(role, who)
    }
}

/// For whom somebody works: as an organization beside the person (BALP, `userorg`).
fn departments(subject: &EventSubject) -> impl Iterator<Item = Agent> {
    let told = subject.standing.as_ref().map_or(&[][..], EventStanding::departments);
    told.iter().filter_map(|department| text::line(department)).map(|department| Agent {
        name: Some(department.clone()),
        ..Agent::new(code::ORGANIZATION, own("department", &department))
    })
}

impl Agent {
    /// Somebody of whom no more is known.
    const fn new(role: Code, who: Identifier) -> Self {
        Self {
            role,
            who,
            alternative: None,
            name: None,
            is_requestor: false,
            roles: Vec::new(),
            policies: Vec::new(),
            purpose: None,
            network: None,
        }
    }
}
