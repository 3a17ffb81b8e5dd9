//! Who does what in a hospital, as events: people work in sessions and look at some patients in each; patients come, stay and go,
//! and some come back.

#![expect(clippy::indexing_slicing, reason = "each number is drawn below the length of what it is drawn for")]
#![expect(clippy::expect_used, reason = "a bench that cannot be made has failed")]

use std::sync::Arc;
use std::time::Duration;

use leastway::domain::action::Action;
use leastway::domain::application::ApplicationName;
use leastway::domain::count::Count;
use leastway::domain::event::{Closing, EventKind, EventSubject, Opening, Outcome, Verdict};
use leastway::domain::kept::Kept;
use leastway::domain::patient::PatientRef;
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::foundation::clock::Timestamp;
use leastway::foundation::digest::DigestKey;
use leastway::foundation::entropy::SeededEntropy;
use leastway::foundation::id::{RequestId, SessionId};

/// Where they work.
pub(crate) const APPLICATION: &str = "ehr";

/// A hospital over a time.
pub(crate) struct Hospital {
    begin: Timestamp,
    lasts: Duration,
    pub(crate) events: u64,
}

impl Hospital {
    /// One in which so many events happened in the time until `now`.
    pub(crate) fn until(now: Timestamp, lasts: Duration, events: u64) -> Self {
        Self { begin: now.minus(lasts), lasts, events }
    }

    /// The moment at `part` of `of` parts of the time.
    pub(crate) fn at(&self, part: u64, of: u64) -> Timestamp {
        let millis = u128::from(part) * self.lasts.as_millis() / u128::from(of.max(1));
        self.begin.plus(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// A patient who was in the hospital in the middle of the time.
    pub(crate) fn patient_asked() -> String {
        number_of(PATIENTS / 2)
    }

    /// Somebody who works there.
    pub(crate) fn person_asked() -> String {
        sub_of(PEOPLE / 3)
    }

    /// Everything that happens, in order: each event with how it ends, and after how many others.
    pub(crate) fn days<'a>(&'a self, key: &'a DigestKey) -> impl Iterator<Item = Happened> + 'a {
        let mut chance = Chance(0x2545_f491_4f6c_dd1d);
        let entropy = SeededEntropy::new(7);
        let doors: Vec<_> = DOORS.iter().map(Door::open).collect();
        let mut at_work: Vec<_> =
            (0..AT_WORK).map(|person| Work::begin(person, self.begin, &entropy)).collect();
        (0..self.events).map(move |number| {
            let time = self.at(number, self.events);
            let place = chance.below(AT_WORK);
            let work = &mut at_work[index(place)];
            if chance.below(EVENTS_A_SESSION) == 0 {
                *work = Work::begin(chance.below(PEOPLE), time, &entropy);
            }
            if chance.below(EVENTS_A_PATIENT) == 0 {
                work.patient = self.whom(number, &mut chance);
            }
            let door = &doors[index(chance.heavy(DOORS.len() as u64))];
            door.pass(time, work, key, (&mut chance, &entropy))
        })
    }

    /// Most look at who is in the hospital now, some at anybody.
    fn whom(&self, number: u64, chance: &mut Chance) -> u64 {
        if chance.below(10) == 0 {
            return chance.below(PATIENTS);
        }
        (number * PATIENTS / self.events.max(1) + chance.below(BEDS)) % PATIENTS
    }
}

/// An event.
pub(crate) struct Happened {
    pub(crate) opening: Opening,
    pub(crate) closing: Closing,
    /// How many other events begin before it ends.
    pub(crate) lasts: u64,
}

/// Somebody at work.
struct Work {
    subject: Arc<Kept<EventSubject>>,
    patient: u64,
    address: [u8; 4],
}

impl Work {
    fn begin(person: u64, now: Timestamp, entropy: &SeededEntropy) -> Self {
        let role = ["nurse", "physician", "registrar", "billing"][index(person % 4)];
        let [.., high, low] = person.to_be_bytes();
        let subject = EventSubject {
            issuer: "https://id.clinic.example".into(),
            sub: sub_of(person).into(),
            name: format!("Person {person}").into(),
            roles: role.parse().into_iter().collect(),
            purpose: Purpose::Treatment,
            session: SessionId::new(now, entropy),
            acr: Some("urn:clinic:mfa".to_owned()),
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            auth_time: now,
            client: None,
            standing: None,
        };
        Self {
            subject: Arc::new(Kept::new(subject)),
            patient: person * 7 % PATIENTS,
            address: [10, 20, high, low],
        }
    }
}

/// A route, as events tell of it.
struct Door {
    route: &'static str,
    path: &'static str,
    action: Action,
    category: &'static str,
    records: u64,
}

/// The same, ready to be copied into events.
struct Open {
    opening: Opening,
    application: ApplicationName,
    records: u64,
    is_export: bool,
}

impl Door {
    fn open(&self) -> Open {
        let never = RequestId::new(Timestamp::default(), &SeededEntropy::new(0));
        let application: ApplicationName = APPLICATION.parse().expect("it is a name");
        let opening = Opening {
            application: Some(application.clone()),
            route: self.route.parse().ok(),
            action: Some(self.action),
            categories: self.category.parse().into_iter().collect(),
            method: Some("GET".into()),
            host: Some("ehr.clinic.example".into()),
            path: Some(self.path.into()),
            query_keys: vec!["tab".to_owned()],
            rules_version: Some("0011223344556677".into()),
            ..Opening::begin(never, EventKind::Request, Timestamp::default())
        };
        Open { opening, application, records: self.records, is_export: self.action.takes_away() }
    }
}

impl Open {
    fn pass(
        &self,
        time: Timestamp,
        work: &Work,
        key: &DigestKey,
        (chance, entropy): (&mut Chance, &SeededEntropy),
    ) -> Happened {
        let event = RequestId::new(time, entropy);
        let is_denied = chance.below(50) == 0;
        let is_withheld = !is_denied && self.is_export && chance.below(20) == 0;
        let patient =
            (self.records == 1).then(|| PatientRef::new(self.application.clone(), number_of(work.patient)));
        let opening = Opening {
            event,
            time,
            client_ip: Some(work.address.into()),
            patient: patient.map(|patient| patient.digest(key)),
            subject: Some(work.subject.clone()),
            verdict: if is_denied { Verdict::Deny } else { Verdict::Permit },
            reasons: vec![if is_denied { Reason::NoRuleMatched } else { Reason::RuleMatched }],
            rules: if is_denied { Arc::default() } else { [Arc::from("care/1")].into() },
            ..self.opening.clone()
        };
        let outcome = match (is_denied, is_withheld) {
            (true, _) => Outcome::Refused,
            (false, true) => Outcome::Withheld,
            (false, false) => Outcome::Completed,
        };
        let records = 1 + chance.below(self.records);
        let took = 500 + chance.below(20_000);
        let closing = Closing {
            status: Some(if outcome == Outcome::Completed { 200 } else { 403 }),
            reason: is_withheld.then_some(Reason::ExportOverRequestLimit),
            records: Count::Exactly(records),
            patients: Count::Exactly(records),
            bytes_out: records * 900,
            duration_us: took,
            upstream_us: Some(took - 200),
            ..Closing::of(event, time.plus(Duration::from_micros(took)), outcome)
        };
        Happened { opening, closing, lasts: chance.below(UNDER_WAY) }
    }
}

/// Numbers by chance, the same in each run: xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % most.max(1)
    }

    /// The first more often than the last.
    fn heavy(&mut self, most: u64) -> u64 {
        let first = self.below(most) + 1;
        self.below(first)
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn sub_of(person: u64) -> String {
    format!("{:08x}-staff", person * 2_654_435_761 % 0xffff_fffb)
}

fn number_of(patient: u64) -> String {
    format!("MRN{patient:07}")
}

const PEOPLE: u64 = 3000;
const AT_WORK: u64 = 400;
const PATIENTS: u64 = 200_000;
const BEDS: u64 = 1500;
const EVENTS_A_SESSION: u64 = 400;
const EVENTS_A_PATIENT: u64 = 6;
const UNDER_WAY: u64 = 64;

const DOORS: &[Door] = &[
    Door {
        route: "patient.open",
        path: "/patients/{patient}",
        action: Action::View,
        category: "clinical",
        records: 1,
    },
    Door {
        route: "patient.results",
        path: "/patients/{patient}/results",
        action: Action::View,
        category: "laboratory",
        records: 1,
    },
    Door {
        route: "patient.notes",
        path: "/patients/{patient}/notes",
        action: Action::View,
        category: "clinical",
        records: 1,
    },
    Door {
        route: "patient.chart.save",
        path: "/patients/{patient}/chart",
        action: Action::Update,
        category: "clinical",
        records: 1,
    },
    Door {
        route: "patient.search",
        path: "/search",
        action: Action::Search,
        category: "demographics",
        records: 25,
    },
    Door {
        route: "ward.list",
        path: "/wards/{ward}",
        action: Action::List,
        category: "demographics",
        records: 30,
    },
    Door { route: "schedule", path: "/schedule", action: Action::List, category: "scheduling", records: 40 },
    Door {
        route: "patient.print",
        path: "/patients/{patient}/print",
        action: Action::Print,
        category: "clinical",
        records: 1,
    },
    Door {
        route: "export.csv",
        path: "/export",
        action: Action::Export,
        category: "demographics",
        records: 700,
    },
];
