//! What of the statistics is shown, and how.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::inputs::Root;
use crate::outcome::StatsForm;
use crate::plan::parse_age;
use crate::store::Layer;

/// The command line of `stats`.
#[derive(Debug, clap::Args)]
pub struct Stats {
    /// How far to look back, such as `12h`, `7d` or `8w`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = parse_age, default_value = "7d")]
    pub since: SignedDuration,
    /// Count this repository only, `OWNER/NAME`.
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Count the job with this id only.
    #[arg(long, value_name = "ID")]
    pub job: Option<String>,
    /// Count this layer only.
    #[arg(long, value_name = "NAME")]
    pub layer: Option<Layer>,
    /// How to print them: for people, one row a job and layer as CSV, or all-time counters for Prometheus.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub format: StatsForm,
    /// Write to this file, whole or not at all, instead of standard output; all users may read it.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the entries are.
    #[command(flatten)]
    pub root: Root,
}
