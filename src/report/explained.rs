//! What `explain` tells.

use std::fmt::Write as _;
use std::path::Path;

use super::key_id::{key_id, shown_key};
use super::restored::Composed;
use crate::plan::{Difference, LayerPlan, Scopes};
use crate::store::{Factor, Header};

/// What there is for one layer.
#[derive(Debug, Clone)]
pub struct ExplainedLayer {
    /// What is looked for.
    pub plan: LayerPlan,
    /// The entry whose key is nearest, and what differs.
    pub nearest: Option<(Header, Vec<Difference>)>,
    /// All entries of the repository, in the order in which they are tried.
    pub entries: Vec<ExplainedEntry>,
    /// What the unit pool has for an empty target directory.
    pub pool: Option<Composed>,
}

/// An entry, and what becomes of it.
#[derive(Debug, Clone)]
pub struct ExplainedEntry {
    /// What it is.
    pub header: Header,
    /// Whether it serves.
    pub verdict: Verdict,
}

/// Whether an entry serves a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Taken {
        /// Whether under exactly the key.
        is_exact: bool,
    },
    /// It would, were there not a better one.
    Later,
    /// It is of a ref that this job does not look into.
    OtherScope,
    /// It is of another lane, and here that matters.
    OtherLane,
    /// Its key does not begin as one that will do.
    OtherKey(Vec<Difference>),
    /// It is about other paths.
    OtherPaths,
    /// It has none of the tools.
    OtherTools,
    /// It cannot be read now.
    Unusable(String),
}

/// The text for a terminal, about all entries or those `of` a key.
pub fn explanation(
    layers: &[ExplainedLayer],
    scopes: &Scopes,
    lane: &str,
    root: &Path,
    of: Option<&str>,
) -> String {
    let mut text = String::new();
    let refs: Vec<_> = scopes.read.iter().map(|scope| scope.reference.as_str()).collect();
    let refs = if refs.is_empty() { "none".to_owned() } else { refs.join(", then ") };
    let only_reads =
        scopes.write.as_ref().err().map(|why| format!(" (saves nothing: {why})")).unwrap_or_default();
    let repository = &scopes.repository;
    let _ = writeln!(text, "cache root  {}\nrepository  {repository}", root.display());
    let _ = writeln!(text, "refs        {refs}{only_reads}\nlane        {lane}");
    if layers.is_empty() {
        text.push_str("\nnothing to cache: there is no Cargo.toml here, and `path` is empty\n");
    }
    for layer in layers {
        let (name, key) = (layer.plan.layer(), &layer.plan.key);
        let _ = writeln!(
            text,
            "
{name}
  id  {}
  key {key}",
            key_id(name, key)
        );
        layer.plan.factors.iter().for_each(|factor| text.push_str(&line(factor)));
        for prefix in &layer.plan.restore_keys {
            let _ = writeln!(text, "  or what begins with {prefix}");
        }
        if let Some((header, differences)) =
            layer.nearest.as_ref().filter(|(_, differences)| !differences.is_empty())
        {
            let _ = writeln!(text, "  the nearest entry is of {} and differs in", header.scope.reference);
            for difference in differences {
                let _ = writeln!(text, "    {difference}");
            }
        }
        match layer.entries.len() {
            0 => text.push_str("  there is no entry of this repository\n"),
            number => {
                let _ = writeln!(text, "  entries of {}: {number}", of.unwrap_or("this repository"));
            }
        }
        for ExplainedEntry { header, verdict } in &layer.entries {
            let created = header.created.strftime("%Y-%m-%d %H:%M:%S");
            let note = header.finality.note().map(|note| format!(" ({note})")).unwrap_or_default();
            let _ = writeln!(
                text,
                "    {created}Z  {}  {}  {}  {}{note}",
                shown_key(header.layer(), &header.key),
                header.scope.reference,
                header.lane,
                words(verdict)
            );
        }
        if let Some(plan) = layer.plan.pool() {
            text.push_str("  keys of the unit pool are also made from\n");
            plan.factors.iter().for_each(|factor| text.push_str(&line(factor)));
        }
        if let Some(pool) = layer.pool {
            let _ = writeln!(text, "  unit pool: {pool}{}", use_of_pool(&layer.entries));
        }
    }
    text
}

fn use_of_pool(entries: &[ExplainedEntry]) -> &'static str {
    let is_taken =
        |exactly: bool| entries.iter().any(|entry| entry.verdict == Verdict::Taken { is_exact: exactly });
    match (is_taken(true), is_taken(false)) {
        (true, _) => "; not needed",
        (_, true) => "; what of them the entry lacks will come",
        _ => "; they will come",
    }
}

/// A factor, and what it is made from.
fn line(factor: &Factor) -> String {
    let items: Vec<_> = factor.items.iter().map(|(label, value)| item(label, value)).collect();
    let of = if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    format!("    {:<7} {}  of {of}\n", factor.name, factor.digest)
}

/// A thing that went into a key, short: of several lines the first.
fn item(label: &str, value: &str) -> String {
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match value.lines().next() {
        Some(line) if !is_digest => format!("{label} = {line}"),
        _ => label.to_owned(),
    }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Taken { is_exact: true } => "taken: the very key".into(),
        Verdict::Taken { is_exact: false } => "taken: near enough".into(),
        Verdict::Later => "would do, but another one is better".into(),
        Verdict::OtherScope => "not looked at: another ref".into(),
        Verdict::OtherLane => "not taken: another lane".into(),
        Verdict::OtherPaths => "not taken: it is about other paths".into(),
        Verdict::OtherTools => "not taken: it has none of the tools that are asked for".into(),
        Verdict::Unusable(why) => format!("not taken: {why}"),
        Verdict::OtherKey(differences) if differences.is_empty() => "not taken: another key".into(),
        Verdict::OtherKey(differences) => {
            let names: Vec<_> = differences.iter().map(|difference| difference.factor.as_str()).collect();
            format!("not taken: its key differs in {}", names.join(", "))
        }
    }
}
