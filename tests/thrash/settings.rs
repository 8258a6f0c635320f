//! What the user wants, by environment variables.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// See the table in `main.rs`.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) out: Option<PathBuf>,
    pub(crate) keep: bool,
}

impl Settings {
    pub(crate) fn of_environment() -> Self {
        Self {
            time: Duration::from_secs(number("SECONDS").unwrap_or(120)),
            seed: number("SEED").unwrap_or_else(|| fastrand::u64(..)),
            workers: number("WORKERS").unwrap_or(4),
            out: variable("OUT").map(PathBuf::from),
            keep: variable("KEEP").is_some(),
        }
    }
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    let text = variable(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("RUNNER_CACHE_THRASH_{name}: `{text}` is no number")))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("RUNNER_CACHE_THRASH_{name}")).ok().filter(|text| !text.is_empty())
}
