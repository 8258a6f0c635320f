//! What the cache did, for people: in 80 columns, whatever the terminal.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::bars::{bar, sparkline};
use super::figures::{bytes, count, entries, files, lasting};
use super::listing::{columns, fitted};
use crate::ledger::Family;
use crate::ledger::stats::{FamilyFigures, Figures, Frequency, Group, LostHits, Span, Stats};
use crate::outcome::StatsOutcome;
use crate::store::Layer;

/// Columns of the text.
const WIDTH: usize = 80;

/// Those of what a line is about.
const HEAD: usize = 12;

/// Rows of a table, at most. `--json` has all.
const ROWS: usize = 6;

/// Restores before a family is called good or bad.
const ENOUGH: u64 = 3;

/// The text of `stats`.
pub(super) fn stats_text(outcome: &StatsOutcome) -> String {
    let StatsOutcome { stats, stored, disk, .. } = outcome;
    let mut text = format!("{} to {}\n\n", minute(stats.since), minute(stats.until));
    if stats.all == Figures::default() && stats.evictions.is_empty() {
        text += "no job of these restored or saved in this time; hint: `--since 30d` looks further back\n";
        return text;
    }
    text += &head(stats);
    let number: u64 = stored.iter().map(|stored| stored.entries).sum();
    let size: u64 = stored.iter().map(|stored| stored.bytes).sum();
    let free = disk.map(|disk| {
        let percent = disk.free_bytes as f64 * 100.0 / disk.bytes.max(1) as f64;
        format!("; disk {} free ({percent:.0} %)", bytes(disk.free_bytes))
    });
    text += &line(
        "there now",
        &format!("{}, {} recorded{}", entries(number), bytes(size), free.unwrap_or_default()),
    );
    let mut layers = BTreeMap::<Layer, u64>::new();
    for of in stored {
        *layers.entry(of.layer).or_default() += of.bytes;
    }
    let mut layers: Vec<_> = layers.into_iter().filter(|(_, size)| *size > 0).collect();
    layers.sort_by_key(|(_, size)| Reverse(*size));
    let layers = layers.iter().map(|(layer, size)| format!("{layer} {}", bytes(*size)));
    text += &line("", &layers.collect::<Vec<_>>().join(", "));
    if stats.damaged > 0 {
        text += &line("damaged", &format!("{} taken out of use", entries(stats.damaged)));
    }
    if stats.disks_freed + stats.disks_short > 0 {
        let told = format!(
            "too full {} times; {} times too little could be evicted",
            count(stats.disks_freed + stats.disks_short),
            count(stats.disks_short)
        );
        text += &line("disks", &told);
    }
    for (head, groups) in
        [("REPOSITORY", &stats.repositories), ("JOB", &stats.jobs), ("LAYER", &stats.layers)]
    {
        text += &table(head, groups);
    }
    text += &families(stats);
    text += &lost(&stats.lost_hits);
    text
}

fn head(stats: &Stats) -> String {
    let all = &stats.all;
    let mut text = String::new();
    if let Some(rate) = all.rate() {
        let of = format!("{} of {} lookups", count(all.hits()), count(all.lookups()));
        text += &line("hit rate", &format!("{} {} {of}", percent(rate), bar(all.hits(), all.lookups(), 30)));
    }
    let kinds = [
        ("exact", all.exact),
        ("partial", all.partial),
        ("composed", all.composed),
        ("miss", all.misses),
        ("bypass", all.bypasses),
    ];
    let kinds: Vec<_> = kinds.iter().filter(|(_, number)| *number > 0).collect();
    let kinds = kinds.iter().map(|(kind, number)| format!("{kind} {}", count(*number)));
    text += &line("", &kinds.collect::<Vec<_>>().join(", "));
    let rates = sparkline(stats.spans.iter().map(|span| (span.figures.hits(), span.figures.lookups())));
    text += &line("", &format!("{rates} hit rate, {} a letter", span_length(&stats.spans, stats.until)));
    let moved = stats.spans.iter().map(|span| span.figures.restored_bytes);
    let most = moved.clone().max().unwrap_or_default();
    let moved = sparkline(moved.map(|bytes| (bytes, most)));
    text += &line(
        "restored",
        &format!(
            "{}, {} in {}",
            bytes(all.restored_bytes),
            files(all.restored_files),
            lasting(all.restore_time)
        ),
    );
    text += &line("", &format!("{moved} bytes restored"));
    if all.estimated_jobs > 0 {
        let jobs =
            format!("{} job{}", count(all.estimated_jobs), if all.estimated_jobs == 1 { "" } else { "s" });
        text += &line(
            "time saved",
            &format!("{} in {jobs}, against their own cold runs", lasting(all.saved_time)),
        );
    }
    text += &line(
        "saved",
        &format!("{}, {} in {}", entries(all.entries), bytes(all.saved_bytes), lasting(all.save_time)),
    );
    if all.failed_saves > 0 {
        text += &line("", &format!("{} layers could not be saved", count(all.failed_saves)));
    }
    let (gone, size) = stats.evictions.iter().fold((0, 0), |sum, of| (sum.0 + of.entries, sum.1 + of.bytes));
    if gone > 0 {
        let reasons = stats.evictions.iter().map(|of| format!("{} {}", of.reason, count(of.entries)));
        text += &line(
            "evicted",
            &format!("{}, {}: {}", entries(gone), bytes(size), reasons.collect::<Vec<_>>().join(", ")),
        );
    }
    text
}

/// A line of the head: a name, and what is told of it.
fn line(name: &str, told: &str) -> String {
    format!("{name:<11} {}\n", fitted(told, WIDTH - HEAD))
}

fn percent(rate: f64) -> String {
    // 99.6 % is not all.
    let percent = if rate < 1.0 { (rate * 100.0).min(99.0) } else { 100.0 };
    format!("{percent:>3.0} %")
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn span_length(spans: &[Span], until: Timestamp) -> String {
    let Some(first) = spans.first() else { return String::new() };
    let end = spans.get(1).map_or(until, |second| second.since);
    lasting(i64::try_from(end.duration_since(first.since).as_micros()).unwrap_or(i64::MAX))
}

const BAR: usize = 12;

fn table(head: &str, groups: &[Group]) -> String {
    // One row would say what the head said.
    if groups.len() < 2 {
        return String::new();
    }
    let shown = &groups[..groups.len().min(ROWS)];
    let name = WIDTH - 2 - 9 - 6 - BAR - 12 - 14;
    let mut text = format!(
        "\n{head:<name$}{:>9}  {:<width$}{:>12}{:>14}\n",
        "LOOKUPS",
        "HIT RATE",
        "RESTORED",
        "TIME SAVED",
        width = 6 + BAR
    );
    for Group { name: of, figures } in shown {
        let of = fitted(of, name - 1);
        let blanks = " ".repeat(name - columns(&of));
        let bar = bar(figures.hits(), figures.lookups(), BAR);
        let rate = figures.rate().map_or_else(|| "    -".to_owned(), percent);
        let saved = if figures.estimated_jobs > 0 { lasting(figures.saved_time) } else { "-".to_owned() };
        let _ = writeln!(
            text,
            "{of}{blanks}{:>9}  {rate} {bar}{:>12}{saved:>14}",
            count(figures.lookups()),
            bytes(figures.restored_bytes)
        );
    }
    if groups.len() > ROWS {
        let _ = writeln!(text, "and {} more; `--json` has all", count((groups.len() - ROWS) as u64));
    }
    text
}

/// The families that were served worst, with what to look at, and best.
fn families(stats: &Stats) -> String {
    let judged: Vec<_> = stats.families.iter().filter(|family| family.figures.lookups() >= ENOUGH).collect();
    let is_bad = |family: &&&FamilyFigures| family.figures.rate().is_some_and(|rate| rate < 1.0);
    let worst: Vec<_> = judged.iter().filter(is_bad).take(ROWS / 2).collect();
    let mut best: Vec<_> = judged.iter().filter(|best| !worst.contains(best)).collect();
    // The rate that more lookups tell is the better one.
    let order = |family: &FamilyFigures| (family.figures.hits(), family.figures.lookups());
    best.sort_by(|a, b| {
        let ((a_hits, a_lookups), (b_hits, b_lookups)) = (order(a), order(b));
        (b_hits * a_lookups).cmp(&(a_hits * b_lookups)).then(b_lookups.cmp(&a_lookups))
    });
    best.truncate(ROWS / 2);
    let mut text = String::new();
    for (head, families) in [("worst", worst), ("best", best)] {
        for (index, FamilyFigures { family, figures, changes, causes }) in families.into_iter().enumerate() {
            let head = if index == 0 { head } else { "" };
            let rate = percent(figures.rate().unwrap_or_default());
            let rate = format!("{rate} of {:>4}  ", count(figures.lookups()));
            let told = format!("{rate}{}", name(family, WIDTH - HEAD - columns(&rate)));
            text += if index == 0 { "\n" } else { "" };
            text += &line(head, &told);
            if let Some(why) = why(changes, causes) {
                text += &line("", &format!("                {why}"));
            }
        }
    }
    text
}

fn why(changes: &[Frequency], causes: &[Frequency]) -> Option<String> {
    if let Some(Frequency { name, times }) = changes.first() {
        return Some(format!("`{name}` of its key changed {}", often(*times)));
    }
    let Frequency { name, times } = causes.first()?;
    Some(format!("{name} {}", often(*times)))
}

fn often(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{} times", count(times)) }
}

/// The name of a family in so many columns: what tells families of one repository apart comes first, and is shortened last.
fn name(family: &Family, width: usize) -> String {
    let job = family.job.as_deref().unwrap_or("local");
    // The default lane tells workflow, job and matrix.
    let of = if family.lane.split(' ').any(|word| word == job) { &family.lane } else { job };
    let layer = format!("{} ", family.layer);
    let room = width.saturating_sub(columns(&layer) + 2);
    let of = fitted(of, room - columns(&family.repository).min(room / 3));
    let repository = fitted(&family.repository, room - columns(&of));
    format!("{layer}{of}, {repository}")
}

fn lost(lost: &[LostHits]) -> String {
    let sum: u64 = lost.iter().map(|lost| lost.hits).sum();
    if sum == 0 {
        return String::new();
    }
    let mut text = format!("\nlimits cost {} hits: evicted, and then looked for\n", count(sum));
    for LostHits { family, reason, hits } in lost.iter().take(ROWS) {
        let hint = match reason.as_str() {
            "count" => "raise `keep`",
            "age" => "raise `max-age`",
            "size" => "raise `max-size`",
            _ => "lower `min-free`, or use a larger disk",
        };
        let end = format!("  by {reason}; hint: {hint}");
        let of = name(family, WIDTH - 8 - columns(&end));
        let _ = writeln!(text, "{:>6}  {of}{end}", count(*hits));
    }
    text
}
