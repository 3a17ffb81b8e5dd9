//! Durations (`15m`) and sizes (`2MiB`), as people write them.

use std::time::Duration;

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A whole number and one of `ms`, `s`, `m`, `h`, `d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    scaled(text, &DURATIONS).map(Duration::from_millis)
}

/// A whole number and one of `B`, `KiB`, `MiB`, `GiB`.
pub(super) fn size(text: &str) -> Option<u64> {
    scaled(text, &SIZES)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("15m"), Some(Duration::from_secs(15 * 60)));
        assert_eq!(duration("2d"), Some(Duration::from_secs(48 * 3600)));
        for wrong in ["", "15", "m", "1.5h", "-1s", "1h30m", "15 m", "15M", "99999999999999999d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_size_is_a_number_and_a_binary_unit() {
        assert_eq!(size("2MiB"), Some(2 * 1024 * 1024));
        assert_eq!(size("64KiB"), Some(65_536));
        for wrong in ["", "64", "64KB", "64kib", "1GiB ", "99999999999GiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
