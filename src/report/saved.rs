//! What a save did, in words.

use std::fmt::Write as _;

use super::figures::{bytes, count, files, seconds};
use super::summary::{code, escaped, table, whole_keys};
use super::told::Told;
use super::ways::{modes, obstacle};
use crate::cargo::Why;
use crate::outcome::{Cleaned, LayerSave, LeftOut, Pooled, SaveOutcome, Saved};
use crate::store::shown_key;

/// What the unit pool got, in words.
pub(crate) fn pooled_text(pooled: Pooled) -> String {
    let Pooled { added, bytes: size, known, bound } = pooled;
    let bound = if bound == 0 { String::new() } else { format!("; {} usable only here", count(bound)) };
    format!("unit pool: {} units added, {}; {} already there{bound}", count(added), bytes(size), count(known))
}

/// What was evicted, in words; `None` if nothing.
pub(crate) fn evicted_text(cleaned: &Cleaned) -> Option<String> {
    let entries = if cleaned.evicted == 1 { "entry" } else { "entries" };
    let text = || format!("evicted {} older {entries}, {}", count(cleaned.evicted), bytes(cleaned.bytes));
    (cleaned.evicted > 0).then(text)
}

/// What was left out, in words; nothing where it was nothing.
fn left_out_text(left_out: &[LeftOut]) -> Option<String> {
    let reason = |why| match why {
        Why::Unused => "of unused units",
        Why::Executable => "large executables of tests and examples",
        Why::Incremental => "of incremental compilation",
        Why::Extra => "of no unit: documentation, packages, reports, temporary files",
        Why::LaidOut => "recreated by each build",
        Why::Changed => "of units changed after their build",
    };
    let part = |out: &LeftOut| format!("{} {} ({})", bytes(out.bytes), reason(out.why), files(out.files));
    let parts: Vec<_> = left_out.iter().map(part).collect();
    (!parts.is_empty()).then(|| format!("left out: {}", parts.join("; ")))
}

impl LayerSave {
    /// Its line in the log with what became of it, and its key and units besides.
    fn told(&self) -> Told {
        let Self { layer, key, saved } = self;
        match saved {
            Saved::Entry { stats, took, left_out, pooled, .. } => {
                let (files, bytes, took) = (files(stats.files), bytes(stats.bytes), seconds(*took));
                let line = format!("{layer:<7} saved    {files}, {bytes} in {took} ({})", modes(stats));
                let details = [left_out_text(left_out), pooled.map(pooled_text)].into_iter().flatten();
                let details = details.chain([format!("key {}", shown_key(*layer, key))]).collect();
                Told { line, of: layer.to_string(), details }
            }
            Saved::Not { reason } => Told::line(format!("{layer:<7} skipped  {reason}")),
            Saved::Failed => Told::line(format!("{layer:<7} not saved")),
        }
    }

    /// Its row in the summary: layer, saved, key, files, size, time.
    fn cells(&self) -> [String; 6] {
        let none = || ["", "", ""].map(str::to_owned);
        let (saved, [files, size, time]) = match &self.saved {
            Saved::Entry { stats, took, .. } => {
                ("yes".to_owned(), [count(stats.files), bytes(stats.bytes), seconds(*took)])
            }
            Saved::Not { reason } => (format!("no: {}", escaped(&reason.to_string())), none()),
            Saved::Failed => ("no: see the warning".to_owned(), none()),
        };
        let key = code(&shown_key(self.layer, &self.key));
        [self.layer.to_string(), saved, key, files, size, time]
    }
}

impl SaveOutcome {
    /// The report for the log.
    pub fn told(&self) -> Vec<Told> {
        let mut told: Vec<_> = self.layers.iter().map(LayerSave::told).collect();
        let stats = self.layers.iter().filter_map(|layer| match &layer.saved {
            Saved::Entry { stats, .. } => Some(stats),
            Saved::Not { .. } | Saved::Failed => None,
        });
        told.extend(obstacle(stats).map(Told::line));
        told.extend(self.cleaned.as_ref().and_then(evicted_text).map(Told::line));
        told
    }

    /// The report for the step summary, in Markdown.
    pub fn summary(&self) -> String {
        let mut text = String::from("### runner-cache: saved\n\n");
        let rows: Vec<_> = self.layers.iter().map(LayerSave::cells).collect();
        text += &table(
            [
                ("layer", false),
                ("saved", false),
                ("key", false),
                ("files", true),
                ("size", true),
                ("time", true),
            ],
            &rows,
        );
        text.push('\n');
        for LayerSave { layer, saved, .. } in &self.layers {
            let Saved::Entry { left_out, pooled, .. } = saved else { continue };
            for more in [left_out_text(left_out), pooled.map(pooled_text)].into_iter().flatten() {
                let _ = writeln!(text, "{layer}: {more}\n");
            }
        }
        text += &whole_keys(self.layers.iter().map(|layer| (layer.layer, layer.key.as_str())));
        text
    }
}
