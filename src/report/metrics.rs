//! What the cache did, in Prometheus' text format: for `node_exporter`'s textfile collector, which adds the time itself.
//! Names and units follow <https://prometheus.io/docs/practices/naming/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::outcome::StatsOutcome;

/// A metric: its name, its type, what it is, and its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it is.
    pub help: &'static str,
    /// The names of its labels. A label `job` would be taken for Prometheus' own.
    pub labels: &'static [&'static str],
}

const OF_JOB: [&str; 3] = ["repository", "workflow_job", "layer"];

/// All metrics, in the order in which they are written.
pub const METRICS: [Metric; 20] = [
    LOOKUPS,
    RESTORED_FILES,
    RESTORED_BYTES,
    RESTORE_SECONDS,
    SAVES,
    SAVED_BYTES,
    SAVE_SECONDS,
    JOB_SECONDS_SAVED,
    JOB_SECONDS_LOST,
    EVICTED_ENTRIES,
    EVICTED_BYTES,
    DAMAGED_ENTRIES,
    DISK_GUARD_ACTIONS,
    ENTRIES,
    ENTRY_BYTES,
    LAST_USE,
    DISK_SIZE,
    DISK_FREE,
    DISK_INODES_FREE,
    BUILD_INFO,
];

const LOOKUPS: Metric = Metric {
    name: "runner_cache_lookups_total",
    kind: "counter",
    help: "Layers that jobs were to restore, by outcome: exact, partial, composed, miss, or bypass where nothing was wanted.",
    labels: &["repository", "workflow_job", "layer", "outcome"],
};
const RESTORED_FILES: Metric = Metric {
    name: "runner_cache_restored_files_total",
    kind: "counter",
    help: "Files that were restored.",
    labels: &OF_JOB,
};
const RESTORED_BYTES: Metric = Metric {
    name: "runner_cache_restored_bytes_total",
    kind: "counter",
    help: "Bytes of files that were restored.",
    labels: &OF_JOB,
};
const RESTORE_SECONDS: Metric = Metric {
    name: "runner_cache_restore_seconds_total",
    kind: "counter",
    help: "Time that restores took.",
    labels: &OF_JOB,
};
const SAVES: Metric = Metric {
    name: "runner_cache_saves_total",
    kind: "counter",
    help: "Layers that jobs were to save, by outcome: entry, not, or failed.",
    labels: &["repository", "workflow_job", "layer", "outcome"],
};
const SAVED_BYTES: Metric = Metric {
    name: "runner_cache_saved_bytes_total",
    kind: "counter",
    help: "Bytes of new entries as recorded.",
    labels: &OF_JOB,
};
const SAVE_SECONDS: Metric = Metric {
    name: "runner_cache_save_seconds_total",
    kind: "counter",
    help: "Time that saves took.",
    labels: &OF_JOB,
};
const JOB_SECONDS_SAVED: Metric = Metric {
    name: "runner_cache_job_seconds_saved_total",
    kind: "counter",
    help: "Time by which jobs with a hit were faster than the median of their cold runs, restores included.",
    labels: &OF_JOB,
};
const JOB_SECONDS_LOST: Metric = Metric {
    name: "runner_cache_job_seconds_lost_total",
    kind: "counter",
    help: "Time by which jobs with a hit were slower than the median of their cold runs.",
    labels: &OF_JOB,
};
const EVICTED_ENTRIES: Metric = Metric {
    name: "runner_cache_evicted_entries_total",
    kind: "counter",
    help: "Entries that were evicted, by reason.",
    labels: &["repository", "layer", "reason"],
};
const EVICTED_BYTES: Metric = Metric {
    name: "runner_cache_evicted_bytes_total",
    kind: "counter",
    help: "Bytes of evicted entries as recorded.",
    labels: &["repository", "layer", "reason"],
};
const DAMAGED_ENTRIES: Metric = Metric {
    name: "runner_cache_damaged_entries_total",
    kind: "counter",
    help: "Damaged entries and units that were taken out of use.",
    labels: &[],
};
const DISK_GUARD_ACTIONS: Metric = Metric {
    name: "runner_cache_disk_guard_actions_total",
    kind: "counter",
    help: "Disks that had too little free space, by outcome: freed, or short where there was too little all the same.",
    labels: &["outcome"],
};
const ENTRIES: Metric = Metric {
    name: "runner_cache_entries",
    kind: "gauge",
    help: "Entries in the cache.",
    labels: &["repository", "layer"],
};
const ENTRY_BYTES: Metric = Metric {
    name: "runner_cache_entry_bytes",
    kind: "gauge",
    help: "Bytes of the entries in the cache as recorded: files that entries share count several times.",
    labels: &["repository", "layer"],
};
const LAST_USE: Metric = Metric {
    name: "runner_cache_last_use_timestamp_seconds",
    kind: "gauge",
    help: "When an entry was made or restored last, in seconds since 1970.",
    labels: &["repository", "layer"],
};
const DISK_SIZE: Metric = Metric {
    name: "runner_cache_disk_size_bytes",
    kind: "gauge",
    help: "Size of the file system of the cache.",
    labels: &[],
};
const DISK_FREE: Metric = Metric {
    name: "runner_cache_disk_free_bytes",
    kind: "gauge",
    help: "Free space on the file system of the cache.",
    labels: &[],
};
const DISK_INODES_FREE: Metric = Metric {
    name: "runner_cache_disk_free_inodes",
    kind: "gauge",
    help: "Free inodes on the file system of the cache; 0 where it makes them as needed.",
    labels: &[],
};
const BUILD_INFO: Metric = Metric {
    name: "runner_cache_build_info",
    kind: "gauge",
    help: "The version of runner-cache, with the value 1.",
    labels: &["version"],
};

/// The values of one metric by those of its labels.
type Values = BTreeMap<Vec<String>, f64>;

#[derive(Default)]
struct Collected(BTreeMap<&'static str, Values>);

impl Collected {
    fn add(&mut self, metric: Metric, labels: &[&str], value: f64) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        *self.0.entry(metric.name).or_default().entry(labels).or_default() += value;
    }
}

/// All metrics of a host.
pub(super) fn metrics(outcome: &StatsOutcome) -> String {
    let mut all = Collected::default();
    for total in &outcome.totals {
        let of_job = total.family.as_ref().map(|family| {
            [family.repository.as_str(), family.job.as_deref().unwrap_or("local"), family.layer.name()]
        });
        let (bytes, number, outcome) = (total.bytes as f64, total.number as f64, total.outcome.as_str());
        match (total.kind.as_str(), of_job) {
            ("restore", Some(job)) => {
                all.add(LOOKUPS, &[job[0], job[1], job[2], outcome], total.events as f64);
                all.add(RESTORED_FILES, &job, number);
                all.add(RESTORED_BYTES, &job, bytes);
                all.add(RESTORE_SECONDS, &job, total.seconds);
            }
            ("save", Some(job)) => {
                all.add(SAVES, &[job[0], job[1], job[2], outcome], total.events as f64);
                all.add(SAVED_BYTES, &job, bytes);
                all.add(SAVE_SECONDS, &job, total.seconds);
                all.add(JOB_SECONDS_SAVED, &job, total.saved_seconds);
                all.add(JOB_SECONDS_LOST, &job, total.lost_seconds);
            }
            ("eviction", Some(job)) => {
                all.add(EVICTED_ENTRIES, &[job[0], job[2], outcome], number);
                all.add(EVICTED_BYTES, &[job[0], job[2], outcome], bytes);
            }
            ("damage", _) => all.add(DAMAGED_ENTRIES, &[], number),
            ("guard", _) => all.add(DISK_GUARD_ACTIONS, &[outcome], total.events as f64),
            _ => {}
        }
    }
    // What never happened is a counter that stands at 0: without it no rate is seen of what happens first.
    all.add(DAMAGED_ENTRIES, &[], 0.0);
    for outcome in ["freed", "short"] {
        all.add(DISK_GUARD_ACTIONS, &[outcome], 0.0);
    }
    for stored in &outcome.stored {
        let labels = [stored.repository.as_str(), stored.layer.name()];
        all.add(ENTRIES, &labels, stored.entries as f64);
        all.add(ENTRY_BYTES, &labels, stored.bytes as f64);
        all.add(LAST_USE, &labels, stored.last_used.as_second() as f64);
    }
    if let Some(disk) = outcome.disk {
        all.add(DISK_SIZE, &[], disk.bytes as f64);
        all.add(DISK_FREE, &[], disk.free_bytes as f64);
        all.add(DISK_INODES_FREE, &[], disk.free_inodes as f64);
    }
    all.add(BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    exposition(&all)
}

fn exposition(all: &Collected) -> String {
    let mut text = String::new();
    for Metric { name, kind, help, labels } in METRICS {
        let Some(values) = all.0.get(name) else { continue };
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (of, value) in values {
            let labels: Vec<_> =
                labels.iter().zip(of).map(|(label, of)| format!("{label}=\"{}\"", escaped(of))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    text
}

/// A label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
