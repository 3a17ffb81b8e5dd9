//! Searches of FHIR (R4, 3.1.1). What brings or asks about other resources is a join, and no reply tells that
//! it happened: whoever may ask `Patient?_has:Condition:patient:code=…` learns diagnoses from a list of names. So
//! joins are refused unless they are listed. Modifiers (`name:exact`) and `_format` are left alone.

use super::parameters::Found;
use super::reading::Reading;
use super::settings::{Cap, FhirAsk, Missing, Place, Zero};
use crate::domain::asked::{Allowed, EventAsked, Overreach};
use crate::domain::reason::Reason;

impl FhirAsk {
    /// Brings a search within its bounds: joins and elements are checked, `_count` is capped.
    pub(super) fn apply(
        &self,
        reading: &mut Reading<'_>,
        page_size: Option<u64>,
        asked: &mut EventAsked,
    ) -> Result<(), Overreach> {
        if let Some(overreach) = reading.pairs().find_map(|(name, value)| self.join(name, value)) {
            return Err(overreach);
        }
        self.check_total(reading)?;
        self.ask_elements(reading, asked)?;
        let Some(max) = self.count else { return Ok(()) };
        let place = Place::Query("_count".to_owned());
        // `_count=0` asks for the number alone.
        let cap = Cap { place, max, missing: Missing::Add, zero: Zero::Nothing, also: Vec::new() };
        cap.apply(reading, page_size, asked)
    }

    /// What a parameter joins that is not listed.
    fn join(&self, name: &str, value: &str) -> Option<Overreach> {
        let name = name.trim();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let refused = |parameter: &str, listed: &[String]| {
            let allowed = Allowed::OneOf(listed.to_vec());
            Some(Overreach { reason: Reason::JoinNotAllowed, parameter: parameter.to_owned(), allowed })
        };
        let base = name.split([':', '[']).next().unwrap_or_default();
        for (parameter, listed) in [("_include", &self.include), ("_revinclude", &self.revinclude)] {
            if base.eq_ignore_ascii_case(parameter) {
                let is_listed = value.split(',').all(|one| listed.iter().any(|listed| listed == one));
                return if is_listed { None } else { refused(parameter, listed) };
            }
        }
        if base.eq_ignore_ascii_case("_has") {
            let what = name.split_once(':').map_or("", |(_, what)| what);
            return if self.has.iter().any(|listed| listed == what) {
                None
            } else {
                refused("_has", &self.has)
            };
        }
        let opaque = ["_filter", "_query", "_contained", "_graphql"];
        if let Some(parameter) = opaque.iter().find(|parameter| base.eq_ignore_ascii_case(parameter)) {
            return refused(parameter, &[]);
        }
        if is("_sort") && value.contains('.') {
            return refused("_sort", &[]);
        }
        // An extension of OpenID's or a vendor's own parameter may hold a dot; then it is listed.
        let chain = name.contains('.') && !self.chain.iter().any(|listed| is_chain(name, listed));
        if chain { refused("chain", &self.chain) } else { None }
    }

    fn check_total(&self, reading: &Reading<'_>) -> Result<(), Overreach> {
        if self.total.is_empty() {
            return Ok(());
        }
        let place = Place::Query("_total".to_owned());
        let is_allowed = match reading.text(&place) {
            Found::Absent => true,
            Found::Unclear => false,
            Found::One(text) => text.is_some_and(|text| self.total.contains(&text)),
        };
        if is_allowed { Ok(()) } else { Err(not_these("_total", &self.total)) }
    }

    /// Elements that are asked for are among those listed; where none are, those listed are asked for.
    fn ask_elements(&self, reading: &mut Reading<'_>, asked: &mut EventAsked) -> Result<(), Overreach> {
        if self.elements.is_empty() {
            return Ok(());
        }
        let summary = reading.text(&Place::Query("_summary".to_owned()));
        match summary {
            Found::Absent => {}
            Found::One(Some(word)) if word == "count" => return Ok(()),
            // Other summaries choose elements of their own.
            Found::One(_) | Found::Unclear => {
                return Err(not_these("_summary", &["count".to_owned()]));
            }
        }
        let place = Place::Query("_elements".to_owned());
        match reading.text(&place) {
            Found::Absent => {
                let all = self.elements.join(",");
                reading.put(&place, &all).ok_or_else(|| not_these("_elements", &self.elements))?;
                asked.added.push(place.name().to_owned());
                Ok(())
            }
            Found::One(Some(text)) if text.split(',').all(|one| self.elements.iter().any(|it| it == one)) => {
                Ok(())
            }
            Found::One(_) | Found::Unclear => Err(not_these("_elements", &self.elements)),
        }
    }
}

fn not_these(parameter: &str, listed: &[String]) -> Overreach {
    Overreach {
        reason: Reason::ColumnsNotAllowed,
        parameter: parameter.to_owned(),
        allowed: Allowed::OneOf(listed.to_vec()),
    }
}

/// Whether a parameter is the chain that is listed, with a modifier or without.
fn is_chain(name: &str, listed: &str) -> bool {
    name.strip_prefix(listed).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|modifier| !modifier.contains(['.', ':']))
    })
}
