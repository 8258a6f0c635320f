//! What a save did.

use std::fmt::Write as _;
use std::time::Duration;

use super::disk::CleanReport;
use super::figures::{bytes, count, files, seconds};
use super::restored::{code, modes};
use crate::store::Layer;
use crate::tree::Tally;

/// What became of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// A new entry.
    Entry {
        /// What is in it and how it got there.
        tally: Tally,
        /// How long it took.
        took: Duration,
    },
    /// Nothing: the reason.
    Not(&'static str),
    /// Nothing: the trouble was told already.
    Failed,
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
                Saved::Entry { tally, took } => {
                    let (files, bytes, took) = (files(tally.files), bytes(tally.bytes), seconds(*took));
                    writeln!(
                        text,
                        "{layer:<7} saved    {files}, {bytes} in {took} ({})\n        key {key}",
                        modes(tally)
                    )
                }
                Saved::Not(why) => writeln!(text, "{layer:<7} skipped  {why}"),
                Saved::Failed => writeln!(text, "{layer:<7} not saved"),
            };
        }
        if let Some(cleaned) = self.cleaned.filter(|cleaned| cleaned.evicted > 0) {
            let _ = writeln!(text, "evicted {} older, {}", count(cleaned.evicted), bytes(cleaned.bytes));
        }
        text.pop();
        text
    }

    /// The report for the step summary, in Markdown.
    pub fn summary(&self) -> String {
        let mut text = String::from("### runner-cache: saved\n\n");
        text.push_str("| layer | saved | files | size | time | how | key |\n");
        text.push_str("|---|---|---:|---:|---:|---|---|\n");
        for LayerSave { layer, key, saved } in &self.layers {
            let key = code(key);
            let _ = match saved {
                Saved::Entry { tally, took } => {
                    let (files, bytes, took) = (count(tally.files), bytes(tally.bytes), seconds(*took));
                    writeln!(
                        text,
                        "| {layer} | yes | {files} | {bytes} | {took} | {} | {key} |",
                        modes(tally)
                    )
                }
                Saved::Not(why) => writeln!(text, "| {layer} | no: {why} | | | | | {key} |"),
                Saved::Failed => writeln!(text, "| {layer} | no: see the warning | | | | | {key} |"),
            };
        }
        text.push('\n');
        text
    }
}
