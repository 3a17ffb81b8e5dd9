//! The reasons that a person may give, and what the form takes.

use crate::domain::closed_list;

/// The longest text that a person may give with a reason, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 500;

closed_list! {
    /// Why a person needs something that asks for a reason.
    JustificationCode {
        /// To coordinate a patient's care.
        CareCoordination = "care-coordination",
        /// To answer a billing question.
        BillingQuery = "billing-query",
        /// A patient asked for it.
        PatientRequest = "patient-request",
        /// For a quality review.
        QualityReview = "quality-review",
        /// For an audit or a legal matter.
        AuditOrLegal = "audit-or-legal",
        /// To fix a technical problem.
        TechnicalSupport = "technical-support",
        /// Something else, which the text says.
        Other = "other",
    }
}

closed_list! {
    /// What is wrong with a reason as given.
    JustifyProblem {
        /// None was chosen, or one that is not offered.
        CodeMissing = "code-missing",
        /// The text is needed and there is none.
        TextMissing = "text-missing",
        /// The text is too long.
        TextTooLong = "text-too-long",
    }
}

/// What a person has entered so far, so that nothing has to be entered twice.
#[derive(Clone, Copy, Default)]
pub struct Entered<'a> {
    /// The code chosen.
    pub code: Option<JustificationCode>,
    /// The text.
    pub text: &'a str,
}

impl std::fmt::Debug for Entered<'_> {
    // The text is the person's own; it may hold what they were asked not to write.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entered").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Reads what the form has sent: the code, and the text without what cannot be seen.
pub fn read_justification(code: &str, text: &str) -> Result<(JustificationCode, String), JustifyProblem> {
    let code: JustificationCode = code.parse().map_err(|_| JustifyProblem::CodeMissing)?;
    // A form sends each line's end as two characters, and browsers count one.
    let text = text.replace("\r\n", "\n");
    let visible: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let text = visible.trim().to_owned();
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(JustifyProblem::TextTooLong);
    }
    if code == JustificationCode::Other && text.is_empty() {
        return Err(JustifyProblem::TextMissing);
    }
    Ok((code, text))
}
