//! Categories: kinds of data, with what protects them.

use std::sync::Arc;

use crate::config::reader::Reader;
use crate::domain::application::{Category, NameError};
use crate::domain::category::{Categories, Terms};
use crate::domain::law::{Law, Opens};
use crate::domain::purpose::Purpose;

/// What is declared of a category.
#[derive(Debug)]
pub(in crate::config) struct CategoryDraft {
    pub(in crate::config) name: Category,
    pub(in crate::config) terms: Terms,
    /// Whether it opens to who breaks the glass, if that is said.
    pub(in crate::config) break_glass: Option<bool>,
    /// Whether it is the house's own, and has a law that leaves that to the house.
    pub(in crate::config) asks_for_choice: bool,
}

/// Reads `[category.NAME]`. What is not written is as it is built in.
pub(in crate::config) fn category(name: &str, reader: &Reader<'_>) -> Option<CategoryDraft> {
    let name = name.parse::<Category>().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `genetic`");
    });
    let sensitivity =
        if reader.has("sensitivity") { reader.list("sensitivity").map(Some) } else { Some(None) };
    let written: Option<Law> = reader.parsed("law");
    let consent = reader.text("consent");
    let break_glass = reader.yes_no("break_glass");
    if reader.has("break_glass") && break_glass.is_none() {
        return None;
    }
    let name = name.ok()?;
    if reader.has("law") && written.is_none() {
        return None;
    }
    let categories = Categories::default();
    let built_in = categories.terms(&name);
    if let (Some(terms), Some(law)) = (built_in, written)
        && terms.law != law
    {
        let what =
            format!("`{name}` is built in with its law ({}), and no file takes that from it", terms.law);
        reader.error("law", what, format!("no `law` here, or a category of another name with `{law}`"));
        return None;
    }
    let law = written.or_else(|| built_in.map(|terms| terms.law)).unwrap_or(Law::Policy);
    if consent.is_some() && !Purpose::ALL.iter().any(|it| law.opens(*it) == Opens::WithConsent) {
        let what = format!("no consent opens more of what this law protects ({})", law.reference());
        reader.error("consent", what, "`consent` under `sud_records` alone");
        return None;
    }
    let is_closed = law.opens(Purpose::BreakGlass) != Opens::ToAll;
    if is_closed && break_glass == Some(true) {
        let what = format!("no emergency opens what this law closes ({})", law.reference());
        reader.error("break_glass", what, "no `break_glass`, or `false`");
        return None;
    }
    let asks_for_choice = built_in.is_none() && law.is_of_its_own() && !is_closed;
    let sensitivity = sensitivity?;
    let built_in = || built_in.map(|terms| terms.sensitivity.clone()).unwrap_or_default();
    let terms =
        Terms { sensitivity: sensitivity.unwrap_or_else(built_in), law, consent: consent.map(Arc::from) };
    Some(CategoryDraft { name, terms, break_glass, asks_for_choice })
}
