//! Figures as people read them.

use std::time::Duration;

use humansize::{DECIMAL, format_size};
use jiff::SignedDuration;

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
pub(super) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.1 { format!("{seconds:.3} s") } else { format!("{seconds:.2} s") }
}

/// `1 second`, `12 hours`, `14 days`: in the largest unit of which it is a whole number.
pub(super) fn whole(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let is_whole = |(length, _): &(i64, &str)| seconds >= *length && seconds % length == 0;
    let (length, unit) = units.into_iter().find(is_whole).unwrap_or((1, "second"));
    let number = seconds / length;
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A time in microseconds, by its two largest units: `3 h 5 min`, `12.3 s`.
pub(super) fn lasting(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let whole = (micros + 500_000) / 1_000_000;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    match whole {
        86_400.. => format!("{sign}{} d {} h", whole / 86_400, hours % 24),
        3600.. => format!("{sign}{hours} h {minutes} min"),
        60.. => format!("{sign}{minutes} min {} s", whole % 60),
        _ => format!("{sign}{:.1} s", micros as f64 / 1e6),
    }
}

/// `1 file`, `2 files`.
pub(super) fn files(number: u64) -> String {
    format!("{} file{}", count(number), if number == 1 { "" } else { "s" })
}

/// `1 entry`, `2 entries`.
pub(super) fn entries(number: u64) -> String {
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
        let wholes =
            [0, 1, 90, 7200, 129_600, 86_400, 1_209_600].map(|time| whole(SignedDuration::from_secs(time)));
        let units = ["0 seconds", "1 second", "90 seconds", "2 hours", "36 hours", "1 day", "14 days"];
        assert_eq!(wholes, units);
        let lastings = [0, 12_340_000, -65_000_000, 3_600_000_000, 90_000_000_000].map(lasting);
        assert_eq!(lastings, ["0.0 s", "12.3 s", "-1 min 5 s", "1 h 0 min", "1 d 1 h"]);
        assert_eq!((files(1), files(2)), ("1 file".into(), "2 files".into()));
    }
}
