//! The words of the page, from `config/messages`, read once.

use serde::Deserialize;

use crate::domain::break_glass::{BreakFinding, BreakReason, BreakReview};
use crate::domain::detection::{ReviewFinding, ReviewState, Severity};
use crate::domain::device::BoundTo;
use crate::features::report::ReportName;
use crate::platform::page::LayoutTexts;
use crate::platform::page::language::Language;
use crate::platform::page::messages::{Counted, Each, InEach, Listed, Numbers, Text};
use crate::platform::page::time::Durations;

impl Listed for ReviewState {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for ReviewFinding {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for Severity {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for BreakReview {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for BreakFinding {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for BoundTo {
    const MEMBERS: &'static [Self] = Self::ALL;
}

/// The words of one language that are needed here.
#[derive(Deserialize)]
pub(super) struct Words {
    pub(super) layout: LayoutTexts,
    pub(super) number: Numbers,
    pub(super) duration: Durations,
    pub(super) break_glass: BreakWords,
    pub(super) control: Texts,
}

/// The page's own words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) sign_in: Text,
    pub(super) sign_in_text: Text,
    pub(super) token: Text,
    pub(super) token_hint: Text,
    pub(super) sign_in_go: Text,
    pub(super) wrong: Text,
    pub(super) too_many: Text,
    pub(super) no_token: Text,
    pub(super) no_token_then: Text,
    pub(super) sign_out: Text,
    pub(super) sessions: Text,
    pub(super) search: Text,
    pub(super) search_hint: Text,
    pub(super) search_go: Text,
    pub(super) all: Text,
    pub(super) none: Text,
    pub(super) nobody: Text,
    pub(super) caption: Counted,
    pub(super) most: Text,
    pub(super) name: Text,
    pub(super) sub: Text,
    pub(super) program: Text,
    pub(super) state: Text,
    pub(super) open: Text,
    pub(super) locked: Text,
    pub(super) last_seen: Text,
    pub(super) created: Text,
    pub(super) device: Text,
    pub(super) bound_to: Text,
    pub(super) bound: Each<BoundTo, Text>,
    pub(super) nothing: Text,
    pub(super) provider: Text,
    pub(super) host: Text,
    pub(super) session: Text,
    pub(super) end: Text,
    pub(super) end_title: Text,
    pub(super) end_text: Text,
    pub(super) which: Text,
    pub(super) this_one: Text,
    pub(super) all_of: Text,
    pub(super) reason: Text,
    pub(super) reason_hint: Text,
    pub(super) end_go: Text,
    pub(super) back: Text,
    pub(super) no_reason: Text,
    pub(super) not_understood: Text,
    pub(super) ended: Text,
    pub(super) ended_sessions: Counted,
    pub(super) ended_none: Text,
    pub(super) ended_streams: Counted,
    pub(super) ended_waiting: Counted,
    pub(super) gone: Text,
    pub(super) incomplete: Text,
    pub(super) incomplete_text: Text,
    pub(super) unwritable: Text,
    pub(super) unwritable_text: Text,
    pub(super) detections: DetectionTexts,
    pub(super) breaks: BreakTexts,
    pub(super) reports: ReportTexts,
    pub(super) evidence: EvidenceTexts,
}

/// The words of the page of detections.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectionTexts {
    pub(super) title: Text,
    pub(super) lead: Text,
    pub(super) none: Text,
    pub(super) severity: Text,
    pub(super) until: Text,
    pub(super) finding: Text,
    pub(super) note: Text,
    pub(super) note_hint: Text,
    pub(super) seen_go: Text,
    pub(super) close_go: Text,
    pub(super) not_reviewed: Text,
    pub(super) not_reviewed_text: Text,
    pub(super) states: Each<ReviewState, Text>,
    pub(super) findings: Each<ReviewFinding, Text>,
    pub(super) severities: Each<Severity, Text>,
}

/// What is needed of the words of break-glass.
#[derive(Deserialize)]
pub(super) struct BreakWords {
    pub(super) reason: Each<BreakReason, Text>,
}

/// The words of the page of emergency access.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakTexts {
    pub(super) title: Text,
    pub(super) lead: Text,
    pub(super) none: Text,
    pub(super) application: Text,
    pub(super) patient: Text,
    pub(super) began: Text,
    pub(super) ended: Text,
    pub(super) active: Text,
    pub(super) overdue: Text,
    pub(super) due: Text,
    pub(super) text: Text,
    pub(super) text_owed: Text,
    pub(super) explained: Text,
    pub(super) explained_text: Text,
    pub(super) reviewer: Text,
    pub(super) reviewer_hint: Text,
    pub(super) finding: Text,
    pub(super) note: Text,
    pub(super) note_hint: Text,
    pub(super) triaged_go: Text,
    pub(super) close_go: Text,
    pub(super) not_reviewed: Text,
    pub(super) not_reviewed_text: Text,
    pub(super) states: Each<BreakReview, Text>,
    pub(super) findings: Each<BreakFinding, Text>,
}

/// The words of the page of reports.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportTexts {
    pub(super) title: Text,
    pub(super) lead: Text,
    pub(super) report: Text,
    pub(super) application: Text,
    pub(super) application_hint: Text,
    pub(super) patient: Text,
    pub(super) patient_hint: Text,
    pub(super) person: Text,
    pub(super) since: Text,
    pub(super) until: Text,
    pub(super) moment_hint: Text,
    pub(super) how: Text,
    pub(super) by_role: Text,
    pub(super) all: Text,
    pub(super) language: Text,
    pub(super) format: Text,
    pub(super) go: Text,
    pub(super) not_understood: Text,
    pub(super) not_asked: Text,
    pub(super) unreadable: Text,
    pub(super) names: Each<ReportName, Text>,
}

/// The words of the page of evidence packs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceTexts {
    pub(super) title: Text,
    pub(super) lead: Text,
    pub(super) safeguards: Text,
    pub(super) all: Text,
    pub(super) since: Text,
    pub(super) until: Text,
    pub(super) moment_hint: Text,
    pub(super) until_hint: Text,
    pub(super) language: Text,
    pub(super) go: Text,
    pub(super) not_understood: Text,
    pub(super) not_asked: Text,
    pub(super) unmade: Text,
}

impl Words {
    /// The words of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static WORDS: InEach<Words> = InEach::new();
        WORDS.of(language)
    }
}
