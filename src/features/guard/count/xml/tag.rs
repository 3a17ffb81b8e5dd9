//! One tag of XML, taken apart.

use std::borrow::Cow;

/// It is not well formed, or means something that we do not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// What stands between `<` and `>`.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// With its prefix.
    pub(super) name: &'a [u8],
    pub(super) is_end: bool,
    pub(super) is_empty: bool,
    attributes: &'a [u8],
}

impl<'a> Tag<'a> {
    pub(super) fn read(token: &'a [u8]) -> Result<Self, Broken> {
        let is_end = token.starts_with(b"/");
        let inside = if is_end { token.get(1..).unwrap_or_default() } else { token };
        let is_empty = !is_end && inside.ends_with(b"/");
        let inside = if is_empty { inside.strip_suffix(b"/").unwrap_or(inside) } else { inside };
        let (name, attributes) = split_name(inside)?;
        if is_end && !attributes.trim_ascii().is_empty() {
            return Err(Broken);
        }
        let tag = Self { name, is_end, is_empty, attributes };
        // All of them have to be well formed, wanted or not.
        tag.attribute(b"")?;
        Ok(tag)
    }

    /// The value of the attribute with that local name, as it is written. Two of them are two readings.
    pub(super) fn attribute(&self, wanted: &[u8]) -> Result<Option<&'a [u8]>, Broken> {
        let mut rest = self.attributes;
        let mut found = None;
        while !rest.trim_ascii_start().is_empty() {
            if !rest.first().is_some_and(u8::is_ascii_whitespace) {
                return Err(Broken);
            }
            let (name, after) = split_name(rest.trim_ascii_start())?;
            let after = after.trim_ascii_start().strip_prefix(b"=").ok_or(Broken)?.trim_ascii_start();
            let (quote, after) = after.split_first().ok_or(Broken)?;
            let end = after.iter().position(|byte| byte == quote).ok_or(Broken)?;
            let (value, after) = after.split_at_checked(end).ok_or(Broken)?;
            if !matches!(quote, b'"' | b'\'') || value.contains(&b'<') {
                return Err(Broken);
            }
            if local(name) == wanted && found.replace(value).is_some() {
                return Err(Broken);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        Ok(found)
    }
}

/// A name without its prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    name.iter().position(|byte| *byte == b':').and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

/// The name that `text` begins with. Which characters beyond ASCII a name has does not matter here.
fn split_name(text: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:-.".contains(byte) || *byte >= 0x80;
    let end = text.iter().position(|byte| !is_name(byte)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).ok_or(Broken)?;
    let first = name.first().ok_or(Broken)?;
    let is_odd = first.is_ascii_digit()
        || b"-.:".contains(first)
        || name.ends_with(b":")
        || local(name).contains(&b':');
    if is_odd { Err(Broken) } else { Ok((name, rest)) }
}

/// The encoding that an XML declaration names, in lower case.
pub(super) fn encoding(instruction: &[u8]) -> Option<String> {
    let inside = instruction.strip_prefix(b"?xml")?;
    if !inside.first()?.is_ascii_whitespace() {
        return None;
    }
    let text = String::from_utf8_lossy(inside);
    let (_, rest) = text.split_once("encoding")?;
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| "\"'".contains(*quote))?;
    value.get(1..)?.split(quote).next().map(str::to_ascii_lowercase)
}

/// What text means, of which `&` is the only sign.
pub(super) fn unescape(text: &[u8]) -> Result<Cow<'_, [u8]>, Broken> {
    if !text.contains(&b'&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut meant = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'&') {
        let (plain, after) = rest.split_at_checked(at).ok_or(Broken)?;
        meant.extend_from_slice(plain);
        let end = after.iter().position(|byte| *byte == b';').ok_or(Broken)?;
        let name = std::str::from_utf8(after.get(1..end).unwrap_or_default()).map_err(|_| Broken)?;
        let mut encoded = [0; 4];
        meant.extend_from_slice(character(name)?.encode_utf8(&mut encoded).as_bytes());
        rest = after.get(end + 1..).unwrap_or_default();
    }
    meant.extend_from_slice(rest);
    Ok(Cow::Owned(meant))
}

fn character(reference: &str) -> Result<char, Broken> {
    let number = match (reference.strip_prefix("#x"), reference.strip_prefix('#')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) => digits.parse().ok(),
        (None, None) => match reference {
            "amp" => Some(u32::from(b'&')),
            "lt" => Some(u32::from(b'<')),
            "gt" => Some(u32::from(b'>')),
            "quot" => Some(u32::from(b'"')),
            "apos" => Some(u32::from(b'\'')),
            _ => None,
        },
    };
    number.and_then(char::from_u32).ok_or(Broken)
}
