//! Which elements of a page are records: a part of CSS selectors that says the same of every page, however broken.

use std::sync::Arc;

/// Steps from the outside in, such as `#list tbody tr`: names, `#id`, `.class`, `[attribute]` and `[attribute=value]`,
/// inside of each other (a blank) or directly so (`>`).
///
/// What asks for siblings or for a state is not part of it, and neither is a list: a record is told by itself and by what
/// it stands in. It always stands in something, so that a page without that is seen to be another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSelector {
    steps: Arc<[Step]>,
}

/// One element on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The element's name in lower case; `None`: any.
    pub name: Option<Box<str>>,
    /// What else has to be true of it.
    pub conditions: Vec<Condition>,
    /// It stands directly in the step before.
    pub is_child: bool,
}

/// What an element has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// This identifier.
    Id(Box<str>),
    /// This among its classes.
    Class(Box<str>),
    /// This attribute (in lower case), with this value if one is given.
    Attribute(Box<str>, Option<Box<str>>),
}

/// Why a text is no selector of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowSelectorError {
    /// It names the rows alone.
    #[error("does not say what the rows stand in")]
    NoContainer,
    /// A list of selectors.
    #[error("is a list of selectors")]
    List,
    /// `+`, `~`, `:` or `*` with something behind it.
    #[error("asks for siblings, states or places, which a page with broken markup has not")]
    Unsupported,
    /// Not a selector at all, or one that is too long.
    #[error("is not a selector")]
    Malformed,
}

/// More steps, or conditions of one, than any page needs.
const STEPS_MAX: usize = 16;

impl RowSelector {
    /// Reads what a route declares.
    pub fn read(text: &str) -> Result<Self, RowSelectorError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut rest = text.trim();
        let mut is_child = false;
        while !rest.is_empty() {
            let (step, after) = read_step(rest)?;
            steps.push(Step { is_child, ..step });
            let next = after.trim_start();
            is_child = next.starts_with('>');
            rest = if is_child { next.get(1..).unwrap_or_default().trim_start() } else { next };
            if is_child && rest.is_empty() || !is_child && next.len() == after.len() && !next.is_empty() {
                return Err(fault(next));
            }
        }
        match steps.len() {
            0 => Err(RowSelectorError::Malformed),
            1 => Err(RowSelectorError::NoContainer),
            2..=STEPS_MAX => Ok(Self { steps: steps.into() }),
            _ => Err(RowSelectorError::Malformed),
        }
    }

    /// From the outside in, at least two.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// The step that `text` begins with, and what is behind it.
fn read_step(text: &str) -> Result<(Step, &str), RowSelectorError> {
    let mut step = Step::default();
    let mut rest = text;
    if let Some(after) = rest.strip_prefix('*') {
        rest = after;
    } else if rest.starts_with(is_name) {
        let (name, after) = read_name(rest)?;
        step.name = Some(name.to_ascii_lowercase().into());
        rest = after;
    }
    let mut found = rest.len() < text.len();
    while let Some(sign) = rest.chars().next().filter(|sign| "#.[".contains(*sign)) {
        let inside = rest.get(1..).unwrap_or_default();
        let (condition, after) = match sign {
            '#' => read_name(inside).map(|(name, after)| (Condition::Id(name.into()), after))?,
            '.' => read_name(inside).map(|(name, after)| (Condition::Class(name.into()), after))?,
            _ => read_attribute(inside)?,
        };
        step.conditions.push(condition);
        rest = after;
        found = true;
    }
    if found && step.conditions.len() <= STEPS_MAX { Ok((step, rest)) } else { Err(fault(rest)) }
}

fn read_name(text: &str) -> Result<(&str, &str), RowSelectorError> {
    let end = text.find(|character| !is_name(character)).unwrap_or(text.len());
    match text.split_at_checked(end) {
        Some((name, rest)) if !name.is_empty() => Ok((name, rest)),
        _ => Err(fault(text)),
    }
}

/// `name]` or `name=value]`, with or without quotes.
fn read_attribute(text: &str) -> Result<(Condition, &str), RowSelectorError> {
    let (name, rest) = read_name(text)?;
    let name = name.to_ascii_lowercase().into();
    if let Some(rest) = rest.strip_prefix(']') {
        return Ok((Condition::Attribute(name, None), rest));
    }
    let rest = rest.strip_prefix('=').ok_or(RowSelectorError::Unsupported)?;
    let quote = rest.chars().next().filter(|quote| "\"'".contains(*quote));
    let (value, rest) = match quote {
        Some(quote) => {
            let inside = rest.get(1..).unwrap_or_default();
            inside.split_once(quote).ok_or(RowSelectorError::Malformed)?
        }
        None => read_name(rest)?,
    };
    let rest = rest.strip_prefix(']').ok_or(RowSelectorError::Malformed)?;
    // An escape means something else than what is written.
    if value.contains('\\') {
        return Err(RowSelectorError::Malformed);
    }
    Ok((Condition::Attribute(name, Some(value.into())), rest))
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_".contains(character) || !character.is_ascii()
}

/// What is wrong with a selector that cannot be read on from here.
fn fault(rest: &str) -> RowSelectorError {
    match rest.trim_start().chars().next() {
        Some(',') => RowSelectorError::List,
        Some('+' | '~' | ':' | '|') => RowSelectorError::Unsupported,
        _ => RowSelectorError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_says_what_rows_stand_in_and_asks_for_nothing_that_broken_markup_has_not() {
        use RowSelectorError as Fault;
        let cases = [
            ("#list tbody tr", Ok(3)),
            ("TABLE.report > tbody>tr.even", Ok(3)),
            ("div[data-kind='a b'] li[data-id]", Ok(2)),
            ("* *", Ok(2)),
            ("tr", Err(Fault::NoContainer)),
            ("", Err(Fault::Malformed)),
            ("table tr, ul li", Err(Fault::List)),
            ("h2 + table tr", Err(Fault::Unsupported)),
            ("h2 ~ table tr", Err(Fault::Unsupported)),
            ("table tr:nth-child(2)", Err(Fault::Unsupported)),
            ("table tr:not(.x)", Err(Fault::Unsupported)),
            ("table tr[id^=x]", Err(Fault::Unsupported)),
            ("svg|a tr", Err(Fault::Unsupported)),
            ("table >", Err(Fault::Malformed)),
            ("> table tr", Err(Fault::Malformed)),
            ("table > > tr", Err(Fault::Malformed)),
            ("table #", Err(Fault::Malformed)),
            ("table [x='1\\'] tr", Err(Fault::Malformed)),
            ("*table tr", Err(Fault::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(RowSelector::read(text).map(|selector| selector.steps().len()), expected, "{text}");
        }
        let selector = RowSelector::read("#List > TR.Odd[Data-Id=\"7 a\"]").unwrap();
        let conditions =
            vec![Condition::Class("Odd".into()), Condition::Attribute("data-id".into(), Some("7 a".into()))];
        assert_eq!(selector.steps()[1], Step { name: Some("tr".into()), conditions, is_child: true });
    }
}
