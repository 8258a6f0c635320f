//! How a file differs from what it is to be, as `diff -u` shows it.

use std::fmt::Write as _;

use similar::algorithms::{Capture, Replace, myers};
use similar::{DiffOp, group_diff_ops};

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// The difference of two texts, each with its name; nothing where they are the same.
pub fn difference(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    // One algorithm on one kind of text: the crate's own form of a diff brings all of them, ten times as large.
    let mut changes = Replace::new(Capture::new());
    let Ok(()) = myers::diff(&mut changes, &old[..], 0..old.len(), &new[..], 0..new.len());
    let mut text = String::new();
    for changes in group_diff_ops(changes.into_inner().into_ops(), AROUND) {
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else { continue };
        if text.is_empty() {
            let _ = writeln!(text, "--- {old_name}\n+++ {new_name}");
        }
        let side = |from: usize, to: usize| {
            // An empty range begins before its first line.
            format!("{},{}", if from == to { from } else { from + 1 }, to - from)
        };
        let _ = writeln!(
            text,
            "@@ -{} +{} @@",
            side(first.old_range().start, last.old_range().end),
            side(first.new_range().start, last.new_range().end)
        );
        for change in &changes {
            let mut show = |mark: char, lines: &[&str]| {
                for line in lines {
                    let _ = writeln!(text, "{mark}{line}");
                }
            };
            let (of_old, of_new) = (&old[change.old_range()], &new[change.new_range()]);
            if let DiffOp::Equal { .. } = change {
                show(' ', of_old);
            } else {
                show('-', of_old);
                show('+', of_new);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_as_diff_shows_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";
        let shown = "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n";
        assert_eq!(difference("a", old, "b", new), shown);
        assert_eq!(difference("/dev/null", "", "b", "x\n"), "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+x\n");
        assert_eq!(difference("a", old, "b", old), "");
    }
}
