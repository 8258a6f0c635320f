//! The line by which a file tells that `host setup` wrote it, and whether anybody changed it since.

use crate::sys::sha256_hex;

/// What stands in the line before the digest of all other lines.
const MADE: &str = "Written by `runner-cache host setup`; SHA-256 of the other lines: ";

/// How the first line of zsh's completions begins, which zsh reads.
const COMPDEF: &str = "#compdef ";

/// What a file's line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is as it was written.
    Whole,
    /// Somebody changed it since.
    Changed,
    /// There is none: the file is somebody else's.
    None,
}

/// `text` with the line, which begins as comments do: the first one, or that behind a line which must be the first.
pub(super) fn marked(comment: &str, text: &str) -> String {
    let (before, after) = split(text);
    format!("{before}{comment} {MADE}{}\n{after}", sha256_hex(text.as_bytes()))
}

/// Reads the line of a file.
pub(super) fn read(bytes: &[u8]) -> Mark {
    let Ok(text) = std::str::from_utf8(bytes) else { return Mark::None };
    let (before, after) = split(text);
    let (line, after) = after.split_once('\n').unwrap_or((after, ""));
    match line.split_once(MADE) {
        Some((_, digest)) if digest == sha256_hex(format!("{before}{after}").as_bytes()) => Mark::Whole,
        Some(_) => Mark::Changed,
        None => Mark::None,
    }
}

/// A whole file's text without the line.
pub(super) fn unmarked(text: &str) -> String {
    let (before, after) = split(text);
    format!("{before}{}", after.split_once('\n').map_or("", |(_, after)| after))
}

/// The line that must be the first, and the rest.
fn split(text: &str) -> (&str, &str) {
    let end = if text.starts_with(COMPDEF) { text.find('\n').map_or(text.len(), |end| end + 1) } else { 0 };
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_ours_from_others_and_whole_from_changed() {
        for text in ["a\nb\n", "", "#compdef x\na\n"] {
            let ours = marked("#", text);
            assert_eq!(read(ours.as_bytes()), Mark::Whole, "{ours}");
            assert_eq!(read(format!("{ours}more\n").as_bytes()), Mark::Changed);
            assert_eq!(read(text.as_bytes()), Mark::None);
            assert_eq!(unmarked(&ours), text);
        }
        let zsh = marked("#", "#compdef x\na\n");
        assert!(zsh.starts_with("#compdef x\n# Written by"), "{zsh}");
        let moved = format!("other\n{}", marked("#", "a\n"));
        assert_eq!(read(moved.as_bytes()), Mark::None, "the mark is not the first line");
        assert_eq!(read(&[0xff]), Mark::None);
    }
}
