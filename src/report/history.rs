//! What is new against the last run, what to do about a miss, and the last runs as a chart: parts of a step summary, in
//! Markdown.

use std::fmt::Write as _;

use super::figures::bytes;
use super::summary::{code, table};
use crate::ledger::{Run, Served};
use crate::outcome::{LayerHistory, RestoreOutcome};
use crate::store::Layer;

/// Runs before there is a chart: two are told by what is new.
const ENOUGH: usize = 3;

impl RestoreOutcome {
    /// What is told of earlier runs; nothing in the first one.
    pub(super) fn history_summary(&self) -> String {
        let mut text = String::new();
        for LayerHistory { layer, runs } in &self.history {
            let Some((now, before)) = runs.split_last() else { continue };
            if let Some(new) = before.last().and_then(|last| news(last, now)) {
                let _ = writeln!(text, "{layer}: {new}\n");
            }
            if let Some(advice) = advice(now) {
                let _ = writeln!(text, "{layer}: {advice}\n");
            }
        }
        let shown = self.primary().map(|layer| layer.layer);
        let shown = self.history.iter().find(|history| Some(history.layer) == shown);
        if let Some(LayerHistory { layer, runs }) = shown.filter(|shown| shown.runs.len() >= ENOUGH) {
            text += &chart(*layer, runs);
        }
        text
    }
}

/// What is not as in the last run.
fn news(last: &Run, now: &Run) -> Option<String> {
    let changed = now.factors.as_deref().filter(|_| now.factors != last.factors);
    let changed = changed.map_or_else(String::new, |parts| {
        format!(": {} changed", parts.split(',').map(code).collect::<Vec<_>>().join(", "))
    });
    match (last.served, now.served) {
        (Served::Bypass, _) | (_, Served::Bypass) => None,
        (before, after) if before != after => {
            Some(format!("**{}** after {} in the last run{changed}", after.name(), before.name()))
        }
        _ if !changed.is_empty() => Some(format!("{} as in the last run{changed}", now.served.name())),
        _ => None,
    }
}

/// What to do about what kept the job from an exact hit; nothing where all is as it has to be.
fn advice(now: &Run) -> Option<&'static str> {
    if now.served == Served::Exact || now.served == Served::Bypass {
        return None;
    }
    let has = |part: &str| now.factors.as_deref().is_some_and(|parts| parts.split(',').any(|of| of == part));
    match now.cause.as_deref()? {
        "no-entry" => Some(
            "the first run of a job has nothing to restore; later ones need a save on this ref or its base",
        ),
        "other-paths" => Some("give each list of paths a `key` of its own"),
        "other-key" if has("env") => {
            Some("a variable that changes outputs differs; set it to the same value in all runs, or unset it")
        }
        "other-key" if has("config") => {
            Some("cargo's configuration or `CARGO_HOME` differs; make it the same on all runners")
        }
        "other-key" if has("declared") => {
            Some("`key-env` or `key-files` name what differs; leave out what changes no output")
        }
        "other-key" if has("rustc") => {
            Some("the compiler changed; pin it in `rust-toolchain.toml` if runners differ")
        }
        _ => None,
    }
}

/// A chart of what the runs took, and the same as a table for who sees no charts.
fn chart(layer: Layer, runs: &[Run]) -> String {
    let of_work: Vec<_> = runs.iter().filter(|run| run.work_seconds.is_some()).collect();
    let (runs_shown, what) = if of_work.len() >= ENOUGH {
        (of_work, "seconds of the job after its restore")
    } else {
        (runs.iter().collect(), "seconds of the restore")
    };
    let seconds = |run: &Run| {
        if what.starts_with("seconds of the job") {
            run.work_seconds.unwrap_or_default()
        } else {
            run.restore_seconds
        }
    };
    let names =
        runs_shown.iter().enumerate().map(|(index, run)| format!("\"{} {}\"", index + 1, run.served.name()));
    let names = names.collect::<Vec<_>>().join(", ");
    let bars = runs_shown.iter().map(|run| format!("{:.2}", seconds(run))).collect::<Vec<_>>().join(", ");
    // From zero: else the shortest of them has no bar.
    let longest = runs_shown.iter().map(|run| seconds(run)).fold(0.01, f64::max);
    let mut text = format!(
        "<details><summary>Last {} runs</summary>\n\n```mermaid\nxychart-beta\n    title \"{layer}: {what}\"\n    \
         x-axis [{names}]\n    y-axis 0 --> {longest:.2}\n    bar [{bars}]\n```\n\n",
        runs.len()
    );
    let rows: Vec<_> = runs.iter().rev().map(cells).collect();
    let columns = [
        ("run", false),
        ("when", false),
        ("hit", false),
        ("changed", false),
        ("size", true),
        ("restore", true),
        ("job", true),
    ];
    text += &table(columns, &rows);
    text + "\n</details>\n\n"
}

fn cells(run: &Run) -> [String; 7] {
    let lasting = |seconds: f64| format!("{seconds:.1} s");
    [
        run.run.as_deref().map(code).unwrap_or_default(),
        run.at.strftime("%Y-%m-%d %H:%M").to_string(),
        run.served.name().to_owned(),
        run.factors.as_deref().map(code).unwrap_or_default(),
        if run.served.is_hit() { bytes(run.bytes) } else { String::new() },
        lasting(run.restore_seconds),
        run.work_seconds.map(lasting).unwrap_or_default(),
    ]
}
