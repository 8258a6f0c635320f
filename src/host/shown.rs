//! Texts of others in what is shown to people: jobs can write a runner's files, and a terminal obeys more than letters.

use std::path::Path;

/// `text` in one line, without what a terminal would take for an order.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

/// The same of a path.
pub(super) fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_moves_the_cursor_or_begins_a_line() {
        assert_eq!(shown("a\u{1b}[2Jé\nb"), "a\u{fffd}[2Jé\u{fffd}b");
    }
}
