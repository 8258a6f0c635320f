//! Entries for a terminal: a table of all, or all about a few.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use jiff::Timestamp;

use super::figures::{bytes, count, whole};
use super::key_id::{key_id, shown_key};
use crate::store::Layer;
use crate::store::retention::{Known, Planned, Policy, Reason, Usage, Weights};

/// A table of entries, as they are ordered, with all that tells them apart, whole.
pub fn entries_table(entries: &[Known], now: Timestamp) -> String {
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

/// The entries as a JSON array.
pub fn entries_json(entries: &[Known]) -> String {
    let values: Vec<_> = entries
        .iter()
        .map(|Known { id, header, last_used, .. }| {
            serde_json::json!({
                "layer": header.layer(),
                "key": header.key,
                "repository": header.scope.repository,
                "ref": header.scope.reference,
                "lane": header.lane,
                "files": header.files,
                "bytes": header.bytes,
                "created": header.created,
                "finality": header.finality,
                "last_used": last_used,
                "made_in_seconds": header.made_in_seconds,
                "folder": id.path(),
                "origin": header.origin,
            })
        })
        .collect();
    format!("{:#}", serde_json::Value::from(values))
}

/// A table of what is to go, and why.
pub fn plan_table(plan: &[Planned], entries: &[Known], policy: &Policy, now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["LAYER", "KEY", "REPOSITORY", "REF", "SIZE", "LAST USE", "WHY"]);
    for planned in plan {
        let Some(Known { header, last_used, .. }) = entries.iter().find(|entry| entry.id == planned.id)
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
            why(planned.reason, policy),
        ]);
    }
    align_right(&mut table, &[4]);
    table.to_string()
}

fn why(reason: Reason, policy: &Policy) -> String {
    match reason {
        Reason::Count { keep } => format!("{keep} newer of its family"),
        Reason::Superseded => "a later job completed it".into(),
        Reason::Age => match policy.max_age {
            Some(most) => format!("unused for more than {}", whole(most)),
            None => "unused for long".into(),
        },
        Reason::Toolchain => "its repository uses another compiler".into(),
        Reason::Size => format!("all take more than {}", bytes(policy.max_size.unwrap_or_default())),
        Reason::Room => "the disk is short of room".into(),
        Reason::Asked => "asked for".into(),
    }
}

/// What entries take, by layer and repository. What several rows have in common is a row of its own, so that all add up.
pub fn usage_table(entries: &[Known], usage: &[Usage]) -> String {
    let mut groups: BTreeMap<(Layer, &str), (u64, u64, Vec<&Usage>)> = BTreeMap::new();
    for (entry, usage) in entries.iter().zip(usage) {
        let of = (entry.header.layer(), entry.header.scope.repository.as_str());
        let (count, recorded, usages) = groups.entry(of).or_default();
        *count += 1;
        *recorded += entry.header.bytes;
        usages.push(usage);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "LAYER",
        "REPOSITORY",
        "ENTRIES",
        "RECORDED",
        "ON DISK",
        "FREED IF GONE",
    ]);
    let of_groups: Vec<_> = groups.values().map(|(_, _, usages)| usages.clone()).collect();
    let parts = Parts::of(usage, &of_groups);
    for (((layer, repository), (number, recorded, _)), part) in groups.iter().zip(&parts.own) {
        table.add_row([
            layer.to_string(),
            (*repository).to_owned(),
            count(*number),
            bytes(*recorded),
            bytes(part.size),
            bytes(part.freed),
        ]);
    }
    let last = |what: &str, number: String, recorded: String, part: Part| {
        [what.to_owned(), String::new(), number, recorded, bytes(part.size), bytes(part.freed)]
    };
    if parts.shared.size > 0 {
        table.add_row(last("in several", String::new(), String::new(), parts.shared));
    }
    let recorded = entries.iter().map(|entry| entry.header.bytes).sum();
    table.add_row(last("all", count(entries.len() as u64), bytes(recorded), parts.all));
    align_right(&mut table, &[2, 3, 4, 5]);
    table.to_string()
}

/// Bytes on the disk, and what it would have more without them: what a workspace has as well stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    size: u64,
    freed: u64,
}

/// What groups of entries take: each for itself, several in common, and all. The first two add up to the last.
struct Parts {
    own: Vec<Part>,
    shared: Part,
    all: Part,
}

impl Parts {
    fn of(usage: &[Usage], groups: &[Vec<&Usage>]) -> Self {
        let whole = Weights::of(usage).size();
        let without = |gone: &[&Usage]| {
            let mut weights = Weights::of(usage);
            for usage in gone {
                weights.remove(usage);
            }
            Part { size: whole - weights.size(), freed: weights.freed().bytes }
        };
        let own: Vec<_> = groups.iter().map(|group| without(group)).collect();
        let all = without(&usage.iter().collect::<Vec<_>>());
        let sum = own.iter().fold((0, 0), |(size, freed), part| (size + part.size, freed + part.freed));
        Self { own, shared: Part { size: all.size - sum.0, freed: all.freed - sum.1 }, all }
    }
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A directory that an entry holds.
#[derive(Debug, Clone)]
pub struct HeldDirectory {
    /// What the job calls it.
    pub name: String,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// All that is known about an entry.
pub fn entry_details(entry: &Known, held: &[HeldDirectory]) -> String {
    let Known { id, header, last_used, .. } = entry;
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
    for HeldDirectory { name, files, bytes: size } in held {
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
    use crate::store::retention::{Block, BlockId};

    #[test]
    fn what_groups_take_adds_up() {
        let block =
            |&(id, bytes): &(u64, u64)| Block { id: BlockId::File(id), bytes, is_held_elsewhere: id == 3 };
        let usage = |blocks: &[(u64, u64)]| Usage { blocks: blocks.iter().map(block).collect() };
        let usages = [usage(&[(1, 1000), (2, 2000)]), usage(&[(2, 2000), (3, 4000)]), usage(&[(3, 4000)])];
        let Parts { own, shared, all } =
            Parts::of(&usages, &[vec![&usages[0]], vec![&usages[1], &usages[2]]]);
        let part = |size, freed| Part { size, freed };
        assert_eq!(own, [part(1000, 1000), part(4000, 0)]);
        assert_eq!((shared, all), (part(2000, 2000), part(7000, 3000)));
    }

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
