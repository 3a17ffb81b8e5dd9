//! The reasons that a person may give, and what the form takes.

use crate::domain::closed_list;
use crate::domain::purpose::Needs;

/// The longest text that a person may give with a reason, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 500;

/// The longest number, in characters.
pub const NUMBER_CHARACTERS_MAX: usize = 64;

/// The longest name and address of a recipient, in characters.
pub const RECIPIENT_CHARACTERS_MAX: usize = 200;

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
        /// The number is needed and there is none.
        NumberMissing = "number-missing",
        /// The number is none.
        NumberUnreadable = "number-unreadable",
        /// The recipient is needed and there is none.
        RecipientMissing = "recipient-missing",
        /// The recipient is too long.
        RecipientTooLong = "recipient-too-long",
    }
}

/// What a person has entered so far, so that nothing has to be entered twice.
#[derive(Clone, Copy, Default)]
pub struct Entered<'a> {
    /// The code chosen.
    pub code: Option<JustificationCode>,
    /// The text.
    pub text: &'a str,
    /// The number by which it is done.
    pub number: &'a str,
    /// To whom it goes.
    pub recipient: &'a str,
}

impl std::fmt::Debug for Entered<'_> {
    // The text is the person's own; it may hold what they were asked not to write.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entered").field("code", &self.code).finish_non_exhaustive()
    }
}

/// A reason as it counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The code.
    pub code: JustificationCode,
    /// The text without what cannot be seen; may be empty.
    pub text: String,
    /// The number, where the purpose needs one.
    pub number: Option<String>,
    /// To whom it goes, where the purpose needs that.
    pub recipient: Option<String>,
}

impl std::fmt::Debug for Given {
    // As above: what a person writes is for the event only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Reads what the form has sent, with what the purpose needs. What it does not need is not kept.
pub fn read_justification(code: &str, entered: &Entered<'_>, needs: Needs) -> Result<Given, JustifyProblem> {
    let code: JustificationCode = code.parse().map_err(|_| JustifyProblem::CodeMissing)?;
    let text = visible(entered.text);
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(JustifyProblem::TextTooLong);
    }
    if code == JustificationCode::Other && text.is_empty() {
        return Err(JustifyProblem::TextMissing);
    }
    let number = needs.number.map(|_| number(entered.number)).transpose()?;
    let recipient = needs.recipient.then(|| recipient(entered.recipient)).transpose()?;
    Ok(Given { code, text, number, recipient })
}

pub(super) fn visible(text: &str) -> String {
    // A form sends each line's end as two characters, and browsers count one.
    let text = text.replace("\r\n", "\n");
    let visible: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    visible.trim().to_owned()
}

/// A number as offices write them: it is looked for later as it is written here.
fn number(text: &str) -> Result<String, JustifyProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(JustifyProblem::NumberMissing);
    }
    let is_one = text.len() <= NUMBER_CHARACTERS_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./# ".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    is_one.then(|| text.to_owned()).ok_or(JustifyProblem::NumberUnreadable)
}

/// A name and, where it is known, an address (45 CFR 164.528(b)(2)(ii)), in one line.
fn recipient(text: &str) -> Result<String, JustifyProblem> {
    let text = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(JustifyProblem::RecipientMissing),
        1..=RECIPIENT_CHARACTERS_MAX => Ok(text),
        _ => Err(JustifyProblem::RecipientTooLong),
    }
}
