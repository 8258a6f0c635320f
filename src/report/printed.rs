//! What a command prints on standard output.

use jiff::Timestamp;

use super::audited::audit_text;
use super::diagnosis::diagnosis_text;
use super::disk::clean_text;
use super::explained::explanation;
use super::figures::{bytes, count, entries};
use super::last_build::last_build_text;
use super::listing::entries_listing;
use super::metrics::metrics;
use super::page::page;
use super::screen::snapshot;
use super::stats::stats_text;
use super::stats_csv::stats_csv;
use super::table::{doomed_table, entries_table, entry_details, usage_table};
use crate::outcome::{Done, Doomed, Removed, StatsForm, Update, Updated, Verified};

/// The result of a command that was run for it; nothing where there is none but in the log. A list is one table with all
/// columns where it is to be `wide`.
pub fn printed(done: &Done, wide: bool) -> Option<String> {
    let now = Timestamp::now();
    match done {
        Done::Restore(_) | Done::Save(_) | Done::Run { .. } | Done::Flush | Done::Gc(None) => None,
        Done::Audit(audited) => Some(audit_text(audited)),
        Done::Explain(explained) => Some(explanation(explained)),
        Done::LastBuild(told) => Some(last_build_text(told)),
        Done::List(known) if known.is_empty() => Some("no entries".to_owned()),
        Done::List(known) if wide => Some(entries_table(known, now)),
        Done::List(known) => Some(entries_listing(known, now)),
        Done::Inspect(inspected) => Some(inspected.iter().map(entry_details).collect::<Vec<_>>().join("\n")),
        Done::Du(usage) if usage.entries == 0 => Some("no entries".to_owned()),
        Done::Du(usage) => Some(usage_table(usage)),
        Done::Stats(outcome) => Some(match outcome.form {
            StatsForm::Text => stats_text(outcome),
            StatsForm::Csv => stats_csv(&outcome.stats),
            StatsForm::Prometheus => metrics(outcome),
        }),
        Done::Report(outcome) => outcome.file.is_none().then(|| page(outcome)),
        Done::Top(live) => Some(snapshot(live)),
        Done::Gc(Some(cleaned)) => Some(clean_text(cleaned)),
        Done::WouldGo(doomed) => Some(would_go(doomed, now)),
        Done::Remove(removed) => removed_text(removed),
        Done::Doctor(diagnosis) => Some(diagnosis_text(diagnosis)),
        Done::Hook(host) | Done::Host(host) => Some(host.text.clone()),
        Done::Migrate(files) => {
            let diffs = files.iter().map(|file| file.diff.as_str()).collect::<String>();
            (!diffs.is_empty()).then_some(diffs)
        }
        Done::Fetch(fetched) => Some(fetched.path.display().to_string()),
        Done::SelfUpdate(updated) => Some(updated_text(updated)),
        Done::Verify(Verified { sound, damaged, .. }) => {
            Some(format!("{} sound, {} damaged", entries(*sound), count(damaged.len() as u64)))
        }
    }
}

fn would_go(doomed: &Doomed, now: Timestamp) -> String {
    let all = entries(doomed.known.len() as u64);
    if doomed.plan.is_empty() {
        return format!("would evict none of {all}");
    }
    format!(
        "{}\nwould evict {} of {all}, freeing {}",
        doomed_table(doomed, now),
        count(doomed.plan.len() as u64),
        bytes(doomed.frees)
    )
}

fn updated_text(updated: &Updated) -> String {
    let Updated { from, to, path, what } = updated;
    match what {
        Update::Replaced => format!("runner-cache {from} was updated to {to}: {}", path.display()),
        Update::Newer => {
            format!("runner-cache {from} can be updated to {to}; hint: `runner-cache self-update`")
        }
        Update::UpToDate => format!("runner-cache {from} is up to date"),
        Update::Later => format!(
            "runner-cache {from} stays: release {to} is older; hint: `runner-cache self-update {to}` goes back"
        ),
    }
}

fn removed_text(removed: &Removed) -> Option<String> {
    let would = removed.would_remove.iter().map(|path| format!("would remove {}", path.display()));
    let mut lines: Vec<_> = would.collect();
    let was_tried = removed.removed > 0 || !removed.in_use.is_empty() || !removed.failures.is_empty();
    if was_tried {
        lines.push(format!("{} removed, {} recorded", entries(removed.removed), bytes(removed.bytes)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
