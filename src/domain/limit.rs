//! What a role may take: the numbers that 45 CFR 164.514(d) asks for.

use std::time::Duration;

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
    /// Distinct patients in one reply that is looked at.
    pub patients_per_response: Option<u64>,
    /// Records in one reply that is taken away (see `Action::takes_away`).
    pub records_per_export: Option<u64>,
    /// Records in one reply that is taken away beyond which it does not pass, whatever is given as a reason or proven.
    pub records_per_export_at_most: Option<u64>,
    /// Distinct patients in one reply that is taken away.
    pub patients_per_export: Option<u64>,
    /// Bytes of one reply that is taken away, as they are sent: compressed ones count compressed, as in windows.
    pub bytes_per_export: Option<u64>,
    /// Records that are looked at in an hour: many small pages add up.
    pub records_per_hour: Option<u64>,
    /// The same in a shift.
    pub records_per_shift: Option<u64>,
    /// The same in a day.
    pub records_per_day: Option<u64>,
    /// Distinct patients that lists name in an hour.
    pub patients_listed_per_hour: Option<u64>,
    /// The same in a shift.
    pub patients_listed_per_shift: Option<u64>,
    /// The same in a day.
    pub patients_listed_per_day: Option<u64>,
    /// Distinct patients opened in an hour.
    pub patients_opened_per_hour: Option<u64>,
    /// The same in a shift.
    pub patients_opened_per_shift: Option<u64>,
    /// The same in a day.
    pub patients_opened_per_day: Option<u64>,
    /// Replies taken away in an hour.
    pub exports_per_hour: Option<u64>,
    /// The same in a shift.
    pub exports_per_shift: Option<u64>,
    /// The same in a day.
    pub exports_per_day: Option<u64>,
    /// Records taken away in an hour.
    pub records_exported_per_hour: Option<u64>,
    /// The same in a shift.
    pub records_exported_per_shift: Option<u64>,
    /// The same in a day.
    pub records_exported_per_day: Option<u64>,
    /// Bytes of replies taken away in an hour, as they are sent: compressed ones count compressed.
    pub bytes_exported_per_hour: Option<u64>,
    /// The same in a shift.
    pub bytes_exported_per_shift: Option<u64>,
    /// The same in a day.
    pub bytes_exported_per_day: Option<u64>,
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
        /// See [`Limits::patients_per_response`].
        PatientsPerResponse = "patients_per_response",
        /// See [`Limits::records_per_export`].
        RecordsPerExport = "records_per_export",
        /// See [`Limits::records_per_export_at_most`].
        RecordsPerExportAtMost = "records_per_export_at_most",
        /// See [`Limits::patients_per_export`].
        PatientsPerExport = "patients_per_export",
        /// See [`Limits::bytes_per_export`].
        BytesPerExport = "bytes_per_export",
        /// See [`Limits::records_per_hour`].
        RecordsPerHour = "records_per_hour",
        /// See [`Limits::records_per_shift`].
        RecordsPerShift = "records_per_shift",
        /// See [`Limits::records_per_day`].
        RecordsPerDay = "records_per_day",
        /// See [`Limits::patients_listed_per_hour`].
        PatientsListedPerHour = "patients_listed_per_hour",
        /// See [`Limits::patients_listed_per_shift`].
        PatientsListedPerShift = "patients_listed_per_shift",
        /// See [`Limits::patients_listed_per_day`].
        PatientsListedPerDay = "patients_listed_per_day",
        /// See [`Limits::patients_opened_per_hour`].
        PatientsOpenedPerHour = "patients_opened_per_hour",
        /// See [`Limits::patients_opened_per_shift`].
        PatientsOpenedPerShift = "patients_opened_per_shift",
        /// See [`Limits::patients_opened_per_day`].
        PatientsOpenedPerDay = "patients_opened_per_day",
        /// See [`Limits::exports_per_hour`].
        ExportsPerHour = "exports_per_hour",
        /// See [`Limits::exports_per_shift`].
        ExportsPerShift = "exports_per_shift",
        /// See [`Limits::exports_per_day`].
        ExportsPerDay = "exports_per_day",
        /// See [`Limits::records_exported_per_hour`].
        RecordsExportedPerHour = "records_exported_per_hour",
        /// See [`Limits::records_exported_per_shift`].
        RecordsExportedPerShift = "records_exported_per_shift",
        /// See [`Limits::records_exported_per_day`].
        RecordsExportedPerDay = "records_exported_per_day",
        /// See [`Limits::bytes_exported_per_hour`].
        BytesExportedPerHour = "bytes_exported_per_hour",
        /// See [`Limits::bytes_exported_per_shift`].
        BytesExportedPerShift = "bytes_exported_per_shift",
        /// See [`Limits::bytes_exported_per_day`].
        BytesExportedPerDay = "bytes_exported_per_day",
    }
}

closed_list! {
    /// Over how long what many requests take adds up. All of them roll.
    Window {
        /// 60 minutes.
        Hour = "hour",
        /// 12 hours, whatever a roster says: so it is never looser than the shift of anybody who works for as long, and nobody's
        /// count begins anew because a roster was written anew.
        Shift = "shift",
        /// 24 hours.
        Day = "day",
    }
}

closed_list! {
    /// What adds up in a window.
    Measure {
        /// Records that are looked at.
        Records = "records",
        /// Distinct patients that lists name.
        Listed = "patients listed",
        /// Distinct patients that are opened.
        Opened = "patients opened",
        /// Replies that are taken away.
        Exports = "exports",
        /// Records that are taken away.
        Exported = "records exported",
        /// Bytes that are taken away.
        Bytes = "bytes exported",
    }
}

impl Measure {
    /// The number that bounds it in a window.
    pub const fn limit(self, window: Window) -> LimitName {
        match (self, window) {
            (Self::Records, Window::Hour) => LimitName::RecordsPerHour,
            (Self::Records, Window::Shift) => LimitName::RecordsPerShift,
            (Self::Records, Window::Day) => LimitName::RecordsPerDay,
            (Self::Listed, Window::Hour) => LimitName::PatientsListedPerHour,
            (Self::Listed, Window::Shift) => LimitName::PatientsListedPerShift,
            (Self::Listed, Window::Day) => LimitName::PatientsListedPerDay,
            (Self::Opened, Window::Hour) => LimitName::PatientsOpenedPerHour,
            (Self::Opened, Window::Shift) => LimitName::PatientsOpenedPerShift,
            (Self::Opened, Window::Day) => LimitName::PatientsOpenedPerDay,
            (Self::Exports, Window::Hour) => LimitName::ExportsPerHour,
            (Self::Exports, Window::Shift) => LimitName::ExportsPerShift,
            (Self::Exports, Window::Day) => LimitName::ExportsPerDay,
            (Self::Exported, Window::Hour) => LimitName::RecordsExportedPerHour,
            (Self::Exported, Window::Shift) => LimitName::RecordsExportedPerShift,
            (Self::Exported, Window::Day) => LimitName::RecordsExportedPerDay,
            (Self::Bytes, Window::Hour) => LimitName::BytesExportedPerHour,
            (Self::Bytes, Window::Shift) => LimitName::BytesExportedPerShift,
            (Self::Bytes, Window::Day) => LimitName::BytesExportedPerDay,
        }
    }
}

impl Window {
    /// All of them, the longest first: of several limits that are passed at once, the one that is told is passed for longest.
    pub const LONGEST_FIRST: [Self; 3] = [Self::Day, Self::Shift, Self::Hour];

    /// How long it is.
    pub const fn lasts(self) -> Duration {
        let hours = match self {
            Self::Hour => 1,
            Self::Shift => 12,
            Self::Day => 24,
        };
        Duration::from_secs(hours * 60 * 60)
    }
}

/// One thing for each window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerWindow<T> {
    hour: T,
    shift: T,
    day: T,
}

impl<T> PerWindow<T> {
    /// What `make` says of each.
    pub fn of(make: impl Fn(Window) -> T) -> Self {
        Self { hour: make(Window::Hour), shift: make(Window::Shift), day: make(Window::Day) }
    }

    /// That of one.
    pub const fn get(&self, window: Window) -> &T {
        match window {
            Window::Hour => &self.hour,
            Window::Shift => &self.shift,
            Window::Day => &self.day,
        }
    }

    /// That of one, to be changed.
    pub const fn get_mut(&mut self, window: Window) -> &mut T {
        match window {
            Window::Hour => &mut self.hour,
            Window::Shift => &mut self.shift,
            Window::Day => &mut self.day,
        }
    }

    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = (Window, &T)> {
        [(Window::Hour, &self.hour), (Window::Shift, &self.shift), (Window::Day, &self.day)].into_iter()
    }

    /// All of them, to be changed.
    pub fn each_mut(&mut self) -> impl Iterator<Item = (Window, &mut T)> {
        let Self { hour, shift, day } = self;
        [(Window::Hour, hour), (Window::Shift, shift), (Window::Day, day)].into_iter()
    }
}

impl LimitName {
    /// Which number bounds which measure in which window; of one measure the longest window first.
    pub fn of_windows() -> impl Iterator<Item = (Self, Measure, Window)> {
        let of =
            |measure: Measure| Window::LONGEST_FIRST.map(|window| (measure.limit(window), measure, window));
        Measure::ALL.iter().copied().flat_map(of)
    }

    /// What it bounds, and in which window; none where it bounds one reply.
    pub fn window(self) -> Option<(Measure, Window)> {
        Self::of_windows().find(|(name, _, _)| *name == self).map(|(_, measure, window)| (measure, window))
    }

    /// Whether it bounds what many requests take together.
    pub fn is_window(self) -> bool {
        self.window().is_some()
    }

    /// Whether it bounds one reply that is taken away.
    pub const fn is_of_export(self) -> bool {
        matches!(
            self,
            Self::RecordsPerExport
                | Self::RecordsPerExportAtMost
                | Self::PatientsPerExport
                | Self::BytesPerExport
        )
    }

    /// Whether nothing passes beyond it, whatever is given as a reason or proven.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::RecordsPerResponseAtMost | Self::RecordsPerExportAtMost)
    }
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        records_per_response: None,
        records_per_response_at_most: None,
        patients_per_response: None,
        records_per_export: None,
        records_per_export_at_most: None,
        patients_per_export: None,
        bytes_per_export: None,
        records_per_hour: None,
        records_per_shift: None,
        records_per_day: None,
        patients_listed_per_hour: None,
        patients_listed_per_shift: None,
        patients_listed_per_day: None,
        patients_opened_per_hour: None,
        patients_opened_per_shift: None,
        patients_opened_per_day: None,
        exports_per_hour: None,
        exports_per_shift: None,
        exports_per_day: None,
        records_exported_per_hour: None,
        records_exported_per_shift: None,
        records_exported_per_day: None,
        bytes_exported_per_hour: None,
        bytes_exported_per_shift: None,
        bytes_exported_per_day: None,
        page_size: None,
        days_back: None,
        formats: None,
        on_exceed: OnExceed::Advise,
        on_unknown_count: OnExceed::Advise,
    };

    /// Whether what is looked at adds up to something that is bounded.
    pub fn bound_lists(&self) -> bool {
        self.bound(Measure::Records) || self.bound(Measure::Listed)
    }

    /// Whether what is taken away adds up to something that is bounded, beyond its number.
    pub fn bound_exports(&self) -> bool {
        self.bound(Measure::Exported) || self.bound(Measure::Bytes)
    }

    /// Whether what one reply holds that is taken away is bounded.
    pub const fn bound_export(&self) -> bool {
        self.records_per_export.is_some()
            || self.records_per_export_at_most.is_some()
            || self.patients_per_export.is_some()
            || self.bytes_per_export.is_some()
    }

    /// Whether a measure is bounded in any window.
    pub fn bound(&self, measure: Measure) -> bool {
        self.windows(measure).next().is_some()
    }

    /// The windows that bound a measure, each with its number; the longest first.
    pub fn windows(&self, measure: Measure) -> impl Iterator<Item = (LimitName, Window, u64)> {
        Window::LONGEST_FIRST.into_iter().filter_map(move |window| {
            let name = measure.limit(window);
            self.number(name).map(|number| (name, window, number))
        })
    }

    /// The numbers that bound a measure, by window.
    pub fn numbers(&self, measure: Measure) -> PerWindow<Option<u64>> {
        let mut numbers = PerWindow::default();
        for (_, window, number) in self.windows(measure) {
            *numbers.get_mut(window) = Some(number);
        }
        numbers
    }

    /// The number of this name.
    pub const fn number(&self, name: LimitName) -> Option<u64> {
        let mut same = *self;
        *same.number_mut(name)
    }

    /// The place of the number of this name.
    pub const fn number_mut(&mut self, name: LimitName) -> &mut Option<u64> {
        match name {
            LimitName::RecordsPerResponse => &mut self.records_per_response,
            LimitName::RecordsPerResponseAtMost => &mut self.records_per_response_at_most,
            LimitName::PatientsPerResponse => &mut self.patients_per_response,
            LimitName::RecordsPerExport => &mut self.records_per_export,
            LimitName::RecordsPerExportAtMost => &mut self.records_per_export_at_most,
            LimitName::PatientsPerExport => &mut self.patients_per_export,
            LimitName::BytesPerExport => &mut self.bytes_per_export,
            LimitName::RecordsPerHour => &mut self.records_per_hour,
            LimitName::RecordsPerShift => &mut self.records_per_shift,
            LimitName::RecordsPerDay => &mut self.records_per_day,
            LimitName::PatientsListedPerHour => &mut self.patients_listed_per_hour,
            LimitName::PatientsListedPerShift => &mut self.patients_listed_per_shift,
            LimitName::PatientsListedPerDay => &mut self.patients_listed_per_day,
            LimitName::PatientsOpenedPerHour => &mut self.patients_opened_per_hour,
            LimitName::PatientsOpenedPerShift => &mut self.patients_opened_per_shift,
            LimitName::PatientsOpenedPerDay => &mut self.patients_opened_per_day,
            LimitName::ExportsPerHour => &mut self.exports_per_hour,
            LimitName::ExportsPerShift => &mut self.exports_per_shift,
            LimitName::ExportsPerDay => &mut self.exports_per_day,
            LimitName::RecordsExportedPerHour => &mut self.records_exported_per_hour,
            LimitName::RecordsExportedPerShift => &mut self.records_exported_per_shift,
            LimitName::RecordsExportedPerDay => &mut self.records_exported_per_day,
            LimitName::BytesExportedPerHour => &mut self.bytes_exported_per_hour,
            LimitName::BytesExportedPerShift => &mut self.bytes_exported_per_shift,
            LimitName::BytesExportedPerDay => &mut self.bytes_exported_per_day,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_a_number_in_every_window_and_is_called_so() {
        for measure in Measure::ALL {
            for window in Window::ALL {
                let name = measure.limit(*window);
                let called = format!("{}_per_{window}", measure.as_str().replace(' ', "_"));
                assert_eq!((name.as_str(), name.window()), (&*called, Some((*measure, *window))));
            }
        }
        let of_one_reply = LimitName::ALL.iter().filter(|name| !name.is_window()).count();
        assert_eq!(of_one_reply + LimitName::of_windows().count(), LimitName::ALL.len());
    }

    #[test]
    fn each_number_has_a_place_of_its_own_and_the_stricter_one_holds() {
        let mut limits = Limits::NONE;
        for (number, name) in (0..).zip(LimitName::ALL) {
            *limits.number_mut(*name) = Some(number);
        }
        for (number, name) in (0..).zip(LimitName::ALL) {
            assert_eq!(limits.number(*name), Some(number), "{name}");
            let mut other = Limits::NONE;
            *other.number_mut(*name) = Some(number + 1);
            assert_eq!(limits.strictest(other), limits.strictest(Limits::NONE), "{name}");
            assert_eq!(Limits::NONE.strictest(other).number(*name), Some(number + 1), "{name}");
        }
    }

    #[test]
    fn the_windows_of_a_measure_come_longest_first() {
        let limits = Limits { exports_per_hour: Some(1), exports_per_day: Some(5), ..Limits::NONE };
        let windows: Vec<_> =
            limits.windows(Measure::Exports).map(|(_, window, number)| (window, number)).collect();
        assert_eq!(windows, [(Window::Day, 5), (Window::Hour, 1)]);
        assert!(limits.bound(Measure::Exports) && !limits.bound_exports() && !limits.bound_lists());
    }
}
