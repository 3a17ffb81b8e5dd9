//! What is rewritten in an application's replies.

use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::features::rewrite::settings::{CookieRewrite, Literal, RewriteSettings};

pub(super) fn rewrite(reader: &Reader<'_>) -> Option<RewriteSettings> {
    let locations = reader.yes_no("locations");
    let domain = reader.parsed("cookie_domain");
    let path = if reader.has("cookie_path") {
        reader.text_with("cookie_path", cookie_path).map(Some)
    } else {
        Some(None)
    };
    let secure = reader.yes_no("cookie_secure");
    let same_site =
        if reader.has("cookie_same_site") { reader.parsed("cookie_same_site").map(Some) } else { Some(None) };
    let tables = reader.tables("literal", 1);
    let literals = collect_all(tables.iter().map(literal));
    let literals = literals.filter(|literals| are_apart(&tables, literals));
    let cookies = CookieRewrite { domain: domain?, path: path?, secure: secure?, same_site: same_site? };
    Some(RewriteSettings { locations: locations?, cookies, literals: literals? })
}

fn cookie_path(text: &str) -> Result<String, Mistake> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if !text.starts_with('/') || !text.bytes().all(is_plain) {
        let what = format!("`{text}` is not the path of a cookie");
        return Err(Mistake::new(
            what,
            "such as `\"/ehr/\"`: it begins with `/` and has no blank and no `;`",
        ));
    }
    Ok(text.to_owned())
}

fn literal(reader: &Reader<'_>) -> Option<Literal> {
    let find = reader.text_with("find", |text| {
        if !(FIND_BYTES_MIN..=BYTES_MAX).contains(&text.len()) {
            let what = format!("`{text}` has {} bytes", text.len());
            return Err(Mistake::new(what, "4 to 256 bytes: a shorter text would stand anywhere"));
        }
        Ok(text.to_owned())
    });
    let replace = reader.text_with("replace", |text| {
        if text.len() > BYTES_MAX {
            return Err(Mistake::new(format!("it has {} bytes", text.len()), "at most 256 bytes"));
        }
        Ok(text.to_owned())
    });
    Some(Literal { find: find?, replace: replace? })
}

/// No literal begins another: else it would depend on their order which of them is found.
fn are_apart(tables: &[Reader<'_>], literals: &[Literal]) -> bool {
    let mut is_right = true;
    for (position, (table, literal)) in tables.iter().zip(literals).enumerate() {
        if position >= LITERALS_MAX {
            table.error("find", "there are more than 8 literals", "at most 8");
            return false;
        }
        let others = literals.iter().enumerate().filter(|(other, _)| *other != position);
        if let Some((_, other)) = others.clone().find(|(_, other)| other.find.starts_with(&literal.find)) {
            let what = format!("`{}` is the beginning of `{}`", literal.find, other.find);
            table.error("find", what, "texts of which none begins another");
            is_right = false;
        }
    }
    is_right
}

const LITERALS_MAX: usize = 8;
const FIND_BYTES_MIN: usize = 4;
const BYTES_MAX: usize = 256;
