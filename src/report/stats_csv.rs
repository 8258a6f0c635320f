//! What the cache did, as comma-separated values: RFC 4180.

use crate::ledger::stats::{FamilyFigures, Frequency, Stats};

const HEAD: [&str; 20] = [
    "repository",
    "job",
    "lane",
    "layer",
    "exact",
    "partial",
    "composed",
    "misses",
    "bypasses",
    "restored_files",
    "restored_bytes",
    "restore_seconds",
    "entries",
    "saved_bytes",
    "failed_saves",
    "save_seconds",
    "estimated_jobs",
    "saved_seconds",
    "changes_most",
    "main_cause",
];

/// A row a family.
pub(super) fn stats_csv(stats: &Stats) -> String {
    let mut text = HEAD.join(",") + "\r\n";
    for FamilyFigures { family, figures, changes, causes } in &stats.families {
        let seconds = |micros: i64| (micros as f64 / 1e6).to_string();
        let most = |times: &[Frequency]| times.first().map(|most| most.name.clone()).unwrap_or_default();
        let row = [
            family.repository.clone(),
            family.job.clone().unwrap_or_default(),
            family.lane.clone(),
            family.layer.name().to_owned(),
            figures.exact.to_string(),
            figures.partial.to_string(),
            figures.composed.to_string(),
            figures.misses.to_string(),
            figures.bypasses.to_string(),
            figures.restored_files.to_string(),
            figures.restored_bytes.to_string(),
            seconds(figures.restore_time),
            figures.entries.to_string(),
            figures.saved_bytes.to_string(),
            figures.failed_saves.to_string(),
            seconds(figures.save_time),
            figures.estimated_jobs.to_string(),
            seconds(figures.saved_time),
            most(changes),
            most(causes),
        ];
        text += &(row.map(|cell| quoted(&cell)).join(",") + "\r\n");
    }
    text
}

/// A cell in the form of RFC 4180. Names are other people's words, and a spreadsheet takes what begins so for a formula: behind an
/// apostrophe it is text. <https://owasp.org/www-community/attacks/CSV_Injection>
fn quoted(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
