//! A question as Cedar sees it: what is known of the person and the circumstances, as plain values.
//!
//! No address and no date goes in, only what they mean (networks, minutes, ages): Cedar's extension
//! values cost more than the whole decision.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use jiff::tz::TimeZone;

use super::catalog::CatalogRoute;
use super::reads::{Fact, Reads};
use super::settings::JUSTIFICATION_LASTS;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, RoleName};
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Identity, Justification};
use crate::domain::told::{FactWords, Place, Told};
use crate::foundation::clock::Timestamp;

/// What is known of the person and the circumstances. A hypothesis is a copy with something changed.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) identity: &'a Identity,
    pub(super) roles: Cow<'a, [RoleName]>,
    /// Where the person would work, in a hypothesis.
    pub(super) location: Option<Vec<String>>,
    pub(super) purpose: Purpose,
    /// Seconds since each class was last proven, rounded up.
    pub(super) ages: BTreeMap<Cow<'a, str>, i64>,
    /// How long a proof counts on the device; none: as long as the rules say.
    pub(super) proof_lasts: Option<Duration>,
    pub(super) justified: bool,
    pub(super) minute: u16,
    pub(super) weekday: u8,
    pub(super) networks: Networks,
    /// The class of the device; empty: of none.
    pub(super) device: Cow<'a, str>,
    pub(super) one_patient: bool,
    /// What is to be done, where that is known.
    pub(super) action: Option<Action>,
    /// What feeds tell.
    pub(super) told: &'a Told,
    /// The words that they tell of.
    pub(super) words: &'a FactWords,
}

impl<'a> Facts<'a> {
    /// The facts about `identity` at `now`.
    pub(super) fn of(
        identity: &'a Identity,
        application: &ApplicationName,
        (told, words): (&'a Told, &'a FactWords),
        now: Timestamp,
        zone: &TimeZone,
    ) -> Self {
        let (minute, weekday) = local(now, zone);
        Self {
            identity,
            roles: Cow::Borrowed(&identity.roles),
            location: None,
            purpose: identity.purpose,
            ages: identity
                .assurance
                .proven
                .iter()
                .map(|(class, proven)| (Cow::Borrowed(class.as_str()), age(*proven, now)))
                .collect(),
            proof_lasts: None,
            justified: identity
                .justification
                .as_ref()
                .is_some_and(|given| justifies(given, application, now)),
            minute,
            weekday,
            networks: Networks::default(),
            device: Cow::default(),
            one_patient: false,
            action: None,
            told,
            words,
        }
    }

    /// Whether the fact is known, be it true or not.
    pub(super) fn knows(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Attribute(name) => !fact.can_be_unknown() || self.attribute(name).is_some(),
            Fact::Relationship(word) => self.related(word).is_some(),
            Fact::Device => self.knows_device(),
            Fact::DevicePlace(place) => self.device_place(*place).is_some(),
            Fact::OnShift => self.on_shift().is_some(),
            Fact::OwnChart => self.own_chart().is_some(),
            Fact::PatientFlags => self.flags().is_some(),
            Fact::Person
            | Fact::Assurance(_)
            | Fact::Purpose
            | Fact::Justified
            | Fact::Minute
            | Fact::Weekday
            | Fact::Networks
            | Fact::OnePatient
            | Fact::Action
            | Fact::Everything => true,
        }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&[String]> {
        match &self.location {
            Some(moved) if name == "location" => Some(moved),
            Some(_) | None => match self.place(name) {
                Some(told) => told,
                None => self.provided(name),
            },
        }
    }
}

/// Whole seconds since `proven`, rounded up, so that `<= 900` holds for a quarter of an hour and not
/// a millisecond longer.
pub(super) fn age(proven: Timestamp, now: Timestamp) -> i64 {
    i64::try_from(now.since(proven).as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}

pub(super) fn justifies(given: &Justification, application: &ApplicationName, now: Timestamp) -> bool {
    given.application == *application && now.since(given.given) <= JUSTIFICATION_LASTS
}

/// The minute of the day, and the day of the week from Monday, 1. A moment outside the calendar is
/// midnight on a Monday.
fn local(now: Timestamp, zone: &TimeZone) -> (u16, u8) {
    let Ok(moment) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return (0, 1) };
    let there = zone.to_datetime(moment);
    let minute = i16::from(there.hour()) * 60 + i16::from(there.minute());
    let weekday = there.weekday().to_monday_one_offset();
    (u16::try_from(minute).unwrap_or(0), u8::try_from(weekday).unwrap_or(1))
}

/// The networks that an address is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Networks {
    #[default]
    Public,
    Private,
    Loopback,
}

impl Networks {
    /// The networks of `address`. An IPv4 address inside IPv6 is the IPv4 address.
    pub(super) fn of(address: IpAddr) -> Self {
        let private = match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        match (address.to_canonical().is_loopback(), private) {
            (true, _) => Self::Loopback,
            (false, true) => Self::Private,
            (false, false) => Self::Public,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
        }
    }
}

/// The names of Cedar's entity types, and what of it stays the same from question to question.
#[derive(Debug)]
pub(super) struct Vocabulary {
    user: EntityTypeName,
    role: EntityTypeName,
    application: EntityTypeName,
    route: EntityTypeName,
    action: EntityTypeName,
}

impl Vocabulary {
    pub(super) fn new() -> Result<Self, String> {
        let name = |name: &str| name.parse().map_err(|error: cedar_policy::ParseErrors| error.to_string());
        Ok(Self {
            user: name("User")?,
            role: name("Role")?,
            application: name("Application")?,
            route: name("Route")?,
            action: name("Action")?,
        })
    }

    pub(super) fn role(&self, role: &RoleName) -> EntityUid {
        uid(&self.role, role.as_str())
    }

    pub(super) fn action(&self, action: Action) -> EntityUid {
        uid(&self.action, action.as_str())
    }

    pub(super) fn application(&self, application: &ApplicationName) -> EntityUid {
        uid(&self.application, application.as_str())
    }

    pub(super) fn route(&self, route: &CatalogRoute) -> EntityUid {
        uid(&self.route, &format!("{}/{}", route.application, route.route))
    }

    /// Whether the entity is a role, and which.
    pub(super) fn role_of<'u>(&self, uid: &'u EntityUid) -> Option<&'u str> {
        (*uid.type_name() == self.role).then(|| uid.id().unescaped())
    }

    pub(super) fn is_user(&self, name: &EntityTypeName) -> bool {
        *name == self.user
    }

    pub(super) fn is_route(&self, name: &EntityTypeName) -> bool {
        *name == self.route
    }

    pub(super) fn is_application(&self, name: &EntityTypeName) -> bool {
        *name == self.application
    }

    /// The entity of a person.
    pub(super) fn person(&self, identity: &Identity) -> EntityUid {
        uid(&self.user, &format!("{}/{}", identity.provider, identity.subject.sub))
    }

    fn user(&self, facts: &Facts<'_>, reads: &Reads) -> Result<Entity, WorldError> {
        let subject = &facts.identity.subject;
        let mut attributes = HashMap::new();
        for fact in &reads.facts {
            let Fact::Attribute(name) = fact else { continue };
            let value = match name.as_ref() {
                "issuer" => text(&subject.issuer),
                "sub" => text(&subject.sub),
                "provider" => text(facts.identity.provider.as_str()),
                "groups" => texts(&subject.groups),
                other => match facts.attribute(other) {
                    Some(values) => texts(values),
                    None => continue,
                },
            };
            attributes.insert(name.to_string(), value);
        }
        let parents = facts.roles.iter().map(|role| self.role(role)).collect();
        Entity::new(self.person(facts.identity), attributes, parents).map_err(|_| WorldError)
    }
}

/// A question that Cedar cannot take. Does not happen, and denies if it does.
#[derive(Debug)]
pub(super) struct WorldError;

/// A route as Cedar sees it, made once.
#[derive(Debug)]
pub(super) struct RouteEntity {
    pub(super) uid: EntityUid,
    pub(super) action: EntityUid,
    pub(super) application: EntityUid,
    entities: Entities,
}

impl RouteEntity {
    pub(super) fn new(vocabulary: &Vocabulary, route: &CatalogRoute) -> Result<Self, WorldError> {
        let uid = vocabulary.route(route);
        let categories = route.categories.iter().map(|category| text(category.as_str()));
        let attributes = HashMap::from([
            ("name".to_owned(), text(route.route.as_str())),
            ("categories".to_owned(), RestrictedExpression::new_set(categories)),
        ]);
        let application = vocabulary.application(&route.application);
        let parents = HashSet::from([application.clone()]);
        let entity = Entity::new(uid.clone(), attributes, parents).map_err(|_| WorldError)?;
        let entities = Entities::from_entities([entity], None).map_err(|_| WorldError)?;
        Ok(Self { uid, action: vocabulary.action(route.action), application, entities })
    }

    /// The route with nobody asking: for what depends on the route alone.
    pub(super) fn alone(&self, vocabulary: &Vocabulary) -> Result<(Request, &Entities), WorldError> {
        let nobody = uid(&vocabulary.user, "");
        Request::new(nobody, self.action.clone(), self.uid.clone(), Context::empty(), None)
            .map(|request| (request, &self.entities))
            .map_err(|_| WorldError)
    }
}

/// A question as Cedar takes it.
#[derive(Debug)]
pub(super) struct World<'f> {
    pub(super) facts: &'f Facts<'f>,
    pub(super) request: Request,
    pub(super) entities: Entities,
}

impl<'f> World<'f> {
    /// The world of `facts` about `route`, as far as the rules read it.
    pub(super) fn new(
        vocabulary: &Vocabulary,
        facts: &'f Facts<'f>,
        route: &RouteEntity,
        reads: &Reads,
    ) -> Result<Self, WorldError> {
        let user = vocabulary.user(facts, reads)?;
        let principal = user.uid();
        let entities = route.entities.clone().add_entities([user], None).map_err(|_| WorldError)?;
        let context = context(facts, reads)?;
        let request = Request::new(principal, route.action.clone(), route.uid.clone(), context, None)
            .map_err(|_| WorldError)?;
        Ok(Self { facts, request, entities })
    }
}

fn context(facts: &Facts<'_>, reads: &Reads) -> Result<Context, WorldError> {
    let ages = facts.ages.iter().map(|(class, age)| (class.to_string(), long(*age)));
    let all: [(Fact, &str, &dyn Fn() -> RestrictedExpression); 7] = [
        (Fact::Purpose, "purpose", &|| text(facts.purpose.as_str())),
        (Fact::Justified, "justified", &|| RestrictedExpression::new_bool(facts.justified)),
        (Fact::Minute, "minute_of_day", &|| long(i64::from(facts.minute))),
        (Fact::Weekday, "weekday", &|| long(i64::from(facts.weekday))),
        (Fact::Networks, "networks", &|| RestrictedExpression::new_set([text(facts.networks.name())])),
        (Fact::Device, "device", &|| text(&facts.device)),
        (Fact::OnePatient, "one_patient", &|| RestrictedExpression::new_bool(facts.one_patient)),
    ];
    let mut pairs: Vec<_> = all
        .into_iter()
        .filter(|(fact, _, _)| reads.has(fact))
        .map(|(_, name, value)| (name.to_owned(), value()))
        .collect();
    if reads.facts.iter().any(|fact| matches!(fact, Fact::Assurance(_) | Fact::Everything)) {
        pairs.push(("assurance".to_owned(), RestrictedExpression::new_record(ages).map_err(|_| WorldError)?));
    }
    pairs.extend(told(facts, reads)?);
    Context::from_pairs(pairs).map_err(|_| WorldError)
}

/// What feeds tell; what is unknown is absent.
fn told(facts: &Facts<'_>, reads: &Reads) -> Result<Vec<(String, RestrictedExpression)>, WorldError> {
    let mut pairs = Vec::new();
    let truth = RestrictedExpression::new_bool;
    if reads.facts.iter().any(|fact| matches!(fact, Fact::Relationship(_) | Fact::Everything)) {
        let words = facts.words.relationships.iter();
        let known = words.filter_map(|word| Some((word.clone(), truth(facts.related(word)?))));
        let record = RestrictedExpression::new_record(known).map_err(|_| WorldError)?;
        pairs.push(("relationship".to_owned(), record));
    }
    let mut add = |fact: &Fact, name: &str, value: Option<RestrictedExpression>| {
        pairs.extend(value.filter(|_| reads.has(fact)).map(|value| (name.to_owned(), value)));
    };
    add(&Fact::OnShift, "on_shift", facts.on_shift().map(truth));
    add(&Fact::OwnChart, "own_chart", facts.own_chart().map(truth));
    let flags = facts.flags().map(|flags| RestrictedExpression::new_set(flags.map(text)));
    add(&Fact::PatientFlags, "patient_flags", flags);
    for place in Place::ALL {
        add(&Fact::DevicePlace(*place), place.of_device(), facts.device_place(*place).map(texts));
    }
    Ok(pairs)
}

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn texts(texts: &[String]) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.iter().map(|value| text(value)))
}

fn long(number: i64) -> RestrictedExpression {
    RestrictedExpression::new_long(number)
}
