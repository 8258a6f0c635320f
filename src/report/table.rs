//! Entries for a terminal: a table of all, or all about a few.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use jiff::Timestamp;

use super::figures::{bytes, count};
use crate::store::retention::Known;

/// A table of entries, as they are ordered.
pub fn entries_table(entries: &[Known], now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "LAYER",
        "KEY",
        "REPOSITORY",
        "REF",
        "LANE",
        "FILES",
        "SIZE",
        "LAST USE",
    ]);
    for Known { header, last_used, .. } in entries {
        table.add_row([
            header.layer.to_string(),
            header.key.clone(),
            header.scope.repository.clone(),
            header.scope.reference.clone(),
            header.lane.clone(),
            count(header.files),
            bytes(header.bytes),
            ago(*last_used, now),
        ]);
    }
    for column in [5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// All that is known about an entry.
pub fn entry_details(entry: &Known, roots: &[(String, u64, u64)]) -> String {
    let Known { id, header, last_used } = entry;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("key", &header.key);
    line("layer", header.layer.name());
    line("repository", &header.scope.repository);
    line("ref", &header.scope.reference);
    line("lane", &header.lane);
    line("created", &header.created.to_string());
    line("last use", &last_used.to_string());
    line("size", &format!("{} in {} files", bytes(header.bytes), count(header.files)));
    line("folder", &id.path().display().to_string());
    let origin = &header.origin;
    let made_by = [
        ("workflow", &origin.workflow),
        ("job", &origin.job),
        ("run", &origin.run),
        ("commit", &origin.commit),
        ("runner", &origin.runner),
    ];
    for (name, value) in made_by {
        if let Some(value) = value {
            line(name, value);
        }
    }
    for (name, files, size) in roots {
        line("holds", &format!("{name}: {} in {} files", bytes(*size), count(*files)));
    }
    for factor in &header.factors {
        line("factor", &format!("{} ({})", factor.name, factor.digest));
        for (label, value) in &factor.items {
            line("", &format!("{label}: {}", value.trim_end().replace('\n', "; ")));
        }
    }
    text
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    let (number, unit) = match seconds {
        ..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ago = |seconds: i64| ago(Timestamp::from_second(1_000_000 - seconds).unwrap(), now);
        assert_eq!(
            [ago(5), ago(60), ago(7200), ago(86_400)],
            ["just now", "1 minute ago", "2 hours ago", "1 day ago"]
        );
        assert_eq!(ago(-50), "just now", "a clock that was set back");
    }
}
