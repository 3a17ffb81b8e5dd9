//! What a role may take, and what happens beyond it.
//!
//! Care goes on: where the purpose does not allow a volume to deny (45 CFR 164.502(b)(2)), whatever is
//! beyond a limit is advised of and passes. Elsewhere a number that ends in `_at_most` is passed by nobody: no reason and no proof
//! lifts it.

use super::count::Tally;
use super::ledger::Refused;
use crate::domain::action::Action;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::limit::{Exceeded, LimitName, Limits, Measure, OnExceed};
use crate::domain::purpose::Basis;
use crate::domain::reason::Reason;

/// Under which terms a reply is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none a state")]
pub struct Terms {
    /// The numbers of the role.
    pub limits: Limits,
    /// What is done.
    pub action: Action,
    /// The legal basis of the purpose.
    pub basis: Basis,
    /// The person has given a reason that still counts.
    pub justified: bool,
    /// The person has stepped up, and it still counts.
    pub stepped_up: bool,
    /// What tells whom the records of the reply are about can be taken out of it.
    pub redactable: bool,
    /// Its records beyond a number can be left out, and its route declares that they may be.
    pub truncatable: bool,
}

/// What a count comes to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No limit was passed.
    Within,
    /// It passes, and the event says that it was beyond.
    Advise(Beyond),
    /// It passes after one step.
    Needs(Step, Beyond),
    /// It passes without what tells whom its records are about.
    Redact(Beyond),
    /// Only as many of its records pass as may.
    Truncate(Beyond),
    /// It does not pass.
    Block(Beyond),
}

/// The step after which it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give a reason.
    Justify,
    /// Sign in stronger.
    StepUp,
}

/// In which way it is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// A number was passed.
    Exceeded(Exceeded),
    /// The number cannot be known.
    CountUnknown(WhyUnknown),
    /// What was taken already, at all nodes, cannot be known.
    WindowUnknown,
}

impl Beyond {
    /// The limit that was passed, for the event.
    pub const fn exceeded(self) -> Option<Exceeded> {
        match self {
            Self::Exceeded(exceeded) => Some(exceeded),
            Self::CountUnknown(_) | Self::WindowUnknown => None,
        }
    }

    /// How events and replies name it.
    pub fn reason(self) -> Reason {
        match self {
            Self::Exceeded(exceeded) if exceeded.limit.is_window() => Reason::ExportOverWindowBudget,
            Self::Exceeded(exceeded) if exceeded.limit.is_of_export() => Reason::ExportOverRequestLimit,
            Self::Exceeded(_) => Reason::RecordsOverResponseLimit,
            Self::CountUnknown(_) => Reason::CountUnknown,
            Self::WindowUnknown => Reason::StoreUnavailable,
        }
    }
}

impl Verdict {
    /// Whether the reply passes.
    pub const fn passes(self) -> bool {
        match self {
            Self::Within | Self::Advise(_) | Self::Redact(_) | Self::Truncate(_) => true,
            Self::Needs(..) | Self::Block(_) => false,
        }
    }

    /// In which way it is beyond, if it is.
    pub const fn beyond(self) -> Option<Beyond> {
        match self {
            Self::Within => None,
            Self::Advise(beyond)
            | Self::Needs(_, beyond)
            | Self::Redact(beyond)
            | Self::Truncate(beyond)
            | Self::Block(beyond) => Some(beyond),
        }
    }

    /// What is done about it, for the event.
    pub const fn on_exceed(self) -> Option<OnExceed> {
        match self {
            Self::Within => None,
            Self::Advise(_) => Some(OnExceed::Advise),
            Self::Needs(Step::Justify, _) => Some(OnExceed::Justify),
            Self::Needs(Step::StepUp, _) => Some(OnExceed::StepUp),
            Self::Redact(_) => Some(OnExceed::Redact),
            Self::Truncate(_) => Some(OnExceed::Truncate),
            Self::Block(_) => Some(OnExceed::Block),
        }
    }
}

impl Terms {
    /// What `tally` comes to. `taken_away`: it leaves the application to be kept, by its action or
    /// because the reply turned out to be a file.
    pub fn judge(&self, tally: &Tally, taken_away: bool) -> Verdict {
        if let Some(exceeded) = self.passed_for_good(tally, taken_away) {
            return Verdict::Block(Beyond::Exceeded(exceeded));
        }
        let (limit, name) = self.records_limit(taken_away);
        match (tally.records, limit) {
            (Count::Unknown(why), _) if taken_away => {
                self.verdict(self.limits.on_unknown_count, Beyond::CountUnknown(why))
            }
            (Count::Unknown(why), Some(_)) => Verdict::Advise(Beyond::CountUnknown(why)),
            (Count::Exactly(actual) | Count::AtLeast(actual), Some(allowed)) if actual > allowed => {
                self.exceeds(Exceeded { limit: name, allowed, actual })
            }
            (Count::Exactly(_) | Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted, _) => {
                self.judge_patients(tally.patients, taken_away)
            }
        }
    }

    fn judge_patients(&self, patients: Count, taken_away: bool) -> Verdict {
        let (limit, name) = self.patients_limit(taken_away);
        match (patients, limit) {
            (Count::Exactly(actual) | Count::AtLeast(actual), Some(allowed)) if actual > allowed => {
                self.exceeds(Exceeded { limit: name, allowed, actual })
            }
            (Count::Unknown(why), Some(_)) if taken_away => {
                self.verdict(self.limits.on_unknown_count, Beyond::CountUnknown(why))
            }
            (Count::Unknown(why), Some(_)) => Verdict::Advise(Beyond::CountUnknown(why)),
            (Count::Exactly(_) | Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted, _) => {
                Verdict::Within
            }
        }
    }

    /// What it comes to that so many bytes have come, where they are taken away.
    pub(super) fn judge_bytes(&self, actual: u64, taken_away: bool) -> Verdict {
        match self.limits.bytes_per_export.filter(|allowed| taken_away && actual > *allowed) {
            Some(allowed) => self.exceeds(Exceeded { limit: LimitName::BytesPerExport, allowed, actual }),
            None => Verdict::Within,
        }
    }

    /// What passing a limit comes to: also that of a window, which the ledger keeps.
    pub fn exceeds(&self, exceeded: Exceeded) -> Verdict {
        self.verdict(self.limits.on_exceed, Beyond::Exceeded(exceeded))
    }

    /// What it comes to where a window has no room, or where that cannot be known: only who is [bound](Self::binds) by
    /// windows has to know.
    pub fn refused(&self, refused: Refused) -> Verdict {
        match refused {
            Refused::Beyond(exceeded) => self.exceeds(exceeded),
            Refused::Unknown => Verdict::Block(Beyond::WindowUnknown),
        }
    }

    /// Whether what is beyond a window is denied, rather than advised of.
    pub fn binds(&self) -> bool {
        !matches!(self.outcome(self.limits.on_exceed), OnExceed::Advise)
    }

    /// Whether any count could keep the reply from passing.
    pub fn may_deny(&self, taken_away: bool) -> bool {
        let denies = |on_exceed| !matches!(self.outcome(on_exceed), OnExceed::Advise);
        let ((records, _), (patients, _)) = (self.records_limit(taken_away), self.patients_limit(taken_away));
        let bytes = self.limits.bytes_per_export.filter(|_| taken_away);
        let adds_up = if taken_away { self.limits.bound_exports() } else { self.limits.bound_lists() };
        self.most(taken_away).is_some()
            || (records.or(patients).or(bytes).is_some() || adds_up) && denies(self.limits.on_exceed)
            || taken_away && denies(self.limits.on_unknown_count)
    }

    /// Whether a file that comes where only a page was expected is held to what may be taken away. Only a
    /// role that has a number for exports is.
    pub fn minds_files(&self) -> bool {
        self.limits.bound_export() || self.limits.bound(Measure::Exports) || self.limits.bound_exports()
    }

    /// Whether such a file may have to stay here: for its records, or because no further export is allowed.
    pub fn may_deny_file(&self) -> bool {
        let denies = !matches!(self.outcome(self.limits.on_exceed), OnExceed::Advise);
        self.may_deny(true) || self.limits.bound(Measure::Exports) && denies
    }

    /// After how many records a reply is cut that has more.
    pub(super) fn cut_at(&self, taken_away: bool) -> Option<u64> {
        let cuts = matches!(self.outcome(self.limits.on_exceed), OnExceed::Truncate);
        self.records_limit(taken_away).0.filter(|_| cuts)
    }

    const fn records_limit(&self, taken_away: bool) -> (Option<u64>, LimitName) {
        if taken_away {
            (self.limits.records_per_export, LimitName::RecordsPerExport)
        } else {
            (self.limits.records_per_response, LimitName::RecordsPerResponse)
        }
    }

    const fn patients_limit(&self, taken_away: bool) -> (Option<u64>, LimitName) {
        if taken_away {
            (self.limits.patients_per_export, LimitName::PatientsPerExport)
        } else {
            (self.limits.patients_per_response, LimitName::PatientsPerResponse)
        }
    }

    /// Whether what is too much may pass after a step.
    pub const fn may_ask(&self) -> bool {
        asks(self.outcome(self.limits.on_exceed)) || asks(self.outcome(self.limits.on_unknown_count))
    }

    /// The number that nobody passes, where the purpose lets a volume deny. Of a reply that is cut no more comes anyway.
    fn most(&self, taken_away: bool) -> Option<(u64, LimitName)> {
        let (limit, name) = if taken_away {
            (self.limits.records_per_export_at_most, LimitName::RecordsPerExportAtMost)
        } else {
            (self.limits.records_per_response_at_most, LimitName::RecordsPerResponseAtMost)
        };
        let may_deny = self.basis.volume_may_deny() && self.cut_at(taken_away).is_none();
        limit.filter(|_| may_deny).map(|allowed| (allowed, name))
    }

    fn passed_for_good(&self, tally: &Tally, taken_away: bool) -> Option<Exceeded> {
        let (allowed, limit) = self.most(taken_away)?;
        match tally.records {
            Count::Exactly(actual) | Count::AtLeast(actual) if actual > allowed => {
                Some(Exceeded { limit, allowed, actual })
            }
            Count::Exactly(_) | Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted => None,
        }
    }

    /// What happens, after the purpose and what the person has done already.
    const fn outcome(&self, on_exceed: OnExceed) -> OnExceed {
        match on_exceed {
            _ if !self.basis.volume_may_deny() => OnExceed::Advise,
            OnExceed::Justify if self.justified => OnExceed::Advise,
            OnExceed::StepUp if self.stepped_up => OnExceed::Advise,
            OnExceed::Redact if !self.redactable => OnExceed::Block,
            OnExceed::Truncate if !self.truncatable => OnExceed::Block,
            OnExceed::Advise
            | OnExceed::Justify
            | OnExceed::StepUp
            | OnExceed::Redact
            | OnExceed::Truncate
            | OnExceed::Block => on_exceed,
        }
    }

    fn verdict(&self, on_exceed: OnExceed, beyond: Beyond) -> Verdict {
        match self.outcome(on_exceed) {
            OnExceed::Advise => Verdict::Advise(beyond),
            OnExceed::Justify => Verdict::Needs(Step::Justify, beyond),
            OnExceed::StepUp => Verdict::Needs(Step::StepUp, beyond),
            OnExceed::Redact => Verdict::Redact(beyond),
            OnExceed::Truncate if is_of_records(beyond) => Verdict::Truncate(beyond),
            OnExceed::Truncate | OnExceed::Block => Verdict::Block(beyond),
        }
    }
}

const fn asks(outcome: OnExceed) -> bool {
    match outcome {
        OnExceed::Justify | OnExceed::StepUp => true,
        OnExceed::Advise | OnExceed::Redact | OnExceed::Truncate | OnExceed::Block => false,
    }
}

/// Whether it is a number of records of one reply: where a window is full no record is left, what is unknown has no end, and after
/// how many records there are too many patients or bytes nobody knows.
fn is_of_records(beyond: Beyond) -> bool {
    match beyond {
        Beyond::Exceeded(exceeded) => {
            let others =
                [LimitName::PatientsPerResponse, LimitName::PatientsPerExport, LimitName::BytesPerExport];
            !exceeded.limit.is_window() && !others.contains(&exceeded.limit)
        }
        Beyond::CountUnknown(_) | Beyond::WindowUnknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(action: Action, basis: Basis, on_exceed: OnExceed) -> Terms {
        let limits = Limits {
            records_per_response: Some(100),
            records_per_export: Some(500),
            on_exceed,
            on_unknown_count: on_exceed,
            ..Limits::NONE
        };
        let (redactable, truncatable) = (true, true);
        Terms { limits, action, basis, justified: false, stepped_up: false, redactable, truncatable }
    }

    fn records(records: Count) -> Tally {
        Tally { records, patients: Count::NotCounted }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        let terms = terms(Action::Export, Basis::Operations, OnExceed::Block);
        assert_eq!(terms.judge(&records(Count::Exactly(500)), true), Verdict::Within);
        let exceeded = Exceeded { limit: LimitName::RecordsPerExport, allowed: 500, actual: 501 };
        assert_eq!(
            terms.judge(&records(Count::Exactly(501)), true),
            Verdict::Block(Beyond::Exceeded(exceeded))
        );
        assert_eq!(
            terms.judge(&records(Count::AtLeast(501)), true),
            Verdict::Block(Beyond::Exceeded(exceeded))
        );
    }

    #[test]
    fn what_is_looked_at_and_what_is_taken_away_have_limits_of_their_own() {
        let terms = terms(Action::List, Basis::Operations, OnExceed::Block);
        let looked_at = terms.judge(&records(Count::Exactly(101)), false);
        assert_eq!(looked_at.beyond().map(Beyond::reason), Some(Reason::RecordsOverResponseLimit));
        assert_eq!(terms.judge(&records(Count::Exactly(101)), true), Verdict::Within);
    }

    #[test]
    fn care_goes_on_whatever_the_volume() {
        for basis in [Basis::Treatment, Basis::Emergency, Basis::Individual, Basis::RequiredByLaw] {
            for on_exceed in OnExceed::ALL {
                let terms = terms(Action::Export, basis, *on_exceed);
                assert!(!terms.may_deny(true));
                assert!(terms.judge(&records(Count::Exactly(100_000)), true).passes());
                assert!(terms.judge(&Tally::unknown(WhyUnknown::Opaque), true).passes());
            }
        }
    }

    #[test]
    fn unknown_is_too_many_for_what_is_taken_away_only() {
        let terms = terms(Action::Export, Basis::Payment, OnExceed::Block);
        let unknown = Tally::unknown(WhyUnknown::Coding);
        let beyond = Beyond::CountUnknown(WhyUnknown::Coding);
        assert_eq!(terms.judge(&unknown, true), Verdict::Block(beyond));
        assert_eq!(terms.judge(&unknown, false), Verdict::Advise(beyond));
        let unlimited = Terms { limits: Limits::NONE, ..terms };
        assert_eq!(unlimited.judge(&unknown, false), Verdict::Within);
        assert_eq!(unlimited.judge(&unknown, true), Verdict::Advise(beyond));
    }

    #[test]
    fn what_cannot_be_redacted_is_blocked() {
        let able = terms(Action::Export, Basis::Operations, OnExceed::Redact);
        let unable = Terms { redactable: false, ..able };
        let many = records(Count::Exactly(501));
        assert!(matches!(able.judge(&many, true), Verdict::Redact(_)) && able.judge(&many, true).passes());
        assert!(matches!(unable.judge(&many, true), Verdict::Block(_)));
        assert!(able.may_deny(true), "it is held until it is known");
    }

    #[test]
    fn what_cannot_be_cut_is_blocked_and_a_window_has_no_first_records() {
        let able = terms(Action::Export, Basis::Operations, OnExceed::Truncate);
        let unable = Terms { truncatable: false, ..able };
        let many = records(Count::Exactly(501));
        assert!(matches!(able.judge(&many, true), Verdict::Truncate(_)) && able.judge(&many, true).passes());
        assert!(matches!(unable.judge(&many, true), Verdict::Block(_)));
        assert_eq!(
            (able.cut_at(true), able.cut_at(false), unable.cut_at(true)),
            (Some(500), Some(100), None)
        );
        let window = Exceeded { limit: LimitName::RecordsExportedPerDay, allowed: 1, actual: 2 };
        assert!(matches!(able.exceeds(window), Verdict::Block(_)));
        assert!(matches!(able.judge(&Tally::unknown(WhyUnknown::Opaque), true), Verdict::Block(_)));
        let care = terms(Action::Export, Basis::Treatment, OnExceed::Truncate);
        assert!(matches!(care.judge(&many, true), Verdict::Advise(_)) && care.cut_at(true).is_none());
    }

    #[test]
    fn beyond_a_number_that_nobody_passes_no_reason_and_no_proof_helps() {
        for on_exceed in [OnExceed::Advise, OnExceed::Justify, OnExceed::StepUp, OnExceed::Redact] {
            let mut terms = terms(Action::Export, Basis::Operations, on_exceed);
            terms.limits.records_per_export_at_most = Some(5_000);
            terms.limits.records_per_response_at_most = Some(1_000);
            terms.limits.on_unknown_count = OnExceed::Advise;
            (terms.justified, terms.stepped_up) = (true, true);
            assert!(
                terms.may_deny(true) && terms.may_deny(false),
                "{on_exceed}: it is held until it is known"
            );
            assert!(terms.judge(&records(Count::Exactly(5_000)), true).passes(), "{on_exceed}");
            let (limit, allowed) = (LimitName::RecordsPerExportAtMost, 5_000);
            let exceeded = Exceeded { limit, allowed, actual: 5_001 };
            for count in [Count::Exactly(5_001), Count::AtLeast(5_001)] {
                let verdict = terms.judge(&records(count), true);
                assert_eq!(verdict, Verdict::Block(Beyond::Exceeded(exceeded)), "{on_exceed}");
            }
            let looked_at = terms.judge(&records(Count::Exactly(1_001)), false);
            assert_eq!(looked_at.beyond().map(Beyond::reason), Some(Reason::RecordsOverResponseLimit));
            assert!(!looked_at.passes(), "{on_exceed}");
            let care = Terms { basis: Basis::Treatment, ..terms };
            assert!(care.judge(&records(Count::Exactly(5_001)), true).passes() && !care.may_deny(true));
        }
    }

    #[test]
    fn a_number_that_nobody_passes_needs_no_other_and_a_reply_that_is_cut_stays_below_it() {
        let mut terms = terms(Action::Export, Basis::Operations, OnExceed::Truncate);
        terms.limits.records_per_export_at_most = Some(5_000);
        assert!(matches!(terms.judge(&records(Count::Exactly(9_000)), true), Verdict::Truncate(_)));
        terms.limits = Limits { records_per_export_at_most: Some(5_000), ..Limits::NONE };
        assert!(terms.minds_files() && terms.may_deny(true) && !terms.may_deny(false));
        assert!(matches!(terms.judge(&records(Count::Exactly(9_000)), true), Verdict::Block(_)));
        assert_eq!(terms.judge(&records(Count::Exactly(5_000)), true), Verdict::Within);
    }

    #[test]
    fn a_step_that_was_taken_is_not_asked_for_again_but_does_not_lift_a_block() {
        struct Case {
            on_exceed: OnExceed,
            justified: bool,
            stepped_up: bool,
            passes: bool,
        }
        let cases = [
            Case { on_exceed: OnExceed::Justify, justified: false, stepped_up: true, passes: false },
            Case { on_exceed: OnExceed::Justify, justified: true, stepped_up: false, passes: true },
            Case { on_exceed: OnExceed::StepUp, justified: true, stepped_up: false, passes: false },
            Case { on_exceed: OnExceed::StepUp, justified: false, stepped_up: true, passes: true },
            Case { on_exceed: OnExceed::Block, justified: true, stepped_up: true, passes: false },
        ];
        for case in cases {
            let terms = Terms {
                justified: case.justified,
                stepped_up: case.stepped_up,
                ..terms(Action::Export, Basis::Operations, case.on_exceed)
            };
            let verdict = terms.judge(&records(Count::Exactly(501)), true);
            assert_eq!(verdict.passes(), case.passes, "{}", case.on_exceed);
            assert_eq!(terms.may_deny(true), !case.passes, "{}", case.on_exceed);
            assert!(verdict.beyond().is_some(), "the event says so even where it passes");
        }
    }

    #[test]
    fn patients_of_one_reply_are_bounded_where_it_is_looked_at_and_never_cut() {
        let tally = |patients| Tally { records: Count::Exactly(50), patients };
        let of = |on_exceed| {
            let mut terms = terms(Action::List, Basis::Operations, on_exceed);
            terms.limits.patients_per_response = Some(20);
            terms
        };
        let exceeded = Exceeded { limit: LimitName::PatientsPerResponse, allowed: 20, actual: 21 };
        let block = Verdict::Block(Beyond::Exceeded(exceeded));
        assert_eq!(of(OnExceed::Block).judge(&tally(Count::Exactly(20)), false), Verdict::Within);
        assert_eq!(of(OnExceed::Block).judge(&tally(Count::AtLeast(21)), false), block);
        assert_eq!(of(OnExceed::Truncate).judge(&tally(Count::Exactly(21)), false), block);
        assert_eq!(of(OnExceed::Block).judge(&tally(Count::Exactly(21)), true), Verdict::Within);
        assert_eq!(of(OnExceed::Block).judge(&tally(Count::NotCounted), false), Verdict::Within);
        assert_eq!(block.beyond().map(Beyond::reason), Some(Reason::RecordsOverResponseLimit));
        let alone = Limits { patients_per_response: Some(20), on_exceed: OnExceed::Block, ..Limits::NONE };
        assert!(Terms { limits: alone, ..of(OnExceed::Block) }.may_deny(false));
        let care = Terms { basis: Basis::Treatment, ..of(OnExceed::Block) };
        let advised = care.judge(&tally(Count::Exactly(21)), false);
        assert_eq!(advised, Verdict::Advise(Beyond::Exceeded(exceeded)));
    }
}
