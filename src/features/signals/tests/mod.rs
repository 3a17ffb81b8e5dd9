//! What is taken for a signal, what it calls for, and who is barred by it; in `nodes`, where two nodes take them.

mod nodes;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::settings::PollSettings;
use super::stream::{SILENCE_MAX, Stream};
use super::token::Token;
use super::transmitter::metadata_url;
use super::*;
use crate::domain::revocation::Cause;
use crate::domain::signal::{SignalKind, SignalStep};
use crate::domain::subject::SubjectId;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::secret::Secret;
use crate::platform::signed_token::TokenFault;

const ISSUER: &str = "https://id.clinic.example";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// 2026-03-01T08:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

pub(super) fn settings() -> SignalSettings {
    SignalSettings {
        provider: "clinic".parse().unwrap(),
        people: ISSUER.into(),
        issuer: "https://signals.clinic.example/tenant".to_owned(),
        audience: vec!["https://ehr.clinic.example".to_owned(), "leastway".to_owned()],
        jwks_uri: None,
        token: Some(Secret::new("a token of a length that nobody guesses".to_owned())),
        poll: Some(PollSettings {
            endpoint: "http://127.0.0.1:1/poll".to_owned(),
            every: Duration::from_secs(10),
            is_long: true,
        }),
        transmitter_token: None,
        stream: Some("stream-1".to_owned()),
        email: Some("mail".to_owned()),
        authorities: Some(rcgen::generate_simple_self_signed(vec![]).unwrap().cert.pem().into_bytes().into()),
        clock_skew: Duration::from_secs(30),
        timeout: Duration::from_secs(1),
        connect_to: None,
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://signals.clinic.example/tenant", "aud": "leastway", "iat": NOW.as_seconds(), "jti": "set-1",
        "sub_id": { "format": "iss_sub", "iss": ISSUER, "sub": "nurse-7" },
        "events": { REVOKED: { "event_timestamp": NOW.as_seconds() - 9 } },
    })
}

/// A token with this header and these claims; its signature is nobody's.
fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn set_of(claims: &Value) -> Result<Set, SetFault> {
    let token = token(&json!({ "alg": "ES256", "typ": "secevent+jwt" }), claims);
    let token = Token::parse(&token)?;
    token.is_meant(&settings(), NOW)?;
    token.set(&settings().provider)
}

/// The claims with some of them changed; null takes one away.
fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

#[test]
fn a_token_of_another_kind_is_no_signal() {
    let headers = [
        (json!({ "alg": "ES256", "typ": "JWT" }), SetFault::Type),
        (json!({ "alg": "ES256" }), SetFault::Type),
        (json!({ "alg": "ES256", "typ": "logout+jwt" }), SetFault::Type),
        (json!({ "alg": "ES256", "typ": "secevent+jwt", "crit": ["b64"] }), SetFault::Type),
        (json!({ "alg": "LATTICE", "typ": "secevent+jwt" }), SetFault::Key(TokenFault::Algorithm)),
        (json!({ "typ": "secevent+jwt" }), SetFault::Key(TokenFault::Algorithm)),
    ];
    for (header, fault) in headers {
        assert_eq!(Token::parse(&token(&header, &claims())).unwrap_err(), fault, "{header}");
    }
    for good in ["secevent+jwt", "SecEvent+JWT", "application/secevent+jwt"] {
        assert!(Token::parse(&token(&json!({ "alg": "none", "typ": good }), &claims())).is_ok(), "{good}");
    }
    let large = "x".repeat(9 * 1024);
    for no_token in ["", "a.b", "a.b.c", "{}", "a.b.c.d.e", &large] {
        assert!(Token::parse(no_token).is_err(), "{no_token}");
    }
}

#[test]
fn a_signal_is_from_its_transmitter_for_us_of_these_days_and_one() {
    let second = json!({ REVOKED: {}, "https://example.org/more": {} });
    let week = 7 * 24 * 60 * 60;
    let now = NOW.as_seconds();
    let cases: [(&str, Value, SetFault); 15] = [
        ("another issuer", json!({ "iss": ISSUER }), SetFault::Issuer),
        (
            "an issuer with a slash",
            json!({ "iss": "https://signals.clinic.example/tenant/" }),
            SetFault::Issuer,
        ),
        ("for somebody else", json!({ "aud": ["https://ehr.clinic.example.evil"] }), SetFault::Audience),
        ("for nobody", json!({ "aud": [] }), SetFault::Audience),
        ("no audience", json!({ "aud": null }), SetFault::Malformed),
        ("of the future", json!({ "iat": now + 31 }), SetFault::IssuedAt),
        ("long past", json!({ "iat": now - week - 1 }), SetFault::IssuedAt),
        ("of no time", json!({ "iat": "today" }), SetFault::Malformed),
        ("without a name", json!({ "jti": null }), SetFault::Malformed),
        ("with an empty name", json!({ "jti": "" }), SetFault::Identifier),
        ("with a name of lines", json!({ "jti": "a\nb" }), SetFault::Identifier),
        ("no event", json!({ "events": {} }), SetFault::Events),
        ("two events", json!({ "events": second }), SetFault::Events),
        ("an event that says nothing", json!({ "events": { REVOKED: true } }), SetFault::Events),
        ("with a sub, as ID tokens have", json!({ "sub": "nurse-7" }), SetFault::Type),
    ];
    for (name, changes, fault) in cases {
        assert_eq!(set_of(&with(&changes)).unwrap_err(), fault, "{name}");
    }
    for good in [
        json!({}),
        json!({ "iat": now + 30 }),
        json!({ "iat": now - week }),
        json!({ "exp": 1 }),
        json!({ "aud": ["x", "leastway"] }),
    ] {
        assert!(set_of(&with(&good)).is_ok(), "{good}");
    }
}

#[test]
fn a_signal_tells_when_it_happened_in_seconds_or_else_when_it_was_signed() {
    let at = |events: Value, toe: Value| {
        let set = set_of(&with(&json!({ "events": { REVOKED: events }, "toe": toe }))).unwrap();
        NOW.as_millis() - set.happened.as_millis()
    };
    let now = NOW.as_seconds();
    assert_eq!(at(json!({ "event_timestamp": now - 9 }), json!(now - 20)), 9_000);
    assert_eq!(at(json!({ "event_timestamp": (now - 9) * 1000 + 5 }), Value::Null), 8_995);
    assert_eq!(at(json!({}), json!(now - 20)), 20_000);
    for odd in [json!({}), json!({ "event_timestamp": -1 }), json!({ "event_timestamp": 1e300 })] {
        assert_eq!(at(odd.clone(), Value::Null), 0, "{odd}");
    }
}

#[test]
fn a_subject_is_named_by_what_we_know_and_whoever_is_not_is_nobody() {
    let sub = |issuer: &str, sub: &str| Name::Sub { issuer: issuer.into(), sub: sub.into() };
    let email = || Name::Email("nora@clinic.example".into());
    let opaque = |id: &str| Name::Opaque(id.into());
    let cases: [(Value, Vec<Name>, Vec<&str>); 18] = [
        (json!({ "format": "iss_sub", "iss": "i", "sub": "s" }), vec![sub("i", "s")], vec![]),
        (json!({ "subject_type": "iss-sub", "iss": "i", "sub": "s" }), vec![sub("i", "s")], vec![]),
        (json!({ "format": "email", "email": "Nora@Clinic.example" }), vec![email()], vec![]),
        (json!({ "format": "opaque", "id": "s" }), vec![opaque("s")], vec![]),
        (
            json!({ "format": "aliases", "identifiers": [
                { "format": "phone_number", "phone_number": "+1555" },
                { "format": "email", "email": "nora@clinic.example" },
                { "format": "aliases", "identifiers": [{ "format": "opaque", "id": "x" }] },
                7, { "format": "opaque", "id": "s" },
            ] }),
            vec![email(), opaque("s")],
            vec![],
        ),
        (
            json!({ "format": "complex", "user": { "format": "opaque", "id": "s" },
                "session": { "format": "opaque", "id": "sid-1" }, "device": { "format": "opaque", "id": "d" } }),
            vec![opaque("s")],
            vec!["sid-1"],
        ),
        (json!({ "session": { "format": "opaque", "id": "sid-1" } }), vec![], vec!["sid-1"]),
        (json!({ "user": { "format": "email", "email": "nora@clinic.example" } }), vec![email()], vec![]),
        // What could be anybody.
        (json!({ "format": "complex", "tenant": { "format": "opaque", "id": "t" } }), vec![], vec![]),
        (json!({ "format": "complex", "user": "s", "session": [] }), vec![], vec![]),
        (json!({ "format": "account", "uri": "acct:nora@clinic.example" }), vec![], vec![]),
        (json!({ "format": "iss_sub", "sub": "s" }), vec![], vec![]),
        (json!({ "format": "iss_sub", "iss": "i", "sub": "" }), vec![], vec![]),
        (json!({ "format": "iss_sub", "iss": "i", "sub": ["s"] }), vec![], vec![]),
        (json!({ "format": "opaque", "id": "a\u{0}b" }), vec![], vec![]),
        (json!({ "format": "email", "email": "nora" }), vec![], vec![]),
        (json!({ "id": "s" }), vec![], vec![]),
        (json!("s"), vec![], vec![]),
    ];
    for (subject, people, sessions) in cases {
        let whom = Whom::read(&subject);
        assert_eq!(whom.people, people, "{subject}");
        let sessions: Vec<_> = sessions.into_iter().map(opaque).collect();
        assert_eq!((whom.sessions, whom.has_user), (sessions, subject.get("user").is_some()), "{subject}");
    }
    let many: Vec<_> = (0..1000).map(|id| json!({ "format": "opaque", "id": id.to_string() })).collect();
    assert_eq!(Whom::read(&json!({ "format": "aliases", "identifiers": many })).people.len(), 16);
    // As drafts had it.
    let within = json!({ REVOKED: { "subject": { "format": "opaque", "id": "s" } } });
    let set = set_of(&with(&json!({ "sub_id": null, "events": within }))).unwrap();
    assert_eq!(set.whom.people, [opaque("s")]);
    // A signal about a session may call that so; one about a person does not.
    assert_eq!(set.whom.sessions, [opaque("s")]);
    let purged = json!({ "https://schemas.openid.net/secevent/risc/event-type/account-purged": {} });
    let set =
        set_of(&with(&json!({ "sub_id": { "format": "opaque", "id": "s" }, "events": purged }))).unwrap();
    assert_eq!(set.whom.sessions, []);
}

#[test]
fn an_event_calls_for_what_it_says_and_what_it_leaves_out_is_taken_for_the_worse() {
    let cases = [
        ("caep", "session-revoked", json!({}), Call::EndSession(Cause::SessionRevokedSignal)),
        ("risc", "sessions-revoked", json!({}), Call::EndSessions(Cause::SessionsRevokedSignal)),
        ("caep", "credential-change", json!({ "change_type": "create" }), Call::Nothing),
        ("caep", "credential-change", json!({ "change_type": "update" }), Call::Nothing),
        (
            "caep",
            "credential-change",
            json!({ "change_type": "delete" }),
            Call::EndSessions(Cause::CredentialChange),
        ),
        (
            "caep",
            "credential-change",
            json!({ "change_type": "revoke" }),
            Call::EndSessions(Cause::CredentialChange),
        ),
        ("caep", "credential-change", json!({}), Call::EndSessions(Cause::CredentialChange)),
        ("caep", "assurance-level-change", json!({ "change_direction": "increase" }), Call::Nothing),
        ("caep", "assurance-level-change", json!({ "change_direction": "decrease" }), Call::ForgetProven),
        (
            "caep",
            "assurance-level-change",
            json!({ "namespace": "NIST-AAL", "previous_level": "nist-aal1", "current_level": "nist-aal2" }),
            Call::Nothing,
        ),
        (
            "caep",
            "assurance-level-change",
            json!({ "namespace": "NIST-AAL", "previous_level": "nist-aal2", "current_level": "nist-aal1" }),
            Call::ForgetProven,
        ),
        ("caep", "assurance-level-change", json!({ "current_level": "high" }), Call::ForgetProven),
        ("caep", "token-claims-change", json!({ "claims": {} }), Call::EndSessions(Cause::TokenClaimsChange)),
        ("caep", "device-compliance-change", json!({ "current_status": "compliant" }), Call::Nothing),
        (
            "caep",
            "device-compliance-change",
            json!({ "current_status": "not-compliant" }),
            Call::EndSessions(Cause::DeviceComplianceChange),
        ),
        ("risc", "account-disabled", json!({ "reason": "hijacking" }), Call::Bar(Cause::AccountDisabled)),
        ("risc", "account-purged", json!({}), Call::Bar(Cause::AccountPurged)),
        ("risc", "credential-compromise", json!({}), Call::Bar(Cause::CredentialCompromise)),
        ("risc", "account-enabled", json!({}), Call::Admit),
        (
            "risc",
            "account-credential-change-required",
            json!({}),
            Call::EndSessions(Cause::CredentialChangeRequired),
        ),
        ("ssf", "verification", json!({ "state": "x" }), Call::Verify(Some("x".to_owned()))),
        ("ssf", "verification", json!({}), Call::Verify(None)),
        ("ssf", "stream-updated", json!({ "status": "paused" }), Call::Stream(StreamStatus::Paused)),
        ("ssf", "stream-updated", json!({ "status": "gone" }), Call::Nothing),
        ("caep", "account-disabled", json!({}), Call::Nothing),
        ("risc", "session-revoked", json!({}), Call::Nothing),
        ("caep", "session-presented", json!({}), Call::Nothing),
    ];
    for (family, name, said, expected) in cases {
        let event_type = format!("https://schemas.openid.net/secevent/{family}/event-type/{name}");
        let set = set_of(&with(&json!({ "events": { event_type: said.clone() } }))).unwrap();
        assert_eq!(set.call, expected, "{family}/{name} {said}");
    }
    let foreign = json!({ "events": { "https://evil.example/risc/event-type/account-enabled": {} } });
    let set = set_of(&with(&foreign)).unwrap();
    assert_eq!((set.kind, set.call), (SignalKind::Other, Call::Nothing));
}

/// A store with the receiver of the clinic before it.
struct Clinic {
    folder: tempfile::TempDir,
    signals: Signals,
}

impl Clinic {
    fn open() -> Self {
        Self::over(tempfile::tempdir().unwrap())
    }

    fn over(folder: tempfile::TempDir) -> Self {
        let store = Store::open(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
        let signals = Signals::load(store, NOW).unwrap();
        signals.apply(vec![settings()], NOW).unwrap();
        Self { folder, signals }
    }

    fn restart(self) -> Self {
        drop(self.signals);
        Self::over(self.folder)
    }

    async fn stand(&self, names: Value, is_barred: bool, signed: i64) -> Stood {
        let changes =
            json!({ "sub_id": names, "iat": NOW.as_seconds() + signed, "jti": format!("{signed}") });
        let set = set_of(&with(&changes)).unwrap();
        self.signals.stand(&self.signals.receivers()[0], &set, is_barred, NOW).await.unwrap()
    }

    fn is_barred(&self, sub: &str, mail: &[&str]) -> bool {
        let subject = Subject {
            issuer: ISSUER.into(),
            sub: sub.into(),
            name: "Nora".into(),
            groups: Vec::new(),
            attributes: [("mail".to_owned(), mail.iter().map(ToString::to_string).collect())].into(),
        };
        self.signals.barred(&"clinic".parse().unwrap(), &subject) == Some(Reason::AccountDisabled)
    }
}

fn nurse() -> Value {
    json!({ "format": "iss_sub", "iss": ISSUER, "sub": "nurse-7" })
}

#[tokio::test]
async fn whose_account_is_disabled_stays_out_over_a_restart_until_it_is_enabled() {
    let clinic = Clinic::open();
    let before = clinic.signals.revision();
    assert_eq!(clinic.stand(nurse(), true, -100).await, Stood::Changed);
    assert!(clinic.signals.revision() > before && clinic.is_barred("nurse-7", &[]));
    assert!(!clinic.is_barred("nurse-8", &["nurse-7"]));
    let clinic = clinic.restart();
    assert!(clinic.is_barred("nurse-7", &[]));
    // By the transmitter's own word for people, too.
    let theirs =
        json!({ "format": "iss_sub", "iss": "https://signals.clinic.example/tenant", "sub": "nurse-7" });
    assert_eq!(clinic.stand(theirs, false, -50).await, Stood::Changed);
    assert!(!clinic.is_barred("nurse-7", &[]));
    assert!(!clinic.restart().is_barred("nurse-7", &[]));
}

#[tokio::test]
async fn what_was_signed_later_holds_in_whatever_order_it_comes() {
    let clinic = Clinic::open();
    assert_eq!(clinic.stand(nurse(), true, -20).await, Stood::Changed);
    assert_eq!(clinic.stand(nurse(), false, -60).await, Stood::Overtaken, "an old one lets nobody in");
    assert!(clinic.is_barred("nurse-7", &[]));
    assert_eq!(clinic.stand(nurse(), false, -10).await, Stood::Changed);
    let clinic = clinic.restart();
    assert_eq!(clinic.stand(nurse(), true, -15).await, Stood::Overtaken, "nor keeps an old one anybody out");
    assert!(!clinic.is_barred("nurse-7", &[]));
}

#[tokio::test]
async fn of_two_that_come_at_once_the_one_that_was_signed_later_holds() {
    let clinic = Clinic::open();
    let (enabled, disabled) =
        tokio::join!(clinic.stand(nurse(), false, -20), clinic.stand(nurse(), true, -10));
    assert_eq!((enabled, disabled), (Stood::Changed, Stood::Changed));
    assert!(clinic.is_barred("nurse-7", &[]) && clinic.restart().is_barred("nurse-7", &[]));
}

#[tokio::test]
async fn who_is_barred_by_sub_and_address_is_admitted_by_sub_alone() {
    let clinic = Clinic::open();
    let mail = json!({ "format": "email", "email": "nora@clinic.example" });
    let both = json!({ "format": "aliases", "identifiers": [nurse(), mail] });
    clinic.stand(mail, true, -40).await;
    clinic.stand(both.clone(), false, -30).await;
    assert!(!clinic.is_barred("nurse-7", &["nora@clinic.example"]), "by both, whichever barred");
    clinic.stand(both, true, -20).await;
    assert!(clinic.is_barred("nurse-7", &["nora@clinic.example"]));
    clinic.stand(nurse(), false, -10).await;
    assert!(!clinic.is_barred("nurse-7", &["nora@clinic.example"]));
}

#[test]
fn where_there_is_no_room_whoever_was_admitted_makes_it_and_who_is_barred_stays_so() {
    let accounts = standing::Accounts::default();
    let name = |number: usize| AccountName::Sub(number.to_string().into());
    for number in 0..standing::ACCOUNTS_MAX {
        accounts.put(name(number), Standing { is_barred: number > 0, since: NOW });
    }
    assert!(accounts.has_room(&[name(1)], NOW) && accounts.knows(&name(0)), "no name is added");
    let more = name(standing::ACCOUNTS_MAX);
    assert!(accounts.has_room(std::slice::from_ref(&more), NOW) && !accounts.knows(&name(0)));
    accounts.put(more, Standing { is_barred: true, since: NOW });
    assert!(!accounts.has_room(&[name(0)], NOW) && accounts.has_room(&[name(1)], NOW));
    assert_eq!(accounts.barred(), standing::ACCOUNTS_MAX);
}

#[test]
fn a_session_is_named_by_its_provider_and_a_person_by_an_address_that_we_know() {
    let clinic = Clinic::open();
    let whom = |subject: Value| Whom::read(&subject);
    let own = json!({ "session": { "format": "iss_sub", "iss": ISSUER, "sub": "sid-1" } });
    let foreign =
        json!({ "session": { "format": "iss_sub", "iss": "https://evil.example", "sub": "sid-1" } });
    assert_eq!(clinic.signals.receivers()[0].sids(&whom(own.clone())), [], "another signals in its place");
    let of_provider = SignalSettings { issuer: ISSUER.to_owned(), email: None, ..settings() };
    clinic.signals.apply(vec![of_provider], NOW).unwrap();
    let receiver = clinic.signals.receivers().remove(0);
    assert_eq!(receiver.sids(&whom(own)), ["sid-1".into()]);
    assert_eq!(receiver.sids(&whom(foreign)), []);
    let mail = json!({ "format": "email", "email": "nora@clinic.example" });
    assert!(receiver.names_nobody(&whom(mail)), "we know nobody's address");
}

#[test]
fn a_receiver_goes_on_over_a_reload_that_does_not_change_it() {
    let clinic = Clinic::open();
    let settings = settings();
    clinic.signals.apply(vec![settings.clone()], NOW).unwrap();
    let before = clinic.signals.receivers().remove(0);
    clinic.signals.apply(vec![settings.clone()], NOW).unwrap();
    assert!(Arc::ptr_eq(&before, &clinic.signals.receivers()[0]));
    let token = Some(Secret::new("another token of a length that nobody guesses".to_owned()));
    clinic.signals.apply(vec![SignalSettings { token, ..settings }], NOW).unwrap();
    assert!(!Arc::ptr_eq(&before, &clinic.signals.receivers()[0]));
}

#[test]
fn an_answer_holds_no_more_than_was_asked_for() {
    let answer = |many: usize| {
        let sets: serde_json::Map<_, _> = (0..many).map(|id| (id.to_string(), json!("a.b.c"))).collect();
        Answered::read(json!({ "sets": sets }).to_string().as_bytes())
    };
    assert_eq!(answer(poll::EVENTS_MAX).unwrap().sets.len(), poll::EVENTS_MAX);
    assert!(answer(poll::EVENTS_MAX + 1).is_none() && Answered::read(b"a.b.c").is_none());
}

#[tokio::test]
async fn an_address_bars_whoever_has_it_in_any_case_and_foreign_subjects_nobody() {
    let clinic = Clinic::open();
    let mail = json!({ "format": "email", "email": "Nora@clinic.example" });
    clinic.stand(mail, true, -20).await;
    assert!(clinic.is_barred("anybody", &["x@clinic.example", "nora@CLINIC.example"]));
    assert!(!clinic.is_barred("nora@clinic.example", &["dora@clinic.example"]));
    let foreign = json!({ "format": "iss_sub", "iss": "https://id.elsewhere.example", "sub": "nurse-9" });
    let set = set_of(&with(&json!({ "sub_id": foreign }))).unwrap();
    let receiver = &clinic.signals.receivers()[0];
    assert!(receiver.names_nobody(&set.whom) && receiver.subs(&set.whom).is_empty());
    let known = set_of(&claims()).unwrap();
    let person = SubjectId { issuer: ISSUER.into(), sub: "nurse-7".into() };
    assert_eq!((receiver.names_nobody(&known.whom), receiver.subs(&known.whom)), (false, vec![person]));
    clinic.signals.apply(Vec::new(), NOW).unwrap();
    assert!(
        !clinic.is_barred("anybody", &["nora@clinic.example"]),
        "without signals nobody is barred by them"
    );
}

#[tokio::test]
async fn a_token_is_taken_once_over_a_restart_as_long_as_it_could_come_again() {
    let clinic = Clinic::open();
    let (one, other) = (set_of(&claims()).unwrap(), set_of(&with(&json!({ "jti": "set-2" }))).unwrap());
    assert_eq!(clinic.signals.claim(&one, NOW).await.unwrap(), Claimed::Ours);
    let text = token(&json!({ "alg": "ES256", "typ": "secevent+jwt" }), &claims());
    let elsewhere = Token::parse(&text).unwrap().set(&"elsewhere".parse().unwrap()).unwrap();
    assert_ne!(elsewhere.digest, one.digest, "one transmitter may signal for two providers");
    clinic.signals.take(&one, NOW).await.unwrap();
    let clinic = clinic.restart();
    assert_eq!(clinic.signals.claim(&one, NOW).await.unwrap(), Claimed::TakenBefore);
    assert_eq!(clinic.signals.claim(&other, NOW).await.unwrap(), Claimed::Ours);
    let late = NOW.plus(GOOD_FOR + Duration::from_secs(1));
    assert_eq!(clinic.signals.claim(&one, late).await.unwrap(), Claimed::Ours);
    let taken = Taken::new();
    for number in 0..=taken::TAKEN_MAX {
        taken.put(Digest::of(&number.to_le_bytes()), NOW);
    }
    assert!(!taken.has(&Digest::of(&0_usize.to_le_bytes()), NOW), "the first is forgotten");
    assert!(taken.has(&Digest::of(&1_usize.to_le_bytes()), NOW));
}

#[test]
fn a_silence_is_told_once_and_a_verification_answers_what_was_asked() {
    let stream = Stream::new(NOW);
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert!(!stream.is_to_be_asked(later(299)) && stream.is_to_be_asked(later(300)));
    stream.ask(Secret::new("state-1".to_owned()), later(300));
    assert!(!stream.is_to_be_asked(later(599)) && stream.is_to_be_asked(later(600)));
    assert!(!stream.is_answer(Some("state-2")) && stream.is_answer(None));
    assert!(stream.is_answer(Some("state-1")) && !stream.is_answer(Some("state-1")), "good once");
    let silent = NOW.plus(SILENCE_MAX + Duration::from_secs(1));
    assert!(!stream.has_fallen_silent(NOW.plus(SILENCE_MAX)) && !stream.now(NOW).is_silent);
    assert!(stream.has_fallen_silent(silent) && !stream.has_fallen_silent(silent));
    assert!(stream.now(silent).is_silent && stream.hear(silent) && !stream.hear(silent));
    assert_eq!(stream.set_status(StreamStatus::Paused), StreamStatus::Enabled);
    stream.count(None, SignalStep::Refused);
    let now = stream.now(silent);
    assert_eq!((now.is_silent, now.status, now.counts.len()), (false, StreamStatus::Paused, 1));
}

#[tokio::test]
async fn nobody_is_asked_for_keys_because_of_a_token_that_cannot_be_for_us() {
    let clinic = Clinic::open();
    let receiver = &clinic.signals.receivers()[0];
    let header = json!({ "alg": "ES256", "typ": "secevent+jwt" });
    let foreign = token(&header, &with(&json!({ "aud": "another" })));
    assert_eq!(receiver.verify(&foreign, NOW).await.unwrap_err(), SetFault::Audience);
    let ours = receiver.verify(&token(&header, &claims()), NOW).await.unwrap_err();
    assert!(matches!(ours, SetFault::Transmitter(_)) && ours.code().is_none(), "{ours}");
    assert_eq!(ours.answer(), (503, None));
    receiver.ask_whether_there(&SeededEntropy::new(1), NOW).await.unwrap();
}

#[test]
fn metadata_stand_between_host_and_path() {
    let cases = [
        ("https://id.example", "https://id.example/.well-known/ssf-configuration"),
        ("https://id.example/", "https://id.example/.well-known/ssf-configuration"),
        ("https://id.example:8443/a/b", "https://id.example:8443/.well-known/ssf-configuration/a/b"),
    ];
    for (issuer, url) in cases {
        assert_eq!(metadata_url(issuer).as_deref(), Some(url), "{issuer}");
    }
}

#[test]
fn what_is_not_taken_is_told_by_its_code_and_nothing_of_it_is_repeated() {
    let codes = [
        (SetFault::Stranger, "authentication_failed"),
        (SetFault::Missing, "invalid_request"),
        (SetFault::Key(TokenFault::Signature), "invalid_key"),
        (SetFault::Issuer, "invalid_issuer"),
        (SetFault::Audience, "invalid_audience"),
        (SetFault::State, "invalid_state"),
    ];
    for (fault, code) in codes {
        let (status, body) = fault.answer();
        let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
        assert_eq!((status, &body["err"]), (400, &json!(code)), "{fault}");
        assert_eq!(fault.reason(), Reason::SignalRefused);
    }
    assert_eq!(SetFault::Incomplete(Reason::StoreUnavailable).answer(), (503, None));
}
