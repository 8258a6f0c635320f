//! What a save did.

use std::fmt::Write as _;
use std::time::Duration;

use super::disk::CleanReport;
use super::figures::{bytes, count, files, seconds};
use super::key_id::shown_key;
use super::summary::{code, escaped, table, whole_keys};
use super::ways::{modes, obstacle};
use super::why::NotSaved;
use crate::cargo::Why;
use crate::store::Layer;
use crate::tree::TransferStats;

/// What became of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// A new entry.
    Entry {
        /// What is in it and how it got there.
        stats: TransferStats,
        /// What of the directory is not in it.
        left_out: Vec<LeftOut>,
        /// What the unit pool got of it.
        pooled: Option<Pooled>,
        /// How long it took.
        took: Duration,
    },
    /// Nothing: the reason.
    Not(NotSaved),
    /// Nothing: the trouble was told already.
    Failed,
}

/// What the unit pool got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pooled {
    /// Units that it did not have.
    pub added: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Units that it had.
    pub known: u64,
    /// Units of dependencies that hold the path of the directory in which they were compiled, or need one that does.
    pub bound: u64,
}

impl Pooled {
    fn text(self) -> String {
        let Self { added, bytes: size, known, bound } = self;
        let bound =
            if bound == 0 { String::new() } else { format!("; {} are of use here alone", count(bound)) };
        format!(
            "unit pool: {} units added, {}; {} were there{bound}",
            count(added),
            bytes(size),
            count(known)
        )
    }
}

/// What is not worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The reason.
    pub why: Why,
    /// Files of this reason.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// What was left out, in words; nothing where it was nothing.
fn left_out_text(left_out: &[LeftOut]) -> Option<String> {
    let reason = |why| match why {
        Why::Unused => "of units that no build used",
        Why::Executable => "large executables of tests and examples",
        Why::Incremental => "of incremental compilation",
        Why::Extra => "that no unit is made of: documentation, packages, reports, temporary files",
        Why::LaidOut => "that cargo lays out in each build",
        Why::Changed => "of units that were changed after they were built",
    };
    let part = |out: &LeftOut| format!("{} {} ({})", bytes(out.bytes), reason(out.why), files(out.files));
    let parts: Vec<_> = left_out.iter().map(part).collect();
    (!parts.is_empty()).then(|| format!("left out: {}", parts.join("; ")))
}

/// What a save did for one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSave {
    /// The layer.
    pub layer: Layer,
    /// The key.
    pub key: String,
    /// What became of it.
    pub saved: Saved,
}

impl LayerSave {
    /// Its row in the summary: layer, saved, key, files, size, time.
    fn cells(&self) -> [String; 6] {
        let none = || ["", "", ""].map(str::to_owned);
        let (saved, [files, size, time]) = match &self.saved {
            Saved::Entry { stats, took, .. } => {
                ("yes".to_owned(), [count(stats.files), bytes(stats.bytes), seconds(*took)])
            }
            Saved::Not(why) => (format!("no: {}", escaped(&why.to_string())), none()),
            Saved::Failed => ("no: see the warning".to_owned(), none()),
        };
        let key = code(&shown_key(self.layer, &self.key));
        [self.layer.to_string(), saved, key, files, size, time]
    }
}

/// What a save did.
#[derive(Debug, Clone, Default)]
pub struct SaveReport {
    /// The layers.
    pub layers: Vec<LayerSave>,
    /// What was cleaned up afterwards.
    pub cleaned: Option<CleanReport>,
}

impl SaveReport {
    /// The report for the log.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for LayerSave { layer, key, saved } in &self.layers {
            let _ = match saved {
                Saved::Entry { stats, took, left_out, pooled } => {
                    let mut more = String::new();
                    for line in [left_out_text(left_out), pooled.map(Pooled::text)].into_iter().flatten() {
                        let _ = writeln!(more, "        {line}");
                    }
                    let (files, bytes, took) = (files(stats.files), bytes(stats.bytes), seconds(*took));
                    writeln!(
                        text,
                        "{layer:<7} saved    {files}, {bytes} in {took} ({})\n{more}        key {}",
                        modes(stats),
                        shown_key(*layer, key)
                    )
                }
                Saved::Not(why) => writeln!(text, "{layer:<7} skipped  {why}"),
                Saved::Failed => writeln!(text, "{layer:<7} not saved"),
            };
        }
        let stats = self.layers.iter().filter_map(|layer| match &layer.saved {
            Saved::Entry { stats, .. } => Some(stats),
            Saved::Not(_) | Saved::Failed => None,
        });
        text.push_str(obstacle(stats));
        if let Some(cleaned) = self.cleaned.filter(|cleaned| cleaned.evicted > 0) {
            let _ = writeln!(text, "evicted {} older, {}", count(cleaned.evicted), bytes(cleaned.bytes));
        }
        text.pop();
        text
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
            for more in [left_out_text(left_out), pooled.map(Pooled::text)].into_iter().flatten() {
                let _ = writeln!(text, "{layer}: {more}\n");
            }
        }
        text += &whole_keys(self.layers.iter().map(|layer| (layer.layer, layer.key.as_str())));
        text
    }
}
