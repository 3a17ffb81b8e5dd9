//! What was probably meant.

/// The name among `known` that was probably meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = |known: &'n str| (distance(name, known), known);
    let (distance, known) = known.map(near).min()?;
    (distance <= 1 + name.chars().count() / 4).then_some(known)
}

/// How many letters have to be put in, left out or changed to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, letter) in one.chars().enumerate() {
        let (mut diagonal, mut left) = (line, line + 1);
        let mut next = vec![left];
        for (other, above) in other.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(letter != other);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_is_told_from_another_word() {
        let known = || ["timeout", "time_zone", "idle"].into_iter();
        assert_eq!(nearest("timout", known()), Some("timeout"));
        assert_eq!(nearest("timezone", known()), Some("time_zone"));
        assert_eq!(nearest("ilde", known()), Some("idle"));
        assert_eq!(nearest("upstream", known()), None);
    }
}
