//! Which language a person reads (RFC 9110, section 12.5.4).

/// How many ranges of an `Accept-Language` are looked at; browsers send fewer than ten.
const RANGES_MAX: usize = 32;

/// A language in which there are pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English: the language of whoever does not say.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::English, Self::Spanish];

    /// The language that an `Accept-Language` prefers among ours; English if it names none of them.
    /// What cannot be read is passed over: a strange header is no reason to refuse a page.
    pub fn preferred(accept_language: &str) -> Self {
        let mut best = (Self::default(), 0);
        for (language, weight) in accept_language.split(',').take(RANGES_MAX).filter_map(range) {
            // The first of equals wins, as people order their languages.
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The file of what people read in it. Each plane reads its own tables of it.
    pub const fn messages(self) -> &'static str {
        match self {
            Self::English => include_str!("../../../config/messages/en.toml"),
            Self::Spanish => include_str!("../../../config/messages/es.toml"),
        }
    }

    /// Its BCP 47 tag, for `lang` and `Content-Language`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
}

/// A tag of a language in which there are no pages.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there are texts in English (`en`) and Spanish (`es`)")]
pub struct LanguageError;

impl std::str::FromStr for Language {
    type Err = LanguageError;

    /// Reads its BCP 47 tag.
    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        let is_it = |language: &&Self| language.code().eq_ignore_ascii_case(tag);
        Self::ALL.iter().find(is_it).copied().ok_or(LanguageError)
    }
}

/// One range, such as `es-MX;q=0.8`: one of our languages and its weight in thousandths.
fn range(text: &str) -> Option<(Language, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next()?;
    let primary = tag.split('-').next()?;
    let language = if tag == "*" {
        Language::default()
    } else {
        *Language::ALL.iter().find(|language| primary.eq_ignore_ascii_case(language.code()))?
    };
    match parts.next() {
        None => Some((language, 1000)),
        Some(parameter) => {
            let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
            Some((language, thousandths(value)?))
        }
    }
}

/// A weight: `1`, `0`, or either with up to three decimals, at most one.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", _) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}
