//! Parts of a step summary, in Markdown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::store::{Layer, shown_key};

/// A column: its head, and whether it has figures.
pub(super) type Column = (&'static str, bool);

/// A table without the columns in which no row has anything.
pub(super) fn table<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let used: Vec<_> = (0..N).filter(|&index| rows.iter().any(|row| !row[index].is_empty())).collect();
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(used.iter().map(|&index| columns[index].0).collect());
    let rules = used.iter().map(|&index| if columns[index].1 { "---:" } else { "---" });
    let _ = writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|"));
    for row in rows {
        text += &line(used.iter().map(|&index| &*row[index]).collect());
    }
    text
}

/// The whole keys of those that are shown by an id, folded; nothing where there are none.
pub(super) fn whole_keys<'k>(keys: impl Iterator<Item = (Layer, &'k str)>) -> String {
    let shown = keys.map(|(layer, key)| (shown_key(layer, key), key)).filter(|(shown, key)| shown != key);
    let lines: BTreeSet<_> = shown.map(|(shown, key)| format!("{}: {}", code(&shown), code(key))).collect();
    if lines.is_empty() {
        return String::new();
    }
    let lines = lines.into_iter().collect::<Vec<_>>().join("\n- ");
    format!("<details><summary>Whole keys</summary>\n\n- {lines}\n\n</details>\n")
}

/// Text in a cell of a table, whatever is in it.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "&#124;").replace('`', "&#96;");
    text.replace(['\n', '\r'], " ")
}

/// Text as code in a cell of a table, whatever is in it.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// `text` as it is, in Markdown. The fence is longer than any in it.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// What processes told of trouble that outlived earlier jobs, for the step summary.
pub(crate) fn earlier_trouble(lines: &[String]) -> String {
    format!("### runner-cache: trouble after earlier jobs\n\n{}\n", fenced(&lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_anything_are_left_out() {
        let rows = [["a", "", "1"], ["b", "", ""]].map(|row| row.map(str::to_owned));
        let table = table([("layer", false), ("from", false), ("files", true)], &rows);
        assert_eq!(table, "| layer | files |\n|---|---:|\n| a | 1 |\n| b |  |\n");
    }

    #[test]
    fn only_keys_that_are_shown_by_an_id_are_folded() {
        assert_eq!(whole_keys([(Layer::Paths, "npm-1")].into_iter()), "");
        let key = "cargo-linux-base.0c4d83e050d3ee32-lock.762444543379a8a5";
        let folded = whole_keys([(Layer::Cargo, key), (Layer::Cargo, key)].into_iter());
        assert_eq!(folded.matches(key).count(), 1, "{folded}");
        assert!(folded.starts_with("<details>") && folded.ends_with("\n\n</details>\n"), "{folded}");
    }
}
