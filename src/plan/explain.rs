//! Why an entry was not what a job looked for: what their keys were made from, side by side.

use std::cmp::Reverse;

use serde::Serialize;

use super::layer_plan::LayerPlan;
use crate::store::{Factor, Header};

/// A part of the key that is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The factor's name, such as `lock`.
    pub factor: String,
    /// What of it differs; nothing where an entry did not note what it was made from.
    pub changes: Vec<Change>,
}

/// A thing that went into a key and is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// A file's path or a variable's name.
    pub label: String,
    /// Its value or digest in the entry's key.
    pub old: Option<String>,
    /// Its value or digest in the job's key.
    pub new: Option<String>,
}

/// What of the job's factors `ours` differs from those of an entry.
pub fn differences(ours: &[Factor], theirs: &[Factor]) -> Vec<Difference> {
    let their = |name: &str| theirs.iter().find(|factor| factor.name == name);
    let differs = |factor: &&Factor| their(&factor.name).is_none_or(|other| other.digest != factor.digest);
    let difference = |factor: &Factor| {
        let items = their(&factor.name).map_or(&[][..], |other| &other.items);
        Difference { factor: factor.name.clone(), changes: changes(items, &factor.items) }
    };
    ours.iter().filter(differs).map(difference).collect()
}

fn changes(old: &[(String, String)], new: &[(String, String)]) -> Vec<Change> {
    let value = |items: &[(String, String)], label: &str| {
        items.iter().find(|(other, _)| other == label).map(|(_, value)| value.clone())
    };
    let mut labels: Vec<&String> = new.iter().chain(old).map(|(label, _)| label).collect();
    labels.sort();
    labels.dedup();
    let change =
        |label: &String| Change { label: label.clone(), old: value(old, label), new: value(new, label) };
    labels.into_iter().map(change).filter(|change| change.old != change.new).collect()
}

/// The entry whose key is nearest to that of `layer`, and what differs. Parts stand in the order of their weight, so an
/// entry that differs in the last one is nearer than all that differ in one before; among equals it is the newest.
/// `None` where there is none, or the key is in the user's words.
pub fn nearest<'e>(
    layer: &LayerPlan,
    entries: impl IntoIterator<Item = &'e Header>,
) -> Option<(&'e Header, Vec<Difference>)> {
    if layer.factors.is_empty() {
        return None;
    }
    let weight = |differences: &[Difference]| {
        let is_other =
            |factor: &Factor| differences.iter().any(|difference| difference.factor == factor.name);
        layer.factors.iter().fold(0_u32, |weight, factor| weight << 1 | u32::from(is_other(factor)))
    };
    let of_layer =
        entries.into_iter().filter(|header| header.layer() == layer.layer() && !header.factors.is_empty());
    let compared = of_layer.map(|header| (header, differences(&layer.factors, &header.factors)));
    compared.min_by_key(|(header, differences)| (weight(differences), Reverse(header.created)))
}

impl std::fmt::Display for Difference {
    /// In one line, such as `lock (Cargo.lock)` or `rustc (rustc -vV: 1.94.0 → 1.95.0)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.factor)?;
        if self.changes.is_empty() {
            return Ok(());
        }
        // Values of variables can be secrets of another run, which this one's log does not hide. Commands, such as
        // `node --version`, are no variables.
        let has_value = |change: &Change| self.factor != "env" || change.label.contains(' ');
        let changes: Vec<_> = self.changes.iter().map(|change| change.words(has_value(change))).collect();
        write!(f, " ({})", changes.join(", "))
    }
}

impl Change {
    fn words(&self, has_value: bool) -> String {
        let Self { label, old, new } = self;
        match (old.as_deref().filter(|old| !old.is_empty()), new.as_deref().filter(|new| !new.is_empty())) {
            (None, _) => format!("{label} is new"),
            (_, None) => format!("{label} is gone"),
            (Some(old), Some(new)) if has_value && !is_digest(old) && !is_digest(new) => {
                match changed_lines(old, new) {
                    Some((old, new)) => format!("{label}: {old} → {new}"),
                    None => label.clone(),
                }
            }
            (Some(_), Some(_)) => label.clone(),
        }
    }
}

/// Contents of files and values of the user's own variables are known by their digest alone.
fn is_digest(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Of values of several lines, such as a compiler's, those that differ; `None` where only their order does.
fn changed_lines(old: &str, new: &str) -> Option<(String, String)> {
    let only_in = |text: &str, other: &str| {
        let lines = text.lines().filter(|line| !other.lines().any(|other| other == *line));
        lines.collect::<Vec<_>>().join("; ")
    };
    let (old, new) = (only_in(old, new), only_in(new, old));
    (!old.is_empty() && !new.is_empty()).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(name: &str, digest: &str, items: &[(&str, &str)]) -> Factor {
        let items = items.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        Factor { name: name.to_owned(), digest: digest.to_owned(), items }
    }

    #[test]
    fn a_difference_names_files_and_shows_values() {
        let digest = |digit: &str| digit.repeat(64);
        let old = [
            factor("rustc", "1", &[("rustc -vV", "rustc\nhost: x\nrelease: 1.94.0")]),
            factor("env", "1", &[("RUSTFLAGS", "-C a"), ("CC", "gcc")]),
            factor("files", "1", &[]),
            factor("lock", "1", &[("./Cargo.lock", &digest("1"))]),
        ];
        let new = [
            factor("rustc", "2", &[("rustc -vV", "rustc\nhost: x\nrelease: 1.95.0")]),
            factor("env", "2", &[("RUSTFLAGS", "-C b"), ("CFLAGS", "-O")]),
            factor("files", "1", &[]),
            factor("lock", "2", &[("./Cargo.lock", &digest("2"))]),
        ];
        let texts: Vec<_> = differences(&new, &old).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "rustc (rustc -vV: release: 1.94.0 → release: 1.95.0)",
                "env (CC is gone, CFLAGS is new, RUSTFLAGS)",
                "lock (./Cargo.lock)",
            ]
        );
        assert_eq!(differences(&new, &old[..3]).last().unwrap().to_string(), "lock (./Cargo.lock is new)");
    }
}
