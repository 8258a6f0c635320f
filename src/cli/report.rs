//! What a page shows, and where it is written.

use std::path::PathBuf;
use std::str::FromStr as _;

use jiff::SignedDuration;

use super::inputs::Root;
use super::values::MaxSize;
use crate::plan::{parse_age, parse_min_free};
use crate::store::retention::MinFree;

/// The command line of `report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Write the page to this file, whole or not at all, for its owner to read; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    /// How far to look back, such as `12h`, `7d` or `8w`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = parse_age, default_value = "30d")]
    pub since: SignedDuration,
    /// Limit of all entries to mark in the chart of the disk, such as `80GB`, or `none`.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = MaxSize::from_str, default_value = "none")]
    max_size: MaxSize,
    /// Disk space to keep free to mark there, such as `20GB` or `10%`.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = parse_min_free, default_value = "5%")]
    pub min_free: MinFree,
    /// Where the entries are.
    #[command(flatten)]
    pub root: Root,
}

impl Report {
    /// What entries may take.
    pub fn max_size(&self) -> Option<u64> {
        self.max_size.0
    }
}
