//! How the pages look: what is filled into the templates.

use askama::Template;
use jiff::tz::TimeZone;

use super::words::{Texts, Words};
use super::{
    BREAKS_PATH, DETECTIONS_PATH, END_PATH, EVIDENCE_PATH, REPORTS_PATH, SESSIONS_PATH, SIGN_IN_PATH,
    SIGN_OUT_PATH, STYLESHEET_PATH,
};
use crate::domain::revocation::{Revoked, WHY_CHARACTERS_MAX};
use crate::features::session::SessionSummary;
use crate::foundation::clock::Timestamp;
use crate::platform::page::Layout;
use crate::platform::page::language::Language;
use crate::platform::page::messages::Text;
use crate::platform::page::time::on_the_clock;

/// For whom a page is made: in which language, and when.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) language: Language,
    pub(super) words: &'static Words,
    pub(super) now: Timestamp,
}

/// Where the token is asked for; where none is set, how to set it.
#[derive(Template)]
#[template(path = "control_sign_in.html")]
pub(super) struct SignInPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    is_token_set: bool,
    problem: Option<String>,
    sign_in_path: &'static str,
}

/// Who is signed in.
#[derive(Template)]
#[template(path = "control_sessions.html")]
pub(super) struct SessionsPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    person: String,
    caption: String,
    most: Option<String>,
    rows: Vec<Row>,
    sessions_path: &'static str,
    end_path: &'static str,
    detections_path: &'static str,
    breaks_path: &'static str,
    reports_path: &'static str,
    evidence_path: &'static str,
    sign_out_path: &'static str,
}

/// One session, as it is shown.
struct Row {
    id: String,
    name: String,
    sub: String,
    program: Option<String>,
    state: &'static Text,
    last_seen: String,
    created: String,
    device: String,
    bound_to: String,
    provider: String,
    host: String,
}

/// Where a reason is asked for.
#[derive(Template)]
#[template(path = "control_end.html")]
pub(super) struct EndPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    row: Row,
    all_of: String,
    is_all: bool,
    reason: String,
    reason_characters_max: usize,
    problem: Option<&'static Text>,
    sessions_path: &'static str,
    end_path: &'static str,
}

/// What has come of something.
#[derive(Template)]
#[template(path = "control_told.html")]
pub(super) struct ToldPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    paragraphs: Vec<String>,
    sessions_path: &'static str,
}

/// What was entered where a session is ended, and is wrong.
#[derive(Default)]
pub(super) struct Entered {
    pub(super) is_all: bool,
    pub(super) reason: String,
    pub(super) problem: Option<&'static Text>,
}

impl Reader {
    /// Where the token is asked for.
    pub(super) fn sign_in(self, is_token_set: bool, problem: Option<String>) -> SignInPage {
        let texts = &self.words.control;
        let (layout, sign_in_path) = (self.layout(&texts.sign_in), SIGN_IN_PATH);
        SignInPage { layout, texts, is_token_set, problem, sign_in_path }
    }

    /// The list of whoever was searched for, of at most `limit`.
    pub(super) fn sessions(self, person: &str, listed: &[SessionSummary], limit: usize) -> SessionsPage {
        let (texts, numbers) = (&self.words.control, &self.words.number);
        let most = || texts.most.with(&[("n", &numbers.write(limit as u64))]);
        SessionsPage {
            layout: self.layout(&texts.sessions),
            texts,
            person: person.to_owned(),
            caption: texts.caption.of(listed.len() as u64, numbers),
            most: (listed.len() >= limit).then(most),
            rows: listed.iter().map(|session| self.row(session)).collect(),
            sessions_path: SESSIONS_PATH,
            end_path: END_PATH,
            detections_path: DETECTIONS_PATH,
            breaks_path: BREAKS_PATH,
            reports_path: REPORTS_PATH,
            evidence_path: EVIDENCE_PATH,
            sign_out_path: SIGN_OUT_PATH,
        }
    }

    /// Where a reason is asked for.
    pub(super) fn end(self, session: &SessionSummary, entered: Entered) -> EndPage {
        let texts = &self.words.control;
        let of = [("name", &session.name as &dyn std::fmt::Display), ("provider", &session.provider)];
        EndPage {
            layout: self.layout(&texts.end_title),
            texts,
            row: self.row(session),
            all_of: texts.all_of.with(&of),
            is_all: entered.is_all,
            reason: entered.reason,
            reason_characters_max: WHY_CHARACTERS_MAX,
            problem: entered.problem,
            sessions_path: SESSIONS_PATH,
            end_path: END_PATH,
        }
    }

    /// What was ended.
    pub(super) fn ended(self, revoked: &Revoked) -> ToldPage {
        let (texts, numbers) = (&self.words.control, &self.words.number);
        let mut paragraphs = match revoked.sessions {
            0 => vec![texts.ended_none.to_string()],
            sessions => vec![
                texts.ended_sessions.of(sessions, numbers),
                texts.ended_streams.of(revoked.streams, numbers),
            ],
        };
        if revoked.waiting > 0 {
            paragraphs.push(texts.ended_waiting.of(revoked.waiting, numbers));
        }
        self.told(&texts.ended, paragraphs)
    }

    /// What has come of something.
    pub(super) fn told(self, title: &Text, paragraphs: Vec<String>) -> ToldPage {
        let texts = &self.words.control;
        ToldPage { layout: self.layout(title), texts, paragraphs, sessions_path: SESSIONS_PATH }
    }

    pub(super) fn layout(self, title: &Text) -> Layout<'static> {
        Layout {
            language: self.language,
            title: title.to_string(),
            application: None,
            person: None,
            person_page: SESSIONS_PATH,
            reference: None,
            stylesheet: STYLESHEET_PATH,
            script: None,
            texts: &self.words.layout,
        }
    }

    fn row(self, session: &SessionSummary) -> Row {
        let texts = &self.words.control;
        let or_nothing = |text: String| if text.is_empty() { texts.nothing.to_string() } else { text };
        let bound: Vec<_> = session.bound_to.iter().map(|what| texts.bound.of(*what).to_string()).collect();
        Row {
            id: session.id.to_string(),
            name: session.name.to_string(),
            sub: session.sub.to_string(),
            program: session.client.as_ref().map(|client| texts.program.with(&[("name", client)])),
            state: if session.locked { &texts.locked } else { &texts.open },
            last_seen: self.moment(session.last_seen),
            created: self.moment(session.created),
            device: or_nothing(session.device.as_ref().map(ToString::to_string).unwrap_or_default()),
            bound_to: or_nothing(bound.join(", ")),
            provider: session.provider.to_string(),
            host: session.host.to_string(),
        }
    }

    /// As the journal has it, in UTC, and how long ago that is.
    pub(super) fn moment(self, at: Timestamp) -> String {
        let ago = self.words.duration.seen_from(self.now, at, &self.words.number);
        format!("{} UTC, {ago}", on_the_clock(self.now, at, &TimeZone::UTC))
    }
}
