//! Figures as people read them.

use std::time::Duration;

use humansize::{DECIMAL, format_size};

/// `1234567` as `1.23 MB`.
pub fn bytes(bytes: u64) -> String {
    format_size(bytes, DECIMAL)
}

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration as seconds with two or, when it is short, three digits behind the point.
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.1 { format!("{seconds:.3} s") } else { format!("{seconds:.2} s") }
}

/// `1 file`, `2 files`.
pub(super) fn files(number: u64) -> String {
    format!("{} file{}", count(number), if number == 1 { "" } else { "s" })
}

/// `1 entry`, `2 entries`.
pub fn entries(number: u64) -> String {
    format!("{} entr{}", count(number), if number == 1 { "y" } else { "ies" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_grouped() {
        assert_eq!(
            (count(0), count(999), count(1000), count(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        assert_eq!(bytes(1_234_567), "1.23 MB");
        assert_eq!(seconds(Duration::from_millis(12)), "0.012 s");
        assert_eq!((files(1), files(2)), ("1 file".into(), "2 files".into()));
    }
}
