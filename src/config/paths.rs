//! The files that a pattern such as `applications/*.toml` names.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The files that `pattern` names below `folder`, by name. Without a `*` it is that one file, whether
/// it is there or not.
pub(super) fn expand(folder: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_path_buf()];
    for part in Path::new(pattern) {
        let part_text = part.to_string_lossy();
        if !part_text.contains('*') {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let mut next = Vec::new();
        for folder in &found {
            next.extend(matching(folder, &part_text)?);
        }
        found = next;
    }
    Ok(found)
}

/// Those of `paths` that `pattern` names below `folder`, by name.
pub(super) fn among<'p>(paths: impl Iterator<Item = &'p Path>, folder: &Path, pattern: &str) -> Vec<PathBuf> {
    // Parts above and parts that are the folder itself stand in paths as they are written.
    let wanted = folder.join(pattern);
    let is_meant = |path: &&Path| {
        let (parts, wanted): (Vec<_>, Vec<_>) = (path.iter().collect(), wanted.iter().collect());
        let fit =
            |(part, wanted): (&&OsStr, &&OsStr)| fits(&wanted.to_string_lossy(), &part.to_string_lossy());
        parts.len() == wanted.len() && parts.iter().zip(&wanted).all(fit)
    };
    let mut found: Vec<PathBuf> = paths.filter(is_meant).map(Path::to_path_buf).collect();
    found.sort();
    found
}

fn matching(folder: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = match std::fs::read_dir(shown) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(vec![]);
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        // Editors leave hidden copies beside a file.
        if !text.starts_with('.') && fits(pattern, &text) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Whether `text` is `pattern`, where `*` stands for any characters.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text) in
            [("*.toml", "ehr.toml"), ("*", "x"), ("a*c*e", "abcde"), ("a*", "a"), ("a", "a")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("*.toml", "ehr.tom"), ("a*b", "a"), ("a*a", "a"), ("a*c*e", "abde"), ("a", "ab")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
