//! What `explain` tells.

use std::fmt::Write as _;

use super::restored::composed_text;
use super::why::NOTHING_TO_CACHE;
use crate::outcome::{Explained, ExplainedEntry, ExplainedLayer, ExplainedPool, Verdict};
use crate::store::retention::Known;
use crate::store::{Factor, shown_key};

/// The text for a terminal, about all entries or those of a key.
pub(super) fn explanation(explained: &Explained) -> String {
    let Explained { cache_root, repository, refs, only_reads, lane, of, layers } = explained;
    let mut text = String::new();
    let refs = if refs.is_empty() { "none".to_owned() } else { refs.join(", then ") };
    let only_reads = only_reads.as_ref().map(|why| format!(" (saves nothing: {why})")).unwrap_or_default();
    let _ = writeln!(text, "cache root  {}\nrepository  {repository}", cache_root.display());
    let _ = writeln!(text, "refs        {refs}{only_reads}\nlane        {lane}");
    if layers.is_empty() {
        let _ = writeln!(text, "\n{NOTHING_TO_CACHE}");
    }
    for layer in layers {
        let ExplainedLayer { layer: name, id, key, factors, restore_keys, nearest, entries, pool, .. } =
            layer;
        let _ = writeln!(
            text,
            "
{name}
  id  {id}
  key {key}"
        );
        text.extend(factors.iter().map(line));
        for prefix in restore_keys {
            let _ = writeln!(text, "  restore key {prefix}");
        }
        if let Some(nearest) = nearest.as_ref().filter(|nearest| !nearest.differences.is_empty()) {
            let _ = writeln!(text, "  nearest entry: {}, differs in", nearest.reference);
            for difference in &nearest.differences {
                let _ = writeln!(text, "    {difference}");
            }
        }
        match entries.len() {
            0 => text.push_str("  no entry of this repository\n"),
            number => {
                let _ =
                    writeln!(text, "  entries of {}: {number}", of.as_deref().unwrap_or("this repository"));
            }
        }
        for ExplainedEntry { known: Known { header, .. }, verdict } in entries {
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
        if let Some(ExplainedPool { factors, serves }) = pool {
            text.push_str("  unit pool keys also contain\n");
            text.extend(factors.iter().map(line));
            if let Some(serves) = serves {
                let _ = writeln!(text, "  unit pool: {}{}", composed_text(*serves), use_of_pool(entries));
            }
        }
    }
    text
}

fn use_of_pool(entries: &[ExplainedEntry]) -> &'static str {
    let is_taken =
        |exactly: bool| entries.iter().any(|entry| entry.verdict == Verdict::Taken { is_exact: exactly });
    match (is_taken(true), is_taken(false)) {
        (true, _) => "; not needed",
        (_, true) => "; will add those missing from the entry",
        _ => "; will be restored",
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
        Verdict::Taken { is_exact: true } => "used: exact key".into(),
        Verdict::Taken { is_exact: false } => "used: restore key".into(),
        Verdict::Later => "usable, but a better entry exists".into(),
        Verdict::OtherScope => "skipped: other ref".into(),
        Verdict::OtherLane => "skipped: other lane".into(),
        Verdict::OtherPaths => "skipped: other paths".into(),
        Verdict::OtherTools => "skipped: has none of the tools".into(),
        Verdict::Unusable(why) => format!("skipped: {why}"),
        Verdict::OtherKey(differences) if differences.is_empty() => "skipped: other key".into(),
        Verdict::OtherKey(differences) => {
            let names: Vec<_> = differences.iter().map(|difference| difference.factor.as_str()).collect();
            format!("skipped: key differs in {}", names.join(", "))
        }
    }
}
