//! What a role may take: the numbers that 45 CFR 164.514(d) asks for.

use serde::{Deserialize, Serialize};

use super::asked::Formats;
use super::closed_list;

closed_list! {
    /// What happens beyond a limit, in order of strength.
    OnExceed {
        /// The reply passes; the event says that it was beyond the limit.
        Advise = "advise",
        /// The reply passes once the person has given a reason.
        Justify = "justify",
        /// The reply passes after a step-up.
        StepUp = "step_up",
        /// The reply passes without what tells whom its records are about.
        Redact = "redact",
        /// Only as many records of the reply pass as may, where its route declares that.
        Truncate = "truncate",
        /// The reply does not pass.
        Block = "block",
    }
}

/// The numbers of one role. `None`: no limit of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Records in one reply that is looked at (view, search, list, query).
    pub records_per_response: Option<u64>,
    /// Records in one reply that is looked at beyond which it does not pass, whatever is given as a reason or proven.
    pub records_per_response_at_most: Option<u64>,
    /// Records in one reply that is taken away (see `Action::takes_away`).
    pub records_per_export: Option<u64>,
    /// Records in one reply that is taken away beyond which it does not pass, whatever is given as a reason or proven.
    pub records_per_export_at_most: Option<u64>,
    /// Records that are looked at in 60 minutes, rolling: many small pages add up.
    pub records_per_hour: Option<u64>,
    /// Distinct patients that lists name in 60 minutes, rolling.
    pub patients_listed_per_hour: Option<u64>,
    /// Distinct patients opened in 60 minutes, rolling.
    pub patients_opened_per_hour: Option<u64>,
    /// Replies taken away in 24 hours, rolling.
    pub exports_per_day: Option<u64>,
    /// Records taken away in 24 hours, rolling.
    pub records_exported_per_day: Option<u64>,
    /// Bytes of replies taken away in 24 hours, rolling, as they are sent: compressed ones count compressed.
    pub bytes_exported_per_day: Option<u64>,
    /// Distinct patients opened in a shift: a window of 12 hours, rolling.
    pub patients_opened_per_shift: Option<u64>,
    /// Records that may be asked for at once, where a route has a cap on that.
    pub page_size: Option<u64>,
    /// Days that may be looked back, where a route says what tells the days.
    pub days_back: Option<u64>,
    /// Formats that may be asked for, where a route says what names them.
    pub formats: Option<Formats>,
    /// What happens beyond any of these.
    pub on_exceed: OnExceed,
    /// What happens when the records of a reply that is taken away cannot be counted.
    pub on_unknown_count: OnExceed,
}

closed_list! {
    /// Which limit.
    LimitName {
        /// See [`Limits::records_per_response`].
        RecordsPerResponse = "records_per_response",
        /// See [`Limits::records_per_response_at_most`].
        RecordsPerResponseAtMost = "records_per_response_at_most",
        /// See [`Limits::records_per_export`].
        RecordsPerExport = "records_per_export",
        /// See [`Limits::records_per_export_at_most`].
        RecordsPerExportAtMost = "records_per_export_at_most",
        /// See [`Limits::records_per_hour`].
        RecordsPerHour = "records_per_hour",
        /// See [`Limits::patients_listed_per_hour`].
        PatientsListedPerHour = "patients_listed_per_hour",
        /// See [`Limits::patients_opened_per_hour`].
        PatientsOpenedPerHour = "patients_opened_per_hour",
        /// See [`Limits::exports_per_day`].
        ExportsPerDay = "exports_per_day",
        /// See [`Limits::records_exported_per_day`].
        RecordsExportedPerDay = "records_exported_per_day",
        /// See [`Limits::bytes_exported_per_day`].
        BytesExportedPerDay = "bytes_exported_per_day",
        /// See [`Limits::patients_opened_per_shift`].
        PatientsOpenedPerShift = "patients_opened_per_shift",
    }
}

impl LimitName {
    /// Whether it bounds what many requests take together.
    pub const fn is_window(self) -> bool {
        match self {
            Self::RecordsPerResponse
            | Self::RecordsPerResponseAtMost
            | Self::RecordsPerExport
            | Self::RecordsPerExportAtMost => false,
            Self::RecordsPerHour
            | Self::PatientsListedPerHour
            | Self::PatientsOpenedPerHour
            | Self::ExportsPerDay
            | Self::RecordsExportedPerDay
            | Self::BytesExportedPerDay
            | Self::PatientsOpenedPerShift => true,
        }
    }

    /// Whether nothing passes beyond it, whatever is given as a reason or proven.
    pub const fn is_final(self) -> bool {
        match self {
            Self::RecordsPerResponseAtMost | Self::RecordsPerExportAtMost => true,
            Self::RecordsPerResponse
            | Self::RecordsPerExport
            | Self::RecordsPerHour
            | Self::PatientsListedPerHour
            | Self::PatientsOpenedPerHour
            | Self::ExportsPerDay
            | Self::RecordsExportedPerDay
            | Self::BytesExportedPerDay
            | Self::PatientsOpenedPerShift => false,
        }
    }
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        records_per_response: None,
        records_per_response_at_most: None,
        records_per_export: None,
        records_per_export_at_most: None,
        records_per_hour: None,
        patients_listed_per_hour: None,
        patients_opened_per_hour: None,
        exports_per_day: None,
        records_exported_per_day: None,
        bytes_exported_per_day: None,
        patients_opened_per_shift: None,
        page_size: None,
        days_back: None,
        formats: None,
        on_exceed: OnExceed::Advise,
        on_unknown_count: OnExceed::Advise,
    };

    /// Whether what is looked at adds up to something that is bounded.
    pub const fn bound_lists(&self) -> bool {
        self.records_per_hour.is_some() || self.patients_listed_per_hour.is_some()
    }

    /// Whether what is taken away adds up to something that is bounded, beyond its number.
    pub const fn bound_exports(&self) -> bool {
        self.records_exported_per_day.is_some() || self.bytes_exported_per_day.is_some()
    }

    /// The number of this name.
    pub const fn number(&self, name: LimitName) -> Option<u64> {
        match name {
            LimitName::RecordsPerResponse => self.records_per_response,
            LimitName::RecordsPerResponseAtMost => self.records_per_response_at_most,
            LimitName::RecordsPerExport => self.records_per_export,
            LimitName::RecordsPerExportAtMost => self.records_per_export_at_most,
            LimitName::RecordsPerHour => self.records_per_hour,
            LimitName::PatientsListedPerHour => self.patients_listed_per_hour,
            LimitName::PatientsOpenedPerHour => self.patients_opened_per_hour,
            LimitName::ExportsPerDay => self.exports_per_day,
            LimitName::RecordsExportedPerDay => self.records_exported_per_day,
            LimitName::BytesExportedPerDay => self.bytes_exported_per_day,
            LimitName::PatientsOpenedPerShift => self.patients_opened_per_shift,
        }
    }

    /// The place of the number of this name.
    pub const fn number_mut(&mut self, name: LimitName) -> &mut Option<u64> {
        match name {
            LimitName::RecordsPerResponse => &mut self.records_per_response,
            LimitName::RecordsPerResponseAtMost => &mut self.records_per_response_at_most,
            LimitName::RecordsPerExport => &mut self.records_per_export,
            LimitName::RecordsPerExportAtMost => &mut self.records_per_export_at_most,
            LimitName::RecordsPerHour => &mut self.records_per_hour,
            LimitName::PatientsListedPerHour => &mut self.patients_listed_per_hour,
            LimitName::PatientsOpenedPerHour => &mut self.patients_opened_per_hour,
            LimitName::ExportsPerDay => &mut self.exports_per_day,
            LimitName::RecordsExportedPerDay => &mut self.records_exported_per_day,
            LimitName::BytesExportedPerDay => &mut self.bytes_exported_per_day,
            LimitName::PatientsOpenedPerShift => &mut self.patients_opened_per_shift,
        }
    }

    /// The stricter of both, number by number: what holds when rules of two roles permit.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        let fewer = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let mut both = Self {
            page_size: fewer(self.page_size, other.page_size),
            days_back: fewer(self.days_back, other.days_back),
            formats: match (self.formats, other.formats) {
                (Some(a), Some(b)) => Some(a.in_both(b)),
                (a, b) => a.or(b),
            },
            on_exceed: self.on_exceed.max(other.on_exceed),
            on_unknown_count: self.on_unknown_count.max(other.on_unknown_count),
            ..Self::NONE
        };
        for name in LimitName::ALL {
            *both.number_mut(*name) = fewer(self.number(*name), other.number(*name));
        }
        both
    }
}

/// A limit that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceeded {
    /// Which.
    pub limit: LimitName,
    /// The number that is allowed.
    pub allowed: u64,
    /// The number that it would have been, at least.
    pub actual: u64,
}
