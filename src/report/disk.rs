//! What was done about the disk, and what takes it.

use std::fmt::Write as _;

use super::figures::{bytes, count, entries};
use crate::store::retention::{MinFree, Shortage};
use crate::sys::Space;

/// What cleaning up did.
#[derive(Debug, Clone, Copy)]
pub struct CleanReport {
    /// Entries that went.
    pub evicted: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
    /// The disk of the root before.
    pub before: Space,
    /// And after.
    pub after: Space,
    /// What is still missing there.
    pub shortage: Shortage,
}

/// A disk that was too full.
#[derive(Debug)]
pub struct DiskReport {
    /// What of ours lies on it.
    pub names: Vec<&'static str>,
    /// How it was.
    pub before: Space,
    /// How it is.
    pub after: Space,
    /// What was to be free.
    pub min_free: MinFree,
    /// Entries that went for it.
    pub evicted: u64,
    /// Where there is too little all the same: what takes the most.
    pub largest: Vec<Large>,
}

/// Something large.
#[derive(Debug)]
pub struct Large {
    /// What.
    pub what: String,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
}

impl DiskReport {
    /// The report for the log.
    pub fn text(&self) -> String {
        let mut text = format!(
            "the disk of {} had {} free, and `min-free` is {}",
            listed(&self.names),
            free(self.before),
            min_free(self.min_free)
        );
        if self.evicted > 0 {
            let plural = if self.evicted == 1 { "y" } else { "ies" };
            let _ =
                write!(text, ": {} entr{plural} evicted, now {} free", count(self.evicted), free(self.after));
        }
        if !self.largest.is_empty() {
            text.push_str("; this is still too little. What takes the most:");
            for large in &self.largest {
                let _ = write!(text, "\n  {:>10}  {}", bytes(large.bytes), large.what);
            }
        }
        text
    }
}

/// What cleaning up did, in words.
pub fn clean_text(report: &CleanReport) -> String {
    let CleanReport { evicted, bytes: size, before, after, shortage } = report;
    let mut text = format!(
        "{} removed, {} as recorded\nfree before: {}\nfree after:  {}",
        entries(*evicted),
        bytes(*size),
        free(*before),
        free(*after)
    );
    if !shortage.is_none() {
        let _ =
            write!(text, "\nstill missing: {} and {} inodes", bytes(shortage.bytes), count(shortage.inodes));
    }
    text
}

/// What is free, in bytes and in inodes where these are scarce.
fn free(space: Space) -> String {
    let percent = |free: u64, all: u64| free as f64 * 100.0 / all.max(1) as f64;
    let mut text = format!(
        "{} of {} ({:.1} %)",
        bytes(space.free_bytes),
        bytes(space.bytes),
        percent(space.free_bytes, space.bytes)
    );
    let inodes = percent(space.free_inodes, space.inodes);
    if space.inodes > 0 && inodes < 20.0 {
        let _ = write!(text, " and {} inodes ({inodes:.1} %)", count(space.free_inodes));
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The limit as the user would write it.
pub fn min_free(min_free: MinFree) -> String {
    match min_free {
        MinFree::Bytes(size) => bytes(size),
        MinFree::Percent(percent) => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(free_bytes: u64, free_inodes: u64) -> Space {
        Space { bytes: 100_000_000_000, free_bytes, inodes: 1000, free_inodes, device: 1 }
    }

    #[test]
    fn a_full_disk_is_told_with_what_takes_it() {
        let report = DiskReport {
            names: vec!["the cache root", "the workspace"],
            before: space(1_000_000_000, 900),
            after: space(2_000_000_000, 50),
            min_free: MinFree::Percent(5.0),
            evicted: 1,
            largest: vec![Large { what: "target k of o/r".into(), bytes: 3_000_000_000 }],
        };
        assert_eq!(
            report.text(),
            "the disk of the cache root and the workspace had 1 GB of 100 GB (1.0 %) free, and `min-free` is 5 %: 1 entry \
             evicted, now 2 GB of 100 GB (2.0 %) and 50 inodes (5.0 %) free; this is still too little. What takes the \
             most:\n        3 GB  target k of o/r"
        );
    }
}
