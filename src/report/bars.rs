//! Bars and lines of letters: small charts that a terminal, a log and a file show alike.

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar of `width` letters, of which `part` of `whole` is full.
pub(super) fn bar(part: u64, whole: u64, width: usize) -> String {
    let eighths = share(part, whole, width * 8);
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(EIGHTHS[eighths % 8 - 1]);
    }
    let used = eighths.div_ceil(8);
    text + &"·".repeat(width - used)
}

/// A letter for each part of a whole, the larger the part the fuller; a dot where the whole is nothing.
pub(super) fn sparkline(parts: impl Iterator<Item = (u64, u64)>) -> String {
    let levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let letter = |(part, whole)| if whole == 0 { '·' } else { levels[share(part, whole, 7)] };
    parts.map(letter).collect()
}

/// The share of `part` in `whole`, in so many steps.
fn share(part: u64, whole: u64, steps: usize) -> usize {
    let (part, whole) = (u128::from(part.min(whole)), u128::from(whole.max(1)));
    usize::try_from((part * steps as u128 * 2 + whole) / (2 * whole)).unwrap_or(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_its_part() {
        let bars = [(0, 0), (0, 5), (1, 2), (5, 5), (9, 5)].map(|(part, whole)| bar(part, whole, 4));
        assert_eq!(bars, ["····", "····", "██··", "████", "████"]);
        assert_eq!(bar(6, 10, 4), "██▍·");
    }

    #[test]
    fn a_sparkline_has_a_letter_a_value() {
        assert_eq!(sparkline([(0, 10), (0, 0), (5, 10), (u64::MAX, u64::MAX)].into_iter()), "▁·▅█");
    }
}
