//! What `top` shows, and how often.

use std::time::Duration;

use super::inputs::{Limits, Root};

/// The command line of `top`.
#[derive(Debug, clap::Args)]
pub struct Top {
    /// Print how it is now, and end. So does `top` where it is not on a terminal.
    #[arg(long)]
    pub once: bool,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", value_parser = parse_interval, default_value = "1")]
    pub interval: Duration,
    /// What may stay.
    #[command(flatten)]
    pub limits: Limits,
    /// Where the entries are.
    #[command(flatten)]
    pub root: Root,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("`{text}` is not an interval; allowed: seconds from 0.1 to 3600"))
}
