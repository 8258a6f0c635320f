//! Entries for a terminal: a table of all, or all about a few.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use jiff::Timestamp;

use super::figures::{bytes, count, whole};
use crate::outcome::{Doomed, GroupUsage, HeldDirectory, InspectedEntry, Part, UsageOutcome};
use crate::store::retention::{Known, Policy, Reason};
use crate::store::{key_id, shown_key};

/// A table of entries, as they are ordered, with all that tells them apart, whole.
pub(super) fn entries_table(entries: &[Known], now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "LAYER",
        "ID",
        "KEY",
        "REPOSITORY",
        "REF",
        "LANE",
        "FILES",
        "SIZE",
        "LAST USE",
        "RUN",
        "COMMIT",
        "NOTE",
    ]);
    for Known { header, last_used, .. } in entries {
        table.add_row([
            header.layer().to_string(),
            key_id(header.layer(), &header.key),
            header.key.clone(),
            header.scope.repository.clone(),
            header.scope.reference.clone(),
            header.lane.clone(),
            count(header.files),
            bytes(header.bytes),
            ago(*last_used, now),
            header.origin.run.clone().unwrap_or_default(),
            header.origin.commit.as_deref().map(abbreviated).unwrap_or_default().to_owned(),
            header.finality.note().unwrap_or_default().to_owned(),
        ]);
    }
    align_right(&mut table, &[6, 7]);
    table.to_string()
}

/// As git abbreviates it.
fn abbreviated(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// A table of what is to go, and why.
pub(super) fn doomed_table(doomed: &Doomed, now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["LAYER", "KEY", "REPOSITORY", "REF", "SIZE", "LAST USE", "WHY"]);
    for planned in &doomed.plan {
        let Some(Known { header, last_used, .. }) = doomed.known.iter().find(|entry| entry.id == planned.id)
        else {
            continue;
        };
        table.add_row([
            header.layer().to_string(),
            shown_key(header.layer(), &header.key),
            header.scope.repository.clone(),
            header.scope.reference.clone(),
            bytes(header.bytes),
            ago(*last_used, now),
            why(planned.reason, &doomed.policy),
        ]);
    }
    align_right(&mut table, &[4]);
    table.to_string()
}

fn why(reason: Reason, policy: &Policy) -> String {
    match reason {
        Reason::Count { keep } => format!("{keep} newer versions"),
        Reason::Superseded => "superseded by a complete entry".into(),
        Reason::Age => match policy.max_age {
            Some(most) => format!("unused for more than {}", whole(most)),
            None => "unused too long".into(),
        },
        Reason::Toolchain => "compiler no longer used by its repository".into(),
        Reason::Size => format!("total size above {}", bytes(policy.max_size.unwrap_or_default())),
        Reason::Room => "disk too full".into(),
        Reason::Closed => "pull request closed or branch deleted".into(),
        Reason::Asked => "requested".into(),
    }
}

/// What entries take, by layer and repository. What several rows have in common is a row of its own, so that all add up.
pub(super) fn usage_table(usage: &UsageOutcome) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "LAYER",
        "REPOSITORY",
        "ENTRIES",
        "RECORDED",
        "ON DISK",
        "FREED IF EVICTED",
    ]);
    for GroupUsage { layer, repository, entries, recorded, own } in &usage.groups {
        table.add_row([
            layer.to_string(),
            repository.clone(),
            count(*entries),
            bytes(*recorded),
            bytes(own.bytes),
            bytes(own.freed),
        ]);
    }
    let last = |what: &str, number: String, recorded: String, part: Part| {
        [what.to_owned(), String::new(), number, recorded, bytes(part.bytes), bytes(part.freed)]
    };
    if usage.shared.bytes > 0 {
        table.add_row(last("in several", String::new(), String::new(), usage.shared));
    }
    table.add_row(last("all", count(usage.entries), bytes(usage.recorded), usage.all));
    align_right(&mut table, &[2, 3, 4, 5]);
    table.to_string()
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// All that is known about an entry.
pub(super) fn entry_details(entry: &InspectedEntry) -> String {
    let Known { id, header, last_used, .. } = &entry.known;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("id", &key_id(header.layer(), &header.key));
    line("key", &header.key);
    line("layer", header.layer().name());
    line("repository", &header.scope.repository);
    line("ref", &header.scope.reference);
    line("lane", &header.lane);
    line("created", &header.created.to_string());
    if let Some(note) = header.finality.note() {
        line("note", note);
    }
    line("last use", &last_used.to_string());
    line("size", &format!("{} in {} files", bytes(header.bytes), count(header.files)));
    line("directory", &id.path().display().to_string());
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
    if let Some(unit) = header.unit() {
        let features = match unit.features.as_str() {
            "" | "[]" => String::new(),
            features => format!(", features {features}"),
        };
        line("unit", &format!("{} in {}{features}", unit.package, unit.slot));
        let others = unit.needs.len() as u64;
        line("built with", &format!("{} other unit{}", count(others), if others == 1 { "" } else { "s" }));
    }
    for HeldDirectory { name, files, bytes: size } in &entry.holds {
        line("holds", &format!("{name}: {} in {} files", bytes(*size), count(*files)));
    }
    for install in header.installs() {
        line("installed", &install.package);
    }
    for factor in &header.factors {
        line("factor", &format!("{} ({})", factor.name, factor.digest));
        for (label, value) in &factor.items {
            line("", &format!("{label}: {}", value.trim_end().replace('\n', "; ")));
        }
    }
    text
}

/// `2 hours ago`, in the largest unit.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
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
