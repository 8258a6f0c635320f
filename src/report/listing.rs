//! All entries in 80 columns, by repository and layer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

use super::figures::bytes;
use super::table::ago;
use crate::store::Layer;
use crate::store::retention::Known;
use crate::store::shown_key;

/// Columns of the text, whatever the terminal: what is piped is what is seen.
const WIDTH: usize = 80;

/// Blanks between two columns, and before the first one.
const GAP: usize = 2;

/// An entry in words: key, ref, lane, size, last use.
type Row = [String; 5];

/// The entries of a repository and layer, with what is to be noted of each.
type Group = Vec<(Row, Option<&'static str>)>;

/// Entries in groups, in the given order. No line is longer than 80 columns: of refs, lanes and repositories
/// that do not fit, the middle goes.
pub(super) fn entries_listing(entries: &[Known], now: Timestamp) -> String {
    let mut groups: BTreeMap<(&str, Layer), Group> = BTreeMap::new();
    for Known { header, last_used, .. } in entries {
        let reference = &header.scope.reference;
        let row = [
            shown_key(header.layer(), &header.key),
            // Branches, tags and pull requests stay apart: `heads/main`, `tags/v1`, `pull/7/merge`.
            reference.strip_prefix("refs/").unwrap_or(reference).to_owned(),
            header.lane.clone(),
            bytes(header.bytes),
            ago(*last_used, now),
        ];
        let group = groups.entry((&header.scope.repository, header.layer())).or_default();
        group.push((row, header.finality.note()));
    }
    let heads = ["KEY", "REF", "LANE", "SIZE", "LAST USE"].map(str::to_owned);
    let widths = widths(groups.values().flatten().map(|(row, _)| row).chain([&heads]));
    let mut text = line(&heads, widths);
    for ((repository, layer), rows) in &groups {
        let room = WIDTH - layer.name().len() - ": ".len();
        let _ = writeln!(text, "\n{}: {layer}", fitted(repository, room));
        for (row, note) in rows {
            text.push_str(&line(row, widths));
            if let Some(note) = note {
                let _ = writeln!(text, "{:1$}{note}", "", 2 * GAP);
            }
        }
    }
    text.pop();
    text
}

/// What each column takes: refs and lanes share what the others leave.
fn widths<'r>(rows: impl Iterator<Item = &'r Row>) -> [usize; 5] {
    let mut widths = [0; 5];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    let [key, reference, lane, size, last_use] = widths;
    let room = WIDTH.saturating_sub(key + size + last_use + 5 * GAP);
    let (reference, lane) = shared(reference, lane, room);
    [key, reference, lane, size, last_use]
}

/// What two columns get of `room`: what they need, or else the half and what the other one leaves.
fn shared(one: usize, other: usize, room: usize) -> (usize, usize) {
    let half = room / 2;
    if one + other <= room {
        (one, other)
    } else if one <= half {
        (one, room - one)
    } else if other <= half {
        (room - other, other)
    } else {
        (room - half, half)
    }
}

/// A line with its end. Sizes stand to the right.
fn line(row: &Row, widths: [usize; 5]) -> String {
    let mut text = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        let cell = fitted(cell, width);
        let blanks = " ".repeat(width - columns(&cell));
        let gap = " ".repeat(GAP);
        let parts = if index == 3 { [gap, blanks, cell] } else { [gap, cell, blanks] };
        text.extend(parts);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// `text` in at most `width` columns and one line: of what is longer, the middle goes.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let letters: Vec<char> = text.chars().map(printable).collect();
    if letters.iter().map(|&letter| column(letter)).sum::<usize>() <= width {
        return letters.into_iter().collect();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let end = most(letters.iter().rev(), room / 2);
    let start = most(letters.iter(), room - room / 2);
    let mut text: String = letters[..start].iter().collect();
    text.push('…');
    text.extend(&letters[letters.len() - end..]);
    text
}

/// How many of `letters` fit into `room`.
fn most<'l>(letters: impl Iterator<Item = &'l char>, mut room: usize) -> usize {
    letters
        .take_while(|&&letter| {
            room.checked_sub(column(letter)).is_some_and(|rest| {
                room = rest;
                true
            })
        })
        .count()
}

pub(super) fn columns(text: &str) -> usize {
    text.chars().map(printable).map(column).sum()
}

fn column(letter: char) -> usize {
    letter.width().unwrap_or(1)
}

/// The letter, but for those that move the cursor.
fn printable(letter: char) -> char {
    if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_fitted_is_one_line_that_fits(text in any::<String>(), width in 1_usize..60) {
            let fit = fitted(&text, width);
            prop_assert!(columns(&fit) <= width && fit.lines().count() <= 1, "{fit:?}");
            prop_assert!(columns(&text) > width || !fit.contains('…') || text.contains('…'));
        }

        #[test]
        fn no_line_is_longer_than_80_columns(cells in prop::array::uniform2(any::<String>())) {
            let [reference, lane] = cells;
            let key = "setup-node-22-linux1".to_owned();
            let row = [key, reference, lane, "999.99 MB".into(), "59 minutes ago".into()];
            let text = line(&row, widths([&row].into_iter()));
            prop_assert!(columns(text.trim_end_matches('\n')) <= 80, "{text:?}");
        }
    }

    #[test]
    fn the_middle_goes_of_what_is_too_long() {
        assert_eq!(fitted("heads/feature/long-name", 11), "heads…-name");
        assert_eq!(fitted("heads/main", 10), "heads/main");
        assert_eq!(fitted("漢字漢字", 5), "漢…字", "wide letters take two columns");
    }

    #[test]
    fn columns_share_what_there_is() {
        assert_eq!(shared(10, 5, 20), (10, 5));
        assert_eq!(shared(30, 5, 20), (15, 5));
        assert_eq!(shared(5, 30, 20), (5, 15));
        assert_eq!(shared(30, 30, 21), (11, 10));
    }
}
