//! `Link` headers (RFC 8288): targets of links of a relation.

/// Why a `Link` header cannot be read. Then nothing of it counts: where one link ends and the next begins would be a
/// guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a `Link` header that is not of RFC 8288")]
pub struct LinkFault;

/// How many links of one header are read at most.
pub const LINKS_MAX: usize = 256;

/// The targets of all links of this relation, in their order. Relations are compared without letter case; a link with
/// an `anchor` is about something else than the reply, and is left out (section 3.2).
pub fn targets<'v>(value: &'v str, relation: &str) -> Result<Vec<&'v str>, LinkFault> {
    let mut targets = Vec::new();
    let mut rest = value.trim_matches(BLANK);
    for _ in 0..LINKS_MAX {
        // Lists may have empty elements (RFC 9110 section 5.6.1).
        rest = rest.trim_start_matches(|sign| BLANK.contains(&sign) || sign == ',');
        if rest.is_empty() {
            return Ok(targets);
        }
        let (target, after) = rest.strip_prefix('<').and_then(|it| it.split_once('>')).ok_or(LinkFault)?;
        let (parameters, after) = parameters(after)?;
        if parameters.is_of(relation) {
            targets.push(target.trim_matches(BLANK));
        }
        rest = after;
    }
    if rest.trim_matches(BLANK).is_empty() { Ok(targets) } else { Err(LinkFault) }
}

/// What is said of one link.
#[derive(Default)]
struct Parameters {
    /// The first `rel`: others do not count (section 3.3).
    relations: Option<String>,
    has_anchor: bool,
}

impl Parameters {
    fn is_of(&self, relation: &str) -> bool {
        let mut relations = self.relations.iter().flat_map(|all| all.split_ascii_whitespace());
        !self.has_anchor && relations.any(|one| one.eq_ignore_ascii_case(relation))
    }
}

/// The parameters of a link, and what comes after the comma that ends it.
fn parameters(text: &str) -> Result<(Parameters, &str), LinkFault> {
    let mut found = Parameters::default();
    let mut rest = text.trim_start_matches(BLANK);
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start_matches(BLANK);
        let (name, after) = cut(after, |sign| matches!(sign, '=' | ';' | ',') || BLANK.contains(&sign));
        let after = after.trim_start_matches(BLANK);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start_matches(BLANK))?,
            None => (String::new(), after),
        };
        if name.eq_ignore_ascii_case("rel") && found.relations.is_none() {
            found.relations = Some(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            found.has_anchor = true;
        }
        rest = after.trim_start_matches(BLANK);
    }
    match rest.strip_prefix(',') {
        Some(after) => Ok((found, after)),
        None if rest.is_empty() => Ok((found, rest)),
        None => Err(LinkFault),
    }
}

/// A token, or what stands in quotes; and what comes after it.
fn value(text: &str) -> Result<(String, &str), LinkFault> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = cut(text, |sign| matches!(sign, ';' | ',') || BLANK.contains(&sign));
        return if token.contains('"') { Err(LinkFault) } else { Ok((token.to_owned(), rest)) };
    };
    let mut value = String::new();
    let mut signs = quoted.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => return Ok((value, signs.as_str())),
            '\\' => value.push(signs.next().ok_or(LinkFault)?),
            other => value.push(other),
        }
    }
    Err(LinkFault)
}

fn cut(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(ends).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

const BLANK: [char; 2] = [' ', '\t'];
