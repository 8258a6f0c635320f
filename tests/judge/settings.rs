//! What the user wants, by environment variables.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::history::History;
use crate::shapes;

/// What is heard where nothing else is said: some minutes, and every shape is in one of the projects.
const USUAL: Range<u64> = 831..847;

/// See the table in `main.rs`.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) bound: Bound,
    pub(crate) workers: usize,
    pub(crate) shapes: Vec<&'static str>,
    pub(crate) program: PathBuf,
    /// How many histories a minimisation may run.
    pub(crate) minimise: usize,
    pub(crate) out: Option<PathBuf>,
    pub(crate) history: Option<History>,
    /// Only print the scripts.
    pub(crate) prints: bool,
}

/// When enough histories have begun.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    Seeds(u64),
    Time(Duration),
}

impl Settings {
    pub(crate) fn of_environment() -> Self {
        let bound = match (number("SEEDS"), number("SECONDS")) {
            (Some(seeds), None) => Bound::Seeds(seeds),
            (None, Some(seconds)) => Bound::Time(Duration::from_secs(seconds)),
            (None, None) => Bound::Seeds(USUAL.end - USUAL.start),
            (Some(_), Some(_)) => panic!("JUDGE_SEEDS and JUDGE_SECONDS: only one of them"),
        };
        let all = shapes::all().map(|shape| shape.name);
        let wanted = variable("SHAPES").unwrap_or_default();
        let (without, with): (Vec<_>, Vec<_>) =
            wanted.split([',', ' ']).filter(|name| !name.is_empty()).partition(|name| name.starts_with('-'));
        let without: Vec<_> = without.into_iter().map(|name| shapes::named(&name[1..]).name).collect();
        let with: Vec<_> = with.into_iter().map(|name| shapes::named(name).name).collect();
        Self {
            seed: number("SEED").unwrap_or(USUAL.start),
            bound,
            workers: number("WORKERS")
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            shapes: all
                .filter(|name| (with.is_empty() || with.contains(name)) && !without.contains(name))
                .collect(),
            program: variable("BINARY")
                .map_or_else(|| env!("CARGO_BIN_EXE_runner-cache").into(), PathBuf::from),
            minimise: number("MINIMISE").unwrap_or(40),
            out: variable("OUT").map(PathBuf::from),
            prints: variable("PRINT").is_some(),
            history: variable("HISTORY").map(|path| {
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("JUDGE_HISTORY: {path}: {error}"));
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("JUDGE_HISTORY: {path}: {error}"))
            }),
        }
    }
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    let text = variable(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("JUDGE_{name}: `{text}` is no number")))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("JUDGE_{name}")).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::USUAL;
    use crate::history::History;
    use crate::shapes;

    #[test]
    fn default_seeds_cover_every_shape() {
        let all: Vec<_> = shapes::all().map(|shape| shape.name).collect();
        let usual: BTreeSet<_> = USUAL.flat_map(|seed| History::random(seed, &all).shapes).collect();
        let missing: Vec<_> = all.iter().filter(|name| !usual.contains(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}; hint: choose other seeds");
    }
}
